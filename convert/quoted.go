package convert

import "encoding/binary"

// A quoted is a key as JSON has it, with its quotes, ready to be recognised: two
// loads do for a key of up to 14 bytes.
type quoted struct {
	text       []byte
	head, mask uint64 // the first eight bytes, and which of them count
	tail       uint64 // the last eight, if there are as many
}

func newQuoted(key string) quoted {
	q := quoted{text: appendJSONString(nil, []byte(key))}
	var b [8]byte
	n := copy(b[:], q.text)
	q.head, q.mask = binary.LittleEndian.Uint64(b[:]), ^uint64(0)>>(64-8*n)
	if len(q.text) >= 8 {
		q.tail = binary.LittleEndian.Uint64(q.text[len(q.text)-8:])
	}
	return q
}

// at reports whether the key stands at data[i].
func (q *quoted) at(data []byte, i int) bool {
	n := len(q.text)
	if n == 0 || len(data)-i < max(n, 8) {
		return false // a record may end so soon, but it will not often: look the key up
	}
	if (binary.LittleEndian.Uint64(data[i:])^q.head)&q.mask != 0 {
		return false
	}
	if n <= 8 {
		return true
	}
	if binary.LittleEndian.Uint64(data[i+n-8:]) != q.tail {
		return false
	}
	return n <= 16 || string(data[i+8:i+n-8]) == string(q.text[8:n-8])
}
