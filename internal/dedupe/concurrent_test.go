package dedupe_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/buffer"
	"sluice/internal/dedupe"
	"sluice/internal/lake"
)

// An unsteadyLog refuses some blocks and keeps the others in memory.
type unsteadyLog struct {
	mu     sync.Mutex
	rng    *rand.Rand
	refuse int // in a hundred
	stored map[string]int
}

func (l *unsteadyLog) Append(_ context.Context, _ string, b lake.Block) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.rng.IntN(100) < l.refuse {
		return errors.New("disk on fire")
	}
	for line := range strings.Lines(string(b.Data)) {
		l.stored[strings.TrimSpace(line)]++
	}
	return nil
}
func (l *unsteadyLog) Snapshot(string) (*buffer.Snapshot, error) { return &buffer.Snapshot{}, nil }
func (l *unsteadyLog) Streams() []buffer.StreamState             { return nil }

// Many clients send the same records at once, to a log that refuses a third of the
// blocks, while keys are written, synced and merged. What was acknowledged is
// stored, and nothing twice; nothing waits for ever.
func TestManyClients(t *testing.T) {
	log := &unsteadyLog{rng: rand.New(rand.NewPCG(1, 2)), refuse: 33, stored: map[string]int{}}
	f, err := dedupe.Open(dedupe.Config{Dir: t.TempDir() + "/d", Log: log, Key: byID(time.Hour), OpenKeys: 64})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var background sync.WaitGroup
	background.Go(func() { f.Run(ctx) })
	background.Go(func() {
		for ctx.Err() == nil {
			f.Sync(ctx, "s")
		}
	})
	const ids = 3000
	var mu sync.Mutex
	acked := map[string]bool{}
	var clients sync.WaitGroup
	for c := range 8 {
		clients.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(c), 3))
			for range 400 {
				var body strings.Builder
				for range 1 + rng.IntN(20) {
					fmt.Fprintf(&body, "{\"id\":%d}\n", rng.IntN(ids))
				}
				if f.Append(ctx, "s", blockOf(body.String(), now)) == nil {
					mu.Lock()
					for line := range strings.Lines(body.String()) {
						acked[strings.TrimSpace(line)] = true
					}
					mu.Unlock()
				}
			}
		})
	}
	clients.Wait()
	cancel()
	background.Wait()
	f.Close()
	for line := range acked {
		if log.stored[line] == 0 {
			t.Fatalf("%s was acknowledged and is not stored", line)
		}
	}
	for line, n := range log.stored {
		if n > 1 {
			t.Fatalf("%s is stored %d times", line, n)
		}
	}
	if len(acked) < ids*9/10 {
		t.Errorf("only %d of %d were acknowledged", len(acked), ids)
	}
}

// A gateLog answers an append when it is told how.
type gateLog struct {
	unsteadyLog
	began  chan struct{}
	answer chan error
}

func (l *gateLog) Append(ctx context.Context, stream string, b lake.Block) error {
	l.began <- struct{}{}
	if err := <-l.answer; err != nil {
		return err
	}
	return l.unsteadyLog.Append(ctx, stream, b)
}

