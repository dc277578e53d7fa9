package lake

import (
	"encoding/binary"
	"math"
)

// MaxAttrs bounds a block's attributes in bytes.
const MaxAttrs = 4096

// Attributes follow one another, each as a tag (1 byte), the length of its value
// (2 bytes, little-endian) and the value. A reader passes over a tag that it does
// not know. The value of tagRequest is the length of the request's key (1 byte),
// the key, and numbers as uvarints: the index of the block's first record among
// the good records of its request, then, as long as there are gaps, how many
// records follow one another from there and how many indexes are left out after
// them. What the block holds beyond is the last run.
const (
	tagRequest = 1
	attrHeader = 3
)

// MaxRequestKey is the longest key of a request in bytes.
const MaxRequestKey = 255

// A RequestAttr says from which request the records of a block came, and their
// places in it. Sent again with the same key, a record has the same place.
type RequestAttr struct {
	Key   []byte
	First uint64
	gaps  []byte
}

// AppendRequest appends the attribute of a block whose records are those of a
// request from index first on, without a gap. The key has 1 to MaxRequestKey bytes.
func AppendRequest[K string | []byte](dst []byte, key K, first uint64) []byte {
	at := len(dst)
	dst = append(dst, tagRequest, 0, 0, byte(len(key)))
	dst = append(dst, key...)
	dst = binary.AppendUvarint(dst, first)
	return setLength(dst, at)
}

// AppendGap extends the attribute that AppendRequest made as the last of dst, at
// offset at: after a run of records, gap indexes are not in the block.
func AppendGap(dst []byte, at int, run, gap uint64) []byte {
	return setLength(binary.AppendUvarint(binary.AppendUvarint(dst, run), gap), at)
}

func setLength(dst []byte, at int) []byte {
	binary.LittleEndian.PutUint16(dst[at+1:], uint16(len(dst)-at-attrHeader))
	return dst
}

// ParseRequest finds the attribute that AppendRequest made. The result refers to
// attrs.
func ParseRequest(attrs []byte) (r RequestAttr, ok bool) {
	v, ok := findAttr(attrs, tagRequest)
	if !ok {
		return r, false
	}
	return parseRequest(v)
}

// OtherAttrs are the attributes without those that AppendRequest made.
func OtherAttrs(attrs []byte) (others []byte) {
	for len(attrs) >= attrHeader {
		n := attrHeader + int(binary.LittleEndian.Uint16(attrs[1:]))
		if n > len(attrs) {
			break
		}
		if attrs[0] != tagRequest {
			others = append(others, attrs[:n]...)
		}
		attrs = attrs[n:]
	}
	return others
}

func parseRequest(v []byte) (r RequestAttr, ok bool) {
	if len(v) == 0 {
		return r, false
	}
	n := int(v[0])
	if v = v[1:]; n == 0 || len(v) <= n {
		return r, false
	}
	r.Key, v = v[:n], v[n:]
	first, n := binary.Uvarint(v)
	if n <= 0 {
		return r, false
	}
	r.First, r.gaps = first, v[n:]
	return r, true
}

// An Indexes tells the places of a block's records one after another.
type Indexes struct {
	next, left uint64
	gap        uint64
	gaps       []byte
}

// Indexes starts at the block's first record.
func (r RequestAttr) Indexes() Indexes {
	x := Indexes{next: r.First, gaps: r.gaps}
	x.run()
	return x
}

func (x *Indexes) run() {
	run, n := binary.Uvarint(x.gaps)
	if n <= 0 {
		x.left, x.gaps = math.MaxUint64, nil
		return
	}
	gap, m := binary.Uvarint(x.gaps[n:])
	if m <= 0 {
		x.left, x.gaps = math.MaxUint64, nil
		return
	}
	x.left, x.gap, x.gaps = run, gap, x.gaps[n+m:]
}

// Next is the index of the next record.
func (x *Indexes) Next() uint64 {
	for x.left == 0 {
		x.next += x.gap
		x.run()
	}
	x.left--
	x.next++
	return x.next - 1
}
