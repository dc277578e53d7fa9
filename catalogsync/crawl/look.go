package crawl

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// looks is how many files are read at once.
const looks = 8

// A schema is the columns of some files that are alike.
type schema struct {
	columns []lake.Column
	files   int
	first   string // of them, its location
}

// maxSchemas is how many different schemas of a table are told apart.
const maxSchemas = 10_000

// each calls look for the files, several at once, and take with what it found, in the
// files' order. A file that is none of its format is a conflict.
func each[T any](ctx context.Context, w *work, files []store.Object, look func(context.Context, store.Object) (T, error), take func(store.Object, T) error) error {
	for len(files) > 0 {
		some := files[:min(len(files), 32*looks)]
		files = files[len(some):]
		found, errs := make([]T, len(some)), make([]error, len(some))
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(looks)
		for i, o := range some {
			g.Go(func() error {
				found[i], errs[i] = look(gctx, o)
				return gctx.Err()
			})
		}
		if err := g.Wait(); err != nil {
			return err
		}
		for i, o := range some {
			w.t.Read++
			at := w.c.cfg.Lake.URI(o.Key)
			switch {
			case errs[i] != nil && store.Retryable(errs[i]):
				return fmt.Errorf("read %s: %w", at, errs[i])
			case errs[i] != nil:
				w.t.conflict(Conflict{File: at, Text: "it could not be read, and its columns were not taken: " + errs[i].Error()})
				continue
			}
			if err := take(o, found[i]); err != nil {
				return err
			}
		}
		w.c.cfg.Progress(0, w.t.Read)
	}
	return nil
}

func isText(err error) bool {
	var text *textError
	return errors.As(err, &text)
}

// withoutKeys leaves out columns that are named like a partition key.
func (w *work) withoutKeys(file string, columns []lake.Column) []lake.Column {
	var out []lake.Column
	for _, c := range columns {
		key := false
		for _, k := range w.t.Keys {
			key = key || strings.EqualFold(k, c.Name)
		}
		if !key {
			out = append(out, c)
			continue
		}
		if w.noted(c.Name) {
			w.t.conflict(Conflict{File: file, Column: c.Name, Text: "the files have a column that is a partition key too: the folder's value counts"})
		}
	}
	return out
}

// noted reports whether this is the first conflict of a column without types.
func (w *work) noted(column string) bool {
	for _, c := range w.t.Conflicts {
		if c.Column == column && c.Have == "" {
			return false
		}
	}
	return true
}

func (w *work) lookParquet(ctx context.Context, files []store.Object) error {
	byText := map[string]*schema{}
	var order []*schema
	err := each(ctx, w, files, w.c.cfg.Columns, func(o store.Object, columns []lake.Column) error {
		at := w.c.cfg.Lake.URI(o.Key)
		columns = w.withoutKeys(at, columns)
		text := lake.StructOf(columns...).String()
		s := byText[text]
		if s == nil {
			if len(order) >= maxSchemas {
				return fmt.Errorf("the files of %s have more than %d different schemas", w.t.Location, maxSchemas)
			}
			s = &schema{columns: columns, first: at}
			byText[text] = s
			order = append(order, s)
		}
		s.files++
		return nil
	})
	if err != nil {
		return err
	}
	if w.exists {
		w.columns = w.have.Columns
		for _, s := range order {
			w.columns = grow(w.columns, s.columns)
		}
	} else {
		var b ballot
		for _, s := range order {
			b.add(s.columns, s.files)
		}
		w.columns = b.columns()
	}
	for _, s := range order {
		w.compare(s, parquetFits, "the column was left as it is: engines fail on these files, or give NULL")
	}
	return nil
}

// compare notes where a schema does not fit the table's columns.
func (w *work) compare(s *schema, fits func(have, found lake.Type) bool, done string) {
	for _, m := range misfits("", w.columns, s.columns, fits) {
		text := done
		if s.files > 1 {
			text += fmt.Sprintf(" (%d files are alike)", s.files)
		}
		w.t.conflict(Conflict{File: s.first, Column: m.path, Have: m.have.String(), Found: m.found.String(), Text: text})
	}
}

// grow adds what a table lacks: columns at the end, fields at the end of structs.
func grow(have, found []lake.Column) []lake.Column {
	out := append([]lake.Column{}, have...)
	for _, f := range found {
		i := lake.ColumnIndex(out, f.Name)
		if i < 0 {
			out = append(out, f)
			continue
		}
		out[i].Type = growType(out[i].Type, f.Type)
	}
	return out
}

func growType(have, found lake.Type) lake.Type {
	switch {
	case have.Kind == lake.KindStruct && found.Kind == lake.KindStruct:
		return lake.StructOf(grow(have.Fields, found.Fields)...)
	case have.Kind == lake.KindArray && found.Kind == lake.KindArray:
		return lake.ArrayOf(growType(*have.Elem, *found.Elem))
	case have.Kind == lake.KindMap && found.Kind == lake.KindMap:
		e := growType(*have.Elem, *found.Elem)
		have.Elem = &e
	}
	return have
}

