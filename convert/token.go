package convert

import "encoding/binary"

// A token is a text to be recognised in a record, a quoted key or what stands
// between two values, in the fewest loads: three do for up to 24 bytes.
type token struct {
	text       []byte
	head, mask uint64 // the first eight bytes, and which of them count
	middle     uint64 // the second eight, if there are more than 16
	tail       uint64 // the last eight, if there are as many
	short      bool   // it has 1 to 16 bytes
}

func newToken(text []byte) token {
	t := token{text: text, short: 0 < len(text) && len(text) <= 16}
	var b [8]byte
	n := copy(b[:], text)
	t.head, t.mask = binary.LittleEndian.Uint64(b[:]), ^uint64(0)>>(64-8*n)
	if len(text) >= 8 {
		t.tail = binary.LittleEndian.Uint64(text[len(text)-8:])
	}
	if len(text) > 16 {
		t.middle = binary.LittleEndian.Uint64(text[8:])
	}
	return t
}

// newQuoted is the token of a key as most records write it.
func newQuoted(key string) token { return newToken(appendJSONString(nil, []byte(key))) }

// at reports whether the token stands at data[i].
func (t *token) at(data []byte, i int) bool {
	n := len(t.text)
	if n == 0 || len(data)-i < max(n, 8) {
		return t.atEnd(data, i) // the data may end so soon, but it will not often
	}
	if (binary.LittleEndian.Uint64(data[i:])^t.head)&t.mask != 0 {
		return false
	}
	if n <= 8 {
		return true
	}
	if binary.LittleEndian.Uint64(data[i+n-8:]) != t.tail {
		return false
	}
	if n <= 16 {
		return true
	}
	if binary.LittleEndian.Uint64(data[i+8:]) != t.middle {
		return false
	}
	return n <= 24 || string(data[i+16:i+n-8]) == string(t.text[16:n-8])
}

func (t *token) atEnd(data []byte, i int) bool {
	n := len(t.text)
	return n > 0 && len(data)-i >= n && string(data[i:i+n]) == string(t.text)
}
