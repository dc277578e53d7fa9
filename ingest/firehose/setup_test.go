package firehose_test

import (
	"bytes"
	"context"
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

	"sluice/ingest"
	"sluice/ingest/firehose"
	"sluice/internal/lake"
)

// memLog is an Appender that checks what it is given against lake.Block's promise
// and remembers it.
type memLog struct {
	t      testing.TB
	before func(n int) error // called before the nth append

	mu      sync.Mutex
	appends int
	lines   map[string][]string
	attrs   [][]byte
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
	if l.lines == nil {
		l.lines = map[string][]string{}
	}
	if b.Records < 1 || bytes.Count(b.Data, []byte{'\n'}) != b.Records || !bytes.HasSuffix(b.Data, []byte{'\n'}) {
		l.t.Errorf("append %d: %d records in %d lines", n, b.Records, bytes.Count(b.Data, []byte{'\n'}))
	}
	if b.Arrival.IsZero() || b.Arrival.Location() != time.UTC || b.Arrival.Nanosecond()%1e6 != 0 {
		l.t.Errorf("append %d: arrival %v is not UTC to the millisecond", n, b.Arrival)
	}
	for line := range bytes.Lines(b.Data) {
		record := line[:len(line)-1]
		if lake.IsMalformed(record) {
			record = append([]byte("malformed: "), lake.DecodeMalformed(nil, record)...)
		} else if record[0] != '{' || !json.Valid(record) || !utf8.Valid(record) || len(record) > ingest.MaxRecord {
			l.t.Errorf("append %d: not a record: %.100q", n, record)
		}
		l.lines[stream] = append(l.lines[stream], string(record))
	}
	l.attrs = append(l.attrs, slices.Clone(b.Attrs))
	return nil
}

// of are the records of a stream, what is none marked.
func (l *memLog) of(stream string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lines[stream])
}

type policy func(string) bool

func (p policy) Known(s string) bool { return p(s) }

const maxBody = 64 << 20

// server is the handler under test with what it works on.
type server struct {
	http.Handler
	t   testing.TB
	log *memLog
	mem *ingest.Memory
}

func newServer(t testing.TB, change ...func(*firehose.Config)) *server {
	mem, err := ingest.NewMemory(ingest.MinMemory, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, log: &memLog{t: t}, mem: mem}
	cfg := firehose.Config{Appender: s.log, Policy: policy(func(s string) bool { return s != "unknown" }), Memory: mem,
		Metrics: ingest.NewMetrics(nil, nil), MaxBody: maxBody}
	for _, c := range change {
		c(&cfg)
	}
	h, err := firehose.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/", h)
	h.Register(mux)
	s.Handler = mux
	t.Cleanup(func() {
		if n := mem.InUse(); n != 0 {
			t.Errorf("%d bytes of memory are still held", n)
		}
	})
	return s
}

// answer is what an operation is answered with.
type answer struct {
	status int
	header http.Header
	raw    string

	Type             string `json:"__type"`
	Message          string
	RecordID         string `json:"RecordId"`
	Encrypted        *bool
	FailedPutCount   *int
	RequestResponses []struct {
		RecordID     string `json:"RecordId"`
		ErrorCode    string
		ErrorMessage string
	}
}

func (s *server) call(op string, body io.Reader, header ...string) answer {
	s.t.Helper()
	r := httptest.NewRequest("POST", "/", body)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "Firehose_20150804."+op)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return s.read(w)
}

func (s *server) read(w *httptest.ResponseRecorder) answer {
	s.t.Helper()
	a := answer{status: w.Code, header: w.Header(), raw: w.Body.String()}
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		s.t.Fatalf("the answer is no JSON: %v: %q", err, w.Body)
	}
	if a.header.Get("Content-Type") != "application/x-amz-json-1.1" || a.header.Get("X-Amzn-Requestid") == "" {
		s.t.Errorf("headers %v", a.header)
	}
	if a.status != 200 && (a.Type == "" || a.Message == "" || a.header.Get("X-Amzn-ErrorType") != a.Type) {
		s.t.Errorf("error %d %s", a.status, a.raw)
	}
	return a
}

// batchOf is the body of a PutRecordBatch of these data.
func batchOf(stream string, data ...string) io.Reader {
	type record struct{ Data []byte }
	req := struct {
		DeliveryStreamName string
		Records            []record
	}{stream, []record{}}
	for _, d := range data {
		req.Records = append(req.Records, record{[]byte(d)})
	}
	b, err := json.Marshal(req)
	if err != nil {
		panic(err)
	}
	return bytes.NewReader(b)
}

func recordOf(stream, data string) io.Reader {
	return strings.NewReader(fmt.Sprintf(`{"DeliveryStreamName":%q,"Record":{"Data":%q}}`, stream, encode(data)))
}
