package crawl

import (
	"slices"

	"sluice/internal/lake"
)

// join is the type that holds values of both in a file of text; KindNone is of no value.
func join(a, b lake.Type) lake.Type {
	switch {
	case a.Kind == lake.KindNone:
		return b
	case b.Kind == lake.KindNone, a.Equal(b):
		return a
	case number(a) && number(b):
		return lake.Double
	case a.Kind == lake.KindStruct && b.Kind == lake.KindStruct:
		return lake.StructOf(joinColumns(a.Fields, b.Fields)...)
	case a.Kind == lake.KindArray && b.Kind == lake.KindArray:
		return lake.ArrayOf(join(*a.Elem, *b.Elem))
	case a.Kind == lake.KindMap && (b.Kind == lake.KindStruct || b.Kind == lake.KindMap), a.Kind == lake.KindStruct && b.Kind == lake.KindMap:
		return lake.MapOf(lake.String)
	}
	return lake.String
}

func number(t lake.Type) bool { return t.Kind == lake.KindBigint || t.Kind == lake.KindDouble }

func joinColumns(a, b []lake.Column) []lake.Column {
	out := slices.Clone(a)
	for _, c := range b {
		if i := lake.ColumnIndex(out, c.Name); i >= 0 {
			out[i].Type = join(out[i].Type, c.Type)
		} else {
			out = append(out, c)
		}
	}
	return out
}

// asText are types as SerDes of JSON read them: times are strings.
func asText(columns []lake.Column) []lake.Column {
	out := slices.Clone(columns)
	for i := range out {
		out[i].Type = textType(out[i].Type)
	}
	return out
}

func textType(t lake.Type) lake.Type {
	switch t.Kind {
	case lake.KindTimestamp, lake.KindDate:
		return lake.String
	case lake.KindStruct:
		return lake.StructOf(asText(t.Fields)...)
	case lake.KindArray:
		return lake.ArrayOf(textType(*t.Elem))
	}
	return t
}

// A misfit is a place where a file's type is none that readers of the table's column take.
type misfit struct {
	path        string
	have, found lake.Type
}

// misfits compares a file's columns with the table's, which have them all.
func misfits(prefix string, have, found []lake.Column, fits func(have, found lake.Type) bool) (out []misfit) {
	for _, f := range found {
		if i := lake.ColumnIndex(have, f.Name); i >= 0 {
			out = append(out, misfitsOf(prefix+f.Name, have[i].Type, f.Type, fits)...)
		}
	}
	return out
}

func misfitsOf(path string, have, found lake.Type, fits func(have, found lake.Type) bool) []misfit {
	switch {
	case have.Kind == lake.KindStruct && found.Kind == lake.KindStruct:
		return misfits(path+".", have.Fields, found.Fields, fits)
	case have.Kind == lake.KindArray && found.Kind == lake.KindArray:
		return misfitsOf(path+"[]", *have.Elem, *found.Elem, fits)
	case have.Kind == lake.KindMap && found.Kind == lake.KindMap:
		return append(misfitsOf(path+"{key}", *have.Key, *found.Key, fits), misfitsOf(path+"{}", *have.Elem, *found.Elem, fits)...)
	case fits(have, found):
		return nil
	}
	return []misfit{{path, have, found}}
}

// parquetFits: what Athena, Trino, Presto, Spark and DuckDB read of a file as a column of
// another type.
func parquetFits(have, found lake.Type) bool {
	if have.Equal(found) {
		return true
	}
	whole := map[lake.Kind]int{lake.KindTinyint: 1, lake.KindSmallint: 2, lake.KindInt: 3, lake.KindBigint: 4}
	if h, f := whole[have.Kind], whole[found.Kind]; h > 0 && f > 0 {
		return f <= h
	}
	if have.Kind == lake.KindDecimal && found.Kind == lake.KindDecimal {
		return have.Scale == found.Scale && have.Precision >= found.Precision
	}
	return have.Kind == lake.KindDouble && found.Kind == lake.KindFloat
}

