package buffer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
)

// A ledger is what a client and a delivery know of the log: what must be there,
// what may be there, and what may not change any more.
type ledger struct {
	next      int
	acked     map[string]bool
	uncertain map[string]bool         // appended without an acknowledgement
	sealed    map[lake.BatchID]string // content of the batches that were seen sealed
	released  map[lake.BatchID]bool   // release was called
	undamaged bool                    // nothing may be found damaged
}

func newLedger() *ledger {
	return &ledger{acked: map[string]bool{}, uncertain: map[string]bool{}, sealed: map[lake.BatchID]string{}, released: map[lake.BatchID]bool{}}
}

// append appends n new records and notes how it went.
func (g *ledger) append(b *buffer.Buffer, stream string, n int) error {
	bl := block(g.next, n)
	if stream == "c" {
		bl.Data = bytes.ReplaceAll(bl.Data, []byte("}"), fmt.Appendf(nil, `,"pad":%q}`, strings.Repeat("-", 90)))
	}
	g.next += n
	err := b.Append(context.Background(), stream, bl)
	for line := range strings.Lines(string(bl.Data)) {
		if err == nil {
			g.acked[line] = true
		} else {
			g.uncertain[line] = true
		}
	}
	return err
}

// deliver reads what is sealed, as delivery would, and releases the first batch
// if asked to.
func (g *ledger) deliver(b *buffer.Buffer, release bool) error {
	var errs []error
	for _, batch := range b.Sealed() {
		var content strings.Builder
		var failed error
		for bl, err := range batch.Blocks()() {
			content.Write(bl.Data)
			failed = err
		}
		if failed != nil {
			errs = append(errs, failed)
			continue
		}
		if before, ok := g.sealed[batch.ID]; ok && before != content.String() {
			return fmt.Errorf("BUG: sealed batch %s held %q, now %q", batch.ID, before, content.String())
		}
		g.sealed[batch.ID] = content.String()
		if release {
			release = false
			g.released[batch.ID] = true
			errs = append(errs, b.Release(context.Background(), batch))
		}
	}
	return errors.Join(errs...)
}

// check compares the log with the ledger. What was released is in the lake; a
// released batch that is there again must be what it was. A record that is found
// was seen, so from now on it must be there.
func (g *ledger) check(t *testing.T, b *buffer.Buffer, streams ...string) {
	t.Helper()
	found := map[string]int{}
	batches := map[lake.BatchID]string{}
	for _, stream := range streams {
		snap, err := b.Snapshot(stream)
		if err != nil {
			t.Fatal(err)
		}
		for i := range snap.Batches {
			sb := &snap.Batches[i]
			content := strings.Join(read(t, sb.Blocks(0)), "")
			batches[sb.ID] = content
			if _, seen := g.sealed[sb.ID]; seen && !sb.Sealed {
				t.Fatalf("batch %s was sealed and is open again", sb.ID)
			}
			for line := range strings.Lines(content) {
				found[line]++
			}
		}
		snap.Close()
	}
	for id, content := range g.sealed {
		got, ok := batches[id]
		if ok && got != content {
			t.Fatalf("batch %s was sealed with %q and now holds %q", id, content, got)
		}
		if !ok && !g.released[id] {
			t.Fatalf("sealed batch %s is gone", id)
		}
		if !ok { // it is in the lake alone
			for line := range strings.Lines(content) {
				found[line]++
			}
		}
	}
	for line, n := range found {
		if n != 1 {
			t.Fatalf("record %q is there %d times", line, n)
		}
		if !g.acked[line] && !g.uncertain[line] {
			t.Fatalf("record %q was never appended", line)
		}
		g.acked[line] = true
	}
	for line := range g.acked {
		if found[line] != 1 {
			t.Fatalf("record %q was acknowledged and is gone", line)
		}
	}
}

const faultDir = "/data/buffer"

// faultSize is the size of a batch; of stream c's, so large that files which are
// written again hold old frames far behind the new ones.
func faultSize(stream string) int64 {
	if stream == "c" {
		return 9000
	}
	return 900
}

func faultConfig(fs buffer.FS) buffer.Config {
	return buffer.Config{
		Dir: faultDir, FS: fs, Size: faultSize,
		Rules: func(s string) []byte { return []byte(s) }, Reuse: 1 << 20,
	}
}

// work is a day in the life of a log. It stops at nothing but a bug.
func (g *ledger) work(fs buffer.FS) error {
	for session := range 2 {
		b, err := buffer.Open(faultConfig(fs))
		if err != nil {
			continue
		}
		g.append(b, "a", 3)
		g.append(b, "a", 5)
		g.append(b, "b", 2)
		b.Seal(context.Background(), "a")
		g.append(b, "a", 100) // reaches the size and is sealed
		g.append(b, "a", 4)
		if err := g.deliver(b, session == 1); err != nil && strings.Contains(err.Error(), "BUG") {
			return err
		}
		g.append(b, "b", 1)
		if snap, err := b.Snapshot("a"); err == nil {
			snap.Close()
		}
		if err := g.deliver(b, true); err != nil && strings.Contains(err.Error(), "BUG") {
			return err
		}
		if err := g.recycle(b); err != nil {
			return err
		}
		if session == 0 {
			b.Close()
		} // the second session is killed
	}
	return nil
}

// recycle has stream c write batches into files that held others, and leaves the
// last of them open.
func (g *ledger) recycle(b *buffer.Buffer) error {
	for _, appends := range []int{4, 5, 3} {
		for range appends {
			g.append(b, "c", 22) // four of them reach the size
		}
		for range len(b.Sealed()) {
			if err := g.deliver(b, true); err != nil && strings.Contains(err.Error(), "BUG") {
				return err
			}
		}
	}
	return nil
}

