package otlp

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"time"
	"unicode/utf8"
)

// Why a record is rejected; the client is told.
var (
	errUTF8 = errors.New("a string is not valid UTF-8")
	errDeep = errors.New("a value is nested deeper than 64")
)

// maxNesting is how deep values may nest.
const maxNesting = 64

const hexDigits = "0123456789abcdef"

// appendQuoted appends text as a JSON string.
func appendQuoted(dst, text []byte) ([]byte, error) {
	if !utf8.Valid(text) {
		return dst, errUTF8
	}
	dst = append(dst, '"')
	return append(appendEscaped(dst, text), '"'), nil
}

// appendEscaped appends valid UTF-8 as what stands between the quotes of a string.
func appendEscaped(dst, text []byte) []byte {
	from := 0
	for i, c := range text {
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\t':
			dst = append(dst, `\t`...)
		case '\r':
			dst = append(dst, `\r`...)
		default:
			dst = append(dst, `\u00`...)
			dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(dst, text[from:]...)
}

// quoteFrom makes the JSON value that dst ends with, from offset from on, into a
// string that holds its text.
func quoteFrom(dst []byte, from int) []byte {
	value := append([]byte(nil), dst[from:]...)
	dst = append(dst[:from], '"')
	return append(appendEscaped(dst, value), '"')
}

func appendHex(dst, id []byte) []byte {
	dst = append(dst, '"')
	for _, c := range id {
		dst = append(dst, hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, '"')
}

// none reports whether an id is missing: empty, or all zero, which is not valid.
func none(id []byte) bool {
	for _, c := range id {
		if c != 0 {
			return false
		}
	}
	return true
}

// appendTime appends a time, given in nanoseconds since 1970, in RFC 3339 to the
// microsecond, which is what a timestamp column holds.
func appendTime(dst []byte, nanos uint64) []byte {
	t := time.Unix(int64(nanos/1e9), int64(nanos%1e9)).UTC()
	return t.AppendFormat(dst, `"2006-01-02T15:04:05.000000Z"`)
}

// appendDouble appends a number; JSON has no others than finite ones, which become
// strings.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	return strconv.AppendFloat(dst, f, 'g', -1, 64)
}

func appendBase64(dst, b []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}
