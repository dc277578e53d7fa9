package presto

import (
	"strings"

	"sluice/query/syntax"
)

// specials are the functions that need more than another name.
var specials map[string]func(r *rewriter, n node)

func init() {
	specials = map[string]func(r *rewriter, n node){
		"concat": concat, "greatest": extreme, "least": extreme, "cardinality": cardinality,
		"sum": sum, "avg": avg, "e": func(r *rewriter, n node) { r.become(n, 0, call("exp", integer(1))) },
		"nan":             func(r *rewriter, n node) { r.become(n, 0, cast(literal("NaN"), "DOUBLE")) },
		"infinity":        func(r *rewriter, n node) { r.become(n, 0, cast(literal("Infinity"), "DOUBLE")) },
		"timezone_hour":   func(r *rewriter, n node) { r.becomeZero(n) },
		"timezone_minute": func(r *rewriter, n node) { r.becomeZero(n) },
		"at_timezone":     func(r *rewriter, n node) { r.fail(n, "at_timezone takes a timestamp and a zone") },
		"with_timezone":   func(r *rewriter, n node) { r.fail(n, "with_timezone takes a timestamp and a zone") },
		"date": func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				become(n, cast(r.macro("presto_to_date", a[0]), "DATE"))
			}
		},
		"geometric_mean": func(r *rewriter, n node) {
			a := arguments(n)
			if len(a) != 1 {
				r.fail(n, "geometric_mean takes 1 argument, not %d", len(a))
				return
			}
			single := kindOf(a[0]).isDecimal() || nameOf(kindOf(a[0])) == "real"
			become(n, call("exp", aggregate(n, "avg", r.macro("presto_mean_log", a[0]))))
			if single {
				become(n, cast(n, "FLOAT"))
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
				var same []node
				for _, m := range a { // of the type that they have in common
					same = append(same, node{"class": "OPERATOR", "type": "OPERATOR_COALESCE", "children": append([]any{copied(m)}, anyOf(a)...)})
				}
				become(n, unlessNull(a, call("map_concat", same...)))
			}
		},
		"checksum": func(r *rewriter, n node) {
			if a := arguments(n); len(a) != 1 {
				r.fail(n, "checksum takes 1 argument, not %d", len(a))
			} else if n["distinct"] == true {
				r.fail(n, "checksum takes no DISTINCT here")
			} else {
				become(n, r.macro("presto_checksum", aggregate(n, "sum", r.macro("presto_checksum_of", a[0]))))
			}
		},
		"zip": func(r *rewriter, n node) {
			if a := r.args(n, 2, 5); a != nil {
				become(n, unlessNull(a, call("list_zip", a...)))
			}
		},
		"find_first": func(r *rewriter, n node) {
			if a := r.args(n, 2, 2); a != nil {
				become(n, r.macro("presto_first_of", call("list_filter", a...)))
			}
		},
		"map_zip_with": mapZipWith, "multimap_agg": mapAgg,
		"map_union":     func(r *rewriter, n node) { r.collected(n, "presto_union_of") },
		"map_union_sum": func(r *rewriter, n node) { r.collected(n, "presto_sum_of") },
		"set_agg":       func(r *rewriter, n node) { r.collected(n, "presto_distinct") },
		"set_union":     func(r *rewriter, n node) { r.collected(n, "presto_set_union") },
		"skewness": func(r *rewriter, n node) {
			if len(arguments(n)) != 1 {
				r.fail(n, "skewness takes 1 argument, not %d", len(arguments(n)))
				return
			}
			become(n, r.macro("presto_skewness", aggregate(n, "count"), aggregate(n, "skewness")))
		},
		"kurtosis":         func(r *rewriter, n node) { n["function_name"] = "kurtosis" },
		"listagg":          listAgg,
		"current_timezone": func(r *rewriter, n node) { r.become(n, 0, literal("UTC")) },
		"map_agg":          mapAgg, "approx_percentile": percentile,
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
		"json_extract":        func(r *rewriter, n node) { r.jsonAt(n, "presto_json_extract") },
		"json_extract_scalar": func(r *rewriter, n node) { r.jsonAt(n, "presto_json_scalar") },
		"json_size":           func(r *rewriter, n node) { r.jsonPath(n, "presto_json_size") },
		"date_trunc":          dateTrunc, "date_add": dateAdd, "date_part": datePart,
		"date_format":     func(r *rewriter, n node) { r.format(n, "strftime", mysqlPattern) },
		"format_datetime": func(r *rewriter, n node) { r.format(n, "strftime", jodaPattern) },
		"date_parse":      func(r *rewriter, n node) { r.format(n, "strptime", mysqlPattern) },
		"parse_datetime":  func(r *rewriter, n node) { r.format(n, "strptime", jodaPattern) },
		"format":          javaFormat,
		"array_join": func(r *rewriter, n node) {
			a := r.args(n, 2, 3)
			if a == nil {
				return
			}
			name := "presto_join"
			if len(a) == 3 {
				name = "presto_join_nulls"
			}
			if _, constant := constantText(a[1]); !constant {
				name += "_any"
			}
			become(n, r.macro(name, a...))
		},
		"nullif": func(r *rewriter, n node) {
			a := r.args(n, 2, 2)
			if a == nil {
				return
			}
			same := node{"class": "COMPARISON", "type": "COMPARE_EQUAL", "left": copied(a[0]), "right": a[1]}
			if !r.compareNested(same) {
				become(n, call("nullif", a...))
				return
			}
			become(n, node{"class": "CASE", "type": "CASE_EXPR", "case_checks": []any{node{"when_expr": same, "then_expr": null()}}, "else_expr": a[0]})
		},
		"typeof": func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				exactDecimals(a[0])
				become(n, r.macro("presto_typeof", a[0]))
			}
		},
		"sequence": func(r *rewriter, n node) {
			a := r.args(n, 2, 3)
			switch {
			case a == nil:
			case len(a) == 2:
				for i := range a { // whole numbers give bigint
					if wholeDigits[nameOf(kindOf(a[i]))] > 0 {
						a[i] = cast(a[i], "BIGINT")
					}
				}
				become(n, r.macro("presto_sequence", a...))
			default:
				if interval, _ := intervalOf(a[2]); interval {
					become(n, r.macro("presto_sequence_interval", a...))
					return
				}
				become(n, r.macro("presto_sequence_step", a...))
			}
		},
		"from_unixtime": func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				become(n, r.fromUnixtime(a[0]))
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
				become(n, r.macro(r.replacing(a), a...))
			}
		},
		"array_sort": func(r *rewriter, n node) {
			if a := r.args(n, 1, 2); len(a) == 2 {
				r.sortBy(n, a)
			} else if a != nil {
				become(n, r.macro("presto_sorted", a[0]))
			}
		},
	}
	for _, name := range []string{"day", "hour"} {
		specials[name] = func(r *rewriter, n node) {
			a := r.args(n, 1, 1)
			if a == nil {
				return
			}
			interval, _ := intervalOf(a[0])
			if interval || class(a[0]) == "COLUMN_REF" || a[0]["is_operator"] == true { // it may be one
				become(n, r.macro("presto_part_"+name, a[0]))
				return
			}
			become(n, call(name, a[0]))
		}
	}
	for _, name := range []string{"sin", "cos", "tan"} { // infinity: NaN in Presto, an error in DuckDB
		specials[name] = func(r *rewriter, n node) {
			if a := r.args(n, 1, 1); a != nil {
				become(n, r.macro("presto_"+name, a[0]))
			}
		}
	}
	for name, arity := range map[string]int{"corr": 2, "regr_slope": 2, "regr_intercept": 2} { // NULL where DuckDB has NaN
		specials[name] = func(r *rewriter, n node) {
			single := singles(n)
			if r.around(n, "presto_not_nan", arity); single {
				become(n, cast(n, "FLOAT"))
			}
		}
	}
	for _, name := range []string{"covar_pop", "covar_samp"} {
		specials[name] = func(r *rewriter, n node) {
			if len(arguments(n)) != 2 {
				r.fail(n, "%s takes 2 arguments, not %d", name, len(arguments(n)))
			} else if singles(n) {
				become(n, cast(n, "FLOAT"))
			}
		}
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
			t := kindOf(a[0])
			become(n, r.macro("presto_round", a...))
			if wholeDigits[nameOf(t)] > 0 {
				become(n, cast(n, strings.ToUpper(t.name)))
			}
		}
	}
}

