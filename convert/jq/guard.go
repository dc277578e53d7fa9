package jq

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/itchyny/gojq"
)

// refused are functions that a program cannot have, and why.
var refused = map[string]string{
	"$ENV": hasNoEnvironment, "env": hasNoEnvironment,
	"input": hasOneInput, "inputs": hasOneInput, "input_filename": hasOneInput, "input_line_number": hasOneInput,
	"debug": hasNoOutput, "stderr": hasNoOutput, "halt": hasNoOutput, "halt_error": hasNoOutput,
	"now":           "a repeated delivery must give the same result: use $arrival, the record's arrival in seconds since 1970",
	"localtime":     hasNoZone,
	"strflocaltime": hasNoZone,
	"modulemeta":    hasNoModules, "get_search_list": hasNoModules,
	"builtins":   "it is of no use here",
	"fromstream": "it can take any amount of memory",
}

const (
	hasNoEnvironment = "a program has no environment"
	hasOneInput      = "a program has one input, the record"
	hasNoOutput      = "a program has no output but the record that it emits"
	hasNoZone        = "the result must not depend on where it runs: use gmtime or strftime"
	hasNoModules     = "a program has no modules"
)

// metered are the built-in functions that go through all of their input, or make as
// much as it holds, and how it is charged. Those that emit paths of their input
// (first, select, getpath …) are not among them: they must stand in a path as they
// are.
var metered = map[string]string{
	"length": "_touch", "keys": "_touch", "add": "_touch", "reverse": "_touch", "implode": "_touch", "setpath": "_touch", "delpaths": "_touch", "del": "_touch",
	"from_entries": "_touch", "with_entries": "_touch", "to_entries": "_touch", "join": "_touch", "test": "_touch", "ascii_downcase": "_touch", "ascii_upcase": "_touch",
	"trim": "_touch", "ltrim": "_touch", "rtrim": "_touch", "tonumber": "_touch", "format": "_charge", "strftime": "_touch", "strptime": "_touch",
	"explode": "_scan", "split": "_scan", "fromjson": "_scan",
	"match": "_touch", "capture": "_touch", "sub": "_touch", "scan": "_search", "splits": "_search", "gsub": "_search",
	"tojson": "_charge", "tostring": "_charge", "flatten": "_charge", "contains": "_charge", "inside": "_charge", "indices": "_charge", "index": "_charge", "rindex": "_charge",
	"min": "_charge", "max": "_charge", "min_by": "_charge", "max_by": "_charge", "sort": "_charge", "sort_by": "_charge", "group_by": "_charge",
	"unique": "_charge", "unique_by": "_charge", "bsearch": "_charge", "transpose": "_oblong",
}

// patterns are the functions whose first argument is a regular expression, by how
// many arguments make it one.
var patterns = map[string]int{"match": 1, "test": 1, "capture": 1, "scan": 1, "splits": 1, "split": 2, "sub": 2, "gsub": 2}

// guard checks a program, and rewrites it so that what it does is metered.
func guard(q *gojq.Query) (*gojq.Query, error) {
	g := &guarder{own: map[string]bool{}}
	if q.Term == nil && q.Op == 0 {
		return nil, errors.New("the program is empty; write . for records as they are")
	}
	g.each(reflect.ValueOf(q), g.define)
	g.each(reflect.ValueOf(q), g.check)
	if g.err != nil {
		return nil, g.err
	}
	g.each(reflect.ValueOf(q), g.meter)
	return q, nil
}

type guarder struct {
	own map[string]bool // names that the program defines itself
	err error           // the first
}

// each calls f for every node of a syntax tree, children before their parents.
func (g *guarder) each(v reflect.Value, f func(any)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			g.each(v.Elem(), f)
			f(v.Interface())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			g.each(v.Field(i), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			g.each(v.Index(i), f)
		}
	}
}

func (g *guarder) define(node any) {
	if d, ok := node.(*gojq.FuncDef); ok {
		g.own[d.Name] = true
		for _, arg := range d.Args {
			g.own[arg] = true
		}
	}
}

func (g *guarder) refuse(format string, args ...any) {
	if g.err == nil {
		g.err = fmt.Errorf(format, args...)
	}
}

// check refuses what a program cannot have.
func (g *guarder) check(node any) {
	switch n := node.(type) {
	case *gojq.Import:
		g.refuse("import and include cannot be used: %s", hasNoModules)
	case *gojq.FuncDef:
		for _, name := range append([]string{n.Name}, n.Args...) {
			if name[0] == '_' || refused[name] != "" {
				g.refuse("def %s: the name %s is taken", n.Name, name)
			}
		}
	case *gojq.Func:
		switch why := refused[n.Name]; {
		case g.own[n.Name]:
		case why != "":
			g.refuse("%s cannot be used: %s", n.Name, why)
		case n.Name[0] == '_':
			g.refuse("function not defined: %s/%d", n.Name, len(n.Args))
		case patterns[n.Name] > 0 && len(n.Args) >= patterns[n.Name]:
			g.literal(n, 0)
			if n.Name != "sub" && n.Name != "gsub" {
				g.literal(n, 1)
			}
			g.literal(n, 2)
		}
	}
}

