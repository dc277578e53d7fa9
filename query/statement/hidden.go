package statement

import (
	"slices"
	"strings"
)

// Mentions reports whether the statement names one of the columns, which are given in
// lower case.
func (s *Statement) Mentions(columns []string) bool {
	found := false
	every(s.root, func(n node) {
		if text(n, "class") == "COLUMN_REF" {
			if parts := names(n); len(parts) > 0 && slices.Contains(columns, strings.ToLower(parts[len(parts)-1])) {
				found = true
			}
		}
	})
	return found
}

// Hide takes the columns out of what * and table.* stand for, where they stand for
// columns of one of the tables themselves. The tables are s.Tables' that have them.
func (s *Statement) Hide(columns []string, tables []*Table) {
	every(s.root, func(n node) {
		if text(n, "type") != "SELECT_NODE" {
			return
		}
		var direct []*Table
		below := []node{object(n, "from_table")}
		for len(below) > 0 {
			from := below[0]
			below = below[1:]
			switch text(from, "type") {
			case "JOIN":
				below = append(below, object(from, "left"), object(from, "right"))
			case "BASE_TABLE":
				for _, t := range tables {
					if same(t.node, from) {
						direct = append(direct, t)
					}
				}
			}
		}
		for _, item := range list(n, "select_list") {
			star, _ := item.(node)
			if text(star, "class") != "STAR" {
				continue
			}
			of := text(star, "relation_name")
			if slices.ContainsFunc(direct, func(t *Table) bool { return of == "" || strings.EqualFold(of, t.Alias) }) {
				exclude := list(star, "exclude_list")
				for _, c := range columns {
					exclude = append(exclude, c)
				}
				star["exclude_list"] = exclude
			}
		}
	})
}
