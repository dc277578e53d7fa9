package convert

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"

	"sluice/internal/lake"
)

// boolValues encodes booleans, a bit each.
type boolValues []byte

func (boolValues) dictionary() ([]byte, int) { return nil, 0 }
func (boolValues) size() int                 { return 1 }

func (v boolValues) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	var b bounds
	low, high := byte(1), byte(0)
	for i := from; i < to; i += 8 {
		var bits byte
		for k := 0; k < 8 && i+k < to; k++ {
			x := v[i+k]
			bits |= x << k
			low, high = min(low, x), max(high, x)
		}
		dst = append(dst, bits)
	}
	if to > from {
		b = bounds{[]byte{low}, []byte{high}}
	}
	return dst, b
}

// plainNumbers encodes numbers as they are.
type plainNumbers struct {
	kind lake.Kind
	nums []int64
}

func (v *plainNumbers) dictionary() ([]byte, int) { return nil, 0 }
func (v *plainNumbers) size() int                 { return 8 }

func (v *plainNumbers) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	nums := v.nums[from:to]
	for _, n := range nums {
		dst = appendNum(dst, v.kind, n)
	}
	return dst, numberBounds(v.kind, nums)
}

func numberBounds(k lake.Kind, nums []int64) bounds {
	if len(nums) == 0 {
		return bounds{}
	}
	if k == lake.KindDouble || k == lake.KindFloat {
		return floatBounds(k, nums)
	}
	low, high := nums[0], nums[0]
	for _, n := range nums {
		low, high = min(low, n), max(high, n)
	}
	return bounds{appendNum(nil, k, low), appendNum(nil, k, high)}
}

// floatBounds gives zero as -0 below and +0 above, as Parquet asks, since the
// two compare equal.
func floatBounds(k lake.Kind, nums []int64) bounds {
	value := func(n int64) float64 { return math.Float64frombits(uint64(n)) }
	if k == lake.KindFloat {
		value = func(n int64) float64 { return float64(math.Float32frombits(uint32(n))) }
	}
	low, high := nums[0], nums[0]
	for _, n := range nums {
		if value(n) < value(low) {
			low = n
		}
		if value(n) > value(high) {
			high = n
		}
	}
	if value(low) == 0 {
		low = int64(math.Float64bits(math.Copysign(0, -1)))
		if k == lake.KindFloat {
			low = int64(math.Float32bits(float32(math.Copysign(0, -1))))
		}
	}
	if value(high) == 0 {
		high = 0
	}
	return bounds{appendNum(nil, k, low), appendNum(nil, k, high)}
}

// A numberDictionary finds the distinct numbers of a column.
type numberDictionary struct {
	entries []int64
	table   []uint32 // entry + 1
}

// maxNumbers bounds a number column's dictionary.
const maxNumbers = 1 << 16

// build fills refs with each number's entry; ok is false when there are too many
// distinct ones for a dictionary to pay.
func (d *numberDictionary) build(nums []int64, refs []uint32) (_ []uint32, ok bool) {
	d.entries = d.entries[:0]
	limit := min(maxNumbers, len(nums)/2)
	if d.hopeless(nums, limit) {
		return refs, false
	}
	// No larger than these numbers may need: many small row groups clear many tables.
	size := minTable
	for size < 2*limit {
		size *= 2
	}
	d.table = slices.Grow(d.table[:0], size)[:size]
	clear(d.table)
	mask := uint64(size - 1)
	for _, n := range nums {
		h := uint64(n) * 0x9e3779b97f4a7c15
		slot := (h >> 40) & mask
		for {
			i := d.table[slot]
			if i == 0 {
				if len(d.entries) >= limit {
					return refs, false
				}
				d.entries = append(d.entries, n)
				d.table[slot] = uint32(len(d.entries))
				refs = append(refs, uint32(len(d.entries)-1))
				break
			}
			if d.entries[i-1] == n {
				refs = append(refs, i-1)
				break
			}
			slot = (slot + 1) & mask
		}
	}
	return refs, len(nums) > 0
}

// hopeless reports whether numbers that ascend, as times do, will be too many, by how
// many of the first are distinct.
func (d *numberDictionary) hopeless(nums []int64, limit int) bool {
	const trial = 8192
	if len(nums) < 2*trial {
		return false
	}
	distinct := 1
	for i := 1; i < trial; i++ {
		if nums[i] < nums[i-1] {
			return false
		}
		if nums[i] > nums[i-1] {
			distinct++
		}
	}
	return distinct*(len(nums)/trial) > limit
}

// dictNumbers encodes numbers through a dictionary.
type dictNumbers struct {
	e    *encoder
	kind lake.Kind
	refs []uint32
	nums []int64
}

func (v *dictNumbers) dictionary() ([]byte, int) {
	dict := []byte{}
	for _, n := range v.e.numbers.entries {
		dict = appendNum(dict, v.kind, n)
	}
	return dict, len(v.e.numbers.entries)
}

func (v *dictNumbers) size() int { return 4 }

func (v *dictNumbers) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	return appendRefs(dst, v.refs[from:to]), numberBounds(v.kind, v.nums[from:to])
}

// appendRefs appends dictionary references with the bit width that they need.
func appendRefs(dst []byte, refs []uint32) []byte {
	high := uint32(0)
	for _, r := range refs {
		high = max(high, r)
	}
	width := max(1, widthOf(high))
	dst = append(dst, byte(width))
	return appendHybrid(dst, refs, width)
}

