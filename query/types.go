package query

import (
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
)

// duckType is DuckDB's name of a type.
func duckType(t lake.Type) string { return executor.TypeName(t, "TIMESTAMP") }

// prestoType is Presto's name of a type.
func prestoType(t lake.Type) string {
	switch t.Kind {
	case lake.KindInt:
		return "integer"
	case lake.KindFloat:
		return "real"
	case lake.KindString:
		return "varchar"
	case lake.KindBinary:
		return "varbinary"
	case lake.KindArray:
		return "array(" + prestoType(*t.Elem) + ")"
	case lake.KindMap:
		return "map(" + prestoType(*t.Key) + "," + prestoType(*t.Elem) + ")"
	case lake.KindStruct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = f.Name + " " + prestoType(f.Type)
		}
		return "row(" + strings.Join(fields, ",") + ")"
	}
	return t.String()
}
