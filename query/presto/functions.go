package presto

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice/query/spelling"
	"sluice/query/syntax"
)

// A form is a function with some numbers of arguments, and what it becomes.
type form struct {
	min, max int    // max -1: any number
	to       string // a macro, or a function of DuckDB's
}

// simple are the functions that become one call with the same arguments: name,
// number of arguments, and the target where it is not the same name. Those
// without a macro were compared with Presto's and are exact as they are.
const simple = `
abs 1 | cbrt 1 presto_cbrt | degrees 1 | radians 1 | exp 1 | atan 1 | atan2 2 | cosh 1 | sinh 1 | tanh 1 | pi 0
pow 2 | power 2 | truncate 1 trunc | truncate 2 presto_truncate | sign 1 presto_sign
ln 1 presto_ln | log 2 presto_log | log2 1 presto_log2 | log10 1 presto_log10 | sqrt 1 presto_sqrt | acos 1 presto_acos | asin 1 presto_asin
mod 2 presto_mod | is_nan 1 isnan | is_finite 1 isfinite | is_infinite 1 isinf | random 0 | rand 0 random | random 1 presto_random_below | rand 1 presto_random_below
to_base 2 presto_to_base | from_base 2 presto_from_base | bitwise_left_shift 2 presto_left_shift | bitwise_right_shift 2 presto_right_shift | bitwise_arithmetic_shift_right 2 presto_arithmetic_shift | bit_count 2 presto_bit_count
width_bucket 4 presto_width_bucket | width_bucket 2 presto_width_bins | bitwise_and 2 presto_and | bitwise_or 2 presto_or | bitwise_xor 2 presto_xor | bitwise_not 1 presto_not

length 1 | lower 1 | upper 1 presto_upper | reverse 1 | trim 1 presto_trim | trim 2 | ltrim 1 presto_ltrim | ltrim 2 | rtrim 1 presto_rtrim | rtrim 2
substr 2 presto_substr | substr 3 presto_substr_length | substring 2 presto_substr | substring 3 presto_substr_length
strpos 2 | strpos 3 presto_strpos | position 2 | lpad 3 presto_lpad | rpad 3 presto_rpad | chr 1 presto_chr | codepoint 1 presto_codepoint | translate 3 | starts_with 2 | ends_with 2 presto_ends_with | strrpos 2 presto_strrpos
split 2 presto_parts | split 3 presto_parts_most | split_part 3 presto_split_part | split_to_map 3 presto_split_to_map | split_to_multimap 3 presto_split_to_multimap
levenshtein_distance 2 presto_levenshtein | hamming_distance 2 presto_hamming | normalize 1 nfc_normalize | like_escape 3 | not_like_escape 3
to_utf8 1 encode | from_utf8 1 presto_from_utf8 | from_utf8 2 presto_from_utf8_with | to_hex 1 hex | from_hex 1 presto_from_hex | to_base64 1 base64 | from_base64 1 presto_from_base64 | to_base64url 1 presto_to_base64url | from_base64url 1 presto_from_base64url | to_base32 1 presto_to_base32 | from_base32 1 presto_from_base32
md5 1 presto_md5 | sha1 1 presto_sha1 | sha256 1 presto_sha256 | sha512 1 presto_sha512 | crc32 1 presto_crc32 | hmac_md5 2 presto_hmac_md5 | hmac_sha1 2 presto_hmac_sha1 | hmac_sha256 2 presto_hmac_sha256 | hmac_sha512 2 presto_hmac_sha512 | to_big_endian_32 1 presto_to_big_endian_32 | from_big_endian_32 1 presto_from_big_endian_32 | to_ieee754_32 1 presto_to_ieee754_32 | to_ieee754_64 1 presto_to_ieee754_64 | from_ieee754_32 1 presto_from_ieee754_32 | from_ieee754_64 1 presto_from_ieee754_64 | to_big_endian_64 1 presto_to_big_endian_64 | from_big_endian_64 1 presto_from_big_endian_64 | xxhash64 1 presto_xxhash64 | uuid 0

regexp_like 2 regexp_matches | regexp_extract 2 presto_regexp_extract | regexp_extract 3 presto_regexp_group | regexp_extract_all 2-3
regexp_split 2 presto_regexp_split | regexp_count 2 presto_regexp_count
url_extract_protocol 1 presto_url_protocol | url_extract_host 1 presto_url_host | url_extract_port 1 presto_url_port
url_extract_path 1 presto_url_path | url_extract_query 1 presto_url_query | url_extract_fragment 1 presto_url_fragment
url_extract_parameter 2 presto_url_parameter | url_encode 1 presto_url_encode | url_decode 1 presto_url_decode

json_parse 1 presto_json_parse | json_format 1 presto_json_format | json_array_length 1 presto_json_array_length
is_json_scalar 1 presto_json_scalar_is | json_array_contains 2 presto_json_contains | json_array_get 2 presto_json_array_get

element_at 2 presto_element | contains 2 presto_contains | array_position 2 presto_position | array_position 3 presto_position_of | ngrams 2 presto_ngrams | array_frequency 1 presto_frequency | array_duplicates 1 presto_duplicates | trim_array 2 presto_trim_array | array_top_n 2 presto_top_n | array_distinct 1 presto_distinct
array_sort_desc 1 presto_sorted_down | array_max 1 presto_array_max | array_min 1 presto_array_min
combinations 2 presto_combinations | shuffle 1 presto_shuffle | array_remove 2 presto_remove | array_union 2 presto_union
array_intersect 2 presto_intersect | array_except 2 presto_except | arrays_overlap 2 presto_overlap | flatten 1 | array_sum 1 presto_array_sum | array_average 1 presto_array_average | array_has_duplicates 1 presto_has_duplicates
remove_nulls 1 presto_remove_nulls | map_subset 2 presto_subset | map_remove_null_values 1 presto_remove_null_values | slice 3 presto_slice
repeat 2 presto_repeat | filter 2 list_filter | transform 2 list_transform
map 0 | map 2 presto_map | map_from_entries 1 | map_keys 1 | map_values 1 | map_entries 1 | map_top_n 2 presto_top_entries | multimap_from_entries 1 presto_multimap |  map_concat 2- | row 1-

count_star 0 | count 0-1 | min 1-2 | max 1-2 | bool_and 1 | bool_or 1 | every 1 bool_and | array_agg 1
arbitrary 1 any_value | any_value 1 | max_by 2 arg_max_null | min_by 2 arg_min_null | 
stddev 1 | stddev_samp 1 | stddev_pop 1 | variance 1 | var_samp 1 | var_pop 1
bitwise_and_agg 1 bit_and | bitwise_or_agg 1 bit_or | bitwise_xor_agg 1 bit_xor
row_number 0 | rank 0 | dense_rank 0 | percent_rank 0 | cume_dist 0 | ntile 1 | first_value 1 | last_value 1 | nth_value 2 | lag 1-3 | lead 1-3

now 0 | date_diff 3 presto_date_diff | year 1 | quarter 1 | month 1 | week 1 | week_of_year 1 week | day_of_month 1 day
day_of_week 1 isodow | dow 1 isodow | day_of_year 1 dayofyear | doy 1 dayofyear | year_of_week 1 isoyear | yow 1 isoyear
minute 1 | second 1 | millisecond 1 presto_millisecond | last_day_of_month 1 last_day | to_milliseconds 1 presto_to_milliseconds
to_unixtime 1 presto_to_unixtime | from_iso8601_timestamp 1 presto_from_iso8601_timestamp
from_iso8601_date 1 presto_from_iso8601_date | to_iso8601 1 presto_to_iso8601
timezone 2 | list_value 0-`

