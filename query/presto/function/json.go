package function

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"

	"sluice/internal/jsonscan"
)

// jsonExtract is json_extract: the value at a path, as it stands but for white
// space and the spelling of numbers. What follows the value is not looked at; a text
// that is no JSON up to it, and a value that is not there, give NULL.
func jsonExtract(dst []byte, args [][]byte) ([]byte, bool, error) {
	value, err := valueAt(args[0], args[1])
	if err == nil && wild(args[1]) {
		dst, null := extractAll(dst, args[0], args[1])
		return dst, null, nil
	}
	if err != nil || value == nil {
		return dst, true, err
	}
	return appendValue(dst, value, asWritten), false, nil
}

// jsonScalar is json_extract_scalar: the text of a text, a number or a truth value at a
// path, a number's as it is written.
func jsonScalar(dst []byte, args [][]byte) ([]byte, bool, error) {
	value, err := valueAt(args[0], args[1])
	if err != nil || value == nil || wild(args[1]) {
		return dst, true, err
	}
	switch value[0] {
	case '{', '[', 'n':
		return dst, true, nil
	case '"':
		return jsonscan.AppendUnquoted(dst, value), false, nil
	}
	return append(dst, value...), false, nil
}

// valueAt is the value at the path in a text; nil where there is none that is JSON.
func valueAt(text, path []byte) ([]byte, error) {
	value, err := at(text, path)
	if err != nil || value == nil {
		return nil, err
	}
	n, err := jsonscan.Value(value)
	if err != nil {
		return nil, nil
	}
	return value[jsonscan.SkipSpace(value, 0):n], nil
}

// at is what begins at the path in a text; nil where there is nothing.
func at(text, path []byte) ([]byte, error) {
	i := jsonscan.SkipSpace(text, 0)
	steps := pathReader{rest: path}
	if !steps.begin() {
		return nil, invalid("Invalid JSON path: '%s'", path)
	}
	for {
		name, ok, bad := steps.next()
		switch {
		case bad:
			return nil, invalid("Invalid JSON path: '%s'", path)
		case !ok:
			if i >= len(text) {
				return nil, nil
			}
			return text[i:], nil
		case i < 0 || i >= len(text):
			i = len(text) // the rest of the path is checked all the same
		case text[i] == '{':
			i = member(text, i, name)
		case text[i] == '[':
			i = element(text, i, name)
		default:
			i = len(text)
		}
	}
}

// member is where the value of the first member of this name begins, in the object at
// i; the text's length where there is none.
func member(text []byte, i int, name []byte) int {
	i = jsonscan.SkipSpace(text, i+1)
	for i < len(text) && text[i] == '"' {
		end, escaped, err := jsonscan.String(text, i)
		if err != nil {
			break
		}
		key := text[i+1 : end-1]
		if escaped {
			key = jsonscan.AppendUnquoted(nil, text[i:end])
		}
		if i = jsonscan.SkipSpace(text, end); i >= len(text) || text[i] != ':' {
			break
		}
		i = jsonscan.SkipSpace(text, i+1)
		if bytes.Equal(key, name) {
			return i
		}
		if i = following(text, i); i < 0 {
			break
		}
	}
	return len(text)
}

// element is the same of the array at i, for a name that is a number, from 0 on.
func element(text []byte, i int, name []byte) int {
	index, err := strconv.ParseInt(string(name), 10, 32)
	if err != nil || index < 0 {
		return len(text)
	}
	i = jsonscan.SkipSpace(text, i+1)
	for ; i < len(text) && text[i] != ']'; index-- {
		if index == 0 {
			return i
		}
		if i = following(text, i); i < 0 {
			break
		}
	}
	return len(text)
}

// following is where the next member or element begins behind the value at i, -1
// where none does.
func following(text []byte, i int) int {
	n, err := jsonscan.Value(text[i:])
	if err != nil {
		return -1
	}
	if i = jsonscan.SkipSpace(text, i+n); i >= len(text) || text[i] != ',' {
		return -1
	}
	return jsonscan.SkipSpace(text, i+1)
}

