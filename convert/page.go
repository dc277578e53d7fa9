package convert

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/bits"
	"unicode/utf8"

	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go/format"
)

// The size of data pages: at most about maxPageBytes before compression, and
// maxPageRows rows, so that the page index prunes within a row group.
const (
	maxPageBytes = 1 << 20
	maxPageRows  = 1 << 16
)

// A chunk is the encoded column chunk of one leaf in one row group. Offsets are
// from the row group's beginning until the file places it.
type chunk struct {
	data    []byte // its pages, headers included
	bloom   []byte // its Bloom filter, header included, or nil
	meta    format.ColumnMetaData
	pages   []format.PageLocation
	index   format.ColumnIndex
	ordered bounds
	kept    [2]int // the sizes of data and bloom while they are in a scratch file
}

// bounds are the least and the greatest value, PLAIN without a length.
type bounds struct{ min, max []byte }

// maxBound is how long a string's bound may be; a longer one is cut, the upper
// one raised.
const maxBound = 64

func (b *bounds) add(o bounds, less func(a, b []byte) bool) {
	if o.min != nil && (b.min == nil || less(o.min, b.min)) {
		b.min = o.min
	}
	if o.max != nil && (b.max == nil || less(b.max, o.max)) {
		b.max = o.max
	}
}

// cutBounds keeps strings' bounds short.
func cutBounds(b bounds) bounds {
	if len(b.min) > maxBound {
		b.min = b.min[:runeEdge(b.min, maxBound)]
	}
	if len(b.max) > maxBound {
		b.max = raise(b.max[:runeEdge(b.max, maxBound)])
	}
	return b
}

// raise is a short text greater than all that begin with the prefix: its last
// character that has a successor is replaced by that, and what follows is cut.
// UTF-8 orders as its characters do. It is nil when there is no such text.
func raise(prefix []byte) []byte {
	for len(prefix) > 0 {
		r, n := utf8.DecodeLastRune(prefix)
		prefix = prefix[:len(prefix)-n]
		switch {
		case r == utf8.RuneError && n == 1 || r == utf8.MaxRune:
			continue
		case r == surrogates-1:
			r = afterSurrogates
		default:
			r++
		}
		return utf8.AppendRune(bytes.Clone(prefix), r)
	}
	return nil
}

// The surrogates are no characters: one that would be raised into their range
// becomes the first after it.
const (
	surrogates      = 0xd800
	afterSurrogates = 0xe000
)

// runeEdge is the last index up to n at which a character begins.
func runeEdge(s []byte, n int) int {
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return n
}

// lessOf orders PLAIN values of a type as Parquet's TypeDefinedOrder does.
func lessOf(k lake.Kind) func(a, b []byte) bool {
	switch k {
	case lake.KindBigint, lake.KindTimestamp, lake.KindDecimal:
		return func(a, b []byte) bool { return int64(le64(a)) < int64(le64(b)) }
	case lake.KindInt, lake.KindSmallint, lake.KindTinyint, lake.KindDate:
		return func(a, b []byte) bool {
			return int32(binary.LittleEndian.Uint32(a)) < int32(binary.LittleEndian.Uint32(b))
		}
	case lake.KindDouble:
		return func(a, b []byte) bool { return math.Float64frombits(le64(a)) < math.Float64frombits(le64(b)) }
	case lake.KindFloat:
		return func(a, b []byte) bool {
			return math.Float32frombits(binary.LittleEndian.Uint32(a)) < math.Float32frombits(binary.LittleEndian.Uint32(b))
		}
	}
	return func(a, b []byte) bool { return bytes.Compare(a, b) < 0 }
}

func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

// appendNum appends a number as PLAIN has it for the type.
func appendNum(dst []byte, k lake.Kind, v int64) []byte {
	switch k {
	case lake.KindInt, lake.KindSmallint, lake.KindTinyint, lake.KindDate, lake.KindFloat:
		return binary.LittleEndian.AppendUint32(dst, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}

// widthOf is how many bits the values up to max need.
func widthOf(max uint32) uint { return uint(bits.Len32(max)) }
