package dedupe_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"sluice/buffer/faultfs"
	"sluice/internal/dedupe"
)

// Every duplicate that was answered is counted after a kill, without any Sync.
func TestCountSurvivesKills(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	b.append(records("a", "b"), now)
	want := int64(0)
	for i := range 5 {
		b.append(records("a", "b", fmt.Sprint(i)), now)
		want += 2
		b.expect(2+i+1, want)
		b.restart(false)
		b.expect(2+i+1, want)
	}
	// Of many clients too.
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for range 20 {
				if err := b.f.Append(context.Background(), "s", blockOf(records("a", "b"), now)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	clients.Wait()
	b.restart(false)
	b.expect(7, want+8*20*2)
}

// After a power cut the count is what the last delivery made durable, or more, and
// never more than there were; whatever became of the file.
func TestCountAfterAPowerCut(t *testing.T) {
	for seed := range uint64(40) {
		fs := faultfs.New()
		if err := fs.Mkdir("/data"); err != nil {
			t.Fatal(err)
		}
		w := &world{fs: fs, acked: map[string]bool{}}
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		least, most := int64(0), int64(0)
		for i := range 6 {
			if err := w.append(records("a", "b"), nil); err != nil {
				t.Fatal(err)
			}
			if i > 0 {
				most += 2
			}
			if i == 3 {
				if err := w.f.Sync(t.Context(), "s"); err != nil {
					t.Fatal(err)
				}
				least = most
			}
		}
		w.fs = w.fs.Crash(rand.New(rand.NewPCG(seed, 1)))
		if err := w.open(); err != nil {
			t.Fatal(err)
		}
		if got := w.f.State("s").Duplicates; got < least || got > most {
			t.Errorf("seed %d: %d duplicates, want %d to %d", seed, got, least, most)
		}
	}
}

// A count that the disk damaged, cut or made one of ours never wrote is not believed.
func TestCountDamaged(t *testing.T) {
	valid := func(n uint64) []byte {
		b := binary.LittleEndian.AppendUint64(nil, n)
		return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)))
	}
	flipped := valid(9)
	flipped[3] ^= 1
	for _, tc := range []struct {
		content []byte
		want    int64
	}{{nil, 2}, {[]byte("short"), 2}, {flipped, 2}, {make([]byte, 12), 2}, {valid(1), 2}, {valid(9), 9}, {append(valid(9), 0), 9}, {valid(1 << 63), 2}} {
		b := newBench(t, dedupe.Config{})
		b.append(records("a", "b"), now)
		b.append(records("a", "b"), now)
		b.f.Close() // the state file has the 2
		if err := b.log.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(b.dir, "dedupe", "s", "duplicates"), tc.content, 0o644); err != nil {
			t.Fatal(err)
		}
		b.open()
		b.expect(2, tc.want)
		b.append(records("a"), now)
		b.restart(false)
		b.expect(2, tc.want+1)
	}
}

// That the count cannot be written on a disk that fails keeps nobody from being
// answered, and Sync writes it later.
func TestCountOnAFailingDisk(t *testing.T) {
	fs := faultfs.New()
	if err := fs.Mkdir("/data"); err != nil {
		t.Fatal(err)
	}
	w := &world{fs: fs, acked: map[string]bool{}}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	if err := w.append(records("a", "b"), nil); err != nil {
		t.Fatal(err)
	}
	if err := w.f.Sync(t.Context(), "s"); err != nil {
		t.Fatal(err)
	}
	fs.FailFrom(fs.Ops() + 1)
	if err := w.append(records("a", "b"), nil); err != nil { // needs nothing of the log
		t.Errorf("a request of duplicates alone: %v", err)
	}
	fs.Heal()
	if err := w.append(records("b"), nil); err != nil {
		t.Fatal(err)
	}
	w.fs = w.fs.Kill()
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	if got := w.f.State("s").Duplicates; got != 3 {
		t.Errorf("%d duplicates, want 3", got)
	}
}
