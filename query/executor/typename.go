package executor

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"sluice/query/result"
)

// plainTypes are the types without parameters: Presto's name, and whether
// values are quoted. Presto knows no unsigned integers; they take the next
// type that holds them.
var plainTypes = map[mapping.Type]struct {
	name string
	form result.Form
}{
	mapping.TypeBoolean:     {"boolean", result.Literal},
	mapping.TypeTinyInt:     {"tinyint", result.Literal},
	mapping.TypeSmallInt:    {"smallint", result.Literal},
	mapping.TypeInteger:     {"integer", result.Literal},
	mapping.TypeBigInt:      {"bigint", result.Literal},
	mapping.TypeUTinyInt:    {"smallint", result.Literal},
	mapping.TypeUSmallInt:   {"integer", result.Literal},
	mapping.TypeUInteger:    {"bigint", result.Literal},
	mapping.TypeUBigInt:     {"decimal(20,0)", result.Literal},
	mapping.TypeHugeInt:     {"decimal(38,0)", result.Literal},
	mapping.TypeUHugeInt:    {"decimal(38,0)", result.Literal},
	mapping.TypeFloat:       {"real", result.Literal},
	mapping.TypeDouble:      {"double", result.Literal},
	mapping.TypeVarchar:     {"varchar", result.String},
	mapping.TypeEnum:        {"varchar", result.String},
	mapping.TypeBlob:        {"varbinary", result.String},
	mapping.TypeUUID:        {"uuid", result.String},
	mapping.TypeDate:        {"date", result.String},
	mapping.TypeTime:        {"time", result.String},
	mapping.TypeTimestamp:   {"timestamp", result.String},
	mapping.TypeTimestampS:  {"timestamp", result.String},
	mapping.TypeTimestampMS: {"timestamp", result.String},
	mapping.TypeTimestampNS: {"timestamp", result.String},
	mapping.TypeTimestampTZ: {"timestamp with time zone", result.String},
	mapping.TypeInterval:    {"interval", result.String},
	mapping.TypeSQLNull:     {"unknown", result.String},
}

// newCell makes the reader for a type. With overflow, whole numbers wider than
// 64 bits are bigint, and overflow is set at one that does not fit.
func newCell(lt mapping.LogicalType, overflow *bool) (*cell, error) {
	c := &cell{typ: mapping.GetTypeId(lt), overflow: overflow}
	if p, ok := plainTypes[c.typ]; ok {
		c.name, c.form = p.name, p.form
		if overflow != nil && (c.typ == mapping.TypeHugeInt || c.typ == mapping.TypeUBigInt) {
			c.name = "bigint"
		}
		if mapping.LogicalTypeGetAlias(lt) == "JSON" {
			c.name = "json"
		}
		if c.typ == mapping.TypeEnum {
			c.internal = mapping.EnumInternalType(lt)
			for i := range mapping.EnumDictionarySize(lt) {
				c.words = append(c.words, mapping.EnumDictionaryValue(lt, mapping.IdxT(i)))
			}
			// An enum's index is unsigned.
			c.internal = map[mapping.Type]mapping.Type{mapping.TypeUTinyInt: mapping.TypeUTinyInt,
				mapping.TypeUSmallInt: mapping.TypeUSmallInt}[c.internal]
			if c.internal == mapping.TypeInvalid {
				c.internal = mapping.TypeUInteger
			}
		}
		return c, nil
	}
	c.form = result.Literal
	switch c.typ {
	case mapping.TypeDecimal:
		c.internal, c.width, c.scale = mapping.DecimalInternalType(lt), int(mapping.DecimalWidth(lt)), int(mapping.DecimalScale(lt))
		c.name = fmt.Sprintf("decimal(%d,%d)", c.width, c.scale)
		return c, nil
	case mapping.TypeList:
		return c, c.child("array(%s)", mapping.ListTypeChildType(lt))
	case mapping.TypeArray:
		c.length = int(mapping.ArrayTypeArraySize(lt))
		return c, c.child("array(%s)", mapping.ArrayTypeChildType(lt))
	case mapping.TypeMap:
		return c, c.child("map(%s,%s)", mapping.MapTypeKeyType(lt), mapping.MapTypeValueType(lt))
	case mapping.TypeStruct:
		return c, c.structure(lt)
	}
	return nil, fmt.Errorf("values of this type cannot be returned; cast it to varchar")
}

// child makes the children and the name, and frees the children's types.
func (c *cell) child(format string, types ...mapping.LogicalType) error {
	var names []any
	var firstErr error
	for _, lt := range types {
		child, err := newCell(lt, c.overflow)
		mapping.DestroyLogicalType(&lt)
		if err != nil {
			firstErr = err
			continue
		}
		c.children = append(c.children, child)
		names = append(names, child.name)
	}
	if firstErr != nil {
		return firstErr
	}
	c.name = fmt.Sprintf(format, names...)
	return nil
}

func (c *cell) structure(lt mapping.LogicalType) error {
	var parts []string
	for i := range mapping.StructTypeChildCount(lt) {
		name := mapping.StructTypeChildName(lt, i)
		child := mapping.StructTypeChildType(lt, i)
		f, err := newCell(child, c.overflow)
		mapping.DestroyLogicalType(&child)
		if err != nil {
			return err
		}
		c.children = append(c.children, f)
		part := f.name
		if name == "" {
			name = fmt.Sprintf("field%d", i) // Presto's
		} else {
			part = identifier(name) + " " + part
		}
		c.fields = append(c.fields, string(result.AppendQuoted(nil, name)))
		c.names = append(c.names, name)
		parts = append(parts, part)
	}
	c.name = "row(" + strings.Join(parts, ",") + ")"
	return nil
}

// identifier is a field's name as it stands in a type: quoted where it must be.
func identifier(name string) string {
	for _, r := range name {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return Identifier(name)
		}
	}
	return name
}
