package faultfs

import (
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"

	"sluice/buffer"
)

// file is a buffer.File of an FS.
type file struct {
	fs   *FS
	path string
	ino  *inode
}

func (f *file) Close() error { return nil }

func (f *file) ReadAt(p []byte, off int64) (int, error) {
	err := f.fs.begin("read", f.path)
	defer f.fs.mu.Unlock()
	if err != nil {
		return 0, err
	}
	d := &f.ino.data
	n := int(min(int64(len(p)), max(0, d.size-off)))
	written := 0
	if off < int64(len(d.b)) {
		written = copy(p[:n], d.b[off:])
	}
	clear(p[written:n])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *file) WriteVec(bufs [][]byte, off int64) error {
	failed := f.fs.begin("write", f.path)
	defer f.fs.mu.Unlock()
	data := slices.Concat(bufs...)
	if grow := off + int64(len(data)) - f.ino.data.size; grow > 0 && grow > f.fs.freeLocked() {
		return fmt.Errorf("write %s: %w", f.path, buffer.ErrNoSpace)
	}
	if failed != nil {
		data = data[:f.fs.rand.IntN(len(data)+1)]
	}
	if len(data) > 0 {
		f.ino.change(contentChange{off: off, data: data})
	}
	return failed
}

func (f *file) Allocate(off, n int64) error {
	failed := f.fs.begin("allocate", f.path)
	defer f.fs.mu.Unlock()
	if failed != nil && f.fs.half() {
		return failed
	}
	if grow := off + n - f.ino.data.size; grow > 0 {
		if grow > f.fs.freeLocked() {
			return fmt.Errorf("allocate %s: %w", f.path, buffer.ErrNoSpace)
		}
		f.ino.change(contentChange{size: off + n})
	}
	return failed
}

func (f *file) Truncate(size int64) error {
	failed := f.fs.begin("truncate", f.path)
	defer f.fs.mu.Unlock()
	if failed == nil || f.fs.half() {
		f.ino.change(contentChange{size: size})
	}
	return failed
}

func (f *file) Sync() error     { return f.sync("sync") }
func (f *file) Datasync() error { return f.sync("datasync") }

// sync makes the content durable. If it is to fail, what was written since the
// last time is, like a page cache's after a failed fsync, there to be read and
// never to be durable.
func (f *file) sync(op string) error {
	failed := f.fs.begin(op, f.path)
	defer f.fs.mu.Unlock()
	if failed != nil {
		f.ino.pending = nil
		return failed
	}
	f.ino.sync()
	return nil
}

func (f *file) Size() (int64, error) {
	err := f.fs.begin("size", f.path)
	defer f.fs.mu.Unlock()
	return f.ino.data.size, err
}

// ReadFile is a file's content.
func (f *FS) ReadFile(path string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, _, at, err := f.parent(path)
	if err != nil {
		return nil, err
	}
	ino, ok := at.(*inode)
	if !ok {
		return nil, &fs.PathError{Op: "read", Path: path, Err: fs.ErrNotExist}
	}
	return ino.data.bytes(), nil
}

// WriteFile makes a file have this content, durably.
func (f *FS) WriteFile(path string, data []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	d, name, _, err := f.parent(path)
	if err != nil {
		return err
	}
	c := content{slices.Clone(data), int64(len(data))}
	d.change(entryChange{add: name, node: &inode{data: c, durable: c.clone()}})
	d.durable, d.pending = maps.Clone(d.entries), nil
	return nil
}
