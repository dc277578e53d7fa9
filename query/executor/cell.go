package executor

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"time"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"sluice/query/result"
)

// A cell reads the values of one column, or of one child of a nested column,
// out of the vectors of successive chunks.
type cell struct {
	typ      mapping.Type
	name     string // Presto's name of the type
	form     result.Form
	internal mapping.Type // of a decimal or an enum
	width    int          // of a decimal: its digits
	scale    int          // of a decimal
	words    []string     // of an enum
	length   int          // of an array
	fields   []string     // of a struct, quoted as JSON
	names    []string     // of a struct's fields; field0 and so on where they have none
	children []*cell
	overflow *bool          // see newCell
	zone     *time.Location // in which a timestamp with time zone is written; nil: UTC
	zoneName string

	data  unsafe.Pointer
	valid unsafe.Pointer // bit mask; nil when there is no null
	buf   []byte         // for building text
}

// maxValue is the longest text that a value may have. It is copied some times before
// it is with the reader, and what the executor allocates is bounded, but not what
// becomes of it.
const maxValue = 64 << 20

var errTooLong = &Error{Kind: "Out of Range", Message: fmt.Sprintf("a value of the answer is longer than %d bytes", maxValue), Position: -1}

// point makes the cell read v, and its children v's.
func (c *cell) point(v mapping.Vector) {
	c.data = mapping.VectorGetData(v)
	c.valid = mapping.VectorGetValidity(v)
	switch c.typ {
	case mapping.TypeList, mapping.TypeMap:
		child := mapping.ListVectorGetChild(v)
		if c.typ == mapping.TypeList {
			c.children[0].point(child)
			return
		}
		for i, f := range c.children {
			f.point(mapping.StructVectorGetChild(child, mapping.IdxT(i)))
		}
	case mapping.TypeArray:
		c.children[0].point(mapping.ArrayVectorGetChild(v))
	case mapping.TypeStruct:
		for i, f := range c.children {
			f.point(mapping.StructVectorGetChild(v, mapping.IdxT(i)))
		}
	}
}

func (c *cell) null(row int) bool {
	if c.typ == mapping.TypeSQLNull {
		return true
	}
	if c.valid == nil {
		return false
	}
	word := *(*uint64)(unsafe.Add(c.valid, row/64*8))
	return word&(1<<(uint(row)%64)) == 0
}

func at[T any](c *cell, row int) T {
	var zero T
	return *(*T)(unsafe.Add(c.data, uintptr(row)*unsafe.Sizeof(zero)))
}

// value is the row's value, its text copied out of the vector; where it is longer than
// maxValue, some of it, longer than that too.
func (c *cell) value(row int) result.Value {
	if c.null(row) {
		return result.Value{}
	}
	var form result.Form
	c.buf, form = c.appendText(c.buf[:0], row)
	return result.Value{Text: string(c.buf), Form: form}
}

// appendJSON appends the row's value as it stands within an array or object.
func (c *cell) appendJSON(dst []byte, row int) []byte {
	if c.null(row) {
		return append(dst, "null"...)
	}
	var form result.Form
	c.buf, form = c.appendText(c.buf[:0], row)
	if form == result.Literal {
		return append(dst, c.buf...)
	}
	return result.AppendQuoted(dst, string(c.buf))
}

