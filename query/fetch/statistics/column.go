package statistics

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"

	"sluice/internal/lake"
	"sluice/query/fetch/footer"
)

// A column is one of the table's as a file has it.
type column struct {
	absent bool
	leaf   int  // -1: nothing is known
	text   bool // it is compared as text
	nan    bool // it may hold NaN, which no bound shows
	// domain reads a bound; nil where bounds are of no use. ok is false for one that
	// cannot be right.
	domain func(b []byte) (low, high float64, ok bool)
	// plain is a value as its Bloom filter has it, see plainInteger; nil where none can be
	// looked for.
	plain func(v Value) ([]byte, bool)
	// older: min and max are as good as min_value and max_value.
	older bool
	// ordered: the file gives the column's order.
	ordered bool
}

// find looks for a column of the top level of the name, and a field of it where there is
// a path. Names match as in the executor, whatever the case.
func find(f *footer.Footer, name string, path []string, t lake.Type) column {
	leaf, element, absent := f.Leaf(name, path)
	c := column{leaf: leaf, absent: absent}
	if element == nil {
		return c
	}
	for i := range f.Meta.RowGroups {
		if m := &f.Meta.RowGroups[i].Columns[leaf].MetaData; len(m.PathInSchema) != 1+len(path) {
			return column{leaf: -1}
		}
	}
	if orders := f.Meta.ColumnOrders; leaf < len(orders) {
		_, c.ordered = orders[leaf].Value.(*format.TypeDefinedOrder)
	}
	c.setDomain(element, t)
	return c
}

// setDomain says how bounds are read and compared, where the file's type orders as
// the table's does.
func (c *column) setDomain(e *format.SchemaElement, t lake.Type) {
	if !e.Type.Valid {
		return
	}
	physical := e.Type.V
	switch t.Kind {
	case lake.KindString:
		if physical == format.ByteArray && isText(e) {
			c.text, c.plain = true, plainText
			c.domain = func([]byte) (float64, float64, bool) { return 0, 0, true }
		}
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindBigint:
		if isSigned(e) {
			c.domain, c.older, c.plain = integers(physical, 1), true, plainInteger(physical)
		}
	case lake.KindDouble:
		c.nan = true
		switch {
		case physical == format.Double:
			c.domain, c.older = readDouble, true
		case physical == format.Float:
			c.domain, c.older = readFloat, true
		case isSigned(e):
			c.domain, c.older, c.nan = integers(physical, 1), true, false
		}
	case lake.KindDate:
		_, logical := e.LogicalType.Value.(*format.DateType)
		if physical == format.Int32 && (logical || e.LogicalType.Value == nil && converted(e, deprecated.Date)) {
			c.domain, c.older, c.plain = integers(physical, 1), true, plainInteger(physical)
		}
	case lake.KindTimestamp:
		if unit := microsOf(e); physical == format.Int64 && unit > 0 {
			c.domain, c.older = integers(physical, unit), true
		}
	case lake.KindDecimal:
		if scale, ok := scaleOf(e); ok && scale == t.Scale {
			c.setDecimal(e, scale)
		}
	}
}

func (c *column) setDecimal(e *format.SchemaElement, scale int) {
	unit := math.Pow10(-scale)
	switch e.Type.V {
	case format.Int32, format.Int64:
		c.domain, c.older = integers(e.Type.V, unit), true
	case format.FixedLenByteArray:
		length := int(e.TypeLength.V)
		c.domain = func(b []byte) (float64, float64, bool) {
			if len(b) != length || length == 0 || length > 16 {
				return 0, 0, false
			}
			n := new(big.Int).SetBytes(b)
			if b[0]&0x80 != 0 {
				n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*length)))
			}
			f, _ := new(big.Float).SetInt(n).Float64()
			return widen(f, unit)
		}
	}
}

func converted(e *format.SchemaElement, t deprecated.ConvertedType) bool {
	return e.ConvertedType.Valid && e.ConvertedType.V == t
}

func isText(e *format.SchemaElement) bool {
	_, ok := e.LogicalType.Value.(*format.StringType)
	return ok || e.LogicalType.Value == nil && converted(e, deprecated.UTF8)
}