// reopen opens the log without faults, checks it, goes on with it, and checks
// what a power cut right after that leaves.
func (g *ledger) reopen(t *testing.T, fs *faultfs.FS, r *rand.Rand) {
	t.Helper()
	b, err := buffer.Open(faultConfig(fs))
	if err != nil {
		t.Fatalf("open after the fault: %v", err)
	}
	g.check(t, b, "a", "b", "c")
	if err := g.deliver(b, false); err != nil {
		t.Fatalf("deliver after the fault: %v", err)
	}
	for _, stream := range []string{"a", "b", "c"} {
		if r.IntN(2) == 0 {
			continue
		}
		if err := g.append(b, stream, 2); err != nil {
			t.Fatalf("append after the fault: %v", err)
		}
	}
	cut := fs.Crash(r)
	b, err = buffer.Open(faultConfig(cut))
	if err != nil {
		t.Fatalf("open after the second crash: %v", err)
	}
	for _, st := range b.Streams() {
		if st.Err != nil {
			t.Fatalf("stream %s: %v", st.Name, st.Err)
		}
	}
	g.check(t, b, "a", "b", "c")
	for _, stream := range []string{"a", "b", "c"} {
		if _, err := cut.ReadDir(faultDir + "/" + stream + "/quarantine"); g.undamaged && err == nil {
			t.Fatal("what a crash left was taken for damage")
		}
	}
}

func (g *ledger) clone() *ledger {
	c := newLedger()
	c.next, c.undamaged = g.next, g.undamaged
	for k := range g.acked {
		c.acked[k] = true
	}
	for k := range g.uncertain {
		c.uncertain[k] = true
	}
	for k, v := range g.sealed {
		c.sealed[k] = v
	}
	for k := range g.released {
		c.released[k] = true
	}
	return c
}

// TestEveryFault makes operation i fail, alone or with all after it, for every
// i until the work runs through untouched; then the process is killed, or the
// power is cut, or cut again while the log is recovered.
func TestEveryFault(t *testing.T) {
	for _, mode := range []string{"once", "from"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			for i := 0; ; i++ {
				fs := faultfs.New()
				if mode == "once" {
					fs.FailAt(i)
				} else {
					fs.FailFrom(i)
				}
				g := newLedger()
				g.undamaged = true
				if err := g.work(fs); err != nil {
					t.Fatalf("operation %d: %v", i, err)
				}
				ops := fs.Ops()
				fs.Heal()
				g.afterwards(t, fs, i)
				if ops <= i {
					t.Logf("%d operations", ops)
					return
				}
			}
		})
	}
}

// afterwards looks at the log after a kill, after power cuts, and after power
// cuts during recovery.
func (g *ledger) afterwards(t *testing.T, fs *faultfs.FS, i int) {
	t.Helper()
	defer func() {
		if t.Failed() {
			t.Logf("at operation %d", i)
		}
	}()
	r := rand.New(rand.NewPCG(uint64(i), 3))
	g.clone().reopen(t, fs.Kill(), r)
	for range 3 {
		g.clone().reopen(t, fs.Crash(r), r)
	}
	for range 3 {
		again := fs.Crash(r)
		again.FailFrom(r.IntN(30))
		if b, err := buffer.Open(faultConfig(again)); err == nil {
			b.Close()
		}
		again.Heal()
		g.clone().reopen(t, again.Crash(r), r)
	}
}

// TestFaultInRecovery makes every operation of recovery fail in turn, on a log
// that has damage to salvage.
func TestFaultInRecovery(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%v", sealed), func(t *testing.T) {
			t.Parallel()
			fs := faultfs.New()
			g := newLedger()
			id := damagedLog(t, g, fs, sealed)
			for i := 0; ; i++ {
				r := rand.New(rand.NewPCG(uint64(i), 4))
				one := fs.Kill()
				one.FailAt(i)
				before := one.Ops()
				if b, err := buffer.Open(faultConfig(one)); err == nil {
					b.Close()
				}
				ops := one.Ops() - before
				one.Heal()
				for _, next := range []*faultfs.FS{one.Kill(), one.Crash(r), one.Crash(r)} {
					c := g.clone()
					c.reopen(t, next, r)
					if b := openBatches(t, next); sealed != b[id] {
						t.Fatalf("operation %d: salvaged as %v, the damaged one was %s, sealed: %v", i, b, id, sealed)
					}
				}
				if ops <= i {
					return
				}
			}
		})
	}
}

// openBatches opens the log anew and lists its batches of stream a.
func openBatches(t *testing.T, fs *faultfs.FS) map[lake.BatchID]bool {
	t.Helper()
	b := mustOpen(t, faultConfig(fs.Kill()))
	snap, err := b.Snapshot("a")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	ids := map[lake.BatchID]bool{}
	for _, sb := range snap.Batches {
		ids[sb.ID] = true
	}
	return ids
}

// damagedLog makes a log of one batch of four commits, the second of which is
// damaged: its records are struck off the ledger.
func damagedLog(t *testing.T, g *ledger, fs *faultfs.FS, sealed bool) lake.BatchID {
	t.Helper()
	b, err := buffer.Open(faultConfig(fs))
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := g.append(b, "a", 2); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(string(block(2, 2).Data)) {
		delete(g.acked, line)
	}
	if sealed {
		mustSeal(t, b, "a")
	}
	snap, err := b.Snapshot("a")
	if err != nil {
		t.Fatal(err)
	}
	id := snap.Batches[0].ID
	snap.Close()
	b.Close()
	path := faultDir + "/a/" + string(id) + ".seg"
	data, err := fs.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[strings.Index(string(data), `{"n":2}`)] ^= 1
	if err := fs.WriteFile(path, data); err != nil {
		t.Fatal(err)
	}
	return id
}
