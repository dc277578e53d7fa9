package convert

import (
	"hash/maphash"
	"slices"
)

// The rules by which a column gives up its dictionary. It looks at how many
// values of the first n were there before, for n = dictionaryTrial and at every
// doubling. Drawn at random from N different ones, n²/2N of them were: if that
// says that of the first 2^18 values more than three in four will be new, the
// dictionary will not pay. Distinct values of more than maxDictionary bytes end
// it too, unless they are repeated much.
const (
	dictionaryTrial = 8192
	maxDictionary   = 32 << 20
)

// minTable is the least size of a table; all are powers of two.
const minTable = 16

// repeatsWanted is how many of n values should have been there before.
func repeatsWanted(n int) int { return min(n/4, n*n>>20) }

// hashSeed differs from process to process, but nothing written depends on it:
// entries are numbered by their first appearance.
var hashSeed = maphash.MakeSeed()

// A texts is the byte-string values of a column, in order: through a dictionary
// while that pays, plainly after.
//
// Values wait in pending until some hundreds are there, and are looked up
// together: so the column's table is in the cache for all of them, and what is
// not there is fetched for several at once.
type texts struct {
	pending ragged
	entries ragged   // the dictionary, or all values once plain
	refs    []uint32 // of each value its entry; none once plain
	table   []slot   // open addressing
	plain   bool
	// At how many values, or bytes of entries, to look again whether the
	// dictionary pays.
	next, nextBytes int
}

// A ragged is a list of byte strings in one piece of memory.
type ragged struct {
	bytes []byte
	ends  []uint32 // where each ends in bytes
}

func (r *ragged) len() int { return len(r.ends) }

func (r *ragged) at(i uint32) []byte {
	start := uint32(0)
	if i > 0 {
		start = r.ends[i-1]
	}
	return r.bytes[start:r.ends[i]]
}

func (r *ragged) push(v []byte) {
	if cap(r.bytes)-len(r.bytes) < len(v) {
		r.bytes = slices.Grow(r.bytes, max(len(v), len(r.bytes)))
	}
	r.bytes = append(r.bytes, v...)
	r.ends = push(r.ends, uint32(len(r.bytes)))
}

func (r *ragged) reset() { r.bytes, r.ends = r.bytes[:0], r.ends[:0] }

func (t *texts) reset() {
	size := minTable // as large as it was needed last
	for !t.plain && 3*size <= 4*t.entries.len() {
		size *= 2
	}
	t.table = t.table[:min(size, cap(t.table))]
	clear(t.table)
	t.pending.reset()
	t.entries.reset()
	t.refs = t.refs[:0]
	t.plain, t.next, t.nextBytes = false, 0, 0
}

// add appends a value and returns by how many bytes the column grew, as far as
// that is known before it is settled.
func (t *texts) add(v []byte) int {
	if t.plain {
		t.entries.push(v)
	} else {
		t.pending.push(v)
	}
	return len(v) + 4
}

// A slot of the table is free while its entry is 0. It holds all of what a
// look-up needs but the text itself.
type slot struct {
	hash, entry uint32 // entry + 1
	start, size uint32 // of the text in entries
}

// slotBytes is what an entry takes beside its text, about: its end, and of the
// table, which is between three eighths and three quarters full, two slots.
const slotBytes = 4 + 2*16

func hashOf(v []byte) uint32 { return uint32(maphash.Bytes(hashSeed, v)) }

// is reports whether the slot's entry is the value.
func (t *texts) is(s *slot, hash uint32, v []byte) bool {
	return s.hash == hash && s.entry != 0 && int(s.size) == len(v) && string(t.entries.bytes[s.start:s.start+s.size]) == string(v)
}

