package lake

import (
	"iter"
	"time"
)

// A Block is a run of records that arrived together: what a receiver appends to
// the log, what the log stores as one frame, and what conversion reads.
type Block struct {
	// Data holds the records, each one JSON object in valid UTF-8 without a raw
	// newline in it, each ended by one '\n'.
	Data    []byte
	Records int       // how many
	Arrival time.Time // when they were accepted, to the millisecond, UTC
}

// Blocks reads a fixed run of blocks in order. Every call starts again at its
// beginning. A block's Data is valid only until the next iteration. After an
// error the iteration ends.
type Blocks func() iter.Seq2[Block, error]
