package convert

import (
	"encoding/binary"
	"math/bits"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// What stands between two values of a record (the braces, the commas, the quoted
// keys) is nearly always what stood there in an earlier record. So each node
// remembers what was found to follow its value: ways, each with the text between,
// the structs that begin in it, and the node whose value comes next. Such a text
// was valid there once and led to that node; outside arrays and maps the node
// alone says in which objects it stands, so it is and does so for ever.
//
// No key may come twice in a record. Where all ways lead from nodes of lower to nodes
// of higher rank, none can; that is so where the keys that records have in common
// come in the same order. Else the nodes that a record has filled are marked.
//
// A record is followed from way to way, and only its values are read. Where no
// way fits, it is parsed as a whole, and its ways are learned.

// A way leads from the end of one value to the beginning of the next.
type way struct {
	between token
	opens   []*node // the structs that begin
	to      *node   // whose value comes next; nil where the record ends
}

const (
	maxWays       = 8   // of a node; the one least used makes room
	maxBetween    = 256 // bytes
	straysToRest  = 32
	recordsOfRest = 512
)

// A step is a value, or the beginning of a struct (start is -1), of the record
// that is being parsed.
type step struct {
	node       *node
	start, end int
}

// follow parses the record at i along known ways; ok is false where it knows none,
// or where a value is not what it should be: the record is to be parsed as a whole
// then. Out's data are not cut at the record's end, but no value and no way has a
// newline in it.
func (s *shredder) follow(i int) (end int, ok bool) {
	s.stamp++
	stamp, data, out := s.stamp, s.data, s.out
	row := out.slots[0] - 1
	at := s.schema.root
	ordered, cut := !s.schema.unordered, false
	for {
		if len(at.ways) == 0 {
			return i, false
		}
		w := &at.ways[0]
		here := false
		if t := &w.between; t.short && len(data)-i >= 16 { // a call would cost as much
			here = (binary.LittleEndian.Uint64(data[i:])^t.head)&t.mask == 0 &&
				(len(t.text) <= 8 || binary.LittleEndian.Uint64(data[i+len(t.text)-8:]) == t.tail)
		} else {
			here = t.at(data, i)
		}
		if !here {
			if w = at.otherWay(data, i); w == nil {
				return i, false
			}
		}
		i += len(w.between.text)
		for _, n := range w.opens {
			if !ordered && !n.mark(stamp) {
				return i, false
			}
			out.columns[n.id] = append(out.columns[n.id], entry{0, row})
		}
		f := w.to
		if f == nil {
			return i, i == len(data) || data[i] == '\n'
		}
		if i >= len(data) || !ordered && !f.mark(stamp) {
			return i, false
		}
		if data[i] <= ' ' { // other records had less white space here
			for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\r') {
				i++
			}
			if i == len(data) || data[i] == '\n' {
				return i, false
			}
		}
		start := i
		v, next := int64(0), 0
		switch f.ease {
		case easyText: // looked through here: a call would cost as much as a short string
			if data[i] != '"' {
				break
			}
			for k := i + 1; k+8 <= len(data); k += 8 {
				if hit := jsonscan.Special(binary.LittleEndian.Uint64(data[k:])); hit != 0 {
					if k += bits.TrailingZeros64(hit) >> 3; data[k] == '"' {
						v, next = int64(i+1)<<32|int64(k), k+1
					}
					break
				}
			}
		case easyBigint:
			v, next = plainInt(data, i)
		}
		if next > 0 {
			c := &out.columns[f.id]
			*c = append(*c, entry{v, row})
			i = next
		} else {
			if !cut && f.kind != leafNode { // white space may be a newline there
				s.data, cut = data[:lineEnd(data, i)], true
			}
			var err error
			if i, err = s.value(f, i); err != nil {
				return i, false
			}
		}
		if f.part != 0 && s.parts[f.part-1] == nil {
			s.parts[f.part-1] = data[start:i]
			if f.part == 1 {
				s.noteMoment(f, row)
			}
		}
		at = f
	}
}

// noteMoment notes the value of f, the first of the rules' fields, if the row has one.
func (s *shredder) noteMoment(f *node, row int32) {
	if !f.moment {
		return
	}
	column := s.out.columns[f.id]
	if n := len(column); n > 0 && column[n-1].slot == row {
		s.typed, s.moment = true, column[n-1].value
	}
}

// otherWay finds the way that goes on at i, which is not the first.
func (n *node) otherWay(data []byte, i int) *way {
	for k := 1; k < len(n.ways); k++ {
		if n.ways[k].between.at(data, i) {
			n.ways[k-1], n.ways[k] = n.ways[k], n.ways[k-1] // what comes often moves to the front
			return &n.ways[k-1]
		}
	}
	return nil
}

// An ease is a leaf's type whose values are mostly easy to take.
type ease uint8

const (
	hard ease = iota
	easyText
	easyBigint
)

func easeOf(n *node) ease {
	switch {
	case n.kind != leafNode || n.typ.Form == lake.FormJSON:
	case n.typ.Kind == lake.KindString:
		return easyText
	case n.typ.Kind == lake.KindBigint:
		return easyBigint
	}
	return hard
}

// plainInt takes the integer at i, if it is a short one; next is its end, else 0.
func plainInt(data []byte, i int) (v int64, next int) {
	if v, end, ok := shortInt(data, i); ok {
		return v, end
	}
	return 0, 0
}

// mark notes that the object or record with this stamp has filled the node; false if
// it had already.
func (n *node) mark(stamp uint64) bool {
	fresh := n.seen != stamp
	n.seen = stamp
	return fresh
}

// learn remembers the ways of the record that was parsed as a whole and ends at
// end, unless it has values that no column takes; marked ones have a column.
func (s *shredder) learn(end int) {
	if len(s.rescues) > s.marks || len(s.steps) == 0 {
		return
	}
	for _, st := range s.steps {
		if st.node.kind == rescueNode || st.start < 0 && st.node.part != 0 {
			return // what else such a key has is rescued; a partition's value is a struct's text
		}
	}
	s.schema.unordered = s.schema.unordered || !rank(s.steps)
	at, from := s.schema.root, s.start
	var opens []*node
	for _, st := range s.steps {
		if st.start < 0 {
			opens = append(opens, st.node)
			continue
		}
		at.lead(s.out.data[from:st.start], opens, st.node)
		at, from, opens = st.node, st.end, nil
	}
	at.lead(s.out.data[from:end], opens, nil)
}

// lead remembers a way, unless it is known.
func (n *node) lead(between []byte, opens []*node, to *node) {
	if len(between) > maxBetween {
		return
	}
	for _, w := range n.ways {
		if string(w.between.text) == string(between) {
			return
		}
	}
	w := way{newToken(append([]byte(nil), between...)), opens, to}
	if len(n.ways) == maxWays {
		n.ways[maxWays-1] = w
	} else {
		n.ways = append(n.ways, w)
	}
}

// rank ranks the nodes of a record that have no rank yet, between those around them;
// false where that cannot be.
func rank(steps []step) bool {
	const gap = 1 << 32
	last := uint64(0)
	for i, st := range steps {
		if st.node.rank == 0 {
			next := last + 2*gap
			for _, later := range steps[i+1:] {
				if later.node.rank > 0 {
					next = later.node.rank
					break
				}
			}
			if next <= last+1 {
				return false
			}
			st.node.rank = last + (next-last)/2
		}
		if st.node.rank <= last {
			return false
		}
		last = st.node.rank
	}
	return true
}
