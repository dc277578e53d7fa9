package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"

	"sluice/buffer"
)

// ErrInjected is the error of an operation that was made to fail.
var ErrInjected = errors.New("injected fault")

// Sector is how much of a write is kept or lost as one.
const Sector = 512

// An FS is a file system in memory.
type FS struct {
	mu       sync.Mutex
	root     *dir
	locked   map[string]bool
	ops      int
	failFrom int // operations from this one
	failTo   int // to before this one fail
	rand     *rand.Rand
	capacity int64
	hook     func(op, path string) error
}

// New makes an empty file system.
func New() *FS {
	return &FS{root: newDir(), locked: map[string]bool{}, rand: rand.New(rand.NewPCG(1, 1)), capacity: 1 << 40}
}

// FailAt makes the i-th operation from now on fail, once.
func (f *FS) FailAt(i int) { f.fail(i, i+1) }

// FailFrom makes the i-th operation from now on fail and all after it.
func (f *FS) FailFrom(i int) { f.fail(i, 1<<62) }

func (f *FS) fail(from, to int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failFrom, f.failTo = f.ops+from, to
	if to < 1<<62 {
		f.failTo = f.ops + to
	}
	f.rand = rand.New(rand.NewPCG(uint64(from), 2))
}

// Heal ends all failing.
func (f *FS) Heal() { f.fail(0, 0) }

// Ops is how many operations there were.
func (f *FS) Ops() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ops
}

// SetCapacity sets the size of the disk.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = n
}

// SetHook has hook called before every operation, which fails with the error
// that hook returns. The hook may block.
func (f *FS) SetHook(hook func(op, path string) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hook = hook
}

// begin counts an operation and says with what error it is to fail, if it is.
// It returns with f.mu held.
func (f *FS) begin(op, path string) error {
	f.mu.Lock()
	if hook := f.hook; hook != nil {
		f.mu.Unlock()
		err := hook(op, path)
		f.mu.Lock()
		if err != nil {
			return err
		}
	}
	n := f.ops
	f.ops++
	if f.failFrom <= n && n < f.failTo {
		return fmt.Errorf("%s %s: %w", op, path, ErrInjected)
	}
	return nil
}

// half is true every other time.
func (f *FS) half() bool { return f.rand.IntN(2) == 0 }

// lookup finds a folder.
func (f *FS) lookup(path string) (*dir, error) {
	d := f.root
	for _, name := range split(path) {
		sub, ok := d.entries[name].(*dir)
		if !ok {
			return nil, &fs.PathError{Op: "lookup", Path: path, Err: fs.ErrNotExist}
		}
		d = sub
	}
	return d, nil
}

func split(path string) []string {
	var names []string
	for path = filepath.Clean(path); path != "/" && path != "."; path = filepath.Dir(path) {
		names = append(names, filepath.Base(path))
	}
	slices.Reverse(names)
	return names
}

// parent finds the folder of a path, and what has that name in it.
func (f *FS) parent(path string) (d *dir, name string, at node, err error) {
	d, err = f.lookup(filepath.Dir(path))
	if err != nil {
		return nil, "", nil, err
	}
	name = filepath.Base(path)
	return d, name, d.entries[name], nil
}

// change carries a change of folder d out: if it is to fail, half the time, but
// never for want of room.
func (f *FS) change(d *dir, failed error, c entryChange) error {
	if failed == nil || !errors.Is(failed, buffer.ErrNoSpace) && f.half() {
		d.change(c)
	}
	return failed
}

// Lock implements buffer.FS.
func (f *FS) Lock(path string) (io.Closer, error) {
	err := f.begin("lock", path)
	defer f.mu.Unlock()
	if err == nil && f.locked[path] {
		err = buffer.ErrLocked
	}
	if err != nil {
		return nil, err
	}
	f.locked[path] = true
	return unlock(func() {
		f.mu.Lock()
		delete(f.locked, path)
		f.mu.Unlock()
	}), nil
}

type unlock func()

func (u unlock) Close() error { u(); return nil }

