package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var errInjected = errors.New("injected")

// A faultyDisk fails at its failAt-th operation and remembers what a power cut
// could take back: whatever was not synced. A sync only clears that memory.
type faultyDisk struct {
	osDisk
	failAt  int  // never where negative
	applied bool // the failing operation happens all the same
	crash   bool // nothing works afterwards
	ops     int
	undo    []undo
	handles []*os.File
}

func (d *faultyDisk) close() {
	for _, h := range d.handles {
		h.Close()
	}
}

// An undo is a change that is lost with the power until its folder is synced.
type undo struct {
	folder string
	do     func() error
}

// step does an operation, or not.
func (d *faultyDisk) step(do func() error) error {
	n := d.ops
	d.ops++
	if d.crash && d.failAt >= 0 && n > d.failAt || n == d.failAt && !d.applied {
		return errInjected
	}
	if err := do(); err != nil {
		return err
	}
	if n == d.failAt {
		return errInjected
	}
	return nil
}

func (d *faultyDisk) later(folder string, do func() error) {
	d.undo = append(d.undo, undo{folder, do})
}

func (d *faultyDisk) create(path string) (stagedFile, error) {
	file := &faultyFile{disk: d}
	err := d.step(func() (err error) {
		if file.stagedFile, err = d.osDisk.create(path); err == nil {
			d.later(filepath.Dir(path), func() error { return os.Remove(path) })
		}
		return err
	})
	if err != nil {
		if file.stagedFile != nil {
			file.stagedFile.Close()
		}
		return nil, err
	}
	return file, nil
}

func (d *faultyDisk) mkdir(path string) error {
	return d.step(func() error {
		err := d.osDisk.mkdir(path)
		if err == nil {
			d.later(filepath.Dir(path), func() error { return os.RemoveAll(path) })
		}
		return err
	})
}

func (d *faultyDisk) rename(from, to string) error {
	return d.step(func() error {
		before, readErr := os.ReadFile(to)
		err := d.osDisk.rename(from, to)
		if err == nil {
			d.later(filepath.Dir(to), func() error {
				if readErr != nil {
					return os.Remove(to)
				}
				return os.WriteFile(to, before, 0o644)
			})
		}
		return err
	})
}

func (d *faultyDisk) remove(path string) error {
	return d.step(func() error {
		before, readErr := os.ReadFile(path)
		err := d.osDisk.remove(path)
		if err == nil && readErr == nil {
			d.later(filepath.Dir(path), func() error { return os.WriteFile(path, before, 0o644) })
		}
		return err
	})
}

func (d *faultyDisk) syncDir(path string) error {
	return d.step(func() error {
		_, err := os.Stat(path)
		if err == nil {
			d.undo = slices.DeleteFunc(d.undo, func(u undo) bool { return u.folder == path })
		}
		return err
	})
}

// A faultyFile keeps its content in doubt until Sync.
type faultyFile struct {
	stagedFile
	disk   *faultyDisk
	doubt  *os.File // another handle to cut the file with, wherever it is by then
	length int64
}

const contentDoubt = "content" // no folder's name

func (f *faultyFile) Write(p []byte) (n int, err error) {
	err = f.disk.step(func() (err error) {
		f.inDoubt()
		n, err = f.stagedFile.Write(p)
		f.length += int64(n)
		return err
	})
	return n, err
}

func (f *faultyFile) inDoubt() {
	if f.doubt != nil {
		return
	}
	path := f.stagedFile.(*os.File).Name()
	handle, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		panic(err)
	}
	f.doubt = handle
	f.disk.handles = append(f.disk.handles, handle)
	f.disk.later(contentDoubt+path, func() error { return handle.Truncate(f.length / 2) })
}

func (f *faultyFile) Sync() error {
	return f.disk.step(func() error {
		mine := contentDoubt + f.stagedFile.(*os.File).Name()
		f.disk.undo = slices.DeleteFunc(f.disk.undo, func(u undo) bool { return u.folder == mine })
		return nil
	})
}

