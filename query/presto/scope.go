package presto

import (
	"slices"
	"strconv"
	"strings"

	"sluice/query/syntax"
)

// A scope is what names can mean at a place of the statement, as far as marks are
// concerned: the relations in FROM, the queries of WITH, and the scopes around.
type scope struct {
	relations []relation
	queries   map[string]outputs // of WITH, by name
	// ordered are, within ORDER BY, the columns of the SELECT, whose names come first
	// there.
	ordered []output
	parent  *scope
}

// A relation is a table, a subquery or a function's rows in FROM.
type relation struct {
	name string
	outputs
}

// outputs are a query's columns, in order. Open are those with others that are not
// known: of a table, whose columns have no mark.
type outputs struct {
	columns []output
	open    bool
}

type output struct {
	name string
	mark *mark
	kind *valueType // nil: it is not known
	// fields are those of a struct in a table.
	fields []Column
}

func (o outputs) find(name string) (output, bool) {
	for _, c := range o.columns {
		if strings.EqualFold(c.name, name) {
			return c, true
		}
	}
	return output{}, false
}

// renamed are the outputs under the names that follow an alias.
func (o outputs) renamed(names []any) outputs {
	out := outputs{open: o.open, columns: append([]output(nil), o.columns...)}
	for i, n := range names {
		if s, ok := n.(string); ok && i < len(out.columns) {
			out.columns[i].name = s
		}
	}
	return out
}

// lookup is what is known of a column.
func (r *rewriter) lookup(n node) output {
	var names []string
	for _, p := range syntax.List(n, "column_names") {
		s, _ := p.(string)
		names = append(names, s)
	}
	open := false
	for sc := r.scope; sc != nil; sc = sc.parent {
		if len(names) == 1 {
			if c, ok := sc.ordering(names[0]); ok {
				return c
			}
		}
		within := open
		for _, rel := range sc.relations {
			name := names[0]
			if len(names) > 1 && strings.EqualFold(rel.name, names[len(names)-2]) {
				name = names[len(names)-1]
			} else if len(names) > 1 {
				continue
			}
			if c, ok := rel.find(name); ok {
				if within {
					c.kind = nil
				}
				if c.mark != nil && within {
					r.fail(n, "name the relation of the column %s, as in t.%s", name, name)
				}
				return c
			}
			open = open || rel.open && len(names) == 1
		}
	}
	if len(names) > 1 && r.scope != nil {
		return output{kind: r.scope.field(names)}
	}
	return output{}
}

// isOpen reports whether there may be columns in FROM that are not known.
func (sc *scope) isOpen() bool {
	return slices.ContainsFunc(sc.relations, func(rel relation) bool { return rel.open })
}

// ordering is a column by its name in ORDER BY. Where the name may also be that of a
// column in FROM, which would have another mark, nothing can be computed of it.
func (sc *scope) ordering(name string) (output, bool) {
	c, ok := outputs{columns: sc.ordered}.find(name)
	if !ok {
		return output{}, false
	}
	other, both := output{}, false
	for _, rel := range sc.relations {
		if found, ok := rel.find(name); ok {
			other, both = found, true
		}
	}
	if both && !c.kind.same(other.kind) {
		c.kind = nil
	}
	if !both && c.mark == nil || both && sameMark(c.mark, other.mark) || !both && !sc.isOpen() {
		return c, true
	}
	return output{mark: &mark{unsure: true}}, true
}

// query rewrites a query with all that is in it.
func (r *rewriter) query(n node) outputs {
	if r.err != nil {
		return outputs{}
	}
	r.scope = &scope{parent: r.scope, queries: make(map[string]outputs)}
	defer func() { r.scope = r.scope.parent }()
	own := r.scope
	for _, c := range syntax.List(syntax.Object(n, "cte_map"), "map") {
		entry, _ := c.(node)
		value := syntax.Object(entry, "value")
		out := r.query(syntax.Object(syntax.Object(value, "query"), "node"))
		own.queries[strings.ToLower(syntax.Text(entry, "key"))] = out.renamed(syntax.List(value, "aliases"))
	}
	switch syntax.Text(n, "type") {
	case "SELECT_NODE":
		return r.selectNode(n)
	case "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE":
		return r.setOperation(n)
	}
	r.below(n)
	return outputs{open: true}
}

