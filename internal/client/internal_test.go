package client

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	for v := uint64(0); v < 1<<20; v += 1 + v/100 {
		b := bucketOf(v)
		if end := endOf(b); end < v || end > v+v/32 || bucketOf(end) != b || bucketOf(end+1) != b+1 {
			t.Fatalf("%d is in bucket %d, which ends at %d", v, b, end)
		}
	}
	var h histogram
	if got := h.quantile(0.5); got != 0 {
		t.Errorf("median of nothing: %v", got)
	}
	var all []time.Duration
	r := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		d := time.Duration(r.ExpFloat64()*5000) * time.Microsecond
		h.add(d)
		all = append(all, d)
	}
	h.add(1<<63 - 1) // does not panic
	slices.Sort(all)
	for _, q := range []float64{0.01, 0.5, 0.95, 0.99} {
		want := all[int(q*10_000)]
		if got := h.quantile(q); got < want*96/100 || got > want*104/100 {
			t.Errorf("quantile %v: %v, want about %v", q, got, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": 0, "3": 3 * time.Second, "-1": 0, "soon": 0,
		"Sat, 31 Jan 2026 12:00:09 GMT": 9 * time.Second, "Sat, 31 Jan 2026 11:00:00 GMT": 0,
	} {
		if got := retryAfter(http.Header{"Retry-After": {header}}, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestBackoff(t *testing.T) {
	var b backoff
	for i := range 30 {
		most := min(firstWait<<min(i, 20), longWait)
		if d := b.next(0); d < most/2 || d > most {
			t.Errorf("wait %d is %v, want %v to %v", i, d, most/2, most)
		}
	}
	if d := b.next(24 * time.Hour); d > longestAsked+firstWait {
		t.Errorf("waits %v because it was asked for a day", d)
	}
}

func TestOffsetOf(t *testing.T) {
	const body = " {\"a\":1}\n\n{\"a\":2}{\"a\":3} x {\"a\":4}\r\n[1]\n{\"a\":5}"
	for k, want := range []string{`{"a":1}`, `{"a":2}`, `{"a":3}`, `x {"a":4}`, `[1]`, `{"a":5}`, ``} {
		at, ok := offsetOf([]byte(body), int64(k))
		if !ok || !strings.HasPrefix(body[at:], want) || want == "" && at != len(body) {
			t.Errorf("record %d at %d, %v", k, at, ok)
		}
	}
	if _, ok := offsetOf([]byte(body), 7); ok {
		t.Error("there is an eighth record")
	}
	large := `{"a":"` + strings.Repeat("x", maxRecord) + "\"}\n{}"
	if _, ok := offsetOf([]byte(large), 1); ok {
		t.Error("a count over an oversized record is trusted")
	}
}
