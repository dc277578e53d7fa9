package statement

import (
	"encoding/json"
	"strings"

	"sluice/query/syntax"
)

// An Op is what a Predicate says.
type Op string

// The operators of a Predicate.
const (
	Unknown      Op = "" // anything, nothing is known of it
	And          Op = "and"
	Or           Op = "or"
	Equal        Op = "="
	Less         Op = "<"
	LessEqual    Op = "<="
	Greater      Op = ">"
	GreaterEqual Op = ">="
	In           Op = "in"
	IsNull       Op = "is null"
	IsNotNull    Op = "is not null"
	Like         Op = "like" // a pattern, as the executor's LIKE has it
)

// A Predicate is what a condition says of columns and constants, as far as it is made
// of comparisons of the one with the other: for who knows the bounds of the
// columns' values.
type Predicate struct {
	Op     Op
	Of     []Predicate // of And, Or
	Column string      // of the others, lower case
	Path   []string    // of the field of it, where it is a struct, lower case; empty: of the column
	With   []Constant  // one of comparisons and of Like, any number of In
}

// A Constant is an expression over no column.
type Constant struct {
	Functions []string
	root      node
}

// Tree is the tree of a statement that selects the expression.
func (c Constant) Tree() []byte { return selectTree(c.root) }

// Literal is the constant's type, as DuckDB calls it, and its text where it is a
// string or a whole number as it stands.
func (c Constant) Literal() (typ, value string, ok bool) {
	v := syntax.Object(c.root, "value")
	if syntax.Text(c.root, "class") != "CONSTANT" || v == nil || v["is_null"] == true {
		return "", "", false
	}
	typ = syntax.Text(syntax.Object(v, "type"), "id")
	switch x := v["value"].(type) {
	case string:
		return typ, x, typ == "VARCHAR"
	case json.Number:
		return typ, x.String(), typ == "INTEGER" || typ == "BIGINT"
	}
	return "", "", false
}

// Predicate is the condition as a predicate.
func (c *Condition) Predicate() Predicate { return predicate(c.root) }

func predicate(n node) Predicate {
	switch syntax.Text(n, "class") {
	case "CONJUNCTION":
		return conjunction(n)
	case "COMPARISON":
		op, ok := operators[syntax.Text(n, "type")]
		if !ok {
			return Predicate{}
		}
		if t, ok := compare(syntax.Object(n, "left"), Op(op.op), syntax.Object(n, "right")); ok {
			return t
		}
		t, _ := compare(syntax.Object(n, "right"), Op(op.turned), syntax.Object(n, "left"))
		return t
	case "BETWEEN":
		lower, ok1 := compare(syntax.Object(n, "input"), GreaterEqual, syntax.Object(n, "lower"))
		upper, ok2 := compare(syntax.Object(n, "input"), LessEqual, syntax.Object(n, "upper"))
		if !ok1 || !ok2 {
			return Predicate{}
		}
		return Predicate{Op: And, Of: []Predicate{lower, upper}}
	case "OPERATOR":
		return operator(n)
	case "FUNCTION":
		if children := syntax.List(n, "children"); syntax.Text(n, "function_name") == "~~" && len(children) == 2 {
			column, _ := children[0].(node)
			pattern, _ := children[1].(node)
			t, _ := compare(column, Like, pattern)
			return t
		}
	}
	return Predicate{}
}

func conjunction(n node) Predicate {
	t := Predicate{Op: And}
	if syntax.Text(n, "type") == "CONJUNCTION_OR" {
		t.Op = Or
	}
	for _, c := range syntax.List(n, "children") {
		part, _ := c.(node)
		t.Of = append(t.Of, predicate(part))
	}
	return t
}

func operator(n node) Predicate {
	ops := map[string]Op{"COMPARE_IN": In, "OPERATOR_IS_NULL": IsNull, "OPERATOR_IS_NOT_NULL": IsNotNull}
	op, known := ops[syntax.Text(n, "type")]
	children := syntax.List(n, "children")
	if !known || len(children) == 0 {
		return Predicate{}
	}
	first, _ := children[0].(node)
	t, ok := leaf(first)
	if !ok {
		return Predicate{}
	}
	t.Op = op
	for _, c := range children[1:] {
		part, _ := c.(node)
		with, ok := constant(part)
		if !ok {
			return Predicate{}
		}
		t.With = append(t.With, with)
	}
	return t
}

func compare(column node, op Op, expression node) (Predicate, bool) {
	with, ok := constant(expression)
	if !ok {
		return Predicate{}, false
	}
	t, ok := leaf(column)
	if ok {
		t.Op, t.With = op, []Constant{with}
	}
	return t, ok
}

// leaf is the column, or the field of one, that an expression of a condition is.
func leaf(n node) (Predicate, bool) {
	parts, of := path(n)
	if of != 1 {
		return Predicate{}, false
	}
	return Predicate{Column: parts[0], Path: parts[1:]}, true
}

// constant is the expression as a Constant, if it is one.
func constant(n node) (c Constant, ok bool) {
	if n == nil {
		return Constant{}, false
	}
	c.root, ok = n, true
	within := closed(n)
	every(n, func(n node) {
		switch syntax.Text(n, "class") {
		case "COLUMN_REF":
			ok = ok && within[pointer(n)]
		case "FUNCTION":
			c.Functions = append(c.Functions, strings.ToLower(syntax.Text(n, "function_name")))
		}
	})
	return c, ok
}
