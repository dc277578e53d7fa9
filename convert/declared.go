package convert

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/internal/lake"
)

// ParseColumns reads declared columns: name, or dotted path into structs, to
// type, such as {"price": "decimal(10,2)", "context.ip": "string"}. A JSON key
// may be written as it is; the column's name is cleaned from it. All faults are
// reported at once.
func ParseColumns(declared map[string]string) ([]lake.Column, error) {
	var columns []lake.Column
	var faults []error
	for _, path := range slices.Sorted(maps.Keys(declared)) {
		t, err := lake.ParseType(declared[path])
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
