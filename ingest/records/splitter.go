package records

import (
	"context"
	"io"
	"net/http"
	"sync"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// firstBuffer is what a request holds before it has sent more than that.
const firstBuffer = 16 << 10

// A mode is how the body is framed.
type mode uint8

const (
	modeStart  mode = iota // nothing but white space was seen
	modeFirst              // lines, unless the first one stops inside an object
	modeLines              // for certain
	modeValues             // objects, whatever the lines
	modeArray
)

// A splitter reads one body and appends the records in it. The bytes move as
// follows; the same buffer serves for reading and for appending:
//
//	buf.B: [ … pending block … ][ … not yet looked at … ][ free ]
//	           from … to             start … end
//
// A step takes records from start and adds them to the pending block, moving
// them down where something between them is left out; where all is canonical,
// nothing moves. Before more is read the block is appended and the rest moved to
// the front.
type splitter struct {
	ctx  context.Context
	src  io.Reader // its errors are io.EOF or *ingest.Problem
	mem  *ingest.Memory
	hint int64 // bytes to expect, -1 if unknown

	buf        *ingest.Buffer
	start, end int
	eof        bool            // no more will come
	cause      *ingest.Problem // why, when that is not the body's end
	stuck      bool            // what is at start needs a larger buffer

	scan  *jsonscan.Scanner // during step
	mode  mode
	lines lineState
	array arrayState
	skip  skipper
	// unread is set where the body was given up although more of it may follow.
	unread bool

	block block
	now   tally // what was seen
	done  tally // up to the end of the last block appended
	list  rejections
	text  []byte // of an answer; kept for the next request

	accepted, bytes int64
}

// scanners know the shapes of the records that came before.
var scanners = sync.Pool{New: func() any { return &jsonscan.Scanner{} }}

// run reads and appends the whole body. A problem means that it was not done
// with, for the server's reasons: what done and accepted say has happened.
func (s *splitter) run() *ingest.Problem {
	for {
		if p := s.fill(); p != nil {
			return p
		}
		if s.cause != nil && s.cause.Code == ingest.CodeCorrupt {
			s.end = s.start // any byte of it may be wrong
		}
		more, p := s.step()
		if p == nil {
			p = s.flush()
		}
		if p != nil {
			s.now = s.done
			return p
		}
		if !more || s.eof {
			break
		}
	}
	if s.cause != nil {
		s.reject(ingest.Unread, s.cause.Message)
		s.done = s.now
	}
	return nil
}

// step takes what it can of the bytes read; more is false when the rest of the
// body shall not be read. At eof it takes all.
func (s *splitter) step() (more bool, p *ingest.Problem) {
	if s.skip.on && !s.skipOn() {
		return true, nil
	}
	if s.mode == modeStart && !s.begin() {
		return true, nil
	}
	// Held for this step alone: what scanners keep is bounded by how many
	// requests work at once, not by how many wait for their clients.
	s.scan = scanners.Get().(*jsonscan.Scanner)
	defer scanners.Put(s.scan)
	switch s.mode {
	case modeArray:
		return s.stepArray()
	case modeValues:
		return s.stepValues()
	}
	return s.stepLines()
}

// begin finds out how the body is framed; false if there is nothing yet.
func (s *splitter) begin() bool {
	b := s.buf.B[s.start:s.end]
	if !s.lines.marked && len(b) >= 3 {
		if b[0] == 0xEF && b[1] == 0xBB && b[2] == 0xBF {
			s.start += 3
		}
		s.lines.marked = true
	}
	s.start = jsonscan.SkipSpace(s.buf.B[:s.end], s.start)
	if s.start == s.end {
		return false
	}
	s.mode = modeFirst
	if s.buf.B[s.start] == '[' {
		s.start++
		s.mode = modeArray
	}
	return true
}

// fill moves what is left to the front and reads until the buffer is full or
// the body ends, so that the sizes of reads decide nothing. The buffer grows
// when it gets full, as far as memory is to be had; when it must, as far as
// memory can be waited for.
func (s *splitter) fill() *ingest.Problem {
	if s.buf == nil {
		n := firstBuffer
		if s.hint >= 0 && s.hint+2 < firstBuffer {
			n = int(s.hint) + 2
		}
		var p *ingest.Problem
		if s.buf, p = s.mem.Get(s.ctx, n); p != nil {
			return p
		}
	}
	if s.start > 0 {
		copy(s.buf.B, s.buf.B[s.start:s.end])
		s.lines.moved(s.start)
		s.start, s.end = 0, s.end-s.start
	}
	for idle := 0; ; {
		if s.end == s.limit() {
			if grown, p := s.grow(); p != nil || !grown {
				return p
			}
		}
		n, err := s.src.Read(s.buf.B[s.end:s.limit()])
		s.end += n
		if err == nil && n == 0 {
			if idle++; idle == 100 {
				err = io.ErrNoProgress
			}
		}
		if err != nil {
			s.ended(err)
			return nil
		}
	}
}

func (s *splitter) ended(err error) {
	s.eof = true
	if err == io.EOF {
		return
	}
	var ok bool
	if s.cause, ok = err.(*ingest.Problem); !ok {
		s.cause = &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeCutOff, Err: err, Message: "the body could not be read"}
	}
}

