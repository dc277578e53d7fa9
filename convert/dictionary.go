package convert

import (
	"hash/maphash"
	"slices"
)

// The rules by which a column gives up its dictionary: when, after the first
// dictionaryTrial values, more than three in four are new, or when the distinct
// values outgrow maxDictionary bytes.
const (
	dictionaryTrial = 8192
	maxDictionary   = 16 << 20
)

// hashSeed differs from process to process, but nothing written depends on it:
// entries are numbered by their first appearance.
var hashSeed = maphash.MakeSeed()

// A texts is the byte-string values of a column, in order: through a dictionary
// while that pays, plainly after.
type texts struct {
	arena []byte   // the entries (or values), one after the other
	ends  []uint32 // where each ends in arena
	refs  []uint32 // of each value its entry; nil once plain
	table []uint64 // open addressing: the hash's high half, and the entry + 1
	plain bool
	// At how many values, or bytes of entries, to look again whether the
	// dictionary pays.
	next, nextBytes int
}

func (t *texts) reset() {
	t.arena, t.ends, t.refs = t.arena[:0], t.ends[:0], t.refs[:0]
	clear(t.table)
	t.plain, t.next, t.nextBytes = false, dictionaryTrial, maxDictionary
}

// entry is the i-th of arena.
func (t *texts) entry(i uint32) []byte {
	start := uint32(0)
	if i > 0 {
		start = t.ends[i-1]
	}
	return t.arena[start:t.ends[i]]
}

// add appends a value and returns by how many bytes the column grew.
func (t *texts) add(v []byte) int {
	if t.plain {
		t.keep(v)
		t.ends = push(t.ends, uint32(len(t.arena)))
		return len(v) + 4
	}
	if len(t.ends)*2 >= len(t.table) {
		t.grow()
	}
	h := maphash.Bytes(hashSeed, v)
	mask := uint64(len(t.table) - 1)
	for slot := h & mask; ; slot = (slot + 1) & mask {
		e := t.table[slot]
		if e == 0 {
			t.keep(v)
			t.ends = push(t.ends, uint32(len(t.arena)))
			t.table[slot] = h&^0xffffffff | uint64(len(t.ends))
			t.refs = push(t.refs, uint32(len(t.ends)-1))
			return len(v) + 24 + t.review()
		}
		if (e^h)>>32 == 0 {
			i := uint32(e) - 1
			if string(t.entry(i)) == string(v) {
				t.refs = push(t.refs, i)
				return 4
			}
		}
	}
}

// keep appends to the arena, which doubles when it is full.
func (t *texts) keep(v []byte) {
	if cap(t.arena)-len(t.arena) < len(v) {
		t.arena = slices.Grow(t.arena, max(len(v), len(t.arena)))
	}
	t.arena = append(t.arena, v...)
}

func (t *texts) grow() {
	if len(t.table) == 0 {
		t.table = make([]uint64, 16)
		t.next, t.nextBytes = dictionaryTrial, maxDictionary
		return
	}
	old := t.table
	t.table = make([]uint64, 2*len(old))
	mask := uint64(len(t.table) - 1)
	for _, e := range old {
		if e == 0 {
			continue
		}
		h := maphash.Bytes(hashSeed, t.entry(uint32(e)-1))
		slot := h & mask
		for t.table[slot] != 0 {
			slot = (slot + 1) & mask
		}
		t.table[slot] = e
	}
}

// review gives the dictionary up when it does not pay, and returns by how many
// bytes the column grew thereby. It looks again at every doubling only, so that
// what it costs is nothing beside the values.
func (t *texts) review() (grew int) {
	if len(t.refs) < t.next && len(t.arena) < t.nextBytes {
		return 0
	}
	large := len(t.arena) >= t.nextBytes
	t.next, t.nextBytes = max(t.next, 2*len(t.refs)), max(t.nextBytes, 2*len(t.arena))
	if large || 4*len(t.ends) > 3*len(t.refs) {
		return t.unfold()
	}
	return 0
}

// unfold turns the column plain, unless that makes it much larger: then few long
// entries are repeated often, and the dictionary pays whatever its size.
func (t *texts) unfold() (grew int) {
	total := 0
	for _, r := range t.refs {
		total += len(t.entry(r))
	}
	if total > 2*len(t.arena) {
		return 0
	}
	grew = total - len(t.arena) - 8*len(t.ends)
	arena := make([]byte, 0, total+total/4)
	ends := make([]uint32, 0, len(t.refs)+len(t.refs)/4)
	for _, r := range t.refs {
		arena = append(arena, t.entry(r)...)
		ends = append(ends, uint32(len(arena)))
	}
	t.arena, t.ends = arena, ends
	t.refs, t.table, t.plain = t.refs[:0], nil, true
	return grew
}

// len is how many values there are.
func (t *texts) len() int {
	if t.plain {
		return len(t.ends)
	}
	return len(t.refs)
}
