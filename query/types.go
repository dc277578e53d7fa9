package query

import (
	"fmt"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
)

// duckType is DuckDB's name of a type.
func duckType(t lake.Type) string {
	switch t.Kind {
	case lake.KindBoolean:
		return "BOOLEAN"
	case lake.KindTinyint:
		return "TINYINT"
	case lake.KindSmallint:
		return "SMALLINT"
	case lake.KindInt:
		return "INTEGER"
	case lake.KindBigint:
		return "BIGINT"
	case lake.KindFloat:
		return "FLOAT"
	case lake.KindDouble:
		return "DOUBLE"
	case lake.KindDecimal:
		return fmt.Sprintf("DECIMAL(%d,%d)", t.Precision, t.Scale)
	case lake.KindBinary:
		return "BLOB"
	case lake.KindDate:
		return "DATE"
	case lake.KindTimestamp:
		return "TIMESTAMP"
	case lake.KindArray:
		return duckType(*t.Elem) + "[]"
	case lake.KindMap:
		return "MAP(" + duckType(*t.Key) + "," + duckType(*t.Elem) + ")"
	case lake.KindStruct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = executor.Identifier(f.Name) + " " + duckType(f.Type)
		}
		return "STRUCT(" + strings.Join(fields, ",") + ")"
	}
	return "VARCHAR"
}

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
