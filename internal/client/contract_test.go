package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/ingest"
	"sluice/ingest/records"
	"sluice/internal/client"
	"sluice/internal/lake"
)

// A shakyLog stores some blocks, and refuses others without storing them.
type shakyLog struct {
	mu     sync.Mutex
	rand   *rand.Rand
	stored map[string]int
}

type full struct{}

func (full) Error() string                       { return "full" }
func (full) Full() (string, time.Duration)       { return "max_bytes is reached", time.Second }
func (*shakyLog) Known(string) bool              { return true }
func (*shakyLog) Streams() []records.StreamState { return nil }
func (*shakyLog) Stream(string) (s records.StreamState, _ bool) {
	return s, false
}
func (*shakyLog) Flush(context.Context, string) (r records.FlushResult, _ error) { return r, nil }

func (l *shakyLog) Append(_ context.Context, _ string, b lake.Block) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch l.rand.IntN(4) {
	case 0:
		return full{}
	case 1:
		return errors.New("disk on fire")
	}
	for line := range bytes.Lines(b.Data) {
		l.stored[strings.TrimSpace(string(line))]++
	}
	return nil
}

// TestAgainstReceiver sends bad and good lines in every order to the real
// receiver, whose log refuses blocks in the middle of requests. Every good record
// must be there once, every bad one be counted once, and named by its line.
func TestAgainstReceiver(t *testing.T) {
	var busy, failed int64
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sum := againstReceiver(t, rand.New(rand.NewPCG(seed, 1)))
				busy, failed = busy+sum.Retries.Busy, failed+sum.Retries.Failed
			})
		})
	}
	if busy == 0 || failed == 0 {
		t.Errorf("the log was full for %d requests and failed for %d: want some of both", busy, failed)
	}
}

func againstReceiver(t *testing.T, r *rand.Rand) client.Summary {
	log := &shakyLog{rand: r, stored: map[string]int{}}
	mem, err := ingest.NewMemory(ingest.MinMemory, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	h, err := records.New(records.Config{Appender: log, Policy: log, Flusher: log, Streams: log, Memory: mem,
		Metrics: ingest.NewMetrics(nil, nil), MaxBody: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	h.Register(mux)
	f := &fake{conns: make(chan net.Conn), closed: make(chan struct{})}
	f.serve(t, mux)

	in, good, bad := mixedInput(rand.New(rand.NewPCG(r.Uint64(), 2)))
	sum, err := client.Sender{Client: f.client, Stream: "s", Records: 1 + r.IntN(200), Bytes: 1 << (8 + r.IntN(14)), Connections: 3, Outage: time.Hour}.
		Run(t.Context(), strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	for rec := range good {
		if n := log.stored[rec]; n != 1 {
			t.Errorf("%.60s is stored %d times", rec, n)
		}
	}
	if len(log.stored) != len(good) || sum.Accepted != int64(len(good)) || sum.Rejected != int64(len(bad)) {
		t.Errorf("%d stored, %d accepted, %d rejected; want %d good and %d bad", len(log.stored), sum.Accepted, sum.Rejected, len(good), len(bad))
	}
	for i, rej := range sum.Rejections {
		if rej.Line != bad[i] {
			t.Errorf("rejection %d is of line %d, want %d: %s", i, rej.Line, bad[i], rej.Error)
		}
	}
	return sum
}

// mixedInput makes lines, and tells the good records in them and the lines with
// a bad one.
func mixedInput(r *rand.Rand) (in string, good map[string]bool, bad []int64) {
	var b strings.Builder
	good = map[string]bool{}
	record := func(size int) string {
		s := fmt.Sprintf(`{"id":%d,"pad":%q}`, len(good), strings.Repeat("x", size))
		good[s] = true
		return s
	}
	for line := int64(1); line <= 1500; line++ {
		kind := r.IntN(40)
		if line == 1 {
			kind = 39 // the first line tells whether the input is NDJSON at all
		}
		if kind < 10 && kind != 2 {
			bad = append(bad, line)
		}
		switch kind {
		case 0: // three lines that would make one record
			b.WriteString("{\"cut\":\n" + record(0) + "\n}")
			line += 2
			bad = append(bad, line)
		case 1:
			b.WriteString(record(0) + record(3) + ` nonsense {"not":"read"}`)
		case 2:
			b.WriteString(record(1) + " " + record(2) + record(0))
		case 3:
			b.WriteString(`[{"in":"an array"}]`)
		case 4:
			b.WriteString(`{"open":"string`)
		case 5:
			b.WriteString(`42`)
		case 6:
			b.WriteString(`}`)
		case 7:
			b.WriteString("{\"invalid\":\"\xff\"}")
		case 8:
			b.WriteString("\t" + record(0) + `,`)
		case 9:
			b.WriteString(`{"nested":{`)
		case 10, 11:
			b.WriteString("  \r")
		case 12:
			b.WriteString(record(5) + "\r")
		case 13:
			if r.IntN(8) == 0 {
				b.WriteString(record(900_000))
			} else if r.IntN(8) == 0 {
				b.WriteString(`{"pad":"` + strings.Repeat("y", 1_100_000) + `"}`)
				bad = append(bad, line)
			}
		default:
			b.WriteString(record(r.IntN(200)))
		}
		b.WriteByte('\n')
	}
	return b.String(), good, bad
}
