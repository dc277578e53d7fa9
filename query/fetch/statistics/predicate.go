package statistics

import (
	"math"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/fetch/footer"
	"sluice/query/statement"
)

// A Predicate is a condition on columns. Its operators are those of a statement.Predicate.
type Predicate struct {
	Op     statement.Op
	Of     []Predicate // of And, Or
	Column string
	Path   []string  // of the field of it; empty: of the column
	Type   lake.Type // of the column, or the field, in the table
	// With is what the column is compared with, nulls left out: a comparison with
	// null is never true.
	With []Value
}

// A Value is a constant: a text, or a number in a range. Dates are numbers of days,
// timestamps of microseconds, since 1970.
type Value struct {
	text      string
	low, high float64
	whole     int64 // the number, where exact
	exact     bool
}

// Text is the value of a string.
func Text(s string) Value { return Value{text: s} }

// Number is the value of a number, which may be off by as much as slack.
func Number(f, slack float64) Value {
	return Value{low: math.Nextafter(f-slack, math.Inf(-1)), high: math.Nextafter(f+slack, math.Inf(1))}
}

// Whole is the value of a whole number, which is exact where a double is.
func Whole(f float64) Value {
	if math.Abs(f) >= exactBelow {
		return Number(f, 0)
	}
	v := Value{low: f, high: f}
	v.whole, v.exact = int64(f), f == math.Trunc(f)
	return v
}

// Integer is the value of a whole number, which is exact.
func Integer(n int64) Value {
	v := Whole(float64(n))
	v.whole, v.exact = n, true
	return v
}

// exactBelow is where doubles begin to leave out whole numbers.
const exactBelow = 1 << 53

// Useful reports whether the test can skip anything.
func (t *Predicate) Useful() bool {
	switch t.Op {
	case statement.Unknown:
		return false
	case statement.And:
		return slices.ContainsFunc(t.Of, func(p Predicate) bool { return p.Useful() })
	case statement.Or:
		return !slices.ContainsFunc(t.Of, func(p Predicate) bool { return !p.Useful() })
	}
	return true
}

// Keep says for each row group of the file whether a row of it may satisfy all of
// the tests, how many may, and how many may not for what Bloom filters say. blooms gives
// the filter of a column chunk, nil where there is none; it may be nil.
func Keep(f *footer.Footer, tests []Predicate, blooms func(group, leaf int) *footer.Bloom) (keep []bool, kept, filtered int) {
	keep = make([]bool, len(f.Meta.RowGroups))
	columns := make(map[string]column)
	for i := range keep {
		g := group{file: f, index: i, columns: columns, blooms: blooms}
		keep[i] = f.Meta.RowGroups[i].NumRows > 0 && !slices.ContainsFunc(tests, func(t Predicate) bool { return !g.may(&t) })
		switch {
		case keep[i]:
			kept++
		case g.asked:
			filtered++
		}
	}
	return keep, kept, filtered
}

// A group is a row group that is looked at.
type group struct {
	file    *footer.Footer
	index   int
	columns map[string]column // by name and path, looked up so far
	blooms  func(group, leaf int) *footer.Bloom
	asked   bool // a Bloom filter has excluded values
}

// may reports whether the test may be true of a row of the group.
func (g *group) may(t *Predicate) bool {
	switch t.Op {
	case statement.Unknown:
		return true
	case statement.And:
		return !slices.ContainsFunc(t.Of, func(p Predicate) bool { return !g.may(&p) })
	case statement.Or:
		return slices.ContainsFunc(t.Of, func(p Predicate) bool { return g.may(&p) })
	}
	name := strings.Join(append([]string{t.Column}, t.Path...), "\x00")
	c, ok := g.columns[name]
	if !ok {
		c = find(g.file, t.Column, t.Path, t.Type)
		g.columns[name] = c
	}
	switch {
	case c.absent:
		return t.Op == statement.IsNull
	case c.leaf < 0:
		return true
	}
	b := c.bounds(g.file, g.index)
	switch t.Op {
	case statement.IsNull:
		// Of a field, the count may leave out the rows that have no struct.
		return b.nulls != 0 || len(t.Path) > 0
	case statement.IsNotNull:
		return !b.allNull
	}
	if b.allNull {
		return false
	}
	if c.domain == nil {
		return true
	}
	with := slices.DeleteFunc(slices.Clone(t.With), func(v Value) bool { return !b.may(t.Op, v, c.text, c.nan) })
	if t.Op == statement.Equal || t.Op == statement.In {
		return len(with) > 0 && !g.filtered(&c, with)
	}
	return len(with) > 0
}

// A bounds is what a column chunk's statistics say.
type bounds struct {
	nulls          int64 // -1: not known
	allNull        bool
	hasMin, hasMax bool
	min, max       string  // of text
	low, high      float64 // of numbers
}

// may reports whether a value within the bounds may compare so with v.
func (b *bounds) may(op statement.Op, v Value, text, nan bool) bool {
	// under: some value may be less than v; over: greater. Each also where one may be
	// equal.
	under, over := true, true
	strict := op == statement.Less || op == statement.Greater
	if b.hasMin {
		order := compare(b.low, v.high)
		if text {
			order = strings.Compare(b.min, v.text)
		}
		under = order < 0 || order == 0 && !strict
	}
	if b.hasMax {
		order := compare(b.high, v.low)
		if text {
			order = strings.Compare(b.max, v.text)
		}
		over = order > 0 || order == 0 && !strict
	}
	switch op {
	case statement.Less, statement.LessEqual:
		return under
	case statement.Greater, statement.GreaterEqual:
		return over || nan
	case statement.Equal, statement.In:
		return under && over
	}
	return true
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
