package presto

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// A node is an object of a syntax tree, as DuckDB's json_serialize_sql writes it.
type node = map[string]any

func textOf(n node, key string) string { s, _ := n[key].(string); return s }

func object(n node, key string) node { o, _ := n[key].(node); return o }

func list(n node, key string) []any { l, _ := n[key].([]any); return l }

func class(n node) string { return textOf(n, "class") }

// arguments are the children of a call or an operator.
func arguments(n node) []node {
	children := list(n, "children")
	out := make([]node, 0, len(children))
	for _, c := range children {
		if o, ok := c.(node); ok {
			out = append(out, o)
		}
	}
	return out
}

func position(n node) int {
	if num, ok := n["query_location"].(json.Number); ok {
		if i, err := strconv.Atoi(num.String()); err == nil {
			return i
		}
	}
	return -1
}

// somewhere is a position in n or, where n has none, in what is below it.
func somewhere(n node) int {
	if at := position(n); at >= 0 {
		return at
	}
	least := -1
	each(n, func(c node) {
		if at := somewhere(c); at >= 0 && (least < 0 || at < least) {
			least = at
		}
	})
	return least
}

// each visits the nodes directly below v.
func each(v any, visit func(node)) {
	switch v := v.(type) {
	case node:
		for _, e := range v {
			below(e, visit)
		}
	default:
		below(v, visit)
	}
}

func below(v any, visit func(node)) {
	switch v := v.(type) {
	case node:
		visit(v)
	case []any:
		for _, e := range v {
			below(e, visit)
		}
	}
}

func decode(tree []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(tree))
	d.UseNumber()
	var n node
	err := d.Decode(&n)
	return n, err
}

func encode(n node) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(n); err != nil {
		panic("BUG: a tree that was read cannot be written: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

// become makes n what other is; it keeps its name and its place.
func become(n, other node) {
	alias, at := n["alias"], n["query_location"]
	if at == nil {
		if p := somewhere(n); p >= 0 {
			at = json.Number(strconv.Itoa(p))
		}
	}
	delete(n, "alias")          // of the whole, not of what stands within it
	other = clone(other).(node) // it may contain n
	clear(n)
	for k, v := range other {
		n[k] = v
	}
	delete(n, "alias")
	delete(n, "query_location")
	if alias != nil {
		n["alias"] = alias
	}
	if at != nil {
		n["query_location"] = at
	}
}

func clone(v any) any {
	switch v := v.(type) {
	case node:
		out := make(node, len(v))
		for k, e := range v {
			out[k] = clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = clone(e)
		}
		return out
	}
	return v
}

func copied(n node) node { return clone(n).(node) }

// call is a call of a function.
func call(name string, args ...node) node {
	children := make([]any, len(args))
	for i, a := range args {
		children[i] = a
	}
	return node{"class": "FUNCTION", "type": "FUNCTION", "function_name": name, "children": children, "order_bys": node{"type": "ORDER_MODIFIER"}}
}

// operate is a use of an operator that is written between its arguments.
func operate(name string, a, b node) node {
	n := call(name, a, b)
	n["is_operator"] = true
	return n
}

func constant(id string, value any) node {
	return node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": id}, "is_null": false, "value": value}}
}

func literal(s string) node { return constant("VARCHAR", s) }

func integer(i int) node { return constant("INTEGER", json.Number(strconv.Itoa(i))) }

func truth(b bool) node { return constant("BOOLEAN", b) }

func cast(n node, to string) node {
	return node{"class": "CAST", "type": "OPERATOR_CAST", "child": n, "cast_type": node{"id": to}}
}

func column(names ...string) node {
	parts := make([]any, len(names))
	for i, n := range names {
		parts[i] = n
	}
	return node{"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": parts}
}

// constantText is the text of a constant of type varchar.
func constantText(n node) (string, bool) {
	v := object(n, "value")
	if class(n) != "CONSTANT" || textOf(object(v, "type"), "id") != "VARCHAR" {
		return "", false
	}
	s, ok := v["value"].(string)
	return s, ok
}

// isNumber reports whether n is a constant number.
func isNumber(n node) bool {
	id := textOf(object(object(n, "value"), "type"), "id")
	return class(n) == "CONSTANT" && (strings.HasSuffix(id, "INT") || id == "INTEGER" || id == "DECIMAL" || id == "DOUBLE")
}

// isDate reports whether n is made as a date.
func isDate(n node) bool {
	return class(n) == "CAST" && textOf(object(n, "cast_type"), "id") == "DATE" || class(n) == "FUNCTION" && textOf(n, "function_name") == "current_date"
}

// intervalOf reports whether n is made as an interval, and whether of whole days.
func intervalOf(n node) (interval, days bool) {
	switch class(n) {
	case "CAST":
		if textOf(object(n, "cast_type"), "id") == "INTERVAL" {
			return true, false
		}
	case "FUNCTION":
		switch name := textOf(n, "function_name"); name {
		case "to_years", "to_months", "to_days", "to_weeks", "to_quarters":
			return true, true
		case "to_hours", "to_minutes", "to_seconds", "to_milliseconds", "to_microseconds":
			return true, false
		case "-", "+", "*", "/":
			days = true
			for _, a := range arguments(n) {
				i, d := intervalOf(a)
				interval = interval || i
				days = days && (d || !i)
				if !i && len(arguments(n)) == 2 && (name == "+" || name == "-") {
					return false, false
				}
			}
			return interval, interval && days
		}
	}
	return false, false
}
