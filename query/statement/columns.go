package statement

import (
	"slices"
	"strings"

	"sluice/query/syntax"
)

// Needed are names, in lower case, among which are those of all columns of the table
// that the statement can read there, its columns within structs and others' names
// too. all: it may be any column, because a * stands for them, or because it cannot
// be told.
func (s *Statement) Needed(t *Table) (columns []string, all bool) {
	if s.needs == nil {
		s.needs = findNeeds(s)
	}
	if s.needs.all || t.renamed || s.needs.starred[t] || s.needs.row(t) {
		return nil, true
	}
	columns = []string{}
	for name := range s.needs.names {
		columns = append(columns, name)
	}
	slices.Sort(columns)
	return columns, false
}

// Fields are paths of fields, in lower case, among which are those of all fields that
// the statement can read of a column of that name, in lower case, if it is a struct.
// whole: it may be all of it.
func (s *Statement) Fields(column string) (paths [][]string, whole bool) {
	if s.needs == nil {
		s.needs = findNeeds(s)
	}
	return s.needs.fields[column], s.needs.whole[column]
}

// needs is what a statement says of columns.
type needs struct {
	statement *Statement
	names     map[string]bool       // every part of every reference to a column
	last      map[string]bool       // the last parts of references: of those, one can be a whole row
	fields    map[string][][]string // by a part of a reference: what follows it
	whole     map[string]bool       // parts that nothing follows
	starred   map[*Table]bool
	all       bool
}

func findNeeds(s *Statement) *needs {
	n := &needs{statement: s, names: make(map[string]bool), last: make(map[string]bool), fields: make(map[string][][]string), whole: make(map[string]bool), starred: make(map[*Table]bool)}
	n.walk(s.root, nil)
	return n
}

// row reports whether the table's rows may be asked for as such, by its name.
func (n *needs) row(t *Table) bool {
	if n.last[strings.ToLower(t.Alias)] {
		return true
	}
	return len(t.Parts) > 0 && n.last[strings.ToLower(t.Parts[len(t.Parts)-1])]
}

// walk reads what is below a node of the SELECT that holds it.
func (n *needs) walk(at, query node) {
	switch typ := syntax.Text(at, "type"); {
	case typ == "SELECT_NODE":
		query = at
	case typ == "PIVOT" || typ == "SHOW_REF" || syntax.Text(at, "ref_type") == "NATURAL":
		n.all = true // their columns are not named
	}
	if parts, of := path(at); of > 0 {
		n.reference(parts, of)
		return
	}
	switch syntax.Text(at, "class") {
	case "POSITIONAL_REFERENCE":
		n.all = true
	case "STAR":
		n.star(at, query)
	}
	for _, u := range syntax.List(at, "using_columns") {
		if name, ok := u.(string); ok {
			n.names[strings.ToLower(name)] = true
			n.whole[strings.ToLower(name)] = true
		}
	}
	syntax.Children(at, func(c node) { n.walk(c, query) })
}

// reference notes a reference of so many parts, and the fields that are taken of it.
func (n *needs) reference(parts []string, of int) {
	for i, part := range parts[:of] {
		n.names[part] = true
		if i == of-1 {
			n.last[part] = true
		}
		if i == len(parts)-1 {
			n.whole[part] = true
		} else {
			n.fields[part] = append(n.fields[part], parts[i+1:])
		}
	}
}

// path are the parts, in lower case, of a reference to a column, of which there are so
// many, and of fields taken of it by name; of is 0 where the node is none.
func path(n node) (parts []string, of int) {
	switch syntax.Text(n, "class") {
	case "COLUMN_REF":
		for _, part := range names(n) {
			parts = append(parts, strings.ToLower(part))
		}
		return parts, len(parts)
	case "FUNCTION", "OPERATOR":
		children := syntax.List(n, "children")
		name := syntax.Text(n, "function_name")
		if name == "" {
			name = strings.ToLower(syntax.Text(n, "type"))
		}
		if name != "struct_extract" && name != "array_extract" || len(children) != 2 {
			return nil, 0
		}
		from, _ := children[0].(node)
		key, _ := children[1].(node)
		value := syntax.Object(key, "value")
		field, isText := value["value"].(string)
		if syntax.Text(key, "class") != "CONSTANT" || syntax.Text(syntax.Object(value, "type"), "id") != "VARCHAR" || !isText {
			return nil, 0
		}
		if parts, of = path(from); of > 0 {
			parts = append(parts, strings.ToLower(field))
		}
	}
	return parts, of
}

// fieldNode is the field of a struct, as path reads it.
func fieldNode(of node, name string) node {
	key := node{"class": "CONSTANT", "type": "VALUE_CONSTANT", "value": node{"type": node{"id": "VARCHAR"}, "is_null": false, "value": name}}
	return node{"class": "FUNCTION", "type": "FUNCTION", "function_name": "struct_extract", "children": []any{of, key}, "order_bys": node{"type": "ORDER_MODIFIER"}}
}

// star notes which tables a * stands for: those that stand in FROM themselves, of
// the SELECT that it is in. What a subquery gives is named, or a * of its own.
func (n *needs) star(at, query node) {
	if query == nil {
		n.all = true
		return
	}
	direct := n.direct(syntax.Object(query, "from_table"))
	if of := syntax.Text(at, "relation_name"); of != "" {
		direct = slices.DeleteFunc(direct, func(t *Table) bool { return !strings.EqualFold(t.Alias, of) })
		if len(direct) == 0 {
			n.all = true // of a subquery, of a struct or of an outer query
			return
		}
	}
	for _, t := range direct {
		n.starred[t] = true
	}
}

// direct are the tables of FROM, joins taken apart.
func (n *needs) direct(from node) []*Table {
	switch syntax.Text(from, "type") {
	case "JOIN":
		return append(n.direct(syntax.Object(from, "left")), n.direct(syntax.Object(from, "right"))...)
	case "BASE_TABLE":
		if t := n.statement.lookup(from); t != nil {
			return []*Table{t}
		}
	}
	return nil
}
