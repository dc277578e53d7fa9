package function

import (
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// substrBytes is substr of a varbinary: from a byte on, which counts from the end where
// it is negative, as many as the third argument says.
func substrBytes(dst []byte, args [][]byte) ([]byte, bool, error) {
	b := args[0]
	first, err1 := strconv.ParseInt(string(args[1]), 10, 64)
	n, err2 := strconv.ParseInt(string(args[2]), 10, 64)
	if err1 != nil || err2 != nil {
		return dst, false, invalid("substr takes whole numbers")
	}
	size := int64(len(b))
	if first < 0 {
		first += size + 1
	}
	if first < 1 || first > size || n <= 0 {
		return dst, false, nil
	}
	return append(dst, b[first-1:min(size, first-1+min(n, size))]...), false, nil
}

func reverseBytes(dst []byte, args [][]byte) ([]byte, bool, error) {
	n := len(dst)
	dst = append(dst, args[0]...)
	slices.Reverse(dst[n:])
	return dst, false, nil
}

// mostPadded bounds what lpad and rpad make.
const mostPadded = 1 << 20

// padBytes is lpad or rpad of a varbinary.
func padBytes(left bool) func(dst []byte, args [][]byte) ([]byte, bool, error) {
	return func(dst []byte, args [][]byte) ([]byte, bool, error) {
		b, with := args[0], args[2]
		size, err := strconv.ParseInt(string(args[1]), 10, 64)
		switch {
		case err != nil || size < 0 || size > math.MaxInt32:
			return dst, false, invalid("Target length must be in the range [0..2147483647]")
		case len(with) == 0:
			return dst, false, invalid("Padding bytes must not be empty")
		case size > mostPadded:
			return dst, false, invalid("padding to more than %d bytes is not supported", mostPadded)
		case int(size) <= len(b):
			return append(dst, b[:size]...), false, nil
		}
		if !left {
			dst = append(dst, b...)
		}
		for i := range int(size) - len(b) {
			dst = append(dst, with[i%len(with)])
		}
		if left {
			dst = append(dst, b...)
		}
		return dst, false, nil
	}
}

// fromUTF8 is from_utf8: what is no UTF-8 becomes the second argument, one for each
// beginning of a character.
func fromUTF8(dst []byte, args [][]byte) ([]byte, bool, error) {
	if utf8.RuneCount(args[1]) > 1 {
		return dst, false, invalid("Replacement character string must empty or a single character")
	}
	for b := args[0]; len(b) > 0; {
		if _, n := utf8.DecodeRune(b); n > 1 || b[0] < utf8.RuneSelf {
			dst, b = append(dst, b[:n]...), b[n:]
			continue
		}
		dst, b = append(dst, args[1]...), b[wrongBytes(b):]
	}
	return dst, false, nil
}

// wrongBytes is how many bytes at the beginning of b are one character that is none: the
// first, and of those that its bits promise the ones that continue it.
func wrongBytes(b []byte) int {
	promised := 1
	switch c := b[0]; {
	case c >= 0xfc && c < 0xfe:
		promised = 6
	case c >= 0xf8 && c < 0xfc:
		promised = 5
	case c >= 0xf0 && c < 0xf8:
		promised = 4
	case c >= 0xe0 && c < 0xf0:
		promised = 3
	case c >= 0xc0 && c < 0xe0:
		promised = 2
	}
	n := 1
	for n < promised && n < len(b) && b[n]&0xc0 == 0x80 {
		n++
	}
	return n
}

func toBigEndian32(dst []byte, args [][]byte) ([]byte, bool, error) {
	n, err := strconv.ParseInt(string(args[0]), 10, 32)
	if err != nil {
		return dst, false, invalid("%s is no integer", shortened(args[0]))
	}
	return binary.BigEndian.AppendUint32(dst, uint32(n)), false, nil
}

func fromBigEndian32(dst []byte, args [][]byte) ([]byte, bool, error) {
	if len(args[0]) != 4 {
		return dst, false, invalid("expected 4-byte input, but got instead: %d", len(args[0]))
	}
	return strconv.AppendInt(dst, int64(int32(binary.BigEndian.Uint32(args[0]))), 10), false, nil
}

// toIEEE754 writes the bits of a number, given as a text.
func toIEEE754(bits int) func(dst []byte, args [][]byte) ([]byte, bool, error) {
	return func(dst []byte, args [][]byte) ([]byte, bool, error) {
		f, err := strconv.ParseFloat(string(args[0]), bits)
		if err != nil {
			return dst, false, invalid("%s is no number", shortened(args[0]))
		}
		if bits == 32 {
			return binary.BigEndian.AppendUint32(dst, math.Float32bits(float32(f))), false, nil
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(f)), false, nil
	}
}

// fromIEEE754 is the text of the number of which these are the bits.
func fromIEEE754(bits int) func(dst []byte, args [][]byte) ([]byte, bool, error) {
	return func(dst []byte, args [][]byte) ([]byte, bool, error) {
		if len(args[0]) != bits/8 {
			return dst, false, invalid("Input floating-point value must be exactly %d bytes long", bits/8)
		}
		f := 0.0
		if bits == 32 {
			f = float64(math.Float32frombits(binary.BigEndian.Uint32(args[0])))
		} else {
			f = math.Float64frombits(binary.BigEndian.Uint64(args[0]))
		}
		return strconv.AppendFloat(dst, f, 'g', -1, bits), false, nil
	}
}
