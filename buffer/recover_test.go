package buffer_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer"
	"sluice/buffer/faultfs"
	"sluice/internal/lake"
)

// A specimen is the segment of one batch, written with one commit a block.
type specimen struct {
	id     lake.BatchID
	data   []byte  // without preallocated zeros
	blocks [][]int // numbers of the records of each block
	starts []int   // where each block's frame begins; last, where the last one ends
	old    []byte  // what the file held before, if it was another batch's
}

func newSpecimen(t *testing.T, sealed bool) *specimen {
	t.Helper()
	fs := faultfs.New()
	b := mustOpen(t, faultConfig(fs))
	s := &specimen{}
	s.write(t, b, 0)
	if sealed {
		mustSeal(t, b, "a")
	}
	s.id = onlyBatch(t, b).ID
	b.Close()
	var err error
	if s.data, err = fs.ReadFile(s.path()); err != nil {
		t.Fatal(err)
	}
	return s
}

// write appends the blocks, with records from number next on.
func (s *specimen) write(t *testing.T, b *buffer.Buffer, next int) {
	t.Helper()
	for _, n := range []int{2, 1, 5, 3} {
		before := specimenEnd(t, b)
		mustAppend(t, b, "a", block(next, n))
		var numbers []int
		for i := range n {
			numbers = append(numbers, next+i)
		}
		next += n
		s.blocks = append(s.blocks, numbers)
		s.starts = append(s.starts, max(before, 160))
	}
	s.starts = append(s.starts, specimenEnd(t, b))
}

func specimenEnd(t *testing.T, b *buffer.Buffer) int {
	t.Helper()
	snap, err := b.Snapshot("a")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if len(snap.Batches) == 0 {
		return 0
	}
	return int(snap.Batches[0].End)
}

func (s *specimen) path() string { return faultDir + "/a/" + string(s.id) + ".seg" }

// file is a file system that holds the segment with this content.
func (s *specimen) file(t *testing.T, data []byte) *faultfs.FS {
	t.Helper()
	fs := faultfs.New()
	for _, dir := range []string{"/data", faultDir, faultDir + "/a"} {
		if err := fs.Mkdir(dir); err != nil {
			t.Fatal(err)
		}
	}
	if err := fs.WriteFile(s.path(), data); err != nil {
		t.Fatal(err)
	}
	return fs
}

// want is the text of the blocks for which keep holds.
func (s *specimen) want(keep func(i int) bool) string {
	var b strings.Builder
	for i, numbers := range s.blocks {
		if keep(i) {
			b.Write(block(numbers[0], len(numbers)).Data)
		}
	}
	return b.String()
}

func quarantined(fs *faultfs.FS) bool {
	list, err := fs.ReadDir(faultDir + "/a/quarantine")
	return err == nil && len(list) > 0
}

// TestTornTail cuts a segment at every byte, with nothing, zeros or rubbish
// behind the cut, and finds the commits before it, whole, and goes on.
func TestTornTail(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		s := newSpecimen(t, sealed)
		for _, fill := range []string{"", "\x00", "\xfeSLF"} {
			t.Run(fmt.Sprintf("sealed=%v,fill=%q", sealed, fill), func(t *testing.T) {
				t.Parallel()
				for cut := range s.data {
					data := slices.Clone(s.data[:cut])
					for fill != "" && len(data) < len(s.data) {
						data = append(data, fill[len(data)%len(fill)])
					}
					s.tornAt(t, s.file(t, data), cut, fill == "\xfeSLF" && cut < 160)
					if t.Failed() {
						t.Fatalf("cut at %d", cut)
					}
				}
			})
		}
	}
}

func (s *specimen) tornAt(t *testing.T, fs *faultfs.FS, cut int, damaged bool) {
	want := s.want(func(i int) bool { return s.starts[i+1] <= cut })
	for range 2 { // the second time nothing is torn any more
		b := mustOpen(t, faultConfig(fs))
		if got := strings.Join(held(t, b, "a"), ""); got != want {
			t.Errorf("found %q, want %q", got, want)
		}
		if got := b.Sealed(); len(got) != 0 {
			t.Errorf("sealed: %v", got)
		}
		more := block(1000+len(want), 1)
		mustAppend(t, b, "a", more)
		want += string(more.Data)
		b.Close()
	}
	if quarantined(fs) != damaged {
		t.Errorf("quarantined: %v, want %v", !damaged, damaged)
	}
}

