package dedupe

import (
	"fmt"
	"io"
	"runtime/debug"

	"sluice/buffer"

	"golang.org/x/sys/unix"
)

// A mapping is a file's bytes, read through the page cache: they are not on the
// heap, and the kernel takes them back when memory is short.
type mapping struct {
	data  []byte
	unmap func()
}

// mapFile maps a file. One that is no file of the operating system's is read.
func mapFile(fs buffer.FS, path string) (*mapping, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // a mapping does without
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("stat %s: %w", path, err)
	}
	if size == 0 {
		return &mapping{unmap: func() {}}, nil
	}
	fd, ok := f.(interface{ Fd() uintptr })
	if !ok {
		data := make([]byte, size)
		if n, err := f.ReadAt(data, 0); int64(n) < size && err != io.EOF {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		return &mapping{data: data, unmap: func() {}}, nil
	}
	data, err := unix.Mmap(int(fd.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mmap %s: %w", path, err)
	}
	unix.Madvise(data, unix.MADV_RANDOM) // advice
	return &mapping{data: data, unmap: func() { unix.Munmap(data) }}, nil
}

// A ReadError says that the disk did not give a key file's bytes.
type ReadError struct {
	Dir string
	Err error
}

func (e *ReadError) Error() string {
	return fmt.Sprintf("read the deduplication keys in %s: %v: check the disk and the kernel's log", e.Dir, e.Err)
}

func (e *ReadError) Unwrap() error { return e.Err }

// guarded runs read, which reads mapped memory: where the disk fails there, the
// process would get a SIGBUS and die; here it becomes an error.
func guarded(dir string, read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		fault, ok := r.(interface {
			error
			Addr() uintptr
		})
		if !ok {
			panic(r)
		}
		err = &ReadError{Dir: dir, Err: fault}
	}()
	return read()
}
