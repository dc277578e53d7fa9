package partitioner

import (
	"bytes"
	"math"
	"strconv"
)

// The seconds since the epoch of the first and the last second that four digits
// of a year can name.
const (
	minSecond = -62135596800 // 0001-01-01T00:00:00Z
	maxSecond = 253402300799 // 9999-12-31T23:59:59Z
)

// The magnitudes at which a count from the epoch changes its unit.
const (
	firstMilli = 1e11
	firstMicro = 1e14
	firstNano  = 1e17
)

const secondsADay = 24 * 60 * 60

// A moment is a point in time to the second. date is set where the source had
// no time of day; ok is false where it had no point in time at all.
type moment struct {
	second int64
	date   bool
	ok     bool
}

func momentAt(second int64) moment {
	return moment{second: second, ok: minSecond <= second && second <= maxSecond}
}

// parseMoment reads the text of a JSON number or the decoded text of a string.
func parseMoment(b []byte) moment {
	if len(b) >= len("2006-01-02") && b[4] == '-' {
		return parseRFC3339(b)
	}
	return parseEpoch(b)
}

// parseEpoch reads a count from the epoch, by the grammar of a JSON number.
func parseEpoch(b []byte) moment {
	digits, negative := b, false
	if len(b) > 0 && b[0] == '-' {
		digits, negative = b[1:], true
	}
	var v int64
	n := 0
	for ; n < len(digits) && '0' <= digits[n] && digits[n] <= '9'; n++ {
		if n == 19 {
			return moment{} // no unit makes it a year we can write
		}
		v = v*10 + int64(digits[n]-'0')
	}
	if n == 0 || (n > 1 && digits[0] == '0') || v < 0 {
		return moment{}
	}
	fraction := false
	if n < len(digits) {
		var exponent, ok bool
		fraction, exponent, ok = parseTail(digits[n:])
		if !ok {
			return moment{}
		}
		if exponent {
			return parseExponent(b)
		}
	}
	return momentAt(secondsOf(v, negative, fraction))
}

// parseTail checks what follows a number's integer digits. fraction says that
// it has a part after the point that is not zero.
func parseTail(b []byte) (fraction, exponent, ok bool) {
	if b[0] == '.' {
		n := 1
		for ; n < len(b) && '0' <= b[n] && b[n] <= '9'; n++ {
			fraction = fraction || b[n] != '0'
		}
		if n == 1 {
			return false, false, false
		}
		if b = b[n:]; len(b) == 0 {
			return fraction, false, true
		}
	}
	if b[0] != 'e' && b[0] != 'E' {
		return false, false, false
	}
	b = b[1:]
	if len(b) > 0 && (b[0] == '+' || b[0] == '-') {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || '9' < c {
			return false, false, false
		}
	}
	return fraction, true, len(b) > 0
}

// parseExponent takes the slow way for 1.7e9 and its like.
func parseExponent(b []byte) moment {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || math.Abs(f) >= math.MaxInt64 {
		return moment{}
	}
	whole := math.Trunc(f)
	return momentAt(secondsOf(int64(math.Abs(whole)), f < 0, whole != f))
}

// secondsOf is the second in which lies the instant ±v (and a fraction, further
// from zero), v in the unit that its magnitude says.
func secondsOf(v int64, negative, fraction bool) int64 {
	second, rest := v, int64(0)
	switch { // constant divisors: the compiler multiplies
	case v < firstMilli:
	case v < firstMicro:
		second, rest = v/1e3, v%1e3
	case v < firstNano:
		second, rest = v/1e6, v%1e6
	default:
		second, rest = v/1e9, v%1e9
	}
	if !negative {
		return second
	}
	if fraction || rest != 0 {
		second++
	}
	return -second
}

// unitOf is how many of the unit that v's magnitude says make a second, and the
// magnitudes from and to which that is so.
func unitOf(v int64) (scale, from, to int64) {
	switch {
	case v < firstMilli:
		return 1, 0, firstMilli
	case v < firstMicro:
		return 1e3, firstMilli, firstMicro
	case v < firstNano:
		return 1e6, firstMicro, firstNano
	}
	return 1e9, firstNano, math.MaxInt64
}

