package records_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"sluice/ingest"
	"sluice/ingest/records"
	"sluice/internal/lake"
)

type recordsConfig = records.Config

type appenderFunc func(context.Context, string, lake.Block) error

func (f appenderFunc) Append(ctx context.Context, stream string, b lake.Block) error {
	return f(ctx, stream, b)
}

type fullError struct{}

func (fullError) Error() string { return "full" }
func (fullError) Full() (string, time.Duration) {
	return "the logs hold 10 GiB of 10", 1500 * time.Millisecond
}

// When an append fails, the blocks before it stay, and the answer says from
// which record to send again; sending that stores each record once.
func TestAppendFails(t *testing.T) {
	var body strings.Builder
	const n = 300
	for i := range n {
		if i%50 == 7 {
			body.WriteString("x\n")
			continue
		}
		fmt.Fprintf(&body, "{\"n\":%d,\"s\":%q}\n", i, strings.Repeat("y", 12_000)) // 3.5 MB
	}
	lines := strings.SplitAfter(body.String(), "\n")
	for _, c := range []struct {
		err    error
		status int
		code   string
		retry  string
		blocks int // tried
	}{
		{fmt.Errorf("append: %w", fullError{}), 503, ingest.CodeFull, "2", 4},
		{errors.New("disk on fire"), 500, ingest.CodeAppendFailed, "", 2},
		{context.DeadlineExceeded, 503, ingest.CodeOverloaded, "1", 2},
		{context.Canceled, 503, ingest.CodeClientGone, "1", 2}, // never a 200 by silence
	} {
		for at := range c.blocks {
			s := newServer(t)
			s.log.before = func(n int) error {
				if n == at {
					return c.err
				}
				return nil
			}
			a := s.post(t, strings.NewReader(body.String()))
			checkAnswer(t, a, s.log.lines())
			if a.status != c.status || a.Error.Code != c.code || a.header.Get("Retry-After") != c.retry || strings.Contains(a.raw, "fire") {
				t.Fatalf("append %d: %d %.300s", at, a.status, a.raw)
			}
			if a.ResumeFrom == nil || *a.ResumeFrom != a.Accepted+len(a.Rejected) || (at == 0) != (a.Accepted == 0) {
				t.Fatalf("append %d: %.300s", at, a.raw)
			}
			rest := s.post(t, strings.NewReader(strings.Join(lines[*a.ResumeFrom:], "")))
			if rest.status != 200 || a.Accepted+rest.Accepted != n-6 || len(a.Rejected)+len(rest.Rejected) != 6 {
				t.Fatalf("append %d: then %d %.300s", at, rest.status, rest.raw)
			}
			if want, _ := byLines(body.String()); cmp.Diff(want, s.log.lines()) != "" {
				t.Fatalf("append %d: not every record is stored once and in order", at)
			}
		}
	}
}

// Nothing is acknowledged before Append has returned.
func TestAnswerWaitsForAppend(t *testing.T) {
	appending, stored := make(chan struct{}), make(chan struct{})
	s := newServer(t, func(cfg *recordsConfig) {
		cfg.Appender = appenderFunc(func(context.Context, string, lake.Block) error {
			close(appending)
			<-stored
			return nil
		})
	})
	w := httptest.NewRecorder()
	done := make(chan struct{})
	go func() {
		s.ServeHTTP(w, httptest.NewRequest("POST", "/v1/streams/s/records", strings.NewReader("{}")))
		close(done)
	}()
	<-appending
	select {
	case <-done:
		t.Error("answered before the record was stored")
	default:
	}
	if w.Body.Len() != 0 {
		t.Errorf("began the answer: %s", w.Body)
	}
	close(stored)
	<-done
	if got := w.Body.String(); got != `{"accepted":1,"rejected":[]}`+"\n" {
		t.Errorf("answer %q", got)
	}
}

func TestStreamNames(t *testing.T) {
	s := newServer(t, func(cfg *recordsConfig) {
		cfg.Policy = policy(func(name string) bool { return name != "unknown" })
	})
	for path, status := range map[string]int{
		"s": 200, "a-b_c.D9": 200, strings.Repeat("x", 64): 200, "...": 200, ".hidden": 200,
		strings.Repeat("x", 65): 400, "a%2Fb": 400, "a%20b": 400, "%2e%2e": 400, "%2e": 400, "%C3%A9": 400, "a%00": 400, "a:b": 400,
		"unknown": 404,
	} {
		for _, action := range []string{"records", "flush"} {
			r := httptest.NewRequest("POST", "/v1/streams/"+path+"/"+action, strings.NewReader("{}"))
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if action == "flush" && status == 200 {
				continue
			}
			if w.Code != status && (w.Code != 307 && w.Code != 301 || !strings.HasPrefix(path, "%2e")) {
				t.Errorf("%s/%s: %d %s", path, action, w.Code, w.Body)
			}
			if path == "unknown" && !strings.Contains(w.Body.String(), "auto_create") {
				t.Errorf("%s does not say what to do", w.Body)
			}
		}
	}
	if len(s.log.data) != 5 {
		t.Errorf("%d streams were appended to", len(s.log.data))
	}
}