// literal refuses a pattern, or its flags, that is computed.
func (g *guarder) literal(f *gojq.Func, arg int) {
	if arg >= len(f.Args) {
		return
	}
	if t := f.Args[arg].Term; t == nil || len(t.SuffixList) > 0 || t.Type != gojq.TermTypeNull && (t.Type != gojq.TermTypeString || t.Str == nil || len(t.Str.Queries) > 0) {
		g.refuse("the pattern of %s and its flags must be literals, such as %s(\"^a+$\")", f.Name, f.Name)
	}
}

// meter rewrites a node.
func (g *guarder) meter(node any) {
	switch n := node.(type) {
	case *gojq.Index:
		if !n.IsSlice && n.Start != nil && !(n.Start.Term != nil && n.Start.Term.Type == gojq.TermTypeNumber && len(n.Start.Term.Number) < 6) {
			n.Start = pipe(n.Start, call("_index_in_bounds"))
		}
	case *gojq.Func:
		switch {
		case g.own[n.Name] || len(n.Args) == 0:
		case n.Name == "setpath" || n.Name == "getpath":
			n.Args[0] = pipe(n.Args[0], call("_path_in_bounds"))
		case n.Name == "sub" || n.Name == "gsub":
			n.Args[1] = pipe(n.Args[1], call("_touch"))
		}
	case *gojq.Query:
		defs := n.FuncDefs
		n.FuncDefs = nil
		*n = *query(g, &gojq.Query{Meta: n.Meta, Imports: n.Imports, Term: n.Term, Left: n.Left, Right: n.Right, Patterns: n.Patterns, Op: n.Op})
		n.FuncDefs = defs
	}
}

// query is what a query becomes; its parts have been rewritten.
func query(g *guarder, q *gojq.Query) *gojq.Query {
	switch q.Op {
	case 0:
		return g.term(q)
	case gojq.OpMul:
		return pipe(call("_factors", q.Left, q.Right), parsed(".[0] * .[1] | _touch"))
	case gojq.OpAdd, gojq.OpSub, gojq.OpDiv, gojq.OpMod:
		return pipe(operator(q, "_touch"), call("_touch"))
	case gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe:
		return operator(q, "_charge")
	case gojq.OpUpdateAdd, gojq.OpUpdateSub, gojq.OpUpdateMul, gojq.OpUpdateDiv, gojq.OpUpdateMod:
		// As in jq's manual: the right side is of the whole input.
		value := query(g, &gojq.Query{Left: parsed("."), Op: q.Op - gojq.OpUpdateAdd + gojq.OpAdd, Right: parsed("$__sluice")})
		bound := pipe(q.Right, &gojq.Query{Left: q.Left, Op: gojq.OpModify, Right: value})
		bound.Patterns = []*gojq.Pattern{{Name: "$__sluice"}}
		return bound
	}
	return q
}

// operator charges both operands.
func operator(q *gojq.Query, charge string) *gojq.Query {
	return &gojq.Query{Left: pipe(q.Left, call(charge)), Op: q.Op, Right: pipe(q.Right, call(charge))}
}

// term charges what a built-in function or a text with interpolations takes and
// makes.
func (g *guarder) term(q *gojq.Query) *gojq.Query {
	t := q.Term
	if t == nil {
		return q
	}
	before := ""
	switch t.Type {
	case gojq.TermTypeFunc:
		if before = metered[t.Func.Name]; before == "" || g.own[t.Func.Name] {
			return q
		}
		if global(t.Func) {
			before = "_search"
		}
		if t.Func.Name == "join" && len(t.Func.Args) == 1 {
			return separated(t)
		}
	case gojq.TermTypeFormat:
		before = "_charge"
	case gojq.TermTypeString:
		if t.Str == nil || len(t.Str.Queries) == 0 {
			return q
		}
		before = "_touch"
	default:
		return q
	}
	return pipe(call(before), pipe(&gojq.Query{Term: t}, call("_touch")))
}

// separated charges a join, whose separator may be long too.
func separated(t *gojq.Term) *gojq.Query {
	separator := t.Func.Args[0]
	join := *t
	join.Func = &gojq.Func{Name: t.Func.Name, Args: []*gojq.Query{parsed("$__sluice")}}
	q := pipe(separator, pipe(parsed("_separated($__sluice)"), pipe(&gojq.Query{Term: &join}, call("_touch"))))
	q.Patterns = []*gojq.Pattern{{Name: "$__sluice"}}
	return q
}

// global reports whether a function looks for all matches of a regular expression.
func global(f *gojq.Func) bool {
	if patterns[f.Name] == 0 || len(f.Args) < patterns[f.Name] {
		return false
	}
	if f.Name == "split" {
		return true
	}
	flags := f.Args[len(f.Args)-1].Term // where there are no flags this is the pattern
	return len(f.Args) > patterns[f.Name] && flags.Str != nil && strings.Contains(flags.Str.Str, "g")
}

func pipe(a, b *gojq.Query) *gojq.Query { return &gojq.Query{Left: a, Op: gojq.OpPipe, Right: b} }

func call(name string, args ...*gojq.Query) *gojq.Query {
	return &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}}}
}

func parsed(source string) *gojq.Query {
	q, err := gojq.Parse(source)
	if err != nil {
		panic("BUG: " + source + ": " + err.Error())
	}
	return q
}
