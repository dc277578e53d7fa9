package convert

import (
	"math/bits"
	"slices"
)

// sortedLevels are a leaf's levels with the rows in an order, and which of its
// values come there.
func (e *encoder) sortedLevels(b *builder, leaf *node, rows []uint32) (entries, []uint32) {
	c := &b.columns[leaf.id]
	e.order = e.order[:0]
	if nested(leaf) {
		places := b.sortedPlaces(leaf, rows, &e.places)
		ranks := ranksOf(&c.present)
		e.defs, e.reps = slices.Grow(e.defs[:0], len(places)), slices.Grow(e.reps[:0], len(places))
		for _, p := range places {
			e.defs, e.reps = append(e.defs, p.def), append(e.reps, p.rep)
			if p.slot >= 0 {
				e.order = append(e.order, ranks.of(p.slot))
			}
		}
		return entries{n: len(places), defs: e.defs, reps: e.reps}, e.order
	}
	if c.present.count == b.rows() {
		return entries{n: b.rows()}, rows
	}
	e.defs = b.flatLevels(leaf, e.defs)
	ranks := ranksOf(&c.present)
	e.reps = e.reps[:0] // the levels in the new order
	for _, row := range rows {
		e.reps = append(e.reps, e.defs[row])
		if e.defs[row] == leaf.def {
			e.order = append(e.order, ranks.of(int32(row)))
		}
	}
	e.defs, e.reps = e.reps, e.defs
	return entries{n: b.rows(), defs: e.defs}, e.order
}

// reordered are values in another order.
func (e *encoder) reordered(vals values, order []uint32) values {
	switch v := vals.(type) {
	case boolValues:
		return boolValues(gather(&e.bools, v, order))
	case *plainNumbers:
		return &plainNumbers{kind: v.kind, nums: gather(&e.nums, v.nums, order)}
	case *dictNumbers:
		return &dictNumbers{e: v.e, kind: v.kind, refs: gather(&e.sortedRefs, v.refs, order), nums: gather(&e.nums, v.nums, order)}
	case *plainTexts:
		return &plainTexts{t: v.t, order: order}
	case *spreadTexts:
		return &spreadTexts{t: v.t, order: order}
	case *dictTexts:
		return &dictTexts{t: v.t, order: v.order, refs: gather(&e.sortedRefs, v.refs, order)}
	}
	panic("BUG: values that cannot be sorted")
}

// gather fills scratch with the values of an order.
func gather[T any](scratch *[]T, values []T, order []uint32) []T {
	out := slices.Grow((*scratch)[:0], len(order))
	for _, i := range order {
		out = append(out, values[i])
	}
	*scratch = out
	return out
}

// sortedPlaces is places with the rows in another order.
func (b *builder) sortedPlaces(leaf *node, rows []uint32, scratch *[2][]place) []place {
	out := scratch[0][:0]
	for _, r := range rows {
		out = append(out, place{slot: int32(r)})
	}
	scratch[0] = out
	for _, n := range pathTo(leaf) {
		c := &b.columns[n.id]
		if n.kind == listNode || n.kind == mapNode {
			next := expandSorted(c, n, out, scratch[1][:0])
			scratch[0], scratch[1] = next, out
			out = next
			continue
		}
		descend(c, n, out)
	}
	return out
}

// expandSorted is expand for places in any order: where a list's elements begin
// is looked up.
func expandSorted(c *column, n *node, in, out []place) []place {
	ranks := ranksOf(&c.present)
	starts := make([]uint32, len(c.counts))
	sum := uint32(0)
	for i, count := range c.counts {
		starts[i] = sum
		sum += count
	}
	for _, p := range in {
		if p.slot < 0 || !c.present.has(int(p.slot)) {
			p.slot = -1
			out = append(out, p)
			continue
		}
		list := ranks.of(p.slot)
		if c.counts[list] == 0 {
			out = append(out, place{slot: -1, def: n.def, rep: p.rep})
			continue
		}
		for k := range c.counts[list] {
			rep := n.rep + 1
			if k == 0 {
				rep = p.rep
			}
			out = append(out, place{slot: int32(starts[list] + k), def: n.def + 1, rep: rep})
		}
	}
	return out
}

// A ranks tells which of a node's values is the one of a slot that has one.
type ranks struct {
	words  []uint64
	before []uint32 // how many there are before each word
}

func ranksOf(b *bitmap) ranks {
	if !b.sparse {
		return ranks{} // every slot up to the last that has one
	}
	r := ranks{words: b.words, before: make([]uint32, len(b.words))}
	n := 0
	for i, w := range b.words {
		r.before[i] = uint32(n)
		n += bits.OnesCount64(w)
	}
	return r
}

func (r ranks) of(slot int32) uint32 {
	if r.words == nil {
		return uint32(slot)
	}
	w := slot >> 6
	return r.before[w] + uint32(bits.OnesCount64(r.words[w]&(1<<(slot&63)-1)))
}
