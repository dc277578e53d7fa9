package statement

import (
	"errors"
	"slices"

	"sluice/query/syntax"
)

// A View is a query that stands for a table.
type View struct {
	Statement *Statement
	Columns   []string // the names of its columns
}

// Qualify gives the tables that are named without a database the statement's, so
// that they mean the same wherever the statement is put. What is known of places in
// the text is dropped.
func (s *Statement) Qualify() {
	for _, t := range s.Tables {
		if len(t.Parts) == 1 {
			t.node["schema_name"] = s.database
			t.Parts = []string{s.database, t.Parts[0]}
		}
	}
	every(s.root, func(n node) { delete(n, "query_location") })
}

// Inline puts a view's query in the table's place, under the table's name.
func (t *Table) Inline(v View) error {
	statements := syntax.List(v.Statement.root, "statements")
	if len(statements) != 1 {
		return errors.New("a view has one query")
	}
	first, _ := statements[0].(node)
	query := syntax.Object(first, "node")
	if query == nil {
		return errors.New("a view has a query")
	}
	names := syntax.List(t.node, "column_name_alias")
	for _, c := range v.Columns[min(len(names), len(v.Columns)):] {
		names = append(slices.Clip(names), c)
	}
	at, sample := t.node["query_location"], t.node["sample"]
	clear(t.node)
	t.node["type"] = "SUBQUERY"
	t.node["alias"] = t.Alias
	t.node["subquery"] = node{"node": query}
	t.node["column_name_alias"] = names
	if at != nil {
		t.node["query_location"] = at
	}
	if sample != nil {
		t.node["sample"] = sample
	}
	return nil
}
