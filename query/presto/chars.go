package presto

import (
	"encoding/json"

	"sluice/query/syntax"
)

// A char(n) is a text that is padded to n with spaces; compared, it is as if it had
// none at its end, and so is a varchar that it is compared with. Its value here is
// the padded text.

// charLength is n where a cast is to char(n): DuckDB's grammar has no such type, and
// so Front writes VARCHAR[n][1], nothing that Presto has.
func charLength(n node) (int, bool) {
	info := syntax.Object(syntax.Object(n, "cast_type"), "type_info")
	inner := syntax.Object(info, "child_type")
	size, _ := syntax.Object(inner, "type_info")["size"].(json.Number)
	v, err := size.Int64()
	return int(v), err == nil && syntax.Text(inner, "id") == "ARRAY"
}

// readsChar are the functions for which a char(n) is a text of n.
var readsChar = map[string]bool{"length": true, "count": true, "approx_distinct": true, "||": false, "concat": false, "~~": true, "!~~": true, "like_escape": true, "not_like_escape": true, "count_if": true, "to_utf8": true, "row_number": true}

// chars does what a call does with a char(n) among its arguments.
func (r *rewriter) chars(n node, name string) *mark {
	args := arguments(n)
	some := false
	for _, a := range args {
		m := markOf(a)
		some = some || m != nil && m.char > 0
	}
	if !some || readsChar[name] {
		return nil
	}
	switch all, keeps := keepsMark[name]; {
	case (name == "upper" || name == "lower") && len(args) == 1:
		return markOf(args[0])

	case keeps && all && len(args) == 1 || name == "greatest" || name == "least":
		return r.common(n, args)
	case keeps && !all && name != "nullif":
		return r.common(n, args[:1])
	}
	r.fail(n, "%s of a char(n) is not supported; cast it to varchar", name)
	return nil
}

// unpadded takes the spaces off what a char(n) is compared with, and off it.
func (r *rewriter) unpadded(n node, sides ...string) {
	var values []node
	for _, s := range sides {
		if v := syntax.Object(n, s); v != nil {
			values = append(values, v)
		}
	}
	i := 0
	for _, v := range r.unpaddedAll(values) {
		for syntax.Object(n, sides[i]) == nil {
			i++
		}
		n[sides[i]] = v
		i++
	}
}

func (r *rewriter) unpaddedAll(values []node) []node {
	some := false
	for _, v := range values {
		m := markOf(v)
		some = some || m != nil && m.char > 0
	}
	if !some {
		return values
	}
	out := make([]node, len(values))
	for i, v := range values {
		out[i] = call("rtrim", v, literal(" "))
	}
	return out
}
