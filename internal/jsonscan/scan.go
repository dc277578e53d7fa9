package jsonscan

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest. RFC 8259, section 9, lets a
// parser set such a limit; encoding/json's is 10,000, most others' 512 to 1,024.
const MaxDepth = 1024

// A SyntaxError says where a value stops being JSON.
type SyntaxError struct {
	Offset int    // of the offending byte, from the start of the data
	Msg    string // what was wrong, for a person
	// Incomplete means that the data ended inside the value: more might mend it.
	Incomplete bool
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s at byte %d", e.Msg, e.Offset)
}

// Object validates the JSON object that data begins with; data[0] must be '{'.
// It returns the object's length in bytes; what follows is not looked at. The
// error, if any, is a *SyntaxError.
func Object(data []byte) (n int, err error) {
	if len(data) == 0 {
		return 0, incomplete(0, "the data ends before an object")
	}
	if data[0] != '{' {
		return 0, &SyntaxError{Offset: 0, Msg: "expected an object, found " + describe(data, 0)}
	}
	return scan(data, 0)
}

// Value validates the JSON value that data begins with, after any white space,
// and returns where it ends.
func Value(data []byte) (n int, err error) {
	return scan(data, SkipSpace(data, 0))
}

// SkipSpace returns the index of the first byte at or after i that is not JSON
// white space, or len(data).
func SkipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\t' || data[i] == '\r') {
		i++
	}
	return i
}

func incomplete(at int, msg string) error {
	return &SyntaxError{Offset: at, Msg: msg, Incomplete: true}
}

func unexpected(data []byte, i int, want string) error {
	if i >= len(data) {
		return incomplete(i, "the data ends where "+want+" was expected")
	}
	return &SyntaxError{Offset: i, Msg: "expected " + want + ", found " + describe(data, i)}
}

func describe(data []byte, i int) string {
	if i >= len(data) {
		return "the end"
	}
	if r, n := utf8.DecodeRune(data[i:]); r != utf8.RuneError || n > 1 {
		return fmt.Sprintf("%q", r)
	}
	return fmt.Sprintf("byte 0x%02x", data[i])
}

// scan validates one value at i and returns its end. It is one loop over an
// explicit stack of bits (object or array), so no input can exhaust the
// goroutine's stack. White space is looked for only where a byte is none of
// those expected, and strings without escapes and beyond do not leave it.
func scan(data []byte, i int) (int, error) {
	var stack [MaxDepth / 64]uint64 // 1: object
	depth := 0
	var err error

value:
	if i >= len(data) || data[i] <= ' ' {
		if i = SkipSpace(data, i); i >= len(data) {
			return i, unexpected(data, i, "a value")
		}
	}
	switch c := data[i]; {
	case c == '"':
		if i, err = skipString(data, i); err != nil {
			return i, err
		}
	case c == '{' || c == '[':
		if depth == MaxDepth {
			return i, &SyntaxError{Offset: i, Msg: fmt.Sprintf("nested deeper than %d", MaxDepth)}
		}
		bit := uint64(1) << (depth & 63)
		stack[depth>>6] &^= bit
		if c == '{' {
			stack[depth>>6] |= bit
		}
		depth++
		i = SkipSpace(data, i+1)
		if i < len(data) && data[i] == c+2 { // '{'+2 is '}', '['+2 is ']'
			i++
			depth--
			break
		}
		if c == '{' {
			goto key
		}
		goto value
	case c == '-' || '0' <= c && c <= '9':
		if i, _, err = Number(data, i); err != nil {
			return i, err
		}
	default:
		if i, err = Literal(data, i); err != nil {
			return i, err
		}
	}

after:
	if depth == 0 {
		return i, nil
	}
	if i < len(data) && data[i] <= ' ' {
		i = SkipSpace(data, i)
	}
	if stack[((depth-1)>>6)&(len(stack)-1)]&(1<<((depth-1)&63)) != 0 {
		if i < len(data) && data[i] == ',' {
			i++
			goto key
		}
		if i < len(data) && data[i] == '}' {
			i++
			depth--
			goto after
		}
		return i, unexpected(data, i, "',' or '}'")
	}
	if i < len(data) && data[i] == ',' {
		i++
		goto value
	}
	if i < len(data) && data[i] == ']' {
		i++
		depth--
		goto after
	}
	return i, unexpected(data, i, "',' or ']'")

key:
	if i < len(data) && data[i] <= ' ' {
		i = SkipSpace(data, i)
	}
	if i >= len(data) || data[i] != '"' {
		return i, unexpected(data, i, "a key")
	}
	if i, err = skipString(data, i); err != nil {
		return i, err
	}
	if i < len(data) && data[i] <= ' ' {
		i = SkipSpace(data, i)
	}
	if i >= len(data) || data[i] != ':' {
		return i, unexpected(data, i, "':'")
	}
	i++
	goto value
}

