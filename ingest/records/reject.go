package records

import (
	"strconv"

	"sluice/ingest"
)

const (
	maxListed = 1000 // rejections named in an answer
	// maxListBytes bounds their text together.
	maxListBytes = 256 << 10
)

// tally is what became of the records so far. It is copied to remember a point
// to return to.
type tally struct {
	index    int64 // of the next record
	rejected int64
	reasons  [ingest.Reasons]int64
	listed   int // rejections in the list
	size     int // bytes of the list
}

// rejections is the list of the answer, as the JSON it will be.
type rejections struct {
	mem  *ingest.Memory
	buf  *ingest.Buffer // nil while there are none
	full bool           // nothing is listed after something was not
}

// open reports whether the next rejection is listed, so that its message is
// worth making.
func (l *rejections) open(t *tally) bool { return !l.full && t.listed < maxListed }

// add lists a rejection at t.index, as far as the list's bounds allow, and
// counts it.
func (l *rejections) add(t *tally, reason ingest.Reason, message string) {
	if l.open(t) && !l.room(t.size, len(message)*6+64) {
		l.full = true
	}
	if l.open(t) {
		b := l.buf.B[:t.size]
		if t.listed > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, t.index, 10)
		b = append(b, `,"error":`...)
		b = ingest.AppendString(b, message)
		b = append(b, '}')
		t.size = len(b)
		t.listed++
	}
	t.index++
	t.rejected++
	t.reasons[reason]++
}

// room makes the buffer large enough for n bytes more. A list that cannot have
// the memory stays shorter: the total still tells.
func (l *rejections) room(size, n int) bool {
	switch {
	case l.buf != nil && size+n <= len(l.buf.B):
		return true
	case size+n > maxListBytes:
		return false
	}
	b := l.mem.TryGet(size + n)
	if b == nil {
		return false
	}
	if l.buf != nil {
		copy(b.B, l.buf.B[:size])
		l.buf.Free()
	}
	l.buf = b
	return true
}

func (l *rejections) list(t *tally) []byte {
	if l.buf == nil {
		return nil
	}
	return l.buf.B[:t.size]
}

func (l *rejections) free() {
	if l.buf != nil {
		l.buf.Free()
	}
	*l = rejections{}
}
