package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/internal/lake"
)

// ParseColumns reads declared columns by name, or dotted path into structs, such
// as {"price": {Type: "decimal(10,2)"}, "context.ip": {Type: "string"}}. A JSON key
// may be written as it is; the column's name is cleaned from it. What fills a
// column from another field is NewRewrite's. All faults are reported at once.
func ParseColumns(declared map[string]lake.ColumnSpec) ([]lake.Column, error) {
	var columns []lake.Column
	var faults []error
	for _, path := range slices.Sorted(maps.Keys(declared)) {
		t, err := lake.ParseDeclaredType(declared[path].Type)
		if err == nil {
			err = checkType(t, 0)
		}
		if err == nil {
			columns, err = declare(columns, strings.Split(path, "."), t)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("column %q: %w", path, err))
		}
	}
	return columns, errors.Join(faults...)
}

func declare(columns []lake.Column, path []string, t lake.Type) ([]lake.Column, error) {
	if path[0] == "" {
		return columns, fmt.Errorf("an empty name in the path")
	}
	name := lake.CleanName(path[0])
	i := indexOf(columns, name)
	if len(path) == 1 {
		if i >= 0 {
			return columns, fmt.Errorf("declared twice (names are compared without case)")
		}
		return append(columns, newColumn(name, path[0], t)), nil
	}
	if i < 0 {
		columns = append(columns, newColumn(name, path[0], lake.Type{Kind: lake.KindStruct}))
		i = len(columns) - 1
	}
	if columns[i].Type.Kind != lake.KindStruct {
		return columns, fmt.Errorf("%s is declared %s, not a struct", path[0], columns[i].Type)
	}
	fields, err := declare(columns[i].Type.Fields, path[1:], t)
	columns[i].Type.Fields = fields
	return columns, err
}

// withForms gives known columns the forms of the declared ones, which no catalog
// keeps. Types are not changed.
func withForms(known, declared []lake.Column) []lake.Column {
	out := slices.Clone(known)
	for i, c := range out {
		if d, ok := columnNamed(declared, c.Name); ok {
			out[i].Type = withForm(c.Type, d.Type)
		}
	}
	return out
}

func withForm(known, declared lake.Type) lake.Type {
	if known.Kind != declared.Kind {
		return known
	}
	known.Form = declared.Form
	switch known.Kind {
	case lake.KindStruct:
		known.Fields = withForms(known.Fields, declared.Fields)
	case lake.KindArray, lake.KindMap:
		elem := withForm(*known.Elem, *declared.Elem)
		known.Elem = &elem
	}
	return known
}
