package convert

import (
	"encoding/binary"
	"fmt"
	"math"

	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding"
	"github.com/parquet-go/parquet-go/format"
)

// A reading is how the values of a source's leaf become a column's.
type reading struct {
	// numbers appends the values of a page, or of a dictionary, as the column has them;
	// nil for texts and booleans.
	numbers func(dst []int64, v encoding.Values) ([]int64, error)
}

// readingOf is how a leaf is read from a file's column, or what that column is, which
// is not what it should be. A value must mean the same before and after.
func readingOf(n *node, col *sourceNode) (r reading, is string) {
	t := col.el.Type.V
	is = fmt.Sprintf("%s %s", t, col.annotation())
	same := func(want format.Type, read func([]int64, encoding.Values) ([]int64, error)) (reading, string) {
		if t == want {
			return reading{numbers: read}, ""
		}
		return reading{}, is
	}
	switch n.typ.Kind {
	case lake.KindBoolean:
		return same(format.Boolean, nil)
	case lake.KindString:
		_, text := col.el.LogicalType.Value.(*format.StringType)
		_, json := col.el.LogicalType.Value.(*format.JsonType)
		_, enum := col.el.LogicalType.Value.(*format.EnumType)
		if text || json || enum || col.converted(deprecated.UTF8, deprecated.Json, deprecated.Enum) {
			return same(format.ByteArray, nil)
		}
		return reading{}, is // of bytes nobody says that they are a text
	case lake.KindBinary:
		return same(format.ByteArray, nil)
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint:
		return integerReading(n, col, is)
	case lake.KindDate:
		if _, ok := col.el.LogicalType.Value.(*format.DateType); ok || col.converted(deprecated.Date) {
			return same(format.Int32, readInt32)
		}
	case lake.KindFloat:
		return same(format.Float, readFloatBits)
	case lake.KindDouble:
		if t == format.Float {
			return reading{numbers: readFloatAsDouble}, ""
		}
		return same(format.Double, readInt64)
	case lake.KindTimestamp:
		return timestampReading(col, is)
	case lake.KindDecimal:
		return decimalReading(n, col, is)
	}
	return reading{}, is
}

func (n *sourceNode) annotation() string {
	switch {
	case n.el.LogicalType.Value != nil:
		return n.el.LogicalType.String()
	case n.el.ConvertedType.Valid:
		if t := int(n.el.ConvertedType.V); t >= 0 && t < len(convertedNames) {
			return convertedNames[t]
		}
	}
	return "without a logical type"
}

// convertedNames are the names of Parquet's converted types, by their number.
var convertedNames = [...]string{
	"UTF8", "MAP", "MAP_KEY_VALUE", "LIST", "ENUM", "DECIMAL", "DATE", "TIME_MILLIS", "TIME_MICROS", "TIMESTAMP_MILLIS", "TIMESTAMP_MICROS",
	"UINT_8", "UINT_16", "UINT_32", "UINT_64", "INT_8", "INT_16", "INT_32", "INT_64", "JSON", "BSON", "INTERVAL",
}

// integerReading takes signed integers of no more bits than the column has.
func integerReading(n *node, col *sourceNode, is string) (reading, string) {
	bits := map[lake.Kind]int{lake.KindTinyint: 8, lake.KindSmallint: 16, lake.KindInt: 32, lake.KindBigint: 64}
	have := 32
	if col.el.Type.V == format.Int64 {
		have = 64
	} else if col.el.Type.V != format.Int32 {
		return reading{}, is
	}
	switch l := col.el.LogicalType.Value.(type) {
	case nil:
		if col.el.ConvertedType.Valid {
			switch col.el.ConvertedType.V {
			case deprecated.Int8:
				have = 8
			case deprecated.Int16:
				have = 16
			case deprecated.Int32, deprecated.Int64:
			default:
				return reading{}, is
			}
		}
	case *format.IntType:
		if !l.IsSigned {
			return reading{}, is
		}
		have = int(l.BitWidth)
	default:
		return reading{}, is
	}
	if have > bits[n.typ.Kind] {
		return reading{}, is
	}
	if col.el.Type.V == format.Int64 {
		return reading{numbers: readInt64}, ""
	}
	return reading{numbers: readInt32}, ""
}

