package jsonscan

import (
	"encoding/binary"
	"math/bits"
)

// A Scanner validates objects as Object does, faster where they are alike.
//
// What stands between two scalars of a record (the braces, the commas, the
// quoted keys) is nearly always what stood there in an earlier record. A Scanner
// remembers such separators as the edges of a graph. A node is a place where a
// scalar begins, and holds all that a validator knows there: how deep it is, and
// in objects or arrays. An edge is a separator that was found valid once after a
// scalar at that place; it is valid there for ever, whatever the scalars are. So
// separators are compared, and only scalars are read. At the first separator that
// no edge has, the whole object is validated anew by Object, and its separators
// are learned.
//
// The graph is bounded. A Scanner that learns nothing useful stops trying for a
// while. It is not for use by several goroutines at once.
type Scanner struct {
	nodes  []place
	index  map[placeKey]int32
	misses int // in a row
	rest   int // objects for which it does not try
}

const (
	maxPlaces     = 256
	maxEdges      = 4
	maxSeparator  = 96
	missesToRest  = 32
	objectsOfRest = 512
	end           = -1 // where the edge leads that ends the object
)

// A state is what a validator knows where a scalar begins or has just ended.
type state struct {
	depth int32
	stack uint64 // a bit for each level, 1 in an object
}

type place struct {
	state
	edges []edge
}

type edge struct {
	separator  []byte
	head, tail uint64 // its first and last eight bytes, if it has as many
	to         int32
}

// A placeKey is what makes two places one: the state, and the separator before.
type placeKey struct {
	state
	before string
}

// Object validates the JSON object that data begins with, as the function Object
// does.
func (s *Scanner) Object(data []byte) (n int, err error) {
	if s.rest > 0 {
		s.rest--
		return Object(data)
	}
	if n, ok := s.follow(data); ok {
		s.misses = 0
		return n, nil
	}
	n, err = Object(data)
	if s.misses++; s.misses >= missesToRest {
		s.misses, s.rest = 0, objectsOfRest
	}
	if err == nil {
		s.learn(data[:n])
	}
	return n, err
}

// follow walks the graph along data; ok is false where it knows no way.
func (s *Scanner) follow(data []byte) (n int, ok bool) {
	if len(s.nodes) == 0 {
		return 0, false
	}
	at, i := int32(0), 0
	for {
		e := s.edge(at, data[i:])
		if e == nil {
			return 0, false
		}
		i += len(e.separator)
		if at = e.to; at == end {
			return i, true
		}
		if i >= len(data) {
			return 0, false
		}
		var err error
		switch c := data[i]; {
		case c == '"': // looked through here: a call would cost as much as a short string
			k := i + 1
			for k+8 <= len(data) {
				hit := Special(binary.LittleEndian.Uint64(data[k:]))
				if hit != 0 {
					k += bits.TrailingZeros64(hit) >> 3
					break
				}
				k += 8
			}
			if k < len(data) && data[k] == '"' {
				i = k + 1
				continue
			}
			i, _, err = String(data, i)
		case c == '-' || c-'0' <= 9:
			i, err = skipNumber(data, i)
		case c == 't' || c == 'f' || c == 'n':
			i, err = Literal(data, i)
		default:
			return 0, false
		}
		if err != nil {
			return 0, false
		}
	}
}

// edge is the edge from a place along which data goes on, or nil. The first and the
// last eight bytes of a separator, compared as numbers, are most often all of it.
func (s *Scanner) edge(at int32, data []byte) *edge {
	edges := s.nodes[at].edges
	for k := range edges {
		e := &edges[k]
		n := len(e.separator)
		if len(data) < n {
			continue
		}
		if n >= 8 {
			if binary.LittleEndian.Uint64(data) != e.head || binary.LittleEndian.Uint64(data[n-8:]) != e.tail {
				continue
			}
			if n > 16 && string(data[8:n-8]) != string(e.separator[8:n-8]) {
				continue
			}
		} else if string(data[:n]) != string(e.separator) {
			continue
		}
		if k > 0 { // what comes often moves to the front
			edges[k-1], edges[k] = edges[k], edges[k-1]
			e = &edges[k-1]
		}
		return e
	}
	return nil
}

