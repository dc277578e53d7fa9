package convert

import "slices"

// A column holds what a node has in one row group being built.
type column struct {
	space, elemSpace int // the node's
	present          bitmap
	nums             []int64  // of a numeric leaf
	bools            []byte   // of a boolean leaf, one a value
	texts            texts    // of a byte-string leaf
	counts           []uint32 // of a list or map: how many elements each present one has
}

// push appends to a slice that grows as room lets it. Where it need not grow only its
// length is written: a pointer would have a write barrier.
func push[T any](s *[]T, v T) {
	if len(*s) == cap(*s) {
		*s = slices.Grow(*s, max(growth(len(*s)), 16))
	}
	*s = append(*s, v)
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
	sorted  rowOrder
}

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
	b.sorted = rowOrder{}
	b.bytes = 0
}

func (b *builder) rows() int { return b.slots[0] }

// take appends the values of a column's entries, whose slots follow those that
// the builder has. all are of one partition.
func (b *builder) take(n *node, from *staged, in []entry, dense bool) {
	c := &b.columns[n.id]
	base := b.slots[n.space]
	if dense {
		c.present.setRun(base, len(in))
	} else {
		for k := range in {
			c.present.set(base + int(in[k].slot))
		}
	}
	switch n.form {
	case numberForm:
		c.nums = room(c.nums, len(in))
		for k := range in {
			c.nums = append(c.nums, in[k].value)
		}
		b.bytes += 8 * int64(len(in))
	case boolForm:
		c.bools = room(c.bools, len(in))
		for k := range in {
			c.bools = append(c.bools, byte(in[k].value))
		}
		b.bytes += int64(len(in))
	case countForm:
		c.counts = room(c.counts, len(in))
		for k := range in {
			c.counts = append(c.counts, uint32(in[k].value))
		}
		b.bytes += 4 * int64(len(in))
	case textForm:
		b.bytes += int64(c.texts.take(from, in))
	}
}

// takeAll appends all rows of a staged that is of one partition.
func (b *builder) takeAll(from *staged) {
	for id, in := range from.columns {
		if len(in) > 0 {
			n := b.schema.nodes[id]
			b.take(n, from, in, len(in) == int(from.slots[n.space]))
		}
	}
	for space, n := range from.slots {
		b.slots[space] += int(n)
	}
}

// growth is by how many elements a full slice of n grows: it doubles, and when it
// is large gains half, so that not too much lies idle.
func growth(n int) int {
	if n > 1<<18 {
		return n / 2
	}
	return n
}

// room makes sure that n more fit: growing a large slice by a quarter each time, as
// append does, would copy it four times over.
func room[T any](s []T, n int) []T {
	if cap(s)-len(s) < n {
		s = slices.Grow(s, max(growth(len(s)), n, 16))
	}
	return s
}

// finish makes the columns ready for encoders, of which several will read them.
func (b *builder) finish() {
	for i := range b.columns {
		c := &b.columns[i]
		if c.present.count < b.slots[c.space] {
			c.present.spell()
		}
	}
}
