package presto

import (
	"strconv"
	"strings"

	"sluice/query/syntax"
)

// arithmetic is a use of + - * / or % on numbers of which one is a decimal, with the
// type that Presto gives it. It reports whether it is one.
func (r *rewriter) arithmetic(n node, name string, args []node) bool {
	ta, tb := kindOf(args[0]), kindOf(args[1])
	for i, other := range []*valueType{tb, ta} {
		// DuckDB takes a number that is written out for as few digits as it has.
		if n := wholeDigits[nameOf(other)]; n > 0 && n < wholeDigits["integer"] && whole(args[i]) {
			become(args[i], cast(args[i], strings.ToUpper(kindOf(args[i]).name)))
		}
	}
	if !ta.isDecimal() && !tb.isDecimal() {
		return false
	}
	a, b := ta.asDecimal(), tb.asDecimal()
	if a == nil || b == nil {
		return false
	}
	scale := max(a.scale, b.scale)
	switch name {
	case "+", "-":
		t := decimal(max(a.precision-a.scale, b.precision-b.scale)+scale+1, scale)
		wide := t.precision > narrowest && max(a.precision, b.precision) <= narrowest
		r.computed(n, name, t, sides(args, a, b, t, wide))
	case "*":
		if a.scale+b.scale > mostDigits {
			r.fail(n, "%s * %s has %d digits behind its point, and a decimal has at most %d; cast one of them to fewer", a, b, a.scale+b.scale, mostDigits)
			return true
		}
		t := decimal(a.precision+b.precision, a.scale+b.scale)
		wide := t.precision > narrowest && max(a.precision, b.precision) <= narrowest
		r.computed(n, name, t, sides(args, a, b, decimal(narrowest+1, a.scale), wide))
	case "/":
		t := decimal(a.precision+b.scale+max(b.scale-a.scale, 0), scale)
		r.quotient(n, t, a.as(args[0]), b.as(args[1]))
	case "%":
		t := decimal(min(a.precision-a.scale, b.precision-b.scale)+scale, scale)
		become(n, toDecimal(r.macro("presto_decimal_mod", a.as(args[0]), b.as(args[1])), t))
	}
	return true
}

// narrowest is how many digits DuckDB computes with where both sides have no more.
const narrowest = 18

func (t *valueType) String() string {
	if t.name != "decimal" {
		return t.name
	}
	return "decimal(" + strconv.Itoa(t.precision) + "," + strconv.Itoa(t.scale) + ")"
}

// sides are two numbers as decimals. Where DuckDB would compute with too few digits
// one of them is made wider.
func sides(args []node, a, b, wider *valueType, wide bool) [2]node {
	if !wide {
		return [2]node{a.as(args[0]), b.as(args[1])}
	}
	return [2]node{toDecimal(args[0], wider), b.as(args[1])}
}

// computed makes n an operation whose answer has the type t.
func (r *rewriter) computed(n node, name string, t *valueType, sides [2]node) {
	a, b := kindOf(sides[0]), kindOf(sides[1])
	native := a.precision + b.precision
	if name != "*" {
		native = max(a.precision-a.scale, b.precision-b.scale) + max(a.scale, b.scale) + 1
	}
	if native > narrowest && max(a.precision, b.precision) <= narrowest {
		native = narrowest
	}
	out := operate(name, sides[0], sides[1])
	if min(native, mostDigits) != t.precision {
		out = toDecimal(out, t)
	}
	is(out, t)
	become(n, out)
}

// quotient is a division of decimals, rounded half away from zero. Where the digits
// suffice it is one of whole numbers.
func (r *rewriter) quotient(n node, t *valueType, x, y node) {
	a, b := kindOf(x), kindOf(y)
	more := t.scale - a.scale + b.scale
	if a.precision+a.scale+more > mostDigits || b.precision+b.scale > mostDigits {
		become(n, toDecimal(r.macro("presto_wide_divide", x, y, integer(t.scale)), t))
		return
	}
	q := r.macro("presto_ratio", r.unscaled(x, a, more), r.unscaled(y, b, 0))
	become(n, r.scaled(q, t))
}

