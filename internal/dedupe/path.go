package dedupe

import (
	"bytes"

	"sluice/internal/jsonscan"
)

// find is the token at the path in a valid object, nil if there is none. Where an
// object has a member twice the first counts. scratch is memory to use.
func find(object []byte, path [][]byte, scratch []byte) (token, _ []byte) {
	i := jsonscan.SkipSpace(object, 0) + 1 // past the brace
	for {
		i = jsonscan.SkipSpace(object, i)
		if i >= len(object) || object[i] != '"' {
			return nil, scratch // the end
		}
		end, escaped, err := jsonscan.String(object, i)
		if err != nil {
			return nil, scratch
		}
		name := object[i+1 : end-1]
		if escaped {
			scratch = jsonscan.AppendUnquoted(scratch[:0], object[i:end])
			name = scratch
		}
		i = jsonscan.SkipSpace(object, jsonscan.SkipSpace(object, end)+1) // past the colon
		if i >= len(object) {
			return nil, scratch
		}
		if bytes.Equal(name, path[0]) {
			if len(path) == 1 {
				return object[i:skipValue(object, i)], scratch
			}
			if object[i] != '{' {
				return nil, scratch
			}
			path = path[1:]
			i++
			continue
		}
		i = jsonscan.SkipSpace(object, skipValue(object, i))
		if i >= len(object) || object[i] != ',' {
			return nil, scratch
		}
		i++
	}
}

// skipValue is the end of the value at i of a valid document.
func skipValue(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			end, _, err := jsonscan.String(data, i)
			if err != nil {
				return len(data)
			}
			i = end
		case '{', '[':
			depth++
			i++
			continue
		case '}', ']':
			depth--
			i++
		case ',', ':', ' ', '\t', '\n', '\r':
			i++
			continue
		default:
			for i < len(data) && !ends(data[i]) {
				i++
			}
		}
		if depth <= 0 {
			return i
		}
	}
	return i
}

// ends reports whether c ends a number or a literal.
func ends(c byte) bool {
	switch c {
	case ',', '}', ']', ' ', '\t', '\n', '\r':
		return true
	}
	return false
}
