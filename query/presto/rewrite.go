package presto

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"sluice/query/syntax"
)

// A Query is a statement of DuckDB's that means what one of Presto's does.
type Query struct {
	Tree []byte
	// Variants is how many ways there are to take the statement, at least 1: what
	// is a map and what is an array is not known before DuckDB binds the statement,
	// which fails for all but one.
	Variants int

	// Shown are the columns of the answer whose types say more than DuckDB's.
	Shown []Shown

	macros  []string
	choices []choice
}

// Shown says how a column of the answer is to be shown.
type Shown struct {
	Column int    // its place, from 0 on; -1: it is found by its name
	Name   string // in any case
	Type   string // Presto's; empty where it is not known otherwise
	Zone   string // of a timestamp with time zone: in which its instants are shown
}

// A choice is between the two definitions of a macro.
type choice struct{ name, likely, other string }

// most is how many choices a statement may leave open.
const most = 4

// Setup are the statements that make the macros which the query needs, taken in
// the given way.
func (q *Query) Setup(variant int) []string {
	var own, needs []string
	for i, c := range q.choices {
		body := c.likely
		if variant>>i&1 == 1 {
			body = c.other
		}
		own = append(own, "CREATE MACRO "+c.name+"(x) AS "+body)
		needs = append(needs, calls.FindAllString(body, -1)...)
	}
	return append(definitions(append(slices.Clone(q.macros), needs...)), own...)
}

