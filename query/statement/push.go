package statement

import (
	"maps"
	"reflect"
	"strings"

	"sluice/internal/lake"
	"sluice/query/syntax"
)

// A Schema is what Push has to know of tables and functions.
type Schema interface {
	// Columns are the table's as * stands for them; not ok where that is not known.
	Columns(t *Table) (columns []lake.Column, ok bool)
	// Scalar reports whether all of the functions are scalar, and give the same answer
	// to the same arguments.
	Scalar(functions []string) bool
}

// Push finds conditions of tables that are said elsewhere: outside of the subquery, the
// view or the common table expression in which the table stands, of a column that an
// inner join holds equal to one of the table's, or without the table's name. What it
// adds holds for all rows that count, as the package says, but is not to be dropped
// from where it was said.
//
// A condition goes down where each row that fails it would fail it above: not below
// LIMIT, DISTINCT ON, a sample or an aggregate that it is not a group of, not below a
// window that is not partitioned by it, and below a set operation only where all sides
// have the same type. A common table expression gets what all places say that name it,
// one or the other; a recursive one nothing.
func (s *Statement) Push(schema Schema) {
	p := &pusher{statement: s, schema: schema, known: make(map[uintptr]outputs)}
	first, _ := syntax.List(s.root, "statements")[0].(node)
	p.below(first, nil, nil)
}

// A pusher pushes. Within it the columns of conditions and expressions are places: the
// number of an item of FROM and of a column of it.
type pusher struct {
	statement *Statement
	schema    Schema
	known     map[uintptr]outputs // of queries
}

// A cte is a common table expression and what is said where it is named.
type cte struct {
	name    string
	query   node
	aliases []any
	said    [][]node // for each place that names it
	outer   *cte     // what it sees
}

func (c *cte) find(name string) *cte {
	for ; c != nil; c = c.outer {
		if strings.EqualFold(c.name, name) {
			return c
		}
	}
	return nil
}

func pointer(n node) uintptr { return reflect.ValueOf(n).Pointer() }

// define is the scope within a query.
func define(n node, outer *cte) *cte {
	for _, e := range syntax.List(syntax.Object(n, "cte_map"), "map") {
		entry, _ := e.(node)
		value := syntax.Object(entry, "value")
		outer = &cte{name: syntax.Text(entry, "key"), query: syntax.Object(syntax.Object(value, "query"), "node"),
			aliases: syntax.List(value, "aliases"), outer: outer}
	}
	return outer
}

// query pushes what is said of a query's columns into it. Common table expressions come
// last, when all that name them were seen.
func (p *pusher) query(n node, said []node, scope *cte) {
	inner := define(n, scope)
	switch syntax.Text(n, "type") {
	case "SELECT_NODE":
		p.selection(n, said, inner)
	case "SET_OPERATION_NODE":
		said = p.throughSet(n, said, inner)
		p.query(syntax.Object(n, "left"), said, inner)
		p.query(syntax.Object(n, "right"), said, inner)
		p.below(syntax.Node{"modifiers": n["modifiers"]}, inner, nil)
	default:
		p.below(n, inner, nil)
	}
	for c := inner; c != scope; c = c.outer {
		if c.query != nil {
			p.query(c.query, either(c.said), c.outer)
		}
	}
}

// below pushes into the queries below a node but for those that were, with nothing said.
func (p *pusher) below(n node, scope *cte, done map[uintptr]bool) {
	ctes := syntax.Object(n, "cte_map")
	syntax.Children(n, func(c node) {
		switch {
		case same(c, ctes) || done[pointer(c)]:
		case nodeTypes[syntax.Text(c, "type")]:
			p.query(c, nil, scope)
		default:
			if syntax.Text(c, "type") == "BASE_TABLE" && p.statement.lookup(c) == nil {
				if e := scope.find(syntax.Text(c, "table_name")); e != nil {
					e.said = append(e.said, nil) // its rows are read, and who knows which
				}
			}
			p.below(c, scope, done)
		}
	})
}