// isSigned reports whether the column is of signed integers and nothing else.
func isSigned(e *format.SchemaElement) bool {
	if e.Type.V != format.Int32 && e.Type.V != format.Int64 {
		return false
	}
	if e.ConvertedType.Valid && (e.ConvertedType.V < deprecated.Int8 || e.ConvertedType.V > deprecated.Int64) {
		return false
	}
	switch l := e.LogicalType.Value.(type) {
	case nil:
		return true
	case *format.IntType:
		return l.IsSigned
	}
	return false
}

// microsOf is the unit of a timestamp in microseconds, 0 where it is none.
func microsOf(e *format.SchemaElement) float64 {
	switch l := e.LogicalType.Value.(type) {
	case nil:
		switch {
		case converted(e, deprecated.TimestampMillis):
			return 1000
		case converted(e, deprecated.TimestampMicros):
			return 1
		}
	case *format.TimestampType:
		switch l.Unit.Value.(type) {
		case *format.MilliSeconds:
			return 1000
		case *format.MicroSeconds:
			return 1
		case *format.NanoSeconds:
			return 0.001
		}
	}
	return 0
}

func scaleOf(e *format.SchemaElement) (int, bool) {
	switch l := e.LogicalType.Value.(type) {
	case nil:
		return int(e.Scale.V), converted(e, deprecated.Decimal)
	case *format.DecimalType:
		return int(l.Scale), true
	}
	return 0, false
}

// integers reads bounds of signed integers that count a unit.
func integers(physical format.Type, unit float64) func(b []byte) (low, high float64, ok bool) {
	return func(b []byte) (low, high float64, ok bool) {
		switch {
		case physical == format.Int32 && len(b) == 4:
			return widen(float64(int32(binary.LittleEndian.Uint32(b))), unit)
		case physical == format.Int64 && len(b) == 8:
			return widen(float64(int64(binary.LittleEndian.Uint64(b))), unit)
		}
		return 0, 0, false
	}
}

// widen makes up for what rounding may have cost, to a double and by the unit.
func widen(f, unit float64) (low, high float64, ok bool) {
	if unit == 1 && math.Abs(f) < exactBelow {
		return f, f, true
	}
	low, high = math.Nextafter(f, math.Inf(-1)), math.Nextafter(f, math.Inf(1))
	if unit != 1 {
		low, high = math.Nextafter(low*unit, math.Inf(-1)), math.Nextafter(high*unit, math.Inf(1))
	}
	return low, high, true
}

func readDouble(b []byte) (low, high float64, ok bool) {
	if len(b) != 8 {
		return 0, 0, false
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(b))
	return f, f, !math.IsNaN(f)
}

func readFloat(b []byte) (low, high float64, ok bool) {
	if len(b) != 4 {
		return 0, 0, false
	}
	f := float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	return f, f, !math.IsNaN(f)
}

// bounds reads a column chunk's statistics.
func (c *column) bounds(f *footer.Footer, group int) bounds {
	g := &f.Meta.RowGroups[group]
	m := &g.Columns[c.leaf].MetaData
	s := &m.Statistics
	b := bounds{nulls: s.NullCount}
	b.allNull = s.NullCount == g.NumRows && m.NumValues == g.NumRows
	if c.domain == nil {
		return b
	}
	min, max := s.MinValue, s.MaxValue
	if !c.ordered {
		min, max = nil, nil
	}
	if c.older && min == nil && max == nil {
		min, max = s.Min, s.Max
	}
	// Of text, what is empty may as well be absent.
	if c.text {
		b.min, b.max, b.hasMin, b.hasMax = string(min), string(max), len(min) > 0, len(max) > 0
		if b.hasMin && b.hasMax && b.min > b.max {
			b.hasMin, b.hasMax = false, false
		}
		return b
	}
	lowest, _, ok1 := c.domain(min)
	_, highest, ok2 := c.domain(max)
	if ok1 && ok2 && lowest > highest {
		ok1, ok2 = false, false
	}
	b.low, b.high, b.hasMin, b.hasMax = lowest, highest, ok1, ok2
	return b
}
