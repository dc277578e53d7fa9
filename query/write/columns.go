package write

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
)

// A Shape is the columns of what is written, and from which columns of the query
// they come.
type Shape struct {
	Columns []lake.Column // without the partition keys
	Keys    []lake.Column
	from    []int // for each of Columns and then of Keys its column of the query; -1: NULL
	have    []executor.Output
}

// unnamed is what a column without a name is called.
var unnamed = regexp.MustCompile(`^_col[0-9]+$`)

// NewShape is that of a table made of a query's columns, of which the last are the
// partition keys.
func NewShape(have []executor.Output, keys []string, tables bool) (*Shape, error) {
	s := &Shape{have: have}
	if len(keys) >= len(have) {
		return nil, refuse(-1, "a table has at least one column beside its partition keys; the query has %d", len(have))
	}
	names := make([]string, len(have))
	for i, c := range have {
		name := strings.ToLower(c.Name)
		names[i] = name
		switch {
		case name == "" || tables && unnamed.MatchString(name):
			return nil, refuse(-1, "column %d of the query has no name: give it one, as in SELECT %s AS name", i+1, "…")
		case tables && name != lake.CleanName(name):
			return nil, refuse(-1, "%q cannot name a column: it is made of a–z, 0–9 and _; give it another, as in SELECT … AS %s", c.Name, lake.CleanName(name))
		case slices.Contains(names[:i], name):
			return nil, refuse(-1, "two columns of the query are named %s", name)
		}
		if err := writable(c.Type, tables); err != nil {
			return nil, refuse(-1, "column %s of type %s: %v", name, c.Presto, err)
		}
		s.Columns = append(s.Columns, lake.Column{Name: name, Type: c.Type})
		s.from = append(s.from, i)
	}
	first := len(have) - len(keys)
	if !slices.Equal(names[first:], keys) {
		return nil, refuse(-1, "the partition keys must be the last columns of the query, in the order of partitioned_by: %s", strings.Join(keys, ", "))
	}
	s.Keys = slices.Clone(s.Columns[first:])
	s.Columns = s.Columns[:first]
	for _, k := range s.Keys {
		if !keyKinds[k.Type.Kind] {
			return nil, refuse(-1, "the partition key %s of type %s is not supported; cast it to varchar", k.Name, k.Type)
		}
	}
	return s, nil
}

// keyKinds may be partition keys.
var keyKinds = map[lake.Kind]bool{
	lake.KindString: true, lake.KindTinyint: true, lake.KindSmallint: true, lake.KindInt: true, lake.KindBigint: true,
	lake.KindDate: true, lake.KindBoolean: true,
}

// writable says why values of a type cannot be written.
func writable(t lake.Type, tables bool) error {
	switch t.Kind {
	case lake.KindNone:
		return fmt.Errorf("no table has columns of this type; cast it, as in CAST(… AS varchar)")
	case lake.KindMap:
		if t.Key.Kind == lake.KindNone {
			return writable(*t.Key, tables)
		}
		return writable(*t.Elem, tables)
	case lake.KindArray:
		return writable(*t.Elem, tables)
	case lake.KindStruct:
		for _, f := range t.Fields {
			if f.Name == "" || tables && f.Name != lake.CleanName(f.Name) {
				return fmt.Errorf("its fields need names of a–z, 0–9 and _, as in CAST(… AS row(a bigint, b varchar))")
			}
			if err := writable(f.Type, tables); err != nil {
				return err
			}
		}
	}
	return nil
}

// ShapeFor is that of rows for a table that there is: the named columns, or all of
// them and then the partition keys, take the query's in their order.
func ShapeFor(table lake.Table, names []string, have []executor.Output) (*Shape, error) {
	s := &Shape{Columns: table.Columns, Keys: table.PartitionKeys, have: have}
	all := slices.Concat(table.Columns, table.PartitionKeys)
	if names == nil {
		for _, c := range all {
			names = append(names, strings.ToLower(c.Name))
		}
	}
	for i, n := range names {
		if slices.Contains(names[:i], n) {
			return nil, refuse(-1, "the column %s is named twice", n)
		}
		if !slices.ContainsFunc(all, func(c lake.Column) bool { return strings.EqualFold(c.Name, n) }) {
			return nil, refuse(-1, "the table %s has no column %s", table.Name, n)
		}
	}
	if len(names) != len(have) {
		return nil, refuse(-1, "the query has %d columns, and %d are to be filled: %s", len(have), len(names), strings.Join(names, ", "))
	}
	for _, c := range all {
		i := slices.Index(names, strings.ToLower(c.Name))
		s.from = append(s.from, i)
		if c.Type.Kind == lake.KindNone {
			return nil, refuse(-1, "the type of column %s of table %s cannot be read", c.Name, table.Name)
		}
		if i >= 0 && !coercible(have[i].Type, c.Type, have[i].Presto) {
			return nil, refuse(-1, "mismatch at column %d: %s is of type %s, but the query's is of type %s; cast it", i+1, c.Name, c.Type, have[i].Presto)
		}
	}
	for _, k := range s.Keys {
		if !keyKinds[k.Type.Kind] {
			return nil, refuse(-1, "rows cannot be added to %s: its partition key %s is of type %s", table.Name, k.Name, k.Type)
		}
	}
	return s, nil
}

// integers are the whole numbers, the narrow first, and the digits they need.
var integers = map[lake.Kind]int{lake.KindTinyint: 3, lake.KindSmallint: 5, lake.KindInt: 10, lake.KindBigint: 19}

