package presto

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"
	"strings"

	"sluice/query/syntax"
)

// The types of decimals that are computed follow rules of Presto's which DuckDB has
// others for: it stops at 18 digits where both sides have no more, and takes a whole
// number that is written out for as many digits as it has. So the tree notes of each
// expression what number it is, as far as that follows from the statement and from the
// columns of tables. Of what is not known (what functions make of arrays and maps,
// parameters of lambdas) the type is DuckDB's.

// A valueType is a type of numbers, varbinary, or one that has others in it.
type valueType struct {
	name             string // decimal, tinyint, smallint, integer, bigint, real or double; varbinary; array, map or row
	precision, scale int    // of a decimal
}

// A Column is one of a table, as Rewrite is told, or a field of one. Its type is as
// Presto writes it; a struct has fields.
type Column struct {
	Name, Type string
	Fields     []Column
}

const typeKey = "presto_type"

var (
	bigint    = &valueType{name: "bigint"}
	integer32 = &valueType{name: "integer"}
	double    = &valueType{name: "double"}
	float32s  = &valueType{name: "real"}
)

// mostDigits are those of the widest decimal.
const mostDigits = 38

func decimal(precision, scale int) *valueType {
	return &valueType{name: "decimal", precision: min(max(precision, 1), mostDigits), scale: scale}
}

func kindOf(n node) *valueType {
	t, _ := n[typeKey].(*valueType)
	return t
}

// is notes the type of n; nil: it is not known.
func is(n node, t *valueType) {
	if t == nil {
		delete(n, typeKey)
		return
	}
	n[typeKey] = t
}

func (t *valueType) isDecimal() bool { return t != nil && t.name == "decimal" }

