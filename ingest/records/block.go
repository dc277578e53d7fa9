package records

import (
	"context"
	"time"

	"sluice/ingest"
	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// A block is the run of records to be appended next. It lies in the splitter's
// buffer (from … to) as long as each record fits where the bytes before it
// allow, and in a buffer of its own (out) when the body must be rearranged.
type block struct {
	store    ingest.Appender
	stream   string
	request  string // its Idempotency-Key; empty for none
	records  int
	from, to int
	out      *ingest.Buffer
	size     int // bytes in out
}

func (b *block) free() {
	if b.out != nil {
		b.out.Free()
		b.out = nil
	}
}

// append appends the block; before it, accepted records of the request were.
func (b *block) append(ctx context.Context, data []byte, accepted int64) error {
	l := lake.Block{Data: data, Records: b.records, Arrival: time.Now().UTC().Truncate(time.Millisecond)}
	if b.request != "" {
		l.Attrs = lake.AppendRequest(nil, b.request, uint64(accepted))
	}
	return b.store.Append(ctx, b.stream, l)
}

// keep adds the record at [from, to) of the buffer to the block. next is where
// the bytes begin that are not looked at yet.
func (s *splitter) keep(from, to, next int) *ingest.Problem {
	b, data := &s.block, s.buf.B
	if b.out == nil {
		if b.records == 0 {
			b.from, b.to = from, from
		}
		// The newline may overwrite what lies between this record and the next,
		// or stand in the buffer's free part: that is read into only after the
		// block has been appended.
		newline := b.to + to - from
		if newline < next || next == s.end {
			if b.to != from {
				copy(data[b.to:], data[from:to])
			}
			data[newline] = '\n'
			b.to = newline + 1
			b.records++
			s.now.index++
			return nil
		}
	}
	if p := s.room(to - from + 1); p != nil {
		return p
	}
	out := append(b.out.B[:b.size], data[from:to]...)
	s.kept(out)
	return nil
}

// keepCompact is keep for a record that spans lines.
func (s *splitter) keepCompact(from, to int) *ingest.Problem {
	if p := s.room(to - from + 1); p != nil {
		return p
	}
	s.kept(jsonscan.AppendCompact(s.block.out.B[:s.block.size], s.buf.B[from:to]))
	return nil
}

func (s *splitter) kept(out []byte) {
	s.block.size = len(append(out, '\n'))
	s.block.records++
	s.now.index++
}

// room makes n bytes free in the block's own buffer, moving it there first if
// need be and appending it when it is full. n is at most that of one record.
func (s *splitter) room(n int) *ingest.Problem {
	b := &s.block
	if b.out != nil && b.size+n <= len(b.out.B) {
		return nil
	}
	if b.out != nil {
		if p := s.flush(); p != nil {
			return p
		}
	}
	out, p := s.mem.Get(s.ctx, max(n, len(s.buf.B)))
	if p != nil {
		return p
	}
	b.out, b.size = out, 0
	if b.records > 0 {
		b.size = copy(out.B, s.buf.B[b.from:b.to])
	}
	if b.size+n <= len(out.B) {
		return nil
	}
	return s.room(n) // appends it, then there is room
}

// flush appends the block and makes what has been seen so far final.
func (s *splitter) flush() *ingest.Problem {
	b := &s.block
	if b.records > 0 {
		data := s.buf.B[b.from:b.to]
		if b.out != nil {
			data = b.out.B[:b.size]
		}
		if err := b.append(s.ctx, data, s.accepted); err != nil {
			return ingest.AppendProblem(err)
		}
		s.accepted += int64(b.records)
		s.bytes += int64(len(data))
		b.records, b.from, b.to, b.size = 0, 0, 0, 0
	}
	b.free()
	s.done = s.now
	return nil
}
