package query

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sluice/query/executor"
	"sluice/query/presto"
	"sluice/query/syntax"
)

// mostProbes bounds how often a statement that cannot be bound is tried with a part of it
// left out, to find which part it is.
const mostProbes = 60

// A blame finds what in the user's statement an error of the executor's is about, where
// that speaks of functions which the dialect made of the user's own.
type blame struct {
	plan   *plan
	query  executor.Query
	root   syntax.Node // the statement that was run, with places of the user's
	fault  *executor.Error
	probes int
}

// blame words a Binder error for the one who wrote the statement: with the function's
// name there, its place, and Presto's names of types. The position is what is known of
// the place without it, -1 where it is not.
func (p *plan) blame(ctx context.Context, fault *executor.Error, position int, q executor.Query) *executor.Error {
	out := &executor.Error{Kind: fault.Kind, Message: presto.Readable(fault.Message), Position: position}
	if p.stmt == nil {
		return out
	}
	root, err := syntax.Decode(p.stmt.Tree())
	if err != nil {
		return out
	}
	b := &blame{plan: p, query: q, root: root, fault: fault}
	c := b.search(ctx, root, -1)
	if c == nil {
		return out
	}
	if c.position >= 0 {
		out.Position = c.position
	}
	if name, operator := presto.Called(p.sql, out.Position); name != "" && presto.Unfit(fault.Message) {
		out.Message = c.unfit(name, operator)
	}
	return out
}

// A culprit is the call that an error is about.
type culprit struct {
	position int      // of what it is a part of, in the user's statement
	types    []string // of its arguments; nil: they are not known
}

func (c *culprit) unfit(name string, operator bool) string {
	given := strings.Join(c.types, ", ")
	switch {
	case operator && c.types != nil:
		return fmt.Sprintf("'%s' cannot be applied to %s", name, given)
	case operator:
		return fmt.Sprintf("'%s' cannot be applied to these values", name)
	case c.types != nil:
		return fmt.Sprintf("Unexpected parameters (%s) for function %s", given, name)
	}
	return "Unexpected parameters for function " + name
}

// computes reports whether n is an expression that is more than a value.
func computes(n syntax.Node) bool {
	switch syntax.Text(n, "class") {
	case "FUNCTION", "WINDOW", "OPERATOR", "CAST", "CASE", "COMPARISON", "BETWEEN", "CONJUNCTION":
		return true
	}
	return false
}

// search finds the culprit below n: of the expressions without which the statement has
// another error, the first whose arguments can be bound, or the smallest. What the
// dialect put into a call of the user's stands at the place of that.
func (b *blame) search(ctx context.Context, n syntax.Node, at int) (found *culprit) {
	syntax.Children(n, func(c syntax.Node) {
		if found != nil || b.probes >= mostProbes {
			return
		}
		at := at
		if p := syntax.Position(c); p >= 0 {
			at = p
		}
		switch {
		case !computes(c):
			found = b.search(ctx, c, at)
		case b.without(ctx, c):
			types, known := b.types(ctx, c)
			for _, l := range lambdas(c) {
				if found == nil {
					found = b.search(ctx, l, at)
				}
			}
			if !known && found == nil {
				found = b.search(ctx, c, at)
			}
			if found == nil {
				found = &culprit{position: at, types: types}
			}
		}
	})
	return found
}

// lambdas are those among the arguments of a call.
func lambdas(n syntax.Node) (out []syntax.Node) {
	for _, c := range syntax.List(n, "children") {
		if c, ok := c.(syntax.Node); ok && syntax.Text(c, "class") == "LAMBDA" {
			out = append(out, c)
		}
	}
	return out
}

// without reports whether the statement has another error, or none, with NULL in the
// place of the expression wherever it stands.
func (b *blame) without(ctx context.Context, n syntax.Node) bool {
	message := b.with(ctx, n, syntax.Node{"class": "CAST", "type": "OPERATOR_CAST", "cast_type": syntax.Node{"id": "NULL"},
		"child": syntax.Node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": syntax.Node{"type": syntax.Node{"id": "NULL"}, "is_null": true}}})
	return message != b.fault.Message
}

// with is the error of the statement with another expression in the place of one; empty
// where there is none.
func (b *blame) with(ctx context.Context, n, other syntax.Node) string {
	b.probes++
	same := bare(n)
	text, err := b.plan.engine.exec.Text(ctx, syntax.Encode(replaced(b.root, same, other).(syntax.Node)))
	if err != nil {
		return b.fault.Message
	}
	q := b.query
	q.SQL = text
	_, err = attempt(b.plan, q, func(q executor.Query) ([]executor.Output, error) { return b.plan.engine.exec.Describe(ctx, q) })
	var fault *executor.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &fault) && fault.Kind != "Interrupt":
		return fault.Message
	}
	return b.fault.Message
}

// bare is what an expression is wherever it stands.
func bare(n syntax.Node) string {
	var strip func(v any) any
	strip = func(v any) any {
		switch v := v.(type) {
		case syntax.Node:
			out := make(syntax.Node, len(v))
			for k, e := range v {
				if k != "query_location" && k != "alias" {
					out[k] = strip(e)
				}
			}
			return out
		case []any:
			out := make([]any, len(v))
			for i, e := range v {
				out[i] = strip(e)
			}
			return out
		}
		return v
	}
	return string(syntax.Encode(strip(n).(syntax.Node)))
}

// replaced is a copy of a tree with another expression in the place of one.
func replaced(v any, same string, other syntax.Node) any {
	switch v := v.(type) {
	case syntax.Node:
		if computes(v) && bare(v) == same {
			out := syntax.Clone(other).(syntax.Node)
			if alias, ok := v["alias"]; ok {
				out["alias"] = alias
			}
			return out
		}
		out := make(syntax.Node, len(v))
		for k, e := range v {
			out[k] = replaced(e, same, other)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = replaced(e, same, other)
		}
		return out
	}
	return v
}

// types are those of a call's arguments, as the user wrote them.
func (b *blame) types(ctx context.Context, n syntax.Node) (types []string, known bool) {
	args := written(n)
	if len(args) == 0 {
		return nil, false
	}
	probe := presto.Probe(args)
	types, known = presto.Probed(b.with(ctx, n, probe))
	if !known { // of an aggregate they are bound as nothing else is
		within := syntax.Clone(probe).(syntax.Node)
		within["function_name"], within["children"] = "max", []any{probe}
		types, known = presto.Probed(b.with(ctx, n, within))
	}
	return types, known
}

// written are the arguments of a call but for lambdas. Those of a macro over an
// aggregate are the aggregate's.
func written(n syntax.Node) []syntax.Node {
	var out []syntax.Node
	add := func(v any) {
		c, ok := v.(syntax.Node)
		ours := syntax.Text(c, "class") == "CONSTANT" && syntax.Position(c) < 0 // put in by the dialect
		if ok && !ours && syntax.Text(c, "class") != "LAMBDA" {
			out = append(out, c)
		}
	}
	for _, key := range []string{"left", "right", "input", "lower", "upper", "child"} {
		if c := syntax.Object(n, key); c != nil {
			add(c)
		}
	}
	for _, c := range syntax.List(n, "children") {
		if c, ok := c.(syntax.Node); ok && syntax.Text(c, "class") == "FUNCTION" && syntax.Position(c) >= 0 && syntax.Position(c) == syntax.Position(n) {
			return written(c)
		}
		add(c)
	}
	return out
}
