package footer_test

import (
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"sluice/query/fetch/footer"
)

// element is a part of a schema: of a group where it has children.
func element(name string, repetition format.FieldRepetitionType, children int, typ format.Type, converted ...deprecated.ConvertedType) format.SchemaElement {
	el := format.SchemaElement{Name: name, RepetitionType: thrift.New(repetition)}
	if children > 0 {
		el.NumChildren = thrift.New(int32(children))
	} else {
		el.Type = thrift.New(typ)
	}
	for _, c := range converted {
		el.ConvertedType = thrift.New(c)
	}
	return el
}

func TestSchema(t *testing.T) {
	const optional, repeated, required = format.Optional, format.Repeated, format.Required
	decimal := element("d", optional, 0, format.Int64, deprecated.Decimal)
	decimal.Precision, decimal.Scale = thrift.New(int32(10)), thrift.New(int32(2))
	tests := []struct {
		want     string
		elements []format.SchemaElement
	}{
		{"Id bigint", []format.SchemaElement{element("Id", required, 0, format.Int64)}},
		{"d decimal(10,2)", []format.SchemaElement{decimal}},
		{"t timestamp", []format.SchemaElement{element("t", optional, 0, format.Int96)}},
		{"b binary", []format.SchemaElement{element("b", optional, 0, format.ByteArray)}},
		{"s struct<a:int,b:date>", []format.SchemaElement{element("s", optional, 2, 0), element("a", optional, 0, format.Int32), element("B", optional, 0, format.Int32, deprecated.Date)}},
		{"l array<string>", []format.SchemaElement{element("l", optional, 1, 0, deprecated.List), element("list", repeated, 1, 0), element("element", optional, 0, format.ByteArray, deprecated.UTF8)}},
		// As Hive wrote them, and as older writers did.
		{"l array<int>", []format.SchemaElement{element("l", optional, 1, 0, deprecated.List), element("bag", repeated, 1, 0), element("array_element", optional, 0, format.Int32)}},
		{"l array<int>", []format.SchemaElement{element("l", optional, 1, 0, deprecated.List), element("element", repeated, 0, format.Int32)}},
		{"l array<int>", []format.SchemaElement{element("l", repeated, 0, format.Int32)}},
		{"m map<string,int>", []format.SchemaElement{element("m", optional, 1, 0, deprecated.Map), element("key_value", repeated, 2, 0), element("key", required, 0, format.ByteArray, deprecated.UTF8), element("value", optional, 0, format.Int32)}},
		{"m map<string,int>", []format.SchemaElement{element("m", optional, 1, 0, deprecated.Map), element("map", repeated, 2, 0, deprecated.MapKeyValue), element("key", required, 0, format.ByteArray, deprecated.UTF8), element("value", optional, 0, format.Int32)}},
		{"error: m: it is a map without", []format.SchemaElement{element("m", optional, 1, 0, deprecated.Map), element("key", optional, 0, format.Int32)}},
		{"error: the schema breaks off", []format.SchemaElement{element("s", optional, 2, 0), element("a", optional, 0, format.Int32)}},
		{"error: nested deeper", deep(100)},
	}
	for _, tt := range tests {
		meta := &format.FileMetaData{Schema: append([]format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(1))}}, tt.elements...)}
		columns, err := (&footer.Footer{Meta: meta}).Schema()
		if fails, ok := strings.CutPrefix(tt.want, "error: "); ok {
			if err == nil || !strings.Contains(err.Error(), fails) {
				t.Errorf("want an error with %q, got %v, %v", fails, columns, err)
			}
			continue
		}
		if err != nil || len(columns) != 1 || columns[0].Name+" "+columns[0].Type.String() != strings.ToLower(tt.want) {
			t.Errorf("want %s, got %v, %v", tt.want, columns, err)
		}
	}
}

func deep(n int) (elements []format.SchemaElement) {
	for range n {
		elements = append(elements, element("s", format.Optional, 1, 0))
	}
	return append(elements, element("a", format.Optional, 0, format.Int32))
}
