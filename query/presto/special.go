package presto

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// specials are the functions that need more than another name.
var specials map[string]func(r *rewriter, n node)

func init() {
	specials = map[string]func(r *rewriter, n node){
		"concat": concat, "greatest": extreme, "least": extreme, "cardinality": cardinality,
		"sum": sum, "avg": avg, "e": func(r *rewriter, n node) { r.become(n, 0, call("exp", integer(1))) },
		"nan":           func(r *rewriter, n node) { r.become(n, 0, cast(literal("NaN"), "DOUBLE")) },
		"infinity":      func(r *rewriter, n node) { r.become(n, 0, cast(literal("Infinity"), "DOUBLE")) },
		"at_timezone":   func(r *rewriter, n node) { r.fail(n, "at_timezone takes a timestamp and a zone") },
		"with_timezone": func(r *rewriter, n node) { r.fail(n, "with_timezone takes a timestamp and a zone") },
		"date": func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				become(n, cast(r.macro("presto_day", a[0]), "DATE"))
			}
		},
		"histogram": func(r *rewriter, n node) { r.around(n, "presto_counts", 1) },
		"approx_distinct": func(r *rewriter, n node) {
			a := arguments(n)
			if len(a) < 1 || len(a) > 2 {
				r.fail(n, "approx_distinct takes 1 to 2 arguments, not %d", len(a))
				return
			}
			n["children"] = []any{a[0]} // DuckDB's error is fixed, at 2 % or so
			n["function_name"] = "approx_count_distinct"
		},
		"count_if": countIf, "max_by": extremes("DESCENDING", "arg_max_null"), "min_by": extremes("ASCENDING", "arg_min_null"),
		"concat_ws": func(r *rewriter, n node) {
			if a := r.args(n, 2, -1); a != nil {
				for i := 1; i < len(a); i++ {
					a[i] = r.macro("presto_no_list", a[i])
				}
				become(n, call("concat_ws", a...))
			}
		},
		"map_concat": func(r *rewriter, n node) {
			if a := r.args(n, 2, -1); a != nil {
				become(n, unlessNull(a, call("map_concat", a...)))
			}
		},
		"map_agg": mapAgg, "approx_percentile": percentile,
		"any_match":  func(r *rewriter, n node) { r.match(n, "presto_any") },
		"all_match":  func(r *rewriter, n node) { r.match(n, "presto_all") },
		"none_match": func(r *rewriter, n node) { r.match(n, "presto_none") },
		"reduce":     reduce, "zip_with": zipWith,
		"any_keys_match":      func(r *rewriter, n node) { r.matchHalf(n, "map_keys", "presto_any") },
		"all_keys_match":      func(r *rewriter, n node) { r.matchHalf(n, "map_keys", "presto_all") },
		"no_keys_match":       func(r *rewriter, n node) { r.matchHalf(n, "map_keys", "presto_none") },
		"any_values_match":    func(r *rewriter, n node) { r.matchHalf(n, "map_values", "presto_any") },
		"no_values_match":     func(r *rewriter, n node) { r.matchHalf(n, "map_values", "presto_none") },
		"map_filter":          func(r *rewriter, n node) { r.overEntries(n, "map_filter") },
		"transform_values":    func(r *rewriter, n node) { r.overEntries(n, "transform_values") },
		"transform_keys":      func(r *rewriter, n node) { r.overEntries(n, "transform_keys") },
		"json_extract":        func(r *rewriter, n node) { r.jsonPath(n, "json_extract") },
		"json_extract_scalar": func(r *rewriter, n node) { r.jsonPath(n, "presto_json_scalar") },
		"json_size":           func(r *rewriter, n node) { r.jsonPath(n, "presto_json_size") },
		"date_trunc":          dateTrunc, "date_add": dateAdd, "date_part": datePart,
		"date_format":     func(r *rewriter, n node) { r.format(n, "strftime", mysqlPattern) },
		"format_datetime": func(r *rewriter, n node) { r.format(n, "strftime", jodaPattern) },
		"date_parse":      func(r *rewriter, n node) { r.format(n, "strptime", mysqlPattern) },
		"parse_datetime":  func(r *rewriter, n node) { r.format(n, "strptime", jodaPattern) },
		"format":          javaFormat,
		"sequence": func(r *rewriter, n node) {
			a := r.args(n, 2, 3)
			switch {
			case a == nil:
			case len(a) == 2:
				become(n, r.macro("presto_sequence", a...))
			default:
				if interval, _ := intervalOf(a[2]); interval {
					become(n, r.macro("presto_sequence_interval", a...))
					return
				}
				become(n, r.macro("presto_sequence_step", a...))
			}
		},
		"replace": func(r *rewriter, n node) {
			if a := r.args(n, 2, 3); len(a) == 2 {
				become(n, r.macro("presto_replace", a[0], a[1], literal("")))
			} else if a != nil {
				become(n, r.macro("presto_replace", a...))
			}
		},
		"regexp_replace": func(r *rewriter, n node) {
			if a := r.args(n, 2, 3); len(a) == 2 {
				become(n, r.macro("presto_regexp_replace", a[0], a[1], literal("")))
			} else if a != nil {
				if class(a[2]) == "LAMBDA" {
					r.replaceByLambda(n, a)
					return
				}
				become(n, r.macro("presto_regexp_replace", a...))
			}
		},
		"array_sort": func(r *rewriter, n node) {
			if a := r.args(n, 1, 2); len(a) == 2 {
				r.fail(n, "array_sort with a lambda is not supported")
			} else if a != nil {
				become(n, r.macro("presto_sorted", a[0]))
			}
		},
	}
	for _, name := range []string{"sin", "cos", "tan"} { // infinity: NaN in Presto, an error in DuckDB
		specials[name] = func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				become(n, r.macro("presto_"+name, a[0]))
			}
		}
	}
	for name, arity := range map[string]int{"corr": 2, "regr_slope": 2, "regr_intercept": 2} { // NULL where DuckDB has NaN
		specials[name] = func(r *rewriter, n node) { r.around(n, "presto_not_nan", arity) }
	}
	for _, name := range []string{"ceil", "ceiling", "floor"} {
		specials[name] = func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				become(n, r.macro("presto_whole", call(name, a[0]), a[0]))
			}
		}
	}
	specials["round"] = func(r *rewriter, n node) {
		if a := r.args(n, 1, 2); len(a) == 1 {
			become(n, call("round", a[0]))
		} else if a != nil {
			become(n, r.macro("presto_round", a...))
		}
	}
}