var forms = readForms()

func readForms() map[string][]form {
	out := make(map[string][]form)
	for line := range strings.Lines(simple) {
		line = strings.ReplaceAll(line, `\|`, "\x00")
		for entry := range strings.SplitSeq(line, "|") {
			words := strings.Fields(strings.ReplaceAll(entry, "\x00", "|"))
			if len(words) == 0 {
				continue
			}
			f := form{to: words[len(words)-1]}
			if len(words) == 2 {
				f.to = words[0]
			}
			least, most, ranged := strings.Cut(words[1], "-")
			f.min, _ = strconv.Atoi(least)
			f.max = f.min
			if ranged {
				f.max = -1
				if n, err := strconv.Atoi(most); err == nil {
					f.max = n
				}
			}
			out[words[0]] = append(out[words[0]], f)
		}
	}
	return out
}

// refused are functions of Presto's that are not here, and what to do instead.
var refused = map[string]string{
	"approx_set": "", "merge": "", "empty_approx_set": "", "cardinality_hll": "", "numeric_histogram": "", "approx_most_frequent": "",
	"entropy": "", "set_agg": "use array_distinct(array_agg(x))",
	"reduce_agg": "", "histogram_agg": "", "qdigest_agg": "", "tdigest_agg": "",
	"bitwise_logical_shift_right": "",
	"inverse_normal_cdf":          "", "normal_cdf": "", "inverse_beta_cdf": "", "beta_cdf": "", "cosine_similarity": "", "wilson_interval_lower": "", "wilson_interval_upper": "",
	"word_stem": "", "soundex": "", "luhn_check": "", "hash_code": "", "spooky_hash_v2_32": "use xxhash64", "spooky_hash_v2_64": "use xxhash64", "murmur3_x64_128": "use xxhash64",
	"murmur3": "", "from_base32": "",
	"regexp_position": "", "json_extract_array": "", "json_query": "use json_extract", "json_value": "use json_extract_scalar", "json_exists": "", "json_object": "", "json_array": "", "json_table": "",
	"array_normalize": "", "array_cum_sum": "",
	"map_agg_distinct": "", "map_normalize": "", "map_top_n": "",
	"human_readable_seconds": "", "parse_duration": "", "timezone": "use x AT TIME ZONE 'Europe/Berlin'", "date_parse_iso": "", "parse_presto_data_size": "", "from_unixtime_nanos": "",
	"bar": "", "rgb": "", "render": "", "color": "", "grouping_id": "", "ip_prefix": "", "is_subnet_of": "", "st_point": "", "st_contains": "", "version": "", "format_number": "",
}