// A pathReader reads a path such as $.a["b c"][0] step by step.
type pathReader struct {
	rest  []byte
	index bool // the last step was a number in brackets
	all   bool // it was [*] or .*
}

// CheckPath says what is wrong with a path.
func CheckPath(path string) error {
	_, err := at(nil, []byte(path))
	return err
}

func (p *pathReader) begin() bool {
	p.rest = bytes.TrimSpace(p.rest)
	var ok bool
	p.rest, ok = bytes.CutPrefix(p.rest, []byte("$"))
	return ok
}

// next is the next step's name or number.
func (p *pathReader) next() (name []byte, ok, bad bool) {
	s := p.rest
	p.index, p.all = false, false
	switch {
	case len(s) == 0:
		return nil, false, false
	case s[0] == '.':
		end := bytes.IndexAny(s[1:], ".[")
		if end < 0 {
			end = len(s) - 1
		}
		name, p.rest = s[1:1+end], s[1+end:]
		if p.all = string(name) == "*"; p.all {
			return name, true, false
		}
		return name, true, len(name) == 0 || bytes.ContainsAny(name, " \"\\*()?")
	case len(s) > 2 && s[0] == '[' && (s[1] == '"' || s[1] == '\''):
		end := bytes.Index(s[2:], []byte{s[1], ']'})
		if end < 0 {
			return nil, false, true
		}
		name, p.rest = s[2:2+end], s[2+end+2:]
		return name, true, bytes.ContainsAny(name, "\"\\")
	case s[0] == '[':
		end := bytes.IndexByte(s, ']')
		if end < 2 {
			return nil, false, true
		}
		name, p.rest = s[1:end], s[end+1:]
		if p.all = string(name) == "*"; p.all {
			return name, true, false
		}
		p.index = true
		return name, true, len(bytes.Trim(name, "0123456789")) > 0
	}
	return nil, false, true
}

// jsonParse is json_parse: one value and nothing else, in canonical form.
func jsonParse(dst []byte, args [][]byte) ([]byte, bool, error) {
	n, err := jsonscan.Value(args[0])
	if err != nil || jsonscan.SkipSpace(args[0], n) != len(args[0]) {
		return dst, false, invalid("Cannot convert value to JSON: '%s'", shortened(args[0]))
	}
	return appendValue(dst, args[0][jsonscan.SkipSpace(args[0], 0):n], canonical), false, nil
}

// jsonCanonical is jsonParse of what is JSON already.
func jsonCanonical(dst []byte, args [][]byte) ([]byte, bool, error) { return jsonParse(dst, args) }

// shortened keeps an error readable.
func shortened(b []byte) []byte {
	const most = 100
	if len(b) <= most {
		return b
	}
	n := most
	for n > 0 && !utf8.RuneStart(b[n]) {
		n--
	}
	return append(bytes.Clone(b[:n]), "…"...)
}

// A form says which members of an object are written, and in which order.
type form int

const (
	asWritten form = iota
	lastOnes       // of those of one name the last, in the place of the first
	canonical      // of those of one name the last, by their names
)

// appendValue appends a valid value without white space, numbers as Jackson writes
// them.
func appendValue(dst, value []byte, as form) []byte {
	switch value[0] {
	case '{':
		return appendObject(dst, value, as)
	case '[':
		dst = append(dst, '[')
		for from, end, ok := jsonscan.NextElement(value, 0); ok; from, end, ok = jsonscan.NextElement(value, end) {
			dst = appendValue(separated(dst, '['), value[from:end], as)
		}
		return append(dst, ']')
	case '"':
		return appendString(dst, value)
	case 't', 'f', 'n':
		return append(dst, value...)
	}
	return appendNumber(dst, value)
}

// separated adds the comma between two values.
func separated(dst []byte, open byte) []byte {
	if dst[len(dst)-1] == open {
		return dst
	}
	return append(dst, ',')
}

type namedValue struct{ name, value []byte }

