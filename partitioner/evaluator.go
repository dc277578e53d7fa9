package partitioner

import (
	"time"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// An Evaluator applies rules to records. It is not safe for concurrent use: it
// keeps the text of the last day seen and scratch space.
type Evaluator struct {
	keys    []key
	clocks  []clock
	lost    uint64 // a bit a key; Parse's bound on the path bounds the keys
	scratch []byte
	prefix  *folderState // of a prefix, which has no keys
}

// A key is a rule with what its evaluation needs at hand.
type key struct {
	prefix string // "/dt=", without the slash for the first
	part   part
	source int // of partValue the index of the field, else of the clock
	limit  int // bytes that the path may have after this key
	// The text for the last day seen, of year, month and day.
	day  int64
	text []byte
	// token is what the field of partValue was in the last path, if it is known: long
	// ones are not kept.
	token []byte
	known bool
}

// A clock reads one field, or the arrival time where field is -1, as a point in
// time, once a record for all keys that ask for a part of it.
type clock struct {
	field  int
	now    moment
	absent bool // the field was, for now
	// The last path is that of any time within unit seconds after from, of the same kind.
	unit, from int64
}

// Evaluator makes an evaluator of the rules.
func (r *Rules) Evaluator() *Evaluator {
	e := &Evaluator{keys: make([]key, len(r.rules))}
	if r.folders != nil {
		e.prefix = newFolderState(r)
		return e
	}
	left := 0 // bytes that the keys behind take at least
	for i := len(r.rules) - 1; i >= 0; i-- {
		rule := r.rules[i]
		k := key{prefix: "/" + rule.name + "=", part: rule.part, source: rule.field, limit: MaxPath - left, day: -1 << 62}
		left += len(k.prefix) + len(lake.NullPartition)
		if i == 0 {
			k.prefix = k.prefix[1:]
		}
		if rule.part != partValue {
			k.source = e.clockOf(rule.field)
			if rule.part == partHour {
				e.clocks[k.source].unit = 3600
			}
		}
		e.keys[i] = k
	}
	return e
}

func (e *Evaluator) clockOf(field int) int {
	for i, c := range e.clocks {
		if c.field == field {
			return i
		}
	}
	e.clocks = append(e.clocks, clock{field: field, unit: secondsADay})
	return len(e.clocks) - 1
}

// AppendPath appends the relative path of the record's partition, such as
// dt=2026-01-31/hr=05, without a slash at either end. values[i] is the JSON text
// of the i-th of the rules' Fields, one valid token, nil where it is absent.
func (e *Evaluator) AppendPath(dst []byte, values [][]byte, arrival time.Time) []byte {
	e.lost = 0
	if e.prefix != nil {
		return e.appendFolders(dst, values, arrival)
	}
	for i := range e.clocks {
		c := &e.clocks[i]
		c.now = e.read(c, values, arrival)
		c.from = floorDiv(c.now.second, c.unit) * c.unit
		c.absent = c.field >= 0 && absent(values[c.field])
	}
	start := len(dst)
	for i := range e.keys {
		k := &e.keys[i]
		dst = append(dst, k.prefix...)
		from := len(dst)
		ok, lost := false, false
		if k.part == partValue {
			token := values[k.source]
			if k.known = len(token) <= MaxSegment; k.known {
				k.token = append(k.token[:0], token...)
			}
			dst, ok = e.appendValue(dst, token)
			tooLong := len(dst)-from+len(k.prefix) > MaxSegment+min(i, 1) || len(dst)-start > k.limit
			ok = ok && !tooLong
			lost = (!ok || string(dst[from:]) == lake.NullPartition) && !absent(values[k.source])
		} else {
			dst, ok = k.appendPart(dst, e.clocks[k.source].now)
			lost = !ok && e.clocks[k.source].field >= 0 && !absent(values[e.clocks[k.source].field])
		}
		if !ok {
			dst = append(dst[:from], lake.NullPartition...)
		}
		if lost {
			e.lost |= 1 << i
		}
	}
	return dst
}

// Same reports whether the record's path, and what Lost says of it, is that of the
// last AppendPath; false may also mean that this cannot be told cheaply. There must
// have been a last one.
func (e *Evaluator) Same(values [][]byte, arrival time.Time) bool {
	if e.prefix != nil {
		return e.prefix.same(arrival)
	}
	for i := range e.clocks {
		c := &e.clocks[i]
		at := e.read(c, values, arrival)
		if at.ok != c.now.ok || at.date != c.now.date || at.ok && (at.second < c.from || at.second >= c.from+c.unit) {
			return false
		}
		if !at.ok && c.field >= 0 && absent(values[c.field]) != c.absent {
			return false
		}
	}
	for i := range e.keys {
		if k := &e.keys[i]; k.part == partValue && !(k.known && string(values[k.source]) == string(k.token)) {
			return false
		}
	}
	return true
}

// Range is about records whose only field that the rules read is an integer: while
// it is in [low, high), the path, and what Lost says of it, is that of the last
// AppendPath, where it was value. ok is false where there is no such range.
func (e *Evaluator) Range(value int64) (low, high int64, ok bool) {
	c, ok := e.soleClock()
	if !ok || value < 0 {
		return 0, 0, false
	}
	scale, from, to := unitOf(value)
	low, high = c.from*scale, (c.from+c.unit)*scale
	return low, high, max(low, 0) == low && low >= from && high <= to && low <= value && value < high
}

// RangeOfMicros is Range for a field that is an RFC 3339 date-time, by its
// microseconds since 1970.
func (e *Evaluator) RangeOfMicros() (low, high int64, ok bool) {
	c, ok := e.soleClock()
	if !ok {
		return 0, 0, false
	}
	return c.from * 1e6, (c.from + c.unit) * 1e6, true
}

// soleClock is the clock that shows the only field that the rules read, and all that
// they read, if it showed a time of day.
func (e *Evaluator) soleClock() (*clock, bool) {
	if e.prefix != nil || len(e.clocks) != 1 {
		return nil, false
	}
	for i := range e.keys {
		if e.keys[i].part == partValue {
			return nil, false
		}
	}
	c := &e.clocks[0]
	return c, c.field == 0 && c.now.ok && !c.now.date
}

// read is the point in time that a clock shows of a record.
func (e *Evaluator) read(c *clock, values [][]byte, arrival time.Time) moment {
	if c.field < 0 {
		return momentAt(arrival.Unix())
	}
	return e.moment(values[c.field])
}

// Lost reports whether, in the last path, the i-th partition column is null
// although its field has a value: an empty string, an array or object, a value
// too long for a path, a time that cannot be read, or the text of
// lake.NullPartition itself. Who drops the field from the data because the
// column stands for it must keep the value elsewhere then.
func (e *Evaluator) Lost(i int) bool { return e.lost>>i&1 == 1 }

// Fault says why the record of the last path has no partition: its rules have a query
// of keys, and it lacks one that a folder names, or the key is null, empty, no scalar,
// no time, or too long for a path. Such a path is not to be used. It is nil for rules
// without a query, whose path is null there.
func (e *Evaluator) Fault() *KeyError {
	if e.prefix == nil {
		return nil
	}
	return e.prefix.fault
}

func absent(token []byte) bool { return len(token) == 0 || token[0] == 'n' }

// moment reads a JSON token as a point in time.
func (e *Evaluator) moment(token []byte) moment {
	if len(token) == 0 {
		return moment{}
	}
	if token[0] != '"' {
		return parseEpoch(token)
	}
	text, plain := unquoted(token)
	if !plain {
		e.scratch = jsonscan.AppendUnquoted(e.scratch[:0], token)
		text = e.scratch
	}
	return parseMoment(text)
}

// appendValue appends a scalar's escaped text; ok is false, and what was
// appended is void, for anything else and for the empty string.
func (e *Evaluator) appendValue(dst, token []byte) (_ []byte, ok bool) {
	if absent(token) {
		return dst, false
	}
	switch token[0] {
	case '{', '[':
		return dst, false
	case '"':
		text, plain := unquoted(token)
		if !plain {
			e.scratch = jsonscan.AppendUnquoted(e.scratch[:0], token)
			text = e.scratch
		}
		return appendEscaped(dst, text), len(text) > 0
	}
	return appendEscaped(dst, token), true
}

// appendPart appends the key's part of a point in time.
func (k *key) appendPart(dst []byte, at moment) (_ []byte, ok bool) {
	if !at.ok {
		return dst, false
	}
	day := floorDiv(at.second, secondsADay)
	if k.part == partHour {
		if at.date {
			return dst, false
		}
		return appendTwo(dst, (at.second-day*secondsADay)/3600), true
	}
	if day != k.day {
		k.day, k.text = day, appendDay(k.text[:0], k.part, day)
	}
	return append(dst, k.text...), true
}

func appendDay(dst []byte, p part, days int64) []byte {
	year, month, day := civilFromDays(days)
	if p != partMonth {
		dst = appendTwo(dst, year/100)
		dst = appendTwo(dst, year%100)
	}
	if p == partDay {
		dst = append(dst, '-')
	}
	if p != partYear {
		dst = appendTwo(dst, month)
	}
	if p == partDay {
		dst = append(dst, '-')
		dst = appendTwo(dst, day)
	}
	return dst
}

func appendTwo(dst []byte, v int64) []byte {
	return append(dst, byte('0'+v/10), byte('0'+v%10))
}