// duckHint is for whoever meant DuckDB's.
const duckHint = ` (the dialect is Presto's; DuckDB's own is --dialect duckdb, or "dialect": "duckdb" in a request)`

// apply rewrites a call whose arguments are rewritten.
func (r *rewriter) apply(n node, name string) {
	if grammar[name] && syntax.Text(n, "schema") != "main" {
		r.unknown(n, name)
		return
	}
	if windowOnly[name] && class(n) != "WINDOW" {
		r.fail(n, "%s is a window function: it takes OVER (…)", name)
		return
	}
	if r.ofDecimal(n, name, arguments(n)) || r.aggregateOf(n, name) || r.ofBytes(n, name, arguments(n)) {
		return
	}
	if special := specials[name]; special != nil {
		special(r, n)
		return
	}
	fs, known := forms[name]
	if !known {
		r.unknown(n, name)
		return
	}
	args := len(syntax.List(n, "children"))
	if strings.HasPrefix(name, "regexp_") {
		if r.pattern(n, name); class(n) != "FUNCTION" || syntax.Text(n, "function_name") != name {
			return
		}
	}
	if strings.HasPrefix(name, "bitwise_") && strings.HasSuffix(name, "_agg") {
		r.fitting(n)
	}
	for _, f := range fs {
		if args >= f.min && (args <= f.max || f.max < 0) {
			r.rename(n, name, f.to)
			return
		}
	}
	r.fail(n, "%s takes %s, not %d", name, counts(fs), args)
}

var windowOnly = wordSet("row_number rank dense_rank percent_rank cume_dist ntile first_value last_value nth_value lag lead")

func counts(fs []form) string {
	var out []string
	for _, f := range fs {
		switch {
		case f.max < 0:
			out = append(out, fmt.Sprintf("%d or more", f.min))
		case f.max > f.min:
			out = append(out, fmt.Sprintf("%d to %d", f.min, f.max))
		default:
			out = append(out, strconv.Itoa(f.min))
		}
	}
	return strings.Join(out, " or ") + " arguments"
}

