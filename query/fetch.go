package query

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/fetch"
	"sluice/query/statement"
)

const (
	// fetches is how many objects a query fetches at once.
	fetches = 8
	// requests is how many requests for data all queries have under way at once.
	requests = 32
	// attempts is how often a query is planned where the lake changes meanwhile.
	attempts = 3
)

// fetch makes local files of what is wanted of the objects, of each its row groups.
func (p *plan) fetch(ctx context.Context, objects []placed, want fetch.Want) (files []dataFile, err error) {
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if errors.Is(err, store.ErrChanged) || errors.Is(err, fs.ErrNotExist) {
			err = &movedError{err}
		}
	}()
	// What is too much is found before it is fetched.
	needed := make([]int64, len(objects))
	if err := together(ctx, len(objects), func(ctx context.Context, i int) (err error) {
		needed[i], err = p.needed(ctx, objects[i], want)
		return err
	}); err != nil {
		return nil, err
	}
	total := int64(0)
	for _, n := range needed {
		total += n
	}
	p.report.bytes = total
	if p.explain == explainPlan {
		if p.isRemote(objects) {
			p.remote = true
			return unread(objects, needed), nil
		}
	} else if err := p.rows.limits.scan(p.rows.stats.Bytes+total, p.rows.stats.Files+int64(len(objects))); err != nil {
		return nil, err
	}
	parts := make([][]dataFile, len(objects))
	releases := make([]func(), len(objects))
	err = together(ctx, len(objects), func(ctx context.Context, i int) error {
		o, want := objects[i], want
		if path, ok := p.engine.cfg.Store.LocalPath(o.object.Key); ok {
			parts[i] = []dataFile{p.dataFile(o, path, needed[i])}
			return nil
		}
		want.Groups = o.wanted()
		files, release, err := p.engine.objects.Parts(ctx, o.object.Object, want, p.usage)
		releases[i] = release
		for _, f := range files {
			parts[i] = append(parts[i], p.dataFile(o, f.Path, f.Bytes))
		}
		return err
	})
	for _, release := range releases {
		if release != nil {
			p.rows.release = append(p.rows.release, release)
		}
	}
	return slices.Concat(parts...), err
}

// dataFile is a local file of an object.
func (p *plan) dataFile(o placed, path string, needed int64) dataFile {
	f := dataFile{path: path, bytes: needed, values: o.values, object: o.object.Key, size: o.object.Size}
	p.origin(&f, o)
	return f
}

// needed is how many bytes of an object are wanted.
func (p *plan) needed(ctx context.Context, o placed, want fetch.Want) (int64, error) {
	want.Groups = o.wanted()
	n, err := p.engine.objects.Needed(ctx, o.object.Object, want, p.uses(o.object.Key))
	if _, local := p.engine.cfg.Store.LocalPath(o.object.Key); local && err != nil {
		return o.object.Size, nil // what is wrong, the executor will say
	}
	return n, err
}

// uses is where to count what is read of an object: nowhere, if it is a file.
func (p *plan) uses(key string) *fetch.Usage {
	if _, local := p.engine.cfg.Store.LocalPath(key); local {
		return nil
	}
	return p.usage
}

// wanted are the row groups to read, by number; nil: all.
func (o placed) wanted() []int {
	if !o.known {
		return nil
	}
	groups := make([]int, 0, o.kept)
	for i, keep := range o.groups {
		if keep {
			groups = append(groups, i)
		}
	}
	return groups
}

// restrict leaves to a relation, where its files are fetched, the columns that the
// statement can read, and of structs the fields, if those live can be read so: what is
// not fetched is not there. For the errors of a statement that names another column, it
// notes the relation with all columns and no rows.
func (p *plan) restrict(t *statement.Table, rel *relation, view string, live []dataFile) (want fetch.Want) {
	want.Whole = rel.text != nil
	names, all := p.stmt.Needed(t)
	if all || want.Whole {
		return want
	}
	want.Columns = names
	if _, local := p.engine.cfg.Store.LocalPath("any"); local {
		return want
	}
	want.Fields = make(map[string]lake.Type)
	beside := local{files: live}
	var kept []lake.Column
	for _, c := range rel.columns {
		name := strings.ToLower(c.Name)
		if _, found := slices.BinarySearch(names, name); !found {
			continue
		}
		if paths, whole := p.stmt.Fields(name); !whole && c.Type.Kind == lake.KindStruct {
			if some := narrow(c.Type, paths); beside.fit(name, some) {
				c.Type = some
				want.Fields[name] = some
			}
		}
		kept = append(kept, c)
	}
	if len(kept) < len(rel.columns) || len(want.Fields) > 0 {
		full := *rel
		full.files = nil
		p.bare[view] = full.view(view)
		rel.columns = kept
	}
	return want
}

// unrestricted is a set-up in which restricted relations have all their columns, and
// no rows.
func (p *plan) unrestricted(setup []string) []string {
	setup = slices.Clone(setup)
	for i, sql := range setup {
		setup[i] = cmp.Or(p.bare[sql], sql)
	}
	return setup
}

// together does something for each of n objects, some at once.
func together(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(fetches)
	for i := range n {
		g.Go(func() error { return do(gctx, i) })
	}
	return g.Wait()
}

// A movedError is of an object that was replaced or deleted after it was listed. A
// new plan reads what is there now.
type movedError struct{ err error }

func (e *movedError) Error() string {
	return "the table's files are replaced faster than they can be read, try again: " + e.err.Error()
}

func (e *movedError) Unwrap() error { return e.err }
