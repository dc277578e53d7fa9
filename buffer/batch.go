package buffer

import (
	"time"

	"sluice/internal/lake"
)

// A Batch is a sealed batch: it does not change any more.
type Batch struct {
	ID             lake.BatchID
	Stream         string
	Records, Bytes int64     // Bytes of the records, newlines included
	First, Last    time.Time // earliest and latest arrival
	Sealed         time.Time
	Reason         SealReason
	Rules          []byte // what Config.Rules gave when it was sealed; nil for none

	seg *segment
	end int64
}

// newBatch describes a sealed segment.
func newBatch(s *segment) *Batch {
	return &Batch{
		ID: s.id, Stream: s.stream, Records: s.records, Bytes: s.bytes, First: milli(s.first), Last: milli(s.last),
		Sealed: s.at, Reason: s.reason, Rules: s.rules, seg: s, end: s.end,
	}
}

// Blocks reads the batch's records from disk, verified, in the order of their
// commits. The iteration fails with a *CorruptError if the disk does not give
// back what the seal counted, and with ErrReleased after Release.
func (b *Batch) Blocks() lake.Blocks {
	want := b.seg.tally
	return b.seg.blocks(0, b.end, &want)
}