// unscaled is the whole number that a decimal is without its point, with zeros more
// behind it.
func (r *rewriter) unscaled(x node, t *valueType, zeros int) node {
	shift := t.scale + zeros
	if shift == 0 {
		return cast(x, "HUGEINT")
	}
	by := decimal(shift+1, 0)
	return cast(operate("*", toDecimal(x, decimal(mostDigits, t.scale)), toDecimal(literal("1"+strings.Repeat("0", shift)), by)), "HUGEINT")
}

// scaled is a whole number with the point of a decimal in it.
func (r *rewriter) scaled(q node, t *valueType) node {
	whole := toDecimal(q, decimal(mostDigits, 0))
	if t.scale == 0 {
		return toDecimal(q, t)
	}
	least := toDecimal(literal("0."+strings.Repeat("0", t.scale-1)+"1"), decimal(t.scale, t.scale))
	return toDecimal(operate("*", whole, least), t)
}

// ofDecimal is a call of a function of one decimal, or of one and a number of places.
func (r *rewriter) ofDecimal(n node, name string, args []node) bool {
	if name == "mod" && len(args) == 2 {
		return r.arithmetic(n, "%", args)
	}
	if len(args) == 0 || len(args) > 2 || !kindOf(args[0]).isDecimal() || class(n) != "FUNCTION" {
		return false
	}
	t := kindOf(args[0])
	x := t.as(args[0])
	switch {
	case len(args) == 1 && (name == "round" || name == "ceil" || name == "ceiling" || name == "floor"):
		become(n, toDecimal(call(name, x), decimal(t.precision-t.scale+min(t.scale, 1), 0)))
	case len(args) == 1 && name == "truncate":
		become(n, toDecimal(call("trunc", x), decimal(t.precision-t.scale, 0)))
	case len(args) == 1 && name == "sign":
		become(n, toDecimal(call("sign", x), decimal(1, 0)))
	case len(args) == 2 && name == "round":
		out := decimal(t.precision+1, t.scale)
		if places, known := numberOf(args[1]); known && whole(args[1]) && t.precision-t.scale+int(places) > 0 {
			become(n, toDecimal(call("round", toDecimal(x, out), cast(args[1], "INTEGER")), out))
			return true
		}
		become(n, toDecimal(r.macro("presto_round_decimal", x, args[1], integer(t.scale), integer(t.precision-t.scale)), out))
	case len(args) == 2 && name == "truncate":
		become(n, toDecimal(r.macro("presto_truncate_decimal", x, args[1], integer(t.scale)), t))
	default:
		return false
	}
	return true
}

// aggregateOf is sum or avg of a decimal.
func (r *rewriter) aggregateOf(n node, name string) bool {
	args := arguments(n)
	if len(args) != 1 || !kindOf(args[0]).isDecimal() {
		return false
	}
	t := kindOf(args[0])
	total := aggregate(n, "sum", t.as(args[0]))
	out := decimal(mostDigits, t.scale)
	switch name {
	case "sum":
		if t.precision > narrowest { // DuckDB's sum has room for more digits than a decimal
			total = toDecimal(r.macro("presto_bounded", total), out)
		}
		is(total, out)
		become(n, total)
	case "avg":
		become(n, toDecimal(r.macro("presto_mean", total, aggregate(n, "count")), t))
	default:
		return false
	}
	return true
}

// sameKind are the functions whose value is of their first argument's type.
var sameKind = map[string]int{"abs": 1, "min": 1, "max": 1, "arbitrary": 1, "any_value": 1, "max_by": 2, "min_by": 2, "first_value": 1, "last_value": 1, "nth_value": 2, "lag": 2, "lead": 2, "nullif": 2}

// functionKinds are those of functions of any arguments.
var functionKinds = map[string]*valueType{}

