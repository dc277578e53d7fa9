package convert

import (
	"slices"

	"sluice/internal/jsonscan"
)

// A column holds what a node has in one row group being built.
type column struct {
	space, elemSpace int // the node's
	present          bitmap
	nums             []int64  // of a numeric leaf
	bools            []byte   // of a boolean leaf, one a value
	texts            texts    // of a byte-string leaf
	counts           []uint32 // of a list or map: how many elements each present one has
}

// push appends to a slice that doubles when it is full: growing a large one by
// a quarter each time, as append does, copies it four times over.
func push[T any](s []T, v T) []T {
	if len(s) == cap(s) {
		s = slices.Grow(s, max(len(s), 16))
	}
	return append(s, v)
}

// emptyColumn is how many bytes a column takes before it holds anything, about;
// with many partitions it counts.
const emptyColumn = 384

// A builder fills the columns of one row group of one partition.
type builder struct {
	schema  *schema
	columns []column // by node id
	slots   []int    // by space: how many there are
	fixed   int64    // bytes held whether or not there is a row, about
	bytes   int64    // held by the rows, about
	scratch []byte
	// Since the texts were settled last:
	newRows  int
	newBytes int
}

// When pending texts are settled: often enough that they are in the cache still,
// and after the same records whatever blocks they came in.
const (
	settleRows  = 512
	settleBytes = 256 << 10
)

// begin makes a new or recycled builder ready for a schema.
func (b *builder) begin(s *schema) {
	b.schema, b.fixed = s, int64(len(s.nodes))*emptyColumn
	b.columns = slices.Grow(b.columns, max(0, len(s.nodes)-len(b.columns)))[:len(s.nodes)]
	b.slots = slices.Grow(b.slots[:0], s.spaces)[:s.spaces]
	for i, n := range s.nodes {
		b.columns[i].space, b.columns[i].elemSpace = n.space, n.elemSpace
	}
	b.reset()
}

func (b *builder) reset() {
	for i := range b.columns {
		c := &b.columns[i]
		c.present.reset()
		c.nums, c.bools, c.counts = c.nums[:0], c.bools[:0], c.counts[:0]
		c.texts.reset()
	}
	clear(b.slots)
	b.bytes, b.newRows, b.newBytes = 0, 0, 0
}

func (b *builder) rows() int { return b.slots[0] }

// add appends the record on the shredder's tape as a row.
func (b *builder) add(s *shredder) {
	b.slots[0]++
	grew := 0
	for k := range s.tape {
		e := &s.tape[k]
		c := &b.columns[e.node]
		if e.op == opSlot {
			b.slots[c.elemSpace]++
			continue
		}
		c.present.set(b.slots[c.space] - 1)
		switch e.op {
		case opNum:
			c.nums = push(c.nums, e.value)
			grew += 8
		case opBool:
			c.bools = push(c.bools, byte(e.value))
			grew++
		case opBytes:
			start, end := e.span()
			grew += c.texts.add(s.data[start:end])
		case opString:
			start, end := e.span()
			b.scratch = jsonscan.AppendUnquoted(b.scratch[:0], s.data[start:end])
			grew += c.texts.add(b.scratch)
		case opList:
			c.counts = push(c.counts, uint32(e.value))
			grew += 4
		}
	}
	if len(s.rescues) > 0 {
		grew += b.addRescues(s)
	}
	b.bytes += int64(grew)
	b.newRows++
	b.newBytes += grew
	if b.newRows >= settleRows || b.newBytes >= settleBytes {
		b.settle()
	}
}

// finish makes the columns ready for encoders, of which several will read them.
func (b *builder) finish() {
	b.settle()
	for i := range b.columns {
		c := &b.columns[i]
		if c.present.count < b.slots[c.space] {
			c.present.spell()
		}
	}
}

// settle brings all texts into their dictionaries.
func (b *builder) settle() {
	for _, leaf := range b.schema.leaves {
		if t := &b.columns[leaf.id].texts; t.pending.len() > 0 {
			b.bytes += int64(t.settle())
		}
	}
	b.newRows, b.newBytes = 0, 0
}

// addRescues fills the row's _rescued. A path that is there already (a key given
// three times) gets a number, as no reader takes a map with a key twice.
func (b *builder) addRescues(s *shredder) int {
	n := s.schema.rescued
	c := &b.columns[n.id]
	c.present.set(b.slots[n.space] - 1)
	c.counts = push(c.counts, uint32(len(s.rescues)))
	keys, values := &b.columns[n.key.id], &b.columns[n.elem.id]
	grew := 4
	taken := make(map[string]bool, len(s.rescues))
	for _, r := range s.rescues {
		path := distinct(string(s.paths[r.pathStart:r.pathEnd]), taken)
		slot := b.slots[n.elemSpace]
		b.slots[n.elemSpace]++
		keys.present.set(slot)
		grew += keys.texts.add([]byte(path))
		values.present.set(slot)
		grew += values.texts.add(s.data[r.start:r.end])
	}
	return grew
}