func (w *work) lookJSON(ctx context.Context, files []store.Object) error {
	var found []*schema
	err := each(ctx, w, files, w.jsonColumns, func(o store.Object, columns []lake.Column) error {
		at := w.c.cfg.Lake.URI(o.Key)
		found = append(found, &schema{columns: w.withoutKeys(at, columns), files: 1, first: at})
		return nil
	})
	if err != nil {
		return err
	}
	if w.exists {
		w.columns = w.have.Columns
		for _, s := range found {
			w.columns = grow(w.columns, s.columns)
		}
		for _, s := range found {
			w.compare(s, jsonFits, "the column was left as it is: a statement that uses it fails on these values, or gives NULL")
		}
	} else {
		for _, s := range found {
			// What differs becomes a string, or a double: said, and read all the same.
			for _, m := range misfits("", w.columns, s.columns, func(have, found lake.Type) bool { return jsonFits(have, found) || number(have) && number(found) }) {
				if m.found.Kind != lake.KindString || m.have.Kind != lake.KindString {
					w.t.conflict(Conflict{File: s.first, Column: m.path, Have: m.have.String(), Found: m.found.String(), Text: "the files differ: the column is a " + join(m.have, m.found).String()})
				}
			}
			w.columns = joinColumns(w.columns, s.columns)
		}
	}
	w.properties = map[string]string{}
	mappings(w.properties, w.columns)
	return nil
}

// mappings notes the keys that are no columns' names, as OpenX's SerDe takes them.
func mappings(to map[string]string, columns []lake.Column) {
	for _, c := range columns {
		if c.Key != "" && strings.ToLower(c.Key) != c.Name {
			to["mapping."+c.Name] = c.Key
		}
		for t := c.Type; ; t = *t.Elem {
			mappings(to, t.Fields)
			if t.Elem == nil {
				break
			}
		}
	}
}

// jsonColumns are the columns of the beginning of a file.
func (w *work) jsonColumns(ctx context.Context, o store.Object) ([]lake.Column, error) {
	text, whole, err := w.c.head(ctx, o)
	if err != nil {
		return nil, err
	}
	records, n, bad, err := jsonLines(text, whole)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, &textError{"no line of it is a JSON object"}
	}
	if bad > 0 && bad >= n {
		return nil, &textError{fmt.Sprintf("%d of the %d lines of the sample are no JSON objects", bad, n+bad)}
	}
	columns, err := w.c.cfg.Infer(ctx, func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			yield(lake.Block{Data: records, Records: n}, nil)
		}
	})
	return asText(columns), err
}

func (w *work) lookCSV(ctx context.Context, files []store.Object) error {
	first := true
	return each(ctx, w, files, func(ctx context.Context, o store.Object) (layout, error) {
		text, whole, err := w.c.head(ctx, o)
		if err != nil {
			return layout{}, err
		}
		return csvLayout(text, whole, w.c.cfg.Header)
	}, func(o store.Object, l layout) error {
		at := w.c.cfg.Lake.URI(o.Key)
		if first {
			first = false
			w.csv = l
			if w.columns = w.have.Columns; !w.exists {
				w.columns = l.columns
				return nil
			}
			w.csv.header = w.have.Storage.Properties["skip.header.line.count"] == "1" || w.have.Parameters["skip.header.line.count"] == "1"
			w.csv.quoted = strings.EqualFold(w.have.Storage.SerDe, lake.OpenCSVSerDe)
		}
		w.takeCSV(at, l)
		return nil
	})
}

// takeCSV merges a file's columns by their place.
func (w *work) takeCSV(at string, l layout) {
	if l.header != w.csv.header {
		w.t.conflict(Conflict{File: at, Have: fmt.Sprintf("header: %v", w.csv.header), Found: fmt.Sprintf("header: %v", l.header), Text: "one has a header and the other not: the first row of each file is taken as the table has it"})
	} else if l.header {
		for i := range min(len(l.columns), len(w.columns)) {
			if l.columns[i].Name != w.columns[i].Name {
				w.t.conflict(Conflict{File: at, Column: w.columns[i].Name, Found: "a header of " + l.columns[i].Name, Text: "the columns of CSV are read by their place, and here another has it: the table was left as it is"})
				return
			}
		}
	}
	if l.delimiter != w.csv.delimiter && !w.exists {
		w.t.conflict(Conflict{File: at, Have: string(w.csv.delimiter), Found: string(l.delimiter), Text: "the file parts its fields by another character: its columns were not taken"})
		return
	}
	if l.quoted && !w.csv.quoted {
		if w.exists {
			w.t.conflict(Conflict{File: at, Have: "no quotes", Found: "quotes", Text: "the table's SerDe leaves quotes in the values"})
		} else {
			w.csv.quoted = true
		}
	}
	for i, c := range l.columns {
		switch {
		case i >= len(w.columns):
			if w.csv.quoted {
				c.Type = lake.String
			}
			w.columns = append(w.columns[:len(w.columns):len(w.columns)], c)
		case csvFits(w.columns[i].Type, c.Type):
		case w.exists:
			w.t.conflict(Conflict{File: at, Column: w.columns[i].Name, Have: w.columns[i].Type.String(), Found: c.Type.String(), Text: "the column was left as it is: what does not fit is NULL, or an error"})
		default:
			to := join(w.columns[i].Type, c.Type)
			if to.Kind == lake.KindString {
				w.t.conflict(Conflict{File: at, Column: c.Name, Have: w.columns[i].Type.String(), Found: c.Type.String(), Text: "the files differ: the column is a string"})
			}
			w.columns = append([]lake.Column{}, w.columns...)
			w.columns[i].Type = to
		}
	}
}