func TestMethods(t *testing.T) {
	s := newServer(t)
	for _, c := range []struct{ method, path, allow string }{
		{"GET", "/v1/streams/s/records", "POST"}, {"PUT", "/v1/streams/s/records", "POST"}, {"GET", "/v1/streams/s/flush", "POST"},
		{"POST", "/v1/streams", "GET"}, {"DELETE", "/v1/streams/s", "GET"},
	} {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != 405 || w.Header().Get("Allow") != c.allow || !strings.HasPrefix(w.Body.String(), `{"error":{"code":"method_not_allowed"`) {
			t.Errorf("%s %s: %d, Allow %q, %s", c.method, c.path, w.Code, w.Header().Get("Allow"), w.Body)
		}
	}
}

type fakeStreams struct {
	state records.StreamState
	err   error
}

func (f fakeStreams) Streams() []records.StreamState { return []records.StreamState{f.state} }
func (f fakeStreams) Stream(name string) (records.StreamState, bool) {
	return f.state, name == f.state.Name
}
func (f fakeStreams) Flush(_ context.Context, stream string) (records.FlushResult, error) {
	return records.FlushResult{Batches: 2, Records: 10, Files: 3, Table: "default." + stream}, f.err
}

func TestStreams(t *testing.T) {
	at := time.Date(2026, 1, 31, 23, 59, 59, 5e8, time.UTC)
	f := fakeStreams{state: records.StreamState{Name: "s", Table: "default.s", BufferedRecords: 3, BufferedBytes: 33, HeldRecords: 2, HeldBytes: 700, OldestArrival: &at,
		OpenBatches: 1, SealedBatches: 2, Accepted: 10, Delivered: 6, Failed: 1, LastError: "no such bucket"}}
	state := `{"name":"s","table":"default.s","buffered_records":3,"buffered_bytes":33,"held_records":2,"held_bytes":700,"oldest_arrival":"2026-01-31T23:59:59.5Z",` +
		`"open_batches":1,"sealed_batches":2,"accepted":10,"delivered":6,"failed":1,"filtered":0,"deduplicated":0,"last_delivery":null,"last_error":"no such bucket"}`
	for _, c := range []struct {
		method, path string
		err          error
		status       int
		want         string
	}{
		{"GET", "/v1/streams", nil, 200, `{"streams":[` + state + `]}`},
		{"GET", "/v1/streams/s", nil, 200, state},
		{"GET", "/v1/streams/t", nil, 404, `{"error":{"code":"unknown_stream","message":"there is no stream \"t\"; GET /v1/streams lists those there are"}}`},
		{"POST", "/v1/streams/s/flush", nil, 200, `{"batches":2,"records":10,"files":3,"table":"default.s"}`},
		{"POST", "/v1/streams/s/flush", errors.New("no such bucket"), 503,
			`{"error":{"code":"flush_failed","message":"stream s is not delivered yet, its records stay buffered: no such bucket"}}`},
	} {
		f.err = c.err
		s := newServer(t, func(cfg *recordsConfig) { cfg.Streams, cfg.Flusher = f, f })
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || w.Body.String() != c.want+"\n" {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	w := httptest.NewRecorder()
	newServer(t).ServeHTTP(w, httptest.NewRequest("GET", "/v1/streams", nil))
	if w.Body.String() != "{\"streams\":[]}\n" {
		t.Errorf("no streams: %s", w.Body)
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	s := newServer(t, func(cfg *recordsConfig) {
		cfg.Metrics = ingest.NewMetrics(reg, cfg.Memory)
		cfg.Policy = policy(func(name string) bool { return name == "s" })
	})
	s.post(t, strings.NewReader("{\"a\":1}\n1\nx\n{}\n"+record(ingest.MaxRecord+1)))
	s.post(t, strings.NewReader("[{}"))
	s.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("POST", "/v1/streams/other/records", strings.NewReader("{}")))
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetName() + "=" + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"sluice_ingest_bytes_total stream=s":                                      14,
		"sluice_ingest_records_total stream=s":                                    3,
		"sluice_ingest_rejected_records_total reason=malformed receiver=records":  1,
		"sluice_ingest_rejected_records_total reason=not_object receiver=records": 1,
		"sluice_ingest_rejected_records_total reason=too_large receiver=records":  1,
		"sluice_ingest_rejected_records_total reason=unread receiver=records":     1,
		"sluice_ingest_requests_total code=200 receiver=records":                  1,
		"sluice_ingest_requests_total code=400 receiver=records":                  1,
		"sluice_ingest_requests_total code=404 receiver=records":                  1,
		"sluice_ingest_request_seconds receiver=records":                          3,
		"sluice_ingest_memory_bytes":                                              0,
		"sluice_ingest_memory_limit_bytes":                                        ingest.MinMemory,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
