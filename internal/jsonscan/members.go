package jsonscan

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// A Member is one member of an object, as offsets into it.
type Member struct {
	Key, KeyEnd int // of its name, quotes and all
	Value, End  int // of its value
}

// NextMember finds the member of a valid object that comes at or after offset i:
// 0 for the first one, the End of one for the next. ok is false when there is no
// more. The object must be one that Object accepted: nothing is validated again.
func NextMember(object []byte, i int) (m Member, ok bool) {
	i = SkipSpace(object, i)
	if object[i] == '}' {
		return m, false
	}
	i = SkipSpace(object, i+1) // past the brace or the comma
	if object[i] != '"' {
		return m, false
	}
	m.Key = i
	m.KeyEnd = passString(object, i)
	m.Value = SkipSpace(object, SkipSpace(object, m.KeyEnd)+1)
	m.End = passValue(object, m.Value)
	return m, true
}

// NextElement is NextMember for a valid array: the value at [from, end).
func NextElement(array []byte, i int) (from, end int, ok bool) {
	i = SkipSpace(array, i)
	if array[i] == ']' {
		return 0, 0, false
	}
	i = SkipSpace(array, i+1) // past the bracket or the comma
	if array[i] == ']' {
		return 0, 0, false
	}
	return i, passValue(array, i), true
}

// Name is a member's name with its escapes undone. It is part of the object where
// it has none.
func (m Member) Name(object []byte) []byte {
	quoted := object[m.Key:m.KeyEnd]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	return AppendUnquoted(nil, quoted)
}

// passString is the end of the valid string at i.
func passString(data []byte, i int) int {
	for i++; ; {
		// The first byte that is a quote or a backslash, eight at a time: a borrow goes
		// upwards only, so the lowest bit found is a true one.
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			quote, escape := w^ones*'"', w^ones*'\\'
			hit := ((quote-ones)&^quote | (escape-ones)&^escape) & highs
			if hit != 0 {
				i += bits.TrailingZeros64(hit) >> 3
				break
			}
			i += 8
		}
		switch data[i] {
		case '"':
			return i + 1
		case '\\':
			i += 2
		default: // near the end of the data
			i++
		}
	}
}

// passValue is the end of the valid value at i.
func passValue(data []byte, i int) int {
	switch data[i] {
	case '"':
		return passString(data, i)
	case '{', '[':
	default:
		for i < len(data) && data[i] > ' ' && data[i] != ',' && data[i] != '}' && data[i] != ']' {
			i++
		}
		return i
	}
	for depth := 0; ; {
		switch data[i] {
		case '"':
			i = passString(data, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
}
