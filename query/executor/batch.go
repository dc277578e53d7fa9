package executor

import (
	"fmt"
	"math"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/duckdb/duckdb-go/v2/mapping"
)

// maxBatch is about how many bytes of values a batch has before it ends in the
// middle of a chunk: offsets into it have 31 bits, and it is held in memory.
const maxBatch = 16 << 20

// batches are the state of reading rows as Arrow record batches.
type batches struct {
	schema    *arrow.Schema
	builder   *array.RecordBuilder
	appenders []func(row int) // one a column
	bytes     int64           // of the batch being built, about
	err       error           // of a value that Arrow cannot hold
}

// Schema is that of the batches: names and types of the columns, all nullable.
func (r *Rows) Schema() *arrow.Schema {
	if r.batches == nil {
		fields := make([]arrow.Field, len(r.columns))
		for i, c := range r.columns {
			fields[i] = arrow.Field{Name: c.Name, Type: r.cells[i].arrowType(), Nullable: true}
		}
		b := &batches{schema: arrow.NewSchema(fields, nil)}
		b.builder = array.NewRecordBuilder(memory.DefaultAllocator, b.schema)
		for i := range r.cells {
			b.appenders = append(b.appenders, b.appender(&r.cells[i], b.builder.Field(i)))
		}
		r.batches = b
	}
	return r.batches.schema
}

// NextBatch is what follows of the rows, some thousand at most; nil at the end or
// after an error. It takes the place of Next and Values.
func (r *Rows) NextBatch() arrow.RecordBatch {
	r.Schema()
	if r.closed || r.err != nil || r.done {
		return nil
	}
	b := r.batches
	b.bytes = 0
	if r.row++; r.row >= r.size && !r.fetch() {
		return nil
	}
	from := r.row
	for {
		for _, add := range b.appenders {
			add(r.row)
		}
		if r.row+1 >= r.size || b.bytes >= maxBatch || b.err != nil {
			break
		}
		r.row++
	}
	switch {
	case b.err != nil:
		r.err = b.err
	case r.overflow != nil && *r.overflow:
		r.err = errOverflow
	}
	if r.err != nil {
		return nil
	}
	rec := b.builder.NewRecordBatch()
	if rec.NumCols() == 0 { // the builder counts by its columns
		return array.NewRecordBatch(b.schema, nil, int64(r.row-from+1))
	}
	return rec
}

// arrowType is the type of the cell's values in Arrow. What Arrow has no type for
// is text, as in every other form: uuid, json, interval.
func (c *cell) arrowType() arrow.DataType {
	switch c.typ {
	case mapping.TypeBoolean:
		return arrow.FixedWidthTypes.Boolean
	case mapping.TypeTinyInt:
		return arrow.PrimitiveTypes.Int8
	case mapping.TypeSmallInt, mapping.TypeUTinyInt:
		return arrow.PrimitiveTypes.Int16
	case mapping.TypeInteger, mapping.TypeUSmallInt:
		return arrow.PrimitiveTypes.Int32
	case mapping.TypeBigInt, mapping.TypeUInteger:
		return arrow.PrimitiveTypes.Int64
	case mapping.TypeHugeInt, mapping.TypeUBigInt, mapping.TypeUHugeInt:
		switch {
		case c.name == "bigint":
			return arrow.PrimitiveTypes.Int64
		case c.typ == mapping.TypeUBigInt:
			return &arrow.Decimal128Type{Precision: 20}
		}
		return &arrow.Decimal128Type{Precision: 38}
	case mapping.TypeFloat:
		return arrow.PrimitiveTypes.Float32
	case mapping.TypeDouble:
		return arrow.PrimitiveTypes.Float64
	case mapping.TypeDecimal:
		return &arrow.Decimal128Type{Precision: int32(c.width), Scale: int32(c.scale)}
	case mapping.TypeBlob:
		return arrow.BinaryTypes.Binary
	case mapping.TypeDate:
		return arrow.FixedWidthTypes.Date32
	case mapping.TypeTime:
		return arrow.FixedWidthTypes.Time64us
	case mapping.TypeTimestamp, mapping.TypeTimestampS, mapping.TypeTimestampMS:
		return &arrow.TimestampType{Unit: arrow.Microsecond}
	case mapping.TypeTimestampNS:
		return &arrow.TimestampType{Unit: arrow.Nanosecond}
	case mapping.TypeTimestampTZ:
		zone := "UTC"
		if c.zone != nil {
			zone = c.zoneName
		}
		return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone}
	case mapping.TypeSQLNull:
		return arrow.Null
	case mapping.TypeList, mapping.TypeArray:
		return arrow.ListOf(c.children[0].arrowType())
	case mapping.TypeMap:
		return arrow.MapOf(c.children[0].arrowType(), c.children[1].arrowType())
	case mapping.TypeStruct:
		fields := make([]arrow.Field, len(c.children))
		for i, f := range c.children {
			fields[i] = arrow.Field{Name: c.names[i], Type: f.arrowType(), Nullable: true}
		}
		return arrow.StructOf(fields...)
	}
	return arrow.BinaryTypes.String
}

// appender is what appends the value of a row to the builder of its column.
func (b *batches) appender(c *cell, to array.Builder) func(row int) {
	add := b.valueAppender(c, to)
	return func(row int) {
		if b.bytes += 8; b.bytes > maxBatch+maxValue && b.err == nil {
			b.err = errTooLong // the last row is: a batch ends at maxBatch
		}
		if b.err != nil || c.null(row) {
			to.AppendNull()
			return
		}
		add(row)
	}
}

