// Package syntax reads and walks syntax trees of statements, as DuckDB's
// json_serialize_sql writes them.
package syntax

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
)

// A Node is an object of a tree.
type Node = map[string]any

// Text is the text that the node has there; empty where it has none.
func Text(n Node, key string) string {
	s, _ := n[key].(string)
	return s
}

// Object is the node below n there; nil where there is none.
func Object(n Node, key string) Node {
	o, _ := n[key].(Node)
	return o
}

// List is what n has there in order; nil where there is none.
func List(n Node, key string) []any {
	l, _ := n[key].([]any)
	return l
}

// Position is where in the statement the node's text begins, in bytes; -1 if unknown.
func Position(n Node) int {
	if num, ok := n["query_location"].(json.Number); ok {
		if i, err := num.Int64(); err == nil {
			return int(i)
		}
	}
	return -1
}

// Children visits the nodes directly below v, in a fixed order.
func Children(v any, visit func(Node)) {
	switch v := v.(type) {
	case Node:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			below(v[key], visit)
		}
	default:
		below(v, visit)
	}
}

func below(v any, visit func(Node)) {
	switch v := v.(type) {
	case Node:
		visit(v)
	case []any:
		for _, e := range v {
			below(e, visit)
		}
	}
}

// Decode reads a tree with its numbers as they are written.
func Decode(tree []byte) (Node, error) {
	d := json.NewDecoder(bytes.NewReader(tree))
	d.UseNumber()
	var n Node
	err := d.Decode(&n)
	return n, err
}

// Encode writes a tree that was read or is made of what can be in one.
func Encode(n Node) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(n); err != nil {
		panic("BUG: a tree that was read cannot be written: " + err.Error())
	}
	return bytes.TrimSpace(b.Bytes())
}

// Clone is a tree, or a list in one, that has nothing in common with v.
func Clone(v any) any {
	switch v := v.(type) {
	case Node:
		out := make(Node, len(v))
		for k, e := range v {
			out[k] = Clone(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = Clone(e)
		}
		return out
	}
	return v
}