// wholeDigits are the digits of whole numbers as decimals.
var wholeDigits = map[string]int{"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}

// asDecimal is the decimal that a decimal or a whole number is.
func (t *valueType) asDecimal() *valueType {
	if t == nil || t.name == "decimal" {
		return t
	}
	if n := wholeDigits[t.name]; n > 0 {
		return decimal(n, 0)
	}
	return nil
}

func (t *valueType) same(o *valueType) bool { return t != nil && o != nil && *t == *o }

// commonNumber is the type to which values of two types are made to be side by side.
func commonKind(a, b *valueType) *valueType {
	switch {
	case a == nil || b == nil:
		return nil
	case *a == *b:
		return a
	case a.name == "varbinary" || b.name == "varbinary" || a.nested() || b.nested():
		return nil
	case a.name == "double" || b.name == "double":
		return double
	case a.name == "real" || b.name == "real":
		return float32s
	case !a.isDecimal() && !b.isDecimal():
		if wholeDigits[a.name] > wholeDigits[b.name] {
			return a
		}
		return b
	}
	x, y := a.asDecimal(), b.asDecimal()
	scale := max(x.scale, y.scale)
	return decimal(max(x.precision-x.scale, y.precision-y.scale)+scale, scale)
}

// parseKind is the type of a number that Presto writes so.
func parseKind(s string) *valueType {
	name, rest, _ := strings.Cut(strings.ToLower(strings.TrimSpace(s)), "(")
	switch head, _, _ := strings.Cut(name, "<"); head {
	case "array", "map", "row", "struct":
		return nestedKind(head)
	}
	switch name {
	case "tinyint", "smallint", "integer", "bigint", "real", "double":
		return &valueType{name: name}
	case "varbinary", "binary":
		return varbinary
	case "int":
		return integer32
	case "float":
		return float32s
	case "decimal":
		var p, s int
		if _, err := fmt.Sscanf(strings.ReplaceAll(rest, " ", ""), "%d,%d)", &p, &s); err == nil {
			return decimal(p, s)
		}
	}
	return nil
}

// parameters are the precision and the scale of a decimal type in a tree.
func decimalOf(t node) (precision, scale int, ok bool) {
	info := syntax.Object(t, "type_info")
	p, err1 := strconv.Atoi(fmt.Sprint(info["width"]))
	s, err2 := strconv.Atoi(fmt.Sprint(info["scale"]))
	if info["scale"] == nil {
		s, err2 = 0, nil
	}
	return p, s, syntax.Text(t, "id") == "DECIMAL" && err1 == nil && err2 == nil
}

// constantKind is the type of a number that is written out. A decimal has as many
// digits as are written, but for zeros at the beginning.
func constantKind(n node) *valueType {
	v := syntax.Object(n, "value")
	if v["is_null"] == true {
		return nil
	}
	switch syntax.Text(syntax.Object(v, "type"), "id") {
	case "INTEGER":
		return integer32
	case "BIGINT":
		return bigint
	case "DOUBLE":
		return double
	case "DECIMAL":
		_, scale, ok := decimalOf(syntax.Object(v, "type"))
		unscaled, whole := unscaledOf(v["value"])
		if !ok || !whole {
			return nil
		}
		return decimal(max(len(strings.TrimLeft(unscaled.Text(10), "-0")), scale), scale)
	}
	return nil
}

// unscaledOf is a decimal's value without its point: a number or, of more than 18
// digits, its two halves.
func unscaledOf(v any) (*big.Int, bool) {
	if halves, ok := v.(node); ok {
		upper, ok1 := new(big.Int).SetString(fmt.Sprint(halves["upper"]), 10)
		lower, ok2 := new(big.Int).SetString(fmt.Sprint(halves["lower"]), 10)
		if !ok1 || !ok2 {
			return nil, false
		}
		return upper.Add(upper.Lsh(upper, 64), lower), true
	}
	num, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	return new(big.Int).SetString(num.String(), 10)
}

// castType is the type of what is cast to a number.
func castKind(n node) *valueType {
	t := syntax.Object(n, "cast_type")
	switch syntax.Text(t, "id") {
	case "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "DOUBLE":
		return &valueType{name: strings.ToLower(syntax.Text(t, "id"))}
	case "FLOAT":
		return float32s
	case "BLOB":
		return varbinary
	case "LIST":
		return arrays
	case "MAP":
		return mapped
	case "STRUCT":
		return rows
	case "DECIMAL":
		if p, s, ok := decimalOf(t); ok {
			return decimal(p, s)
		}
	}
	return nil
}

// toDecimal is a cast to a decimal.
func toDecimal(n node, t *valueType) node {
	c := cast(n, "DECIMAL")
	c["cast_type"] = node{"id": "DECIMAL", "type_info": node{"type": "DECIMAL_TYPE_INFO", "width": json.Number(strconv.Itoa(t.precision)), "scale": json.Number(strconv.Itoa(t.scale))}}
	is(c, t)
	return c
}

// fits reports whether n is a decimal of this type, to DuckDB too, which takes a zero
// before the point of one that is written out for a digit.
func (t *valueType) fits(n node) bool {
	if class(n) == "CONSTANT" {
		p, s, ok := decimalOf(syntax.Object(syntax.Object(n, "value"), "type"))
		return ok && p == t.precision && s == t.scale && s > 0 // 1. is written as 1
	}
	return kindOf(n).same(t)
}

// as is n as a decimal of this type: cast where it is not one.
func (t *valueType) as(n node) node {
	if t.fits(n) {
		return n
	}
	return toDecimal(n, t)
}

// alike is the type that numbers in a row have in common, to which they are cast: all
// where it is a decimal, and else whole numbers that are written out.
func alike(values []node) *valueType {
	var common *valueType
	mixed := false
	for _, v := range values {
		if isNull(v) {
			continue
		}
		t := kindOf(v)
		if t == nil {
			return nil
		}
		if common == nil {
			common = t
			continue
		}
		mixed = mixed || !t.same(common)
		if common = commonKind(common, t); common == nil {
			return nil
		}
	}
	for _, v := range values {
		switch {
		case isNull(v) || common == nil:
		case common.isDecimal() && !common.fits(v):
			become(v, toDecimal(v, common))
		case wholeDigits[common.name] > 0 && mixed && isNumber(v):
			become(v, cast(v, strings.ToUpper(common.name))) // DuckDB takes it for as few digits as it has
		}
	}
	return common
}

// widened is the type that two numbers have in common, to which the first is cast.
func widened(n, with node) *valueType {
	t := alike([]node{n, with})
	if t != nil && !t.isDecimal() && !kindOf(n).same(t) {
		name := strings.ToUpper(t.name)
		if name == "REAL" {
			name = "FLOAT"
		}
		become(n, cast(n, name))
		is(n, t)
	}
	return t
}

func isNull(n node) bool {
	return class(n) == "CONSTANT" && syntax.Object(n, "value")["is_null"] == true
}
