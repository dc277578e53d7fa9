package textfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/lake"
)

// A Kind is the family of a SerDe.
type kind uint8

const (
	openX kind = iota
	hiveJSON
	openCSV
	lazySimple
)

var kinds = map[string]kind{
	strings.ToLower(lake.OpenXJSONSerDe):            openX,
	strings.ToLower(lake.HiveJSONSerDe):             hiveJSON,
	"org.apache.hadoop.hive.serde2.jsonserde":       hiveJSON,
	"com.amazon.emr.hive.serde.s3.jsonserde":        hiveJSON,
	strings.ToLower(lake.OpenCSVSerDe):              openCSV,
	"com.bizo.hive.serde.csv.csvserde":              openCSV,
	strings.ToLower(lake.LazySimpleSerDe):           lazySimple,
	"org.apache.hadoop.hive.serde2.lazysimpleserde": lazySimple,
}

// A Format is how the text of a table's files becomes its columns.
type Format struct {
	kind    kind
	table   lake.TableName
	columns []lake.Column
	duck    func(lake.Type) string
	props   map[string]string // keys in lower case

	nullInvalid bool // a value that does not fit is NULL
	skip        int  // lines at each file's beginning
	// Of JSON.
	ignoreMalformed, caseSensitive, dots bool
	// Of CSV and delimited text; escape and quote may be empty.
	separators          []string
	quote, escape, null string
}

// An UnsupportedError says that a table's files are not read here.
type UnsupportedError struct {
	Table lake.TableName
	What  string
}

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("the table %s cannot be read: %s", e.Table, e.What)
}

// New makes the Format of a table; nil for one of Parquet. duck is DuckDB's name of
// a type. The error is an *UnsupportedError.
func New(t lake.Table, duck func(lake.Type) string) (*Format, error) {
	unsupported := func(format string, args ...any) (*Format, error) {
		return nil, &UnsupportedError{Table: t.Name, What: fmt.Sprintf(format, args...)}
	}
	for param, word := range map[string]string{"table_type": "iceberg", "spark.sql.sources.provider": "delta"} {
		if strings.EqualFold(t.Parameters[param], word) {
			return unsupported("it is a table of %s (%s=%s); its files are known to the table's own metadata alone", strings.ToUpper(word[:1])+word[1:], param, t.Parameters[param])
		}
	}
	if t.Storage.IsParquet() {
		return nil, nil
	}
	k, ok := kinds[strings.ToLower(t.Storage.SerDe)]
	if !ok {
		return unsupported("its SerDe is %q (input format %q); there are Parquet, JSON lines (%s, %s), CSV (%s) and delimited text (%s)",
			t.Storage.SerDe, t.Storage.InputFormat, lake.OpenXJSONSerDe, lake.HiveJSONSerDe, lake.OpenCSVSerDe, lake.LazySimpleSerDe)
	}
	if in := t.Storage.InputFormat; in != "" && in != lake.TextInputFormat {
		return unsupported("its input format is %q, where the SerDe %s takes %s", in, t.Storage.SerDe, lake.TextInputFormat)
	}
	f := &Format{kind: k, table: t.Name, columns: t.Columns, duck: duck, props: make(map[string]string)}
	for key, v := range t.Parameters {
		f.props[strings.ToLower(key)] = v
	}
	for key, v := range t.Storage.Properties {
		f.props[strings.ToLower(key)] = v
	}
	if what := f.read(); what != "" {
		return unsupported("%s", what)
	}
	return f, nil
}

