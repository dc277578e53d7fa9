package presto

import (
	"slices"
	"strings"

	"sluice/query/syntax"
)

// Arrays, maps and rows are compared by DuckDB as if NULL were a value, and maps with
// their entries in an order. Presto's answer is NULL where NULL within leaves it open,
// and its maps have no order. So where an expression is known to be one of them (of a
// table's column it is, and of what casts, constructors and functions make), what
// compares it is rewritten.

var (
	arrays = &valueType{name: "array"}
	mapped = &valueType{name: "map"}
	rows   = &valueType{name: "row"}
)

func (t *valueType) nested() bool {
	return t != nil && (t.name == "array" || t.name == "map" || t.name == "row")
}

// nestedKind is the kind of a type by its name, as Presto or Hive writes it.
func nestedKind(name string) *valueType {
	switch name {
	case "array":
		return arrays
	case "map":
		return mapped
	case "row", "struct":
		return rows
	}
	return nil
}

// compareNested rewrites a comparison of what is known to be nested; it reports
// whether it is one.
func (r *rewriter) compareNested(n node) bool {
	left, right := syntax.Object(n, "left"), syntax.Object(n, "right")
	a, b := kindOf(left), kindOf(right)
	if !a.nested() && !b.nested() || isNull(left) || isNull(right) {
		return false
	}
	mapOrRow := nameOf(a) != "array" || nameOf(b) != "array"
	switch syntax.Text(n, "type") {
	case "COMPARE_EQUAL":
		become(n, r.macro("presto_nested_equal", left, right))
	case "COMPARE_NOTEQUAL":
		become(n, not(r.macro("presto_nested_equal", left, right)))
	case "COMPARE_DISTINCT_FROM":
		if mapOrRow {
			become(n, not(r.macro("presto_nested_same", left, right)))
		}
	case "COMPARE_NOT_DISTINCT_FROM":
		if mapOrRow {
			become(n, r.macro("presto_nested_same", left, right))
		}
	default:
		if nameOf(a) == "map" || nameOf(b) == "map" {
			r.fail(n, "maps have no order; only = and <> compare them")
			return true
		}
		n["left"], n["right"] = r.macro("presto_comparable", left), r.macro("presto_comparable", right)
	}
	return true
}

func not(n node) node {
	return node{"class": "OPERATOR", "type": "OPERATOR_NOT", "children": []any{n}}
}

// inNested is x IN (a, b) of what is nested, one comparison for each.
func (r *rewriter) inNested(n node, args []node) bool {
	if !slices.ContainsFunc(args, func(a node) bool { return kindOf(a).nested() }) {
		return false
	}
	var any []any
	for _, a := range args[1:] {
		c := node{"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": copied(args[0]), "right": a}
		r.compare(c)
		any = append(any, c)
	}
	found := node{"class": "CONJUNCTION", "type": "CONJUNCTION_OR", "children": any}
	if len(any) == 1 {
		found, _ = any[0].(node)
	}
	if syntax.Text(n, "type") == "COMPARE_NOT_IN" {
		found = not(found)
	}
	become(n, found)
	return true
}

// orderMaps gives the maps by which a SELECT groups, or of which it takes each once, an
// order that is the same for equal ones.
func (r *rewriter) orderMaps(n node) {
	items := arguments(node{"children": n["select_list"]})
	groups := arguments(node{"children": n["group_expressions"]})
	done := make(map[string]bool)
	for _, g := range groups {
		if i, ok := numberOf(g); ok && int(i) >= 1 && int(i) <= len(items) {
			r.orderMap(items[int(i)-1])
			continue
		}
		if nameOf(kindOf(g)) == "map" {
			done[bare(g)] = true
		}
	}
	distinct := slices.ContainsFunc(syntax.List(n, "modifiers"), func(m any) bool {
		o, _ := m.(node)
		return strings.HasPrefix(syntax.Text(o, "type"), "DISTINCT")
	})
	for _, item := range items {
		if distinct && class(item) == "STAR" {
			var out outputs
			r.star(item, &out)
			r.noMaps(item, out, "DISTINCT *")
		}
		if distinct || done[bare(item)] {
			r.orderMap(item)
		}
	}
	for _, g := range groups {
		r.orderMap(g)
	}
}

// orderMap gives what is known to be a map an order. It keeps its name.
func (r *rewriter) orderMap(e node) {
	if nameOf(kindOf(e)) != "map" || syntax.Text(e, "function_name") == "presto_ordered_map" {
		return
	}
	value := copied(e)
	delete(value, "alias")
	if names := syntax.List(e, "column_names"); syntax.Text(e, "alias") == "" && len(names) > 0 {
		e["alias"] = names[len(names)-1]
	}
	become(e, r.macro("presto_ordered_map", value))
	is(e, mapped)
}

// noMaps refuses what would take maps that are equal for two.
func (r *rewriter) noMaps(n node, out outputs, what string) {
	for _, c := range out.columns {
		if nameOf(c.kind) == "map" {
			r.fail(n, "%s with the map %s among the columns is not supported; cast it to json, as in CAST(%s AS json)", what, c.name, c.name)
			return
		}
	}
}

// bare is an expression's text, without its name and its place.
func bare(n node) string {
	n = copied(n)
	delete(n, "alias")
	return string(plain(n))
}