// TestDamage flips a bit of every byte of a segment. Whatever it hits, all other
// frames are found, and what had been durable is never taken for a torn tail.
func TestDamage(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		s := newSpecimen(t, sealed)
		for bit := range 2 {
			t.Run(fmt.Sprintf("sealed=%v,bit=%d", sealed, bit*7), func(t *testing.T) {
				t.Parallel()
				for at := range s.data {
					data := slices.Clone(s.data)
					data[at] ^= 1 << (bit * 7)
					s.damagedAt(t, data, at, sealed)
					if t.Failed() {
						t.Fatalf("flipped bit %d of byte %d", bit*7, at)
					}
				}
			})
		}
	}
}

func (s *specimen) damagedAt(t *testing.T, data []byte, at int, sealed bool) {
	fs := s.file(t, data)
	cfg := faultConfig(fs)
	registry := prometheus.NewPedanticRegistry()
	cfg.Registerer = registry
	b := mustOpen(t, cfg)

	hit := func(i int) bool { return s.starts[i] <= at && at < s.starts[i+1] }
	if got, want := strings.Join(held(t, b, "a"), ""), s.want(func(i int) bool { return !hit(i) }); got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	last := len(s.blocks) - 1
	inSeal := at >= s.starts[last+1]
	torn := inSeal || !sealed && hit(last) // by what is there, its commit may never have returned
	if quarantined(fs) == torn {
		t.Errorf("quarantined: %v", !torn)
	}
	kept := onlyBatch(t, b)
	if sealed != inSeal && kept.Sealed != sealed {
		t.Errorf("sealed: %v", kept.Sealed)
	}
	inHeader := at < 160 && s.old != nil // then nothing tells old bytes from a seal
	if (kept.ID == s.id) != (sealed || torn || inHeader) {
		t.Errorf("batch %s became %s", s.id, kept.ID)
	}
	if kept.Sealed && string(kept.Rules) != "a" {
		t.Errorf("rules: %q", kept.Rules)
	}
	if torn {
		return
	}
	lost := 0
	for i, numbers := range s.blocks {
		if hit(i) {
			lost = len(numbers)
		}
	}
	if got := metric(t, registry, "sluice_buffer_quarantined_total", "records"); got != float64(lost) {
		t.Errorf("%v records counted as lost, want %d", got, lost)
	}
	original, err := fs.ReadFile(faultDir + "/a/quarantine/" + string(s.id) + ".seg")
	if err != nil || !bytes.Equal(original, data) {
		t.Errorf("the quarantine does not hold the damaged segment as it was: %v", err)
	}
}

// TestOldTailStaysGone has a commit of two frames of which the first is lost to
// a power cut and the second is not. The frame that takes the place of the
// first is as long, so the second would follow on from it.
func TestOldTailStaysGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		b := mustOpen(t, faultConfig(fs))
		mustAppend(t, b, "a", block(10, 1))
		before := specimenEnd(t, b)
		let := holdSync(fs)
		var wg sync.WaitGroup
		wg.Go(func() { mustAppend(t, b, "a", block(11, 1)) })
		synctest.Wait() // in its fsync
		wg.Go(func() { mustAppend(t, b, "a", block(12, 1)) })
		wg.Go(func() { mustAppend(t, b, "a", block(13, 1)) })
		synctest.Wait() // queued
		let()
		wg.Wait()
		frame := (specimenEnd(t, b) - before) / 3
		s := &specimen{id: onlyBatch(t, b).ID}
		b.Close()

		data, err := fs.ReadFile(s.path())
		if err != nil {
			t.Fatal(err)
		}
		clear(data[len(data)-2*frame : len(data)-frame])
		cut := s.file(t, data)
		b = mustOpen(t, faultConfig(cut))
		if got, want := strings.Join(held(t, b, "a"), ""), string(block(10, 2).Data); got != want {
			t.Fatalf("found %q, want %q", got, want)
		}
		mustAppend(t, b, "a", block(14, 1))
		b = mustOpen(t, faultConfig(cut.Kill()))
		if got, want := strings.Join(held(t, b, "a"), ""), string(block(10, 2).Data)+string(block(14, 1).Data); got != want {
			t.Fatalf("found %q, want %q", got, want)
		}
		if quarantined(cut) {
			t.Fatal("a torn commit was taken for damage")
		}
	})
}

// holdSync makes every fsync of a commit wait until the result is called.
func holdSync(fs *faultfs.FS) (let func()) {
	gate := make(chan struct{})
	fs.SetHook(func(op, _ string) error {
		if op == "datasync" {
			<-gate
		}
		return nil
	})
	return func() { close(gate) }
}

// onlyBatch is the one batch of stream a.
func onlyBatch(t *testing.T, b *buffer.Buffer) buffer.SnapshotBatch {
	t.Helper()
	snap, err := b.Snapshot("a")
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if len(snap.Batches) != 1 {
		t.Fatalf("%d batches, want 1", len(snap.Batches))
	}
	return snap.Batches[0]
}