// settle takes the pending values into the dictionary. It returns by how many
// bytes the column grew beyond what add said.
func (t *texts) settle() (grew int) {
	const stride = 32
	var hashes [stride]uint32
	var found [stride]slot
	if len(t.table) == 0 {
		t.table = make([]slot, minTable)
	}
	for from := 0; from < t.pending.len(); from += stride {
		n := min(stride, t.pending.len()-from)
		if t.plain {
			for k := range n {
				t.entries.push(t.pending.at(uint32(from + k)))
			}
			continue
		}
		mask := uint32(len(t.table) - 1)
		for k := range n {
			hashes[k] = hashOf(t.pending.at(uint32(from + k)))
		}
		for k := range n {
			found[k] = t.table[hashes[k]&mask]
		}
		for k := range n {
			v := t.pending.at(uint32(from + k))
			switch {
			case t.plain: // since one of the values before
				t.entries.push(v)
			case t.is(&found[k], hashes[k], v): // wherever it is by now
				t.refs = push(t.refs, found[k].entry-1)
				grew -= len(v)
			default:
				grew += t.lookUp(v, hashes[k])
			}
		}
	}
	t.pending.reset()
	return grew
}

// lookUp finds or makes the entry of a value.
func (t *texts) lookUp(v []byte, hash uint32) (grew int) {
	mask := uint32(len(t.table) - 1)
	i := hash & mask
	for ; t.table[i].entry != 0; i = (i + 1) & mask {
		if t.is(&t.table[i], hash, v) {
			t.refs = push(t.refs, t.table[i].entry-1)
			return -len(v)
		}
	}
	start := uint32(len(t.entries.bytes))
	t.entries.push(v)
	n := uint32(t.entries.len())
	t.table[i] = slot{hash: hash, entry: n, start: start, size: uint32(len(v))}
	t.refs = push(t.refs, n-1)
	if 4*int(n) >= 3*len(t.table) {
		t.grow()
	}
	return slotBytes + t.review()
}

func (t *texts) grow() {
	old := t.table
	t.table = make([]slot, 2*len(old))
	mask := uint32(len(t.table) - 1)
	for _, s := range old {
		if s.entry == 0 {
			continue
		}
		i := s.hash & mask
		for t.table[i].entry != 0 {
			i = (i + 1) & mask
		}
		t.table[i] = s
	}
}

// review gives the dictionary up when it does not pay, and returns by how many
// bytes the column grew thereby. It looks again at every doubling only, so that
// what it costs is nothing beside the values.
func (t *texts) review() (grew int) {
	values, bytes := max(t.next, dictionaryTrial), max(t.nextBytes, maxDictionary)
	if len(t.refs) < values && len(t.entries.bytes) < bytes {
		return 0
	}
	large := len(t.entries.bytes) >= bytes
	t.next, t.nextBytes = max(values, 2*len(t.refs)), max(bytes, 2*len(t.entries.bytes))
	if large || len(t.refs)-t.entries.len() < repeatsWanted(len(t.refs)) {
		return t.unfold()
	}
	return 0
}

// finish settles between dictionary and plain values for good, by what they take
// when texts are compressed to about half and references not at all.
func (t *texts) finish() {
	if t.plain {
		return
	}
	plain := 4 * len(t.refs)
	for _, r := range t.refs {
		plain += len(t.entries.at(r))
	}
	dictionary := 4*t.entries.len() + len(t.entries.bytes)
	refs := len(t.refs) * int(widthOf(uint32(t.entries.len()))) / 8
	if dictionary/2+refs > plain/2 {
		t.unfold()
	}
}

// unfold turns the column plain, unless that makes it much larger: then few long
// entries are repeated often, and the dictionary pays whatever its size.
func (t *texts) unfold() (grew int) {
	total := 0
	for _, r := range t.refs {
		total += len(t.entries.at(r))
	}
	if total > 2*len(t.entries.bytes) {
		return 0
	}
	grew = total - len(t.entries.bytes) - slotBytes*t.entries.len()
	all := ragged{bytes: make([]byte, 0, total+total/4), ends: make([]uint32, 0, len(t.refs)+len(t.refs)/4)}
	for _, r := range t.refs {
		all.push(t.entries.at(r))
	}
	t.entries, t.refs, t.table, t.plain = all, t.refs[:0], nil, true
	return grew
}

// len is how many values are settled.
func (t *texts) len() int {
	if t.plain {
		return t.entries.len()
	}
	return len(t.refs)
}
