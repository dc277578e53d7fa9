package statement

import (
	"encoding/json"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/syntax"
)

// outputs are the columns that a query or a table gives, from the first on as far as
// they are known.
type outputs struct {
	list  []output
	whole bool // there are no others
}

type output struct {
	name   string
	column string    // of a table: its name there
	expr   node      // of a SELECT: what it is, with places; nil where that is not known
	typ    lake.Type // KindNone where it is not known
}

// find is the number of the column of a name, which where two have it is the first's;
// -1 where it is not known.
func (o outputs) find(name string) int {
	return slices.IndexFunc(o.list, func(c output) bool { return c.name != "" && strings.EqualFold(c.name, name) })
}

// renamed are the columns under other names, as far as there are some.
func (o outputs) renamed(names []any) outputs {
	if len(names) == 0 {
		return o
	}
	list := slices.Clone(o.list)
	for i, n := range names[:min(len(names), len(list))] {
		list[i].name, _ = n.(string)
	}
	return outputs{list: list, whole: o.whole}
}

func (p *pusher) tableOutputs(t *Table) (o outputs) {
	columns, ok := p.schema.Columns(t)
	if !ok {
		return outputs{}
	}
	for _, c := range columns {
		o.list = append(o.list, output{name: c.Name, column: c.Name, typ: c.Type})
	}
	o.whole = true
	return o
}

// outputs are a query's.
func (p *pusher) outputs(n node, scope *cte) outputs {
	if n == nil {
		return outputs{}
	}
	if o, ok := p.known[pointer(n)]; ok {
		return o
	}
	p.known[pointer(n)] = outputs{} // of what is made of itself nothing is known
	var o outputs
	inner := define(n, scope)
	switch syntax.Text(n, "type") {
	case "SELECT_NODE":
		o = p.selectOutputs(n, p.from(n, inner))
	case "SET_OPERATION_NODE":
		o = p.setOutputs(n, inner)
	}
	p.known[pointer(n)] = o
	return o
}

func (p *pusher) selectOutputs(n node, f *pushFrom) (o outputs) {
	for _, e := range syntax.List(n, "select_list") {
		item, _ := e.(node)
		if syntax.Text(item, "class") == "STAR" {
			if !f.star(item, &o) {
				return o
			}
			continue
		}
		several := false
		every(item, func(n node) {
			several = several || syntax.Text(n, "class") == "STAR" || strings.EqualFold(syntax.Text(n, "function_name"), "unnest")
		})
		if several {
			return o
		}
		out := output{name: syntax.Text(item, "alias")}
		if parts := names(item); syntax.Text(item, "class") == "COLUMN_REF" && out.name == "" && len(parts) > 0 {
			out.name = parts[len(parts)-1]
		}
		if expr, ok := f.place(item); ok {
			out.expr = expr
			if k, is := placed(expr); is {
				out.typ = f.items[k.item].outputs.list[k.column].typ
			}
		}
		o.list = append(o.list, out)
	}
	o.whole = true
	return o
}

// star adds what a * stands for; false where that is not all known.
func (f *pushFrom) star(n node, o *outputs) bool {
	for _, key := range []string{"exclude_list", "replace_list", "rename_list", "qualified_exclude_list"} {
		if list, isList := n[key].([]any); n[key] != nil && (!isList || len(list) > 0) {
			return false
		}
	}
	if n["expr"] != nil || n["columns"] == true || f.merged {
		return false
	}
	of := syntax.Text(n, "relation_name")
	found := false
	for i, item := range f.items {
		if of != "" && !strings.EqualFold(of, item.alias) {
			continue
		}
		found = true
		for k, c := range item.outputs.list {
			o.list = append(o.list, output{name: c.name, expr: placeNode(place{i, k}), typ: c.typ})
		}
		if !item.outputs.whole {
			return false
		}
	}
	return found
}

func (p *pusher) setOutputs(n node, scope *cte) outputs {
	left, right := p.outputs(syntax.Object(n, "left"), scope), p.outputs(syntax.Object(n, "right"), scope)
	o := outputs{whole: left.whole}
	for i, c := range left.list {
		c.expr, c.column = nil, ""
		if i >= len(right.list) || right.list[i].typ.String() != c.typ.String() {
			c.typ = lake.Type{}
		}
		o.list = append(o.list, c)
	}
	return o
}

// throughSet is what is said of a set operation's columns, where it is true of both
// sides' alike.
func (p *pusher) throughSet(n node, said []node, scope *cte) (out []node) {
	if typ := syntax.Text(n, "setop_type"); typ != "UNION" && typ != "EXCEPT" && typ != "INTERSECT" || cuts(n) {
		return nil
	}
	o := p.outputs(n, scope)
	right := p.outputs(syntax.Object(n, "right"), scope)
	for _, c := range said {
		if !slices.ContainsFunc(places(c), func(k place) bool {
			return k.column >= len(o.list) || k.column >= len(right.list) || o.list[k.column].typ.Kind == lake.KindNone
		}) {
			out = append(out, c)
		}
	}
	return out
}

// cuts reports whether which rows a query gives depends on the others.
func cuts(n node) bool {
	for _, m := range syntax.List(n, "modifiers") {
		modifier, _ := m.(node)
		switch syntax.Text(modifier, "type") {
		case "ORDER_MODIFIER":
		case "DISTINCT_MODIFIER":
			if len(syntax.List(modifier, "distinct_on_targets")) > 0 {
				return true
			}
		default:
			return true
		}
	}
	return n["sample"] != nil
}

