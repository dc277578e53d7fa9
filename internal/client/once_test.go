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

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/ingest"
	"sluice/ingest/records"
	"sluice/internal/client"
	"sluice/internal/dedupe"
	"sluice/internal/lake"
	"sluice/internal/progress"
)

// A doubtful log fails blocks before it has stored them, and after.
type doubtfulLog struct {
	*buffer.Buffer
	mu   sync.Mutex
	rand *rand.Rand
}

func (l *doubtfulLog) dice(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.rand.IntN(n)
}

func (l *doubtfulLog) Append(ctx context.Context, stream string, b lake.Block) error {
	switch l.dice(6) {
	case 0:
		return full{}
	case 1:
		return errors.New("disk on fire")
	}
	return l.Buffer.Append(ctx, stream, b)
}

// With keys, what is sent again after errors and lost answers is stored once: by the
// real receiver and filter, bad lines counted once and named by their line.
func TestOnceAgainstReceiver(t *testing.T) {
	var all client.Retries
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := onceAgainstReceiver(t, rand.New(rand.NewPCG(seed, 3)))
				all.Busy, all.Failed, all.Disconnected = all.Busy+r.Busy, all.Failed+r.Failed, all.Disconnected+r.Disconnected
			})
		})
	}
	// Which request meets what is a matter of the order in which they come.
	if all.Busy == 0 || all.Failed == 0 || all.Disconnected == 0 {
		t.Errorf("something never went wrong: %+v", all)
	}
}

func onceAgainstReceiver(t *testing.T, r *rand.Rand) client.Retries {
	fs := faultfs.New()
	if err := fs.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	b, err := buffer.Open(buffer.Config{Dir: "/data/buffer", FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	log := &doubtfulLog{Buffer: b, rand: r}
	filter, err := dedupe.Open(dedupe.Config{Dir: "/data/dedupe", Log: log, FS: fs})
	if err != nil {
		t.Fatal(err)
	}
	defer filter.Close()
	mem, err := ingest.NewMemory(ingest.MinMemory, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	policy := &shakyLog{}
	h, err := records.New(records.Config{Appender: filter, Policy: policy, Flusher: policy, Streams: policy, Memory: mem,
		Metrics: ingest.NewMetrics(nil, nil), MaxBody: 64 << 20})
	if err != nil {
		t.Fatal(err)
	}
	real := http.NewServeMux()
	h.Register(real)
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		lost := log.dice(4) == 0
		if lost { // carried out, and the answer does not come through
			w = deaf{w}
		}
		real.ServeHTTP(w, r)
		if lost {
			panic(http.ErrAbortHandler)
		}
	})
	f := &fake{conns: make(chan net.Conn), closed: make(chan struct{})}
	f.serve(t, mux)

	in, good, bad := mixedInput(rand.New(rand.NewPCG(r.Uint64(), 2)))
	sum, err := client.Sender{Client: f.client, Stream: "s", Once: true, Records: 1 + r.IntN(200), Bytes: 1 << (8 + r.IntN(14)), Connections: 3, Outage: time.Hour}.
		Run(t.Context(), strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	stored := storedIn(t, b)
	for rec := range good {
		if stored[rec] != 1 {
			t.Errorf("%.60s is stored %d times", rec, stored[rec])
		}
	}
	if len(stored) != len(good) || sum.Accepted != int64(len(good)) || sum.Rejected != int64(len(bad)) || sum.Uncertain != 0 {
		t.Errorf("%d stored, %d accepted, %d rejected, %d uncertain; want %d good and %d bad", len(stored), sum.Accepted, sum.Rejected, sum.Uncertain, len(good), len(bad))
	}
	for i, rej := range sum.Rejections {
		if rej.Line != bad[i] {
			t.Errorf("rejection %d is of line %d, want %d: %s", i, rej.Line, bad[i], rej.Error)
		}
	}
	return sum.Retries
}

// deaf takes an answer and passes nothing on.
type deaf struct{ http.ResponseWriter }

func (deaf) Write(p []byte) (int, error) { return len(p), nil }
func (deaf) WriteHeader(int)             {}
func (d deaf) Unwrap() http.ResponseWriter {
	return d.ResponseWriter
}

// storedIn counts each record in the log.
func storedIn(t *testing.T, b *buffer.Buffer) map[string]int {
	t.Helper()
	snap, err := b.Snapshot("s")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	stored := map[string]int{}
	for i := range snap.Batches {
		for block, err := range snap.Batches[i].Blocks(0)() {
			if err != nil {
				t.Fatal(err)
			}
			for line := range bytes.Lines(block.Data) {
				stored[strings.TrimSpace(string(line))]++
			}
		}
	}
	return stored
}

// A request keeps its key when it is made again; no two requests share one, nor two
// runs.
func TestKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bodies := map[string]string{} // by key
		var mu sync.Mutex
		var notes bytes.Buffer
		mux := http.NewServeMux()
		mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
		f := &fake{conns: make(chan net.Conn), closed: make(chan struct{})}
		n := 0
		mux.HandleFunc("/v1/streams/s/records", func(w http.ResponseWriter, r *http.Request) {
			var body bytes.Buffer
			body.ReadFrom(r.Body)
			key := r.Header.Get("Idempotency-Key")
			mu.Lock()
			before, known := bodies[key]
			bodies[key] = body.String()
			n++
			lost := n%2 == 1
			mu.Unlock()
			if key == "" || len(key) > 255 || known && before != body.String() {
				t.Errorf("key %q: %q, before %q", key, &body, before)
			}
			if lost {
				panic(http.ErrAbortHandler)
			}
			f.store(w, body.Bytes())
		})
		f.serve(t, mux)
		for range 2 {
			sum, err := send(t, f, strings.NewReader(input(35)), func(s *client.Sender) {
				s.Once, s.Bar = true, progress.New(&notes, progress.Config{Quiet: true})
			})
			if err != nil || sum.Accepted != 35 || sum.Uncertain != 0 {
				t.Errorf("%+v, %v", sum, err)
			}
			if strings.Contains(sum.String(), "twice") {
				t.Errorf("the summary warns:\n%s", sum)
			}
		}
		if len(bodies) != 8 { // of 10, 10, 10 and 5 records, twice
			t.Errorf("%d keys: %q", len(bodies), bodies)
		}
	})
}
