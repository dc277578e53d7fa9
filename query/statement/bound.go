package statement

// A Bound is a comparison of a column with an expression over no column:
// column Op expression, where Op is one of = < <= > >=.
type Bound struct {
	Column string // lower case
	Op     string
	Constant
}

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
	var all []Bound
	each := []Predicate{c.Predicate()}
	if each[0].Op == And {
		each = each[0].Of
	}
	for _, t := range each {
		if len(t.Path) > 0 {
			continue
		}
		switch t.Op {
		case Equal, Less, LessEqual, Greater, GreaterEqual:
			all = append(all, Bound{Column: t.Column, Op: string(t.Op), Constant: t.With[0]})
		}
	}
	return all
}