// limit is where reading stops: one byte stays free for a last newline.
func (s *splitter) limit() int { return len(s.buf.B) - 1 }

// whole reports whether start is at the front of a buffer that is full and
// cannot grow: what does not end in it is too large.
func (s *splitter) whole() bool {
	return s.start == 0 && s.end == s.limit() && len(s.buf.B) == ingest.MaxBuffer
}

// grow moves to a larger buffer, at once to one of the size expected unless that
// is much more than the client has sent so far.
func (s *splitter) grow() (bool, *ingest.Problem) {
	size := len(s.buf.B)
	if size == ingest.MaxBuffer {
		return false, nil
	}
	n := size * 4
	if s.hint+2 > int64(n) {
		n = int(min(s.hint+2, int64(size)*16))
	}
	n = min(n, ingest.MaxBuffer)
	larger := s.mem.TryGet(n)
	if larger == nil {
		if !s.stuck {
			return false, nil
		}
		var p *ingest.Problem
		if larger, p = s.mem.Get(s.ctx, n); p != nil {
			return false, p
		}
	}
	copy(larger.B, s.buf.B[:s.end])
	s.buf.Free()
	s.buf = larger
	s.stuck = false
	return true, nil
}

// wait leaves what is at start for when there is more of it.
func (s *splitter) wait() (more bool, p *ingest.Problem) {
	s.stuck = s.start == 0 && s.end == s.limit()
	return true, nil
}

func (s *splitter) reject(reason ingest.Reason, message string) {
	s.list.add(&s.now, reason, message)
}

// giveUp rejects the record at start and everything after it, read or not.
func (s *splitter) giveUp(reason ingest.Reason, message string) (more bool, p *ingest.Problem) {
	s.start = s.end
	s.cause = nil // came later, and would not have been seen in a longer body
	s.reject(reason, message+"; nothing after that was read")
	s.unread = true
	return false, nil
}

// cutOff is giveUp for a body that ends too early. Where it did so by force, run
// says that instead.
func (s *splitter) cutOff(reason ingest.Reason, message string) (more bool, p *ingest.Problem) {
	if s.cause == nil {
		return s.giveUp(reason, message)
	}
	s.start = s.end
	return false, nil
}

// freeBuffers gives back what only run needs.
func (s *splitter) freeBuffers() {
	s.block.free()
	if s.buf != nil {
		s.buf.Free()
		s.buf = nil
	}
}

// free gives all memory back and makes the splitter as good as new.
func (s *splitter) free() {
	s.freeBuffers()
	s.list.free()
	text := s.text
	if cap(text) > 2*smallAnswer {
		text = nil
	}
	*s = splitter{text: text}
}
