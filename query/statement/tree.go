package statement

import (
	"bytes"
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// A node is an object of the tree.
type node = map[string]any

func text(n node, key string) string {
	s, _ := n[key].(string)
	return s
}

func object(n node, key string) node {
	o, _ := n[key].(node)
	return o
}

func list(n node, key string) []any {
	l, _ := n[key].([]any)
	return l
}

// position is where in the statement the node's text begins, -1 if unknown.
func position(n node) int {
	if num, ok := n["query_location"].(json.Number); ok {
		if i, err := num.Int64(); err == nil {
			return int(i)
		}
	}
	return -1
}

// children visits the nodes directly below v, in a fixed order.
func children(v any, visit func(node)) {
	switch v := v.(type) {
	case node:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below(v[key], visit)
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

// every visits n and all nodes below it.
func every(n node, visit func(node)) {
	visit(n)
	children(n, func(c node) { every(c, visit) })
}

// decode reads a tree with its numbers as they are written.
func decode(tree []byte) (node, error) {
	d := json.NewDecoder(bytes.NewReader(tree))
	d.UseNumber()
	var n node
	err := d.Decode(&n)
	return n, err
}

// encode writes a tree.
func encode(n node) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(n); err != nil {
		panic("BUG: a tree that was read cannot be written: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

// names are the parts of a column reference.
func names(n node) []string {
	parts := list(n, "column_names")
	out := make([]string, len(parts))
	for i, p := range parts {
		out[i], _ = p.(string)
	}
	return out
}

func hasPrefix(parts, prefix []string) bool {
	if len(parts) < len(prefix) {
		return false
	}
	for i, p := range prefix {
		if !strings.EqualFold(parts[i], p) {
			return false
		}
	}
	return true
}

// same reports whether a and b are the same object, not only equal ones.
func same(a, b node) bool {
	return reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer()
}