// parseRFC3339 reads a full-date, or a date-time as RFC 3339 section 5.6 has it.
func parseRFC3339(b []byte) moment {
	year, ok1 := number(b, 0, 4)
	month, ok2 := number(b, 5, 2)
	day, ok3 := number(b, 8, 2)
	if !ok1 || !ok2 || !ok3 || b[7] != '-' || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return moment{}
	}
	second := daysFromCivil(year, month, day) * secondsADay
	if len(b) == len("2006-01-02") {
		m := momentAt(second)
		m.date = true
		return m
	}
	if len(b) < len("2006-01-02T15:04:05Z") || (b[10] != 'T' && b[10] != 't' && b[10] != ' ') || b[13] != ':' || b[16] != ':' {
		return moment{}
	}
	hour, ok1 := number(b, 11, 2)
	minute, ok2 := number(b, 14, 2)
	sec, ok3 := number(b, 17, 2)
	if !ok1 || !ok2 || !ok3 || hour > 23 || minute > 59 || sec > 60 {
		return moment{}
	}
	offset, ok := parseOffset(b[19:])
	if !ok {
		return moment{}
	}
	return momentAt(second + hour*3600 + minute*60 + min(sec, 59) - offset)
}

// parseOffset reads what follows the seconds: an optional fraction, then Z or an
// offset, which is answered in seconds east.
func parseOffset(b []byte) (seconds int64, ok bool) {
	if b[0] == '.' {
		n := 1
		for n < len(b) && '0' <= b[n] && b[n] <= '9' {
			n++
		}
		if n == 1 {
			return 0, false
		}
		b = b[n:]
	}
	if len(b) == 1 {
		return 0, b[0] == 'Z' || b[0] == 'z'
	}
	if len(b) != len("+00:00") || (b[0] != '+' && b[0] != '-') || b[3] != ':' {
		return 0, false
	}
	hours, ok1 := number(b, 1, 2)
	minutes, ok2 := number(b, 4, 2)
	if !ok1 || !ok2 || hours > 23 || minutes > 59 {
		return 0, false
	}
	seconds = hours*3600 + minutes*60
	if b[0] == '-' {
		seconds = -seconds
	}
	return seconds, true
}

// number reads n decimal digits at i.
func number(b []byte, i, n int) (v int64, ok bool) {
	for _, c := range b[i : i+n] {
		if c -= '0'; c > 9 {
			return 0, false
		}
		v = v*10 + int64(c)
	}
	return v, true
}

func daysIn(year, month int64) int64 {
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

// daysFromCivil and civilFromDays are Howard Hinnant's date algorithms
// (chrono-compatible low-level date algorithms), for days since 1970-01-01 in
// the proleptic Gregorian calendar, here for years from 0 only.
func daysFromCivil(year, month, day int64) int64 {
	if month <= 2 {
		year--
		month += 12
	}
	era := floorDiv(year, 400)
	yearOfEra := year - era*400
	dayOfYear := (153*(month-3)+2)/5 + day - 1
	return era*146097 + yearOfEra*365 + yearOfEra/4 - yearOfEra/100 + dayOfYear - 719468
}

func civilFromDays(days int64) (year, month, day int64) {
	days += 719468
	era := floorDiv(days, 146097)
	dayOfEra := days - era*146097
	yearOfEra := (dayOfEra - dayOfEra/1460 + dayOfEra/36524 - dayOfEra/146096) / 365
	dayOfYear := dayOfEra - (365*yearOfEra + yearOfEra/4 - yearOfEra/100)
	m := (5*dayOfYear + 2) / 153
	year, month, day = era*400+yearOfEra, m+3, dayOfYear-(153*m+2)/5+1
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// unquoted is the text between a JSON string's quotes where it has no escape.
func unquoted(token []byte) (text []byte, plain bool) {
	text = token[1 : len(token)-1]
	return text, bytes.IndexByte(text, '\\') < 0
}
