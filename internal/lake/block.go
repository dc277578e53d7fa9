package lake

import (
	"iter"
	"time"
)

// A Block is a run of records that arrived together: what a receiver appends to
// the log, what the log stores as one frame, and what conversion reads.
type Block struct {
	// Data holds the records, each one JSON object in valid UTF-8 without a raw
	// newline in it, each ended by one '\n'. A record that was accepted although it
	// is none is kept as AppendMalformed makes it.
	Data    []byte
	Records int       // how many
	Arrival time.Time // when they were accepted, to the millisecond, UTC
	// Attrs are attributes of the whole block, at most MaxAttrs bytes, opaque to
	// the log, which stores and returns them with the records; see AppendRequest.
	Attrs []byte
}

// Blocks reads a fixed run of blocks in order. Every call starts again at its
// beginning. A block's Data and Attrs are valid only until the next iteration. After an
// error the iteration ends.
type Blocks func() iter.Seq2[Block, error]
