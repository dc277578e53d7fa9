package presto

import (
	"fmt"
	"math"
	"strconv"

	"sluice/query/syntax"
)

// aggregate is n as a call of another aggregate over the same rows.
func aggregate(n node, name string, args ...node) node {
	out := copied(n)
	delete(out, "alias")
	out["function_name"] = name
	if len(args) > 0 {
		out["children"] = []any{args[0]}
	}
	return out
}

// around puts a macro around an aggregate.
func (r *rewriter) around(n node, macro string, arity int) {
	if len(arguments(n)) != arity {
		r.fail(n, "%s takes %s, not %d", syntax.Text(n, "function_name"), counts([]form{{min: arity, max: arity}}), len(arguments(n)))
		return
	}
	become(n, r.macro(macro, aggregate(n, syntax.Text(n, "function_name"))))
}

// asTheyAre reports whether an aggregate's argument is known to be a whole number or a
// double. Then sum and avg are DuckDB's: what the macros decide by its type, with other
// aggregates for examples, is known here, and would be computed for every row.
func asTheyAre(n node) bool {
	t := kindOf(arguments(n)[0])
	return wholeDigits[nameOf(t)] > 0 || nameOf(t) == "double"
}

// sum of whole numbers is a HUGEINT, which the executor returns as the bigint
// that it is in Presto; of reals it is a real.
func sum(r *rewriter, n node) {
	if len(arguments(n)) != 1 {
		r.fail(n, "sum takes 1 argument, not %d", len(arguments(n)))
		return
	}
	if asTheyAre(n) {
		return
	}
	become(n, r.macro("presto_sum", aggregate(n, "sum"), aggregate(n, "max")))
}

func avg(r *rewriter, n node) {
	if len(arguments(n)) != 1 {
		r.fail(n, "avg takes 1 argument, not %d", len(arguments(n)))
		return
	}
	if asTheyAre(n) {
		return
	}
	become(n, r.macro("presto_avg", aggregate(n, "avg"), aggregate(n, "sum"), aggregate(n, "count"), aggregate(n, "max")))
}

// mapAgg collects pairs of which the first of each key stays.
func mapAgg(r *rewriter, n node) {
	a := arguments(n)
	if len(a) != 2 {
		r.fail(n, "%s takes 2 arguments, not %d", syntax.Text(n, "function_name"), len(a))
		return
	}
	if n["distinct"] == true {
		r.fail(n, "%s takes no DISTINCT here", syntax.Text(n, "function_name"))
		return
	}
	filter := "filter"
	if class(n) == "WINDOW" {
		filter = "filter_expr"
	}
	key, value := copied(a[0]), copied(a[1])
	key["alias"], value["alias"] = "k", "v"
	l := aggregate(n, "array_agg", call("struct_pack", key, value))
	present := node{"class": "OPERATOR", "type": "OPERATOR_IS_NOT_NULL", "children": []any{copied(a[0])}}
	if f := syntax.Object(l, filter); f != nil {
		present = node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": []any{f, present}}
	}
	l[filter] = present
	if syntax.Text(n, "function_name") == "multimap_agg" {
		become(n, r.macro("presto_map_of_all", l))
		return
	}
	become(n, r.macro("presto_map_of", l))
}

// percentile takes of n values in order the one with floor(p * n) before it, as
// Presto does where its digest is exact. DuckDB's approx_quantile would give values
// that are not among them, and its quantile_disc takes the one with ceil(p * n) - 1
// before it: which is the same for a p that is a little more.
func percentile(r *rewriter, n node) {
	r.fitting(n)
	a := arguments(n)
	var weight node
	switch {
	case len(a) == 4 || len(a) == 3 && !percentages(a[1]):
		weight, a = a[1], []node{a[0], a[2]} // without the accuracy, which the exact value has
	case len(a) == 3:
		a = a[:2]
	}
	if len(a) != 2 {
		r.fail(n, "approx_percentile takes a column, weights if there are any, a percentage or an array of them, and an accuracy")
		return
	}
	ps := []node{a[1]}
	array := isArray(a[1])
	if array {
		ps = arguments(a[1])
	}
	little := 1e-12
	if weight != nil {
		little = 0
	}
	for i, p := range ps {
		v, ok := numberOf(p)
		if !ok || v < 0 || v > 1 {
			r.fail(n, "the percentage of approx_percentile must be a number from 0 to 1, such as 0.5, or an array of such")
			return
		}
		ps[i] = cast(literal(strconv.FormatFloat(min(v+little, 1), 'g', -1, 64)), "DOUBLE")
	}
	if weight != nil {
		r.weighted(n, a[0], weight, ps, array)
		return
	}
	p := ps[0]
	if array {
		p = list(ps)
	}
	n["children"] = []any{a[0], p}
	n["function_name"] = "quantile_disc"
}

func list(values []node) node {
	l := call("list_value", values...)
	l["schema"] = "main"
	return l
}

