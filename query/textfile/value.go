package textfile

import (
	"fmt"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
)

// Value is the value of a column, over Source under the name f.
func (f *Format) Value(name string) string {
	i := lake.ColumnIndex(f.columns, name)
	if i < 0 || f.columns[i].Type.Kind == lake.KindNone {
		return "NULL" // live rows brought it
	}
	c := f.columns[i]
	d := decoder{f: f, column: c.Name}
	switch f.kind {
	case openX, hiveJSON:
		return d.json(f.member("f.k", "f.v", c.Name), c.Type)
	case openCSV:
		return d.csv(fmt.Sprintf("f.x[%d]", i+1), c.Type)
	}
	return d.lazy(fmt.Sprintf("f.x[%d]", i+1), c.Type, 1)
}

// member is the value of a key, which may be mapped to another.
func (f *Format) member(k, v, name string) string {
	key := name
	if m := f.props["mapping."+strings.ToLower(name)]; m != "" && f.kind == openX {
		key = m
	}
	if !f.caseSensitive {
		key = strings.ToLower(key)
	}
	at := "list_position(" + k + ", " + executor.Quote(key) + ")"
	if f.dots && strings.Contains(name, "_") {
		at = "coalesce(" + at + ", list_position(list_transform(" + k + ", lambda key: replace(key, '.', '_')), " + executor.Quote(strings.ToLower(name)) + "))"
	}
	return v + "[" + at + "]"
}

// A decoder makes the SQL of one column's values.
type decoder struct {
	f      *Format
	column string
	depth  int // of lambdas, whose parameters get names of their own
}

// or is the value, or what becomes of a text that has none.
func (d *decoder) or(value, text string, t lake.Type) string {
	if d.f.nullInvalid {
		return value
	}
	return "CASE WHEN " + text + " IS NOT NULL THEN coalesce(" + value + ", " +
		fail(fmt.Sprintf("column %s of %s is %s, but there is the value", d.column, d.f.table, t), text) + ") END"
}

// parameter is a new name for a lambda's parameter.
func (d *decoder) parameter() string {
	d.depth++
	return fmt.Sprintf("e%d", d.depth)
}

// json makes a value of type t of the JSON v.
func (d *decoder) json(v string, t lake.Type) string {
	text := "json_extract_string(" + v + ", '$')"
	cast := func(value string) string { return "CAST(" + value + " AS " + d.f.duck(t) + ")" }
	switch t.Kind {
	case lake.KindString:
		return text
	case lake.KindBoolean:
		return "(lower(" + text + ") = 'true')"
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint:
		return d.or("TRY_CAST("+whole(d.numeric(v, text))+" AS "+d.f.duck(t)+")", text, t)
	case lake.KindFloat, lake.KindDouble:
		return d.or("TRY_CAST("+real(d.numeric(v, text))+" AS "+d.f.duck(t)+")", text, t)
	case lake.KindDecimal:
		return d.or("TRY_CAST("+decimal(v, text, t)+" AS "+d.f.duck(t)+")", text, t)
	case lake.KindDate:
		if d.f.kind == openX {
			return d.or("coalesce("+date(text)+", "+days(text)+")", text, t)
		}
		return d.or(date(text), text, t)
	case lake.KindTimestamp:
		if d.f.kind == openX {
			return d.or(openXTimestamp(text), text, t)
		}
		return d.or(timestamp(text), text, t)
	case lake.KindBinary:
		if d.f.kind == openX {
			return d.or("TRY(from_base64("+text+"))", text, t)
		}
		return "encode(" + text + ")"
	case lake.KindArray:
		e := d.parameter()
		one := func(v string) string {
			return "list_transform(" + v + ", lambda " + e + ": " + d.json(e, *t.Elem) + ")"
		}
		value := "CASE json_type(" + v + ") WHEN 'ARRAY' THEN " + one("from_json("+v+`, '["JSON"]')`)
		if d.f.kind == openX {
			value += " ELSE CASE WHEN " + text + " <> '' THEN " + one("["+v+"]") + " END END"
			return cast(value)
		}
		return d.or(cast(value+" END"), text, t)
	case lake.KindMap:
		e := d.parameter()
		entry := fmt.Sprintf("{'k': %s, 'v': %s}", d.key(e+".key", *t.Key), d.json(e+".value", *t.Elem))
		value := "CASE json_type(" + v + ") WHEN 'OBJECT' THEN map_from_entries(list_transform(map_entries(from_json(" + v +
			`, '"MAP(VARCHAR,JSON)"')), lambda ` + e + ": " + entry + ")) END"
		return d.blank(cast(value), text, t)
	case lake.KindStruct:
		return d.structure(v, text, t)
	}
	return "NULL"
}

// numeric is the text of a number; Hive's SerDe takes no other.
func (d *decoder) numeric(v, text string) string {
	if d.f.kind == openX {
		return text
	}
	return "CASE WHEN json_type(" + v + ") IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE') THEN " + text + " END"
}

