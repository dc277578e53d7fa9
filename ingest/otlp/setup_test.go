package otlp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/ingest"
	"sluice/ingest/otlp"
	"sluice/internal/lake"
)

// memLog is an Appender that checks what it is given and remembers it.
type memLog struct {
	t    testing.TB
	fail func() error
	data []byte
}

func (l *memLog) Append(_ context.Context, stream string, b lake.Block) error {
	if l.fail != nil {
		if err := l.fail(); err != nil {
			return err
		}
	}
	if err := checkBlock(b); err != nil || stream != "logs" {
		l.t.Errorf("append to %s: %v", stream, err)
	}
	l.data = append(l.data, b.Data...)
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
			return fmt.Errorf("not a record: %d bytes, %.300q", len(rec), rec)
		}
	}
	return nil
}

func (l *memLog) lines() []string {
	if len(l.data) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(l.data), "\n"), "\n")
}

type policy func(string) bool

func (p policy) Known(s string) bool { return p(s) }

type server struct {
	http.Handler
	log *memLog
}

func newServer(t testing.TB, change ...func(*otlp.Config)) *server {
	t.Helper()
	mem, err := ingest.NewMemory(32<<20, time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{log: &memLog{t: t}}
	cfg := otlp.Config{Appender: s.log, Policy: policy(func(string) bool { return true }), Memory: mem, Metrics: ingest.NewMetrics(nil, nil),
		Stream: "logs", Mapped: true, MaxBody: 4 << 20}
	for _, c := range change {
		c(&cfg)
	}
	h, err := otlp.New(cfg)
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

const (
	protoType = "application/x-protobuf"
	jsonType  = "application/json"
)

func (s *server) post(t testing.TB, body io.Reader, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", "/v1/logs", body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}
