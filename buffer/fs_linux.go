package buffer

import (
	"errors"
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxVec is IOV_MAX, the most buffers that one pwritev takes.
const maxVec = 1024

func (f *osFile) WriteVec(bufs [][]byte, off int64) error {
	fd := int(f.Fd())
	for len(bufs) > 0 {
		n, err := unix.Pwritev(fd, bufs[:min(len(bufs), maxVec)], off)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("pwritev %s: %w", f.Name(), noSpace(err))
		}
		if n == 0 {
			return fmt.Errorf("pwritev %s: wrote nothing at offset %d", f.Name(), off)
		}
		off += int64(n)
		bufs = unwritten(bufs, n)
	}
	return nil
}

// unwritten drops the first n bytes of bufs.
func unwritten(bufs [][]byte, n int) [][]byte {
	for len(bufs) > 0 && n >= len(bufs[0]) {
		n -= len(bufs[0])
		bufs = bufs[1:]
	}
	if n > 0 {
		bufs[0] = bufs[0][n:]
	}
	return bufs
}

func (f *osFile) Allocate(off, n int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, off, n)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.EINTR):
		case errors.Is(err, syscall.EOPNOTSUPP), errors.Is(err, syscall.ENOSYS):
			return errors.ErrUnsupported
		default:
			return fmt.Errorf("fallocate %s: %w", f.Name(), noSpace(err))
		}
	}
}

// Datasync is not repeated on EINTR or anything else: an fsync that once
// failed may succeed the second time without having written a thing.
func (f *osFile) Datasync() error {
	if err := unix.Fdatasync(int(f.Fd())); err != nil {
		return fmt.Errorf("fdatasync %s: %w", f.Name(), err)
	}
	return nil
}

// Sync is fsync, once, for the reason Datasync gives.
func (f *osFile) Sync() error {
	if err := unix.Fsync(int(f.Fd())); err != nil {
		return fmt.Errorf("fsync %s: %w", f.Name(), err)
	}
	return nil
}
