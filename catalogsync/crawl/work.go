package crawl

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A work is one table being looked at.
type work struct {
	c      *Crawler
	g      *group
	t      *Table
	have   lake.Table // where it exists
	exists bool
	dry    bool

	columns    []lake.Column // that the table should have
	properties map[string]string
	csv        layout
}

func (w *work) run(ctx context.Context) error {
	files, err := w.files(ctx)
	if err != nil {
		return err
	}
	if w.t.Format == "" {
		w.t.conflict(Conflict{File: w.t.Location, Text: "no file here is of a format that is read (Parquet, JSON lines, CSV): no table was made"})
		return nil
	}
	parts := w.partitions(files)
	fresh := w.fresh(files)
	switch {
	case w.exists && !w.readable():
		w.t.conflict(Conflict{File: w.t.Location, Text: "the table has columns of types that Sluice cannot read: its columns were left alone"})
	case w.t.Format == parquet:
		err = w.lookParquet(ctx, fresh)
	case w.t.Format == jsonish:
		err = w.lookJSON(ctx, fresh)
	default:
		err = w.lookCSV(ctx, fresh)
	}
	if err != nil {
		return err
	}
	if !w.exists && len(w.columns) == 0 {
		w.t.conflict(Conflict{File: w.t.Location, Text: "no columns were found: no table was made"})
		return nil
	}
	if err := w.register(ctx, parts); err != nil || w.dry {
		return err
	}
	for _, f := range w.g.folders {
		w.c.seen[f.key] = f.print
	}
	return nil
}

func (w *work) readable() bool {
	return !slices.ContainsFunc(w.have.Columns, func(c lake.Column) bool { return c.Type.Kind == lake.KindNone })
}

// A found folder is one of the table's, with those of its files that are of its format.
type foundFolder struct {
	*folder
	objects []store.Object
}

// files finds out the table's format, and which files are of it.
func (w *work) files(ctx context.Context) ([]foundFolder, error) {
	formats, err := w.formats(ctx)
	if err != nil {
		return nil, err
	}
	if w.exists {
		w.t.Format = formatOfStorage(w.have.Storage)
		if w.t.Format == "" {
			return nil, fmt.Errorf("the table %s is read by %s: crawls keep tables of Parquet, JSON (%s, %s) and CSV (%s, %s)",
				w.t.Name, cmp.Or(w.have.Storage.SerDe, w.have.Storage.InputFormat), lake.OpenXJSONSerDe, lake.HiveJSONSerDe, lake.OpenCSVSerDe, lake.LazySimpleSerDe)
		}
	} else {
		bytes := map[string]int64{}
		for _, f := range w.g.folders {
			for _, o := range f.objects {
				bytes[formats(o)] += o.Size
			}
		}
		for _, format := range []string{parquet, jsonish, csvish} { // the first of equal ones
			if bytes[format] > bytes[w.t.Format] || w.t.Format == "" && bytes[format] > 0 {
				w.t.Format = format
			}
		}
	}
	if w.t.Format == "" {
		return nil, nil
	}
	var out []foundFolder
	for _, f := range w.g.folders {
		found := foundFolder{folder: f}
		for _, o := range f.objects {
			if format := formats(o); format == w.t.Format {
				found.objects = append(found.objects, o)
			} else {
				w.t.conflict(Conflict{File: w.c.cfg.Lake.URI(o.Key), Have: w.t.Format, Found: cmp.Or(format, "unknown"),
					Text: "the file is not of the table's format, and engines will read it as if it were: move it away"})
			}
		}
		if len(found.objects) > 0 {
			out = append(out, found)
		}
	}
	return out, nil
}

// formats tells a file's format, by its name, or, where that says nothing, by the content
// of the first file of the table whose name ends so.
func (w *work) formats(ctx context.Context) (func(store.Object) string, error) {
	ends := map[string]string{}
	end := func(o store.Object) string {
		name := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
		if i := strings.IndexByte(name, '.'); i >= 0 {
			return strings.ToLower(name[i:])
		}
		return ""
	}
	for _, f := range w.g.folders {
		for _, o := range f.objects {
			if _, unknown := formatOf(o.Key); !unknown {
				continue
			}
			e := end(o)
			if _, ok := ends[e]; ok || len(ends) >= maxEnds {
				continue
			}
			format, err := w.c.sniff(ctx, o)
			if err != nil && !isText(err) {
				return nil, fmt.Errorf("read %s: %w", w.c.cfg.Lake.URI(o.Key), err)
			}
			if err != nil {
				w.t.conflict(Conflict{File: w.c.cfg.Lake.URI(o.Key), Text: err.Error()})
			}
			ends[e] = format
		}
	}
	return func(o store.Object) string {
		if format, unknown := formatOf(o.Key); !unknown {
			return format
		}
		return ends[end(o)]
	}, nil
}

