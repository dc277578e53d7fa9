package statement

import "strings"

// A Bound is a comparison of a column with an expression over no column:
// column Op expression, where Op is one of = < <= > >=.
type Bound struct {
	Column    string // lower case
	Op        string
	Functions []string

	root node
}

// Tree is the tree of a statement that selects the expression.
func (b Bound) Tree() []byte { return selectTree(b.root) }

var operators = map[string]struct{ op, turned string }{
	"COMPARE_EQUAL":                {"=", "="},
	"COMPARE_LESSTHAN":             {"<", ">"},
	"COMPARE_LESSTHANOREQUALTO":    {"<=", ">="},
	"COMPARE_GREATERTHAN":          {">", "<"},
	"COMPARE_GREATERTHANOREQUALTO": {">=", "<="},
}

// Bounds are the bounds that the condition says of a column, none where it says
// something else.
func (c *Condition) Bounds() []Bound {
	n := c.root
	switch text(n, "class") {
	case "COMPARISON":
		op, ok := operators[text(n, "type")]
		if !ok {
			return nil
		}
		if b, ok := bound(object(n, "left"), op.op, object(n, "right")); ok {
			return []Bound{b}
		}
		if b, ok := bound(object(n, "right"), op.turned, object(n, "left")); ok {
			return []Bound{b}
		}
	case "BETWEEN":
		lower, ok1 := bound(object(n, "input"), ">=", object(n, "lower"))
		upper, ok2 := bound(object(n, "input"), "<=", object(n, "upper"))
		if ok1 && ok2 {
			return []Bound{lower, upper}
		}
	}
	return nil
}

func bound(column node, op string, expression node) (Bound, bool) {
	if text(column, "class") != "COLUMN_REF" {
		return Bound{}, false
	}
	b := Bound{Column: names(column)[0], Op: op, root: expression}
	constant := true
	every(expression, func(n node) {
		switch text(n, "class") {
		case "COLUMN_REF":
			constant = false
		case "FUNCTION":
			b.Functions = append(b.Functions, strings.ToLower(text(n, "function_name")))
		}
	})
	return b, constant
}