// either is what is said at one place or another.
func either(said [][]node) []node {
	switch len(said) {
	case 0:
		return nil
	case 1:
		return said[0]
	}
	var places []any
	for _, all := range said {
		if len(all) == 0 {
			return nil
		}
		var and []any
		for _, n := range all {
			and = append(and, syntax.Clone(n))
		}
		if len(and) == 1 {
			places = append(places, and[0])
			continue
		}
		places = append(places, node{"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": and})
	}
	return []node{{"class": "CONJUNCTION", "type": "CONJUNCTION_OR", "children": places}}
}

// selection pushes into what stands in FROM what is said of a SELECT, in its WHERE and
// in its joins.
func (p *pusher) selection(n node, said []node, scope *cte) {
	f := p.from(n, scope)
	all := p.throughSelect(n, said, f)
	if w := syntax.Object(n, "where_clause"); w != nil && n["sample"] == nil {
		for _, c := range conjuncts([]node{w}) {
			if r, ok := f.place(c); ok {
				all = append(all, r)
			}
		}
	}
	all = append(all, p.ofGroups(n, f)...)
	done := make(map[uintptr]bool)
	for i, c := range f.distribute(all) {
		item := &f.items[i]
		switch {
		case item.table != nil:
			p.give(item, c)
		case item.query != nil:
			done[pointer(item.query)] = true
			p.query(item.query, c, scope)
		case item.cte != nil:
			done[pointer(item.node)] = true
			item.cte.said = append(item.cte.said, c)
		}
	}
	p.below(n, scope, done)
}

// give adds conditions to a table.
func (p *pusher) give(item *pushItem, conditions []node) {
	t := item.table
	there := make(map[string]bool)
	for _, c := range t.Conditions {
		there[string(syntax.Encode(bare(c.root)))] = true
	}
	for _, root := range conditions {
		c := &Condition{root: syntax.Clone(root).(node)}
		named := make(map[string]bool)
		every(c.root, func(n node) {
			_, _, isMoment := momentOf(n)
			if k, ok := placed(n); ok {
				name := strings.ToLower(item.outputs.list[k.column].column)
				clear(n)
				n["class"], n["type"], n["column_names"] = "COLUMN_REF", "COLUMN_REF", []any{name}
				if !named[name] {
					named[name] = true
					c.Columns = append(c.Columns, name)
				}
			} else if syntax.Text(n, "class") == "FUNCTION" && !isMoment {
				c.Functions = append(c.Functions, strings.ToLower(syntax.Text(n, "function_name")))
			}
		})
		if key := string(syntax.Encode(c.root)); len(c.Columns) > 0 && !there[key] {
			there[key] = true
			t.Conditions = append(t.Conditions, c)
		}
	}
}

// bare is a copy of an expression without what it was called and where it stood.
func bare(n node) node {
	c := syntax.Clone(n).(node)
	every(c, func(n node) { delete(n, "query_location") })
	delete(c, "alias") // those within are names of fields
	return c
}

// A place is a column of an item of FROM.
type place struct{ item, column int }

const placeKey = "sluice_place"

// placed is the place that a node is.
func placed(n node) (place, bool) {
	k, ok := n[placeKey].([]any)
	if !ok {
		return place{}, false
	}
	return place{k[0].(int), k[1].(int)}, true
}

func placeNode(k place) node {
	return node{"class": "COLUMN_REF", "type": "COLUMN_REF", placeKey: []any{k.item, k.column}}
}

// places are those in an expression.
func places(n node) (all []place) {
	every(n, func(n node) {
		if k, ok := placed(n); ok {
			all = append(all, k)
		}
	})
	return all
}

// replace is an expression with other things in the place of places; nil where one has
// nothing in its place.
func replace(n node, with func(place) node) node {
	c, ok := syntax.Clone(n).(node), true
	var walk func(n node)
	walk = func(n node) {
		k, is := placed(n)
		if !is {
			syntax.Children(n, walk)
			return
		}
		to := with(k)
		if to == nil {
			ok = false
			return
		}
		become(n, syntax.Clone(to).(node))
	}
	walk(c)
	if !ok {
		return nil
	}
	return c
}

// become makes a node another.
func become(n, other node) {
	clear(n)
	maps.Copy(n, other)
}