// args are the arguments of a call that is no aggregate, nil if their number is
// wrong.
func (r *rewriter) args(n node, least, most int) []node {
	name := textOf(n, "function_name")
	r.scalarOnly(n, name)
	a := arguments(n)
	if len(a) < least || most >= 0 && len(a) > most {
		r.fail(n, "%s takes %s, not %d", name, counts([]form{{min: least, max: most}}), len(a))
	}
	if r.err != nil {
		return nil
	}
	if a == nil {
		a = []node{}
	}
	return a
}

func (r *rewriter) become(n node, arity int, other node) {
	if r.args(n, arity, arity) != nil {
		become(n, other)
	}
}

func concat(r *rewriter, n node) {
	a := r.args(n, 1, -1)
	if a == nil {
		return
	}
	out := a[0]
	for _, b := range a[1:] {
		out = operate("||", out, b)
	}
	become(n, out)
}

// extreme is greatest and least, which are NULL where one argument is.
func extreme(r *rewriter, n node) {
	a := r.args(n, 1, -1)
	if a == nil {
		return
	}
	become(n, r.macro(map[string]string{"greatest": "presto_array_max", "least": "presto_array_min"}[textOf(n, "function_name")], call("list_value", a...)))
}

func cardinality(r *rewriter, n node) {
	a := r.args(n, 1, 1)
	if a == nil {
		return
	}
	if name := textOf(a[0], "function_name"); name == "map_keys" || name == "map_values" || strings.HasPrefix(name, "list_") || name == "map_entries" {
		become(n, call("len", a[0]))
		return
	}
	become(n, r.choose(a[0], "len(x)", "len(map_keys(x))"))
}

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
		r.fail(n, "%s takes %s, not %d", textOf(n, "function_name"), counts([]form{{min: arity, max: arity}}), len(arguments(n)))
		return
	}
	become(n, r.macro(macro, aggregate(n, textOf(n, "function_name"))))
}

// sum of whole numbers is a HUGEINT, which the executor returns as the bigint
// that it is in Presto; of reals it is a real.
func sum(r *rewriter, n node) {
	if len(arguments(n)) != 1 {
		r.fail(n, "sum takes 1 argument, not %d", len(arguments(n)))
		return
	}
	become(n, r.macro("presto_sum", aggregate(n, "sum"), aggregate(n, "max")))
}

func avg(r *rewriter, n node) {
	if len(arguments(n)) != 1 {
		r.fail(n, "avg takes 1 argument, not %d", len(arguments(n)))
		return
	}
	become(n, r.macro("presto_avg", aggregate(n, "avg"), aggregate(n, "sum"), aggregate(n, "count"), aggregate(n, "max")))
}

