package statement

import (
	"fmt"
	"strings"

	"sluice/query/syntax"
)

// A Statement is one SELECT statement.
type Statement struct {
	// Tables are the places where the statement names a table that is not a
	// common table expression, in the order of the text as far as it is known.
	Tables []*Table

	root     node
	database string
	needs    *needs // nil until it is asked for
}

// A Table is one place where a table is named.
type Table struct {
	Parts    []string // the name as written: table, or database and table, or catalog, database and table
	Alias    string   // what its columns are qualified with
	Position int      // of the name in the statement, -1 if unknown
	// Conditions are those that the table's rows must satisfy; see the package.
	Conditions []*Condition

	node    node
	aliased bool
	renamed bool // its columns have other names here
}

// Parse reads a tree. Tables named without a database are in the one given. A
// *Refusal says what the statement may not do.
func Parse(tree []byte, database string) (*Statement, error) {
	root, err := syntax.Decode(tree)
	if err != nil {
		return nil, fmt.Errorf("read syntax tree: %w", err)
	}
	statements := syntax.List(root, "statements")
	if len(statements) != 1 {
		return nil, &Refusal{What: fmt.Sprintf("%d statements in a query; one is expected", len(statements)), Position: -1}
	}
	s := &Statement{root: root, database: database}
	first, _ := statements[0].(node)
	if first == nil {
		return nil, fmt.Errorf("read syntax tree: no statement")
	}
	if r := s.visit(first, nil); r != nil {
		return nil, r
	}
	s.unqualify()
	every(first, func(n node) {
		if syntax.Text(n, "type") == "SELECT_NODE" {
			s.assign(n)
		}
	})
	return s, nil
}

// relationPrefix begins the names that Replace is given.
const relationPrefix = "SLUICE_"

// A scope is the common table expressions that a node sees.
type scope struct {
	name  string
	outer *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.outer {
		if strings.EqualFold(s.name, name) {
			return true
		}
	}
	return false
}

// visit checks n and what is below it, and collects the tables.
func (s *Statement) visit(n node, in *scope) *Refusal {
	ctes := syntax.Object(n, "cte_map")
	if ctes != nil {
		for _, e := range syntax.List(ctes, "map") {
			entry, _ := e.(node)
			if r := s.visit(syntax.Object(entry, "value"), in); r != nil {
				return r
			}
			name := syntax.Text(entry, "key")
			if strings.HasPrefix(strings.ToUpper(name), relationPrefix) {
				return refuse(n, "a name that begins with %s is not allowed in WITH: the relations that stand for tables are named so", relationPrefix)
			}
			in = &scope{name: name, outer: in}
		}
	}
	typ := syntax.Text(n, "type")
	class, isExpression := n["class"].(string)
	switch {
	case isExpression:
		if r := checkExpression(n); r != nil {
			return r
		}
		if class == "CONSTANT" || class == "TYPE" {
			return nil
		}
	case fromTypes[typ]:
		if r := checkFrom(n); r != nil {
			return r
		}
		if typ == "BASE_TABLE" {
			s.table(n, in)
		}
	case nodeTypes[typ]:
		if name := syntax.Text(n, "cte_name"); name != "" {
			in = &scope{name: name, outer: in}
		}
	case strings.HasSuffix(typ, "_NODE"):
		return refuse(n, "only SELECT is supported")
	}
	var fault *Refusal
	syntax.Children(n, func(c node) {
		if fault == nil && !same(c, ctes) {
			fault = s.visit(c, in)
		}
	})
	return fault
}

// table notes a table, unless it is a common table expression.
func (s *Statement) table(n node, in *scope) {
	t := &Table{node: n, Position: syntax.Position(n), Alias: syntax.Text(n, "alias"), renamed: len(syntax.List(n, "column_name_alias")) > 0}
	for _, key := range []string{"catalog_name", "schema_name", "table_name"} {
		if part := syntax.Text(n, key); part != "" {
			t.Parts = append(t.Parts, part)
		}
	}
	if len(t.Parts) == 1 && in.has(t.Parts[0]) {
		return
	}
	t.aliased = t.Alias != ""
	if !t.aliased && len(t.Parts) > 0 {
		t.Alias = t.Parts[len(t.Parts)-1]
	}
	s.Tables = append(s.Tables, t)
}

// unqualify makes db.table.column, where db.table is a table without an alias,
// table.column: the table's place is taken by a relation of another name.
func (s *Statement) unqualify() {
	var prefixes [][]string
	for _, t := range s.Tables {
		if t.aliased || len(t.Parts) == 0 {
			continue
		}
		for i := range len(t.Parts) - 1 {
			prefixes = append(prefixes, t.Parts[i:])
		}
		if len(t.Parts) == 1 {
			prefixes = append(prefixes, []string{s.database, t.Parts[0]})
		}
	}
	every(s.root, func(n node) {
		if syntax.Text(n, "class") != "COLUMN_REF" {
			return
		}
		parts := names(n)
		for _, p := range prefixes {
			if len(parts) > len(p) && hasPrefix(parts, p) {
				n["column_names"] = syntax.List(n, "column_names")[len(p)-1:]
				return
			}
		}
	})
}

// Replace puts a relation in the table's place; the columns keep their
// qualification.
func (t *Table) Replace(relation string) {
	delete(t.node, "catalog_name")
	delete(t.node, "schema_name")
	t.node["table_name"] = relation
	t.node["alias"] = t.Alias
}

// Name is the table's name as it was written.
func (t *Table) Name() string { return strings.Join(t.Parts, ".") }

// Tree is the statement's tree as it is now.
func (s *Statement) Tree() []byte { return syntax.Encode(s.root) }

// Names are the names, in lower case, that columns which the statement reads can
// have; star says that it may read all.
func (s *Statement) Names() (all map[string]bool, star bool) {
	all = make(map[string]bool)
	every(s.root, func(n node) {
		switch syntax.Text(n, "class") {
		case "STAR":
			star = true
		case "COLUMN_REF":
			for _, part := range names(n) {
				all[strings.ToLower(part)] = true
			}
		}
		for _, u := range syntax.List(n, "using_columns") {
			if name, ok := u.(string); ok {
				all[strings.ToLower(name)] = true
			}
		}
		star = star || syntax.Text(n, "ref_type") == "NATURAL"
	})
	return all, star
}
