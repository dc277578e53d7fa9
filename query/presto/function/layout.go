package function

import (
	"strings"
	"sync"
)

// A field of a date or a time that a pattern reads.
type field uint8

// A piece of a pattern: a field of at most so many digits, or a text that stands
// there as it is.
type piece struct {
	field  field
	digits int
	text   string
}

// A layout is what a pattern reads, in order. Joda's rules: a number has up to its
// digits, names are in any case, what a text does not say is that of 1970-01-01
// 00:00, and the year, where it says a month or a day, 2000.
type layout struct {
	elements []piece
	zoned    bool
}

// MySQLLayout reads a pattern of date_parse; bad is what it cannot.
func MySQLLayout(pattern string) (bad string) {
	_, bad = mysqlLayout(pattern)
	return bad
}

// JodaLayout is MySQLLayout for parse_datetime; zoned reports whether texts bring
// their zones.
func JodaLayout(pattern string) (zoned bool, bad string) {
	l, bad := jodaLayout(pattern)
	return bad == "" && l.zoned, bad
}

var mysqlFields = map[byte][]piece{
	'b': {{field: monthName}}, 'M': {{field: monthName}}, 'c': {{field: month, digits: 2}}, 'm': {{field: month, digits: 2}},
	'd': {{field: dayOfMonth, digits: 2}}, 'e': {{field: dayOfMonth, digits: 2}}, 'j': {{field: dayOfYear, digits: 3}},
	'a': {{field: dayName}}, 'W': {{field: dayName}}, 'f': {{field: fraction, digits: 9}}, 'H': {{field: hour, digits: 2}}, 'k': {{field: hour, digits: 2}},
	'h': {{field: hourOfHalf, digits: 2}}, 'I': {{field: hourOfHalf, digits: 2}}, 'l': {{field: hourOfHalf, digits: 2}}, 'p': {{field: halfName}},
	'i': {{field: minute, digits: 2}}, 'S': {{field: second, digits: 2}}, 's': {{field: second, digits: 2}},
	'Y': {{field: year, digits: 4}}, 'y': {{field: twoDigitYear, digits: 2}}, '%': {{text: "%"}},
	'T': {{field: hour, digits: 2}, {text: ":"}, {field: minute, digits: 2}, {text: ":"}, {field: second, digits: 2}},
	'r': {{field: hourOfHalf, digits: 2}, {text: ":"}, {field: minute, digits: 2}, {text: ":"}, {field: second, digits: 2}, {text: " "}, {field: halfName}},
}

func mysqlLayout(p string) (l *layout, bad string) {
	l = &layout{}
	for i := 0; i < len(p); i++ {
		if p[i] != '%' {
			l.elements = append(l.elements, piece{text: p[i : i+1]})
			continue
		}
		if i++; i >= len(p) {
			return nil, "the % at the end"
		}
		es, ok := mysqlFields[p[i]]
		if !ok && strings.IndexByte("DUuVwXvx", p[i]) >= 0 {
			return nil, "%" + p[i:i+1]
		} else if !ok {
			es = []piece{{text: p[i : i+1]}}
		}
		l.elements = append(l.elements, es...)
	}
	return l, ""
}

var jodaFields = map[byte]piece{
	'y': {field: year, digits: 9}, 'Y': {field: year, digits: 9}, 'M': {field: month, digits: 2}, 'd': {field: dayOfMonth, digits: 2}, 'D': {field: dayOfYear, digits: 3},
	'E': {field: dayName}, 'a': {field: halfName}, 'H': {field: hour, digits: 2}, 'h': {field: hourOfHalf, digits: 2}, 'm': {field: minute, digits: 2}, 's': {field: second, digits: 2},
}

func jodaLayout(p string) (l *layout, bad string) {
	l = &layout{}
	for i := 0; i < len(p); {
		c, from := p[i], i
		if c == '\'' {
			text, end, ok := jodaQuoted(p, i)
			if !ok {
				return nil, "the quote that does not end"
			}
			l.elements, i = append(l.elements, piece{text: text}), end
			continue
		}
		if c|0x20 < 'a' || c|0x20 > 'z' {
			l.elements, i = append(l.elements, piece{text: p[i : i+1]}), i+1
			continue
		}
		for i < len(p) && p[i] == c {
			i++
		}
		n := i - from
		e, ok := jodaFields[c]
		switch {
		case c == 'M' && n > 2:
			e = piece{field: monthName}
		case (c == 'y' || c == 'Y') && n == 2:
			return nil, p[from:i] // whose century depends on the day of the query
		case (c == 'y' || c == 'Y') && i < len(p) && strings.IndexByte("yYMdDHhmsS", p[i]) >= 0 && !(p[i] == 'M' && strings.HasPrefix(p[i:], "MMM")):
			e.digits = n // another number follows at once
		case c == 'S' && n <= 9:
			e = piece{field: fraction, digits: n}
		case c == 'Z' && n <= 2:
			e, l.zoned = piece{field: offset}, true
		case c == 'Z' && n == 3:
			e, l.zoned = piece{field: zoneID}, true
		case !ok:
			return nil, p[from:i]
		}
		l.elements = append(l.elements, e)
	}
	return l, ""
}

// jodaQuoted is the text in quotes at i, and its end.
func jodaQuoted(p string, i int) (text string, end int, ok bool) {
	for j := i + 1; j < len(p); j++ {
		if p[j] != '\'' {
			continue
		}
		if j+1 < len(p) && p[j+1] == '\'' && j > i+1 {
			j++
			continue
		}
		if j == i+1 {
			return "'", j + 1, true
		}
		return strings.ReplaceAll(p[i+1:j], "''", "'"), j + 1, true
	}
	return "", 0, false
}

// layouts are those of the patterns that were met.
var layouts struct {
	mu    sync.Mutex // guards known
	known map[string]*layout
}

func layoutOf(kind string, pattern []byte, read func(string) (*layout, string)) (*layout, error) {
	layouts.mu.Lock()
	defer layouts.mu.Unlock()
	key := kind + string(pattern)
	if l := layouts.known[key]; l != nil {
		return l, nil
	}
	l, bad := read(string(pattern))
	if bad != "" {
		return nil, invalid("%s of the pattern %s is not supported", bad, shortened(pattern))
	}
	if layouts.known == nil || len(layouts.known) >= maxPatterns {
		layouts.known = make(map[string]*layout)
	}
	layouts.known[key] = l
	return l, nil
}