// key makes a map's key of its text.
func (d *decoder) key(text string, t lake.Type) string {
	switch t.Kind {
	case lake.KindString:
		return text
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint:
		return d.or("TRY_CAST("+whole(text)+" AS "+d.f.duck(t)+")", text, t)
	}
	return d.or("TRY_CAST("+text+" AS "+d.f.duck(t)+")", text, t)
}

// blank is a map or struct, for which OpenX's SerDe takes blank text as null.
func (d *decoder) blank(value, text string, t lake.Type) string {
	if d.f.nullInvalid {
		return value
	}
	if d.f.kind == openX {
		return "CASE WHEN trim(" + text + ") <> '' THEN " + d.or(value, text, t) + " END"
	}
	return d.or(value, text, t)
}

// structure makes a struct of the JSON v. Its fields are looked up as columns are.
func (d *decoder) structure(v, text string, t lake.Type) string {
	e := d.parameter()
	var fields []string
	for _, c := range t.Fields {
		fields = append(fields, executor.Quote(c.Name)+": "+d.json(d.f.member(e+".k", e+".v", c.Name), c.Type))
	}
	m := "from_json(" + v + `, '"MAP(VARCHAR,JSON)"')`
	value := "CASE json_type(" + v + ") WHEN 'OBJECT' THEN list_transform([{'k': " + d.f.keys(m) + ", 'v': list_reverse(map_values(" + m + "))}], lambda " + e + ": {" +
		strings.Join(fields, ", ") + "})[1] END"
	return d.blank("CAST("+value+" AS "+d.f.duck(t)+")", text, t)
}

// csv makes a value of a field of CSV.
func (d *decoder) csv(text string, t lake.Type) string {
	switch t.Kind {
	case lake.KindString:
		return text
	case lake.KindBoolean:
		return d.or("CASE lower("+text+") WHEN 'true' THEN true WHEN 'false' THEN false END", text, t)
	case lake.KindDate:
		return d.or(days(text), text, t)
	case lake.KindTimestamp:
		return d.or("TRY(make_timestamp(CAST(1000 * "+digits(text)+" AS BIGINT)))", text, t)
	case lake.KindFloat, lake.KindDouble:
		return d.or("TRY_CAST("+real(text)+" AS "+d.f.duck(t)+")", text, t)
	case lake.KindDecimal:
		return d.or("TRY_CAST("+real(text)+" AS "+d.f.duck(t)+")", text, t)
	}
	return d.or("TRY_CAST("+digits(text)+" AS "+d.f.duck(t)+")", text, t)
}

// lazy makes a value of delimited text; level is how many separators are used up.
func (d *decoder) lazy(raw string, t lake.Type, level int) string {
	if level+1 >= len(d.f.separators) {
		return "NULL"
	}
	text := "nullif(" + raw + ", " + executor.Quote(d.f.null) + ")"
	sep := d.f.separators[level]
	plain := d.unescape(text)
	switch t.Kind {
	case lake.KindString:
		return plain
	case lake.KindBoolean:
		return "CASE lower(" + plain + ") WHEN 'true' THEN true WHEN 'false' THEN false END"
	case lake.KindDate:
		return date(plain)
	case lake.KindTimestamp:
		return timestamp(plain)
	case lake.KindBinary:
		return "TRY(from_base64(" + plain + "))"
	case lake.KindFloat, lake.KindDouble, lake.KindDecimal:
		return "TRY_CAST(" + real(plain) + " AS " + d.f.duck(t) + ")"
	case lake.KindArray:
		e := d.parameter()
		return "CASE WHEN " + text + " = '' THEN [] ELSE list_transform(" + d.f.split(text, sep) + ", lambda " + e + ": " + d.lazy(e, *t.Elem, level+1) + ") END"
	case lake.KindMap:
		e := d.parameter()
		pair := d.f.split(e, d.f.separators[level+1])
		entries := "list_transform(" + d.f.split(text, sep) + ", lambda " + e + ": {'k': " + d.lazy(pair+"[1]", *t.Key, level+2) + ", 'v': " + d.lazy(pair+"[2]", *t.Elem, level+2) + "})"
		return "CAST(CASE WHEN " + text + " <> '' THEN map_from_entries(list_filter(" + entries + ", lambda " + e + "x: " + e + "x.k IS NOT NULL)) WHEN " + text + " = '' THEN map {} END AS " + d.f.duck(t) + ")"
	case lake.KindStruct:
		e := d.parameter()
		var fields []string
		for i, c := range t.Fields {
			fields = append(fields, executor.Quote(c.Name)+": "+d.lazy(fmt.Sprintf("%s[%d]", e, i+1), c.Type, level+1))
		}
		return "CASE WHEN " + text + " IS NOT NULL THEN list_transform([" + d.f.split(text, sep) + "], lambda " + e + ": {" + strings.Join(fields, ", ") + "})[1] END"
	}
	return "TRY_CAST(" + whole(plain) + " AS " + d.f.duck(t) + ")"
}

// unescape takes the escape characters out of a value.
func (d *decoder) unescape(text string) string {
	if d.f.escape == "" {
		return text
	}
	return "regexp_replace(" + text + ", " + executor.Quote("["+class(d.f.escape)+"](.)") + `, '\1', 'g')`
}