// jsonFits: what OpenX's SerDe reads of JSON as a column of another type.
func jsonFits(have, found lake.Type) bool {
	if have.Equal(found) || have.Kind == lake.KindString {
		return true
	}
	switch have.Kind {
	case lake.KindDouble, lake.KindFloat, lake.KindDecimal, lake.KindInt, lake.KindSmallint, lake.KindTinyint:
		return found.Kind == lake.KindBigint || have.Kind == lake.KindDecimal && found.Kind == lake.KindDouble || have.Kind == lake.KindFloat && found.Kind == lake.KindDouble
	case lake.KindTimestamp, lake.KindDate:
		return found.Kind == lake.KindString
	case lake.KindMap:
		return found.Kind == lake.KindStruct
	case lake.KindStruct:
		return found.Kind == lake.KindMap
	}
	return false
}

// csvFits: a column of text takes all; others take what is of their kind.
func csvFits(have, found lake.Type) bool {
	switch have.Kind {
	case lake.KindString:
		return true
	case lake.KindDouble, lake.KindFloat, lake.KindDecimal:
		return number(found)
	case lake.KindInt, lake.KindSmallint, lake.KindTinyint:
		return found.Kind == lake.KindBigint
	case lake.KindTimestamp, lake.KindDate:
		return found.Kind == lake.KindString
	}
	return have.Equal(found)
}

// A vote counts how many files have a type.
type vote struct {
	typ   lake.Type
	files int
}

// A ballot finds the columns of a new table of Parquet: each has the type that most files
// have.
type ballot struct {
	order []string
	votes map[string][]vote
}

func (b *ballot) add(columns []lake.Column, files int) {
	for _, c := range columns {
		if b.votes == nil {
			b.votes = map[string][]vote{}
		}
		votes, ok := b.votes[c.Name]
		if !ok {
			b.order = append(b.order, c.Name)
		}
		placed := false
		for i := range votes {
			if shape(votes[i].typ) == shape(c.Type) {
				votes[i].typ = widen(votes[i].typ, c.Type)
				votes[i].files += files
				placed = true
				break
			}
		}
		if !placed {
			votes = append(votes, vote{c.Type, files})
		}
		b.votes[c.Name] = votes
	}
}

// shape is equal for types of which one can read the other.
func shape(t lake.Type) string {
	switch t.Kind {
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint:
		return "whole"
	case lake.KindFloat, lake.KindDouble:
		return "float"
	case lake.KindStruct:
		return "struct"
	case lake.KindArray:
		return "array " + shape(*t.Elem)
	case lake.KindMap:
		return "map " + shape(*t.Key) + " " + shape(*t.Elem)
	}
	return t.String()
}

// widen is the type by which both are read.
func widen(a, b lake.Type) lake.Type {
	switch {
	case a.Kind == lake.KindStruct && b.Kind == lake.KindStruct:
		out := slices.Clone(a.Fields)
		for _, f := range b.Fields {
			if i := lake.ColumnIndex(out, f.Name); i < 0 {
				out = append(out, f)
			} else if shape(out[i].Type) == shape(f.Type) {
				out[i].Type = widen(out[i].Type, f.Type)
			}
		}
		return lake.StructOf(out...)
	case a.Kind == lake.KindArray && b.Kind == lake.KindArray:
		return lake.ArrayOf(widen(*a.Elem, *b.Elem))
	case a.Kind == lake.KindMap && b.Kind == lake.KindMap:
		k, e := widen(*a.Key, *b.Key), widen(*a.Elem, *b.Elem)
		return lake.Type{Kind: lake.KindMap, Key: &k, Elem: &e}
	case parquetFits(b, a):
		return b
	}
	return a
}

func (b *ballot) columns() []lake.Column {
	var out []lake.Column
	for _, name := range b.order {
		best := b.votes[name][0]
		for _, v := range b.votes[name] {
			if v.files > best.files {
				best = v
			}
		}
		out = append(out, lake.Column{Name: name, Type: best.typ})
	}
	return out
}
