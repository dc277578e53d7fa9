package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/fetch/footer"
)

// A Want says what a query needs of an object.
type Want struct {
	// Whole: all its bytes as they are, Parquet or not; the rest does not count.
	Whole   bool
	Groups  []int    // row groups, by number; nil: all
	Columns []string // of the top level, whatever their case; nil: all
	// Fields are types with the fields that are wanted of columns that are structs, by the
	// columns' names in lower case.
	Fields map[string]lake.Type
}

// A File is a local Parquet file. It holds one row group of an object, with the
// wanted columns that the object has and maybe others that were fetched before; or
// the whole object, where its parts cannot be told (see footer.Divisible).
type File struct {
	Path  string
	Bytes int64 // of the wanted column chunks
}

// Needed is how many bytes of an object are wanted: of its column chunks, or all of
// them where its parts cannot be told apart. u may be nil.
func (c *Cache) Needed(ctx context.Context, o store.Object, w Want, u *Usage) (n int64, err error) {
	r, err := c.reading(ctx, o, w, u)
	if err != nil {
		return 0, err
	}
	if r == nil {
		return o.Size, nil
	}
	for _, group := range r.groups {
		n += r.meta.footer.Bytes(group, r.selection)
	}
	return n, nil
}

// Parts makes local files of the wanted parts of an object, which stay until
// release. u may be nil. An object without rows has none. Errors name the object;
// where it was replaced since it was listed, they are store.ErrChanged, where it is
// gone, fs.ErrNotExist.
func (c *Cache) Parts(ctx context.Context, o store.Object, w Want, u *Usage) (files []File, release func(), err error) {
	r, err := c.reading(ctx, o, w, u)
	if err != nil {
		return nil, nil, err
	}
	if r == nil {
		path, release, err := c.Get(ctx, o, u)
		if err != nil {
			return nil, nil, err
		}
		return []File{{Path: path, Bytes: o.Size}}, release, nil
	}
	held := make([]*file, len(r.groups))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i, group := range r.groups {
		g.Go(func() (err error) {
			held[i], err = r.group(gctx, group)
			return err
		})
	}
	err = g.Wait()
	release = sync.OnceFunc(func() {
		for _, f := range held {
			if f != nil {
				c.release(f)
			}
		}
	})
	if err != nil {
		release()
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, nil, err
	}
	for i, f := range held {
		files = append(files, File{Path: f.path, Bytes: r.meta.footer.Bytes(r.groups[i], r.selection)})
	}
	return files, release, nil
}

// parallel is how many row groups of an object, and how many ranges of a row group,
// wait for their turn at once.
const parallel = 8

// A reading is of parts of one object.
type reading struct {
	cache     *Cache
	object    store.Object
	meta      value
	groups    []int // those wanted that have rows
	selection footer.Selection
	fields    map[string]lake.Type // as Want has them
	usage     *Usage
}

// reading is what Want means for an object; nil: all of it.
func (c *Cache) reading(ctx context.Context, o store.Object, w Want, u *Usage) (*reading, error) {
	if w.Whole {
		return nil, nil
	}
	meta, err := c.metadata(ctx, o, u)
	if errors.Is(err, ErrTooLarge) || err == nil && !meta.footer.Divisible() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	groups, err := groupsOf(o, meta.footer, w.Groups)
	return &reading{cache: c, object: o, meta: meta, groups: groups, selection: meta.footer.Select(w.Columns, w.Fields), fields: w.Fields, usage: u}, err
}

func groupsOf(o store.Object, f *footer.Footer, wanted []int) (groups []int, err error) {
	all := f.Meta.RowGroups
	if wanted == nil {
		for i := range all {
			wanted = append(wanted, i)
		}
	}
	for _, i := range wanted {
		if i < 0 || i >= len(all) {
			return nil, fmt.Errorf("read row group %d of %s, which has %d", i, o.Key, len(all))
		}
		if all[i].NumRows > 0 {
			groups = append(groups, i)
		}
	}
	return groups, nil
}

// groupName names a row group of an object's version.
func groupName(o store.Object, group int) string { return fmt.Sprintf("%d\x00%s", group, version(o)) }

// group is the file of a row group, held.
func (r *reading) group(ctx context.Context, group int) (*file, error) {
	needed := r.meta.footer.Bytes(group, r.selection)
	serves := func(f *file) bool {
		if !f.selection.Has(r.selection) || !r.meta.footer.Fit(f.selection, r.fields).Has(f.selection) {
			return false
		}
		r.usage.hit(needed)
		return true
	}
	return r.cache.file(ctx, groupName(r.object, group), serves, func(base *file) (*file, error) {
		return r.fetch(ctx, group, base)
	})
}

// fetch makes the file of a row group. What base has is taken from it, all of it that
// can be read beside what is wanted, so that there is one file of a row group at a time.
func (r *reading) fetch(ctx context.Context, group int, base *file) (*file, error) {
	selection := r.selection
	var has footer.Selection
	if base != nil {
		has = base.selection
		selection = r.meta.footer.Fit(selection.With(has), r.fields)
	}
	small, err := r.meta.footer.Small(group, selection)
	if err != nil {
		return nil, fmt.Errorf("fetch object %s: %w", r.object.Key, err)
	}
	f, err := r.cache.write(r.object, func(aside *os.File) (int64, error) {
		var missing []footer.Piece
		for _, p := range small.Pieces {
			if has == nil || !has[p.Leaf] {
				missing = append(missing, p)
			}
		}
		if _, err := aside.WriteString(footer.Head); err != nil {
			return 0, err
		}
		if _, err := aside.WriteAt(small.Tail, small.Size()-int64(len(small.Tail))); err != nil {
			return 0, err
		}
		if base != nil {
			if err := r.reuse(aside, group, base, small); err != nil {
				return 0, err
			}
		}
		return small.Size(), r.read(ctx, aside, missing)
	})
	if err != nil {
		return nil, err
	}
	f.selection = selection
	return f, nil
}

// reuse copies what an earlier file of the row group has.
func (r *reading) reuse(to *os.File, group int, base *file, small *footer.Small) error {
	old, err := r.meta.footer.Small(group, base.selection)
	if err != nil {
		return err
	}
	from, err := os.Open(base.path)
	if err != nil {
		return err
	}
	defer from.Close()
	places := make(map[int]int64)
	for _, p := range old.Pieces {
		places[p.Leaf] = p.To
	}
	for _, p := range small.Pieces {
		at, ok := places[p.Leaf]
		if !ok {
			continue
		}
		n, err := io.Copy(io.NewOffsetWriter(to, p.To), io.NewSectionReader(from, at, p.Length))
		if err == nil && n != p.Length {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return fmt.Errorf("copy from %s: %w", base.path, err)
		}
		if r.selection[p.Leaf] {
			r.usage.hit(p.Length)
		}
	}
	return nil
}

// read fills in the pieces, from the object or from what was read of it with its
// metadata.
func (r *reading) read(ctx context.Context, to *os.File, pieces []footer.Piece) error {
	if r.meta.bytes != nil {
		for _, p := range pieces {
			if _, err := to.WriteAt(r.meta.bytes[p.From:p.From+p.Length], p.To); err != nil {
				return err
			}
		}
		return nil
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for _, span := range coalesce(pieces) {
		g.Go(func() error {
			return r.cache.request(gctx, r.object, span.from, span.to-span.from, r.usage, func(body io.Reader) error {
				return span.scatter(body, to)
			})
		})
	}
	return g.Wait()
}
