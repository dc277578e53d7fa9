package convert

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
)

var pow10 = [...]float64{1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

// parseInt is the value of a JSON number literal without fraction or exponent;
// ok is false when it does not fit 64 bits, and for -0, which no integer is.
func parseInt(text []byte) (v int64, ok bool) {
	s, neg := text, false
	if len(s) > 0 && s[0] == '-' {
		s, neg = s[1:], true
	}
	if len(s) > 18 {
		v, err := strconv.ParseInt(string(text), 10, 64)
		return v, err == nil
	}
	for _, c := range s {
		v = v*10 + int64(c-'0')
	}
	if neg {
		return -v, v != 0
	}
	return v, true
}

// shortInt reads a JSON number without fraction or exponent of up to 18 digits
// and returns its end, in one pass; ok is false for any other number, for -0, and
// for what is no number at all.
func shortInt(data []byte, i int) (v int64, end int, ok bool) {
	neg := data[i] == '-'
	if neg {
		i++
	}
	start := i
	if i+8 <= len(data) {
		if w := binary.LittleEndian.Uint64(data[i:]); eightDigits(w) {
			v = parseEight(w)
			i += 8
		}
	}
	for ; i < len(data) && data[i]-'0' <= 9; i++ {
		v = v*10 + int64(data[i]-'0')
	}
	digits := i - start
	if digits == 0 || digits > 18 || data[start] == '0' && (digits > 1 || neg) {
		return 0, i, false
	}
	if i < len(data) && (data[i] == '.' || data[i]|0x20 == 'e') {
		return 0, i, false
	}
	if neg {
		v = -v
	}
	return v, i, true
}

// eightDigits reports whether all bytes are decimal digits.
func eightDigits(w uint64) bool {
	return (w&(ones*0xf0))|((w+ones*6)&(ones*0xf0))>>4 == ones*0x33
}

// parseEight is the number of eight digits, the first in the lowest byte: it adds
// up pairs, then fours, then all.
func parseEight(w uint64) int64 {
	w = (w & (ones * 0x0f)) * (10<<8 + 1) >> 8
	w = (w & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	return int64((w & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32)
}

// parseDouble is the float64 that a JSON number literal stands for; ok is false
// when the literal says more than the float64 can give back, as with 1e400 or
// 0.12345678901234567890.
func parseDouble(text []byte) (v float64, ok bool) {
	var mantissa uint64
	digits, exp := 0, 0
	i, neg := 0, false
	if text[0] == '-' {
		i, neg = 1, true
	}
	for ; i < len(text) && text[i]-'0' <= 9; i++ {
		mantissa = mantissa*10 + uint64(text[i]-'0')
		if mantissa != 0 {
			digits++
		}
	}
	if i < len(text) && text[i] == '.' {
		for i++; i < len(text) && text[i]-'0' <= 9; i++ {
			mantissa = mantissa*10 + uint64(text[i]-'0')
			if mantissa != 0 {
				digits++
			}
			exp--
		}
	}
	// Up to 15 digits always come back from a float64, and a mantissa below
	// 2^53 scaled by an exact power of ten is rounded once, so correctly
	// (Clinger, "How to read floating point numbers accurately", 1990).
	if i < len(text) || digits > 15 || exp < -22 {
		return slowDouble(text)
	}
	v = float64(mantissa) / pow10[-exp]
	if neg {
		v = -v
	}
	return v, true
}

func slowDouble(text []byte) (float64, bool) {
	v, err := strconv.ParseFloat(string(text), 64)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	var buf [32]byte
	return v, sameDecimal(text, strconv.AppendFloat(buf[:0], v, 'e', -1, 64))
}

// parseFloat32 is parseDouble for 32 bits.
func parseFloat32(text []byte) (float32, bool) {
	v, err := strconv.ParseFloat(string(text), 32)
	if err != nil || math.IsInf(v, 0) {
		return 0, false
	}
	var buf [32]byte
	return float32(v), sameDecimal(text, strconv.AppendFloat(buf[:0], v, 'e', -1, 32))
}

// sameDecimal reports whether two number literals are the same decimal value.
func sameDecimal(a, b []byte) bool {
	if len(a) > 400 {
		return false // nobody's float64 needs that; spare the work
	}
	da, ea, na := decimal(a)
	db, eb, nb := decimal(b)
	return bytes.Equal(da, db) && (len(da) == 0 || ea == eb) && na == nb
}

// decimal splits a literal into its significant digits, without zeros at either
// end, and the exponent of the point before the first of them.
func decimal(s []byte) (digits []byte, exp int, neg bool) {
	if s[0] == '-' {
		s, neg = s[1:], true
	}
	point, seen := 0, false
	digits = make([]byte, 0, len(s))
	for i, c := range s {
		if c == '.' {
			seen = true
			continue
		}
		if c|0x20 == 'e' {
			e, err := strconv.Atoi(string(s[i+1:]))
			if err != nil {
				e = math.MaxInt32
			}
			exp = e
			break
		}
		if !seen {
			point++
		}
		digits = append(digits, c)
	}
	exp += point
	for len(digits) > 0 && digits[0] == '0' {
		digits, exp = digits[1:], exp-1
	}
	return bytes.TrimRight(digits, "0"), exp, neg
}

// parseDecimal is a number literal as an integer scaled by 10^scale, if it has
// at most precision digits and none is lost; up to 18 digits.
func parseDecimal(text []byte, precision, scale int) (int64, bool) {
	if len(text) > 400 {
		return 0, false
	}
	digits, exp, neg := decimal(text)
	if len(digits) == 0 {
		return 0, !neg // -0 is another number
	}
	zeros := exp + scale - len(digits) // to append
	if zeros < 0 || exp+scale > min(precision, 18) {
		return 0, false
	}
	var v int64
	for _, c := range digits {
		v = v*10 + int64(c-'0')
	}
	for range zeros {
		v *= 10
	}
	if neg {
		v = -v
	}
	return v, true
}
