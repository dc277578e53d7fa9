package lake

import (
	"errors"
	"os"
	"path/filepath"
)

// ReplaceFile makes a small local file durable, as a whole: it is written under another
// name beside it (path and ".new"), synced, and renamed, and the folder synced. If we
// crash before the rename, the file is what it was.
func ReplaceFile(path string, data []byte) error {
	aside := path + ".new"
	f, err := os.Create(aside)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(aside, path)
	}
	if err != nil {
		return err
	}
	return SyncDir(filepath.Dir(path))
}

// SyncDir makes the names in a local folder durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