// coercible reports whether Presto takes a value of one type for another by itself.
// presto is its name of the first.
func coercible(from, to lake.Type, presto string) bool {
	if from.Equal(to) || presto == "unknown" {
		return true
	}
	digits, whole := integers[from.Kind]
	switch to.Kind {
	case lake.KindSmallint, lake.KindInt, lake.KindBigint:
		return whole && digits <= integers[to.Kind]
	case lake.KindFloat:
		return whole || from.Kind == lake.KindDecimal
	case lake.KindDouble:
		return whole || from.Kind == lake.KindDecimal || from.Kind == lake.KindFloat
	case lake.KindDecimal:
		if from.Kind == lake.KindDecimal {
			return from.Scale <= to.Scale && from.Precision-from.Scale <= to.Precision-to.Scale
		}
		return whole && digits <= to.Precision-to.Scale
	case lake.KindTimestamp:
		return from.Kind == lake.KindDate
	case lake.KindArray:
		return from.Kind == to.Kind && within(*from.Elem, *to.Elem)
	case lake.KindMap:
		return from.Kind == to.Kind && within(*from.Key, *to.Key) && within(*from.Elem, *to.Elem)
	case lake.KindStruct:
		if from.Kind != to.Kind || len(from.Fields) != len(to.Fields) {
			return false
		}
		named := from.Fields[0].Name != ""
		for i, f := range from.Fields {
			// DuckDB fits fields by their names, Presto by their places: both agree only so.
			if named && !strings.EqualFold(f.Name, to.Fields[i].Name) || !within(f.Type, to.Fields[i].Type) {
				return false
			}
		}
		return true
	}
	return false
}

// within is coercible of what is in a type. What is not known there is the type of
// NULL, or of nothing.
func within(from, to lake.Type) bool {
	return from.Kind == lake.KindNone || coercible(from, to, "")
}

// query is the SELECT of what the files hold: the columns, and behind them for each
// key the name of its folder, p0, p1 …
func (s *Shape) query(sql string, l Layout) string {
	var columns []string
	for i, c := range s.Columns {
		columns = append(columns, s.value(i, c, l)+" AS "+executor.Identifier(c.Name))
	}
	if l.Format == JSON {
		for i, c := range s.Columns {
			columns[i] = executor.Identifier(c.Name) + " := " + s.value(i, c, l)
		}
		columns = []string{"CAST(to_json(struct_pack(" + strings.Join(columns, ", ") + ")) AS VARCHAR) AS line"}
	}
	for j, k := range s.Keys {
		columns = append(columns, fmt.Sprintf("%s AS p%d", folderOf(s.value(len(s.Columns)+j, k, Layout{}), k), j))
	}
	var b strings.Builder
	b.WriteString("SELECT " + strings.Join(columns, ", "))
	b.WriteString(" FROM (" + sql + ") AS q(")
	for i := range s.have {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "q%d", i)
	}
	return b.String() + ")"
}

// value is the expression of the i-th column, of which the type in a file of the
// layout is the column's. Timestamps are adjusted to UTC in Parquet.
func (s *Shape) value(i int, c lake.Column, l Layout) string {
	stamp, f := "TIMESTAMP", l.Format
	if f == Parquet {
		stamp = "TIMESTAMP WITH TIME ZONE"
	}
	typ := executor.TypeName(c.Type, stamp)
	if s.from[i] < 0 {
		return "CAST(NULL AS " + typ + ")"
	}
	q := fmt.Sprintf("q%d", s.from[i])
	from := s.have[s.from[i]].Type
	switch {
	case f == Parquet && c.Type.Kind == lake.KindTimestamp && from.Kind == lake.KindTimestamp:
		return "make_timestamptz(epoch_us(" + q + "))"
	case f == TextFile:
		return plain("CAST(CAST("+q+" AS "+typ+") AS VARCHAR)", c.Name, l.Delimiter)
	case f == JSON && c.Type.Kind == lake.KindBinary:
		return "base64(" + q + ")"
	case f == JSON && (c.Type.Kind == lake.KindDouble || c.Type.Kind == lake.KindFloat):
		return "CASE WHEN " + q + " IS NULL OR isfinite(" + q + ") THEN " + q + " ELSE error(" + executor.Quote("a value of column "+c.Name+" is not finite, and JSON has no word for that") + ") END"
	}
	return "CAST(" + q + " AS " + typ + ")"
}

// plain is a text as a TextFile can hold it, which has no quotes: an error where its
// reader would find another.
func plain(text, column, delimiter string) string {
	return fmt.Sprintf("CASE WHEN regexp_matches(%[1]s, %[2]s) OR %[1]s = '\\N' THEN error(%[3]s) ELSE %[1]s END",
		text, executor.Quote("["+regexp.QuoteMeta(delimiter)+"\\n\\r]"),
		executor.Quote("a value of column "+column+" has the delimiter or a line end in it, or is \\N, which stands for NULL; use JSON, PARQUET or another field_delimiter"))
}

// maxFolder bounds the bytes of a key's value: a folder's name has at most 255.
const maxFolder = 120

// folderOf is the name of the folder of a key's value: N for null and what Hive
// takes for that, or V and its bytes in hexadecimal digits.
func folderOf(value string, k lake.Column) string {
	text := "CAST(" + value + " AS VARCHAR)"
	return fmt.Sprintf("CASE WHEN %[1]s IS NULL OR %[1]s = '' THEN 'N' WHEN strlen(%[1]s) > %[2]d THEN error('a value of the partition key %[3]s has more than %[2]d bytes') ELSE 'V' || hex(%[1]s) END",
		text, maxFolder, k.Name)
}