// appendText appends the text of a value that is not null.
func (c *cell) appendText(dst []byte, row int) ([]byte, result.Form) {
	switch c.typ {
	case mapping.TypeBoolean:
		return strconv.AppendBool(dst, at[uint8](c, row) != 0), result.Literal
	case mapping.TypeFloat:
		return result.AppendFloat(dst, float64(at[float32](c, row)), 32)
	case mapping.TypeDouble:
		return result.AppendFloat(dst, at[float64](c, row), 64)
	case mapping.TypeDecimal:
		return appendDecimal(dst, c.wide(c.internal, row).String(), c.scale), result.Literal
	case mapping.TypeHugeInt, mapping.TypeUHugeInt:
		v := c.wide(c.typ, row)
		if c.overflow != nil && !v.IsInt64() {
			*c.overflow = true
		}
		return append(dst, v.String()...), result.Literal
	case mapping.TypeVarchar:
		return append(dst, c.most(row)...), result.String
	case mapping.TypeBlob:
		return base64.StdEncoding.AppendEncode(dst, c.most(row)), result.String
	case mapping.TypeEnum:
		return append(dst, c.words[c.integer(c.internal, row)]...), result.String
	case mapping.TypeUUID:
		return appendUUID(dst, at[[2]uint64](c, row)), result.String
	case mapping.TypeList, mapping.TypeArray:
		return c.appendList(dst, row), result.Literal
	case mapping.TypeStruct:
		return c.appendStruct(dst, row), result.Literal
	case mapping.TypeMap:
		return c.appendMap(dst, row), result.Literal
	case mapping.TypeUBigInt:
		v := at[uint64](c, row)
		if c.overflow != nil && v > math.MaxInt64 {
			*c.overflow = true
		}
		return strconv.AppendUint(dst, v, 10), result.Literal
	}
	if c.form == result.String {
		return c.appendTime(dst, row), result.String
	}
	return strconv.AppendInt(dst, c.integer(c.typ, row), 10), result.Literal
}

// integer reads an integer of up to 64 bits, signed or small enough.
func (c *cell) integer(t mapping.Type, row int) int64 {
	switch t {
	case mapping.TypeTinyInt:
		return int64(at[int8](c, row))
	case mapping.TypeSmallInt:
		return int64(at[int16](c, row))
	case mapping.TypeInteger:
		return int64(at[int32](c, row))
	case mapping.TypeUTinyInt:
		return int64(at[uint8](c, row))
	case mapping.TypeUSmallInt:
		return int64(at[uint16](c, row))
	case mapping.TypeUInteger:
		return int64(at[uint32](c, row))
	}
	return at[int64](c, row)
}

// bytes is the row's string, in the vector's memory.
func (c *cell) bytes(row int) []byte {
	// A duckdb_string_t is 16 bytes: the length, then up to 12 bytes, or a
	// prefix of 4 and a pointer.
	p := unsafe.Add(c.data, uintptr(row)*16)
	n := *(*uint32)(p)
	if n <= 12 {
		return unsafe.Slice((*byte)(unsafe.Add(p, 4)), int(n))
	}
	return unsafe.Slice(*(**byte)(unsafe.Add(p, 8)), int(n))
}

// most is bytes, or as much of them as shows that they are too long.
func (c *cell) most(row int) []byte {
	text := c.bytes(row)
	return text[:min(len(text), maxValue+1)]
}

// list is where the values of a list or array are in its child.
func (c *cell) list(row int) (from, n int) {
	if c.typ == mapping.TypeArray {
		return row * c.length, c.length
	}
	entry := at[[2]uint64](c, row)
	return int(entry[0]), int(entry[1])
}

func (c *cell) appendList(dst []byte, row int) []byte {
	from, n := c.list(row)
	dst = append(dst, '[')
	for i := 0; i < n && len(dst) <= maxValue; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = c.children[0].appendJSON(dst, from+i)
	}
	return append(dst, ']')
}

func (c *cell) appendStruct(dst []byte, row int) []byte {
	dst = append(dst, '{')
	for i, f := range c.children {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(dst, c.fields[i]...), ':')
		dst = f.appendJSON(dst, row)
	}
	return append(dst, '}')
}

func (c *cell) appendMap(dst []byte, row int) []byte {
	entry := at[[2]uint64](c, row)
	dst = append(dst, '{')
	for i := 0; i < int(entry[1]) && len(dst) <= maxValue; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		key := c.children[0].value(int(entry[0]) + i)
		dst = append(result.AppendQuoted(dst, key.Text), ':')
		dst = c.children[1].appendJSON(dst, int(entry[0])+i)
	}
	return append(dst, '}')
}

func appendUUID(dst []byte, halves [2]uint64) []byte {
	// Stored as a signed 128-bit number with the highest bit flipped, so that
	// uuids sort as numbers.
	hi, lo := halves[1]^(1<<63), halves[0]
	return fmt.Appendf(dst, "%08x-%04x-%04x-%04x-%012x", hi>>32, hi>>16&0xffff, hi&0xffff, lo>>48, lo&0xffffffffffff)
}
