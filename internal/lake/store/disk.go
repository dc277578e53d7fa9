package store

import (
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// A disk is what the file store does to the file system when it changes
// something: the seam at which tests let it fail.
type disk interface {
	create(path string) (stagedFile, error) // must not exist; locked while open
	mkdir(path string) error
	rename(from, to string) error
	remove(path string) error
	syncDir(path string) error // makes the folder's entries durable
}

// A stagedFile is an object being written.
type stagedFile interface {
	io.Writer
	Sync() error
	Close() error
}

type osDisk struct{}

func (osDisk) create(path string) (stagedFile, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	// The lock tells a process that opens the store later that this one lives. On
	// a file system without locks the age alone has to tell.
	lock(f)
	return f, nil
}

func (osDisk) mkdir(path string) error      { return os.Mkdir(path, 0o755) }
func (osDisk) rename(from, to string) error { return os.Rename(from, to) }
func (osDisk) remove(path string) error     { return os.Remove(path) }

func (osDisk) syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// lock takes the file's lock, without waiting, until the file is closed.
func lock(f *os.File) bool {
	return unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil
}