// Rewrite makes the tree of the statement that DuckDB is to run. Positions in it
// are the statement's, by original. Columns are those of a table, by its name as
// written; nil of one that is not known. An *Error says what is not supported.
func Rewrite(tree []byte, original func(int) int, columns func(parts []string) []Column) (*Query, error) {
	root, err := syntax.Decode(tree)
	if err != nil {
		return nil, fmt.Errorf("read syntax tree: %w", err)
	}
	relocate(root, original)
	r := &rewriter{macros: make(map[string]bool), columns: columns}
	var shown []Shown
	for _, s := range syntax.List(root, "statements") {
		if s, ok := s.(node); ok {
			shown = showing(r.query(syntax.Object(s, "node")))
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	unmark(root)
	if len(r.choices) > most {
		return nil, refuse(-1, "the statement leaves open of more than %d expressions whether they are arrays or maps; use cardinality(map_keys(m)) for maps", most)
	}
	return &Query{Tree: syntax.Encode(root), Variants: 1 << len(r.choices), Shown: shown, macros: slices.Sorted(maps.Keys(r.macros)), choices: r.choices}, nil
}

// showing is what is to be said of a query's columns.
func showing(out outputs) []Shown {
	var shown []Shown
	for i, c := range out.columns {
		if c.mark == nil {
			continue
		}
		s := Shown{Column: i, Name: c.name}
		if out.open {
			s.Column = -1
		}
		if c.mark.char > 0 {
			s.Type = fmt.Sprintf("char(%d)", c.mark.char)
		}
		s.Zone, _ = constantText(c.mark.zone)
		shown = append(shown, s)
	}
	return shown
}

func relocate(n node, original func(int) int) {
	if at := syntax.Position(n); at >= 0 {
		n["query_location"] = json.Number(strconv.Itoa(original(at)))
	}
	syntax.Children(n, func(c node) { relocate(c, original) })
}

type rewriter struct {
	err     error // the first
	macros  map[string]bool
	choices []choice
	chosen  map[string]string // macros of choices, by their arguments
	scope   *scope
	columns func(parts []string) []Column
}

func (r *rewriter) fail(n node, format string, args ...any) {
	if r.err == nil {
		r.err = refuse(somewhere(n), format, args...)
	}
}

// macro is a call of a macro. A macro may use an argument many times, and calls
// within calls would grow with the power of their depth: so where that is
// much, an argument is given by way of a lambda, which computes it once.
func (r *rewriter) macro(name string, args ...node) node {
	if _, ok := macros[name]; !ok {
		panic("BUG: there is no macro " + name)
	}
	r.macros[name] = true
	var once []node
	// Equal expressions get equal names, so that GROUP BY finds them.
	depth := 0
	for _, a := range args {
		depth = max(depth, lets(a))
	}
	parameter := fmt.Sprintf("%sv%d", prefix, depth)
	for i, a := range args {
		if e := expansion(a); e > 1 && e*weight(name) > heavy {
			once = append(once, a)
			args[i] = call("struct_extract_at", column(parameter), integer(len(once)))
		}
	}
	if len(once) == 0 {
		return call(name, args...)
	}
	return let(parameter, call("row", once...), call(name, args...))
}

// lets is one more than the highest number of a lambda of macro's in n, 0 without.
func lets(n node) int {
	most := 0
	if class(n) == "LAMBDA" {
		if names := syntax.List(syntax.Object(n, "lhs"), "column_names"); len(names) == 1 {
			name, _ := names[0].(string)
			if i, err := strconv.Atoi(strings.TrimPrefix(name, prefix+"v")); err == nil && strings.HasPrefix(name, prefix+"v") {
				most = i + 1
			}
		}
	}
	syntax.Children(n, func(c node) { most = max(most, lets(c)) })
	return most
}

// let is an expression in which a value has a name.
func let(name string, value, in node) node {
	return call("list_extract", call("list_transform", call("list_value", value), lambda(name, in)), integer(1))
}

// heavy is how many copies of a small expression a call may expand to.
const heavy = 128

// expansion bounds the copies of what is deepest in n.
func expansion(n node) int {
	most := 1
	syntax.Children(n, func(c node) { most = max(most, expansion(c)) })
	if name := syntax.Text(n, "function_name"); class(n) == "FUNCTION" && strings.HasPrefix(name, prefix) {
		return min(most*weight(name), 1<<20)
	}
	return most
}

// choose is a call of a macro with two definitions, over x.
func (r *rewriter) choose(arg node, likely, other string) node {
	bare := copied(arg)
	unmark(bare)
	relocate(bare, func(int) int { return 0 })
	key := likely + string(syntax.Encode(bare))
	name := r.chosen[key]
	if name == "" {
		name = fmt.Sprintf("%schoice_%d", prefix, len(r.choices))
		if r.chosen == nil {
			r.chosen = make(map[string]string)
		}
		r.chosen[key] = name
		r.choices = append(r.choices, choice{name: name, likely: likely, other: other})
	}
	return call(name, arg)
}

func (r *rewriter) below(n node) { syntax.Children(n, r.visit) }

// visit rewrites n and what is below it.
func (r *rewriter) visit(n node) {
	if r.err != nil {
		return
	}
	switch class(n) {
	case "FUNCTION":
		r.function(n)
		return
	case "WINDOW":
		r.window(n)
		return
	case "CAST":
		t := castKind(n)
		r.cast(n)
		is(n, t)
		return
	case "OPERATOR":
		r.operator(n)
		return
	case "CONSTANT":
		// DuckDB prints a double such as 1e0 as 1.0, which it reads as a decimal.
		if v := syntax.Object(n, "value"); syntax.Text(syntax.Object(v, "type"), "id") == "DOUBLE" && v["is_null"] != true {
			become(n, cast(literal(fmt.Sprint(v["value"])), "DOUBLE"))
			is(n, double)
			return
		}
		is(n, constantKind(n))
		return
	case "COLUMN_REF":
		if names := syntax.List(n, "column_names"); len(names) == 1 && unknownHere[names[0]] {
			r.fail(n, "%s is not supported", names[0])
		}
		c := r.lookup(n)
		r.keep(n, c.mark)
		is(n, c.kind)
		return
	case "LAMBDA":
		r.lambda(n)
		return
	case "CASE":
		r.below(n)
		is(n, alike(branches(n)))
		r.keep(n, r.common(n, branches(n)))
		return
	case "COMPARISON", "BETWEEN":
		r.below(n)
		for _, side := range []string{"left", "right", "input", "lower", "upper"} {
			r.sure(syntax.Object(n, side))
		}
		r.unpadded(n, "left", "right", "input", "lower", "upper")
		if class(n) == "COMPARISON" && r.err == nil {
			r.compare(n)
		}
		return
	case "SUBQUERY":
		r.subquery(n)
		return
	}
	switch syntax.Text(n, "type") {
	case "SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE":
		r.query(n)
		return
	case "PIVOT":
		r.fail(n, "PIVOT is not Presto's; use sum(x) FILTER (WHERE …)")
		return
	}
	r.below(n)
}

func (r *rewriter) operator(n node) {
	r.below(n)
	if r.err != nil {
		return
	}
	args := arguments(n)
	if r.sure(args...); r.err != nil {
		return
	}
	switch syntax.Text(n, "type") {
	case "OPERATOR_COALESCE", "OPERATOR_TRY":
		is(n, alike(args))
		r.keep(n, r.common(n, args))
	case "COMPARE_IN", "COMPARE_NOT_IN":
		if r.inNested(n, args) {
			return
		}
		children := syntax.List(n, "children")
		for i, c := range r.unpaddedAll(args) {
			children[i] = c
		}
	case "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_NOT":
	default:
		r.settleAll(args)
		for _, a := range args {
			if markOf(a) != nil {
				r.fail(n, "a timestamp with a time zone other than UTC, or a char(n), is not supported within another value; cast it to timestamp or varchar")
			}
		}
	}
	switch syntax.Text(n, "type") {
	case "ARRAY_EXTRACT":
		if len(args) == 2 && nameOf(kindOf(args[0])) == "row" && whole(args[1]) {
			at := fmt.Sprint(syntax.Object(args[1], "value")["value"])
			become(n, r.choose(args[0], "presto_field(x, "+at+")", "struct_extract_at(x, "+at+")")) // without names, and with
		} else if len(args) == 2 {
			become(n, r.macro("presto_subscript", args[0], args[1]))
		}
	case "ARRAY_CONSTRUCTOR":
		is(n, arrays)
	case "GROUPING_FUNCTION":
		become(n, cast(n, "INTEGER"))
	case "ARRAY_SLICE":
		r.fail(n, "a[from:to] is not Presto's; use slice(a, start, length)")
	}
}

// function rewrites a call or the use of an operator.
func (r *rewriter) function(n node) {
	name := strings.ToLower(syntax.Text(n, "function_name"))
	if interval, _ := intervalOf(n); interval && (n["is_operator"] == true || literalInterval(n)) {
		if n["is_operator"] == true {
			r.below(n)
			r.scaledInterval(n, name)
		}
		return
	}
	if n["is_operator"] != true && strings.HasPrefix(name, prefix) {
		if !r.macros[name] {
			r.fail(n, "there is no function %s in Presto", name)
			return
		}
		r.below(n)
		return
	}
	r.below(n)
	if r.err != nil {
		return
	}
	if n["distinct"] == true {
		for _, a := range arguments(n) {
			r.orderMap(a)
		}
	}
	t := r.result(n, name)
	r.marked(n, name, func() {
		if n["is_operator"] == true {
			r.infix(n, name)
			return
		}
		r.apply(n, name)
	})
	if t != nil {
		is(n, t)
	}
}

// marked does what a call does with arguments that have a mark, and then else.
func (r *rewriter) marked(n node, name string, then func()) {
	if r.sure(arguments(n)...); r.err != nil {
		return
	}
	keep, done := r.zones(n, name)
	if !done && r.err == nil && keep == nil {
		keep = r.chars(n, name)
	}
	if done || r.err != nil {
		return
	}
	then()
	r.keep(n, keep)
}

// literalInterval reports whether a call is what INTERVAL '1' DAY was made.
func literalInterval(n node) bool {
	args := arguments(n)
	if len(args) != 1 || class(args[0]) != "CAST" {
		return false
	}
	_, ok := constantText(syntax.Object(args[0], "child"))
	inner := syntax.Object(args[0], "child")
	return ok || syntax.Text(inner, "function_name") == "trunc"
}

// infix rewrites an operator.
func (r *rewriter) infix(n node, name string) {
	args := arguments(n)
	if len(args) == 1 {
		if name != "-" && name != "+" {
			r.fail(n, "the operator %s is not Presto's", name)
		}
		if t := kindOf(args[0]); t.isDecimal() {
			n["children"] = []any{t.as(args[0])}
		}
		return
	}
	if len(args) != 2 || r.arithmetic(n, name, args) {
		return
	}
	li, ldays := intervalOf(args[0])
	ri, rdays := intervalOf(args[1])
	switch name {
	case "+":
		if ri && !li {
			become(n, r.macro("presto_date_plus", args[0], args[1], truth(rdays)))
		} else if li && !ri {
			become(n, r.macro("presto_date_plus", args[1], args[0], truth(ldays)))
		}
	case "-":
		switch {
		case ri && !li:
			become(n, r.macro("presto_date_minus", args[0], args[1], truth(rdays)))
		case isDate(args[0]) && !li && !ri || isDate(args[1]) && !li && !ri:
			n["children"] = []any{cast(args[0], "TIMESTAMP"), cast(args[1], "TIMESTAMP")}
		case !li && !isNumber(args[0]) && !isNumber(args[1]):
			become(n, r.macro("presto_minus", args[0], args[1]))
		}
	case "/":
		if isNumber(args[0]) && isNumber(args[1]) && whole(args[0]) && whole(args[1]) && fmt.Sprint(syntax.Object(args[1], "value")["value"]) != "0" {
			n["function_name"] = "//"
			return
		}
		become(n, r.macro("presto_divide", args[0], args[1]))
	case "%":
		become(n, r.macro("presto_mod", args[0], args[1]))
	case "*", "||", "~~", "!~~":
	default:
		r.fail(n, "the operator %s is not Presto's%s", name, operatorHints[name])
	}
}

// whole reports whether a constant number is an integer or a bigint.
func whole(n node) bool {
	id := syntax.Text(syntax.Object(syntax.Object(n, "value"), "type"), "id")
	return id == "INTEGER" || id == "BIGINT"
}

var operatorHints = map[string]string{
	"^": "; use power(x, y)", "**": "; use power(x, y)", "//": "; / of whole numbers gives a whole number", "&": "; use bitwise_and(x, y)",
	"|": "; use bitwise_or(x, y)", "~": "; use regexp_like(x, pattern)", "~~*": " (ILIKE); use lower(x) LIKE …", "!~~*": " (NOT ILIKE); use lower(x) NOT LIKE …",
	"<<": "; use bitwise functions", ">>": "; use bitwise functions", "->": "; use json_extract", "->>": "; use json_extract_scalar",
}

// window rewrites a call with OVER.
func (r *rewriter) window(n node) {
	r.below(n)
	if r.err == nil {
		name := strings.ToLower(syntax.Text(n, "function_name"))
		t := r.result(n, name)
		if otherwise := syntax.Object(n, "default_expr"); otherwise != nil && len(arguments(n)) > 0 {
			t = widened(arguments(n)[0], otherwise)
		}
		r.marked(n, name, func() { r.apply(n, name) })
		if t != nil {
			is(n, t)
		}
	}
}