// plainTexts encodes byte strings as they are.
type plainTexts struct {
	t     *texts
	order []uint32 // of the entries; nil: as they are
}

func (v *plainTexts) dictionary() ([]byte, int) { return nil, 0 }

func (v *plainTexts) size() int { return 4 + len(v.t.entries.bytes)/max(1, v.t.len()) }

func (v *plainTexts) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	var s spread
	for i := from; i < to; i++ {
		entry := uint32(i)
		if v.order != nil {
			entry = v.order[i]
		}
		text := v.t.entries.at(entry)
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
		dst = append(dst, text...)
		s.add(v.t, entry, prefixOf(text))
	}
	return dst, s.bounds(v.t)
}

// spreadTexts encodes byte strings without the dictionary that they have in memory, and
// tells no bounds.
type spreadTexts struct {
	t     *texts
	order []uint32 // of the values; nil: as they are
}

func (v *spreadTexts) dictionary() ([]byte, int) { return nil, 0 }

func (v *spreadTexts) size() int { return 4 + int(v.t.spreadBytes())/max(1, len(v.t.refs)) }

func (v *spreadTexts) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	for i := from; i < to; i++ {
		at := uint32(i)
		if v.order != nil {
			at = v.order[i]
		}
		text := v.t.entries.at(v.t.refs[at])
		dst = binary.LittleEndian.AppendUint32(dst, uint32(len(text)))
		dst = append(dst, text...)
	}
	return dst, bounds{}
}

// dictTexts encodes byte strings through their dictionary.
type dictTexts struct {
	t     *texts
	order []uint32 // of each entry a number that does not contradict their order
	refs  []uint32
}

// maxRanked is how many entries a dictionary may have to be sorted: numbers that
// are ranks are no two the same, so that no texts are compared for a page's bounds.
const maxRanked = 4096

func newDictTexts(e *encoder, t *texts) *dictTexts {
	n := t.entries.len()
	e.prefix = slices.Grow(e.prefix[:0], n)[:n]
	if n <= maxRanked {
		e.ranked = e.ranked[:0]
		for i := range n {
			e.ranked = append(e.ranked, uint32(i))
		}
		slices.SortFunc(e.ranked, func(a, b uint32) int { return bytes.Compare(t.entries.at(a), t.entries.at(b)) })
		for rank, i := range e.ranked {
			e.prefix[i] = uint32(rank)
		}
		return &dictTexts{t, e.prefix, t.refs}
	}
	// The first four bytes behind those that all have.
	common := t.entries.at(0)
	for i := range n {
		common = common[:commonLen(common, t.entries.at(uint32(i)))]
	}
	for i := range n {
		e.prefix[i] = uint32(prefixOf(t.entries.at(uint32(i))[len(common):]) >> 32)
	}
	return &dictTexts{t, e.prefix, t.refs}
}

func commonLen(a, b []byte) int {
	for i := range a {
		if i == len(b) || a[i] != b[i] {
			return i
		}
	}
	return len(a)
}

func (v *dictTexts) dictionary() ([]byte, int) {
	dict := make([]byte, 0, len(v.t.entries.bytes)+4*len(v.t.entries.ends))
	for i := range v.t.entries.ends {
		text := v.t.entries.at(uint32(i))
		dict = binary.LittleEndian.AppendUint32(dict, uint32(len(text)))
		dict = append(dict, text...)
	}
	return dict, len(v.t.entries.ends)
}

func (v *dictTexts) size() int { return 4 }

func (v *dictTexts) appendPage(dst []byte, from, to int) ([]byte, bounds) {
	refs := v.refs[from:to]
	var s spread
	for _, r := range refs {
		s.add(v.t, r, uint64(v.order[r]))
	}
	return appendRefs(dst, refs), s.bounds(v.t)
}

// A spread finds the least and the greatest text of a page, comparing eight
// bytes at a time and whole texts only where those are equal.
type spread struct {
	seen                  bool
	low, high             uint32 // entries
	lowPrefix, highPrefix uint64
}

func (s *spread) add(t *texts, i uint32, prefix uint64) {
	if !s.seen {
		*s = spread{true, i, i, prefix, prefix}
		return
	}
	if prefix < s.lowPrefix || prefix == s.lowPrefix && i != s.low && string(t.entries.at(i)) < string(t.entries.at(s.low)) {
		s.low, s.lowPrefix = i, prefix
	}
	if prefix > s.highPrefix || prefix == s.highPrefix && i != s.high && string(t.entries.at(i)) > string(t.entries.at(s.high)) {
		s.high, s.highPrefix = i, prefix
	}
}

func (s *spread) bounds(t *texts) bounds {
	if !s.seen {
		return bounds{}
	}
	// Copies: the column's memory is used again while the file's index waits.
	return bounds{append([]byte{}, t.entries.at(s.low)...), append([]byte{}, t.entries.at(s.high)...)}
}

// prefixOf is a text's first eight bytes as a number that orders as they do.
func prefixOf(text []byte) uint64 {
	if len(text) >= 8 {
		return binary.BigEndian.Uint64(text)
	}
	var b [8]byte
	copy(b[:], text)
	return binary.BigEndian.Uint64(b[:])
}
