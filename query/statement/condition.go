package statement

import (
	"slices"
	"strings"

	"sluice/query/syntax"
)

// A Condition is a conjunct that bears on the rows of one table.
type Condition struct {
	Columns []string // that it reads, lower case
	// Functions are those that it calls, lower case, operators too, but for those that
	// Fix makes constants.
	Functions []string

	root   node // of the expression, its columns unqualified
	origin node // where it stands in the statement
}

// Drop takes the condition out of the statement, for a caller who has seen to it
// that all rows of the table satisfy it.
func (c *Condition) Drop() {
	if c.origin == nil {
		return // it is said elsewhere, of others too: see Push
	}
	clear(c.origin)
	c.origin["class"], c.origin["type"] = "CONSTANT", "VALUE_CONSTANT"
	c.origin["value"] = node{"type": node{"id": "BOOLEAN"}, "is_null": false, "value": true}
}

// assign finds the conjuncts of a query's WHERE and inner joins, and gives each
// to the table whose columns it reads. A column without a qualifier is taken
// for a table's only where nothing else stands in FROM.
func (s *Statement) assign(query node) {
	if query["sample"] != nil {
		return
	}
	f := from{byNode: s.lookup}
	f.add(syntax.Object(query, "from_table"), true)
	if w := syntax.Object(query, "where_clause"); w != nil {
		f.conjuncts = append(f.conjuncts, w)
	}
	for i, item := range f.items {
		if item.table == nil || !item.direct || item.table.renamed || item.table.node["sample"] != nil {
			continue
		}
		unique := !slices.ContainsFunc(f.items, func(o fromItem) bool {
			return o.alias != "" && strings.EqualFold(o.alias, item.alias) && o.table != item.table
		})
		for _, c := range conjuncts(f.conjuncts) {
			if cond := f.condition(c, i, unique); cond != nil {
				item.table.Conditions = append(item.table.Conditions, cond)
			}
		}
	}
}

func (s *Statement) lookup(n node) *Table {
	for _, t := range s.Tables {
		if same(t.node, n) {
			return t
		}
	}
	return nil
}

// A from is what stands in a query's FROM.
type from struct {
	items     []fromItem
	conjuncts []node // of inner joins, and WHERE
	byNode    func(node) *Table
}

type fromItem struct {
	table *Table // nil: a subquery or a function
	alias string
	// direct: each of its rows in the answer satisfies WHERE.
	direct bool
}

func (f *from) add(n node, direct bool) {
	switch syntax.Text(n, "type") {
	case "JOIN":
		f.join(n, direct)
	case "EMPTY", "EMPTY_FROM", "":
	default:
		item := fromItem{alias: syntax.Text(n, "alias"), direct: direct}
		if item.table = f.byNode(n); item.table != nil {
			item.alias = item.table.Alias
		} else if item.alias == "" {
			item.alias = syntax.Text(n, "table_name")
		}
		f.items = append(f.items, item)
	}
}

func (f *from) join(n node, direct bool) {
	left, right := false, false
	switch syntax.Text(n, "ref_type") {
	case "REGULAR", "CROSS", "NATURAL":
		switch syntax.Text(n, "join_type") {
		case "INNER":
			left, right = true, true
		case "LEFT", "SEMI", "ANTI":
			left = true
		case "RIGHT":
			right = true
		}
	}
	if c := syntax.Object(n, "condition"); c != nil && direct && left && right {
		f.conjuncts = append(f.conjuncts, c)
	}
	f.add(syntax.Object(n, "left"), direct && left)
	f.add(syntax.Object(n, "right"), direct && right)
}

// conjuncts takes ANDs apart.
func conjuncts(of []node) []node {
	var out []node
	for _, n := range of {
		if syntax.Text(n, "type") != "CONJUNCTION_AND" {
			out = append(out, n)
			continue
		}
		var parts []node
		for _, c := range syntax.List(n, "children") {
			if part, ok := c.(node); ok {
				parts = append(parts, part)
			}
		}
		out = append(out, conjuncts(parts)...)
	}
	return out
}

// plainClasses are the expressions that a condition may be made of.
var plainClasses = map[string]bool{
	"CASE": true, "CAST": true, "COLUMN_REF": true, "COMPARISON": true, "CONJUNCTION": true,
	"CONSTANT": true, "FUNCTION": true, "OPERATOR": true, "BETWEEN": true,
}

// condition is the conjunct as a condition on item i, nil where it is none.
func (f *from) condition(conjunct node, i int, unique bool) *Condition {
	c := &Condition{}
	ok := true
	clone := syntax.Clone(conjunct).(node)
	within := closed(clone)
	every(clone, func(n node) {
		class, isExpression := n["class"].(string)
		_, _, isMoment := momentOf(n)
		switch {
		case !isExpression:
		case !plainClasses[class] && !within[pointer(n)]:
			ok = false
		case isMoment: // see Fix
		case class == "FUNCTION":
			c.Functions = append(c.Functions, strings.ToLower(syntax.Text(n, "function_name")))
		case class == "COLUMN_REF" && !within[pointer(n)]:
			name, mine := f.resolve(names(n), i, unique)
			if !mine {
				ok = false
				return
			}
			n["column_names"] = []any{name}
			if !slices.Contains(c.Columns, name) {
				c.Columns = append(c.Columns, name)
			}
		}
	})
	if !ok || len(c.Columns) == 0 {
		return nil
	}
	c.root, c.origin = clone, conjunct
	return c
}

// resolve says whether a column reference is to a column of item i.
func (f *from) resolve(parts []string, i int, unique bool) (name string, mine bool) {
	switch {
	case len(parts) == 1 && len(f.items) == 1:
		return strings.ToLower(parts[0]), true
	case len(parts) == 2 && unique && strings.EqualFold(parts[0], f.items[i].alias):
		return strings.ToLower(parts[1]), true
	}
	return "", false
}

// Tree is the tree of a statement that selects the condition.
func (c *Condition) Tree() []byte { return selectTree(c.root) }

func selectTree(expression node) []byte {
	return syntax.Encode(node{"error": false, "statements": []any{node{"node": node{
		"type": "SELECT_NODE", "cte_map": node{}, "select_list": []any{expression},
		"from_table": node{"type": "EMPTY"}, "aggregate_handling": "STANDARD_HANDLING",
	}}}})
}