// rename makes n a call of something else with the same arguments.
func (r *rewriter) rename(n node, name, to string) {
	if strings.HasPrefix(to, prefix) {
		r.scalarOnly(n, name)
		become(n, r.macro(to, arguments(n)...))
		return
	}
	n["function_name"] = to
	if to == "&" || to == "|" {
		n["is_operator"] = true
	}
	delete(n, "schema")
	switch to {
	case "timezone", "list_value", "row", "map", "position", "like_escape", "not_like_escape", "trim":
		n["schema"] = "main"
	}
}

// scalarOnly refuses what only an aggregate takes.
func (r *rewriter) scalarOnly(n node, name string) {
	if class(n) == "WINDOW" {
		r.fail(n, "%s takes no OVER here", name)
	}
	if n["distinct"] == true || syntax.Object(n, "filter") != nil || len(syntax.List(syntax.Object(n, "order_bys"), "orders")) > 0 {
		r.fail(n, "%s takes no DISTINCT, FILTER or ORDER BY", name)
	}
}

// unknown says that there is no such function, and what there is.
func (r *rewriter) unknown(n node, name string) {
	if hint, ok := refused[name]; ok {
		if hint != "" {
			hint = "; " + hint
		}
		r.fail(n, "Presto's function %s is not supported%s", name, hint)
		return
	}
	near := ""
	if to, ok := instead[name]; ok {
		near = ": use " + to
	} else if s := nearest(name, Functions()); s != "" {
		near = "; did you mean " + s + "?"
	}
	r.fail(n, "there is no function %s in Presto%s%s", name, near, duckHint)
}

// instead are functions of other dialects, and Presto's for them.
var instead = map[string]string{
	"list_transform": "transform", "list_filter": "filter", "list_reduce": "reduce", "list_contains": "contains", "len": "length or cardinality", "string_agg": "array_join(array_agg(x), ',')",
	"strftime": "date_format", "strptime": "date_parse", "epoch": "to_unixtime", "epoch_ms": "to_unixtime", "to_timestamp": "from_unixtime", "datediff": "date_diff", "dateadd": "date_add", "date_sub": "date_diff",
	"ifnull": "coalesce", "isnull": "x IS NULL", "nvl": "coalesce", "regexp_matches": "regexp_like", "list": "array_agg", "unnest": "UNNEST(…) AS t(x) in FROM",
	"quantile_cont": "approx_percentile", "approx_quantile": "approx_percentile", "median": "approx_percentile(x, 0.5)", "arg_max": "max_by", "arg_min": "min_by", "struct_pack": "CAST(ROW(…) AS ROW(a bigint, …))",
	"json_extract_string": "json_extract_scalar", "generate_series": "sequence", "range": "sequence", "list_sort": "array_sort", "list_distinct": "array_distinct", "to_json": "CAST(x AS json)",
	"to_days": "INTERVAL '1' DAY", "to_hours": "INTERVAL '1' HOUR", "dayofweek": "day_of_week", "weekday": "day_of_week", "isodow": "day_of_week", "first": "arbitrary", "last": "max_by", "left": "substr(s, 1, n)", "right": "substr(s, -n)", "instr": "strpos",
}

// grammar are the functions that DuckDB's grammar makes of other syntax, such as
// AT TIME ZONE. It gives their schema, which no statement does.
var grammar = map[string]bool{"timezone": true, "list_value": true, "like_escape": true, "not_like_escape": true, "date_part": true}

// Functions are the names of the functions that there are.
func Functions() []string {
	names := slices.Concat(slices.Collect(maps.Keys(forms)), slices.Collect(maps.Keys(specials)), []string{"if", "coalesce", "try", "cast", "try_cast"})
	names = slices.DeleteFunc(names, func(s string) bool { return grammar[s] || s == "count_star" })
	slices.Sort(names)
	return slices.Compact(names)
}

// nearest is the name that differs least from name, if one is near.
func nearest(name string, names []string) string {
	best, least := "", 1+len(name)/3
	for _, n := range names {
		if d := spelling.Distance(name, n); d < least {
			best, least = n, d
		}
	}
	return best
}