// mapAgg collects pairs of which the first of each key stays.
func mapAgg(r *rewriter, n node) {
	a := arguments(n)
	if len(a) != 2 {
		r.fail(n, "map_agg takes 2 arguments, not %d", len(a))
		return
	}
	if n["distinct"] == true || class(n) == "WINDOW" {
		r.fail(n, "map_agg takes no DISTINCT and no OVER here")
		return
	}
	key, value := copied(a[0]), copied(a[1])
	key["alias"], value["alias"] = "k", "v"
	l := aggregate(n, "array_agg", call("struct_pack", key, value))
	present := node{"class": "OPERATOR", "type": "OPERATOR_IS_NOT_NULL", "children": []any{copied(a[0])}}
	if f := object(l, "filter"); f != nil {
		present = node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": []any{f, present}}
	}
	l["filter"] = present
	become(n, r.macro("presto_map_of", l))
}

// percentile takes of n values in order the one with floor(p * n) before it, as
// Presto does where its digest is exact. DuckDB's approx_quantile would give values
// that are not among them, and its quantile_disc takes the one with ceil(p * n) - 1
// before it: which is the same for a p that is a little more.
func percentile(r *rewriter, n node) {
	a := arguments(n)
	if len(a) == 3 && isNumber(a[1]) && isNumber(a[2]) && !whole(a[1]) {
		a = a[:2] // with an accuracy, which the exact value has
	}
	if len(a) != 2 {
		r.fail(n, "approx_percentile takes a column and a percentage here, or an array of them, and an accuracy; weights are not supported")
		return
	}
	ps := []node{a[1]}
	array := textOf(a[1], "function_name") == "list_value" || textOf(a[1], "type") == "ARRAY_CONSTRUCTOR"
	if array {
		ps = arguments(a[1])
	}
	for i, p := range ps {
		v, ok := numberOf(p)
		if !ok || v < 0 || v > 1 {
			r.fail(n, "the percentage of approx_percentile must be a number from 0 to 1, such as 0.5, or an array of such")
			return
		}
		ps[i] = cast(literal(strconv.FormatFloat(min(v+1e-12, 1), 'g', -1, 64)), "DOUBLE")
	}
	p := ps[0]
	if array {
		p = call("list_value", ps...)
		p["schema"] = "main"
	}
	n["children"] = []any{a[0], p}
	n["function_name"] = "quantile_disc"
}

// numberOf is the value of a constant number, which may be a cast's.
func numberOf(n node) (float64, bool) {
	text, ok := "", false
	switch class(n) {
	case "CAST":
		text, ok = constantText(object(n, "child"))
	case "CONSTANT":
		v := object(n, "value")
		f, err := strconv.ParseFloat(fmt.Sprint(v["value"]), 64)
		if textOf(object(v, "type"), "id") == "DECIMAL" {
			scale, _ := strconv.Atoi(fmt.Sprint(object(object(v, "type"), "type_info")["scale"]))
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
			r.fail(n, "%s takes a value, what to compare, and a constant number, without DISTINCT and OVER", textOf(n, "function_name"))
			return
		}
		l := aggregate(n, "array_agg", a[0])
		present := node{"class": "OPERATOR", "type": "OPERATOR_IS_NOT_NULL", "children": []any{copied(a[1])}}
		if f := object(l, "filter"); f != nil {
			present = node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": []any{f, present}}
		}
		l["filter"] = present
		l["order_bys"] = node{"type": "ORDER_MODIFIER", "orders": []any{node{"type": order, "null_order": "ORDER_DEFAULT", "expression": copied(a[1])}}}
		become(n, call("list_slice", l, integer(1), a[2]))
	}
}

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
	lhs := object(n, "lhs")
	for _, p := range append(arguments(lhs), lhs) {
		if class(p) == "COLUMN_REF" {
			if parts := list(p, "column_names"); len(parts) == 1 {
				s, _ := parts[0].(string)
				names = append(names, s)
			}
		}
	}
	if class(n) != "LAMBDA" || len(names) != want {
		r.fail(of, "%s takes a lambda of %d parameters here", textOf(of, "function_name"), want)
		return nil, nil
	}
	return names, object(n, "expr")
}

func lambda(parameter string, expr node) node {
	return node{"class": "LAMBDA", "type": "LAMBDA", "lhs": column(parameter), "expr": expr}
}

