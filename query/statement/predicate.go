package statement

import (
	"encoding/json"
	"strings"
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
)

// A Predicate is what a condition says of columns and constants, as far as it is made
// of comparisons of the one with the other: for who knows the bounds of the
// columns' values.
type Predicate struct {
	Op     Op
	Of     []Predicate // of And, Or
	Column string      // of the others, lower case
	With   []Constant  // one of comparisons, any number of In
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
	v := object(c.root, "value")
	if text(c.root, "class") != "CONSTANT" || v == nil || v["is_null"] == true {
		return "", "", false
	}
	typ = text(object(v, "type"), "id")
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
	switch text(n, "class") {
	case "CONJUNCTION":
		return conjunction(n)
	case "COMPARISON":
		op, ok := operators[text(n, "type")]
		if !ok {
			return Predicate{}
		}
		if t, ok := compare(object(n, "left"), Op(op.op), object(n, "right")); ok {
			return t
		}
		t, _ := compare(object(n, "right"), Op(op.turned), object(n, "left"))
		return t
	case "BETWEEN":
		lower, ok1 := compare(object(n, "input"), GreaterEqual, object(n, "lower"))
		upper, ok2 := compare(object(n, "input"), LessEqual, object(n, "upper"))
		if !ok1 || !ok2 {
			return Predicate{}
		}
		return Predicate{Op: And, Of: []Predicate{lower, upper}}
	case "OPERATOR":
		return operator(n)
	}
	return Predicate{}
}

func conjunction(n node) Predicate {
	t := Predicate{Op: And}
	if text(n, "type") == "CONJUNCTION_OR" {
		t.Op = Or
	}
	for _, c := range list(n, "children") {
		part, _ := c.(node)
		t.Of = append(t.Of, predicate(part))
	}
	return t
}

func operator(n node) Predicate {
	ops := map[string]Op{"COMPARE_IN": In, "OPERATOR_IS_NULL": IsNull, "OPERATOR_IS_NOT_NULL": IsNotNull}
	op, known := ops[text(n, "type")]
	children := list(n, "children")
	if !known || len(children) == 0 {
		return Predicate{}
	}
	first, _ := children[0].(node)
	if text(first, "class") != "COLUMN_REF" {
		return Predicate{}
	}
	t := Predicate{Op: op, Column: names(first)[0]}
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
	if !ok || text(column, "class") != "COLUMN_REF" {
		return Predicate{}, false
	}
	return Predicate{Op: op, Column: names(column)[0], With: []Constant{with}}, true
}

// constant is the expression as a Constant, if it is one.
func constant(n node) (c Constant, ok bool) {
	if n == nil {
		return Constant{}, false
	}
	c.root, ok = n, true
	every(n, func(n node) {
		switch text(n, "class") {
		case "COLUMN_REF":
			ok = false
		case "FUNCTION":
			c.Functions = append(c.Functions, strings.ToLower(text(n, "function_name")))
		}
	})
	return c, ok
}
