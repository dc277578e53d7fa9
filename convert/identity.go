package convert

import (
	"encoding/binary"
	"hash/maphash"
	"math/bits"
)

// An identity tells texts of a dictionary apart without going to their bytes: it
// holds all of a short text or of a UUID, and of others a hash.
type identity struct {
	a, b uint64
	size uint32 // the length, with its form
}

// The forms of an identity, above the length.
const (
	uuidForm   = 1 << 30 // a and b are the 128 bits of a UUID in lower case
	hashedForm = 1 << 31 // a is a hash; b is, in a table, where the text is in entries
	formBits   = uuidForm | hashedForm
)

// whole reports whether equal identities are equal texts.
func (id identity) whole() bool { return id.size&hashedForm == 0 }

// The seeds differ from process to process, so that nobody can make texts that
// meet in one place; nothing written depends on them.
var (
	hashSeed = maphash.MakeSeed()
	mixSeedA = maphash.Bytes(hashSeed, []byte{'a'})
	mixSeedB = maphash.Bytes(hashSeed, []byte{'b'})
)

// hash mixes an identity: the lower bits are the place of its text in a table, the
// upper half tells it from others there.
func (id *identity) hash() uint64 {
	b := id.b
	if !id.whole() {
		b = 0
	}
	hi, lo := bits.Mul64(id.a^mixSeedA, b^mixSeedB^uint64(id.size)<<32)
	return hi ^ lo
}

// identify makes a text's identity and returns its hash.
func identify(v []byte, id *identity) uint64 {
	switch n := len(v); {
	case n > 16:
		*id = identifyLong(v)
	case n >= 8: // the two words overlap, and with the length say it all
		*id = identity{binary.LittleEndian.Uint64(v), binary.LittleEndian.Uint64(v[n-8:]), uint32(n)}
	case n >= 4:
		*id = identity{uint64(binary.LittleEndian.Uint32(v)) | uint64(binary.LittleEndian.Uint32(v[n-4:]))<<32, 0, uint32(n)}
	default:
		*id = identity{size: uint32(n)}
		for k, c := range v {
			id.a |= uint64(c) << (8 * k)
		}
	}
	return id.hash()
}

func identifyLong(v []byte) identity {
	if len(v) == 36 {
		if a, b, ok := parseUUID(v); ok {
			return identity{a, b, 36 | uuidForm}
		}
	}
	return identity{maphash.Bytes(hashSeed, v), 0, uint32(len(v)) | hashedForm}
}

// parseUUID reads the 36 characters of a UUID with lower-case digits.
func parseUUID(v []byte) (a, b uint64, ok bool) {
	v = v[:36]
	if v[8] != '-' || v[13] != '-' || v[18] != '-' || v[23] != '-' {
		return 0, 0, false
	}
	le := binary.LittleEndian
	w0 := le.Uint64(v)
	w1 := uint64(le.Uint32(v[9:])) | uint64(le.Uint32(v[14:]))<<32
	w2 := uint64(le.Uint32(v[19:])) | uint64(le.Uint32(v[24:]))<<32
	w3 := le.Uint64(v[28:])
	n0, bad0 := nibbles(w0)
	n1, bad1 := nibbles(w1)
	n2, bad2 := nibbles(w2)
	n3, bad3 := nibbles(w3)
	// The nibbles of a second word go into the free halves of the first's bytes.
	return n0 | n1<<4, n2 | n3<<4, bad0|bad1|bad2|bad3 == 0
}

// nibbles reads eight lower-case hexadecimal digits, one a byte; bad is not 0 if
// any is none.
func nibbles(w uint64) (n, bad uint64) {
	letter := w >> 6 & ones // of '0' to '9' it is 0, of 'a' to 'f' 1
	n = w&(ones*0x0f) + 9*letter
	// What digits there would be for n, letter by letter: anything else is none.
	ten := (n + ones*6) >> 4 & ones
	return n & (ones * 0x0f), (n + ones*0x30 + ten*0x27) ^ w | n&(ones*0xf0)
}
