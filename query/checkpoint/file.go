package checkpoint

import (
	"errors"
	"io/fs"
	"path/filepath"

	"sluice/buffer"
)

const newExt = ".new"

// replaceFile replaces a file as a whole, durably: aside, synced, renamed, folder
// synced. It returns the new file, open. If we crash before the rename is durable,
// the file is as it was. On an error it is as it was, or replaced.
func replaceFile(fsys buffer.FS, path string, b []byte) (_ buffer.File, err error) {
	aside := path + newExt
	if err := fsys.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	f, err := fsys.Create(aside)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if len(b) > 0 {
		if err := f.WriteVec([][]byte{b}, 0); err != nil {
			return nil, err
		}
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	if err := fsys.Rename(aside, path); err != nil {
		return nil, err
	}
	return f, fsys.SyncDir(filepath.Dir(path))
}

// removeFile removes a file, durably; one that is not there is no error.
func removeFile(fsys buffer.FS, path string) error {
	if err := fsys.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return fsys.SyncDir(filepath.Dir(path))
}
