package convert

import (
	"encoding/binary"
	"slices"
)

// A place is what one entry of a leaf's column chunk comes from: Parquet's
// levels, and the slot it has reached on the way from the record down; slot is
// -1 once an ancestor (or the leaf) is absent.
type place struct {
	slot     int32
	def, rep uint8
}

// bitsToBytes has the bits of each byte as bytes of 0 or 1, the lowest first.
var bitsToBytes = func() (t [256]uint64) {
	for i := range t {
		for bit := range 8 {
			t[i] |= uint64(i>>bit&1) << (8 * bit)
		}
	}
	return t
}()

// flatLevels derives the definition levels of a leaf that is in no list: since
// what is present has a present parent, a level is how many nodes on the way
// from the record to the leaf are present. It sums their bitmaps, eight rows at
// a time.
func (b *builder) flatLevels(leaf *node, scratch []uint8) []uint8 {
	rows := b.rows()
	padded := (rows + 63) &^ 63
	levels := slices.Grow(scratch[:0], padded)[:padded]
	always := uint64(0)
	for n := leaf; n.parent != nil; n = n.parent {
		if b.columns[n.id].present.count == rows {
			always++
		}
	}
	for i := 0; i < padded; i += 8 {
		binary.LittleEndian.PutUint64(levels[i:], always*ones)
	}
	for n := leaf; n.parent != nil; n = n.parent {
		p := &b.columns[n.id].present
		if p.count == rows {
			continue
		}
		for w, word := range p.words {
			if word == 0 {
				continue
			}
			eights := levels[64*w:][:64]
			for i := 0; i < 64; i += 8 {
				sum := binary.LittleEndian.Uint64(eights[i:]) + bitsToBytes[word>>i&255]
				binary.LittleEndian.PutUint64(eights[i:], sum)
			}
		}
	}
	return levels[:rows]
}

// places derives a leaf's entries from the bitmaps and counts along its path.
// The result is valid until the next call with the same scratch.
func (b *builder) places(leaf *node, scratch *[2][]place) []place {
	out := scratch[0][:0]
	for r := range b.rows() {
		out = append(out, place{slot: int32(r)})
	}
	scratch[0] = out
	for _, n := range pathTo(leaf) {
		if n.kind == listNode || n.kind == mapNode {
			next := b.expand(n, out, scratch[1][:0])
			scratch[0], scratch[1] = next, out
			out = next
			continue
		}
		descend(&b.columns[n.id], n, out)
	}
	return out
}

// descend takes the entries that reach the parent of n, no list or map, on to n.
func descend(c *column, n *node, out []place) {
	for i := range out {
		if p := &out[i]; p.slot >= 0 {
			if c.present.has(int(p.slot)) {
				p.def = n.def
			} else {
				p.slot = -1
			}
		}
	}
}

// expand replaces every entry that reaches the list or map n by one an element,
// or by one that says that it is absent or empty.
func (b *builder) expand(n *node, in, out []place) []place {
	c := &b.columns[n.id]
	list, slot := 0, int32(0)
	for _, p := range in {
		if p.slot < 0 || !c.present.has(int(p.slot)) {
			p.slot = -1
			out = append(out, p)
			continue
		}
		count := c.counts[list]
		list++
		if count == 0 {
			out = append(out, place{slot: -1, def: n.def, rep: p.rep})
			continue
		}
		for k := range count {
			rep := n.rep + 1
			if k == 0 {
				rep = p.rep
			}
			out = append(out, place{slot: slot, def: n.def + 1, rep: rep})
			slot++
		}
	}
	return out
}

// pathTo lists the nodes from below the root to n.
func pathTo(n *node) []*node {
	var path []*node
	for ; n.parent != nil; n = n.parent {
		path = append(path, n)
	}
	for i, j := 0, len(path)-1; i < j; i, j = i+1, j-1 {
		path[i], path[j] = path[j], path[i]
	}
	return path
}

// nested reports whether a leaf lies in an array or a map.
func nested(leaf *node) bool { return leaf.rep > 0 }
