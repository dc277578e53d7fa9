package footer

import (
	"errors"
	"fmt"
	"strings"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/lake"
)

// maxNesting bounds how deep a schema is read.
const maxNesting = 64

// Schema is the file's columns as a table would have them. A column whose type no
// table of Hive's has is an error that names it.
func (f *Footer) Schema() ([]lake.Column, error) {
	r := schemaReader{elements: f.Meta.Schema}
	root, err := r.take()
	if err != nil {
		return nil, err
	}
	return r.fields(root, 0)
}

// A schemaReader reads the schema's elements, which are in depth-first order.
type schemaReader struct{ elements []format.SchemaElement }

func (r *schemaReader) take() (format.SchemaElement, error) {
	if len(r.elements) == 0 {
		return format.SchemaElement{}, errors.New("the schema breaks off")
	}
	el := r.elements[0]
	r.elements = r.elements[1:]
	return el, nil
}

func (r *schemaReader) fields(group format.SchemaElement, depth int) ([]lake.Column, error) {
	if depth > maxNesting {
		return nil, fmt.Errorf("the schema is nested deeper than %d", maxNesting)
	}
	var columns []lake.Column
	for range group.NumChildren.V {
		el, err := r.take()
		if err != nil {
			return nil, err
		}
		typ, err := r.typeOf(el, depth)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", el.Name, err)
		}
		if el.RepetitionType.V == format.Repeated {
			typ = lake.ArrayOf(typ) // as writers had lists before they were annotated
		}
		columns = append(columns, lake.Column{Name: strings.ToLower(el.Name), Type: typ})
	}
	return columns, nil
}

func (r *schemaReader) typeOf(el format.SchemaElement, depth int) (lake.Type, error) {
	if !el.NumChildren.Valid || el.NumChildren.V == 0 {
		return leafType(el)
	}
	fields, err := r.fields(el, depth+1)
	if err != nil {
		return lake.Type{}, err
	}
	switch {
	case el.RepetitionType.V == format.Repeated:
		// The inner group of a list or a map, which older writers annotate as one, too.
	case el.ConvertedType.Valid && el.ConvertedType.V == deprecated.List:
		// A repeated group of one element, or a repeated element.
		if len(fields) != 1 || fields[0].Type.Kind != lake.KindArray {
			return lake.Type{}, errors.New("it is a list without elements")
		}
		if elem := fields[0].Type.Elem; elem.Kind == lake.KindStruct && len(elem.Fields) == 1 {
			return lake.ArrayOf(elem.Fields[0].Type), nil
		}
		return fields[0].Type, nil
	case el.ConvertedType.Valid && (el.ConvertedType.V == deprecated.Map || el.ConvertedType.V == deprecated.MapKeyValue):
		if len(fields) != 1 || fields[0].Type.Kind != lake.KindArray || len(fields[0].Type.Elem.Fields) != 2 {
			return lake.Type{}, errors.New("it is a map without keys and values")
		}
		entry := fields[0].Type.Elem.Fields
		return lake.Type{Kind: lake.KindMap, Key: &entry[0].Type, Elem: &entry[1].Type}, nil
	}
	return lake.StructOf(fields...), nil
}

func leafType(el format.SchemaElement) (lake.Type, error) {
	if el.ConvertedType.Valid {
		switch el.ConvertedType.V {
		case deprecated.UTF8, deprecated.Enum, deprecated.Json:
			return lake.String, nil
		case deprecated.Date:
			return lake.Type{Kind: lake.KindDate}, nil
		case deprecated.TimestampMillis, deprecated.TimestampMicros:
			return lake.Timestamp, nil
		case deprecated.Int8:
			return lake.Type{Kind: lake.KindTinyint}, nil
		case deprecated.Int16:
			return lake.Type{Kind: lake.KindSmallint}, nil
		case deprecated.Decimal:
			return lake.ParseType(fmt.Sprintf("decimal(%d,%d)", el.Precision.V, el.Scale.V))
		}
	}
	switch el.LogicalType.Value.(type) {
	case *format.StringType, *format.EnumType, *format.JsonType:
		return lake.String, nil
	case *format.TimestampType:
		return lake.Timestamp, nil
	}
	switch el.Type.V {
	case format.Boolean:
		return lake.Boolean, nil
	case format.Int32:
		return lake.Int, nil
	case format.Int64:
		return lake.Bigint, nil
	case format.Int96:
		return lake.Timestamp, nil
	case format.Float:
		return lake.Type{Kind: lake.KindFloat}, nil
	case format.Double:
		return lake.Double, nil
	case format.ByteArray, format.FixedLenByteArray:
		return lake.Type{Kind: lake.KindBinary}, nil
	}
	return lake.Type{}, fmt.Errorf("its type %v is none that a table has", el.Type.V)
}
