package dedupe_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/dedupe"
	"sluice/internal/lake"
)

// A world is a log with its filter on a disk that fails, and a lake that keeps
// what was delivered under its batch.
type world struct {
	fs    *faultfs.FS
	log   *buffer.Buffer
	f     *dedupe.Filter
	lake  map[lake.BatchID][]string
	acked map[string]bool
	sent  []string // bodies
}

func (w *world) open() (err error) {
	w.log, err = buffer.Open(buffer.Config{Dir: "/data/buffer", FS: w.fs})
	if err != nil {
		return err
	}
	w.f, err = dedupe.Open(dedupe.Config{
		Dir: "/data/dedupe", Log: w.log, FS: w.fs, OpenKeys: 8, Key: byID(time.Hour),
	})
	return err
}

func (w *world) append(body string, attrs []byte) error {
	bl := blockOf(body, now)
	bl.Attrs = attrs
	err := w.f.Append(context.Background(), "s", bl)
	if err == nil {
		for line := range strings.Lines(body) {
			w.acked[strings.TrimSpace(line)] = true
		}
	}
	return err
}

// deliver is what delivery does: to the lake, then Sync, then released.
func (w *world) deliver() {
	ctx := context.Background()
	if w.log.Seal(ctx, "s") != nil {
		return
	}
	for _, b := range w.log.Sealed() {
		var lines []string
		for bl, err := range b.Blocks()() {
			if err != nil {
				return
			}
			for line := range strings.Lines(string(bl.Data)) {
				lines = append(lines, strings.TrimSpace(line))
			}
		}
		w.lake[b.ID] = lines
		if w.f.Sync(ctx, "s") != nil {
			return
		}
		w.log.Release(ctx, b) // if it fails, the batch is there again
	}
}

// work is a day of appends, some of which repeat others, with deliveries. It goes
// on whatever fails.
func (w *world) work(day int) {
	if w.open() != nil {
		return
	}
	body := func(i int) string { return fmt.Sprintf("{\"id\":\"%d-%d\"}\n{\"id\":\"%d-x%d\"}\n", day, i, day, i/2) }
	for i := range 12 {
		var attrs []byte
		data := body(i)
		if i%3 == 0 {
			attrs = lake.AppendRequest(nil, fmt.Sprintf("%d-%d", day, i), 0)
			data += "{\"none\":" + fmt.Sprint(day*100+i) + "}\n" // no key but the request's
		}
		w.sent = append(w.sent, data+"\x00"+string(attrs))
		w.append(data, attrs)
		if i%4 == 3 {
			w.deliver()
		}
		if i == 6 {
			w.f.Sync(context.Background(), "s")
		}
	}
	w.f.Close()
	w.log.Close()
}

