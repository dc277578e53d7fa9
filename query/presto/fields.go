package presto

import (
	"slices"
	"strings"
)

// field is the type of a field of a struct that is a column of a relation here, nil where
// it is not known.
func (sc *scope) field(names []string) *valueType {
	first, relations := names[0], sc.relations
	isNamed := func(rel relation) bool { return strings.EqualFold(rel.name, first) }
	if at := slices.IndexFunc(relations, isNamed); at >= 0 {
		relations, names = relations[at:at+1], names[1:]
	}
	for around := sc.parent; around != nil; around = around.parent {
		if slices.ContainsFunc(around.relations, isNamed) { // it may be that one's column
			return nil
		}
	}
	var column output
	for _, rel := range relations {
		c, ok := rel.find(names[0])
		if ok {
			column = c
		}
		if !ok && rel.open && len(relations) > 1 { // which may have one of this name
			return nil
		}
	}
	fields := column.fields
	for i, name := range names[1:] {
		at := slices.IndexFunc(fields, func(c Column) bool { return strings.EqualFold(c.Name, name) })
		if at < 0 {
			return nil
		}
		if i == len(names)-2 {
			return parseKind(fields[at].Type)
		}
		fields = fields[at].Fields
	}
	return nil
}