// powerCut takes back some of what was not synced.
func (d *faultyDisk) powerCut(t *testing.T, keep func() bool) {
	t.Helper()
	for _, u := range slices.Backward(d.undo) {
		if keep() {
			continue
		}
		if err := u.do(); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// again is the seed with which a process after the crash repeats the work before
// the power is cut.
const again = 2

// A Put or Delete that fails or crashes at any of its steps, with or without a
// power cut, leaves each key with what it held before or with what it was to
// hold, whole; and with the new where the call returned nil.
func TestCrashes(t *testing.T) {
	for _, mode := range []faultyDisk{{}, {applied: true}, {crash: true}, {crash: true, applied: true}} {
		t.Run(fmt.Sprintf("crash=%v,applied=%v", mode.crash, mode.applied), func(t *testing.T) {
			for seed := range uint64(again + 1) {
				for i := 0; ; i++ {
					disk := mode
					disk.failAt = i
					if !crashOnce(t, &disk, seed) {
						if i < 15 {
							t.Errorf("only %d operations", i)
						}
						break
					}
					if t.Failed() {
						t.Fatalf("at operation %d, seed %d", i, seed)
					}
				}
			}
		})
	}
}

// crashOnce reports whether the fault came to be.
func crashOnce(t *testing.T, disk *faultyDisk, seed uint64) bool {
	t.Helper()
	ctx := context.Background()
	root := t.TempDir()
	before, after := bytes.Repeat([]byte("old"), 100), bytes.Repeat([]byte("new"), copyBuffer/2)
	sound := &faultyDisk{failAt: -1}
	defer sound.close()
	f, err := openFiles(root, sound, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"t/p=1/replaced", "t/p=1/deleted"} {
		if err := f.put(ctx, key, bytes.NewReader(before), int64(len(before))); err != nil {
			t.Fatal(err)
		}
	}

	work := func() map[string]error {
		f := &files{root: root, disk: disk, durable: map[string]struct{}{}}
		return map[string]error{
			"t/p=1/replaced": f.put(ctx, "t/p=1/replaced", bytes.NewReader(after), int64(len(after))),
			"u/p=2/q=3/new":  f.put(ctx, "u/p=2/q=3/new", bytes.NewReader(after), int64(len(after))),
			"t/p=1/deleted":  f.delete(ctx, "t/p=1/deleted"),
		}
	}
	told := work()
	if left, err := os.ReadDir(f.stagingFolder()); !disk.crash && (err != nil || len(left) > 0) {
		if !(disk.failAt < disk.ops && len(left) == 1) { // the removal itself may have failed
			t.Errorf("left %v, %v", left, err)
		}
	}
	reached := disk.ops > disk.failAt
	if seed == again { // the next process does the same over what this one left
		disk.failAt = -1
		told = work()
		for key, err := range told {
			if err != nil {
				t.Errorf("%s, again: %v", key, err)
			}
		}
	}
	rng := rand.New(rand.NewPCG(seed, uint64(disk.ops)))
	disk.powerCut(t, func() bool { return seed == 1 && rng.IntN(2) == 0 })

	disk.close()

	next, err := openFiles(root, sound, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]byte{}
	for object, err := range next.list(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		found[object.Key], err = os.ReadFile(next.path(object.Key))
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string][2][]byte{ // before, after
		"t/p=1/replaced": {before, after},
		"u/p=2/q=3/new":  {nil, after},
		"t/p=1/deleted":  {before, nil},
	}
	for key, content := range found {
		if _, ok := want[key]; !ok {
			t.Errorf("%s is to be seen, %d bytes", key, len(content))
		}
	}
	for key, w := range want {
		got := found[key]
		switch {
		case bytes.Equal(got, w[1]):
		case told[key] == nil:
			t.Errorf("%s was done, but has %d bytes", key, len(got))
		case !bytes.Equal(got, w[0]):
			t.Errorf("%s has %d bytes, neither old nor new", key, len(got))
		}
	}
	if err := next.put(ctx, "u/p=2/q=3/new", bytes.NewReader(before), int64(len(before))); err != nil {
		t.Errorf("put after all: %v", err)
	}
	return reached
}

// Only what is old and nobody's is cleared away.
func TestStaleIsRemoved(t *testing.T) {
	root := t.TempDir()
	staging := filepath.Join(root, temporary)
	if err := os.Mkdir(staging, 0o755); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-2 * staleAfter)
	for _, name := range []string{"stale", "held", "fresh"} {
		path := filepath.Join(staging, name)
		if err := os.WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if name != "fresh" {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	held, err := os.Open(filepath.Join(staging, "held"))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if !lock(held) {
		t.Fatal("no lock")
	}
	if _, err := openFiles(root, osDisk{}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"stale": false, "held": true, "fresh": true} {
		if _, err := os.Stat(filepath.Join(staging, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Folders that somebody removes meanwhile are made again; a root is not.
func TestVanishedFolders(t *testing.T) {
	root := filepath.Join(t.TempDir(), "a", "b")
	f, err := openFiles(root, osDisk{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for _, gone := range []string{"", "t", "t/p=1", temporary} {
		if gone != "" {
			if err := os.RemoveAll(filepath.Join(root, gone)); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.put(ctx, "t/p=1/x", bytes.NewReader([]byte("x")), 1); err != nil {
			t.Errorf("%q gone: %v", gone, err)
		}
		if _, err := f.stat(ctx, "t/p=1/x"); err != nil {
			t.Errorf("%q gone: %v", gone, err)
		}
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	err = f.put(ctx, "t/p=1/x", bytes.NewReader([]byte("x")), 1)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("root gone: %v", err)
	}
	if _, err := os.Stat(root); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("root is back: %v", err)
	}
}