// args are the arguments of a call that is no aggregate, nil if their number is
// wrong.
func (r *rewriter) args(n node, least, most int) []node {
	name := syntax.Text(n, "function_name")
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

// becomeZero is the offset of a timestamp in UTC.
func (r *rewriter) becomeZero(n node) {
	if a := r.args(n, 1, 1); a != nil {
		become(n, r.macro("presto_utc_offset", a[0]))
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
	t := alike(a)
	defer func() { is(n, t) }()
	become(n, r.macro(map[string]string{"greatest": "presto_array_max", "least": "presto_array_min"}[syntax.Text(n, "function_name")], call("list_value", a...)))
}

func cardinality(r *rewriter, n node) {
	a := r.args(n, 1, 1)
	if a == nil {
		return
	}
	if name := syntax.Text(a[0], "function_name"); name == "map_keys" || name == "map_values" || strings.HasPrefix(name, "list_") && name != "list_extract" || name == "map_entries" {
		become(n, call("len", a[0]))
		return
	}
	switch nameOf(kindOf(a[0])) {
	case "array":
		become(n, call("len", a[0]))
	case "map":
		become(n, call("len", call("map_keys", a[0])))
	default:
		become(n, r.choose(a[0], "len(x)", "len(map_keys(x))"))
	}
}

// exactDecimals casts decimals that are written out, alone or within arrays and rows, to
// their type: DuckDB takes the zero of 0.1 for a digit.
func exactDecimals(n node) {
	t := kindOf(n)
	switch {
	case class(n) == "CONSTANT" && t.isDecimal():
		become(n, toDecimal(n, t))
	case syntax.Text(n, "type") == "ARRAY_CONSTRUCTOR" || syntax.Text(n, "function_name") == "row" || syntax.Text(n, "function_name") == "list_value":
		for _, a := range arguments(n) {
			exactDecimals(a)
		}
	}
}
