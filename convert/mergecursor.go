package convert

import (
	"errors"
	"io"

	"github.com/parquet-go/parquet-go"
)

// A cursor reads a leaf's column chunk into builders, some rows at a time.
type cursor struct {
	*sourceLeaf
	pages parquet.Pages
	page  parquet.Page // nil: there is none yet, or no more
	ended bool

	// Of the page:
	n          int     // entries
	at         int     // entries taken
	defs, reps []byte  // empty: all present, no lists
	values     int     // taken
	nums       []int64 // of a numeric leaf
	refs       []int32 // into the dictionary, if the page has references
	texts      spans   // of a text leaf without
	bools      []byte  // of a boolean leaf, a bit each

	slots []int // by level: of its node's space, the next slot

	dict      parquet.Dictionary // that dictNums or dictTexts are of
	dictNums  []int64
	dictTexts spans
	known     []uint32 // 1 + the entry of the builder's column that a text of the dictionary is; 0: not known
}

// spans are byte strings in one piece of memory.
type spans struct {
	bytes   []byte
	offsets []uint32 // where each begins, and where the last ends
}

func (s spans) at(i int) []byte { return s.bytes[s.offsets[i]:s.offsets[i+1]] }

func (s spans) len() int { return max(0, len(s.offsets)-1) }

func (c *cursor) close() {
	c.release()
	c.pages.Close()
}

func (c *cursor) release() {
	if c.page != nil {
		parquet.Release(c.page)
		c.page = nil
	}
}

// forget lets go of what is known of a builder: the next one has other entries.
func (c *cursor) forget() { clear(c.known) }

// take appends the entries of the next rows to the leaf's column, and to those of the
// nodes on the way that it speaks for. When all cursors have taken theirs, the caller
// counts the rows and has each count its elements.
func (c *cursor) take(b *builder, rows int) error {
	c.slots = c.slots[:0]
	for _, l := range c.levels {
		c.slots = append(c.slots, b.slots[l.node.space])
	}
	return guard(func() error {
		started := 0 // rows
		for {
			if c.at == c.n {
				if ok, err := c.next(); err != nil {
					return err
				} else if !ok {
					break
				}
				continue
			}
			to := c.at
			if len(c.reps) == 0 {
				to = min(c.n, c.at+rows-started)
				started += to - c.at
			} else {
				for ; to < c.n && (c.reps[to] != 0 || started < rows); to++ {
					if c.reps[to] == 0 {
						started++
					}
				}
			}
			if to == c.at {
				break
			}
			if err := c.entries(b, to); err != nil {
				return err
			}
		}
		if started != rows || c.node.space == 0 && c.slots[len(c.slots)-1] != b.slots[0]+rows {
			return foreign("its column %q ends before its row group does", c.node.name)
		}
		return nil
	})
}

// skip passes over the next rows.
func (c *cursor) skip(rows int) error {
	return guard(func() error {
		for started := 0; started < rows || c.at < c.n && len(c.reps) > 0 && c.reps[c.at] != 0; {
			if c.at == c.n {
				if ok, err := c.next(); err != nil {
					return err
				} else if !ok {
					return foreign("its column %q ends before its row group does", c.node.name)
				}
				continue
			}
			if len(c.reps) == 0 || c.reps[c.at] == 0 {
				started++
			}
			if len(c.defs) == 0 || c.defs[c.at] >= c.levels[len(c.levels)-1].present {
				c.values++
			}
			c.at++
		}
		return nil
	})
}

// next reads the next page; ok is false when there is none.
func (c *cursor) next() (ok bool, err error) {
	if c.ended {
		return false, nil
	}
	c.release()
	c.page, err = c.pages.ReadPage()
	if errors.Is(err, io.EOF) {
		c.page, c.ended = nil, true
		return false, nil
	}
	if err != nil {
		return false, foreign("its column %q cannot be read: %v", c.node.name, err)
	}
	c.n, c.at, c.values = int(c.page.NumValues()), 0, 0
	c.defs, c.reps = c.page.DefinitionLevels(), c.page.RepetitionLevels()
	c.nums, c.refs, c.texts, c.bools = c.nums[:0], nil, spans{}, nil
	data := c.page.Data()
	if dict := c.page.Dictionary(); dict != nil {
		c.refs = data.Int32()
		return true, c.read(dict)
	}
	switch c.node.form {
	case numberForm:
		c.nums, err = c.sourceLeaf.read.numbers(c.nums, data)
	case textForm:
		c.texts.bytes, c.texts.offsets = data.ByteArray()
	case boolForm:
		c.bools = data.Boolean()
	}
	return true, err
}

