package buffer_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
)

// TestNothingIsSeenBeforeItsFsync holds an fsync and looks: neither a snapshot
// nor the states nor a seal may show the frame.
func TestNothingIsSeenBeforeItsFsync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		b := mustOpen(t, faultConfig(fs))
		mustAppend(t, b, "a", block(0, 1))
		let := holdSync(fs)
		var wg sync.WaitGroup
		wg.Go(func() { mustAppend(t, b, "a", block(1, 1)) })
		wg.Go(func() { mustAppend(t, b, "new", block(2, 1)) })
		synctest.Wait()
		wg.Go(func() { mustAppend(t, b, "a", block(3, 1)) })
		synctest.Wait()
		wg.Go(func() { mustSeal(t, b, "a") })
		synctest.Wait()
		wg.Go(func() { mustAppend(t, b, "a", block(4, 1)) }) // behind the seal
		synctest.Wait()
		if got := strings.Join(held(t, b, "a"), ""); got != string(block(0, 1).Data) {
			t.Errorf("snapshot during the fsync: %q", got)
		}
		if got := held(t, b, "new"); got != nil {
			t.Errorf("snapshot of a stream's first fsync: %q", got)
		}
		want := map[string]int64{"a": 1, "new": 0}
		for _, st := range b.Streams() {
			if st.Records != want[st.Name] || int64(st.OpenBatches) != want[st.Name] {
				t.Errorf("state during the fsync: %+v", st)
			}
		}
		if got := b.Sealed(); len(got) != 0 {
			t.Errorf("sealed during the fsync: %v", got)
		}
		let()
		wg.Wait()
		if got := strings.Join(held(t, b, "a"), ""); got != string(block(0, 2).Data)+string(block(3, 2).Data) {
			t.Errorf("snapshot after the fsync: %q", got)
		}
		if got := b.Sealed(); len(got) != 1 || got[0].Records != 3 {
			t.Errorf("sealed: %v", got)
		}
	})
}

// TestGroupCommit has everything that queues during an fsync share the next one.
func TestGroupCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		cfg := faultConfig(fs)
		registry := prometheus.NewPedanticRegistry()
		cfg.Registerer = registry
		b := mustOpen(t, cfg)
		let := holdSync(fs)
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() { mustAppend(t, b, "a", block(i, 1)) })
			synctest.Wait()
		}
		let()
		wg.Wait()
		if n := metric(t, registry, "sluice_buffer_fsync_seconds"); n != 2 {
			t.Errorf("%v fsyncs for 30 appends, 29 of them during the first", n)
		}
		if n := metric(t, registry, "sluice_buffer_appends_total", "a"); n != 30 {
			t.Errorf("%v appends counted", n)
		}
		if got := held(t, b, "a"); strings.Join(got, "") != string(block(0, 30).Data) {
			t.Errorf("found %q", got)
		}
	})
}

// TestSizeCutsTheQueue has more wait for one commit than a batch takes: it is
// sealed at its size, give or take one block, and the next one begun.
func TestSizeCutsTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		b := mustOpen(t, faultConfig(fs)) // seals at 900 bytes
		let := holdSync(fs)
		var wg sync.WaitGroup
		for i := range 30 {
			wg.Go(func() { mustAppend(t, b, "a", block(100+10*i, 10)) }) // 100 bytes
			synctest.Wait()
		}
		let()
		wg.Wait()
		for _, batch := range b.Sealed() {
			if batch.Bytes != 900 || batch.Reason != buffer.SealSize {
				t.Errorf("batch of %d bytes sealed by %s, want 900 by size", batch.Bytes, batch.Reason)
			}
		}
		if got := strings.Join(held(t, b, "a"), ""); len(b.Sealed()) != 3 || got != string(block(100, 300).Data) {
			t.Errorf("%d sealed, found %q", len(b.Sealed()), got)
		}
	})
}

// failNext makes the next operation of that kind fail.
func failNext(fs *faultfs.FS, op string) {
	done := false
	fs.SetHook(func(o, _ string) error {
		if o != op || done {
			return nil
		}
		done = true
		return faultfs.ErrInjected
	})
}