func (r *rewriter) selectNode(n node) outputs {
	r.from(syntax.Object(n, "from_table"))
	for _, c := range syntax.List(n, "select_list") {
		if item, ok := c.(node); ok {
			r.visit(item)
		}
	}
	nameColumns(n)
	out := r.outputs(n)
	r.rest(n, "from_table", "select_list", "cte_map", "modifiers")
	r.scope.ordered = out.columns
	for _, m := range syntax.List(n, "modifiers") {
		if m, ok := m.(node); ok {
			r.visit(m)
			for _, o := range syntax.List(m, "orders") {
				if o, ok := o.(node); ok {
					r.settle(syntax.Object(o, "expression"))
				}
			}
		}
	}
	for _, g := range syntax.List(n, "group_expressions") { // as in the SELECT
		if g, ok := g.(node); ok {
			r.settle(g)
		}
	}
	r.orderMaps(n)
	return out
}

// rest visits what is below n but for these keys.
func (r *rewriter) rest(n node, but ...string) {
	others := make(node, len(n))
	for k, v := range n {
		others[k] = v
	}
	for _, k := range but {
		delete(others, k)
	}
	r.below(others)
}

// outputs are the columns of a SELECT, rewritten.
func (r *rewriter) outputs(n node) outputs {
	var out outputs
	for _, c := range syntax.List(n, "select_list") {
		item, ok := c.(node)
		if !ok {
			continue
		}
		if class(item) == "STAR" {
			r.star(item, &out)
			continue
		}
		name := syntax.Text(item, "alias")
		if names := syntax.List(item, "column_names"); name == "" && len(names) > 0 {
			name, _ = names[len(names)-1].(string)
		}
		r.settle(item)
		if t := kindOf(item); class(item) == "CONSTANT" && t.isDecimal() && !t.fits(item) {
			become(item, toDecimal(item, t))
		}
		out.columns = append(out.columns, output{name: name, mark: markOf(item), kind: kindOf(item)})
	}
	return out
}

// settle makes a value whose zone is computed one in UTC, an error at a row where it
// is not.
func (r *rewriter) settle(n node) {
	at := zoneOf(n)
	if _, constant := constantText(at); at == nil || constant {
		return
	}
	value := copied(n)
	delete(value, "alias")
	delete(value, markKey)
	become(n, r.macro("presto_only_utc", value, at))
	delete(n, markKey)
}

// settleAll settles values, and counts those that have a zone all the same.
func (r *rewriter) settleAll(values []node) (zoned int) {
	for _, v := range values {
		r.settle(v)
		if zoneOf(v) != nil {
			zoned++
		}
	}
	return zoned
}

func (r *rewriter) star(item node, out *outputs) {
	of := syntax.Text(item, "relation_name")
	marked := false
	for _, rel := range r.scope.relations {
		if of != "" && !strings.EqualFold(of, rel.name) {
			continue
		}
		out.columns = append(out.columns, rel.columns...)
		out.open = out.open || rel.open
		for _, c := range rel.columns {
			marked = marked || c.mark != nil
		}
	}
	if len(r.scope.relations) == 0 {
		out.open = true
	}
	if replaced := syntax.List(item, "replace_list"); marked && (len(syntax.List(item, "exclude_list")) > 0 || len(replaced) > 0) {
		r.fail(item, "* with EXCLUDE or REPLACE is not Presto's")
	}
}

