package statement

import (
	"strings"

	"sluice/query/syntax"
)

// Limits reports whether a query within the statement, not the statement itself, is limited
// to some of its rows.
func (s *Statement) Limits() bool {
	first, _ := syntax.List(s.root, "statements")[0].(node)
	outer, found := syntax.Object(first, "node"), false
	every(outer, func(n node) {
		if same(n, outer) || !strings.HasSuffix(syntax.Text(n, "type"), "_NODE") {
			return
		}
		for _, m := range syntax.List(n, "modifiers") {
			modifier, _ := m.(node)
			found = found || strings.HasPrefix(syntax.Text(modifier, "type"), "LIMIT")
		}
	})
	return found
}
