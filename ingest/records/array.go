package records

import (
	"fmt"
	"unicode/utf8"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// arrayState is what may come next in a body that is an array.
type arrayState uint8

const (
	arrayOpen      arrayState = iota // an element, or the end
	arrayElement                     // an element
	arraySeparator                   // a comma, or the end
	arrayClosed                      // nothing
)

// stepArray takes the elements of an array.
func (s *splitter) stepArray() (more bool, p *ingest.Problem) {
	for {
		s.start = jsonscan.SkipSpace(s.buf.B[:s.end], s.start)
		if s.start == s.end {
			if s.eof && s.array != arrayClosed {
				return s.cutOff(ingest.Unread, "the body ends before the array does")
			}
			return true, nil
		}
		switch c := s.buf.B[s.start]; {
		case s.array == arrayClosed:
			return s.giveUp(ingest.Unread, "there is more after the end of the array")
		case s.array == arrayOpen && c == ']':
			s.array = arrayClosed
			s.start++
		case s.array == arraySeparator:
			if !s.separator() {
				r, _ := utf8.DecodeRune(s.buf.B[s.start:s.end])
				return s.giveUp(ingest.Malformed, fmt.Sprintf("malformed array: expected ',' or ']' after an element, found %q", r))
			}
		default:
			if done, more, p := s.element(); done {
				return more, p
			}
		}
	}
}

// separator takes the comma or bracket at start; false if there is another byte.
func (s *splitter) separator() bool {
	switch s.buf.B[s.start] {
	case ',':
		s.array = arrayElement
	case ']':
		s.array = arrayClosed
	default:
		s.array = arraySeparator
		return false
	}
	s.start++
	return true
}

// element takes the array's element at start; done is false when there is
// something to go on with.
func (s *splitter) element() (done, more bool, p *ingest.Problem) {
	rest := s.buf.B[s.start:s.end]
	n, err := jsonscan.Value(rest)
	if err != nil {
		return s.badValue(rest, err)
	}
	from, to := s.start, s.start+n
	if rest[0] != '{' {
		if to == s.end && !s.eof { // a number may go on
			if s.whole() {
				s.skip.begin(false)
				return !s.skipOn(), true, nil
			}
			more, p = s.wait()
			return true, more, p
		}
		s.start, s.array = to, arraySeparator
		message := ""
		if s.list.open(&s.now) {
			message = describe(rest, nil)
		}
		s.reject(ingest.NotObject, message)
		return false, true, nil
	}
	s.start = jsonscan.SkipSpace(s.buf.B[:s.end], to)
	s.array = arraySeparator
	if s.start < s.end {
		s.separator()
	}
	p = s.keepValue(from, to, s.start)
	return p != nil, true, p
}
