package statistics

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/format"
)

// filtered reports whether the column chunk's Bloom filter says that none of the values
// is in it. Where one of them has no PLAIN bytes in the file's type, it is not asked.
func (g *group) filtered(c *column, with []Value) bool {
	if g.blooms == nil || c.plain == nil {
		return false
	}
	hashes := make([]uint64, 0, len(with))
	for _, v := range with {
		b, ok := c.plain(v)
		if !ok {
			return false
		}
		hashes = append(hashes, xxhash.Sum64(b))
	}
	filter := g.blooms(g.index, c.leaf)
	if filter == nil || slices.ContainsFunc(hashes, filter.Has) {
		return false
	}
	g.asked = true
	return true
}

func plainText(v Value) ([]byte, bool) { return []byte(v.text), true }

// plainInteger is the PLAIN encoding of a whole number; not ok where it has none.
func plainInteger(physical format.Type) func(v Value) ([]byte, bool) {
	return func(v Value) ([]byte, bool) {
		switch {
		case !v.exact:
			return nil, false
		case physical == format.Int64:
			return binary.LittleEndian.AppendUint64(nil, uint64(v.whole)), true
		case physical == format.Int32 && v.whole >= math.MinInt32 && v.whole <= math.MaxInt32:
			return binary.LittleEndian.AppendUint32(nil, uint32(int32(v.whole))), true
		}
		return nil, false
	}
}