// A duplicate of a record whose append is under way waits for it, and is stored
// itself if that fails.
func TestDuplicateWaits(t *testing.T) {
	for _, outcome := range []error{nil, errors.New("disk on fire")} {
		synctest.Test(t, func(t *testing.T) {
			log := &gateLog{unsteadyLog{rng: rand.New(rand.NewPCG(1, 2)), stored: map[string]int{}}, make(chan struct{}), make(chan error)}
			f, err := dedupe.Open(dedupe.Config{Dir: t.TempDir() + "/d", Log: log, Key: byID(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			results := make(chan error, 3)
			send := func(ctx context.Context) { results <- f.Append(ctx, "s", blockOf(records("a", "b"), now)) }
			go send(t.Context())
			<-log.began
			go send(t.Context())
			gone, cancel := context.WithCancel(t.Context())
			go send(gone)
			synced := make(chan error, 1)
			go func() { synced <- f.Sync(t.Context(), "s") }()
			synctest.Wait()
			if len(results) > 0 || len(synced) > 0 {
				t.Fatal("somebody did not wait for the append under way")
			}
			cancel()
			if err := <-results; !errors.Is(err, context.Canceled) {
				t.Errorf("who gave up got %v", err)
			}
			log.answer <- outcome
			if err := <-results; outcome == nil && err != nil || outcome != nil && !errors.Is(err, outcome) {
				t.Errorf("the first: %v", err)
			}
			if outcome != nil {
				<-log.began
				log.answer <- nil
			}
			if err := <-results; err != nil {
				t.Errorf("the second: %v", err)
			}
			if err := <-synced; err != nil {
				t.Error(err)
			}
			for line, n := range log.stored {
				if n != 1 {
					t.Errorf("%s is stored %d times", line, n)
				}
			}
			if len(log.stored) != 2 {
				t.Errorf("%d records are stored", len(log.stored))
			}
			f.Close()
		})
	}
}

// A key is known for its window, from memory, from a file and from a merged file,
// and not much longer; what has expired leaves the disk.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dedupe.Config{Key: byID(time.Minute)})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- b.f.Run(ctx) }()
		want := 0
		for round := range 20 {
			b.append(records("a"), time.Now())
			want++
			if n := len(b.lines()); n != want {
				t.Fatalf("round %d: %d records, want %d", round, n, want)
			}
			if round%2 == 1 {
				if err := b.f.Sync(ctx, "s"); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(59900 * time.Millisecond)
			b.append(records("a"), time.Now())
			if n := len(b.lines()); n != want {
				t.Fatalf("round %d: stored again within the window", round)
			}
			time.Sleep(2 * time.Second)
		}
		time.Sleep(10 * time.Minute)
		if n := b.f.State("s").Keys; n != 0 {
			t.Errorf("%d keys are kept for ever", n)
		}
		if files, _ := filepath.Glob(b.cfg.Dir + "/s/*.keys"); len(files) > 0 {
			t.Errorf("expired files: %v", files)
		}
		cancel()
		<-done
	})
}

func TestCeiling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, dedupe.Config{Key: byID(time.Minute), MaxKeys: 10})
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- b.f.Run(ctx) }()
		add := func(from, n int) error {
			var ids []string
			for i := range n {
				ids = append(ids, fmt.Sprint(from+i))
			}
			return b.f.Append(ctx, "s", blockOf(records(ids...), time.Now()))
		}
		if err := add(0, 10); err != nil {
			t.Fatal(err)
		}
		err := add(5, 10)
		var full *dedupe.CeilingError
		if !errors.As(err, &full) {
			t.Fatalf("past the ceiling: %v", err)
		}
		if reason, _ := full.Full(); !strings.Contains(reason, "dedupe.max_keys") || !strings.Contains(reason, "window") {
			t.Errorf("the reason does not say what to change: %s", reason)
		}
		if err := add(0, 10); err != nil {
			t.Errorf("duplicates are refused: %v", err)
		}
		if n := len(b.lines()); n != 10 {
			t.Errorf("%d records, want 10", n)
		}
		time.Sleep(5 * time.Minute)
		if err := add(5, 10); err != nil {
			t.Errorf("when the others had expired: %v", err)
		}
		cancel()
		<-done
	})
}

// A damaged key file is moved away and said, what can be read of it goes on to be
// known, and intake goes on.
func TestDamagedFile(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	var ids []string
	for i := range 2000 {
		ids = append(ids, fmt.Sprint("id", i))
	}
	b.append(records(ids...), time.Now())
	b.release()
	files, _ := filepath.Glob(b.cfg.Dir + "/s/*.keys")
	if len(files) != 1 {
		t.Fatalf("files: %v", files)
	}
	file, err := os.OpenFile(files[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	st, _ := file.Stat()
	one := make([]byte, 1)
	file.ReadAt(one, st.Size()/2)
	one[0] ^= 4
	file.WriteAt(one, st.Size()/2)
	file.Close()
	b.append(records(ids...), time.Now())
	if n := len(b.lines()); n == 0 || n > 100 {
		t.Errorf("%d of 2000 keys were lost to one bucket", n)
	}
	if err := b.f.State("s").Err; err == nil || !strings.Contains(err.Error(), "lost to damage") {
		t.Errorf("nothing says that keys were lost: %v", err)
	}
	if q, _ := filepath.Glob(b.cfg.Dir + "/s/quarantine/*.keys"); len(q) != 1 {
		t.Errorf("quarantine: %v", q)
	}
	lost := len(b.lines())
	b.append(records(ids...), time.Now())
	if n := len(b.lines()); n != lost {
		t.Errorf("%d records, want %d", n, lost)
	}
}

// A stream's backlog is read at Open with few keys in memory.
func TestOpenIsBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("it appends 2 million records")
	}
	const n, block = 2_000_000, 20_000
	b := newBench(t, dedupe.Config{Key: plain})
	var body strings.Builder
	for from := 0; from < n; from += block {
		body.Reset()
		for i := range block {
			fmt.Fprintf(&body, "{\"id\":%d}\n", from+i)
		}
		b.append(body.String(), now)
	}
	b.f.Close()
	b.log.Close()
	b.cfg.Key = byID(time.Hour) // from now on
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	b.open()
	if grown := int64(heap()) - int64(before); grown > 24<<20 {
		t.Errorf("Open of a backlog of %d keys holds %d bytes", n, grown)
	}
	if keys := b.f.State("s").Keys; keys != n {
		t.Errorf("%d keys of %d", keys, n)
	}
	b.append(body.String(), now)
	if d := b.f.State("s").Duplicates; d != block {
		t.Errorf("%d duplicates of %d", d, block)
	}
}
