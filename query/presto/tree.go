package presto

import (
	"encoding/json"
	"strconv"
	"strings"

	"sluice/query/syntax"
)

// A node is an object of a syntax tree, as DuckDB's json_serialize_sql writes it.
type node = syntax.Node

func class(n node) string { return syntax.Text(n, "class") }

// arguments are the children of a call or an operator.
func arguments(n node) []node {
	children := syntax.List(n, "children")
	out := make([]node, 0, len(children))
	for _, c := range children {
		if o, ok := c.(node); ok {
			out = append(out, o)
		}
	}
	return out
}

// somewhere is a position in n or, where n has none, in what is below it.
func somewhere(n node) int {
	if at := syntax.Position(n); at >= 0 {
		return at
	}
	least := -1
	syntax.Children(n, func(c node) {
		if at := somewhere(c); at >= 0 && (least < 0 || at < least) {
			least = at
		}
	})
	return least
}

// become makes n what other is; it keeps its name and its place.
func become(n, other node) {
	alias, at := n["alias"], n["query_location"]
	if at == nil {
		if p := somewhere(n); p >= 0 {
			at = json.Number(strconv.Itoa(p))
		}
	}
	delete(n, "alias")                 // of the whole, not of what stands within it
	other = syntax.Clone(other).(node) // it may contain n
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

func copied(n node) node { return syntax.Clone(n).(node) }

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

func anyOf(nodes []node) []any {
	out := make([]any, len(nodes))
	for i, n := range nodes {
		out[i] = copied(n)
	}
	return out
}

func null() node {
	return node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": "NULL"}, "is_null": true}}
}

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
	v := syntax.Object(n, "value")
	if class(n) != "CONSTANT" || syntax.Text(syntax.Object(v, "type"), "id") != "VARCHAR" {
		return "", false
	}
	s, ok := v["value"].(string)
	return s, ok
}

// isNumber reports whether n is a constant number.
func isNumber(n node) bool {
	id := syntax.Text(syntax.Object(syntax.Object(n, "value"), "type"), "id")
	return class(n) == "CONSTANT" && (strings.HasSuffix(id, "INT") || id == "INTEGER" || id == "DECIMAL" || id == "DOUBLE")
}

// isDate reports whether n is made as a date.
func isDate(n node) bool {
	return class(n) == "CAST" && syntax.Text(syntax.Object(n, "cast_type"), "id") == "DATE" || class(n) == "FUNCTION" && syntax.Text(n, "function_name") == "current_date"
}

// intervalOf reports whether n is made as an interval, and whether of whole days.
func intervalOf(n node) (interval, days bool) {
	switch class(n) {
	case "CAST":
		if syntax.Text(syntax.Object(n, "cast_type"), "id") == "INTERVAL" {
			return true, false
		}
	case "FUNCTION":
		switch name := syntax.Text(n, "function_name"); name {
		case "to_years", "to_months", "to_days", "to_weeks", "to_quarters":
			return true, true
		case "to_hours", "to_minutes", "to_seconds", "to_milliseconds", "to_microseconds":
			return true, false
		case "presto_interval_times", "presto_interval_over":
			_, days = intervalOf(arguments(n)[0])
			return true, days
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
