package lake

import (
	"fmt"
	"slices"
	"strings"
)

// RescuedColumn is the column, map<string,string>, that keeps values which do
// not fit their own: path to exact JSON text.
const RescuedColumn = "_rescued"

// What Glue takes of a column, in bytes: a table with more in one is refused as a whole.
const (
	MaxColumnName = 255
	MaxColumnType = 128 << 10 // of the type as it is written
)

// A Column is a named, typed field of a table or a struct.
type Column struct {
	Name string // as the catalog has it: lower case, [a-z0-9_]
	Type Type
	// Key is the JSON key the column was first seen under, where it is not Name.
	Key string
}

// ColumnIndex is where the column of that name is, in any case of its letters; -1 where
// there is none.
func ColumnIndex(columns []Column, name string) int {
	return slices.IndexFunc(columns, func(c Column) bool { return strings.EqualFold(c.Name, name) })
}

// A TableName names a table in the catalog.
type TableName struct{ Database, Table string }

// String is database.table.
func (n TableName) String() string { return n.Database + "." + n.Table }

// ParseTableName reads "database.table", or "table" in the given database.
func ParseTableName(s, database string) (TableName, error) {
	n := TableName{Database: database, Table: s}
	if db, t, ok := strings.Cut(s, "."); ok {
		n = TableName{Database: db, Table: t}
	}
	for _, part := range []string{n.Database, n.Table} {
		if part == "" || part != CleanName(part) {
			return TableName{}, fmt.Errorf("table name %q: want [database.]table of a–z, 0–9 and _, such as shop.purchases", s)
		}
	}
	return n, nil
}

// A Table is what the catalog says of a table.
type Table struct {
	Name          TableName
	Location      string // URI, ends in a slash
	Columns       []Column
	PartitionKeys []Column
	Parameters    map[string]string
	Storage       Storage
	Version       string // the catalog's VersionId, "" for a table not yet there
	View          string // what the catalog keeps of a view; "" for a table of files
}

// A Partition is one combination of a table's partition values.
type Partition struct {
	Values   []string // raw, in the order of the table's PartitionKeys; NullPartition for null
	Location string   // URI, ends in a slash
}

// NullPartition is Hive's word for a null (or empty) partition value.
const NullPartition = "__HIVE_DEFAULT_PARTITION__"

// CleanName makes a name that Hive, Glue, Presto, Trino and Spark all take:
// ASCII letters lower-cased, every other character but a digit or _ becomes _.
// The empty name becomes "_".
func CleanName(s string) string {
	clean := s != ""
	for i := 0; i < len(s) && clean; i++ {
		c := s[i]
		clean = 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_'
	}
	if clean {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_':
			b.WriteRune(r)
		case 'A' <= r && r <= 'Z':
			b.WriteRune(r + ('a' - 'A'))
		default:
			b.WriteByte('_')
		}
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}
