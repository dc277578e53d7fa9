package records

import (
	"bytes"
	"errors"
	"fmt"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// lineState is where a body read by lines stands.
type lineState struct {
	marked bool // whether the body begins with a byte order mark is settled
	end    int  // of the line at start if known: the index of its newline
	known  bool
	clear  int // up to here there is no newline
	// long is set in a line that does not fit the buffer: the objects in it are
	// taken as they come.
	long bool
	// bad is set in a line that was rejected: it is skipped to its end.
	bad bool
}

// moved tells that the bytes in the buffer now lie n further to the front.
func (l *lineState) moved(n int) {
	l.end -= n
	l.clear = max(l.clear-n, 0)
}

// line returns the end of the line at start, and whether that is in the buffer.
func (s *splitter) line() (end int, complete bool) {
	l := &s.lines
	if l.known && l.end >= s.start {
		return l.end, true
	}
	from := max(s.start, l.clear)
	if i := bytes.IndexByte(s.buf.B[from:s.end], '\n'); i >= 0 {
		l.end, l.known = from+i, true
		return l.end, true
	}
	l.known, l.clear = false, s.end
	return s.end, s.eof
}

// stepLines takes records by lines.
func (s *splitter) stepLines() (more bool, p *ingest.Problem) {
	l := &s.lines
	for {
		end, complete := s.line()
		if l.bad {
			s.start = min(end+1, s.end)
			if !complete {
				return true, nil
			}
			l.bad, l.long = false, false
			if s.start == s.end {
				return true, nil
			}
			continue
		}
		s.start = skipBlanks(s.buf.B, s.start, end)
		switch {
		case s.start == end && end < s.end: // the line is done with
			s.start++
			l.long = false
			continue
		case s.start == s.end:
			return true, nil
		case !complete && !l.long:
			if !s.whole() {
				return s.wait()
			}
			l.long = true
		}
		taken, p := s.takeFromLine(end, complete)
		if p != nil || !taken {
			return true, p
		}
		if s.mode == modeValues {
			return s.stepValues()
		}
	}
}

// takeFromLine takes or rejects what is at start, which is in a line that ends
// at end, or goes on after it if not complete; false if more is needed first.
func (s *splitter) takeFromLine(end int, complete bool) (bool, *ingest.Problem) {
	line := s.buf.B[s.start:end]
	if line[0] != '{' && !s.list.open(&s.now) {
		return s.rejectLine(line, nil) // a flood of those must not cost much
	}
	n, err := s.scan.Object(line)
	if err != nil {
		return s.badLine(line, err, complete)
	}
	s.mode = max(s.mode, modeLines)
	from, to := s.start, s.start+n
	next := to
	if to < end {
		next = skipBlanks(s.buf.B, to, end)
	}
	if next == end && end < s.end {
		next++ // past the newline
		s.lines.long = false
	}
	s.start = next
	if n > ingest.MaxRecord {
		s.reject(ingest.Oversize, oversize(int64(n)))
		return true, nil
	}
	return true, s.keep(from, to, next)
}

// badLine settles what follows from an error at start.
func (s *splitter) badLine(line []byte, err error, complete bool) (bool, *ingest.Problem) {
	var at *jsonscan.SyntaxError
	errors.As(err, &at)
	if at.Incomplete && s.mode == modeFirst && complete && s.start+len(line) < s.end {
		if settled := s.tryValues(); !settled {
			s.wait()
			return false, nil
		}
		if s.mode == modeValues {
			return true, nil
		}
	}
	s.mode = modeLines
	switch {
	case at.Incomplete && !complete && !s.whole():
		s.wait()
		return false, nil
	case at.Incomplete && !complete, at.Offset >= ingest.MaxRecord, at.Incomplete && len(line) > ingest.MaxRecord:
		s.skip.begin(true)
		return s.skipOn(), nil
	case s.cause != nil && s.start+len(line) == s.end:
		s.start = s.end // the line was cut off, and that is what is said
		return false, nil
	}
	return s.rejectLine(line, at)
}

// rejectLine rejects what is left of the line at start.
func (s *splitter) rejectLine(line []byte, at *jsonscan.SyntaxError) (bool, *ingest.Problem) {
	message := ""
	if s.list.open(&s.now) {
		message = describe(line, at)
	}
	s.reject(classify(line), message)
	s.lines.bad = true
	return true, nil
}

// tryValues decides, at a first line that stops inside an object, whether the
// object goes on in the next lines; false if that cannot be told yet.
func (s *splitter) tryValues() bool {
	_, err := jsonscan.Object(s.buf.B[s.start:s.end])
	var at *jsonscan.SyntaxError
	switch {
	case err == nil:
		s.mode = modeValues
	case !errors.As(err, &at) || !at.Incomplete:
		s.mode = modeLines
	case s.eof && s.cause == nil:
		s.mode = modeLines
	case s.eof || s.whole():
		s.mode = modeValues
	default:
		return false
	}
	return true
}

// skipBlanks is the index of the first byte in [from, end) that is no white
// space, or end.
func skipBlanks(b []byte, from, end int) int {
	if from < end && b[from] > ' ' {
		return from
	}
	return jsonscan.SkipSpace(b[:end], from)
}

func oversize(n int64) string {
	return fmt.Sprintf("the record is over the limit of %d bytes: it has %d", ingest.MaxRecord, n)
}

// classify is the reason for which what begins with value is no record.
func classify(value []byte) ingest.Reason {
	if value[0] != '{' && kindOf(value[0]) != "" {
		return ingest.NotObject
	}
	return ingest.Malformed
}

func describe(value []byte, at *jsonscan.SyntaxError) string {
	if classify(value) == ingest.NotObject {
		return "a record must be a JSON object, not " + kindOf(value[0])
	}
	return "malformed JSON: " + at.Error()
}

// kindOf names what a JSON value is that begins with c, "" if none does.
func kindOf(c byte) string {
	switch {
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '"':
		return "a string"
	case c == '-' || '0' <= c && c <= '9':
		return "a number"
	case c == 't' || c == 'f':
		return "a boolean"
	case c == 'n':
		return "null"
	}
	return ""
}