// bind puts expressions in the place of a lambda's parameters.
func bind(expr node, values map[string]func() node) {
	if class(expr) == "COLUMN_REF" {
		parts := list(expr, "column_names")
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
		lhs := object(expr, "lhs")
		for _, p := range append(arguments(lhs), lhs) {
			for _, part := range list(p, "column_names") {
				for name := range inner {
					if s, _ := part.(string); strings.EqualFold(s, name) {
						delete(inner, name)
					}
				}
			}
		}
		bind(object(expr, "expr"), inner)
		return
	}
	each(expr, func(c node) { bind(c, values) })
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
	pack := func(state, element node) node {
		state["alias"], element["alias"] = "s", "x"
		return call("struct_pack", state, element)
	}
	half := func(of string, i int) func() node {
		return func() node { return call("struct_extract_at", column(of), integer(i)) }
	}
	null := node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": "NULL"}, "is_null": true}}
	typed := func(of node) node { // NULL, of the type of an expression
		return node{"class": "CASE", "type": "CASE_EXPR", "case_checks": []any{node{"when_expr": truth(false), "then_expr": of}}, "else_expr": null}
	}
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
		"else_expr":   node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": "NULL"}, "is_null": true}}}
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
	become(n, call("list_transform", call("list_zip", a[0], a[1]), lambda(entry, out)))
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

// jsonPath rewrites a call with a path, which must be a constant.
func (r *rewriter) jsonPath(n node, to string) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	name := textOf(n, "function_name")
	path, ok := constantText(a[1])
	if !ok {
		r.fail(n, "the path of %s must be a text, as in %s(x, '$.a[0]')", name, name)
		return
	}
	duck, ok := duckPath(path)
	if !ok {
		r.fail(a[1], "the JSON path %s is not supported; there are $, .name, [\"name\"] and [0]", path)
		return
	}
	if strings.HasPrefix(to, prefix) {
		become(n, r.macro(to, a[0], literal(duck)))
		return
	}
	become(n, call(to, r.macro("presto_json", a[0]), literal(duck)))
}

// duckPath is a path of Presto's in DuckDB's spelling.
func duckPath(path string) (string, bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(path), "$")
	if !ok {
		return "", false
	}
	out := "$"
	name := func(s string) bool {
		out += `."` + s + `"`
		return s != "" && !strings.ContainsAny(s, `"\*()?@`)
	}
	for rest != "" {
		switch {
		case rest[0] == '.':
			end := strings.IndexAny(rest[1:], ".[")
			if end < 0 {
				end = len(rest) - 1
			}
			if !name(rest[1 : 1+end]) {
				return "", false
			}
			rest = rest[1+end:]
		case len(rest) > 2 && rest[0] == '[' && (rest[1] == '"' || rest[1] == '\''):
			end := strings.Index(rest[2:], rest[1:2]+"]")
			if end < 0 || !name(rest[2:2+end]) {
				return "", false
			}
			rest = rest[2+end+2:]
		case rest[0] == '[':
			end := strings.IndexByte(rest, ']')
			if end < 2 || strings.Trim(rest[1:end], "0123456789") != "" {
				return "", false
			}
			if _, err := strconv.ParseInt(rest[1:end], 10, 32); err != nil {
				return "", false
			}
			out += rest[:end+1]
			rest = rest[end+1:]
		default:
			return "", false
		}
	}
	return out, true
}

var units = []string{"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}

// unit is the constant first argument of a function of time.
func (r *rewriter) unit(n, arg node) (string, bool) {
	u, ok := constantText(arg)
	if u = strings.ToLower(u); !ok || !slices.Contains(units, u) {
		r.fail(n, "the first argument of %s must be one of %s", textOf(n, "function_name"), strings.Join(units, ", "))
		return "", false
	}
	return u, true
}

func dateTrunc(r *rewriter, n node) {
	if a := r.args(n, 2, 2); a != nil {
		if _, ok := r.unit(n, a[0]); ok {
			become(n, r.macro("presto_date_trunc", a...))
		}
	}
}

// dateAdd is date_add('day', 1, x).
func dateAdd(r *rewriter, n node) {
	a := r.args(n, 3, 3)
	if a == nil {
		return
	}
	u, ok := r.unit(n, a[0])
	if !ok {
		return
	}
	days := slices.Index(units, u) >= slices.Index(units, "day")
	to := "BIGINT"
	if days {
		to = "INTEGER"
	}
	become(n, r.macro("presto_date_plus", a[2], call("to_"+u+"s", cast(a[1], to)), truth(days)))
}

// datePart is EXTRACT(field FROM x).
func datePart(r *rewriter, n node) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	fields := map[string]string{"year": "year", "quarter": "quarter", "month": "month", "week": "week", "day": "day",
		"dow": "isodow", "doy": "dayofyear", "isoyear": "isoyear", "hour": "hour", "minute": "minute", "second": "second"}
	u, _ := constantText(a[0])
	to, ok := fields[strings.ToLower(u)]
	if !ok {
		r.fail(n, "EXTRACT takes year, quarter, month, week, day, day_of_week, day_of_year, year_of_week, hour, minute or second, not %s", u)
		return
	}
	if to == "day" || to == "hour" {
		become(n, r.macro("presto_part_"+to, a[1]))
		return
	}
	become(n, call(to, a[1]))
}
