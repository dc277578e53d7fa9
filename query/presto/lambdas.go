package presto

import (
	"maps"
	"regexp"
	"strings"

	"sluice/query/syntax"
)

// match is any_match and its kin: a macro over the list of the lambda's answers.
func (r *rewriter) match(n node, macro string) {
	if a := r.args(n, 2, 2); a != nil {
		become(n, r.macro(macro, call("list_transform", a...)))
	}
}

// matchHalf is the same over a map's keys or values.
func (r *rewriter) matchHalf(n node, half, macro string) {
	if a := r.args(n, 2, 2); a != nil {
		become(n, r.macro(macro, call("list_transform", call(half, a[0]), a[1])))
	}
}

// lambdaOf are a lambda's parameters and its expression.
func (r *rewriter) lambdaOf(n, of node, want int) ([]string, node) {
	var names []string
	lhs := syntax.Object(n, "lhs")
	for _, p := range append(arguments(lhs), lhs) {
		if class(p) == "COLUMN_REF" {
			if parts := syntax.List(p, "column_names"); len(parts) == 1 {
				s, _ := parts[0].(string)
				names = append(names, s)
			}
		}
	}
	if class(n) != "LAMBDA" || len(names) != want {
		r.fail(of, "%s takes a lambda of %d parameters here", syntax.Text(of, "function_name"), want)
		return nil, nil
	}
	return names, syntax.Object(n, "expr")
}

func lambda(parameter string, expr node) node {
	return node{"class": "LAMBDA", "type": "LAMBDA", "lhs": column(parameter), "expr": expr}
}

// bind puts expressions in the place of a lambda's parameters.
func bind(expr node, values map[string]func() node) {
	if class(expr) == "COLUMN_REF" {
		parts := syntax.List(expr, "column_names")
		first, _ := parts[0].(string)
		for name, value := range values {
			if strings.EqualFold(name, first) {
				v := value()
				for _, field := range parts[1:] {
					f, _ := field.(string)
					v = call("struct_extract", v, literal(f))
				}
				become(expr, v)
				return
			}
		}
		return
	}
	if class(expr) == "LAMBDA" {
		inner := maps.Clone(values)
		lhs := syntax.Object(expr, "lhs")
		for _, p := range append(arguments(lhs), lhs) {
			for _, part := range syntax.List(p, "column_names") {
				for name := range inner {
					if s, _ := part.(string); strings.EqualFold(s, name) {
						delete(inner, name)
					}
				}
			}
		}
		bind(syntax.Object(expr, "expr"), inner)
		return
	}
	syntax.Children(expr, func(c node) { bind(c, values) })
}

// reduce is a fold and a function of what it gives. DuckDB's state has the type of
// the elements; so the elements become pairs of a state and an element, of which
// one half each is used.
func reduce(r *rewriter, n node) {
	a := r.args(n, 4, 4)
	if a == nil {
		return
	}
	step, body := r.lambdaOf(a[2], n, 2)
	names, out := r.lambdaOf(a[3], n, 1)
	if out == nil || body == nil {
		return
	}
	if t := commonKind(kindOf(a[1]), kindOf(body)); t.isDecimal() && !t.fits(a[1]) {
		a[1] = toDecimal(a[1], t)
	}
	pack := func(state, element node) node {
		state["alias"], element["alias"] = "s", "x"
		return call("struct_pack", state, element)
	}
	half := func(of string, i int) func() node {
		return func() node { return call("struct_extract_at", column(of), integer(i)) }
	}
	typed := func(of node) node { // NULL, of the type of an expression
		return node{"class": "CASE", "type": "CASE_EXPR", "case_checks": []any{node{"when_expr": truth(false), "then_expr": of}}, "else_expr": null()}
	}
	// The state has a type for what it begins with and for what a step gives.
	given := copied(body)
	bind(given, map[string]func() node{step[0]: func() node { return copied(a[1]) }, step[1]: func() node { return call("list_extract", copied(a[0]), integer(1)) }})
	a[1] = node{"class": "CASE", "type": "CASE_EXPR", "case_checks": []any{node{"when_expr": truth(true), "then_expr": a[1]}}, "else_expr": given}
	bind(body, map[string]func() node{step[0]: half("presto_s", 1), step[1]: half("presto_x", 2)})
	pairs := call("list_transform", a[0], lambda(entry, pack(typed(copied(a[1])), column(entry))))
	first := call("struct_pack", aliased(copied(a[1]), "s"), aliased(typed(call("list_extract", copied(a[0]), integer(1))), "x"))
	fold := node{"class": "LAMBDA", "type": "LAMBDA", "lhs": call("row", column("presto_s"), column("presto_x")), "expr": pack(body, half("presto_x", 2)())}
	become(n, let(names[0], call("struct_extract_at", call("list_reduce", pairs, fold, first), integer(1)), out))
}

func aliased(n node, name string) node { n["alias"] = name; return n }

