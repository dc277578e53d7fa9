package write

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

// reserve takes a folder for a statement: one that is empty, below the lake's root,
// and nobody's. self is the table to be made there, if one is. free gives it back.
func (w *Writer) reserve(ctx context.Context, uri string, at int, self lake.TableName) (key string, free func(), err error) {
	key, ok := w.cfg.Store.Key(uri)
	if !ok {
		return "", nil, forbidden(at, "the location %s is outside the lake %s; statements write only below it", uri, w.cfg.Store.URI(""))
	}
	key = strings.TrimSuffix(key, "/")
	if err := w.allowed(ctx, key, at, self); err != nil {
		return "", nil, err
	}
	if free, err = w.take(key, at); err != nil {
		return "", nil, err
	}
	for _, err := range w.cfg.Store.List(ctx, key) {
		free()
		if err != nil {
			return "", nil, fmt.Errorf("look into %s: %w", uri, err)
		}
		return "", nil, &Error{Message: fmt.Sprintf("HIVE_PATH_ALREADY_EXISTS: the location %s is not empty", uri), Position: at, Exists: true}
	}
	return key, free, nil
}

func forbidden(at int, format string, args ...any) *Error {
	e := refuse(at, format, args...)
	e.Forbidden = true
	return e
}

// allowed says why a folder is not one that a statement may take.
func (w *Writer) allowed(ctx context.Context, key string, at int, self lake.TableName) error {
	if key == "" {
		return forbidden(at, "the root of the lake is no place for a statement to write to; name a folder in it")
	}
	for segment := range strings.SplitSeq(key, "/") {
		if strings.HasPrefix(segment, "_") || strings.HasPrefix(segment, ".") {
			return forbidden(at, "engines pass over folders such as %s, that begin with _ or .", segment)
		}
	}
	for _, r := range w.cfg.Reserved {
		if r != "" && overlap(key, strings.Trim(r, "/")) {
			return forbidden(at, "%s is not a place for statements to write to", r)
		}
	}
	databases, err := w.cfg.Catalog.Databases(ctx)
	if err != nil {
		return err
	}
	databases = append(databases, w.cfg.Database)
	for _, db := range databases {
		tables, err := w.cfg.Catalog.Tables(ctx, db)
		if errors.Is(err, catalogsync.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		for _, t := range tables {
			if k, ok := w.cfg.Store.Key(t.Location); ok && t.Location != "" && overlap(key, strings.TrimSuffix(k, "/")) {
				return forbidden(at, "a table lies at %s already, or within it, or around it", w.cfg.Store.URI(key))
			}
		}
	}
	// A stream makes its table in {database}/{table} when it delivers first.
	first, rest, _ := strings.Cut(key, "/")
	second, _, _ := strings.Cut(rest, "/")
	ours := self != lake.TableName{} && key == self.Database+"/"+self.Table
	if !ours && slices.Contains(databases, first) && (second == "" || second == lake.CleanName(second)) {
		return forbidden(at, "the tables of database %s lie there, and a stream's may come to lie at %s; name a folder elsewhere, as in %s", first, w.cfg.Store.URI(key), w.cfg.Store.URI("results/daily/"))
	}
	return nil
}

// overlap reports whether a folder is another, or lies within it.
func overlap(a, b string) bool {
	return a == b || strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") || a == "" || b == ""
}

// take keeps two statements of this process out of one folder.
func (w *Writer) take(key string, at int) (free func(), err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for other := range w.places {
		if overlap(key, other) {
			return nil, &Error{Message: fmt.Sprintf("another statement writes to %s at the moment", w.cfg.Store.URI(key)), Position: at, Exists: true}
		}
	}
	w.places[key] = true
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.places, key)
	}, nil
}
