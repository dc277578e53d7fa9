package convert

// An op says what a tape entry does to its node's column.
type op uint8

const (
	opPresent op = iota // a struct is there
	opList              // an array or map is there, with num elements
	opSlot              // the next element of the array or map begins
	opNum               // a leaf's value is num: an integer, a float's bits, a boolean
	opBytes             // a leaf's value is data[start:end]
	opString            // a leaf's value is the JSON string data[start:end] with escapes
)

// An entry is one step of a parsed record. A record's entries are in document
// order, parents before children, so that the columns can be filled in one go
// once the whole record is known to be valid.
type entry struct {
	node       *node
	num        int64
	start, end int32
	op         op
}

// A rescue is a value that no column takes.
type rescue struct {
	pathStart, pathEnd int32 // in shredder.paths
	start, end         int32 // in the record's block
}
