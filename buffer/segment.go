package buffer

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"sync"
	"time"

	"sluice/internal/lake"
)

const segmentExt = ".seg"

// A segment is one batch's file. What is known of its durable content is
// guarded by its log's mu; a sealed segment's does not change any more.
type segment struct {
	id     lake.BatchID
	stream string
	path   string
	seq    uint64
	salts  []uint32  // of every batch that its file has held, this one included; nil if not known
	begun  time.Time // when its age starts, with the monotonic clock where this process began it

	// Guarded by log.mu until sealed.
	tally
	end    int64 // after the last durable frame of records
	disk   int64 // bytes of the file, preallocated ones included
	sealed bool
	at     time.Time // sealed at
	reason SealReason
	rules  []byte

	handle handle
}

// segmentPath names a batch's file.
func segmentPath(dir string, id lake.BatchID) string {
	return filepath.Join(dir, string(id)+segmentExt)
}

// blocks reads the frames of records in [from, end), which are durable. want is
// what they must add up to, or nil.
func (s *segment) blocks(from, end int64, want *tally) lake.Blocks {
	return func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			src, err := s.handle.open()
			if err != nil {
				yield(lake.Block{}, fmt.Errorf("open batch %s: %w", s.id, err))
				return
			}
			defer s.handle.unpin()
			r := &frameReader{src: src, path: s.path, salt: saltOf(s.id), pos: max(from, fileHeaderLen), end: end}
			if err := r.each(want, yield); err != nil {
				yield(lake.Block{}, fmt.Errorf("read batch %s: %w", s.id, err))
			}
		}
	}
}

// each yields the frames of records; what is left to say at the end is its error.
func (r *frameReader) each(want *tally, yield func(lake.Block, error) bool) error {
	var got tally
	for {
		f, err := r.next()
		switch {
		case errors.Is(err, io.EOF) && (want == nil || got == *want):
			return nil
		case errors.Is(err, io.EOF):
			return r.corrupt(fmt.Sprintf("it holds %d records in %d bytes, its seal says %d in %d",
				got.records, got.bytes, want.records, want.bytes))
		case err != nil:
			return err
		case f.kind != kindRecords:
			continue
		}
		got.add(int64(f.records), int64(len(f.data())), f.arrival)
		if !yield(f.block(), nil) {
			return nil
		}
	}
}

// A handle shares one open file among all readers of a segment. It is opened by
// the first that reads, and kept while anybody has it pinned. A segment that is
// released while it is pinned is opened before it is unlinked, so that whoever
// pinned it can read it for as long as he likes; thus open files are bounded by
// the readers at work and the pinned segments that are gone, not by the backlog.
type handle struct {
	fs   FS
	path string

	mu   sync.Mutex
	file File // nil while nobody reads
	pins int
	gone bool
}

// pin keeps the segment readable until unpin.
func (h *handle) pin() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone && h.file == nil {
		return ErrReleased
	}
	h.pins++
	return nil
}

// open pins the segment and returns its file.
func (h *handle) open() (io.ReaderAt, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.openLocked(); err != nil {
		return nil, err
	}
	h.pins++
	return h.file, nil
}

func (h *handle) openLocked() error {
	if h.file != nil {
		return nil
	}
	if h.gone {
		return ErrReleased
	}
	f, err := h.fs.Open(h.path)
	if err != nil {
		return err
	}
	h.file = f
	return nil
}

// unpin takes one pin back.
func (h *handle) unpin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pins--
	if h.pins == 0 && h.file != nil {
		h.file.Close() // only ever read
		h.file = nil
	}
}

// remove unlinks the file, or gives it another name if there is one to give and
// nobody has it pinned. Those who have can read on. Where the disk has no room for
// a name, it unlinks: it is by releases that room is made.
func (h *handle) remove(to string) (renamed bool, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.gone {
		return false, ErrReleased
	}
	if to != "" && h.pins == 0 {
		err := h.fs.Rename(h.path, to)
		if err == nil {
			h.gone = true
			return true, nil
		}
		if !errors.Is(err, ErrNoSpace) {
			return false, err
		}
	}
	if h.pins > 0 {
		if err := h.openLocked(); err != nil {
			return false, err
		}
	}
	if err := h.fs.Remove(h.path); err != nil {
		return false, err
	}
	h.gone = true
	return false, nil
}
