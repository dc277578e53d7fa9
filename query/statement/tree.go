package statement

import (
	"reflect"
	"strings"

	"sluice/query/syntax"
)

// A node is an object of the tree.
type node = syntax.Node

// every visits n and all nodes below it.
func every(n node, visit func(node)) {
	visit(n)
	syntax.Children(n, func(c node) { every(c, visit) })
}

// names are the parts of a column reference.
func names(n node) []string {
	parts := syntax.List(n, "column_names")
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