func appendObject(dst, object []byte, as form) []byte {
	var members []namedValue
	if as == lastOnes {
		members = membersOf(object)
	} else {
		for m, ok := jsonscan.NextMember(object, 0); ok; m, ok = jsonscan.NextMember(object, m.End) {
			members = append(members, namedValue{m.Name(object), object[m.Value:m.End]})
		}
	}
	if as == canonical {
		slices.SortStableFunc(members, func(a, b namedValue) int { return compareJava(a.name, b.name) })
		last := members[:0]
		for i, m := range members {
			if i+1 == len(members) || !bytes.Equal(m.name, members[i+1].name) {
				last = append(last, m)
			}
		}
		members = last
	}
	dst = append(dst, '{')
	for i, m := range members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendQuoted(dst, m.name), ':')
		dst = appendValue(dst, m.value, as)
	}
	return append(dst, '}')
}

// compareJava orders texts as Java does, by UTF-16 units.
func compareJava(a, b []byte) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	if n == len(a) || n == len(b) || a[n] < 0xee && b[n] < 0xee {
		return bytes.Compare(a, b)
	}
	// From U+E000 on units are higher than the surrogates of what is higher still.
	high := func(c byte) int {
		switch {
		case c >= 0xf0:
			return 1
		case c >= 0xee:
			return 2
		}
		return 0
	}
	if d := high(a[n]) - high(b[n]); d != 0 {
		return d
	}
	return bytes.Compare(a, b)
}

func appendString(dst, quoted []byte) []byte {
	if bytes.IndexByte(quoted, '\\') < 0 && bytes.IndexFunc(quoted, func(r rune) bool { return r > 0xffff }) < 0 {
		return append(dst, quoted...)
	}
	return appendQuoted(dst, jsonscan.AppendUnquoted(nil, quoted))
}

// appendQuoted writes a text as Jackson does: only what must be escaped is, and what
// takes two of Java's characters.
func appendQuoted(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	dst = append(dst, '"')
	for i, c := range text {
		switch {
		case c >= 0xf0:
			r, _ := utf8.DecodeRune(text[i:])
			high, low := utf16.EncodeRune(r)
			dst = fmt.Appendf(dst, "\\u%04X\\u%04X", high, low)
		case c >= 0x80 && fourth(text, i):
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c >= 0x20:
			dst = append(dst, c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\b':
			dst = append(dst, '\\', 'b')
		case c == '\f':
			dst = append(dst, '\\', 'f')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
	}
	return append(dst, '"')
}

// fourth reports whether the byte at i is within a sequence of four.
func fourth(text []byte, i int) bool {
	for back := 1; back < 4 && i-back >= 0; back++ {
		if c := text[i-back]; utf8.RuneStart(c) {
			return c >= 0xf0 && text[i] < 0xc0
		}
	}
	return false
}

// appendNumber writes a whole number as it is, and another as the double it is.
func appendNumber(dst, number []byte) []byte {
	if !bytes.ContainsAny(number, ".eE") {
		if string(number) == "-0" {
			number = number[1:]
		}
		return append(dst, number...)
	}
	f, err := strconv.ParseFloat(string(number), 64)
	if err != nil && !math.IsInf(f, 0) {
		return append(dst, number...) // not valid after all
	}
	if math.IsInf(f, 0) { // as Jackson has it: a text, since JSON has no such number
		return append(append(append(dst, '"'), AppendDouble(nil, f)...), '"')
	}
	return AppendDouble(dst, f)
}

// AppendDouble writes a double as Java does: 1.0, 1.0E10, 1.5E-4.
func AppendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	}
	abs := math.Abs(f)
	n := len(dst)
	if abs == 0 || abs >= 1e-3 && abs < 1e7 {
		if dst = strconv.AppendFloat(dst, f, 'f', -1, 64); bytes.IndexByte(dst[n:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	text := strconv.AppendFloat(nil, f, 'e', -1, 64)
	digits, exponent, _ := bytes.Cut(text, []byte("e"))
	dst = append(dst, digits...)
	if bytes.IndexByte(digits, '.') < 0 {
		dst = append(dst, ".0"...)
	}
	e, _ := strconv.Atoi(string(exponent))
	return strconv.AppendInt(append(dst, 'E'), int64(e), 10)
}
