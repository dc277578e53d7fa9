package presto

import (
	"regexp"
	"strconv"
	"strings"

	"sluice/query/syntax"
)

var (
	plainDate  = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`)
	plainTime  = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,6})?)?(\+00)?)?$`)
	plainTruth = regexp.MustCompile(`^(?i:t|true|1|f|false|0)$`)
	plainBytes = regexp.MustCompile(`^(\\x[0-9A-Fa-f]{2})*$`)
)

// cast rewrites a cast, and typed literals such as date '2026-01-31', which are
// casts too.
func (r *rewriter) cast(n node) {
	child, target := syntax.Object(n, "child"), syntax.Text(syntax.Object(n, "cast_type"), "id")
	if target == "UNBOUND" {
		target = syntax.Text(syntax.Object(syntax.Object(n, "cast_type"), "type_info"), "name")
	}
	if r.castRow(n, child) {
		return
	}
	r.below(n)
	r.sure(child)
	if r.err != nil || r.castMarked(n, child, target) {
		return
	}
	child = syntax.Object(n, "child")
	text, isText := constantText(child)
	var guarded, whole node
	switch target {
	case "BIGINT", "INTEGER", "SMALLINT", "TINYINT":
		if !isNumber(child) && !isNull(child) || syntax.Text(syntax.Object(syntax.Object(child, "value"), "type"), "id") == "DOUBLE" {
			guarded = r.macro("presto_exact", child, literal(target))
		}
	case "DECIMAL":
		if !isNumber(child) && !isNull(child) || syntax.Text(syntax.Object(syntax.Object(child, "value"), "type"), "id") == "DOUBLE" {
			guarded = r.macro("presto_decimal", child, literal(target))
		}
	case "FLOAT":
		if !isNull(child) && (!isNumber(child) || nameOf(kindOf(child)) == "double") {
			guarded = r.macro("presto_to_real", child)
		}
	case "DOUBLE":
		if !isNumber(child) && !isNull(child) {
			guarded = r.macro("presto_number", child, literal(target))
		}
	case "BOOLEAN":
		if !isText || !plainTruth.MatchString(text) {
			guarded = r.macro("presto_truth", child)
		}
	case "DATE":
		if !isText || !plainDate.MatchString(text) {
			guarded = r.macro("presto_to_date", child)
		}
	case "TIMESTAMP":
		if !isText || !plainTime.MatchString(text) {
			guarded = r.macro("presto_to_timestamp", child)
		}
	case "TIMESTAMP_MS":
		whole = r.macro("presto_milli_moment", child)
	case "TIMESTAMP WITH TIME ZONE":
		if !isText || !plainTime.MatchString(text) {
			guarded = r.macro("presto_zoned_moment", child)
		}
	case "VARCHAR":
		if !isText {
			whole = r.macro("presto_text", child)
		}
	case "ARRAY":
		if length, ok := charLength(n); ok {
			if !isText && markOf(child) == nil {
				whole = r.macro("presto_char_of", child, integer(length))
			} else {
				whole = r.macro("presto_char", child, integer(length))
			}
			m := &mark{char: length}
			defer func() { r.keep(n, m) }()
			break
		}
		size := syntax.Object(syntax.Object(n, "cast_type"), "type_info")["size"]
		whole = r.macro("presto_text_of", child, constant("INTEGER", size))
	case "JSON", "json":
		whole = r.macro("presto_to_json", child)
	case "BLOB":
		if !isText || !plainBytes.MatchString(text) {
			r.fail(n, "a cast to varbinary is not supported; use to_utf8(x) or from_hex(x)")
		}
	case "LIST", "MAP", "STRUCT":
		guarded = child
		if shape := jsonShape(syntax.Object(n, "cast_type")); strings.ContainsAny(shape, "v(") && !isNull(child) {
			guarded = r.macro("presto_json_fit", child, literal(shape))
		}
		if containsStruct(syntax.Object(n, "cast_type")) && syntax.Text(child, "function_name") != "row" {
			guarded = r.macro("presto_row", guarded)
		}
		if target := narrowing(syntax.Object(n, "cast_type")); target != "" {
			guarded = r.macro("presto_nested", guarded, literal(target))
		}
	case "TIME":
		guarded = r.macro("presto_clock", child)
	case "UUID", "INTERVAL":
	default:
		r.fail(n, "a cast to %s is not supported", target)
	}
	try := n["try_cast"] == true
	switch {
	case guarded != nil:
		n["child"] = guarded
	case whole != nil:
		become(n, whole)
	}
	if try && (guarded != nil || whole != nil) {
		delete(n, "try_cast")
		become(n, node{"class": "OPERATOR", "type": "OPERATOR_TRY", "children": []any{copied(n)}})
	}
}

