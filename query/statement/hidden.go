package statement

import (
	"slices"
	"strings"

	"sluice/query/syntax"
)

// Mentions reports whether the statement names one of the columns, which are given in
// lower case.
func (s *Statement) Mentions(columns []string) bool {
	found := false
	every(s.root, func(n node) {
		if syntax.Text(n, "class") == "COLUMN_REF" {
			if parts := names(n); len(parts) > 0 && slices.Contains(columns, strings.ToLower(parts[len(parts)-1])) {
				found = true
			}
		}
	})
	return found
}

// Natural reports whether a table stands in a natural join.
func (s *Statement) Natural() bool {
	found := false
	every(s.root, func(n node) {
		found = found || syntax.Text(n, "ref_type") == "NATURAL" && len((&needs{statement: s}).direct(n)) > 0
	})
	return found
}

// Hide takes the columns out of what * and table.* stand for, where they stand for
// columns of one of the tables themselves. The tables are s.Tables' that have them.
func (s *Statement) Hide(columns []string, tables []*Table) {
	every(s.root, func(n node) {
		if syntax.Text(n, "type") != "SELECT_NODE" {
			return
		}
		var direct []*Table
		below := []node{syntax.Object(n, "from_table")}
		for len(below) > 0 {
			from := below[0]
			below = below[1:]
			switch syntax.Text(from, "type") {
			case "JOIN":
				below = append(below, syntax.Object(from, "left"), syntax.Object(from, "right"))
			case "BASE_TABLE":
				for _, t := range tables {
					if same(t.node, from) {
						direct = append(direct, t)
					}
				}
			}
		}
		for _, item := range syntax.List(n, "select_list") {
			star, _ := item.(node)
			if syntax.Text(star, "class") != "STAR" {
				continue
			}
			of := syntax.Text(star, "relation_name")
			if slices.ContainsFunc(direct, func(t *Table) bool { return of == "" || strings.EqualFold(of, t.Alias) }) {
				exclude := syntax.List(star, "exclude_list")
				for _, c := range columns {
					exclude = append(exclude, c)
				}
				star["exclude_list"] = exclude
			}
		}
	})
}
