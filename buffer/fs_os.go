//go:build unix

package buffer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// osFS is the operating system's file system.
type osFS struct{}

func (osFS) Lock(dir string) (io.Closer, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, ErrLocked
	}
	return nil, fmt.Errorf("flock %s: %w", dir, err)
}

func (osFS) Mkdir(dir string) error {
	err := os.Mkdir(dir, 0o750)
	if errors.Is(err, os.ErrExist) {
		if st, serr := os.Stat(dir); serr == nil && st.IsDir() {
			return nil
		}
	}
	return noSpace(err)
}

func (osFS) ReadDir(dir string) ([]DirEntry, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	list := make([]DirEntry, len(entries))
	for i, e := range entries {
		list[i] = DirEntry{Name: e.Name(), IsDir: e.IsDir()}
	}
	return list, nil
}

func (osFS) Create(name string) (File, error) {
	return openOS(name, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}
func (osFS) Open(name string) (File, error)      { return openOS(name, os.O_RDONLY) }
func (osFS) OpenWrite(name string) (File, error) { return openOS(name, os.O_RDWR) }
func (osFS) Rename(from, to string) error        { return noSpace(os.Rename(from, to)) }
func (osFS) Link(from, to string) error          { return noSpace(os.Link(from, to)) }
func (osFS) Remove(name string) error            { return os.Remove(name) }

func (osFS) SyncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = f.Sync()
	f.Close()
	return err
}

func (osFS) Free(dir string) (int64, error) {
	var st unix.Statfs_t
	for {
		err := unix.Statfs(dir, &st)
		if err == nil {
			return int64(st.Bavail) * int64(st.Bsize), nil
		}
		if !errors.Is(err, syscall.EINTR) {
			return 0, fmt.Errorf("statfs %s: %w", dir, err)
		}
	}
}

func openOS(name string, flag int) (File, error) {
	f, err := os.OpenFile(name, flag, 0o640)
	if err != nil {
		return nil, noSpace(err)
	}
	return &osFile{f}, nil
}

// osFile is a File of the operating system.
type osFile struct{ *os.File }

func (f *osFile) Truncate(size int64) error { return f.File.Truncate(size) }

func (f *osFile) Size() (int64, error) {
	st, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// noSpace marks the errors that mean a full disk with ErrNoSpace.
func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}

// OS is the operating system's file system.
func OS() FS { return osFS{} }
