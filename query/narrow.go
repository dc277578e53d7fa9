package query

import (
	"io"
	"os"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/fetch/footer"
)

// narrow is a struct with the fields at the paths alone; with all, where one of them is
// not there.
func narrow(t lake.Type, paths [][]string) lake.Type {
	var fields []lake.Column
	used := 0
	for _, f := range t.Fields {
		var below [][]string
		for _, p := range paths {
			if len(p) > 0 && strings.EqualFold(p[0], f.Name) {
				below = append(below, p[1:])
			}
		}
		if len(below) == 0 {
			continue
		}
		used += len(below)
		if f.Type.Kind == lake.KindStruct && !slices.ContainsFunc(below, func(p []string) bool { return len(p) == 0 }) {
			f.Type = narrow(f.Type, below)
		}
		fields = append(fields, f)
	}
	if used != len(paths) { // one is no field, or two fields have a name
		return t
	}
	return lake.StructOf(fields...)
}

// A local is what local files that are read whole have for columns. The executor reads a
// struct as another type only where the two share a field, at every level: a file that was
// made before the fields came that a statement names shares none with a narrow type.
type local struct {
	files   []dataFile
	known   bool // the rest is
	columns [][]lake.Column
}

// fit reports whether a column of every file can be read as the type.
func (l *local) fit(column string, t lake.Type) bool {
	if !l.known {
		l.known = true
		for _, f := range l.files {
			columns, err := localColumns(f.path)
			if err != nil {
				l.columns = nil // what is wrong, the executor will say
				break
			}
			l.columns = append(l.columns, columns)
		}
	}
	if len(l.columns) < len(l.files) {
		return false
	}
	for _, columns := range l.columns {
		if i := lake.ColumnIndex(columns, column); i >= 0 && !shares(columns[i].Type, t) {
			return false
		}
	}
	return true
}

// shares reports whether structs share a field, and so do those in it that they share.
func shares(file, wanted lake.Type) bool {
	if file.Kind != lake.KindStruct || wanted.Kind != lake.KindStruct {
		return true
	}
	shared := false
	for _, f := range wanted.Fields {
		i := lake.ColumnIndex(file.Fields, f.Name)
		if i < 0 {
			continue
		}
		if shared = true; !shares(file.Fields[i].Type, f.Type) {
			return false
		}
	}
	return shared
}

// localColumns are the columns of a Parquet file.
func localColumns(path string) ([]lake.Column, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	tail := make([]byte, min(footer.TailSize, info.Size()))
	if _, err := f.ReadAt(tail, info.Size()-int64(len(tail))); err != nil && err != io.EOF {
		return nil, err
	}
	n, err := footer.Length(tail, info.Size())
	if err != nil {
		return nil, err
	}
	raw := make([]byte, n)
	if _, err := f.ReadAt(raw, info.Size()-footer.TailSize-n); err != nil {
		return nil, err
	}
	meta, err := footer.Parse(raw, info.Size())
	if err != nil {
		return nil, err
	}
	return meta.Schema()
}
