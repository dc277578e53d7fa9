package records

import (
	"bytes"
	"errors"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// stepValues takes objects wherever their lines end.
func (s *splitter) stepValues() (more bool, p *ingest.Problem) {
	for {
		s.start = jsonscan.SkipSpace(s.buf.B[:s.end], s.start)
		if s.start == s.end {
			return true, nil
		}
		rest := s.buf.B[s.start:s.end]
		n, err := s.scan.Object(rest)
		if err != nil {
			if done, more, p := s.badValue(rest, err); done {
				return more, p
			}
			continue
		}
		from, to := s.start, s.start+n
		s.start = jsonscan.SkipSpace(s.buf.B[:s.end], to)
		if p := s.keepValue(from, to, s.start); p != nil {
			return false, p
		}
	}
}

// keepValue keeps an object that may span lines, if it is not too large.
func (s *splitter) keepValue(from, to, next int) *ingest.Problem {
	switch {
	case to-from > ingest.MaxRecord:
		s.reject(ingest.Oversize, oversize(int64(to-from)))
		return nil
	case bytes.IndexByte(s.buf.B[from:to], '\n') >= 0:
		return s.keepCompact(from, to)
	}
	return s.keep(from, to, next)
}

// badValue settles what follows from an error in the value at start where lines
// do not matter; done is false when there is something to go on with.
func (s *splitter) badValue(rest []byte, err error) (done, more bool, p *ingest.Problem) {
	var at *jsonscan.SyntaxError
	errors.As(err, &at)
	switch {
	case at.Incomplete && !s.eof && !s.whole():
		more, p = s.wait()
		return true, more, p
	case at.Incomplete && !s.eof, at.Offset >= ingest.MaxRecord:
		s.skip.begin(false)
		return !s.skipOn(), true, nil
	}
	reason, message := ingest.Malformed, "malformed JSON: "+at.Error()
	if s.mode == modeValues {
		reason, message = classify(rest), describe(rest, at)
	}
	if at.Incomplete {
		more, p = s.cutOff(reason, message)
	} else {
		more, p = s.giveUp(reason, message)
	}
	return true, more, p
}