// read takes the properties; what is wrong with them, or "".
func (f *Format) read() string {
	var err error
	if n := strings.TrimSpace(f.props["skip.header.line.count"]); n != "" {
		if f.skip, err = strconv.Atoi(n); err != nil || f.skip < 0 {
			return fmt.Sprintf("skip.header.line.count is %q, which is no number of lines", n)
		}
	}
	if n := strings.TrimSpace(f.props["skip.footer.line.count"]); n != "" && n != "0" {
		return "skip.footer.line.count is not supported"
	}
	if f.props["timestamp.formats"] != "" && slices.ContainsFunc(f.columns, func(c lake.Column) bool { return has(c.Type, lake.KindTimestamp) }) {
		return "timestamp.formats is not supported; declare the column a string and use date_parse"
	}
	f.nullInvalid = f.kind == lazySimple || f.on("use.null.for.invalid.data")
	switch f.kind {
	case openX, hiveJSON:
		f.ignoreMalformed = f.on("ignore.malformed.json")
		f.caseSensitive = f.kind == openX && strings.EqualFold(f.props["case.insensitive"], "false")
		f.dots = f.kind == openX && f.on("dots.in.keys")
		return ""
	case openCSV:
		return f.readCSV()
	}
	return f.readLazy()
}

func (f *Format) on(property string) bool {
	return strings.EqualFold(strings.TrimSpace(f.props[property]), "true")
}

func (f *Format) readCSV() string {
	char := func(property, otherwise string) string {
		if v := f.props[property]; v != "" {
			return string([]rune(v)[:1]) // as Hive takes it
		}
		return otherwise
	}
	f.separators = []string{char("separatorchar", ",")}
	f.quote, f.escape = char("quotechar", `"`), char("escapechar", `\`)
	if f.separators[0] == f.quote || f.separators[0] == f.escape {
		return fmt.Sprintf("separatorChar %q is also its quoteChar or escapeChar", f.separators[0])
	}
	if f.quote == f.escape {
		f.escape = "" // a doubled quote stands for one anyway
	}
	for _, c := range f.columns {
		if k := c.Type.Kind; k == lake.KindArray || k == lake.KindMap || k == lake.KindStruct || k == lake.KindBinary {
			return fmt.Sprintf("the column %s is %s, which %s has not", c.Name, c.Type, lake.OpenCSVSerDe)
		}
	}
	return ""
}

func (f *Format) readLazy() string {
	if d := f.props["line.delim"]; d != "" && d != "\n" {
		return fmt.Sprintf("line.delim is %q; lines end in \\n", d)
	}
	if f.on("serialization.last.column.takes.rest") {
		return "serialization.last.column.takes.rest is not supported"
	}
	delim := func(otherwise string, properties ...string) string {
		for _, p := range properties {
			if v := f.props[p]; v != "" {
				return delimiter(v)
			}
		}
		return otherwise
	}
	f.separators = []string{
		delim("\x01", "field.delim", "serialization.format"),
		delim("\x02", "collection.delim", "colelction.delim"), // Hive 1 and 2 write it so
		delim("\x03", "mapkey.delim"),
	}
	for c := byte(4); c <= 8; c++ {
		f.separators = append(f.separators, string(rune(c)))
	}
	if e := f.props["escape.delim"]; e != "" {
		f.escape = delimiter(e)
	}
	f.null = `\N`
	if n, ok := f.props["serialization.null.format"]; ok {
		f.null = n
	}
	if slices.Contains(f.separators, f.escape) {
		return fmt.Sprintf("escape.delim %q is also a delimiter", f.escape)
	}
	return ""
}

// delimiter reads a delimiter as Hive does: a number is a byte, of else the first
// character counts.
func delimiter(v string) string {
	if n, err := strconv.ParseInt(v, 10, 8); err == nil && n >= 0 {
		return string(rune(n))
	}
	if v == `\t` {
		return "\t"
	}
	return string([]rune(v)[:1])
}

// has reports whether a type is of that kind or has one within.
func has(t lake.Type, k lake.Kind) bool {
	return t.Kind == k || t.Elem != nil && has(*t.Elem, k) || t.Key != nil && has(*t.Key, k) ||
		slices.ContainsFunc(t.Fields, func(f lake.Column) bool { return has(f.Type, k) })
}

// Word is AWS's word for the format, of the table property classification.
func (f *Format) Word() string {
	if f.kind == openX || f.kind == hiveJSON {
		return "json"
	}
	return "csv"
}