// TestFailureSticks fails one write or fsync: the append hears of it, as do the
// next one and Run, nothing more is accepted, and what was durable is still
// there.
func TestFailureSticks(t *testing.T) {
	for _, op := range []string{"write", "datasync", "syncdir"} {
		t.Run(op, func(t *testing.T) {
			fs := faultfs.New()
			b := mustOpen(t, faultConfig(fs))
			mustAppend(t, b, "a", block(0, 2))
			mustSeal(t, b, "a")
			if op != "syncdir" { // which happens for a new segment
				mustAppend(t, b, "a", block(2, 2))
			}
			before := strings.Join(held(t, b, "a"), "")
			failNext(fs, op)
			var failed *buffer.FailedError
			for range 2 {
				err := b.Append(context.Background(), "a", block(4, 1))
				if !errors.As(err, &failed) || !errors.Is(err, faultfs.ErrInjected) || failed.Stream != "a" {
					t.Fatalf("append: %v", err)
				}
			}
			for what, err := range map[string]error{
				"seal": b.Seal(context.Background(), "a"), "run": b.Run(context.Background()),
				"ready": b.Ready(), "state": b.Streams()[0].Err,
			} {
				if !errors.As(err, &failed) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if got := strings.Join(held(t, b, "a"), ""); got != before {
				t.Errorf("after the failure: %q, before: %q", got, before)
			}
			mustAppend(t, b, "b", block(5, 1)) // streams are independent
			sealed := b.Sealed()
			if len(sealed) != 1 {
				t.Fatalf("sealed: %v", sealed)
			}
			if err := b.Release(context.Background(), sealed[0]); err != nil {
				t.Errorf("release after the failure: %v", err)
			}
		})
	}
}

// TestRefusalDoesNotStick fails what comes before anything is written: the next
// append tries again.
func TestRefusalDoesNotStick(t *testing.T) {
	for _, op := range []string{"mkdir", "create", "allocate"} {
		t.Run(op, func(t *testing.T) {
			fs := faultfs.New()
			b := mustOpen(t, faultConfig(fs))
			failNext(fs, op)
			var failed *buffer.FailedError
			if err := b.Append(context.Background(), "a", block(0, 1)); !errors.Is(err, faultfs.ErrInjected) || errors.As(err, &failed) {
				t.Fatalf("append: %v", err)
			}
			mustAppend(t, b, "a", block(1, 1))
			if got := strings.Join(held(t, b, "a"), ""); got != string(block(1, 1).Data) {
				t.Errorf("found %q", got)
			}
		})
	}
}

// TestContextCountsInTheQueueOnly ends the contexts of an append that waits for
// a place and of one that is queued.
func TestContextCountsInTheQueueOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		cfg := faultConfig(fs)
		cfg.QueueBytes = 130 // two blocks with their headers, not three
		b := mustOpen(t, cfg)
		let := holdSync(fs)
		ctx, cancel := context.WithCancel(context.Background())
		errs := make([]error, 3)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { errs[i] = b.Append(ctx, "a", block(i, 1)) })
			synctest.Wait()
		}
		cancel()
		synctest.Wait()
		let()
		wg.Wait()
		if errs[0] != nil || errs[1] != nil || !errors.Is(errs[2], context.Canceled) {
			t.Errorf("appends: %v", errs)
		}
		if got := strings.Join(held(t, b, "a"), ""); got != string(block(0, 2).Data) {
			t.Errorf("found %q", got)
		}
	})
}

