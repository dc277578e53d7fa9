package client

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/progress"
)

// maxRejections is how many rejections a Summary names.
const maxRejections = 10

// A Summary is what became of what a Sender sent.
type Summary struct {
	Stream           string  `json:"stream"`
	Requests         int64   `json:"requests"` // answered for good
	Accepted         int64   `json:"accepted"` // records
	Rejected         int64   `json:"rejected"`
	Bytes            int64   `json:"bytes"` // of the lines that were answered for good
	Seconds          float64 `json:"seconds"`
	RecordsPerSecond float64 `json:"records_per_second"`
	BytesPerSecond   float64 `json:"bytes_per_second"`
	Latency          Latency `json:"latency_ms"`
	Retries          Retries `json:"retries"`
	// Uncertain counts the requests, or parts of one, that were sent again
	// without knowing whether they had been stored.
	Uncertain int64 `json:"uncertain"`
	// Rejections are those of the first lines.
	Rejections []Rejection `json:"rejections"`
}

// Latency is how long answers took, from the first byte sent to the last one
// received, in milliseconds. Attempts that were sent again do not count.
type Latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// Retries counts attempts that were made again, by why.
type Retries struct {
	Busy         int64 `json:"busy"`         // 429, 503
	Failed       int64 `json:"failed"`       // other answers from 500 on, and 408
	Disconnected int64 `json:"disconnected"` // no answer
}

// A Rejection says why a line was not accepted.
type Rejection struct {
	Line  int64  `json:"line"` // of the input, from 1
	Error string `json:"error"`
}

// String tells a person the summary, on several lines.
func (s Summary) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d records accepted, %d rejected; %s in %.1f s: %.0f records/s, %s/s\n", s.Stream, s.Accepted, s.Rejected,
		progress.Bytes(s.Bytes), s.Seconds, s.RecordsPerSecond, progress.Bytes(int64(s.BytesPerSecond)))
	fmt.Fprintf(&b, "%d requests; latency p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.1f ms\n",
		s.Requests, s.Latency.P50, s.Latency.P95, s.Latency.P99, s.Latency.Max)
	if r := s.Retries; r != (Retries{}) {
		fmt.Fprintf(&b, "sent again: %d times because the server was busy, %d after it failed, %d without an answer\n", r.Busy, r.Failed, r.Disconnected)
	}
	if s.Uncertain > 0 {
		fmt.Fprintf(&b, "%d of these may have been stored the first time too: their records may be there twice\n", s.Uncertain)
	}
	for _, r := range s.Rejections {
		fmt.Fprintf(&b, "line %d rejected: %s\n", r.Line, r.Error)
	}
	if more := s.Rejected - int64(len(s.Rejections)); more > 0 && len(s.Rejections) > 0 {
		fmt.Fprintf(&b, "and %d more rejected\n", more)
	}
	return b.String()
}

// A tally gathers a Summary from several connections.
type tally struct {
	mu      sync.Mutex // guards what follows
	sum     Summary
	latency histogram
}

// update changes the summary under the lock.
func (t *tally) update(change func(s *Summary)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.sum)
}

// answered counts a final answer.
func (t *tally) answered(took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.sum.Requests++
	t.latency.add(took)
}

// reject names a rejection, if it is among those of the first lines. Counting it
// is up to the caller.
func (t *tally) reject(line int64, text string) {
	t.update(func(s *Summary) {
		at, _ := slices.BinarySearchFunc(s.Rejections, line, func(r Rejection, line int64) int { return int(min(max(r.Line-line, -1), 1)) })
		if at < maxRejections {
			s.Rejections = slices.Insert(s.Rejections, at, Rejection{line, text})
			s.Rejections = s.Rejections[:min(len(s.Rejections), maxRejections)]
		}
	})
}

// summary is the summary after so long.
func (t *tally) summary(elapsed time.Duration) Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.sum
	s.Rejections = slices.Clone(s.Rejections)
	s.Seconds = elapsed.Seconds()
	if s.Seconds > 0 {
		s.RecordsPerSecond = float64(s.Accepted) / s.Seconds
		s.BytesPerSecond = float64(s.Bytes) / s.Seconds
	}
	ms := func(q float64) float64 { return float64(t.latency.quantile(q).Microseconds()) / 1000 }
	s.Latency = Latency{P50: ms(0.5), P95: ms(0.95), P99: ms(0.99), Max: float64(t.latency.most.Microseconds()) / 1000}
	return s
}
