package function

import (
	"bytes"
	"regexp"
	"strconv"
	"strings"
	"time"
)

const (
	literalText field = iota
	year
	twoDigitYear
	month
	monthName
	dayOfMonth
	dayOfYear
	dayName
	hour       // 0 to 23
	hourOfHalf // 1 to 12, with a half of the day
	halfName   // AM or PM
	minute
	second
	fraction
	offset // Z, +02:00 or +0200
	zoneID // Europe/Berlin
)

// read are the fields of a text.
type read struct {
	has    [zoneID + 1]bool
	value  [zoneID + 1]int
	nanos  int
	offset int // seconds
	zone   string
}

var (
	monthNames = namesOf(12, func(i int) string { return time.Month(i + 1).String() })
	dayNames   = namesOf(7, func(i int) string { return time.Weekday((i + 1) % 7).String() })
)

func namesOf(n int, name func(int) string) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strings.ToLower(name(i))
	}
	return out
}

// parse reads a text by the layout. The answer's location is the text's zone.
func (l *layout) parse(text []byte) (time.Time, error) {
	r, s := &read{}, text
	for _, e := range l.elements {
		n := e.read(s, r)
		if n < 0 {
			return time.Time{}, invalid(`Invalid format: "%s"%s`, shortened(text), malformed(text, s))
		}
		s = s[n:]
	}
	if len(s) > 0 {
		return time.Time{}, invalid(`Invalid format: "%s"%s`, shortened(text), malformed(text, s))
	}
	return r.time(text)
}

func malformed(text, rest []byte) string {
	if len(rest) == len(text) || len(rest) == 0 {
		return ""
	}
	return ` is malformed at "` + string(shortened(rest)) + `"`
}

// read notes what the piece reads of a text, and returns how long that is; -1 where
// the text is another.
func (e piece) read(s []byte, r *read) int {
	n, v := 0, 0
	switch e.field {
	case literalText:
		if len(s) < len(e.text) || !strings.EqualFold(string(s[:len(e.text)]), e.text) {
			return -1
		}
		return len(e.text)
	case monthName, dayName:
		names := monthNames
		if e.field == dayName {
			names = dayNames
		}
		v, n = longestName(s, names)
	case halfName:
		if v, n = longestName(s, []string{"am", "pm"}); n > 0 {
			v--
		}
	case offset, zoneID:
		return e.readZone(s, r)
	case fraction:
		for n < len(s) && n < e.digits && s[n]-'0' <= 9 {
			n++
		}
		if n > 0 {
			r.nanos, _ = strconv.Atoi((string(s[:n]) + "000000000")[:9])
		}
	case twoDigitYear:
		if len(s) < 2 || s[0]-'0' > 9 || s[1]-'0' > 9 {
			return -1
		}
		n, v = 2, 2000+10*int(s[0]-'0')+int(s[1]-'0')
		if v > 2069 {
			v -= 100
		}
	default:
		for n < len(s) && n < e.digits && s[n]-'0' <= 9 {
			v = 10*v + int(s[n]-'0')
			n++
		}
	}
	if n == 0 {
		return -1
	}
	f := e.field
	switch f {
	case monthName:
		f = month
	case twoDigitYear:
		f = year
	}
	r.has[f], r.value[f] = true, v
	return n
}

// longestName is the number, from 1 on, of the name that the text begins with, whole or
// its first three letters, and how long it stands there.
func longestName(s []byte, names []string) (v, n int) {
	for i, name := range names {
		for _, form := range []string{name, name[:min(3, len(name))]} {
			if len(form) > n && len(s) >= len(form) && strings.EqualFold(string(s[:len(form)]), form) {
				v, n = i+1, len(form)
			}
		}
	}
	return v, n
}

var offsetText = regexp.MustCompile(`^([+-])(\d\d)(?::?(\d\d))?`)

func (e piece) readZone(s []byte, r *read) int {
	if len(s) > 0 && s[0] == 'Z' {
		r.zone = "UTC"
		return 1
	}
	if m := offsetText.FindSubmatch(s); m != nil {
		hours, _ := strconv.Atoi(string(m[2]))
		minutes, _ := strconv.Atoi("0" + string(m[3]))
		if minutes > 59 || 60*hours+minutes > 14*60 {
			return -1
		}
		r.offset = 3600*hours + 60*minutes
		if m[1][0] == '-' {
			r.offset = -r.offset
		}
		r.zone = offsetName(r.offset)
		return len(m[0])
	}
	if e.field != zoneID {
		return -1
	}
	n := 0
	for n < len(s) && (s[n] == '/' || s[n] == '_' || s[n] == '-' || s[n] == '+' || 'a' <= s[n]|0x20 && s[n]|0x20 <= 'z' || n > 0 && s[n]-'0' <= 9) {
		n++
	}
	if n == 0 {
		return -1
	}
	r.zone = string(s[:n])
	return n
}