// Mkdir implements buffer.FS.
func (f *FS) Mkdir(path string) error {
	failed := f.begin("mkdir", path)
	defer f.mu.Unlock()
	if filepath.Clean(path) == "/" {
		return failed
	}
	d, name, at, err := f.parent(path)
	if err != nil {
		return err
	}
	if _, ok := at.(*dir); ok {
		return failed
	}
	return f.change(d, failed, entryChange{add: name, node: newDir()})
}

// ReadDir implements buffer.FS.
func (f *FS) ReadDir(path string) ([]buffer.DirEntry, error) {
	err := f.begin("readdir", path)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	d, err := f.lookup(path)
	if err != nil {
		return nil, err
	}
	var list []buffer.DirEntry
	for _, name := range slices.Sorted(maps.Keys(d.entries)) {
		_, isDir := d.entries[name].(*dir)
		list = append(list, buffer.DirEntry{Name: name, IsDir: isDir})
	}
	return list, nil
}

// Create implements buffer.FS.
func (f *FS) Create(path string) (buffer.File, error) {
	failed := f.begin("create", path)
	defer f.mu.Unlock()
	d, name, at, err := f.parent(path)
	if err != nil {
		return nil, err
	}
	if at != nil {
		return nil, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist}
	}
	ino := &inode{}
	if err := f.change(d, failed, entryChange{add: name, node: ino}); err != nil {
		return nil, err
	}
	return &file{fs: f, path: path, ino: ino}, nil
}

// Open implements buffer.FS.
func (f *FS) Open(path string) (buffer.File, error) { return f.open("open", path) }

// OpenWrite implements buffer.FS.
func (f *FS) OpenWrite(path string) (buffer.File, error) { return f.open("openwrite", path) }

func (f *FS) open(op, path string) (buffer.File, error) {
	err := f.begin(op, path)
	defer f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	_, _, at, err := f.parent(path)
	if err != nil {
		return nil, err
	}
	ino, ok := at.(*inode)
	if !ok {
		return nil, &fs.PathError{Op: op, Path: path, Err: fs.ErrNotExist}
	}
	return &file{fs: f, path: path, ino: ino}, nil
}

// Rename implements buffer.FS, within one folder.
func (f *FS) Rename(from, to string) error {
	failed := f.begin("rename", from)
	defer f.mu.Unlock()
	d, name, at, err := f.parent(from)
	if err != nil {
		return err
	}
	if at == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	if filepath.Dir(from) != filepath.Dir(to) {
		return fmt.Errorf("rename %s to %s: %w", from, to, errors.ErrUnsupported)
	}
	return f.change(d, failed, entryChange{remove: name, add: filepath.Base(to), node: at})
}

// Link implements buffer.FS.
func (f *FS) Link(from, to string) error {
	failed := f.begin("link", from)
	defer f.mu.Unlock()
	_, _, at, err := f.parent(from)
	if err != nil {
		return err
	}
	if at == nil {
		return &fs.PathError{Op: "link", Path: from, Err: fs.ErrNotExist}
	}
	d, name, there, err := f.parent(to)
	if err != nil {
		return err
	}
	if there != nil {
		return &fs.PathError{Op: "link", Path: to, Err: fs.ErrExist}
	}
	return f.change(d, failed, entryChange{add: name, node: at})
}

// Remove implements buffer.FS.
func (f *FS) Remove(path string) error {
	failed := f.begin("remove", path)
	defer f.mu.Unlock()
	d, name, at, err := f.parent(path)
	if err != nil {
		return err
	}
	if at == nil {
		return &fs.PathError{Op: "remove", Path: path, Err: fs.ErrNotExist}
	}
	return f.change(d, failed, entryChange{remove: name})
}

// SyncDir implements buffer.FS.
func (f *FS) SyncDir(path string) error {
	err := f.begin("syncdir", path)
	defer f.mu.Unlock()
	if err != nil {
		return err
	}
	d, err := f.lookup(path)
	if err == nil {
		d.durable, d.pending = maps.Clone(d.entries), nil
	}
	return err
}

// Free implements buffer.FS.
func (f *FS) Free(path string) (int64, error) {
	err := f.begin("free", path)
	defer f.mu.Unlock()
	return f.freeLocked(), err
}

func (f *FS) freeLocked() int64 { return f.capacity - f.root.size(map[*inode]bool{}) }