func isArray(n node) bool {
	return syntax.Text(n, "function_name") == "list_value" || syntax.Text(n, "type") == "ARRAY_CONSTRUCTOR"
}

// percentages reports whether an argument is a percentage or an array of them: a weight
// that is written out is a whole number.
func percentages(n node) bool {
	v, ok := numberOf(n)
	return isArray(n) || ok && v <= 1 && !whole(n)
}

// weighted counts each value as often as its weight says.
func (r *rewriter) weighted(n, value, weight node, ps []node, array bool) {
	if n["distinct"] == true || class(n) == "WINDOW" {
		r.fail(n, "approx_percentile with weights takes no DISTINCT and no OVER here")
		return
	}
	x, w := copied(value), r.macro("presto_weight", copied(weight))
	x["alias"], w["alias"] = "x", "w"
	l := aggregate(n, "array_agg", call("struct_pack", x, w))
	for _, of := range []node{value, weight} {
		present := node{"class": "OPERATOR", "type": "OPERATOR_IS_NOT_NULL", "children": []any{copied(of)}}
		if f := syntax.Object(l, "filter"); f != nil {
			present = node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": []any{f, present}}
		}
		l["filter"] = present
	}
	for i, p := range ps {
		ps[i] = r.macro("presto_weighted", copied(l), p)
	}
	if array {
		become(n, list(ps))
		return
	}
	become(n, ps[0])
}

// numberOf is the value of a constant number, which may be a cast's.
func numberOf(n node) (float64, bool) {
	text, ok := "", false
	switch class(n) {
	case "CAST":
		text, ok = constantText(syntax.Object(n, "child"))
	case "CONSTANT":
		v := syntax.Object(n, "value")
		f, err := strconv.ParseFloat(fmt.Sprint(v["value"]), 64)
		if syntax.Text(syntax.Object(v, "type"), "id") == "DECIMAL" {
			scale, _ := strconv.Atoi(fmt.Sprint(syntax.Object(syntax.Object(v, "type"), "type_info")["scale"]))
			f /= math.Pow10(scale)
		}
		return f, err == nil && isNumber(n)
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, ok && err == nil
}

// countIf counts the rows of which the condition holds, 0 where there are none.
func countIf(r *rewriter, n node) {
	a := arguments(n)
	if len(a) != 1 {
		r.fail(n, "count_if takes 1 argument, not %d", len(a))
		return
	}
	n["function_name"] = "count"
	n["children"] = []any{call("nullif", a[0], truth(false))}
}

// extremes is max_by(x, y, n): the x of the n highest y, those that are NULL too.
func extremes(order, single string) func(r *rewriter, n node) {
	return func(r *rewriter, n node) {
		a := arguments(n)
		if len(a) == 2 {
			n["function_name"] = single
			return
		}
		if len(a) != 3 || class(n) == "WINDOW" || n["distinct"] == true || !isNumber(a[2]) {
			r.fail(n, "%s takes a value, what to compare, and a constant number, without DISTINCT and OVER", syntax.Text(n, "function_name"))
			return
		}
		l := aggregate(n, "array_agg", a[0])
		present := node{"class": "OPERATOR", "type": "OPERATOR_IS_NOT_NULL", "children": []any{copied(a[1])}}
		if f := syntax.Object(l, "filter"); f != nil {
			present = node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": []any{f, present}}
		}
		l["filter"] = present
		l["order_bys"] = node{"type": "ORDER_MODIFIER", "orders": []any{node{"type": order, "null_order": "ORDER_DEFAULT", "expression": copied(a[1])}}}
		become(n, call("list_slice", l, integer(1), a[2]))
	}
}

// listAgg is LISTAGG(x, ',') WITHIN GROUP (ORDER BY y), whose order Front moved into
// the brackets.
func listAgg(r *rewriter, n node) {
	a := arguments(n)
	if len(a) < 1 || len(a) > 2 || class(n) == "WINDOW" || len(syntax.List(syntax.Object(n, "order_bys"), "orders")) == 0 {
		r.fail(n, "listagg takes a text and what stands in between, and WITHIN GROUP, as in listagg(name, ', ') WITHIN GROUP (ORDER BY name)")
		return
	}
	if len(a) == 1 {
		a = append(a, literal(""))
	}
	if _, ok := constantText(a[1]); !ok {
		r.fail(n, "what stands in between in listagg must be a text in quotes")
		return
	}
	n["function_name"], n["children"] = "string_agg", []any{a[0], a[1]}
}

// collected is a macro over the list of an aggregate's values.
func (r *rewriter) collected(n node, macro string) {
	a := arguments(n)
	if len(a) != 1 || class(n) == "WINDOW" {
		r.fail(n, "%s takes 1 argument and no OVER", syntax.Text(n, "function_name"))
		return
	}
	become(n, r.macro(macro, aggregate(n, "array_agg")))
}
