package store

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"slices"
	"strings"
)

// list walks the folder. What vanishes during the walk is left out.
func (f *files) list(ctx context.Context, folder string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		f.walk(ctx, folder, yield)
	}
}

// walk yields what is below the folder and reports whether to go on.
func (f *files) walk(ctx context.Context, folder string, yield func(Object, error) bool) bool {
	entries, err := os.ReadDir(f.path(folder))
	if err == nil {
		err = ctx.Err()
	}
	if errors.Is(notExist(err), fs.ErrNotExist) {
		return true
	}
	if err != nil {
		yield(Object{}, err)
		return false
	}
	sortAsKeys(entries)
	for _, entry := range entries {
		key := entry.Name()
		if folder != "" {
			key = folder + "/" + key
		}
		if checkKey(key) != nil { // the staging folder, and names that no key can have
			continue
		}
		if entry.IsDir() {
			if !f.walk(ctx, key, yield) {
				return false
			}
			continue
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) || (err == nil && !info.Mode().IsRegular()) {
			continue
		}
		if err != nil {
			yield(Object{}, err)
			return false
		}
		if !yield(objectOf(key, info), nil) {
			return false
		}
	}
	return true
}

// sortAsKeys puts entries into the order of the keys at or below them: a
// folder's go on with a slash, so that a.txt stands before a/b, and a0 after it.
func sortAsKeys(entries []fs.DirEntry) {
	slices.SortFunc(entries, func(a, b fs.DirEntry) int {
		return strings.Compare(sortName(a), sortName(b))
	})
}

func sortName(e fs.DirEntry) string {
	if e.IsDir() {
		return e.Name() + "/"
	}
	return e.Name()
}