func offsetName(seconds int) string {
	if seconds == 0 {
		return "UTC"
	}
	return time.Unix(0, 0).In(time.FixedZone("", seconds)).Format("-07:00")
}

// time is what the fields say.
func (r *read) time(text []byte) (time.Time, error) {
	bad := func(value int, name string, least, most int) (time.Time, error) {
		return time.Time{}, invalid(`Cannot parse "%s": Value %d for %s must be in the range [%d,%d]`, shortened(text), value, name, least, most)
	}
	y, m, d := 1970, 1, 1
	if r.has[month] || r.has[dayOfMonth] || r.has[dayOfYear] || r.has[dayName] {
		y = 2000
	}
	if r.has[year] {
		y = r.value[year]
	}
	if r.has[month] {
		m = r.value[month]
	}
	if m < 1 || m > 12 {
		return bad(m, "monthOfYear", 1, 12)
	}
	if r.has[dayOfMonth] {
		d = r.value[dayOfMonth]
	}
	if last := time.Date(y, time.Month(m)+1, 0, 0, 0, 0, 0, time.UTC).Day(); d < 1 || d > last {
		return bad(d, "dayOfMonth", 1, last)
	}
	if r.has[dayOfYear] {
		if last := time.Date(y, 12, 31, 0, 0, 0, 0, time.UTC).YearDay(); r.value[dayOfYear] < 1 || r.value[dayOfYear] > last {
			return bad(r.value[dayOfYear], "dayOfYear", 1, last)
		}
		m, d = 1, r.value[dayOfYear]
	}
	h := r.value[hour]
	if h > 23 {
		return bad(h, "hourOfDay", 0, 23)
	}
	if r.has[hourOfHalf] {
		if h = r.value[hourOfHalf]; h < 1 || h > 12 {
			return bad(h, "clockhourOfHalfday", 1, 12)
		}
		h %= 12
	}
	if r.has[halfName] {
		h = h%12 + 12*r.value[halfName]
	}
	if r.value[minute] > 59 {
		return bad(r.value[minute], "minuteOfHour", 0, 59)
	}
	if r.value[second] > 59 {
		return bad(r.value[second], "secondOfMinute", 0, 59)
	}
	t := time.Date(y, time.Month(m), d, h, r.value[minute], r.value[second], r.nanos/1e6*1e6, time.UTC)
	if r.has[dayName] { // the day of that name in the week
		t = t.AddDate(0, 0, r.value[dayName]-((int(t.Weekday())+6)%7+1))
	}
	return r.inZone(t, text)
}

// inZone is a time on the wall of the zone that the text brought.
func (r *read) inZone(t time.Time, text []byte) (time.Time, error) {
	if r.zone == "" || r.zone == "UTC" {
		return t, nil
	}
	location := time.FixedZone(r.zone, r.offset)
	if r.offset == 0 {
		var err error
		if location, err = time.LoadLocation(r.zone); err != nil || !strings.Contains(r.zone, "/") {
			return time.Time{}, invalid(`Invalid format: "%s": there is no time zone %s`, shortened(text), r.zone)
		}
	}
	there, ok := OnWall(t, location)
	if !ok {
		return time.Time{}, invalid(`Cannot parse "%s": Illegal instant due to time zone offset transition (%s)`, shortened(text), r.zone)
	}
	return there, nil
}

// OnWall is the instant at which a time, given in UTC, is on the wall of a place: the
// first of two, as in Joda, where a clock is set back; ok is false where it is put
// forward over the time.
func OnWall(wall time.Time, location *time.Location) (t time.Time, ok bool) {
	t = time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), location)
	if t.Format(time.DateTime) != wall.Format(time.DateTime) {
		return t, false
	}
	for _, back := range []time.Duration{3 * time.Hour, 2 * time.Hour, time.Hour, 30 * time.Minute, 20 * time.Minute} {
		if earlier := t.Add(-back); earlier.Format(time.DateTime) == t.Format(time.DateTime) {
			return earlier, true
		}
	}
	return t, true
}