// read takes a dictionary in, once.
func (c *cursor) read(dict parquet.Dictionary) (err error) {
	if c.dict == dict {
		return nil
	}
	c.dict = dict
	data := dict.Page().Data()
	switch c.node.form {
	case numberForm:
		c.dictNums, err = c.sourceLeaf.read.numbers(c.dictNums[:0], data)
	case textForm:
		c.dictTexts.bytes, c.dictTexts.offsets = data.ByteArray()
		c.known = make([]uint32, c.dictTexts.len())
	default:
		return foreign("its column %q has a dictionary of booleans", c.node.name)
	}
	return err
}

// entries takes the page's entries up to one.
func (c *cursor) entries(b *builder, to int) error {
	from := c.at
	c.at = to
	if c.nested {
		return c.append(b, c.shape(b, from, to))
	}
	present := to - from
	for i := c.lead; i < len(c.levels); i++ {
		p := &b.columns[c.levels[i].node.id].present
		if len(c.defs) > 0 {
			present = p.setLevels(c.slots[i], c.defs[from:to], c.levels[i].present)
		} else {
			p.setRun(c.slots[i], to-from)
		}
		c.slots[i] += to - from
	}
	return c.append(b, present)
}

// shape fills the bitmaps and counts that the leaf speaks for from the levels of
// entries, and returns how many of them have a value.
func (c *cursor) shape(b *builder, from, to int) (present int) {
	if c.lead == 0 && allZero(c.defs[from:to]) {
		// Nothing but absent columns, a slot each.
		for i, l := range c.levels {
			if l.node.space == 0 {
				c.slots[i] += to - from
			}
		}
		return 0
	}
	element := uint8(0) // from which definition level on the space has a slot
	for _, l := range c.levels[:c.lead] {
		element = max(element, l.element)
	}
	for i := c.lead; i < len(c.levels); i++ {
		l := c.levels[i]
		col := &b.columns[l.node.id]
		rep := l.node.rep
		counted := l.node.form == countForm
		present = 0
		slot := c.slots[i]
		for k := from; k < to; k++ {
			def := c.defs[k]
			if c.reps[k] > rep {
				if counted && c.reps[k] == rep+1 {
					col.counts[len(col.counts)-1]++
				}
				continue
			}
			if def < element {
				continue
			}
			if def >= l.present {
				col.present.set(slot)
				present++
				if counted {
					n := uint32(0)
					if def >= l.element {
						n = 1
					}
					push(&col.counts, n)
				}
			}
			slot++
		}
		c.slots[i] = slot
		if counted {
			b.bytes += 4 * int64(present)
			element = l.element
		}
	}
	return present
}

// settle counts the elements of the lists and maps that the leaf speaks for.
func (c *cursor) settle(b *builder) {
	for i, l := range c.levels {
		if i >= c.lead && l.node.form == countForm {
			b.slots[l.node.elemSpace] = c.slots[i+1]
		}
	}
}

func allZero(levels []byte) bool {
	for _, l := range levels {
		if l != 0 {
			return false
		}
	}
	return true
}

// append appends the next values to the leaf's column.
func (c *cursor) append(b *builder, n int) error {
	if n == 0 {
		return nil
	}
	from := c.values
	c.values += n
	col := &b.columns[c.node.id]
	switch c.node.form {
	case numberForm:
		b.bytes += 8 * int64(n)
		if c.refs == nil {
			col.nums = append(room(col.nums, n), c.nums[from:c.values]...)
			return nil
		}
		col.nums = room(col.nums, n)
		for _, r := range c.refs[from:c.values] {
			col.nums = append(col.nums, c.dictNums[r])
		}
	case boolForm:
		b.bytes += int64(n)
		col.bools = room(col.bools, n)
		for i := from; i < c.values; i++ {
			col.bools = append(col.bools, c.bools[i>>3]>>(i&7)&1)
		}
	case textForm:
		if c.refs != nil {
			b.bytes += int64(col.texts.takeRefs(c.dictTexts, c.refs[from:c.values], c.known))
		} else {
			b.bytes += int64(col.texts.takeSpans(spans{c.texts.bytes, c.texts.offsets[from : c.values+1]}))
		}
	}
	return nil
}