func timestampReading(col *sourceNode, is string) (reading, string) {
	if col.el.Type.V == format.Int96 {
		return reading{numbers: readInt96}, ""
	}
	if col.el.Type.V != format.Int64 {
		return reading{}, is
	}
	unit := any(nil)
	if l, ok := col.el.LogicalType.Value.(*format.TimestampType); ok {
		unit = l.Unit.Value
	}
	switch _, inMillis := unit.(*format.MilliSeconds); {
	case inMillis || unit == nil && col.converted(deprecated.TimestampMillis):
		return reading{numbers: readMillis}, ""
	case unit == nil && !col.converted(deprecated.TimestampMicros):
		return reading{}, is
	}
	if _, nanos := unit.(*format.NanoSeconds); nanos {
		return reading{}, is // microseconds would lose digits
	}
	return reading{numbers: readInt64}, ""
}

func decimalReading(n *node, col *sourceNode, is string) (reading, string) {
	scale, precision, ok := int32(0), int32(0), false
	if l, isDecimal := col.el.LogicalType.Value.(*format.DecimalType); isDecimal {
		scale, precision, ok = l.Scale, l.Precision, true
	} else if col.converted(deprecated.Decimal) {
		scale, precision, ok = col.el.Scale.V, col.el.Precision.V, true
	}
	if !ok || int(scale) != n.typ.Scale || int(precision) > n.typ.Precision {
		return reading{}, is
	}
	switch col.el.Type.V {
	case format.Int32:
		return reading{numbers: readInt32}, ""
	case format.Int64:
		return reading{numbers: readInt64}, ""
	case format.FixedLenByteArray:
		return reading{numbers: readFixedDecimal}, ""
	case format.ByteArray:
		return reading{numbers: readDecimal}, ""
	}
	return reading{}, is
}

func readInt64(dst []int64, v encoding.Values) ([]int64, error) {
	data, _ := v.Data()
	n := len(data) / 8
	dst = room(dst, n)
	for i := range n {
		dst = append(dst, int64(binary.LittleEndian.Uint64(data[8*i:])))
	}
	return dst, nil
}

func readInt32(dst []int64, v encoding.Values) ([]int64, error) {
	values := v.Int32()
	dst = room(dst, len(values))
	for _, n := range values {
		dst = append(dst, int64(n))
	}
	return dst, nil
}

func readMillis(dst []int64, v encoding.Values) ([]int64, error) {
	for _, n := range v.Int64() {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return nil, foreign("a timestamp of %d milliseconds is out of range", n)
		}
		dst = append(dst, n*1000)
	}
	return dst, nil
}

func readInt96(dst []int64, v encoding.Values) ([]int64, error) {
	for _, n := range v.Int96() {
		nanos := int64(n[0]) | int64(n[1])<<32
		day := int64(n[2]) - julianEpoch
		if nanos%1000 != 0 {
			return nil, foreign("a timestamp has nanoseconds")
		}
		dst = append(dst, day*microsPerDay+nanos/1000)
	}
	return dst, nil
}

func readFloatBits(dst []int64, v encoding.Values) ([]int64, error) {
	for _, f := range v.Float() {
		dst = append(dst, int64(math.Float32bits(f)))
	}
	return dst, nil
}

func readFloatAsDouble(dst []int64, v encoding.Values) ([]int64, error) {
	for _, f := range v.Float() {
		dst = append(dst, floatBits(float64(f)))
	}
	return dst, nil
}

func readFixedDecimal(dst []int64, v encoding.Values) ([]int64, error) {
	data, size := v.FixedLenByteArray()
	for size > 0 && len(data) >= size {
		n, ok := bigEndian(data[:size])
		if !ok {
			return nil, foreign("a decimal has more than 18 digits")
		}
		dst, data = append(dst, n), data[size:]
	}
	return dst, nil
}

func readDecimal(dst []int64, v encoding.Values) ([]int64, error) {
	data, offsets := v.ByteArray()
	for i := 0; i+1 < len(offsets); i++ {
		n, ok := bigEndian(data[offsets[i]:offsets[i+1]])
		if !ok {
			return nil, foreign("a decimal has more than 18 digits")
		}
		dst = append(dst, n)
	}
	return dst, nil
}

// bigEndian reads a two's complement number that fits 64 bits.
func bigEndian(b []byte) (int64, bool) {
	n := int64(0)
	if len(b) > 0 && b[0] >= 0x80 {
		n = -1
	}
	for i, c := range b {
		if i < len(b)-8 && c != byte(n) { // a sign, and nothing else
			return 0, false
		}
		if i == len(b)-8 && (c >= 0x80) != (n < 0) {
			return 0, false
		}
		n = n<<8 | int64(c)
	}
	return n, true
}
