package convert

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"time"

	"sluice/internal/lake"
)

// errScatter ends a run whose partitions are so many that memory holds only
// splinters of row groups.
var errScatter = errors.New("the partitions are too many to be built at once")

// minRowGroup is how many bytes of columns the largest row group must have when
// memory runs short; below, the records are sorted by partition first. It is some
// ten thousand rows.
const minRowGroup = 1 << 20

// A spill is the records of a job sorted by partition, in a file: read back, each
// partition's records come together, so one builder at a time is filled and every
// row group is as large as the data allows. It costs the JSON's size on disk and
// parsing twice.
//
// Records gather in memory; when that is full they are written partition by
// partition, so a partition's records are in as many pieces as there were fillings.
// Their order within the partition stays.
type spill struct {
	file   *os.File
	w      *bufio.Writer
	size   int64
	limit  int // bytes of records in memory
	memory []byte
	held   []spilled
	pieces []piece
	// sources are the objects that records came from, in the order of their coming;
	// the last is that of what is added next. 0 stands for "".
	sources []string
}

// A spilled is a record in memory.
type spilled struct {
	part    int32
	start   int32
	end     int32
	source  int32 // in sources
	arrival int64 // in ms
}

// A piece is a run of records of one partition, one source and one arrival in the file.
type piece struct {
	part    int32
	records int32
	source  int32 // in sources
	offset  int64
	length  int64
	arrival int64 // in ms
}

// spillBlock is how large a piece may be, so that reading needs no more memory.
const spillBlock = 1 << 20

func newSpill(path string, limit int64) (*spill, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("sort records by partition: %w", err)
	}
	return &spill{file: f, w: bufio.NewWriterSize(f, 1<<18), limit: int(min(limit, 1<<30)), sources: []string{""}}, nil
}

// from says where the records that are added next came from.
func (s *spill) from(source string) {
	if s.sources[len(s.sources)-1] != source {
		s.sources = append(s.sources, source)
	}
}

// add takes a record of a partition.
func (s *spill) add(part int32, record []byte, arrival time.Time) error {
	if len(s.memory)+len(record)+1 > s.limit && len(s.held) > 0 {
		if err := s.write(); err != nil {
			return err
		}
	}
	start := len(s.memory)
	s.memory = append(append(s.memory, record...), '\n')
	s.held = append(s.held, spilled{part, int32(start), int32(len(s.memory)), int32(len(s.sources) - 1), arrival.UnixMilli()})
	return nil
}

// write moves what memory holds to the file.
func (s *spill) write() error {
	slices.SortStableFunc(s.held, func(a, b spilled) int { return cmp.Compare(a.part, b.part) })
	for _, h := range s.held {
		p := s.lastPiece()
		if p == nil || p.part != h.part || p.arrival != h.arrival || p.source != h.source || p.length >= spillBlock {
			s.pieces = append(s.pieces, piece{part: h.part, offset: s.size, source: h.source, arrival: h.arrival})
			p = s.lastPiece()
		}
		p.records++
		p.length += int64(h.end - h.start)
		s.size += int64(h.end - h.start)
		if _, err := s.w.Write(s.memory[h.start:h.end]); err != nil {
			return fmt.Errorf("sort records by partition: %w", err)
		}
	}
	s.memory, s.held = s.memory[:0], s.held[:0]
	return nil
}

func (s *spill) lastPiece() *piece {
	if len(s.pieces) == 0 {
		return nil
	}
	return &s.pieces[len(s.pieces)-1]
}

// finish writes the rest and lets go of the memory.
func (s *spill) finish() error {
	if err := s.write(); err != nil {
		return err
	}
	if err := s.w.Flush(); err != nil {
		return fmt.Errorf("sort records by partition: %w", err)
	}
	s.memory, s.held, s.w = nil, nil, nil
	slices.SortStableFunc(s.pieces, func(a, b piece) int { return cmp.Compare(a.part, b.part) })
	return nil
}

// blocks are the records, partition by partition.
func (s *spill) blocks() iter.Seq2[lake.Block, error] {
	return func(yield func(lake.Block, error) bool) {
		var buf []byte
		for _, p := range s.pieces {
			buf = slices.Grow(buf[:0], int(p.length))[:p.length]
			if _, err := io.ReadFull(io.NewSectionReader(s.file, p.offset, p.length), buf); err != nil {
				yield(lake.Block{}, fmt.Errorf("read records sorted by partition: %w", err))
				return
			}
			var attrs []byte
			if source := s.sources[p.source]; source != "" {
				attrs = lake.AppendSource(nil, source)
			}
			if !yield(lake.Block{Data: buf, Records: int(p.records), Arrival: time.UnixMilli(p.arrival).UTC(), Attrs: attrs}, nil) {
				return
			}
		}
	}
}

// remove deletes the file.
func (s *spill) remove() {
	s.file.Close()
	removeFile(s.file.Name())
}
