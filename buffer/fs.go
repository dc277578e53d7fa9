package buffer

import (
	"errors"
	"io"
)

// FS is all that the log asks of a file system. It exists so that tests can
// make any single operation fail, or lose what was not synced; a nil Config.FS
// is the operating system's.
type FS interface {
	// Lock takes the folder for this process alone until the result is closed.
	// It returns ErrLocked if another process holds it.
	Lock(dir string) (io.Closer, error)
	// Mkdir makes one folder; one that is there already is no error.
	Mkdir(dir string) error
	ReadDir(dir string) ([]DirEntry, error)
	Create(name string) (File, error)    // for reading and writing; fails if it is there
	Open(name string) (File, error)      // for reading
	OpenWrite(name string) (File, error) // for reading and writing; fails if it is not there
	Rename(from, to string) error
	Link(from, to string) error // fails with fs.ErrExist if to is there
	Remove(name string) error
	// SyncDir makes the folder's entries durable.
	SyncDir(dir string) error
	// Free is how many bytes the folder's file system can still give us.
	Free(dir string) (int64, error)
}

// A DirEntry is one name in a folder.
type DirEntry struct {
	Name  string
	IsDir bool
}

// A File is one open file of an FS.
type File interface {
	io.ReaderAt
	io.Closer
	// WriteVec writes the buffers one after another from offset off.
	WriteVec(bufs [][]byte, off int64) error
	// Allocate gives [off, off+n) disk space that reads as zeros and extends the
	// file to off+n. It returns errors.ErrUnsupported where that cannot be done,
	// and an error that is ErrNoSpace where there is no room.
	Allocate(off, n int64) error
	Truncate(size int64) error
	Sync() error     // data and metadata
	Datasync() error // data, and of the metadata what reading it back needs
	Size() (int64, error)
}

// ErrNoSpace is what an error wraps when the disk, or the user's share of it, is
// full: that of Allocate, WriteVec, and of what adds a name to a folder. An operation
// on a name was then not carried out.
var ErrNoSpace = errors.New("no space left on device")

// ReadFile is all of a file.
func ReadFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if n, err := f.ReadAt(b, 0); int64(n) < size && err != io.EOF {
		return nil, err
	}
	return b, nil
}
