package records

import "sluice/ingest"

// A skipper passes over a value too large to hold, up to its end as far as
// brackets and quotes tell: its syntax is not looked at, as it is rejected
// anyway.
type skipper struct {
	on      bool
	inLine  bool // a newline ends it in any case
	depth   int
	quoted  bool
	escaped bool
	size    int64 // bytes passed over
}

func (k *skipper) begin(inLine bool) { *k = skipper{on: true, inLine: inLine} }

// pass returns how many bytes of b belong to the value, and whether it ends
// there. A value that does not begin with a bracket or a quote ends before the
// next comma, bracket or white space.
func (k *skipper) pass(b []byte) (n int, ended bool) {
	for i, c := range b {
		switch {
		case c == '\n' && k.inLine:
			return i, true
		case k.escaped:
			k.escaped = false
		case k.quoted:
			k.escaped = c == '\\'
			k.quoted = c != '"'
			if !k.quoted && k.depth == 0 {
				return i + 1, true
			}
		case c == '"':
			k.quoted = true
		case c == '{' || c == '[':
			k.depth++
		case c == '}' || c == ']':
			if k.depth == 0 {
				return i, true
			}
			if k.depth--; k.depth == 0 {
				return i + 1, true
			}
		case k.depth == 0 && (c == ',' || c <= ' '):
			return i, true
		}
	}
	return len(b), false
}

// skipOn goes on skipping from start; false when more must be read.
func (s *splitter) skipOn() bool {
	k := &s.skip
	n, ended := k.pass(s.buf.B[s.start:s.end])
	s.start += n
	k.size += int64(n)
	if !ended && !s.eof {
		return false
	}
	k.on = false
	if !ended && (!k.inLine || s.cause != nil) {
		s.cutOff(ingest.Oversize, oversize(k.size)+" and does not end")
		return false
	}
	s.reject(ingest.Oversize, oversize(k.size))
	if s.mode == modeArray {
		s.array = arraySeparator
	}
	s.lines.long = k.inLine
	return true
}
