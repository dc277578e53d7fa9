package lake

import (
	"encoding/binary"
	"math"
)

// A SourceID stands for a source of numbered messages, such as one consumer of one
// JetStream stream.
type SourceID [8]byte

// A SequenceRange is a run of messages of a source: their numbers From to To, both
// included, and the earliest and latest time that the source gave them, in
// nanoseconds since 1970.
type SequenceRange struct {
	From, To    uint64
	First, Last int64
}

// A block's attribute for messages is tagSequences and, as its value: the source (8
// bytes), the earliest time (8 bytes, little-endian) and, as uvarints, how much later
// the latest is, the first number, how many more follow it without a gap, and then,
// as long as there are gaps, how many numbers are left out and how many more than
// one follow them.
const tagSequences = 2

// MaxSequences bounds the attribute that AppendSequences makes: it leaves room for
// others in a block.
const MaxSequences = MaxAttrs - 64

// sequencesHead is the most that the attribute has beside its runs.
const sequencesHead = attrHeader + 8 + 8 + binary.MaxVarintLen64

// A SequenceList gathers the numbers of a block's messages. Its zero value is empty.
type SequenceList struct {
	Ranges []SequenceRange // ascending, with gaps between them
	size   int             // bytes of their runs, at most
}

// Reset empties the list.
func (l *SequenceList) Reset() { l.Ranges, l.size = l.Ranges[:0], 0 }

// Add adds a message whose number is greater than all before. It reports false, and
// adds nothing, where the attribute would get too long.
func (l *SequenceList) Add(seq uint64, at int64) bool {
	n := len(l.Ranges)
	if n > 0 && l.Ranges[n-1].To+1 == seq {
		r := &l.Ranges[n-1]
		r.To, r.First, r.Last = seq, min(r.First, at), max(r.Last, at)
		return true
	}
	gap := seq
	if n > 0 {
		gap = seq - l.Ranges[n-1].To
	}
	size := l.size + uvarintLen(gap) + 5 // a run is of less than 2^35
	if sequencesHead+size > MaxSequences {
		return false
	}
	l.size = size
	l.Ranges = append(l.Ranges, SequenceRange{seq, seq, at, at})
	return true
}

// Room reports whether the next Add succeeds, whatever is added.
func (l *SequenceList) Room() bool {
	return sequencesHead+l.size+binary.MaxVarintLen64+5 <= MaxSequences
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}

// AppendSequences appends the attribute of a block that holds the messages of l.
func AppendSequences(dst []byte, source SourceID, l *SequenceList) []byte {
	at := len(dst)
	dst = append(dst, tagSequences, 0, 0)
	dst = append(dst, source[:]...)
	first, last := int64(math.MaxInt64), int64(math.MinInt64)
	for _, r := range l.Ranges {
		first, last = min(first, r.First), max(last, r.Last)
	}
	dst = binary.LittleEndian.AppendUint64(dst, uint64(first))
	dst = binary.AppendUvarint(dst, uint64(last)-uint64(first))
	var before uint64
	for _, r := range l.Ranges {
		dst = binary.AppendUvarint(dst, r.From-before)
		dst = binary.AppendUvarint(dst, r.To-r.From)
		before = r.To
	}
	return setLength(dst, at)
}

// ParseSequences finds the attribute that AppendSequences made, and appends what
// it holds to dst; every range has the times of the whole block.
func ParseSequences(dst []SequenceRange, attrs []byte) (source SourceID, ranges []SequenceRange, ok bool) {
	v, ok := findAttr(attrs, tagSequences)
	if !ok || len(v) < len(source)+8 {
		return source, dst, false
	}
	copy(source[:], v)
	first := int64(binary.LittleEndian.Uint64(v[len(source):]))
	v = v[len(source)+8:]
	span, n := binary.Uvarint(v)
	if n <= 0 {
		return source, dst, false
	}
	last := int64(uint64(first) + span)
	var before uint64
	for v = v[n:]; len(v) > 0; {
		gap, n := binary.Uvarint(v)
		if n <= 0 {
			return source, dst, false
		}
		more, m := binary.Uvarint(v[n:])
		if m <= 0 || before+gap < before || before+gap+more < more {
			return source, dst, false
		}
		v = v[n+m:]
		dst = append(dst, SequenceRange{before + gap, before + gap + more, first, last})
		before += gap + more
	}
	return source, dst, true
}

// findAttr is the value of the first attribute with a tag.
func findAttr(attrs []byte, tag byte) (value []byte, ok bool) {
	for len(attrs) >= attrHeader {
		n := attrHeader + int(binary.LittleEndian.Uint16(attrs[1:]))
		if n > len(attrs) {
			return nil, false
		}
		if attrs[0] == tag {
			return attrs[attrHeader:n], true
		}
		attrs = attrs[n:]
	}
	return nil, false
}
