package segment_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/configs"
	"sluice/ingest"
	"sluice/ingest/access"
	"sluice/ingest/segment"
	"sluice/internal/lake"
)

// memLog is an Appender that checks what it is given and remembers it.
type memLog struct {
	t    testing.TB
	fail func(stream string) error // called before each append

	mu   sync.Mutex
	data map[string][]byte
}

func (l *memLog) Append(_ context.Context, stream string, b lake.Block) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.fail != nil {
		if err := l.fail(stream); err != nil {
			return err
		}
	}
	if err := checkBlock(b); err != nil {
		l.t.Errorf("append to %s: %v", stream, err)
	}
	if !ingest.ValidStream(stream) {
		l.t.Errorf("append to the stream %q", stream)
	}
	if l.data == nil {
		l.data = map[string][]byte{}
	}
	l.data[stream] = append(l.data[stream], b.Data...)
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
			return fmt.Errorf("not a record: %d bytes, %.200q", len(rec), rec)
		}
	}
	return nil
}

// lines are the records of a stream.
func (l *memLog) lines(stream string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.data[stream]) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(l.data[stream]), "\n"), "\n")
}

// streams are the names of those that took records.
func (l *memLog) streams() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for name := range l.data {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

type policy func(string) bool

func (p policy) Known(s string) bool { return p(s) }

// server is the handler under test with what it works on.
type server struct {
	http.Handler
	log *memLog
	mem *ingest.Memory
}

func newServer(t testing.TB, change ...func(*segment.Config)) *server {
	t.Helper()
	mem, err := ingest.NewMemory(ingest.MinMemory, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{log: &memLog{t: t}, mem: mem}
	cfg := segment.Config{Appender: s.log, Policy: policy(func(string) bool { return true }), Memory: mem, Metrics: ingest.NewMetrics(nil, nil),
		Source: "web", Stream: "segment", Tables: segment.OneTable,
		MaxEvent: 32 << 10, MaxBatch: 500 << 10, MaxEvents: 2500, Origins: "*"}
	for _, c := range change {
		c(&cfg)
	}
	h, err := segment.New(cfg)
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

// answer is what a request is answered with.
type answer struct {
	status        int
	header        http.Header
	raw           string
	Success       bool
	Code, Message string
	Rejected      []struct {
		Index int
		Error string
	}
	RejectedTotal int `json:"rejected_total"`
}

func (s *server) do(t testing.TB, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("the answer is no JSON: %v: %q", err, a.raw)
		}
		if a.status != 405 && (a.Success != (a.status == 200) || (a.Code != "") != (a.status != 200)) {
			t.Errorf("status %d and %s", a.status, a.raw)
		}
	}
	return a
}

func (s *server) post(t testing.TB, path, body string, header ...string) answer {
	t.Helper()
	return s.do(t, "POST", path, strings.NewReader(body), header...)
}

// guard knows write keys and their sources.
func guard(t *testing.T, sources map[string]string, change ...func(*configs.Key)) *access.Guard {
	t.Helper()
	keys := map[string]configs.Key{}
	for key, source := range sources {
		k := configs.Key{SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte(key))), Source: source}
		for _, c := range change {
			c(&k)
		}
		keys[source] = k
	}
	g, err := access.New(access.Config{Keys: keys})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

type full struct{}

func (full) Error() string                 { return "full" }
func (full) Full() (string, time.Duration) { return "no room", 3 * time.Second }
func wantRecords(t *testing.T, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("stored\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
