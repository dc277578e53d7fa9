package footer

import (
	"strings"

	"github.com/parquet-go/parquet-go/format"
)

// Leaf is the leaf that a column of the top level is, or the field of it at the path,
// through structs alone, so that it has one value a row. Names, which are in lower case,
// match whatever the case. The leaf is -1 and the element nil where there is none such;
// absent says that there is none since the file has nothing of a name, so that all values
// are null.
func (f *Footer) Leaf(name string, path []string) (leaf int, e *format.SchemaElement, absent bool) {
	w := fieldWalk{schema: f.Meta.Schema, at: 1}
	children := len(f.Columns)
	for {
		found := 0
		var at fieldWalk
		for range children {
			if strings.EqualFold(w.schema[w.at].Name, name) {
				found++
				at = w
			}
			w.pass()
		}
		if found != 1 || strings.ToLower(at.schema[at.at].Name) != name {
			return -1, nil, found == 0
		}
		e = &at.schema[at.at]
		switch {
		case len(path) == 0 && e.NumChildren.V == 0 && e.RepetitionType.V != format.Repeated:
			return at.leaf, e, false
		case len(path) == 0 || !isStruct(e):
			return -1, nil, false
		}
		name, path = path[0], path[1:]
		w, children = at, int(e.NumChildren.V)
		w.at++
	}
}
