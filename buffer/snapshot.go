package buffer

import (
	"sync"
	"time"

	"sluice/internal/lake"
)

// A Snapshot is what a stream's log held at one moment: every batch that was
// not released, the open one as far as it was durable. It stays readable after
// the batches are released, until Close.
type Snapshot struct {
	Batches []SnapshotBatch // oldest first
	close   sync.Once
}

// A SnapshotBatch is one batch of a Snapshot.
type SnapshotBatch struct {
	ID             lake.BatchID
	Stream         string
	Sealed         bool
	Rules          []byte // of a sealed batch
	Records, Bytes int64
	End            int64 // offset after its last durable frame; the same before and after sealing
	First, Last    time.Time

	seg *segment
}

// Blocks reads the frames from offset from, which is 0 for the beginning or the
// End of an earlier snapshot's batch with the same ID, to End. It must not be
// called, nor an iteration go on, after the Snapshot's Close.
func (s *SnapshotBatch) Blocks(from int64) lake.Blocks {
	return s.seg.blocks(from, s.End, nil)
}

// Close lets go of the files. It may be called more than once.
func (s *Snapshot) Close() error {
	s.close.Do(func() {
		for _, b := range s.Batches {
			b.seg.handle.unpin()
		}
	})
	return nil
}

// snapshot takes a log's snapshot.
func (l *log) snapshot() (*Snapshot, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, ErrClosed
	}
	snap := &Snapshot{Batches: make([]SnapshotBatch, 0, len(l.sealed)+1)}
	add := func(s *segment) error {
		if err := s.handle.pin(); err != nil {
			return err
		}
		snap.Batches = append(snap.Batches, SnapshotBatch{
			ID: s.id, Stream: s.stream, Sealed: s.sealed, Rules: s.rules, Records: s.records, Bytes: s.bytes,
			End: s.end, First: milli(s.first), Last: milli(s.last), seg: s,
		})
		return nil
	}
	for _, s := range l.sealed {
		if err := add(s); err != nil {
			snap.Close()
			return nil, err
		}
	}
	if l.open != nil && l.open.records > 0 {
		if err := add(l.open); err != nil {
			snap.Close()
			return nil, err
		}
	}
	return snap, nil
}
