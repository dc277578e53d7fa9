package jsonscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUnquoted appends the text of a valid JSON string, given with its quotes.
// A lone surrogate, which no UTF-8 text can hold, becomes U+FFFD.
func AppendUnquoted(dst, quoted []byte) []byte {
	s := quoted[1 : len(quoted)-1]
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 {
			return append(dst, s...)
		}
		dst = append(dst, s[:i]...)
		switch c := s[i+1]; c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := hex4(s[i+2:])
			i += 4
			if utf16.IsSurrogate(r) {
				if low := followingEscape(s[i+2:]); utf16.DecodeRune(r, low) != utf8.RuneError {
					r = utf16.DecodeRune(r, low)
					i += 6
				} else {
					r = utf8.RuneError
				}
			}
			dst = utf8.AppendRune(dst, r)
		default: // a quote, a backslash or a slash stands for itself
			dst = append(dst, c)
		}
		s = s[i+2:]
	}
}

func hex4(s []byte) rune {
	return unhex(s[0])<<12 | unhex(s[1])<<8 | unhex(s[2])<<4 | unhex(s[3])
}

// followingEscape is the code unit of a \uXXXX that s begins with, or 0.
func followingEscape(s []byte) rune {
	if len(s) >= 6 && s[0] == '\\' && s[1] == 'u' {
		return hex4(s[2:])
	}
	return 0
}

// AppendCompact appends a valid value without its insignificant white space;
// nothing else of it changes.
func AppendCompact(dst, value []byte) []byte {
	for i := 0; i < len(value); {
		switch c := value[i]; c {
		case ' ', '\t', '\r', '\n':
			i++
		case '"':
			end, _, err := String(value, i)
			if err != nil { // not valid after all: pass the rest on as it is
				return append(dst, value[i:]...)
			}
			dst = append(dst, value[i:end]...)
			i = end
		default:
			dst = append(dst, c)
			i++
		}
	}
	return dst
}
