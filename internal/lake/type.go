package lake

import (
	"fmt"
	"strings"
)

// A Kind is the outermost part of a column's type.
type Kind uint8

// The kinds, as Hive and Glue know them. KindNone is the zero Kind: no type.
const (
	KindNone Kind = iota
	KindBoolean
	KindInt    // 32 bits
	KindBigint // 64 bits
	KindFloat  // 32 bits
	KindDouble // 64 bits
	KindDecimal
	KindString
	KindBinary
	KindDate
	KindTimestamp // microseconds, UTC
	KindArray
	KindMap
	KindStruct
	KindTinyint
	KindSmallint
)

var kindNames = map[Kind]string{
	KindBoolean: "boolean", KindTinyint: "tinyint", KindSmallint: "smallint", KindInt: "int",
	KindBigint: "bigint", KindFloat: "float", KindDouble: "double", KindDecimal: "decimal",
	KindString: "string", KindBinary: "binary", KindDate: "date", KindTimestamp: "timestamp",
	KindArray: "array", KindMap: "map", KindStruct: "struct",
}

// String is Hive's word for the kind.
func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return "none"
}

// A Type is a column's type. Types are immutable: share them freely.
type Type struct {
	Kind             Kind
	Precision, Scale int      // of a decimal
	Key              *Type    // of a map; always string when inferred
	Elem             *Type    // of an array's elements or a map's values
	Fields           []Column // of a struct, in order
	Form             Form     // of a declared type; no part of it for Equal and String
}

// The types without parameters.
var (
	Boolean   = Type{Kind: KindBoolean}
	Int       = Type{Kind: KindInt}
	Bigint    = Type{Kind: KindBigint}
	Double    = Type{Kind: KindDouble}
	String    = Type{Kind: KindString}
	Date      = Type{Kind: KindDate}
	Timestamp = Type{Kind: KindTimestamp}
)

// ArrayOf is array<elem>.
func ArrayOf(elem Type) Type { return Type{Kind: KindArray, Elem: &elem} }

// MapOf is map<string,value>.
func MapOf(value Type) Type { key := String; return Type{Kind: KindMap, Key: &key, Elem: &value} }

// StructOf is struct<fields…>.
func StructOf(fields ...Column) Type { return Type{Kind: KindStruct, Fields: fields} }

// String is the type as Hive and Glue write it: lower case, no spaces, as in
// struct<a:bigint,b:array<string>>.
func (t Type) String() string {
	switch t.Kind {
	case KindDecimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case KindArray:
		return "array<" + t.Elem.String() + ">"
	case KindMap:
		return "map<" + t.Key.String() + "," + t.Elem.String() + ">"
	case KindStruct:
		var b strings.Builder
		b.WriteString("struct<")
		for i, f := range t.Fields {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(f.Name + ":" + f.Type.String())
		}
		return b.String() + ">"
	}
	return t.Kind.String()
}

// Equal reports whether two types are the same, field for field.
func (t Type) Equal(u Type) bool {
	if t.Kind != u.Kind || t.Precision != u.Precision || t.Scale != u.Scale || len(t.Fields) != len(u.Fields) {
		return false
	}
	if (t.Key == nil) != (u.Key == nil) || (t.Key != nil && !t.Key.Equal(*u.Key)) {
		return false
	}
	if (t.Elem == nil) != (u.Elem == nil) || (t.Elem != nil && !t.Elem.Equal(*u.Elem)) {
		return false
	}
	for i := range t.Fields {
		if t.Fields[i].Name != u.Fields[i].Name || !t.Fields[i].Type.Equal(u.Fields[i].Type) {
			return false
		}
	}
	return true
}
