package convert

import (
	"math/bits"
)

// A bitmap says in which slots a node is present. Up to the first slot that it
// is absent from there is nothing but the count; slots past its words are
// absent, so that absence costs nothing either.
type bitmap struct {
	count  int
	sparse bool
	words  []uint64 // once sparse
}

func (b *bitmap) reset() { b.count, b.sparse, b.words = 0, false, b.words[:0] }

// set adds a slot behind those set before.
func (b *bitmap) set(slot int) {
	if !b.sparse && slot == b.count {
		b.count++
		return
	}
	b.setSparse(slot)
}

// setRun adds n slots from slot on.
func (b *bitmap) setRun(slot, n int) {
	if !b.sparse && slot == b.count {
		b.count += n
		return
	}
	for k := range n {
		b.set(slot + k)
	}
}

func (b *bitmap) setSparse(slot int) {
	b.spell()
	w := slot >> 6
	for len(b.words) <= w {
		push(&b.words, 0)
	}
	b.words[w] |= 1 << (slot & 63)
	b.count++
}

// spell makes sure that the words are there.
func (b *bitmap) spell() {
	if b.sparse {
		return
	}
	b.sparse = true
	for range b.count / 64 {
		push(&b.words, ^uint64(0))
	}
	if rest := b.count % 64; rest > 0 {
		push(&b.words, 1<<rest-1)
	}
}

func (b *bitmap) has(slot int) bool {
	if !b.sparse {
		return slot < b.count
	}
	w := slot >> 6
	return w < len(b.words) && b.words[w]>>(slot&63)&1 == 1
}

// countRange counts the present slots of [from, to).
func (b *bitmap) countRange(from, to int) int {
	if !b.sparse {
		return max(0, min(to, b.count)-from)
	}
	n := 0
	to = min(to, 64*len(b.words))
	for from < to && from&63 != 0 {
		n += int(b.words[from>>6] >> (from & 63) & 1)
		from++
	}
	for ; from+64 <= to; from += 64 {
		n += bits.OnesCount64(b.words[from>>6])
	}
	for ; from < to; from++ {
		n += int(b.words[from>>6] >> (from & 63) & 1)
	}
	return n
}
