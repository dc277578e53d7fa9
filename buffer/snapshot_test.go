package buffer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"sluice/buffer"
)

// TestSnapshotOutlivesRelease releases, and closes, what a snapshot holds.
func TestSnapshotOutlivesRelease(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, buffer.Config{Dir: dir})
	mustAppend(t, b, "s", block(0, 3))
	early, err := b.Snapshot("s")
	if err != nil {
		t.Fatal(err)
	}
	mustAppend(t, b, "s", block(3, 2))
	mustSeal(t, b, "s")
	late, err := b.Snapshot("s")
	if err != nil {
		t.Fatal(err)
	}
	batch := b.Sealed()[0]
	if err := b.Release(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	if got, _ := filepath.Glob(filepath.Join(dir, "s", "*")); len(got) != 0 {
		t.Errorf("left behind: %v", got)
	}
	b.Close()
	e, l := &early.Batches[0], &late.Batches[0]
	if e.Sealed || !l.Sealed || e.ID != l.ID || e.Rules != nil || l.End <= e.End {
		t.Errorf("open %+v, sealed %+v", e, l)
	}
	if got := strings.Join(read(t, e.Blocks(0)), ""); got != string(block(0, 3).Data) {
		t.Errorf("open: %q", got)
	}
	if got := strings.Join(read(t, l.Blocks(e.End)), ""); got != string(block(3, 2).Data) {
		t.Errorf("what was new in the second: %q", got)
	}
	early.Close()
	late.Close()
	late.Close()
	for _, err := range batch.Blocks()() {
		if !errors.Is(err, buffer.ErrReleased) {
			t.Errorf("reading a released batch: %v", err)
		}
	}
}

// TestOpenFilesAreBounded takes a snapshot of many batches: none is open before
// it is read or released.
func TestOpenFilesAreBounded(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts /proc/self/fd")
	}
	b := mustOpen(t, buffer.Config{Dir: t.TempDir()})
	for i := range 50 {
		mustAppend(t, b, "s", block(i, 1))
		mustSeal(t, b, "s")
	}
	before := openFiles(t)
	snap, err := b.Snapshot("s")
	if err != nil {
		t.Fatal(err)
	}
	if n := openFiles(t) - before; n != 0 {
		t.Errorf("a snapshot opened %d files", n)
	}
	for i := range snap.Batches {
		read(t, snap.Batches[i].Blocks(0))
	}
	for _, batch := range b.Sealed() {
		if err := b.Release(context.Background(), batch); err != nil {
			t.Fatal(err)
		}
	}
	snap.Close()
	if n := openFiles(t) - before; n != 0 {
		t.Errorf("%d files are still open", n)
	}
}

func openFiles(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