// skipString is String for one that is likely to be plain.
func skipString(data []byte, i int) (int, error) {
	for k := i + 1; k+8 <= len(data); k += 8 {
		w := binary.LittleEndian.Uint64(data[k:])
		if hit := Special(w); hit != 0 {
			if k += bits.TrailingZeros64(hit) >> 3; data[k] == '"' {
				return k + 1, nil
			}
			break
		}
	}
	end, _, err := String(data, i)
	return end, err
}

// Special looks at eight bytes of a string, the first of them the lowest: it has the
// high bit set of the first that is a quote, a backslash, a control character or not
// ASCII, and none below; what is above says nothing. Flipping bit 1 brings the quote
// next to the control characters; the subtractions borrow only upwards.
func Special(w uint64) uint64 {
	return (((w ^ ones*2) - ones*0x21) | ((w ^ ones*'\\') - ones) | w) & highs
}

// Literal validates true, false or null at i and returns its end.
func Literal(data []byte, i int) (int, error) {
	var word string
	if i < len(data) {
		switch data[i] {
		case 't':
			word = "true"
		case 'f':
			word = "false"
		case 'n':
			word = "null"
		}
	}
	if word == "" {
		return i, unexpected(data, i, "a value")
	}
	for k := 1; k < len(word); k++ {
		if i+k >= len(data) {
			return i, incomplete(len(data), "the data ends inside "+word)
		}
		if data[i+k] != word[k] {
			return i + k, &SyntaxError{Offset: i + k, Msg: "expected " + word + ", found " + describe(data, i+k)}
		}
	}
	return i + len(word), nil
}

// Number validates the number at i and returns its end; integer is true when it
// has neither fraction nor exponent.
func Number(data []byte, i int) (end int, integer bool, err error) {
	integer = true
	if i < len(data) && data[i] == '-' {
		i++
	}
	switch {
	case i < len(data) && data[i] == '0':
		i++
	default:
		if i, err = digits(data, i); err != nil {
			return i, false, err
		}
	}
	if i < len(data) && data[i] == '.' {
		integer = false
		if i, err = digits(data, i+1); err != nil {
			return i, false, err
		}
	}
	if i < len(data) && data[i]|0x20 == 'e' {
		integer = false
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		if i, err = digits(data, i); err != nil {
			return i, false, err
		}
	}
	return i, integer, nil
}

func digits(data []byte, i int) (int, error) {
	start := i
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	if i == start {
		return i, unexpected(data, i, "a digit")
	}
	return i, nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// String validates the string whose opening quote is at i and returns the index
// after its closing quote; escaped is true when it has an escape.
func String(data []byte, i int) (end int, escaped bool, err error) {
	open := i
	i++
	for {
		// Eight bytes at a time up to the next special one.
		for i+8 <= len(data) {
			hit := Special(binary.LittleEndian.Uint64(data[i:]))
			if hit == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(hit) >> 3
			break
		}
		if i >= len(data) {
			return open, false, incomplete(len(data), fmt.Sprintf("the data ends inside the string begun %d bytes before", len(data)-open))
		}
		switch c := data[i]; {
		case c == '"':
			return i + 1, escaped, nil
		case c == '\\':
			escaped = true
			if i, err = escape(data, i); err != nil {
				return i, false, err
			}
		case c < 0x20:
			return i, false, &SyntaxError{Offset: i, Msg: fmt.Sprintf("control character 0x%02x in a string (write it as \\u%04x)", c, c)}
		case c < 0x80:
			i++
		default:
			if i, err = multibyte(data, i); err != nil {
				return i, false, err
			}
		}
	}
}

// multibyte validates the run of UTF-8 sequences at i.
func multibyte(data []byte, i int) (int, error) {
	for i < len(data) && data[i] >= 0x80 {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n <= 1 {
			if !utf8.FullRune(data[i:]) {
				return i, incomplete(i, "the data ends inside a UTF-8 sequence")
			}
			return i, &SyntaxError{Offset: i, Msg: fmt.Sprintf("invalid UTF-8: byte 0x%02x", data[i])}
		}
		i += n
	}
	return i, nil
}

// escape validates the escape whose backslash is at i and returns its end.
func escape(data []byte, i int) (int, error) {
	if i+1 >= len(data) {
		return i, incomplete(len(data), "the data ends inside an escape")
	}
	switch data[i+1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return i + 2, nil
	case 'u':
		for k := 2; k < 6; k++ {
			if i+k >= len(data) {
				return i, incomplete(len(data), "the data ends inside an escape")
			}
			if unhex(data[i+k]) < 0 {
				return i + k, &SyntaxError{Offset: i + k, Msg: "expected four hexadecimal digits after \\u, found " + describe(data, i+k)}
			}
		}
		return i + 6, nil
	}
	return i + 1, &SyntaxError{Offset: i + 1, Msg: "unknown escape \\" + string(rune(data[i+1]))}
}

func unhex(c byte) rune {
	switch {
	case '0' <= c && c <= '9':
		return rune(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}