// appendInstant is a time as DuckDB reads it, in UTC.
func appendInstant(dst []byte, t time.Time, err error) ([]byte, bool, error) {
	if err != nil {
		return dst, false, err
	}
	return t.UTC().AppendFormat(dst, "2006-01-02 15:04:05.000"), false, nil
}

func appendZone(dst []byte, t time.Time, err error) ([]byte, bool, error) {
	if err != nil {
		return dst, false, err
	}
	return append(dst, t.Location().String()...), false, nil
}

func dateParse(dst []byte, args [][]byte) ([]byte, bool, error) {
	l, err := layoutOf("mysql", args[1], mysqlLayout)
	if err != nil {
		return dst, false, err
	}
	t, err := l.parse(args[0])
	return appendInstant(dst, t, err)
}

func parseDatetime(dst []byte, args [][]byte) ([]byte, bool, error) {
	l, err := layoutOf("joda", args[1], jodaLayout)
	if err != nil {
		return dst, false, err
	}
	t, err := l.parse(args[0])
	return appendInstant(dst, t, err)
}

func parseDatetimeZone(dst []byte, args [][]byte) ([]byte, bool, error) {
	l, err := layoutOf("joda", args[1], jodaLayout)
	if err != nil {
		return dst, false, err
	}
	t, err := l.parse(args[0])
	return appendZone(dst, t, err)
}

// isoDate and isoTime are the forms of ISO 8601 that from_iso8601_timestamp takes.
var (
	isoDate = regexp.MustCompile(`^(\d{4})(?:-(\d{2})(?:-(\d{2}))?|-(\d{3})|-W(\d{2})(?:-(\d))?)?$`)
	isoTime = regexp.MustCompile(`^(?:(\d{2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?)?)?(Z|[+-]\d\d(?::?\d\d)?)?$`)
)

// isoParse reads a text such as 2026-01-31T10:00:00+02:00.
func isoParse(text []byte) (time.Time, error) {
	date, clock, timed := bytes.Cut(text, []byte("T"))
	d, c := isoDate.FindSubmatch(date), isoTime.FindSubmatch(clock)
	if d == nil || c == nil || timed && len(clock) == 0 {
		return time.Time{}, invalid(`Invalid format: "%s"`, shortened(text))
	}
	r := &read{}
	put := func(f field, digits []byte) {
		if len(digits) > 0 {
			r.has[f] = true
			r.value[f], _ = strconv.Atoi(string(digits))
		}
	}
	put(year, d[1])
	put(month, d[2])
	put(dayOfMonth, d[3])
	put(dayOfYear, d[4])
	put(hour, c[1])
	put(minute, c[2])
	put(second, c[3])
	if len(c[4]) > 0 {
		r.nanos, _ = strconv.Atoi((string(c[4]) + "000000000")[:9])
	}
	if len(c[5]) > 0 && (piece{field: offset}).readZone(c[5], r) < 0 {
		return time.Time{}, invalid(`Invalid format: "%s" is malformed at "%s"`, shortened(text), c[5])
	}
	if len(d[5]) == 0 {
		return r.time(text)
	}
	return r.isoWeek(text, d[5], d[6])
}

// isoWeek is a day by its week, the first of which has the year's first Thursday.
func (r *read) isoWeek(text, week, day []byte) (time.Time, error) {
	w, _ := strconv.Atoi(string(week))
	weekday := 1
	if len(day) > 0 {
		weekday = int(day[0] - '0')
	}
	fourth := time.Date(r.value[year], 1, 4, 0, 0, 0, 0, time.UTC)
	monday := fourth.AddDate(0, 0, -(int(fourth.Weekday())+6)%7+7*(w-1))
	if y, n := monday.ISOWeek(); w < 1 || weekday < 1 || weekday > 7 || y != r.value[year] || n != w {
		return time.Time{}, invalid(`Cannot parse "%s": there is no such week or day of it`, shortened(text))
	}
	t := monday.AddDate(0, 0, weekday-1)
	r.has[dayOfYear] = false
	r.has[year], r.has[month], r.has[dayOfMonth] = true, true, true
	r.value[year], r.value[month], r.value[dayOfMonth] = t.Year(), int(t.Month()), t.Day()
	return r.time(text)
}

func isoTimestamp(dst []byte, args [][]byte) ([]byte, bool, error) {
	t, err := isoParse(args[0])
	return appendInstant(dst, t, err)
}

func isoZone(dst []byte, args [][]byte) ([]byte, bool, error) {
	t, err := isoParse(args[0])
	return appendZone(dst, t, err)
}
