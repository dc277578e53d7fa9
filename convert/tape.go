package convert

// An op says what a tape entry does to its node's column.
type op uint8

const (
	opPresent op = iota // a struct is there
	opList              // an array or map is there, with value elements
	opSlot              // the next element of the array or map begins
	opNum               // a leaf's value is a number: an integer, a float's bits
	opBool              // a leaf's value is 0 or 1
	opBytes             // a leaf's value is the span of the data
	opString            // a leaf's value is the span's JSON string with escapes
)

// An entry is one step of a parsed record. A record's entries are in document
// order, parents before children, so that the columns can be filled in one go
// once the whole record is known to be valid. It holds no pointer, which makes
// writing one cheap.
type entry struct {
	value int64 // a number, or a span of the data: its start and end, 32 bits each
	node  int32 // the id of the node
	op    op
}

// spanEntry is the entry of a part of the data.
func spanEntry(o op, n *node, start, end int) entry {
	return entry{op: o, node: int32(n.id), value: int64(start)<<32 | int64(end)}
}

func (e *entry) span() (start, end int) { return int(e.value >> 32), int(uint32(e.value)) }

// A rescue is a value that no column takes.
type rescue struct {
	pathStart, pathEnd int32 // in shredder.paths
	start, end         int32 // in the record's block
}
