package footer

import (
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/lake"
)

// Select takes the leaves of the columns of these names, whatever their case; all
// where names is nil. Names that the file has not are passed over. Of a column that
// fields has, by its name in lower case, and that is a struct in the file, it takes
// the fields of that type alone.
func (f *Footer) Select(names []string, fields map[string]lake.Type) Selection {
	s := make(Selection, f.leaves())
	wanted := make(map[string]bool, len(names))
	for _, n := range names {
		wanted[strings.ToLower(n)] = true
	}
	w := fieldWalk{schema: f.Meta.Schema, at: 1, selection: s}
	for _, c := range f.Columns {
		t, some := fields[strings.ToLower(c.Name)]
		switch taken := names == nil || wanted[strings.ToLower(c.Name)]; {
		case taken && some:
			w.element(&t, true)
		default:
			w.element(nil, taken)
		}
	}
	return s
}

// Fit is a selection without the structs of which it takes fields, but none that their
// type in fields (as Select has it) has. Who reads a file of it finds no struct there, and
// so NULL; one without any field in common cannot be read as the type.
func (f *Footer) Fit(s Selection, fields map[string]lake.Type) Selection {
	if len(fields) == 0 {
		return s
	}
	w := fieldWalk{schema: f.Meta.Schema, at: 1, selection: slices.Clone(s)}
	for _, c := range f.Columns {
		if t, some := fields[strings.ToLower(c.Name)]; some {
			w.fit(&t)
		} else {
			w.fit(nil)
		}
	}
	return w.selection
}

// A fieldWalk walks down a schema, which is a tree, and selects leaves.
type fieldWalk struct {
	schema    []format.SchemaElement
	at, leaf  int
	selection Selection
}

// element takes the next element, if it is taken, and of it the fields of a type, all
// where that is nil.
func (w *fieldWalk) element(t *lake.Type, taken bool) {
	e := &w.schema[w.at]
	if t == nil || t.Kind != lake.KindStruct || !isStruct(e) {
		from := w.leaf
		w.pass()
		for leaf := from; leaf < w.leaf; leaf++ {
			w.selection[leaf] = taken
		}
		return
	}
	w.at++
	for range e.NumChildren.V {
		of := w.field(t)
		w.element(of, taken && of != nil)
	}
}

// fit leaves out the next element, if it is a struct of which fields are selected, and
// none that the type has, and so those in it.
func (w *fieldWalk) fit(t *lake.Type) {
	e := &w.schema[w.at]
	if t == nil || t.Kind != lake.KindStruct || !isStruct(e) {
		w.pass()
		return
	}
	from, shared := w.leaf, false
	w.at++
	for range e.NumChildren.V {
		of, first := w.field(t), w.leaf
		w.fit(of)
		shared = shared || of != nil && slices.Contains(w.selection[first:w.leaf], true)
	}
	if !shared {
		clear(w.selection[from:w.leaf])
	}
}

// field is what a struct type has for the next element, by its name; nil: nothing.
func (w *fieldWalk) field(t *lake.Type) *lake.Type {
	name := w.schema[w.at].Name
	i := lake.ColumnIndex(t.Fields, name)
	if i < 0 {
		return nil
	}
	return &t.Fields[i].Type
}

// pass goes behind the next element and all below it. Those are counted, lest a schema be
// deeper than the stack.
func (w *fieldWalk) pass() {
	for open := 1; open > 0; {
		e := &w.schema[w.at]
		w.at++
		if e.NumChildren.V == 0 {
			w.leaf++
		}
		open += int(e.NumChildren.V) - 1
	}
}

// isStruct reports whether an element is a group that is no list or map.
func isStruct(e *format.SchemaElement) bool {
	return e.NumChildren.V > 0 && e.RepetitionType.V != format.Repeated && !e.ConvertedType.Valid && e.LogicalType.Value == nil
}
