package convert

import "slices"

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

// stride is how many values are looked up at a time.
const stride = 32

// minTable is the least size of a table; all are powers of two.
const minTable = 16

// repeatsWanted is how many of n values should have been there before.
func repeatsWanted(n int) int { return min(n/4, n*n>>20) }

// A texts is the byte-string values of a column, in order: through a dictionary
// while that pays, plainly after.
type texts struct {
	entries ragged     // the dictionary, or all values once plain
	refs    []uint32   // of each value its entry; none once plain
	ids     []identity // of the entries; none once plain
	// table has open addressing: a slot is 1 + an entry, with upper bits of its hash
	// above (see tag); 0 is free. So most slots that are another's tell so without a look
	// at ids, and what is looked at for every value is small enough to be in the cache.
	table []uint32
	plain bool
	long  bool // an identity is not whole
	// At how many values, or bytes of entries, to look again whether the
	// dictionary pays.
	next, nextBytes int
	touched         byte // of no meaning: keeps the reads that fetch texts
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
		r.bytes = slices.Grow(r.bytes, max(len(v), growth(len(r.bytes))))
	}
	at := len(r.bytes)
	r.bytes = r.bytes[:at+len(v)]
	copy(r.bytes[at:], v)
	push(&r.ends, uint32(len(r.bytes)))
}

func (r *ragged) reset() { r.bytes, r.ends = r.bytes[:0], r.ends[:0] }

func (t *texts) reset() {
	size := minTable // as large as it was needed last
	for !t.plain && size <= 2*t.entries.len() {
		size *= 2
	}
	t.table = t.table[:min(size, cap(t.table))]
	clear(t.table)
	t.entries.reset()
	t.refs, t.ids = t.refs[:0], t.ids[:0]
	t.long = false
	t.plain, t.next, t.nextBytes = false, 0, 0
}

// slotBytes is what an entry takes beside its text, about: its end, its identity and,
// of the table, which is between a quarter and half full, three slots.
const slotBytes = 4 + 24 + 3*4

// tag is a hash's part of a slot in a table of some size: the bits above those that an
// entry needs, as there are fewer than slots.
func tag(hash uint64, mask uint32) uint32 { return uint32(hash>>32) &^ mask }

// is reports whether an entry is the value with an identity.
func (t *texts) is(entry uint32, id *identity, v []byte) bool {
	e := &t.ids[entry]
	if e.a != id.a || e.size != id.size {
		return false
	}
	if id.whole() {
		return e.b == id.b
	}
	return string(t.entries.bytes[e.b:e.b+uint64(len(v))]) == string(v)
}

// begin makes sure that there is a table.
func (t *texts) begin() {
	if len(t.table) == 0 && !t.plain {
		t.table = make([]uint32, minTable)
	}
}

// take appends values. It returns by how many bytes the column grew.
//
// The values are looked up some at a time, so that what is not in the cache is
// fetched for several at once.
func (t *texts) take(from *staged, in []entry) (grew int) {
	var ids [stride]identity
	var hashes [stride]uint64
	var slots [stride]uint32
	var texts [stride][]byte
	t.begin()
	if !t.plain {
		t.refs = room(t.refs, len(in))
	}
	for len(in) > 0 && !t.plain {
		some := in[:min(stride, len(in))]
		mask := uint32(len(t.table) - 1)
		for k := range some {
			texts[k] = from.text(some[k].value)
			hashes[k] = identify(texts[k], &ids[k])
		}
		for k := range some {
			slots[k] = t.table[uint32(hashes[k])&mask] ^ tag(hashes[k], mask) // 1 + the entry, if it is this one's
		}
		t.fetch(slots[:len(some)], mask)
		for k := range some {
			// An entry stays what it is, wherever its slot is by now.
			if s := slots[k]; s-1 < mask && t.is(s-1, &ids[k], texts[k]) {
				t.refs = append(t.refs, s-1)
				grew += 4
				continue
			}
			grew += t.lookUp(texts[k], &ids[k], hashes[k])
			if t.plain {
				some = some[:k+1]
				break
			}
		}
		in = in[len(some):]
	}
	for k := range in {
		v := from.text(in[k].value)
		t.entries.push(v)
		grew += len(v) + 4
	}
	return grew
}

// fetch brings what slots name into the cache: each loop does little but wait for reads
// that do not depend on each other, so that they are under way together.
func (t *texts) fetch(slots []uint32, mask uint32) {
	if len(t.ids) == 0 {
		return
	}
	var offsets [stride]uint64
	sum := uint64(0)
	for k, s := range slots {
		i := s - 1
		if i >= mask { // free, or another's
			i = 0
		}
		e := &t.ids[i]
		offsets[k] = e.b & -uint64(e.size/hashedForm) // 0 where the identity is whole
		sum += e.a
	}
	if t.long {
		for k := range slots {
			sum += uint64(t.entries.bytes[offsets[k]])
		}
	}
	t.touched = byte(sum)
}

// lookUp finds or makes the entry of a value, and returns by how many bytes the
// column grew.
func (t *texts) lookUp(v []byte, id *identity, hash uint64) (grew int) {
	mask := uint32(len(t.table) - 1)
	tag := tag(hash, mask)
	i := uint32(hash) & mask
	for ; t.table[i] != 0; i = (i + 1) & mask {
		if s := t.table[i] ^ tag; s-1 < mask && t.is(s-1, id, v) {
			t.refs = append(t.refs, s-1)
			return 4
		}
	}
	if !id.whole() {
		id.b, t.long = uint64(len(t.entries.bytes)), true
	}
	t.entries.push(v)
	push(&t.ids, *id)
	n := uint32(t.entries.len())
	t.table[i] = tag | n
	t.refs = append(t.refs, n-1)
	if 2*int(n) >= len(t.table) {
		t.grow()
	}
	return 4 + len(v) + slotBytes + t.review()
}

func (t *texts) grow() {
	t.table = make([]uint32, 2*len(t.table))
	mask := uint32(len(t.table) - 1)
	for entry := range t.ids {
		hash := t.ids[entry].hash()
		i := uint32(hash) & mask
		for t.table[i] != 0 {
			i = (i + 1) & mask
		}
		t.table[i] = tag(hash, mask) | uint32(entry+1)
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
	return t.spread(total)
}

// spread turns the column plain; total is how many bytes its values have.
func (t *texts) spread(total int) (grew int) {
	grew = total - len(t.entries.bytes) - slotBytes*t.entries.len()
	all := ragged{bytes: make([]byte, 0, total+total/4), ends: make([]uint32, 0, len(t.refs)+len(t.refs)/4)}
	for _, r := range t.refs {
		all.push(t.entries.at(r))
	}
	t.entries, t.refs, t.ids, t.table, t.plain = all, t.refs[:0], nil, nil, true
	return grew
}

// len is how many values are settled.
func (t *texts) len() int {
	if t.plain {
		return t.entries.len()
	}
	return len(t.refs)
}
