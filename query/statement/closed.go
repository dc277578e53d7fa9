package statement

import (
	"slices"
	"strings"

	"sluice/query/syntax"
)

// closed are the nodes of an expression that are no columns and need none although they
// are written so: lambdas, their parameters where they are used, and subqueries that read
// nothing with all that is in them.
func closed(expression node) map[uintptr]bool {
	c := make(closing)
	c.walk(expression, nil)
	return c
}

type closing map[uintptr]bool

// walk marks what is below n, where the parameters stand for values.
func (c closing) walk(n node, parameters []string) {
	switch syntax.Text(n, "class") {
	case "LAMBDA":
		parameter := syntax.Object(n, "lhs")
		if parts := names(parameter); syntax.Text(parameter, "class") == "COLUMN_REF" && len(parts) == 1 {
			c[pointer(n)], c[pointer(parameter)] = true, true
			parameters = append(slices.Clone(parameters), parts[0])
		}
	case "COLUMN_REF":
		parts := names(n)
		if slices.ContainsFunc(parameters, func(p string) bool { return len(parts) > 0 && strings.EqualFold(p, parts[0]) }) {
			c[pointer(n)] = true
		}
	case "SUBQUERY":
		if query := syntax.Object(n, "subquery"); query != nil && readsNothing(query) {
			c[pointer(n)] = true
			every(query, func(n node) { c[pointer(n)] = true })
		}
	}
	syntax.Children(n, func(child node) { c.walk(child, parameters) })
}

// readsNothing reports whether a subquery has no table, no column of the query around it
// or of its own, and no choice of some rows: it gives one answer where its functions do.
func readsNothing(query node) bool {
	nothing := true
	every(query, func(n node) {
		_, _, isMoment := momentOf(n)
		switch class, typ := syntax.Text(n, "class"), syntax.Text(n, "type"); {
		case class == "COLUMN_REF" && !isMoment, class == "POSITIONAL_REFERENCE", class == "PARAMETER", class == "WINDOW",
			typ == "BASE_TABLE", typ == "LIMIT_MODIFIER", typ == "LIMIT_PERCENT_MODIFIER", typ == "DISTINCT_MODIFIER", n["sample"] != nil:
			nothing = false
		}
	})
	return nothing
}