// castMarked casts a value with a mark; done says that n has become it.
func (r *rewriter) castMarked(n, child node, target string) (done bool) {
	if text, ok := constantText(child); ok && target == "TIMESTAMP WITH TIME ZONE" && !plainTime.MatchString(text) {
		if wall, at, ok := zonedText(text); ok {
			r.literalZone(n, []node{literal(wall), literal(at)})
			return true
		}
	}
	if at := zoneOf(child); at != nil {
		switch target {
		case "DATE", "TIMESTAMP", "TIMESTAMP_MS", "TIME":
			n["child"] = r.wall(child)
		case "VARCHAR", "ARRAY":
			if target == "ARRAY" {
				r.fail(n, "a cast of a timestamp with a time zone other than UTC to a text of some length is not supported; cast it to varchar")
				return true
			}
			if _, char := charLength(n); !char {
				n["child"] = r.macro("presto_zoned_text", r.wall(child), copied(at))
				return false
			}
			fallthrough
		default:
			if target != "TIMESTAMP WITH TIME ZONE" {
				r.fail(n, "a cast of a timestamp with a time zone other than UTC to %s is not supported", strings.ToLower(target))
				return true
			}
			m := markOf(child)
			become(n, child)
			r.keep(n, m)
			return true
		}
	}
	if m := markOf(child); m != nil && m.char > 0 && target != "VARCHAR" && target != "ARRAY" {
		r.fail(n, "a cast of char(n) to %s is not supported; cast it to varchar first", strings.ToLower(target))
		return true
	}
	return false
}

// castRow casts what ROW(…) has one by one.
func (r *rewriter) castRow(n, child node) bool {
	fields := syntax.List(syntax.Object(syntax.Object(n, "cast_type"), "type_info"), "child_types")
	args := arguments(child)
	if syntax.Text(syntax.Object(n, "cast_type"), "id") != "STRUCT" || syntax.Text(child, "function_name") != "row" || len(args) != len(fields) {
		return false
	}
	for i, a := range args {
		field, _ := fields[i].(node)
		c := node{"class": "CAST", "type": "OPERATOR_CAST", "child": a, "cast_type": field["second"], "try_cast": n["try_cast"] == true}
		r.visit(c)
		c["alias"] = field["first"]
		args[i] = c
	}
	become(n, call("struct_pack", args...))
	return true
}

// narrowing is a type within t to which DuckDB casts doubles otherwise than Presto.
func narrowing(t node) string {
	switch id := syntax.Text(t, "id"); id {
	case "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "VARCHAR", "DECIMAL":
		return strings.ToLower(id)
	}
	found := ""
	syntax.Children(t, func(c node) {
		if s := narrowing(c); s != "" {
			found = s
		}
	})
	return found
}

// containsStruct reports whether a type has a row in it; a map is a list of
// structs to DuckDB.
func containsStruct(t node) bool {
	id, info := syntax.Text(t, "id"), syntax.Object(t, "type_info")
	switch id {
	case "STRUCT":
		return true
	case "LIST":
		return containsStruct(syntax.Object(info, "child_type"))
	case "MAP":
		for _, f := range syntax.List(syntax.Object(syntax.Object(info, "child_type"), "type_info"), "child_types") {
			if f, ok := f.(node); ok && containsStruct(syntax.Object(f, "second")) {
				return true
			}
		}
	}
	return false
}

// jsonShape says where varchar is in a type, as function json_fit reads it.
func jsonShape(t node) string {
	info := syntax.Object(t, "type_info")
	switch syntax.Text(t, "id") {
	case "VARCHAR":
		return "v"
	case "LIST":
		return "[" + jsonShape(syntax.Object(info, "child_type"))
	case "MAP":
		fields := syntax.List(syntax.Object(syntax.Object(info, "child_type"), "type_info"), "child_types")
		if len(fields) == 2 {
			value, _ := fields[1].(node)
			return "{" + jsonShape(syntax.Object(value, "second"))
		}
	case "STRUCT":
		var b strings.Builder
		b.WriteByte('(')
		for _, f := range syntax.List(info, "child_types") {
			field, _ := f.(node)
			b.WriteString(strconv.Quote(syntax.Text(field, "first")) + jsonShape(syntax.Object(field, "second")))
		}
		return b.String() + ")"
	}
	return "-"
}
