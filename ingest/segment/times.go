package segment

import "time"

// parseTime reads an ISO 8601 time in the extended form, as SDKs write it: a date,
// a time to the minute or finer, Z, an offset or neither (UTC). It returns
// microseconds since 1970; what is finer is left out. text is without quotes.
func parseTime(text []byte) (micros int64, ok bool) {
	p := timeParser{text: text, ok: true}
	year, month, day := p.number(4), 0, 0
	p.expect('-')
	month = p.number(2)
	p.expect('-')
	day = p.number(2)
	if !p.ok || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	days := daysSince1970(year, month, day)
	if len(p.text) == 0 {
		return days * 86400e6, true
	}
	if c := p.text[0]; c != 'T' && c != 't' && c != ' ' {
		return 0, false
	}
	p.text = p.text[1:]
	hour := p.number(2)
	p.expect(':')
	minute, second := p.number(2), 0
	if p.has(':') {
		second = p.number(2)
		if p.has('.') || p.has(',') {
			micros = p.fraction()
		}
	}
	offset := p.offset()
	if !p.ok || len(p.text) > 0 || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	seconds := days*86400 + int64(hour*3600+minute*60+min(second, 59)) - offset // a leap second is the last one of its minute
	return seconds*1e6 + micros, true
}

// A timeParser takes pieces off the front of text until one does not fit.
type timeParser struct {
	text []byte
	ok   bool
}

func (p *timeParser) number(digits int) (n int) {
	if len(p.text) < digits {
		p.ok = false
		return 0
	}
	for _, c := range p.text[:digits] {
		if c < '0' || c > '9' {
			p.ok = false
			return 0
		}
		n = n*10 + int(c-'0')
	}
	p.text = p.text[digits:]
	return n
}

func (p *timeParser) has(c byte) bool {
	if len(p.text) == 0 || p.text[0] != c {
		return false
	}
	p.text = p.text[1:]
	return true
}

func (p *timeParser) expect(c byte) {
	if !p.has(c) {
		p.ok = false
	}
}

// fraction is what follows the decimal point, in microseconds.
func (p *timeParser) fraction() (micros int64) {
	scale, n := int64(1e5), 0
	for ; n < len(p.text) && '0' <= p.text[n] && p.text[n] <= '9'; n++ {
		micros += scale * int64(p.text[n]-'0')
		scale /= 10
	}
	p.ok = p.ok && n > 0
	p.text = p.text[n:]
	return micros
}

// offset is the zone's distance from UTC in seconds.
func (p *timeParser) offset() int64 {
	if len(p.text) == 0 || p.has('Z') || p.has('z') {
		return 0
	}
	sign := int64(1)
	if !p.has('+') {
		p.expect('-')
		sign = -1
	}
	hours, minutes := p.number(2), 0
	if len(p.text) > 0 {
		p.has(':')
		minutes = p.number(2)
	}
	p.ok = p.ok && hours < 24 && minutes < 60
	return sign * int64(hours*3600+minutes*60)
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// daysSince1970 counts in years that begin in March, so that a leap day ends one.
func daysSince1970(year, month, day int) int64 {
	if month < 3 {
		year--
		month += 12
	}
	return int64(365*year+floorDiv(year, 4)-floorDiv(year, 100)+floorDiv(year, 400)+(153*(month-3)+2)/5+day-1) - 719468
}

func floorDiv(a, b int) int {
	if a < 0 {
		a -= b - 1
	}
	return a / b
}

// The years that RFC 3339 can write.
var (
	earliest = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
)

// appendTime appends a time in RFC 3339, UTC, with three digits of a second, or six
// where it has more.
func appendTime(dst []byte, micros int64) []byte {
	t := time.UnixMicro(micros).UTC()
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	dst = appendDigits(dst, year, 4)
	dst = appendDigits(append(dst, '-'), int(month), 2)
	dst = appendDigits(append(dst, '-'), day, 2)
	dst = appendDigits(append(dst, 'T'), hour, 2)
	dst = appendDigits(append(dst, ':'), minute, 2)
	dst = appendDigits(append(dst, ':'), second, 2)
	if fraction := t.Nanosecond() / 1000; fraction%1000 == 0 {
		dst = appendDigits(append(dst, '.'), fraction/1000, 3)
	} else {
		dst = appendDigits(append(dst, '.'), fraction, 6)
	}
	return append(dst, 'Z')
}

func appendDigits(dst []byte, n, digits int) []byte {
	dst = append(dst, "000000"[:digits]...)
	for i := len(dst) - 1; n > 0; i-- {
		dst[i] = byte('0' + n%10)
		n /= 10
	}
	return dst
}
