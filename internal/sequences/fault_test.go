package sequences_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
	"sluice/internal/sequences"
)

// A world is a log with its ledger on a disk that fails, a source that gives each
// message again until it was acknowledged, and a lake that keeps what was delivered.
type world struct {
	fs     *faultfs.FS
	log    *buffer.Buffer
	ledger *sequences.Ledger
	lake   map[lake.BatchID][]string
	acked  map[uint64]bool
	last   uint64 // message that the source has
}

func newWorld(t *testing.T) *world {
	fs := faultfs.New()
	if err := fs.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	return &world{fs: fs, lake: map[lake.BatchID][]string{}, acked: map[uint64]bool{}}
}

var source = lake.SourceID{7}

func timeOf(seq uint64) int64 { return 1e18 + int64(seq)*1000 }

func (w *world) open() (err error) {
	if w.log, err = buffer.Open(buffer.Config{Dir: "/data/buffer", FS: w.fs}); err != nil {
		return err
	}
	w.ledger, err = sequences.Open(sequences.Config{Dir: "/data/messages", Log: w.log, Appender: w.log, FS: w.fs})
	return err
}

// take does with messages what a receiver does: those that are not known are appended
// as one block.
func (w *world) take(seqs ...uint64) error {
	var list lake.SequenceList
	var data strings.Builder
	for _, seq := range seqs {
		if w.ledger.Known("s", source, seq, timeOf(seq)) {
			w.acked[seq] = true
			continue
		}
		list.Add(seq, timeOf(seq))
		fmt.Fprintf(&data, "{\"seq\":%d}\n", seq)
	}
	if data.Len() == 0 {
		return nil
	}
	err := w.ledger.Append(context.Background(), "s", lake.Block{
		Data: []byte(data.String()), Records: strings.Count(data.String(), "\n"), Arrival: time.UnixMilli(1e12),
		Attrs: lake.AppendSequences(nil, source, &list),
	})
	if err == nil {
		for _, seq := range seqs {
			w.acked[seq] = true
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
		lines, err := linesOf(b.Blocks())
		if err != nil {
			return
		}
		w.lake[b.ID] = lines
		if w.ledger.Sync(ctx, "s") != nil {
			return
		}
		w.log.Release(ctx, b) // if it fails, the batch is there again
	}
}

func linesOf(blocks lake.Blocks) (lines []string, err error) {
	for b, err := range blocks() {
		if err != nil {
			return nil, err
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(b.Data)), "\n")...)
	}
	return lines, nil
}

// work is a day of messages, some of which come again, with deliveries. It goes on
// whatever fails.
func (w *world) work() {
	if w.open() != nil {
		return
	}
	for i := range 10 {
		w.last += 3
		w.take(w.last-2, w.last) // the one between goes elsewhere
		if i%3 == 1 {
			w.take(w.last-5, w.last-2)
		}
		if i%4 == 3 {
			w.deliver()
		}
		if i == 5 {
			w.ledger.Sync(context.Background(), "s")
		}
	}
	w.log.Close()
}

// check gives every message again, and then each is there once.
func (w *world) check(t *testing.T, what string) {
	t.Helper()
	if err := w.open(); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer w.log.Close()
	for range 2 {
		for seq := uint64(1); seq <= w.last; seq++ {
			if seq%3 == 2 {
				continue
			}
			if err := w.take(seq); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
		}
	}
	found := map[string]int{}
	count := func(lines []string) {
		for _, l := range lines {
			found[l]++
		}
	}
	for _, lines := range w.lake {
		count(lines)
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
		lines, err := linesOf(snap.Batches[i].Blocks(0))
		if err != nil {
			t.Fatal(err)
		}
		count(lines)
	}
	for seq := range w.acked {
		if n := found[fmt.Sprintf(`{"seq":%d}`, seq)]; n != 1 {
			t.Fatalf("%s: message %d is there %d times", what, seq, n)
		}
	}
}

// The disk fails once, or from then on for good, or the power goes, at operation i,
// for every i until the work passes untouched. Then every message comes again: each
// is there exactly once.
func TestEveryFault(t *testing.T) {
	clean := newWorld(t)
	clean.work()
	clean.work()
	ops := clean.fs.Ops()
	clean.check(t, "untouched")
	if ops < 80 {
		t.Fatalf("the work takes %d operations only", ops)
	}
	for i := 1; i <= ops; i++ {
		for _, mode := range []string{"once", "for good", "power", "kill and power"} {
			w := newWorld(t)
			if mode == "once" {
				w.fs.FailAt(i)
			} else {
				w.fs.FailFrom(i)
			}
			w.work()
			switch mode {
			case "once":
				w.work()
				w.fs = w.fs.Kill()
			case "for good":
				w.fs = w.fs.Kill()
			case "kill and power":
				w.fs = w.fs.Kill() // what was not synced can be seen, for now
				w.fs.Heal()
				w.work()
				w.fs = w.fs.Crash(rand.New(rand.NewPCG(uint64(i), 2)))
			case "power":
				w.fs = w.fs.Crash(rand.New(rand.NewPCG(uint64(i), 1)))
			}
			w.fs.Heal()
			w.check(t, fmt.Sprintf("operation %d of %d, %s", i, ops, mode))
		}
	}
}
