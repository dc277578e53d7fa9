package output

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"sluice/query/result"
)

// A batch of rows that come as text ends after so many rows or bytes.
const (
	gatherRows  = 10_000
	gatherBytes = 8 << 20
)

// gathered makes Batches of rows that come as text, by the columns' type names. A
// type that it does not know, and one that is nested, is a string.
type gathered struct {
	result.Rows
	schema *arrow.Schema
	err    error
}

func gather(rows result.Rows) *gathered {
	columns := rows.Columns()
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: arrowType(c.Type), Nullable: true}
	}
	return &gathered{Rows: rows, schema: arrow.NewSchema(fields, nil)}
}

func arrowType(name string) arrow.DataType {
	switch name {
	case "boolean":
		return arrow.FixedWidthTypes.Boolean
	case "tinyint":
		return arrow.PrimitiveTypes.Int8
	case "smallint":
		return arrow.PrimitiveTypes.Int16
	case "integer":
		return arrow.PrimitiveTypes.Int32
	case "bigint":
		return arrow.PrimitiveTypes.Int64
	case "real":
		return arrow.PrimitiveTypes.Float32
	case "double":
		return arrow.PrimitiveTypes.Float64
	case "date":
		return arrow.FixedWidthTypes.Date32
	case "timestamp":
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case "varbinary":
		return arrow.BinaryTypes.Binary
	}
	var precision, scale int32
	if n, err := fmt.Sscanf(name, "decimal(%d,%d)", &precision, &scale); n == 2 && err == nil && precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision {
		return &arrow.Decimal128Type{Precision: precision, Scale: scale}
	}
	return arrow.BinaryTypes.String
}

func (g *gathered) Schema() *arrow.Schema { return g.schema }

func (g *gathered) Err() error {
	if g.err != nil {
		return g.err
	}
	return g.Rows.Err()
}

// NextBatch is what follows of the rows; nil at the end or after an error.
func (g *gathered) NextBatch() arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, g.schema)
	defer b.Release()
	n, size := 0, 0
	for g.err == nil && n < gatherRows && size < gatherBytes && g.Next() {
		n++
		for i, v := range g.Values() {
			size += len(v.Text)
			if v.Form == result.Null {
				b.Field(i).AppendNull()
				continue
			}
			if err := appendText(b.Field(i), v.Text); err != nil {
				g.err = fmt.Errorf("write answer: column %s, value %.100q: %w", g.schema.Field(i).Name, v.Text, err)
				return nil
			}
		}
	}
	if n == 0 || g.Err() != nil {
		return nil
	}
	if b.Schema().NumFields() == 0 {
		return array.NewRecordBatch(g.schema, nil, int64(n))
	}
	return b.NewRecordBatch()
}

// appendText appends a value by its text.
func appendText(to array.Builder, text string) error {
	switch to := to.(type) {
	case *array.BooleanBuilder:
		v, err := strconv.ParseBool(text)
		to.Append(v)
		return err
	case *array.Int8Builder:
		v, err := strconv.ParseInt(text, 10, 8)
		to.Append(int8(v))
		return err
	case *array.Int16Builder:
		v, err := strconv.ParseInt(text, 10, 16)
		to.Append(int16(v))
		return err
	case *array.Int32Builder:
		v, err := strconv.ParseInt(text, 10, 32)
		to.Append(int32(v))
		return err
	case *array.Int64Builder:
		v, err := strconv.ParseInt(text, 10, 64)
		to.Append(v)
		return err
	case *array.Float32Builder:
		v, err := strconv.ParseFloat(text, 32)
		to.Append(float32(v))
		return err
	case *array.Float64Builder:
		v, err := strconv.ParseFloat(text, 64)
		to.Append(v)
		return err
	case *array.Decimal128Builder:
		t := to.Type().(*arrow.Decimal128Type)
		v, err := decimal128.FromString(text, t.Precision, t.Scale)
		to.Append(v)
		return err
	case *array.Date32Builder:
		v, err := time.Parse(time.DateOnly, text)
		to.Append(arrow.Date32FromTime(v))
		return err
	case *array.TimestampBuilder:
		v, err := time.Parse(time.DateTime, text) // takes a fraction too
		to.Append(arrow.Timestamp(v.UnixMicro()))
		return err
	case *array.BinaryBuilder:
		v, err := base64.StdEncoding.DecodeString(text)
		to.Append(v)
		return err
	case *array.StringBuilder:
		to.Append(strings.ToValidUTF8(text, "\uFFFD"))
		return nil
	}
	return fmt.Errorf("BUG: no text is appended to %T", to)
}
