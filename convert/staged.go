package convert

import "sluice/internal/jsonscan"

// How much is parsed before it is dealt out to the partitions: little enough to
// be in the cache still.
const (
	stagedBytes = 128 << 10
	stagedRows  = 4096
)

// A staged holds some hundred parsed records, column by column, before they are
// dealt out to the builders of their partitions. Filling a column with many
// values at once is cheaper than going from column to column with each record,
// and what a record that turns out to be invalid left is easily taken back.
type staged struct {
	data  []byte // the records' text, in kept or in a block that is still there
	kept  []byte
	extra []byte // texts that do not stand there as they are: of strings with escapes, rescued paths

	schema   *schema
	columns  [][]entry // by node id
	slots    []int32   // by space: how many there are
	rowOf    [][]int32 // by space: the row of each slot; none for space 0, whose slots are the rows
	owners   []owned   // of the rows
	borrowed bool      // data are in a block
	leave    *part     // of which no more records will come: its row group ends before these rows

	// Where the record being parsed began:
	mark      []int32 // slots
	markExtra int

	_ [cacheLines]byte
}

// An entry is a value of a node in one slot: a number, a float's bits, a
// boolean's 0 or 1, how many elements a list or map has, or a text's span.
type entry struct {
	value int64
	slot  int32
}

// A span of staged.data or, with inExtra, of staged.extra: start<<32 | end.
const inExtra = 1 << 31

func (s *staged) text(span int64) []byte {
	start, end := uint32(span>>32), uint32(span)
	if start&inExtra != 0 {
		return s.extra[start&^inExtra : end]
	}
	return s.data[start:end]
}

// cacheLines is what keeps the end of one allocation out of the lines of the cache that
// the next one has, in bytes: processors fetch two of 64 at a time.
const cacheLines = 128

func newStaged(s *schema) *staged {
	// Much here is written with every record. So nothing may lie in a line of the
	// cache with another lane's, as what is allocated one after the other may.
	return &staged{
		schema: s, columns: make([][]entry, len(s.nodes), len(s.nodes)+cacheLines/24+1),
		slots: make([]int32, s.spaces, s.spaces+cacheLines/4), mark: make([]int32, s.spaces, s.spaces+cacheLines/4),
		rowOf: make([][]int32, s.spaces, s.spaces+cacheLines/24+1), owners: make([]owned, 0, cacheLines/16+1),
	}
}

func (s *staged) reset() {
	for i := range s.columns {
		s.columns[i] = s.columns[i][:0]
	}
	for i := range s.rowOf {
		s.rowOf[i] = s.rowOf[i][:0]
	}
	clear(s.slots)
	clear(s.owners)
	s.data, s.extra, s.owners = s.kept[:0], s.extra[:0], s.owners[:0]
	s.borrowed = false
	s.leave = nil
}

// borrow takes whole lines of a block without copying them, until keep.
func (s *staged) borrow(lines []byte) { s.data, s.borrowed = lines, true }

// keep copies what is borrowed: the block will be gone.
func (s *staged) keep() {
	if s.borrowed {
		s.kept = append(s.kept[:0], s.data...)
		s.data, s.borrowed = s.kept, false
	}
}

// copy takes whole lines of a block.
func (s *staged) copy(lines []byte) {
	s.keep()
	s.kept = append(s.data, lines...)
	if s.kept[len(s.kept)-1] != '\n' {
		s.kept = append(s.kept, '\n') // so that no record runs into the next
	}
	s.data = s.kept
}

func (s *staged) rows() int { return int(s.slots[0]) }

// row begins a record.
func (s *staged) row() {
	copy(s.mark, s.slots)
	s.markExtra = len(s.extra)
	s.slots[0]++
}

// undo takes back what there is of the record begun last.
func (s *staged) undo() {
	for id, c := range s.columns {
		from := s.mark[s.schema.nodes[id].space]
		for len(c) > 0 && c[len(c)-1].slot >= from {
			c = c[:len(c)-1]
		}
		s.columns[id] = c
	}
	for i := range s.rowOf {
		if i > 0 {
			s.rowOf[i] = s.rowOf[i][:s.mark[i]]
		}
	}
	copy(s.slots, s.mark)
	s.extra = s.extra[:s.markExtra]
}

// put adds a value of n in the slot that its space has reached.
func (s *staged) put(n *node, value int64) {
	s.columns[n.id] = append(s.columns[n.id], entry{value, s.slots[n.space] - 1})
}

// slot begins the next element of the list or map n.
func (s *staged) slot(n *node) {
	s.slots[n.elemSpace]++
	s.rowOf[n.elemSpace] = append(s.rowOf[n.elemSpace], s.slots[0]-1)
}

// putString adds the string token at data[start:end].
func (s *staged) putString(n *node, start, end int, escaped bool) {
	if !escaped {
		s.put(n, int64(start+1)<<32|int64(end-1))
		return
	}
	from := len(s.extra)
	s.extra = jsonscan.AppendUnquoted(s.extra, s.data[start:end])
	s.put(n, int64(from|inExtra)<<32|int64(len(s.extra)))
}

// putExtra adds a text that stands nowhere in the data.
func (s *staged) putExtra(n *node, text string) {
	from := len(s.extra)
	s.extra = append(s.extra, text...)
	s.put(n, int64(from|inExtra)<<32|int64(len(s.extra)))
}

// An owned is a run of rows of one partition.
type owned struct {
	part *part
	rows int
}

// own gives the record that was parsed last to a partition.
func (s *staged) own(p *part) {
	if n := len(s.owners); n > 0 && s.owners[n-1].part == p {
		s.owners[n-1].rows++
		return
	}
	s.owners = append(s.owners, owned{p, 1})
}