// TestCloseWaits closes during a commit: who was queued gets his result, who
// comes later ErrClosed.
func TestCloseWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		b := mustOpen(t, faultConfig(fs))
		let := holdSync(fs)
		var wg sync.WaitGroup
		wg.Go(func() { mustAppend(t, b, "a", block(0, 1)) })
		synctest.Wait()
		wg.Go(func() { mustAppend(t, b, "a", block(1, 1)) })
		synctest.Wait()
		closed := false
		wg.Go(func() {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
			closed = true
		})
		synctest.Wait()
		if closed {
			t.Error("closed during a commit")
		}
		let()
		wg.Wait()
		for _, stream := range []string{"a", "other"} {
			if err := b.Append(context.Background(), stream, block(2, 1)); !errors.Is(err, buffer.ErrClosed) {
				t.Errorf("append to %s after close: %v", stream, err)
			}
		}
		if err := b.Seal(context.Background(), "a"); !errors.Is(err, buffer.ErrClosed) {
			t.Errorf("seal after close: %v", err)
		}
		if _, err := b.Snapshot("a"); !errors.Is(err, buffer.ErrClosed) {
			t.Errorf("snapshot after close: %v", err)
		}
		b = mustOpen(t, faultConfig(fs))
		if got := strings.Join(held(t, b, "a"), ""); got != string(block(0, 2).Data) {
			t.Errorf("found %q", got)
		}
	})
}

// A lakeFake takes deliveries, and takes a batch once.
type lakeFake struct {
	mu   sync.Mutex
	rows map[string]int // stream and record to how often it is there
	seen map[lake.BatchID]bool
}

// deliver takes everything sealed and releases it.
func (f *lakeFake) deliver(t *testing.T, b *buffer.Buffer) {
	for _, batch := range b.Sealed() {
		rows := read(t, batch.Blocks())
		f.mu.Lock()
		if !f.seen[batch.ID] {
			f.seen[batch.ID] = true
			for _, r := range rows {
				f.rows[batch.Stream+r]++
			}
		}
		f.mu.Unlock()
		if err := b.Release(context.Background(), batch); err != nil {
			t.Errorf("release: %v", err)
		}
	}
}

// count is how often the record is in the lake or, by an earlier snapshot, in
// the log.
func (f *lakeFake) count(stream, record string, snapshot []string) int {
	f.mu.Lock()
	n := f.rows[stream+record]
	f.mu.Unlock()
	for _, r := range snapshot {
		if r == record {
			n++
		}
	}
	return n
}

// until calls f again and again until the channel is closed.
func until(stop <-chan struct{}, f func()) {
	for {
		select {
		case <-stop:
			return
		default:
			f()
		}
	}
}

// TestSealBesideAppends seals again and again while many append to two streams
// and a delivery releases. Whoever has his acknowledgement finds his record, and
// in the end every record was delivered once.
func TestSealBesideAppends(t *testing.T) {
	b := mustOpen(t, buffer.Config{Dir: t.TempDir(), Size: func(string) int64 { return 4000 }})
	const writers, each = 4, 150
	store := &lakeFake{rows: map[string]int{}, seen: map[lake.BatchID]bool{}}
	stop := make(chan struct{})
	var others, appends sync.WaitGroup
	others.Go(func() {
		until(stop, func() {
			select {
			case <-stop:
			case <-b.Changed():
				store.deliver(t, b)
			}
		})
	})
	for _, s := range []string{"x", "y"} {
		others.Go(func() { until(stop, func() { mustSeal(t, b, s); held(t, b, s) }) })
		for w := range writers {
			appends.Go(func() {
				for i := range each {
					bl := block(w*each+i, 1)
					mustAppend(t, b, s, bl)
					if i%10 == 0 && store.count(s, string(bl.Data), held(t, b, s)) == 0 {
						t.Errorf("acknowledged record %q is in neither place", bl.Data)
					}
				}
			})
		}
	}
	appends.Wait()
	close(stop)
	others.Wait()
	for _, s := range []string{"x", "y"} {
		mustSeal(t, b, s)
		store.deliver(t, b)
		for i := range writers * each {
			if n := store.count(s, string(block(i, 1).Data), nil); n != 1 {
				t.Fatalf("stream %s: record %d is there %d times", s, i, n)
			}
		}
	}
	for _, st := range b.Streams() {
		if st.Records != 0 || st.DiskBytes != 0 {
			t.Errorf("left behind: %+v", st)
		}
	}
}
