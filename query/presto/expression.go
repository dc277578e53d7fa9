package presto

import (
	"strconv"

	"sluice/query/syntax"
)

// unknownHere are words that DuckDB answers as for itself.
var unknownHere = map[any]bool{"current_user": true, "session_user": true, "current_catalog": true, "current_schema": true, "current_role": true, "current_path": true}

// compare rewrites a comparison. Of rows it is one of their fields.
func (r *rewriter) compare(n node) {
	left, right := syntax.Object(n, "left"), syntax.Object(n, "right")
	kind := syntax.Text(n, "type")
	a, b := arguments(left), arguments(right)
	rows := syntax.Text(left, "function_name") == "row" && syntax.Text(right, "function_name") == "row" && len(a) == len(b)
	switch {
	case rows && (kind == "COMPARE_EQUAL" || kind == "COMPARE_NOTEQUAL"):
		var parts []any
		for i := range a {
			part := node{"class": "COMPARISON", "type": kind, "left": a[i], "right": b[i]}
			r.compare(part)
			parts = append(parts, part)
		}
		with := "CONJUNCTION_AND"
		if kind == "COMPARE_NOTEQUAL" {
			with = "CONJUNCTION_OR"
		}
		if len(parts) == 1 {
			become(n, parts[0].(node))
			return
		}
		become(n, node{"class": "CONJUNCTION", "type": with, "children": parts})
	default:
		r.compareNested(n)
	}
}

// lambda rewrites a lambda, whose parameters are what they are within it.
func (r *rewriter) lambda(n node) {
	var rel relation
	lhs := syntax.Object(n, "lhs")
	for _, p := range append(arguments(lhs), lhs) {
		if names := syntax.List(p, "column_names"); class(p) == "COLUMN_REF" && len(names) == 1 {
			name, _ := names[0].(string)
			rel.columns = append(rel.columns, output{name: name})
		}
	}
	r.scope = &scope{parent: r.scope, relations: []relation{rel}}
	r.below(n)
	r.scope = r.scope.parent
}

// branches are the values of a CASE.
func branches(n node) []node {
	var out []node
	for _, c := range syntax.List(n, "case_checks") {
		if c, ok := c.(node); ok {
			out = append(out, syntax.Object(c, "then_expr"))
		}
	}
	if e := syntax.Object(n, "else_expr"); e != nil {
		out = append(out, e)
	}
	return out
}

// subquery rewrites one that is a value, or the right side of IN.
func (r *rewriter) subquery(n node) {
	r.rest(n, "subquery")
	out := r.query(syntax.Object(syntax.Object(n, "subquery"), "node"))
	if syntax.Text(n, "subquery_type") == "SCALAR" && len(out.columns) == 1 {
		r.keep(n, out.columns[0].mark)
		is(n, out.columns[0].kind)
	}
}

// nameColumns gives columns without a name Presto's: _col0, _col1, …
func nameColumns(n node) {
	for i, c := range syntax.List(n, "select_list") {
		item, ok := c.(node)
		if !ok || syntax.Text(item, "alias") != "" {
			continue
		}
		switch class(item) {
		case "FUNCTION", "WINDOW", "CAST", "CONSTANT", "CASE", "COMPARISON", "CONJUNCTION", "SUBQUERY", "BETWEEN":
		case "OPERATOR":
			if t := syntax.Text(item, "type"); t == "STRUCT_EXTRACT" || t == "OPERATOR_UNPACK" {
				continue
			}
		default:
			continue
		}
		item["alias"] = "_col" + strconv.Itoa(i)
	}
}