// resend sends everything again, and then everything is there once.
func (w *world) resend(t *testing.T, what string) {
	t.Helper()
	if err := w.open(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	for range 2 {
		for _, s := range w.sent {
			data, attrs, _ := strings.Cut(s, "\x00")
			if err := w.append(data, []byte(attrs)); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	found := map[string]int{}
	for _, lines := range w.lake {
		for _, line := range lines {
			found[line]++
		}
	}
	snap, err := w.log.Snapshot("s")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	for i := range snap.Batches {
		if _, there := w.lake[snap.Batches[i].ID]; there {
			continue
		}
		for bl, err := range snap.Batches[i].Blocks(0)() {
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(bl.Data)) {
				found[strings.TrimSpace(line)]++
			}
		}
	}
	for line := range w.acked {
		if found[line] != 1 {
			t.Fatalf("%s: record %s is there %d times", what, line, found[line])
		}
	}
	for line := range found {
		if !w.acked[line] {
			t.Fatalf("%s: record %s was never acknowledged", what, line)
		}
	}
	w.f.Close()
	w.log.Close()
}

func newWorld(t *testing.T) *world {
	fs := faultfs.New()
	if err := fs.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	return &world{fs: fs, lake: map[lake.BatchID][]string{}, acked: map[string]bool{}}
}

// The disk fails once, or from then on for good, or the power goes, at operation i,
// for every i until the work passes untouched. Then everything is sent again: each
// record is there exactly once.
func TestEveryFault(t *testing.T) {
	clean := newWorld(t)
	clean.work(0)
	clean.work(1)
	ops := clean.fs.Ops()
	clean.resend(t, "untouched")
	if ops < 100 {
		t.Fatalf("the work takes %d operations only", ops)
	}
	step := 1
	if testing.Short() {
		step = 7
	}
	for i := 1; i <= ops; i += step {
		for _, mode := range []string{"once", "for good", "power", "kill and power"} {
			what := fmt.Sprintf("operation %d of %d, %s", i, ops, mode)
			w := newWorld(t)
			if mode == "once" {
				w.fs.FailAt(i)
			} else {
				w.fs.FailFrom(i)
			}
			w.work(0)
			switch mode {
			case "once":
				w.work(1)
				w.fs = w.fs.Kill()
			case "for good":
				w.fs = w.fs.Kill()
			case "kill and power":
				w.fs = w.fs.Kill() // what was not synced can be seen, for now
				w.fs.Heal()
				w.work(1)
				w.fs = w.fs.Crash(rand.New(rand.NewPCG(uint64(i), 2)))
			case "power":
				w.fs = w.fs.Crash(rand.New(rand.NewPCG(uint64(i), 1)))
			}
			w.fs.Heal()
			w.resend(t, what)
		}
	}
}

// A disk without room refuses appends and releases, stops no start, and all goes
// on when there is room.
func TestFullDisk(t *testing.T) { synctest.Test(t, fullDisk) }

func fullDisk(t *testing.T) {
	w := newWorld(t)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	if err := w.append(records("a", "b"), nil); err != nil {
		t.Fatal(err)
	}
	w.log.Seal(context.Background(), "s")
	w.fs.SetHook(func(op, path string) error {
		if op == "create" && strings.Contains(path, "dedupe") {
			return buffer.ErrNoSpace
		}
		return nil
	})
	if err := w.f.Sync(context.Background(), "s"); err == nil {
		t.Fatal("Sync wrote to a full disk")
	}
	if err := w.append(records("a"), nil); err != nil {
		t.Errorf("a duplicate: %v", err)
	}
	for i := range 40 { // more than may be in memory
		w.append(records(fmt.Sprint("n", i)), nil)
	}
	err := w.append(records("c"), nil)
	full, ok := err.(interface {
		Full() (string, time.Duration)
	})
	if !ok {
		t.Fatalf("an append past what fits into memory: %v", err)
	}
	if reason, after := full.Full(); !strings.Contains(reason, "stream s") || after <= 0 {
		t.Errorf("Full: %q, %v", reason, after)
	}
	w.log.Close()
	if err := w.open(); err != nil {
		t.Fatalf("open on a full disk: %v", err)
	}
	if err := w.append(records("a"), nil); err == nil {
		t.Error("taken although the keys of the log were not read")
	}
	if w.f.Ready() == nil || w.f.State("s").Err == nil {
		t.Error("nothing says that the stream is not ready")
	}
	if err := w.f.Sync(context.Background(), "s"); err == nil {
		t.Error("a batch may be released whose keys are not known")
	}
	w.fs.SetHook(nil)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.f.Run(ctx) }()
	for w.f.Ready() != nil { // Run reads them by itself
		time.Sleep(10 * time.Millisecond)
	}
	cancel()
	<-done
	before := w.f.State("s").Duplicates
	if err := w.append(records("a", "b", "n0", "new"), nil); err != nil || w.f.State("s").Duplicates != before+3 {
		t.Errorf("after that: %v, %d duplicates more", err, w.f.State("s").Duplicates-before)
	}
}
