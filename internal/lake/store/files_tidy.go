package store

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"time"
)

// remove deletes the file if it is the version still. No put of this process comes
// between the look and the deletion.
func (f *files) remove(ctx context.Context, o Object) error {
	f.swap.Lock()
	defer f.swap.Unlock()
	have, err := f.stat(ctx, o.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return f.delete(ctx, o.Key) // which makes that durable
	case err != nil:
		return err
	case have.ETag != o.ETag:
		return ErrChanged
	}
	return f.delete(ctx, o.Key)
}

// now asks the file system, whose clock may be that of another machine.
func (f *files) now(context.Context) (now time.Time, err error) {
	path := filepath.Join(f.stagingFolder(), randomName())
	file, err := f.disk.create(path)
	if errors.Is(err, fs.ErrNotExist) { // somebody tidied up
		f.forget()
		if err = f.ensureFolder(f.stagingFolder()); err == nil {
			file, err = f.disk.create(path)
		}
	}
	if err != nil {
		return now, err
	}
	info, err := os.Stat(path)
	if err == nil {
		now = info.ModTime()
	}
	return now, errors.Join(err, file.Close(), f.disk.remove(path))
}

func (f *files) unfinished(ctx context.Context) iter.Seq2[Unfinished, error] {
	return func(yield func(Unfinished, error) bool) {
		entries, err := os.ReadDir(f.stagingFolder())
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			yield(Unfinished{}, err)
			return
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
				continue
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(Unfinished{}, err)
				return
			}
			if !yield(Unfinished{ID: entry.Name(), Size: info.Size(), Begun: info.ModTime().UTC()}, nil) {
				return
			}
		}
	}
}

// discard removes a staged file that nobody holds.
func (f *files) discard(_ context.Context, u Unfinished) error {
	path := filepath.Join(f.stagingFolder(), filepath.Base(u.ID))
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	if !lock(file) {
		return nil // its writer lives
	}
	if err := f.disk.remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