// skipNumber is Number for one that is likely to be short, without a sign or an
// exponent.
func skipNumber(data []byte, i int) (int, error) {
	if c := data[i]; '1' <= c && c <= '9' {
		k := i + 1
		for k < len(data) && data[k]-'0' <= 9 {
			k++
		}
		if k+1 < len(data) && data[k] == '.' && data[k+1]-'0' <= 9 {
			for k += 2; k < len(data) && data[k]-'0' <= 9; k++ {
			}
		}
		if k < len(data) && (data[k] == ',' || data[k] == '}' || data[k] == ']') {
			return k, nil
		}
	}
	k, _, err := Number(data, i)
	return k, err
}

// learn adds the separators of a valid object to the graph, as far as there is
// room.
func (s *Scanner) learn(object []byte) {
	if len(s.nodes) == 0 {
		s.nodes = append(s.nodes, place{})
		s.index = map[placeKey]int32{}
	}
	at, from := int32(0), 0
	st := state{}
	for i := 0; i < len(object); {
		switch c := object[i]; {
		case c == '{' || c == '[':
			if st.depth == 64 {
				return
			}
			st.stack &^= 1 << st.depth
			if c == '{' {
				st.stack |= 1 << st.depth
			}
			st.depth++
			i++
			if c == '{' {
				i = skipKey(object, i)
			}
		case c == '}' || c == ']':
			st.depth--
			i++
			if st.depth == 0 {
				s.connect(at, object[from:i], end)
				return
			}
		case c == ',':
			i++
			if st.stack>>(st.depth-1)&1 == 1 {
				i = skipKey(object, i)
			}
		case c <= ' ':
			i++
		default: // a scalar
			if at = s.connect(at, object[from:i], s.find(st, object[from:i])); at == end {
				return
			}
			i, _ = scan(object, i)
			from = i
		}
	}
}

// skipKey passes over a key, its colon and the white space around, if there is
// one at i: an object may be empty.
func skipKey(object []byte, i int) int {
	i = SkipSpace(object, i)
	if object[i] != '"' {
		return i
	}
	i, _ = skipString(object, i)
	return SkipSpace(object, SkipSpace(object, i)+1)
}

// find is the place of a state behind a separator, made if there is room; end
// where there is none.
func (s *Scanner) find(st state, before []byte) int32 {
	st.stack &= 1<<st.depth - 1
	if at, ok := s.index[placeKey{st, string(before)}]; ok {
		return at
	}
	if len(s.nodes) == maxPlaces || len(before) > maxSeparator {
		return end
	}
	s.nodes = append(s.nodes, place{state: st})
	at := int32(len(s.nodes) - 1)
	s.index[placeKey{st, string(before)}] = at
	return at
}

// connect adds an edge unless it is there, in place of the one least used when
// there are too many. It returns where the edge leads.
func (s *Scanner) connect(from int32, separator []byte, to int32) int32 {
	if to == end && (separator[len(separator)-1] != '}' || len(separator) > maxSeparator) {
		return end // there was no room for the place
	}
	p := &s.nodes[from]
	for _, e := range p.edges {
		if string(e.separator) == string(separator) {
			return to
		}
	}
	e := edge{separator: append([]byte(nil), separator...), to: to}
	if n := len(separator); n >= 8 {
		e.head, e.tail = binary.LittleEndian.Uint64(separator), binary.LittleEndian.Uint64(separator[n-8:])
	}
	if len(p.edges) == maxEdges {
		p.edges[maxEdges-1] = e
	} else {
		p.edges = append(p.edges, e)
	}
	return to
}
