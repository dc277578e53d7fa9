package executor

import (
	"fmt"
	"strings"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"sluice/internal/lake"
)

// An Output is a column that a query answers with, as tables can have it.
type Output struct {
	Name string
	// Type has the kind lake.KindNone, here or within, where a table can have no such
	// column or the type is not known, as that of NULL alone.
	Type lake.Type
	// Presto is Presto's name of the type.
	Presto string
}

// columnKinds are the kinds of DuckDB's types without parameters. Hive knows no
// unsigned integers; they take the next type that holds them.
var columnKinds = map[mapping.Type]lake.Kind{
	mapping.TypeBoolean: lake.KindBoolean, mapping.TypeTinyInt: lake.KindTinyint, mapping.TypeSmallInt: lake.KindSmallint,
	mapping.TypeInteger: lake.KindInt, mapping.TypeBigInt: lake.KindBigint, mapping.TypeUTinyInt: lake.KindSmallint,
	mapping.TypeUSmallInt: lake.KindInt, mapping.TypeUInteger: lake.KindBigint, mapping.TypeFloat: lake.KindFloat,
	mapping.TypeDouble: lake.KindDouble, mapping.TypeVarchar: lake.KindString, mapping.TypeEnum: lake.KindString,
	mapping.TypeBlob: lake.KindBinary, mapping.TypeDate: lake.KindDate, mapping.TypeTimestamp: lake.KindTimestamp,
	mapping.TypeTimestampS: lake.KindTimestamp, mapping.TypeTimestampMS: lake.KindTimestamp, mapping.TypeTimestampNS: lake.KindTimestamp,
}

// columnType is the type of a table's column that holds values of a type. With
// bigint, whole numbers wider than 64 bits are bigint.
func columnType(lt mapping.LogicalType, bigint bool) lake.Type {
	id := mapping.GetTypeId(lt)
	if mapping.LogicalTypeGetAlias(lt) == "JSON" {
		return lake.Type{}
	}
	if kind, ok := columnKinds[id]; ok {
		return lake.Type{Kind: kind}
	}
	child := func(c mapping.LogicalType) *lake.Type {
		defer mapping.DestroyLogicalType(&c)
		t := columnType(c, bigint)
		return &t
	}
	switch id {
	case mapping.TypeUBigInt, mapping.TypeHugeInt:
		if bigint {
			return lake.Bigint
		}
		return lake.Type{Kind: lake.KindDecimal, Precision: 38}
	case mapping.TypeUHugeInt:
		return lake.Type{Kind: lake.KindDecimal, Precision: 38}
	case mapping.TypeDecimal:
		return lake.Type{Kind: lake.KindDecimal, Precision: int(mapping.DecimalWidth(lt)), Scale: int(mapping.DecimalScale(lt))}
	case mapping.TypeList:
		return lake.Type{Kind: lake.KindArray, Elem: child(mapping.ListTypeChildType(lt))}
	case mapping.TypeArray:
		return lake.Type{Kind: lake.KindArray, Elem: child(mapping.ArrayTypeChildType(lt))}
	case mapping.TypeMap:
		return lake.Type{Kind: lake.KindMap, Key: child(mapping.MapTypeKeyType(lt)), Elem: child(mapping.MapTypeValueType(lt))}
	case mapping.TypeStruct:
		t := lake.Type{Kind: lake.KindStruct}
		for i := range mapping.StructTypeChildCount(lt) {
			t.Fields = append(t.Fields, lake.Column{
				Name: strings.ToLower(mapping.StructTypeChildName(lt, i)), Type: *child(mapping.StructTypeChildType(lt, i)),
			})
		}
		return t
	}
	return lake.Type{}
}

// TypeName is DuckDB's name of a type; timestamp is what it calls lake.Timestamp.
func TypeName(t lake.Type, timestamp string) string {
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
		return timestamp
	case lake.KindArray:
		return TypeName(*t.Elem, timestamp) + "[]"
	case lake.KindMap:
		return "MAP(" + TypeName(*t.Key, timestamp) + "," + TypeName(*t.Elem, timestamp) + ")"
	case lake.KindStruct:
		fields := make([]string, len(t.Fields))
		for i, f := range t.Fields {
			fields[i] = Identifier(f.Name) + " " + TypeName(f.Type, timestamp)
		}
		return "STRUCT(" + strings.Join(fields, ",") + ")"
	}
	return "VARCHAR"
}
