package partitioner

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A timeField is one field of a pattern: a letter and how often it stands.
type timeField struct {
	letter byte
	count  int
}

// A patternPart is a field, or where its letter is 0 plain text.
type patternPart struct {
	timeField
	text string
}

// timeLetters are the letters of Java's DateTimeFormatter that are understood, each
// with the most that it may be repeated.
var timeLetters = map[byte]int{
	'y': 9, 'u': 9, 'M': 5, 'L': 5, 'Q': 2, 'q': 2, 'd': 2, 'D': 3, 'E': 5, 'a': 1, 'H': 2, 'k': 2, 'K': 2, 'h': 2,
	'm': 2, 's': 2, 'S': 9, 'A': 9, 'n': 9, 'X': 3, 'x': 3, 'Z': 3,
}

const wantPattern = "a pattern of Java's DateTimeFormatter with the letters y u M L Q q d D E a H k K h m s S A n X x Z, such as yyyy-MM-dd; text that has letters stands in single quotes"

// parsePattern reads a pattern of Java's DateTimeFormatter.
func parsePattern(s string) (parts []patternPart, err error) {
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			n := 1
			for i+n < len(s) && s[i+n] == c {
				n++
			}
			most, ok := timeLetters[c]
			if !ok || n > most {
				return nil, fmt.Errorf("%q in the pattern %q: want %s", s[i:i+n], s, wantPattern)
			}
			parts = append(parts, patternPart{timeField: timeField{c, n}})
			i += n
		case c == '\'':
			text, n, err := quotedText(s[i:])
			if err != nil {
				return nil, fmt.Errorf("the pattern %q: %w", s, err)
			}
			parts = append(parts, patternPart{text: text})
			i += n
		case strings.IndexByte("#{}[]", c) >= 0:
			return nil, fmt.Errorf("%q in the pattern %q is reserved: want %s", c, s, wantPattern)
		default:
			parts = append(parts, patternPart{text: s[i : i+1]})
			i++
		}
	}
	if len(parts) == 0 {
		return nil, fmt.Errorf("an empty pattern: want %s", wantPattern)
	}
	return parts, nil
}

// quotedText reads text in single quotes, a quote in it doubled; two alone are a
// quote.
func quotedText(s string) (text string, n int, err error) {
	if strings.HasPrefix(s, "''") {
		return "'", 2, nil
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] != '\'':
			b.WriteByte(s[i])
		case i+1 < len(s) && s[i+1] == '\'':
			b.WriteByte('\'')
			i++
		default:
			return b.String(), i + 1, nil
		}
	}
	return "", 0, fmt.Errorf("no closing quote")
}

// appendTo appends the field's text as Java has it, in English.
func (f timeField) appendTo(dst []byte, t time.Time) []byte {
	switch f.letter {
	case 'y', 'u':
		if f.count == 2 {
			return appendPadded(dst, t.Year()%100, 2)
		}
		return appendPadded(dst, t.Year(), f.count)
	case 'M', 'L':
		return f.appendName(dst, t.Month().String(), int(t.Month()))
	case 'Q', 'q':
		return appendPadded(dst, (int(t.Month())+2)/3, f.count)
	case 'd':
		return appendPadded(dst, t.Day(), f.count)
	case 'D':
		return appendPadded(dst, t.YearDay(), f.count)
	case 'E':
		return timeField{count: max(f.count, 3)}.appendName(dst, t.Weekday().String(), 0)
	case 'a':
		return t.AppendFormat(dst, "PM")
	case 'X', 'x', 'Z':
		return f.appendOffset(dst, t)
	case 'S':
		return append(dst, fmt.Sprintf("%09d", t.Nanosecond())[:f.count]...)
	}
	return appendPadded(dst, f.clock(t), f.count)
}

// clock is the number that a field of the time of day has.
func (f timeField) clock(t time.Time) int {
	hour := t.Hour()
	switch f.letter {
	case 'H':
		return hour
	case 'k':
		return (hour+23)%24 + 1
	case 'K':
		return hour % 12
	case 'h':
		return (hour+11)%12 + 1
	case 'm':
		return t.Minute()
	case 's':
		return t.Second()
	case 'n':
		return t.Nanosecond()
	}
	return ((hour*60+t.Minute())*60+t.Second())*1000 + t.Nanosecond()/1e6 // A
}

// appendName appends a number, or from three letters on a name: short, full, or its
// first letter.
func (f timeField) appendName(dst []byte, name string, number int) []byte {
	switch f.count {
	case 1, 2:
		return appendPadded(dst, number, f.count)
	case 3:
		return append(dst, name[:3]...)
	case 4:
		return append(dst, name...)
	}
	return append(dst, name[0])
}

// appendOffset appends the zone's offset: X has Z for none, x and Z have zeros.
func (f timeField) appendOffset(dst []byte, t time.Time) []byte {
	layouts := [...]string{"Z07", "Z0700", "Z07:00"}
	if f.letter != 'X' {
		layouts = [...]string{"-07", "-0700", "-07:00"}
	}
	if f.letter == 'Z' {
		return t.AppendFormat(dst, "-0700")
	}
	_, offset := t.Zone()
	if f.count == 1 && offset%3600 != 0 {
		return t.AppendFormat(dst, layouts[1])
	}
	return t.AppendFormat(dst, layouts[f.count-1])
}

func appendPadded(dst []byte, v, width int) []byte {
	var b [20]byte
	digits := strconv.AppendInt(b[:0], int64(v), 10)
	for n := len(digits); n < width; n++ {
		dst = append(dst, '0')
	}
	return append(dst, digits...)
}
