package convert

import (
	"bytes"
	"cmp"
	"math"
	"math/bits"
	"slices"
	"sync"

	"sluice/internal/lake"
)

// Rows are sorted within their row group, when it is encoded: the order is
// worked out once, as the numbers of the rows, and every column is encoded in
// it. Sorting a whole file would have to keep it all, or to merge (as Merge does, see
// mergesort.go); most files are one row group. Rows with equal keys stay in the order of their arrival.

// sortBytes is what sorting needs for a row, about: its number twice, its key,
// and of a column of texts that has no dictionary their beginnings.
const sortBytes = 32

// A sortKey is a leaf that is in no list, by which rows are sorted.
type sortKey struct {
	leaf       *node
	descending bool
	nullsFirst bool
}

// A rowOrder is the order of a builder's rows, worked out by the first of the
// encoders that needs it.
type rowOrder struct {
	once sync.Once
	rows []uint32 // the numbers of the rows; nil: as they are
}

// order is the order of the rows, nil if they stay as they are. The builder must
// be finished, and no column encoded yet.
func (b *builder) order() []uint32 {
	if len(b.schema.sort) == 0 {
		return nil
	}
	b.sorted.once.Do(func() { b.sorted.rows = sortRows(b) })
	return b.sorted.rows
}

// sortRows sorts by the least key first: each pass keeps the order of the one
// before among equals.
func sortRows(b *builder) []uint32 {
	s := sorter{rows: make([]uint32, b.rows()), other: make([]uint32, b.rows()), keys: make([]uint64, b.rows())}
	for i := range s.rows {
		s.rows[i] = uint32(i)
	}
	for _, key := range slices.Backward(b.schema.sort) {
		c := &b.columns[key.leaf.id]
		ordinals, most := ordinalsOf(c, key.leaf)
		next := 0
		for row := range s.keys {
			s.keys[row] = 0
			if c.present.has(row) {
				s.keys[row] = ordinals[next]
				if key.descending {
					s.keys[row] = most - ordinals[next]
				}
				next++
			}
		}
		s.byKeys(bits.Len64(most))
		if next < len(s.keys) {
			s.nulls(&c.present, key.nullsFirst)
		}
	}
	for i, row := range s.rows {
		if uint32(i) != row {
			return s.rows
		}
	}
	return nil
}

// A sorter sorts rows by one key at a time.
type sorter struct {
	rows, other []uint32
	keys        []uint64 // by row
}

// byKeys sorts by the low bits of the keys, eleven at a time.
func (s *sorter) byKeys(width int) {
	const digit = 11
	for shift := 0; shift < width; shift += digit {
		var ends [1 << digit]uint32
		for _, key := range s.keys { // in their own order, which is quicker
			ends[key>>shift&(1<<digit-1)]++
		}
		sum := uint32(0)
		for i, n := range ends {
			ends[i] = sum
			sum += n
		}
		for _, row := range s.rows {
			at := &ends[s.keys[row]>>shift&(1<<digit-1)]
			s.other[*at] = row
			*at++
		}
		s.rows, s.other = s.other, s.rows
	}
}

// nulls brings the rows without a value to one end.
func (s *sorter) nulls(present *bitmap, first bool) {
	out := s.other[:0]
	for _, want := range []bool{!first, first} {
		for _, row := range s.rows {
			if present.has(int(row)) == want {
				out = append(out, row)
			}
		}
	}
	s.rows, s.other = out, s.rows
}

// ordinalsOf gives a leaf's values numbers that order as they do as the file has
// them, equal ones equal numbers, and the greatest of those.
func ordinalsOf(c *column, leaf *node) (ordinals []uint64, most uint64) {
	switch leaf.typ.Kind {
	case lake.KindBoolean:
		for _, v := range c.bools {
			ordinals = append(ordinals, uint64(v))
		}
		return ordinals, 1
	case lake.KindString, lake.KindBinary:
		return textOrdinals(&c.texts)
	}
	ordinals = make([]uint64, len(c.nums))
	least := uint64(math.MaxUint64)
	for i, n := range c.nums {
		ordinals[i] = numberOrdinal(leaf, n)
		least, most = min(least, ordinals[i]), max(most, ordinals[i])
	}
	if len(ordinals) == 0 {
		return nil, 0
	}
	for i := range ordinals { // the fewer bits, the less to sort
		ordinals[i] -= least
	}
	return ordinals, most - least
}

func numberOrdinal(leaf *node, n int64) uint64 {
	var f float64
	switch leaf.typ.Kind {
	case lake.KindDouble:
		f = math.Float64frombits(uint64(n))
	case lake.KindFloat:
		f = float64(math.Float32frombits(uint32(n)))
	default:
		if leaf.unit == millis {
			n = floorMillis(n)
		}
		return uint64(n) ^ 1<<63
	}
	u := math.Float64bits(f + 0) // -0 becomes 0
	if u>>63 == 1 {
		return ^u
	}
	return u | 1<<63
}

// textOrdinals ranks texts, through their dictionary if they have one.
func textOrdinals(t *texts) (ordinals []uint64, most uint64) {
	type ref struct {
		prefix uint64
		entry  uint32
	}
	refs := make([]ref, t.entries.len())
	for i := range refs {
		refs[i] = ref{prefixOf(t.entries.at(uint32(i))), uint32(i)}
	}
	compare := func(a, b ref) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return bytes.Compare(t.entries.at(a.entry), t.entries.at(b.entry))
	}
	slices.SortFunc(refs, compare)
	ranks := make([]uint64, len(refs))
	for i, r := range refs {
		if i > 0 && compare(refs[i-1], r) != 0 {
			most++
		}
		ranks[r.entry] = most
	}
	if t.plain {
		return ranks, most
	}
	ordinals = make([]uint64, len(t.refs))
	for i, r := range t.refs {
		ordinals[i] = ranks[r]
	}
	return ordinals, most
}