// throughSelect is what is said of a SELECT's columns in terms of what is in FROM,
// where it can be said before the rows are grouped.
func (p *pusher) throughSelect(n node, said []node, f *pushFrom) (out []node) {
	if len(said) == 0 || cuts(n) || syntax.Text(n, "aggregate_handling") != "STANDARD_HANDLING" {
		return nil
	}
	o := p.selectOutputs(n, f)
	within, ok := p.keys(n, f, o)
	if !ok {
		return nil
	}
	for _, c := range said {
		pushed := replace(c, func(k place) node {
			if k.column >= len(o.list) || o.list[k.column].expr == nil {
				return nil
			}
			expr := o.list[k.column].expr
			key := string(syntax.Encode(expr))
			if slices.ContainsFunc(within, func(keys []string) bool { return !slices.Contains(keys, key) }) {
				return nil
			}
			return expr
		})
		if pushed != nil {
			out = append(out, pushed)
		}
	}
	return out
}

// keys are sets of expressions: a condition may go below where it is of such that are
// in all of them. Not ok: none may.
func (p *pusher) keys(n node, f *pushFrom, o outputs) (within [][]string, ok bool) {
	groups := syntax.List(n, "group_expressions")
	if len(groups) > 0 || n["group_sets"] != nil && len(syntax.List(n, "group_sets")) > 0 {
		if len(groups) == 0 || len(syntax.List(n, "group_sets")) > 1 {
			return nil, false
		}
		within = append(within, f.groups(groups, o))
	} else if n["having"] != nil || !p.schema.Scalar(functions(node{"select_list": n["select_list"]})) {
		return nil, false // it may be an aggregate of all rows
	}
	every(node{"select_list": n["select_list"], "qualify": n["qualify"], "modifiers": n["modifiers"]}, func(w node) {
		if syntax.Text(w, "class") != "WINDOW" {
			return
		}
		var keys []string
		for _, e := range syntax.List(w, "partitions") {
			if expr, _ := e.(node); expr != nil {
				if placed, ok := f.place(expr); ok {
					keys = append(keys, string(syntax.Encode(placed)))
				}
			}
		}
		within = append(within, keys)
	})
	return within, true
}

// ofGroups are the conjuncts of HAVING that are made of what a SELECT groups by: rows that
// fail them are of groups that fail them. A name that something else in the SELECT has too
// is not taken for a column.
func (p *pusher) ofGroups(n node, f *pushFrom) (out []node) {
	groups := syntax.List(n, "group_expressions")
	having := syntax.Object(n, "having")
	if having == nil || len(groups) == 0 || len(syntax.List(n, "group_sets")) > 1 || n["sample"] != nil || syntax.Text(n, "aggregate_handling") != "STANDARD_HANDLING" {
		return nil
	}
	keys := f.groups(groups, p.selectOutputs(n, f))
	for _, c := range conjuncts([]node{having}) {
		r, ok := f.place(c)
		if ok && made(r, keys) && !f.aliased(n, c) && p.schema.Scalar(functions(c)) {
			out = append(out, r)
		}
	}
	return out
}

// made reports whether all columns in an expression are in one of those, or are it.
func made(n node, of []string) bool {
	if slices.Contains(of, string(syntax.Encode(n))) {
		return true
	}
	if _, is := placed(n); is {
		return false
	}
	all := true
	syntax.Children(n, func(c node) { all = all && made(c, of) })
	return all
}

// aliased reports whether a name in an expression is what a SELECT calls another one.
func (f *pushFrom) aliased(query, expression node) (found bool) {
	every(expression, func(n node) {
		parts := names(n)
		if syntax.Text(n, "class") != "COLUMN_REF" || len(parts) == 0 {
			return
		}
		for _, e := range syntax.List(query, "select_list") {
			item, _ := e.(node)
			if strings.EqualFold(syntax.Text(item, "alias"), parts[0]) {
				a, ok1 := f.place(item)
				b, ok2 := f.place(n)
				found = found || !ok1 || !ok2 || string(syntax.Encode(a)) != string(syntax.Encode(b))
			}
		}
	})
	return found
}

// groups are what a SELECT groups by: a number or a name may stand for one of its
// columns.
func (f *pushFrom) groups(list []any, o outputs) (keys []string) {
	for _, e := range list {
		expr, _ := e.(node)
		if syntax.Text(expr, "class") == "CONSTANT" {
			number, _ := syntax.Object(expr, "value")["value"].(json.Number)
			if i, err := number.Int64(); err == nil && i >= 1 && int(i) <= len(o.list) && o.list[i-1].expr != nil {
				keys = append(keys, string(syntax.Encode(o.list[i-1].expr)))
			}
			continue
		}
		placed, ok := f.place(expr)
		if parts := names(expr); !ok && syntax.Text(expr, "class") == "COLUMN_REF" && len(parts) == 1 {
			if i := o.find(parts[0]); i >= 0 && o.list[i].expr != nil {
				placed, ok = o.list[i].expr, true
			}
		}
		if ok {
			keys = append(keys, string(syntax.Encode(placed)))
		}
	}
	return keys
}

// functions are those called in an expression, outside of windows and of subqueries.
func functions(n node) (all []string) {
	switch class := syntax.Text(n, "class"); {
	case class == "WINDOW" || nodeTypes[syntax.Text(n, "type")]:
		return nil
	case class == "FUNCTION":
		all = append(all, strings.ToLower(syntax.Text(n, "function_name")))
	}
	syntax.Children(n, func(c node) { all = append(all, functions(c)...) })
	return all
}
