package presto

import "regexp"

var (
	plainDate  = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}$`)
	plainTime  = regexp.MustCompile(`^\d{4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{1,2}(:\d{1,2}(\.\d{1,6})?)?(\+00)?)?$`)
	plainBytes = regexp.MustCompile(`^(\\x[0-9A-Fa-f]{2})*$`)
)

// cast rewrites a cast, and typed literals such as date '2026-01-31', which are
// casts too.
func (r *rewriter) cast(n node) {
	child, target := object(n, "child"), textOf(object(n, "cast_type"), "id")
	if target == "UNBOUND" {
		target = textOf(object(object(n, "cast_type"), "type_info"), "name")
	}
	if zoned(child) && (target == "DATE" || target == "TIMESTAMP" || target == "TIMESTAMP_MS" || target == "TIME") {
		child = r.wall(child)
		n["child"] = child
	}
	r.below(n)
	if r.err != nil {
		return
	}
	text, isText := constantText(child)
	var guarded, whole node
	switch target {
	case "BIGINT", "INTEGER", "SMALLINT", "TINYINT":
		if !isNumber(child) || textOf(object(object(child, "value"), "type"), "id") == "DOUBLE" {
			guarded = r.macro("presto_exact", child, literal(target))
		}
	case "DOUBLE", "FLOAT", "DECIMAL":
		if !isNumber(child) {
			guarded = r.macro("presto_number", child, literal(target))
		}
	case "BOOLEAN":
		if !isText {
			guarded = r.macro("presto_truth", child)
		}
	case "DATE":
		if !isText || !plainDate.MatchString(text) {
			guarded = r.macro("presto_day", child)
		}
	case "TIMESTAMP":
		if !isText || !plainTime.MatchString(text) {
			guarded = r.macro("presto_moment", child)
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
		size := object(object(n, "cast_type"), "type_info")["size"]
		whole = r.macro("presto_text_of", child, constant("INTEGER", size))
	case "JSON", "json":
		whole = call("to_json", child)
	case "BLOB":
		if !isText || !plainBytes.MatchString(text) {
			r.fail(n, "a cast to varbinary is not supported; use to_utf8(x) or from_hex(x)")
		}
	case "LIST", "MAP", "STRUCT":
		if containsStruct(object(n, "cast_type")) && textOf(child, "function_name") != "row" {
			guarded = r.macro("presto_row", child)
		}
	case "UUID", "TIME", "INTERVAL":
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

// containsStruct reports whether a type has a row in it; a map is a list of
// structs to DuckDB.
func containsStruct(t node) bool {
	id, info := textOf(t, "id"), object(t, "type_info")
	switch id {
	case "STRUCT":
		return true
	case "LIST":
		return containsStruct(object(info, "child_type"))
	case "MAP":
		for _, f := range list(object(object(info, "child_type"), "type_info"), "child_types") {
			if f, ok := f.(node); ok && containsStruct(object(f, "second")) {
				return true
			}
		}
	}
	return false
}
