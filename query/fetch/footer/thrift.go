package footer

import (
	"encoding/binary"
	"errors"
	"slices"
)

// Thrift's compact protocol, as far as structs are taken apart and put together
// again: values stay the bytes they are, so that nothing is lost or added to what
// a writer said.
// https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md

const (
	typeTrue   = 1
	typeFalse  = 2
	typeByte   = 3
	typeI16    = 4
	typeI32    = 5
	typeI64    = 6
	typeDouble = 7
	typeBinary = 8
	typeList   = 9
	typeSet    = 10
	typeMap    = 11
	typeStruct = 12
)

// maxDepth is how deep values may lie in one another; Parquet's are below 10.
const maxDepth = 32

var errThrift = errors.New("the metadata is not Thrift")

// A field of a struct: its bytes, none for a boolean, whose type is its value.
type field struct {
	id    int16
	typ   byte
	value []byte
}

// readStruct takes a struct apart. What follows it is rest.
func readStruct(b []byte) (fields []field, rest []byte, err error) {
	return readFields(b, maxDepth, true)
}

func readFields(b []byte, depth int, keep bool) (fields []field, rest []byte, err error) {
	var id int64
	for {
		if len(b) == 0 {
			return nil, nil, errThrift
		}
		head := b[0]
		b = b[1:]
		if head == 0 {
			return fields, b, nil
		}
		if delta := int64(head >> 4); delta != 0 {
			id += delta
		} else if id, b, err = readInt(b); err != nil {
			return nil, nil, err
		}
		if id < 0 || id > 1<<15-1 {
			return nil, nil, errThrift
		}
		after, err := skip(b, head&0xf, depth, false)
		if err != nil {
			return nil, nil, err
		}
		if keep {
			if slices.ContainsFunc(fields, func(f field) bool { return int64(f.id) == id }) {
				return nil, nil, errThrift // decoders differ in which they take
			}
			fields = append(fields, field{id: int16(id), typ: head & 0xf, value: b[:len(b)-len(after)]})
		}
		b = after
	}
}

// skip is what follows a value.
func skip(b []byte, typ byte, depth int, inList bool) (rest []byte, err error) {
	if depth == 0 {
		return nil, errThrift
	}
	n := 0
	switch typ {
	case typeTrue, typeFalse:
		if inList {
			n = 1
		}
	case typeByte:
		n = 1
	case typeI16, typeI32, typeI64:
		_, rest, err = readInt(b)
		return rest, err
	case typeDouble:
		n = 8
	case typeBinary:
		var length uint64
		if length, b, err = readUint(b); err != nil || length > uint64(len(b)) {
			return nil, errThrift
		}
		n = int(length)
	case typeList, typeSet:
		elem, size, rest, err := readListHead(b)
		for ; err == nil && size > 0; size-- {
			rest, err = skip(rest, elem, depth-1, true)
		}
		return rest, err
	case typeMap:
		return skipMap(b, depth)
	case typeStruct:
		_, rest, err = readFields(b, depth-1, false)
		return rest, err
	default:
		return nil, errThrift
	}
	if len(b) < n {
		return nil, errThrift
	}
	return b[n:], nil
}

func skipMap(b []byte, depth int) ([]byte, error) {
	size, b, err := readUint(b)
	if err != nil || size == 0 {
		return b, err
	}
	if len(b) == 0 || size > uint64(len(b)) {
		return nil, errThrift
	}
	types := b[0]
	b = b[1:]
	for ; err == nil && size > 0; size-- {
		if b, err = skip(b, types>>4, depth-1, true); err == nil {
			b, err = skip(b, types&0xf, depth-1, true)
		}
	}
	return b, err
}

// readList takes a list apart.
func readList(b []byte) (elem byte, items [][]byte, rest []byte, err error) {
	elem, size, b, err := readListHead(b)
	if err != nil {
		return 0, nil, nil, err
	}
	items = make([][]byte, size)
	for i := range items {
		after, err := skip(b, elem, maxDepth, true)
		if err != nil {
			return 0, nil, nil, err
		}
		items[i] = b[:len(b)-len(after)]
		b = after
	}
	return elem, items, b, nil
}

// readListHead also checks that the items can be there: each has a byte at least.
func readListHead(b []byte) (elem byte, size int, rest []byte, err error) {
	if len(b) == 0 {
		return 0, 0, nil, errThrift
	}
	elem, n := b[0]&0xf, uint64(b[0]>>4)
	b = b[1:]
	if n == 15 {
		if n, b, err = readUint(b); err != nil {
			return 0, 0, nil, err
		}
	}
	if n > uint64(len(b)) {
		return 0, 0, nil, errThrift
	}
	return elem, int(n), b, nil
}

func readUint(b []byte) (uint64, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, errThrift
	}
	return v, b[n:], nil
}

func readInt(b []byte) (int64, []byte, error) {
	v, n := binary.Varint(b) // zigzag, as Thrift's
	if n <= 0 {
		return 0, nil, errThrift
	}
	return v, b[n:], nil
}

// appendStruct puts fields together, whose ids rise.
func appendStruct(b []byte, fields []field) []byte {
	var last int16
	for _, f := range fields {
		if delta := f.id - last; delta > 0 && delta <= 15 {
			b = append(b, byte(delta)<<4|f.typ)
		} else {
			b = binary.AppendVarint(append(b, f.typ), int64(f.id))
		}
		last = f.id
		b = append(b, f.value...)
	}
	return append(b, 0)
}

func appendList(b []byte, elem byte, items [][]byte) []byte {
	if len(items) < 15 {
		b = append(b, byte(len(items))<<4|elem)
	} else {
		b = binary.AppendUvarint(append(b, 0xf0|elem), uint64(len(items)))
	}
	for _, item := range items {
		b = append(b, item...)
	}
	return b
}

// find is the field of that id and type, nil where there is none.
func find(fields []field, id int16, typ byte) *field {
	for i := range fields {
		if fields[i].id == id && fields[i].typ == typ {
			return &fields[i]
		}
	}
	return nil
}

func number(id int16, typ byte, v int64) field {
	return field{id: id, typ: typ, value: binary.AppendVarint(nil, v)}
}
