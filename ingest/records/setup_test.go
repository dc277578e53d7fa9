package records_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/ingest"
	"sluice/ingest/records"
	"sluice/internal/lake"
)

// memLog is an Appender that checks what it is given against lake.Block's
// promise and remembers it.
type memLog struct {
	t      testing.TB
	before func(n int) error // called before the nth append

	mu      sync.Mutex
	appends int
	data    map[string][]byte
	largest int
}

func (l *memLog) Append(ctx context.Context, stream string, b lake.Block) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.appends
	l.appends++
	if l.before != nil {
		if err := l.before(n); err != nil {
			return err
		}
	}
	if err := checkBlock(b); err != nil {
		l.t.Errorf("append %d: %v", n, err)
	}
	if l.data == nil {
		l.data = map[string][]byte{}
	}
	l.data[stream] = append(l.data[stream], b.Data...)
	l.largest = max(l.largest, len(b.Data))
	return nil
}

func checkBlock(b lake.Block) error {
	if b.Records < 1 || bytes.Count(b.Data, []byte{'\n'}) != b.Records || !bytes.HasSuffix(b.Data, []byte{'\n'}) {
		return fmt.Errorf("%d records in %d lines", b.Records, bytes.Count(b.Data, []byte{'\n'}))
	}
	if b.Arrival.IsZero() || b.Arrival.Location() != time.UTC || b.Arrival.Nanosecond()%1e6 != 0 {
		return fmt.Errorf("arrival %v is not UTC to the millisecond", b.Arrival)
	}
	for line := range bytes.Lines(b.Data) {
		rec := line[:len(line)-1]
		if len(rec) == 0 || rec[0] != '{' || rec[len(rec)-1] != '}' || len(rec) > ingest.MaxRecord || !json.Valid(rec) || !utf8.Valid(rec) {
			return fmt.Errorf("not a record: %d bytes, %.100q", len(rec), rec)
		}
	}
	return nil
}

// lines are the records of stream s.
func (l *memLog) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.data["s"]) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(l.data["s"]), "\n"), "\n")
}

type policy func(string) bool

func (p policy) Known(s string) bool { return p(s) }

type noStreams struct{}

func (noStreams) Streams() []records.StreamState                { return nil }
func (noStreams) Stream(string) (s records.StreamState, _ bool) { return s, false }
func (noStreams) Flush(context.Context, string) (r records.FlushResult, _ error) {
	return r, errors.New("unused")
}

const maxBody = 6 << 20

// server is the handler under test with what it works on.
type server struct {
	http.Handler
	log *memLog
	mem *ingest.Memory
}

func newServer(t testing.TB, change ...func(*records.Config)) *server {
	mem, err := ingest.NewMemory(ingest.MinMemory, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{log: &memLog{t: t}, mem: mem}
	cfg := records.Config{Appender: s.log, Policy: policy(func(string) bool { return true }), Flusher: noStreams{},
		Streams: noStreams{}, Memory: mem, Metrics: ingest.NewMetrics(nil, nil), MaxBody: maxBody}
	for _, c := range change {
		c(&cfg)
	}
	h, err := records.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Register(mux)
	s.Handler = mux
	t.Cleanup(func() {
		if n := mem.InUse(); n != 0 {
			t.Errorf("%d bytes of memory are still held", n)
		}
	})
	return s
}

// answer is what a POST of records is answered with.
type answer struct {
	status        int
	header        http.Header
	raw           string
	Accepted      int
	Rejected      []rejection
	RejectedTotal int  `json:"rejected_total"`
	ResumeFrom    *int `json:"resume_from"`
	Error         struct{ Code, Message string }
}

type rejection struct {
	Index int
	Error string
}

func (a answer) indexes() []int {
	var ns []int
	for _, r := range a.Rejected {
		ns = append(ns, r.Index)
	}
	return ns
}

func (s *server) post(t testing.TB, body io.Reader, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/streams/s/records", body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return readAnswer(t, w.Result())
}

func readAnswer(t testing.TB, resp *http.Response) answer {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("read the answer: %v", err)
	}
	a := answer{status: resp.StatusCode, header: resp.Header, raw: string(body)}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatalf("the answer is no JSON: %v: %q", err, body)
	}
	if resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the answer's type is %q", resp.Header.Get("Content-Type"))
	}
	return a
}

// post sends a body to a new server and checks that the answer adds up.
func post(t testing.TB, body io.Reader, header ...string) (answer, []string) {
	t.Helper()
	s := newServer(t)
	a := s.post(t, body, header...)
	lines := s.log.lines()
	checkAnswer(t, a, lines)
	return a, lines
}

// checkAnswer checks what holds for any body.
func checkAnswer(t testing.TB, a answer, stored []string) {
	t.Helper()
	if a.Accepted != len(stored) {
		t.Errorf("%d accepted, %d stored", a.Accepted, len(stored))
	}
	last := -1
	for _, r := range a.Rejected {
		if r.Index <= last || r.Error == "" {
			t.Errorf("rejection %+v after index %d", r, last)
		}
		last = r.Index
	}
	if total := a.Accepted + max(len(a.Rejected), a.RejectedTotal); a.RejectedTotal == 0 && last >= total {
		t.Errorf("index %d of %d records", last, total)
	}
	if a.status == 200 && (a.Error.Code != "" || a.Accepted == 0 && len(a.Rejected) > 0) || a.status != 200 && a.Error.Code == "" {
		t.Errorf("status %d and %.300s", a.status, a.raw)
	}
}

// chopped reads r in pieces of random size.
type chopped struct {
	r   io.Reader
	rnd *rand.Rand
	max int
}

func (c *chopped) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), 1+c.rnd.IntN(c.max))])
}

var discardLog = slog.New(slog.DiscardHandler)