// maxEnds is how many kinds of names are looked into, of one table.
const maxEnds = 100

func formatOfStorage(s lake.Storage) string {
	switch {
	case s.IsParquet():
		return parquet
	case strings.EqualFold(s.SerDe, lake.OpenXJSONSerDe), strings.EqualFold(s.SerDe, lake.HiveJSONSerDe):
		return jsonish
	case strings.EqualFold(s.SerDe, lake.OpenCSVSerDe), strings.EqualFold(s.SerDe, lake.LazySimpleSerDe):
		return csvish
	}
	return ""
}

// partitions are the table's partitions; it decides the keys of a new table.
func (w *work) partitions(folders []foundFolder) []lake.Partition {
	keys := w.keys(folders)
	w.t.Keys = keys
	var parts []lake.Partition
	byValues := map[string]string{}
	for _, f := range folders {
		at := w.c.folder(f.key)
		if !fitsKeys(keys, f.levels) {
			w.t.conflict(Conflict{File: at, Have: strings.Join(keys, "/"), Found: strings.TrimSuffix(keysOf(f.levels), "/"),
				Text: "the folder is not where partitions of the table are: it was not registered"})
			continue
		}
		if len(keys) == 0 {
			continue
		}
		values := valuesOf(f.levels)
		text := fmt.Sprintf("%q", values)
		if other, twice := byValues[text]; twice {
			w.t.conflict(Conflict{File: at, Text: "the folder has the values of the partition at " + other + ": it was not registered"})
			continue
		}
		byValues[text] = at
		parts = append(parts, lake.Partition{Values: values, Location: at})
	}
	return parts
}

// keys are those of the table, or those that most files have.
func (w *work) keys(folders []foundFolder) (keys []string) {
	if w.exists {
		for _, k := range w.have.PartitionKeys {
			keys = append(keys, k.Name)
		}
		return keys
	}
	files := map[string]int{}
	best := ""
	var levels []level
	for _, f := range folders {
		text := keysOf(f.levels)
		files[text] += len(f.objects)
		if levels == nil || files[text] > files[best] {
			best, levels = text, append([]level{}, f.levels...)
		}
	}
	for _, l := range levels {
		keys = append(keys, l.key)
	}
	return keys
}

// fitsKeys reports whether folders are a partition of these keys: a date's may have any
// names.
func fitsKeys(keys []string, levels []level) bool {
	if len(keys) != len(levels) {
		return false
	}
	for i, l := range levels {
		if l.named && l.key != keys[i] {
			return false
		}
	}
	return true
}

// fresh are the folders that changed since the last crawl, with the files of them that
// are to be looked at: the newest.
func (w *work) fresh(folders []foundFolder) []store.Object {
	limit := w.c.cfg.Sample
	if w.t.Format == parquet {
		limit = w.c.cfg.Footers
	}
	var out []store.Object
	for _, f := range folders {
		if print, ok := w.c.seen[f.key]; ok && print == f.print {
			continue
		}
		objects := f.objects
		if limit > 0 && len(objects) > limit {
			objects = slices.Clone(objects)
			slices.SortStableFunc(objects, func(a, b store.Object) int { return b.Modified.Compare(a.Modified) })
			objects = objects[:limit]
		}
		out = append(out, objects...)
	}
	if w.t.Format == parquet || len(out) <= maxSamples {
		return out
	}
	some := make([]store.Object, 0, maxSamples)
	for i := range maxSamples { // evenly, the last one always
		some = append(some, out[(i+1)*len(out)/maxSamples-1])
	}
	return some
}

// maxSamples is how many files of text are looked at, of a table and in one crawl.
const maxSamples = 1000