// setOperation is UNION and its kin, and a recursive query, whose name is that of
// its first part's rows.
func (r *rewriter) setOperation(n node) outputs {
	left := r.query(syntax.Object(n, "left"))
	if name := syntax.Text(n, "cte_name"); name != "" {
		for i := range left.columns { // the rows of the other part may be of a wider type
			left.columns[i].kind = nil
		}
		r.scope.queries[strings.ToLower(name)] = left.renamed(syntax.List(n, "aliases"))
	}
	right := r.query(syntax.Object(n, "right"))
	if n["setop_all"] == false {
		r.noMaps(n, left, syntax.Text(n, "setop_type"))
	}
	for i, c := range left.columns {
		if i >= len(right.columns) || left.open || right.open || !c.kind.same(right.columns[i].kind) {
			left.columns[i].kind = nil
		}
		if i < len(right.columns) && !sameMark(c.mark, right.columns[i].mark) {
			r.fail(n, "the column %s of the parts of a %s has different time zones, or char(n) and another; cast it to one type", c.name, syntax.Text(n, "setop_type"))
		}
	}
	if left.open || right.open {
		for _, c := range append(left.columns, right.columns...) {
			if c.mark != nil && (left.open || right.open) && len(left.columns) != len(right.columns) {
				r.fail(n, "name the columns in place of * in a query with a column with a time zone")
			}
		}
	}
	r.scope.ordered = left.columns
	r.rest(n, "left", "right", "cte_map")
	return left
}

// from rewrites what stands in FROM, and notes its relations in the scope.
func (r *rewriter) from(n node) {
	if n == nil || r.err != nil {
		return
	}
	alias, names := syntax.Text(n, "alias"), syntax.List(n, "column_name_alias")
	var out outputs
	switch syntax.Text(n, "type") {
	case "JOIN":
		r.from(syntax.Object(n, "left"))
		r.from(syntax.Object(n, "right"))
		r.rest(n, "left", "right")
		return
	case "SUBQUERY":
		out = r.query(syntax.Object(syntax.Object(n, "subquery"), "node"))
	case "BASE_TABLE":
		name := syntax.Text(n, "table_name")
		if alias == "" {
			alias = name
		}
		out = r.table(n)
		if syntax.Text(n, "schema_name") == "" && syntax.Text(n, "catalog_name") == "" {
			for sc := r.scope; sc != nil; sc = sc.parent {
				if q, ok := sc.queries[strings.ToLower(name)]; ok {
					out = q
					break
				}
			}
		}
		r.below(n)
	case "EXPRESSION_LIST":
		out = r.values(n)
	case "TABLE_FUNCTION":
		r.tableFunction(n)
		for _, name := range names {
			s, _ := name.(string)
			out.columns = append(out.columns, output{name: s})
		}
	case "EMPTY":
		return
	default:
		r.visit(n)
		out.open = true
	}
	r.scope.relations = append(r.scope.relations, relation{name: alias, outputs: out.renamed(names)})
}

// table is a table in FROM. It may have more columns than the catalog knows.
func (r *rewriter) table(n node) outputs {
	out := outputs{open: true}
	if r.columns == nil {
		return out
	}
	var parts []string
	for _, key := range []string{"catalog_name", "schema_name", "table_name"} {
		if s := syntax.Text(n, key); s != "" {
			parts = append(parts, s)
		}
	}
	for _, c := range r.columns(parts) {
		out.columns = append(out.columns, output{name: c.Name, kind: parseKind(c.Type), fields: c.Fields})
	}
	return out
}

// values are the rows of VALUES.
func (r *rewriter) values(n node) outputs {
	r.below(n)
	var columns [][]node
	for _, row := range syntax.List(n, "values") {
		cells, _ := row.([]any)
		for i, c := range cells {
			cell, ok := c.(node)
			if !ok {
				continue
			}
			if i >= len(columns) {
				columns = append(columns, nil)
			}
			r.settle(cell)
			columns[i] = append(columns[i], cell)
		}
	}
	var out outputs
	for i, cells := range columns {
		out.columns = append(out.columns, output{name: "col" + strconv.Itoa(i), mark: r.common(n, cells), kind: alike(cells)})
	}
	return out
}
