package presto

import (
	"strconv"
	"strings"

	"sluice/query/syntax"
)

// tableFunction rewrites UNNEST in FROM as a subquery that unnests in its SELECT
// list, where several lists go side by side and the shorter are filled with NULL.
func (r *rewriter) tableFunction(n node) {
	f := syntax.Object(n, "function")
	if name := strings.ToLower(syntax.Text(f, "function_name")); name != "unnest" {
		r.fail(n, "the table function %s is not Presto's; FROM takes UNNEST(sequence(1, 10)) AS t(x)%s", name, duckHint)
		return
	}
	syntax.Children(f, r.visit)
	if r.err != nil {
		return
	}
	var names []string
	for _, c := range syntax.List(n, "column_name_alias") {
		s, _ := c.(string)
		names = append(names, s)
	}
	args := arguments(f)
	if len(names) == 0 {
		names = unnamed(args)
		if n["with_ordinality"] != nil && names != nil {
			names = append(names, "ordinality")
		}
	}
	ordinal := ""
	if n["with_ordinality"] != nil && len(names) > 0 {
		ordinal, names = names[len(names)-1], names[:len(names)-1]
	}
	var items []any
	add := func(e node, name string) {
		e["alias"] = name
		items = append(items, e)
	}
	var lists []node
	switch {
	case len(names) == 0:
		r.fail(n, "UNNEST needs names for its columns, as in UNNEST(a) AS t(x), with WITH ORDINALITY one more")
		return
	case len(names) == len(args):
		for i, a := range args {
			l := r.macro("presto_elements", a)
			lists = append(lists, l)
			add(call("unnest", copied(l)), names[i])
		}
	case len(args) == 1:
		// A map or an array of rows.
		l := r.choose(args[0], "map_entries(x)", "x")
		lists = append(lists, l)
		for i, name := range names {
			add(call("struct_extract_at", call("unnest", copied(l)), integer(i+1)), name)
		}
	default:
		r.fail(n, "UNNEST has %d arguments and %d columns: maps and arrays of rows must be unnested one at a time", len(args), len(names))
		return
	}
	if ordinal != "" {
		lengths := make([]node, len(lists))
		for i, l := range lists {
			lengths[i] = call("len", copied(l))
		}
		add(call("unnest", call("range", integer(1), operate("+", integer(1), call("greatest", lengths...)))), ordinal)
	}
	alias, at := n["alias"], n["query_location"]
	sample := n["sample"]
	clear(n)
	n["type"] = "SUBQUERY"
	n["subquery"] = node{"node": node{"type": "SELECT_NODE", "cte_map": node{}, "select_list": items,
		"from_table": node{"type": "EMPTY"}, "aggregate_handling": "STANDARD_HANDLING"}}
	for key, value := range map[string]any{"alias": alias, "query_location": at, "sample": sample} {
		if value != nil {
			n[key] = value
		}
	}
}

// unnamed are names for what UNNEST gives without an alias, where it is known to be
// elements of arrays, or the keys and values of one map.
func unnamed(args []node) []string {
	if len(args) == 1 && nameOf(kindOf(args[0])) == "map" {
		return []string{"key", "value"}
	}
	var names []string
	for i, a := range args {
		if nameOf(kindOf(a)) != "array" {
			return nil
		}
		names = append(names, "_col"+strconv.Itoa(i))
	}
	return names
}
