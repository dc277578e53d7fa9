package presto

import (
	"strconv"
	"strings"

	"sluice/query/presto/function"
	"sluice/query/syntax"
)

// jsonAt rewrites a call whose path is read at each row. One that is constant is
// checked here.
func (r *rewriter) jsonAt(n node, to string) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	if path, ok := constantText(a[1]); ok {
		if err := function.CheckPath(path); err != nil {
			r.fail(a[1], "the JSON path %s is not supported; there are $, .name, [\"name\"], [0], .* and [*]", path)
			return
		}
	}
	become(n, r.macro(to, a...))
}

// jsonPath rewrites a call with a path, which must be a constant.
func (r *rewriter) jsonPath(n node, to string) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	name := syntax.Text(n, "function_name")
	path, ok := constantText(a[1])
	if !ok {
		r.fail(n, "the path of %s must be a text, as in %s(x, '$.a[0]')", name, name)
		return
	}
	if function.Wild(path) {
		become(n, r.macro("presto_json_size_all", a...))
		return
	}
	duck, ok := duckPath(path)
	if !ok {
		r.fail(a[1], "the JSON path %s is not supported; there are $, .name, [\"name\"] and [0]", path)
		return
	}
	become(n, r.macro(to, a[0], literal(duck)))
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