// valueAppender is an appender of values that are not null.
func (b *batches) valueAppender(c *cell, to array.Builder) func(row int) {
	switch to := to.(type) {
	case *array.BooleanBuilder:
		return func(row int) { to.Append(at[uint8](c, row) != 0) }
	case *array.Int8Builder:
		return func(row int) { to.Append(at[int8](c, row)) }
	case *array.Int16Builder:
		return func(row int) { to.Append(int16(c.integer(c.typ, row))) }
	case *array.Int32Builder:
		return func(row int) { to.Append(int32(c.integer(c.typ, row))) }
	case *array.Int64Builder:
		return b.bigints(c, to)
	case *array.Float32Builder:
		return func(row int) { to.Append(at[float32](c, row)) }
	case *array.Float64Builder:
		return func(row int) { to.Append(at[float64](c, row)) }
	case *array.Decimal128Builder:
		return b.decimals(c, to)
	case *array.Date32Builder:
		return func(row int) {
			days := at[int32](c, row)
			b.finite(days != math.MaxInt32 && days != -math.MaxInt32)
			to.Append(arrow.Date32(days))
		}
	case *array.Time64Builder:
		return func(row int) { to.Append(arrow.Time64(at[int64](c, row))) }
	case *array.TimestampBuilder:
		return b.timestamps(c, to)
	case *array.BinaryBuilder:
		return func(row int) { to.Append(b.short(c.bytes(row))) }
	case *array.StringBuilder:
		return func(row int) {
			c.buf, _ = c.appendText(c.buf[:0], row)
			to.BinaryBuilder.Append(b.short(c.buf))
		}
	}
	return b.nestedAppender(c, to)
}

func (b *batches) nestedAppender(c *cell, to array.Builder) func(row int) {
	switch to := to.(type) {
	case *array.ListBuilder:
		child := b.appender(c.children[0], to.ValueBuilder())
		return func(row int) {
			to.Append(true)
			from, n := c.list(row)
			for i := 0; i < n && b.err == nil; i++ {
				child(from + i)
			}
		}
	case *array.MapBuilder:
		key, item := b.appender(c.children[0], to.KeyBuilder()), b.appender(c.children[1], to.ItemBuilder())
		return func(row int) {
			to.Append(true)
			entry := at[[2]uint64](c, row)
			for i := 0; i < int(entry[1]) && b.err == nil; i++ {
				key(int(entry[0]) + i)
				item(int(entry[0]) + i)
			}
		}
	case *array.StructBuilder:
		fields := make([]func(int), len(c.children))
		for i, f := range c.children {
			fields[i] = b.appender(f, to.FieldBuilder(i))
		}
		return func(row int) {
			to.Append(true)
			for _, f := range fields {
				f(row)
			}
		}
	}
	panic(fmt.Sprintf("BUG: no values of %s for a column of Arrow's %s", c.name, to.Type()))
}

func (b *batches) bigints(c *cell, to *array.Int64Builder) func(row int) {
	if c.typ == mapping.TypeBigInt || c.typ == mapping.TypeUInteger {
		return func(row int) { to.Append(c.integer(c.typ, row)) }
	}
	return func(row int) {
		v := c.wide(c.typ, row)
		if !v.IsInt64() {
			*c.overflow = true
		}
		to.Append(v.Int64())
	}
}

func (b *batches) decimals(c *cell, to *array.Decimal128Builder) func(row int) {
	typ := c.typ
	if typ == mapping.TypeDecimal {
		typ = c.internal
	}
	precision := to.Type().(*arrow.Decimal128Type).Precision
	return func(row int) {
		v := c.wide(typ, row)
		if v.BitLen() > 127 || !decimal128.FromBigInt(v).FitsInPrecision(precision) {
			b.fail("the number %s does not fit decimal(%d,0); cast it to varchar", v, precision)
			v.SetInt64(0)
		}
		to.Append(decimal128.FromBigInt(v))
	}
}

func (b *batches) timestamps(c *cell, to *array.TimestampBuilder) func(row int) {
	scale := map[mapping.Type]int64{mapping.TypeTimestampS: 1_000_000, mapping.TypeTimestampMS: 1000}[c.typ]
	scale = max(scale, 1)
	return func(row int) {
		v := at[int64](c, row)
		b.finite(v != math.MaxInt64 && v != -math.MaxInt64)
		if v > math.MaxInt64/scale || v < math.MinInt64/scale {
			b.fail("a timestamp is out of the range of microseconds in 64 bits; cast it to varchar")
		}
		to.Append(arrow.Timestamp(v * scale))
	}
}

func (b *batches) finite(ok bool) {
	if !ok {
		b.fail("an infinite date or timestamp has no place in Arrow and Parquet; cast it to varchar")
	}
}

// short counts a text, and refuses one that is too long.
func (b *batches) short(text []byte) []byte {
	if len(text) > maxValue && b.err == nil {
		b.err = errTooLong
	}
	if b.err != nil {
		return nil
	}
	b.bytes += int64(len(text))
	return text
}

func (b *batches) fail(format string, args ...any) {
	if b.err == nil {
		b.err = &Error{Kind: "Out of Range", Message: fmt.Sprintf(format, args...), Position: -1}
	}
}