func init() {
	for t, names := range map[*valueType]string{
		bigint:    "count count_star count_if approx_distinct cardinality length strpos strrpos position array_position regexp_count url_extract_port width_bucket to_milliseconds date_diff year quarter month week day hour minute second millisecond day_of_week dow day_of_month day_of_year doy week_of_year year_of_week yow json_array_length json_size row_number rank dense_rank ntile from_base levenshtein_distance hamming_distance bitwise_and bitwise_or bitwise_xor bit_count grouping",
		varbinary: "to_utf8 from_hex from_base64 from_base64url from_base32 md5 sha1 sha256 sha512 hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 xxhash64 to_big_endian_64 to_big_endian_32 to_ieee754_32 to_ieee754_64",
		double:    "sqrt cbrt ln log log2 log10 exp power pow e pi nan infinity random rand sin cos tan asin acos atan atan2 sinh cosh tanh degrees radians stddev stddev_pop stddev_samp variance var_pop var_samp skewness kurtosis percent_rank cume_dist to_unixtime",
		arrays:    "array_agg array_distinct array_sort array_sort_desc array_remove array_union array_intersect array_except slice transform filter flatten map_keys map_values map_entries sequence repeat zip zip_with split regexp_extract_all regexp_split remove_nulls ngrams array_duplicates array_top_n trim_array set_agg set_union",
		mapped:    "map map_agg multimap_agg map_concat map_filter transform_keys transform_values map_zip_with map_from_entries multimap_from_entries histogram map_union map_union_sum split_to_map split_to_multimap map_subset map_remove_null_values map_top_n array_frequency",
		rows:      "row",
	} {
		for name := range strings.FieldsSeq(names) {
			functionKinds[name] = t
		}
	}
}

// result is the type of a call whose arguments are rewritten; nil where it is not
// known.
func (r *rewriter) result(n node, name string) *valueType {
	args := arguments(n)
	var t *valueType
	if len(args) > 0 {
		t = kindOf(args[0])
	}
	if arity, ok := sameKind[name]; ok && len(args) > 0 && len(args) <= arity {
		return t
	}
	switch name {
	case "||", "concat", "substr", "substring", "reverse", "lpad", "rpad":
		if nameOf(t) == "varbinary" || nameOf(t) == "array" {
			return t
		}
		return nil
	case "+", "-", "*", "/", "%", "mod":
		if len(args) == 1 {
			return t
		}
		if len(args) == 2 {
			if c := commonKind(t, kindOf(args[1])); c != nil && !c.isDecimal() {
				return c
			}
		}
		return nil
	case "sum":
		if wholeDigits[nameOf(t)] > 0 {
			return bigint
		}
		if t.isDecimal() {
			return decimal(mostDigits, t.scale)
		}
		return t
	case "avg":
		if wholeDigits[nameOf(t)] > 0 {
			return double
		}
		return t
	case "round", "ceil", "ceiling", "floor", "sign":
		if t.isDecimal() {
			return nil
		}
		return t
	case "codepoint":
		return integer32
	case "random", "rand":
		if len(args) > 0 {
			return nil
		}
	}
	return functionKinds[name]
}

func nameOf(t *valueType) string {
	if t == nil {
		return ""
	}
	return t.name
}

// singles reports whether all arguments of an aggregate that is there for real and for
// double are numbers that Presto makes reals.
func singles(n node) bool {
	for _, a := range arguments(n) {
		if t := kindOf(a); t.asDecimal() == nil && nameOf(t) != "real" {
			return false
		}
	}
	return true
}

// fitting gives an aggregate that is there for bigint, double and real the one of them
// that Presto takes: of a decimal that is real.
func (r *rewriter) fitting(n node) {
	children := syntax.List(n, "children")
	if len(children) == 0 {
		return
	}
	x, _ := children[0].(node)
	switch t := kindOf(x); {
	case t.isDecimal():
		children[0] = cast(x, "FLOAT")
	case wholeDigits[nameOf(t)] > 0 && t.name != "bigint":
		children[0] = cast(x, "BIGINT")
	}
}