// replaceByLambda is regexp_replace(s, p, x -> f(x)), where x has the groups: what is
// between the matches, with what the lambda makes of each in between.
func (r *rewriter) replaceByLambda(n node, a []node) {
	p, ok := constantText(a[1])
	re, err := regexp.Compile(p)
	if !ok || err != nil || re.MatchString("") {
		r.fail(n, "regexp_replace with a lambda takes a constant pattern here, which does not match the empty text")
		return
	}
	names, out := r.lambdaOf(a[2], n, 1)
	if out == nil {
		return
	}
	const index = "presto_i"
	groups := make([]node, re.NumSubexp())
	for g := range groups {
		groups[g] = call("list_extract", call("regexp_extract_all", copied(a[0]), copied(a[1]), integer(g+1)), column(index))
	}
	bind(out, map[string]func() node{names[0]: func() node {
		l := call("list_value", groups...)
		l["schema"] = "main"
		return copied(l)
	}})
	become(n, r.macro("presto_interleave", call("string_split_regex", copied(a[0]), copied(a[1])),
		call("list_transform", call("range", integer(1), operate("+", integer(1), call("len", call("regexp_extract_all", copied(a[0]), copied(a[1]))))), lambda(index, cast(out, "VARCHAR")))))
}

// unlessNull is NULL where an argument is.
func unlessNull(args []node, value node) node {
	var nulls []any
	for _, a := range args {
		nulls = append(nulls, node{"class": "OPERATOR", "type": "OPERATOR_IS_NOT_NULL", "children": []any{copied(a)}})
	}
	return node{"class": "CASE", "type": "CASE_EXPR",
		"case_checks": []any{node{"when_expr": node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": nulls}, "then_expr": value}},
		"else_expr":   null()}
}

const entry = "presto_e"

func zipWith(r *rewriter, n node) {
	a := r.args(n, 3, 3)
	if a == nil {
		return
	}
	names, out := r.lambdaOf(a[2], n, 2)
	if out == nil {
		return
	}
	field := func(i int) func() node {
		return func() node { return call("struct_extract_at", column(entry), integer(i)) }
	}
	bind(out, map[string]func() node{names[0]: field(1), names[1]: field(2)})
	become(n, unlessNull(a[:2], call("list_transform", call("list_zip", a[0], a[1]), lambda(entry, out))))
}

// overEntries is a function over a map's keys and values.
func (r *rewriter) overEntries(n node, name string) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	names, out := r.lambdaOf(a[1], n, 2)
	if out == nil {
		return
	}
	field := func(i int) func() node {
		return func() node { return call("struct_extract_at", column(entry), integer(i)) }
	}
	bind(out, map[string]func() node{names[0]: field(1), names[1]: field(2)})
	entries := call("map_entries", a[0])
	pair := func(k, v node) node {
		k["alias"], v["alias"] = "k", "v"
		return call("struct_pack", k, v)
	}
	switch name {
	case "map_filter":
		become(n, call("map_from_entries", call("list_filter", entries, lambda(entry, out))))
	case "transform_values":
		become(n, call("map_from_entries", call("list_transform", entries, lambda(entry, pair(field(1)(), out)))))
	default:
		become(n, call("map_from_entries", call("list_transform", entries, lambda(entry, pair(out, field(2)())))))
	}
}

// sortBy is array_sort with a comparison: the place of an element is how many come
// before it, which takes as many comparisons as there are pairs. Where no order of the
// elements agrees with all of them, Presto's answer depends on which it makes, and
// there is an error here.
func (r *rewriter) sortBy(n node, a []node) {
	names, body := r.lambdaOf(a[1], n, 2)
	if body == nil {
		return
	}
	const list, i, j = "presto_l", "presto_i", "presto_j"
	at := func(of string) func() node {
		return func() node {
			return call("list_extract", column(list), call(of, column(i), column(j)))
		}
	}
	later, earlier := body, copied(body)
	bind(later, map[string]func() node{names[0]: at("greatest"), names[1]: at("least")})
	bind(earlier, map[string]func() node{names[0]: at("least"), names[1]: at("greatest")})
	// From 32 elements on Presto's sort compares both ways round.
	large := node{"class": "COMPARISON", "type": "COMPARE_GREATERTHANOREQUALTO", "left": call("len", column(list)), "right": integer(32)}
	both := node{"class": "CASE", "type": "CASE_EXPR", "case_checks": []any{node{"when_expr": large, "then_expr": r.macro("presto_consistent", copied(later), earlier)}}, "else_expr": later}
	all := func() node { return call("range", integer(1), operate("+", integer(1), call("len", column(list)))) }
	before := call("list_filter", all(), lambda(j, r.macro("presto_before", both, column(j), column(i))))
	ranks := call("list_transform", all(), lambda(i, call("row", call("len", before), column(i))))
	sorted := call("list_transform", r.macro("presto_ranked", ranks), lambda(entry, call("list_extract", column(list), call("struct_extract_at", column(entry), integer(2)))))
	become(n, let(list, r.macro("presto_sortable", a[0]), sorted))
}

// mapZipWith is map_zip_with(m, n, (k, v, w) -> …): NULL is the value of a key that
// one of them has not.
func mapZipWith(r *rewriter, n node) {
	a := r.args(n, 3, 3)
	if a == nil {
		return
	}
	names, out := r.lambdaOf(a[2], n, 3)
	if out == nil {
		return
	}
	const key, left, right = "presto_k", "presto_m", "presto_n"
	value := func(of string) func() node {
		return func() node { return call("list_extract", call("map_extract", column(of), column(key)), integer(1)) }
	}
	bind(out, map[string]func() node{names[0]: func() node { return column(key) }, names[1]: value(left), names[2]: value(right)})
	k, v := column(key), out
	k["alias"], v["alias"] = "k", "v"
	keys := call("list_sort", r.macro("presto_union", call("map_keys", column(left)), call("map_keys", column(right))))
	become(n, unlessNull(a[:2], let(left, copied(a[0]), let(right, copied(a[1]), call("map_from_entries", call("list_transform", keys, lambda(key, call("struct_pack", k, v))))))))
}
