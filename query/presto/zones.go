package presto

import (
	"bytes"
	"strings"
	"time"

	"sluice/query/presto/function"
	"sluice/query/syntax"
)

// A timestamp with a time zone is an instant and a zone in Presto, and an instant
// alone in DuckDB. Nearly always the zone is a constant of the statement: so it is
// kept beside the expression, as a mark in the tree, through subqueries and to the
// column of the answer, which is shown in it. What reads of a value the time on the
// wall (hour, date_trunc, a cast to date …) takes it there by the mark's zone; what
// compares or groups takes the instant, as Presto does. What could not tell the zone
// any more is refused.

// A mark is what the tree knows of an expression's type beyond DuckDB's.
type mark struct {
	zone node // of a timestamp with time zone: a constant text, or an expression
	char int  // n of a char(n), whose value is padded to it
	// unsure is that of a name that may mean one of two columns; it can only be sorted by.
	unsure bool
}

const markKey = "presto_mark"

func markOf(n node) *mark {
	m, _ := n[markKey].(*mark)
	return m
}

func zoneOf(n node) node {
	if m := markOf(n); m != nil {
		return m.zone
	}
	return nil
}

// sameMark reports whether two values are of one type.
func sameMark(a, b *mark) bool {
	if a == nil || b == nil {
		return a == b
	}
	if a.char != b.char || a.unsure || b.unsure || (a.zone == nil) != (b.zone == nil) {
		return false
	}
	return a.zone == nil || bytes.Equal(plain(a.zone), plain(b.zone))
}

// plain is an expression's text, without its place.
func plain(n node) []byte {
	n = copied(n)
	relocate(n, func(int) int { return 0 })
	unmark(n)
	return syntax.Encode(n)
}

// unmark takes the marks out of a tree, which DuckDB is to read.
func unmark(n node) {
	delete(n, markKey)
	delete(n, typeKey)
	syntax.Children(n, unmark)
}

// markZone gives n, an instant, a zone. One in UTC needs none.
func (r *rewriter) markZone(n, at node) {
	if name, ok := constantText(at); ok {
		z, ok := zoneNamed(name)
		if !ok {
			r.fail(at, "there is no time zone %s: there are names such as 'Europe/Berlin', offsets such as '+05:30', and 'UTC'", name)
			return
		}
		if z.name == "UTC" {
			return
		}
		at = literal(z.name)
	} else if interval, _ := intervalOf(at); interval {
		millis, ok := constantInterval(at)
		if !ok || millis%60000 != 0 || millis > 14*3600_000 || millis < -14*3600_000 {
			r.fail(at, "AT TIME ZONE takes a zone, or an interval of whole minutes up to 14 hours")
			return
		}
		if z := offsetOf(int(millis / 60000)); z.name != "UTC" {
			n[markKey] = &mark{zone: literal(z.name)}
		}
		return
	}
	n[markKey] = &mark{zone: at}
}

// wall is the time on the wall of a value with a zone, and of one in UTC.
func (r *rewriter) wall(n node) node {
	at := zoneOf(n)
	if at == nil {
		return call("timezone", literal("UTC"), n)
	}
	return r.wallAt(at, n)
}

func (r *rewriter) wallAt(at, n node) node {
	if name, ok := constantText(at); ok {
		if z, _ := zoneNamed(name); z.fixed {
			return r.macro("presto_wall_fixed", integer(z.offset), n)
		}
	}
	if _, ok := constantText(at); !ok {
		return r.macro("presto_wall_any", copied(at), n)
	}
	return r.macro("presto_wall", copied(at), n)
}

// instantAt is the instant of a time on the wall of a zone.
func (r *rewriter) instantAt(at, wall node) node {
	if name, ok := constantText(at); ok {
		if z, _ := zoneNamed(name); z.fixed {
			return r.macro("presto_instant_fixed", integer(z.offset), wall)
		}
	}
	return r.macro("presto_instant", copied(at), wall)
}

// moved is a value whose time on the wall became another: its offset stays where
// it can, as in Joda.
func (r *rewriter) moved(n, wall node) node {
	at := zoneOf(n)
	if name, ok := constantText(at); ok {
		if z, _ := zoneNamed(name); z.fixed {
			return r.instantAt(at, wall)
		}
	}
	return r.macro("presto_moved", copied(at), copied(n), wall)
}

// readsWall are the functions that need of a timestamp with a zone only its time
// on the wall there.
var readsWall = map[string]bool{
	"date": true, "year": true, "month": true, "day": true, "hour": true, "minute": true, "second": true, "millisecond": true,
	"quarter": true, "week": true, "week_of_year": true, "day_of_week": true, "dow": true, "day_of_month": true, "day_of_year": true,
	"doy": true, "year_of_week": true, "yow": true, "date_format": true, "date_part": true, "last_day_of_month": true,
}

// readsInstant are those for which the zone does not matter.
var readsInstant = map[string]bool{"count": true, "approx_distinct": true, "to_unixtime": true, "typeof": true, "row_number": true, "rank": true, "dense_rank": true, "count_if": true}

// keepsMark are those whose value is one of their arguments': of all, or of the first.
var keepsMark = map[string]bool{"min": true, "max": true, "arbitrary": true, "any_value": true, "greatest": true, "least": true, "max_by": false, "min_by": false,
	"first_value": false, "last_value": false, "nth_value": false, "lag": false, "lead": false, "nullif": false}

// sure refuses to compute with a name that may mean one of two columns.
func (r *rewriter) sure(values ...node) {
	for _, v := range values {
		if m := markOf(v); m != nil && m.unsure {
			r.fail(v, "in ORDER BY this name may mean a column of the SELECT, with a time zone or a char(n), or one of a table: give the former another name, or sort by the expression itself")
		}
	}
}

// zones does what a call does with timestamps with a zone. The mark is for what the
// call becomes; done says that it has become it.
func (r *rewriter) zones(n node, name string) (keep *mark, done bool) {
	if done = r.givesZone(n, name); done {
		return nil, true
	}
	args := arguments(n)
	if field, ok := constantText(first(args)); ok && name == "date_part" && len(args) == 2 && strings.HasPrefix(strings.ToLower(field), "timezone_") {
		name = strings.ToLower(field)
		n["function_name"], n["children"], args = name, []any{args[1]}, args[1:]
		delete(n, "schema")
		if zoneOf(args[0]) == nil {
			r.apply(n, name)
			return nil, true
		}
	}
	marked := false
	for _, a := range args {
		marked = marked || zoneOf(a) != nil
	}
	if !marked {
		return nil, false
	}
	switch {
	case readsWall[name]:
		r.each(n, r.wall)
	case readsInstant[name]:
	case name == "format_datetime":
		return nil, r.zonedFormat(n)
	case name == "to_iso8601" && len(args) == 1:
		become(n, r.macro("presto_iso8601_at", args[0], r.wall(args[0])))
		return nil, true
	case (name == "timezone_hour" || name == "timezone_minute") && len(args) == 1:
		become(n, r.macro("presto_"+name, args[0], r.wall(args[0])))
		return nil, true
	case name == "date_trunc" || name == "date_add" || name == "date_diff":
		return nil, r.zonedUnits(n, name)
	case name == "+" || name == "-":
		return nil, r.zonedInterval(n, name)
	default:
		all, keeps := keepsMark[name]
		if r.settleAll(args) == 0 {
			return nil, false
		}
		if !keeps {
			r.fail(n, "%s of a timestamp with a time zone other than UTC is not supported; cast it to timestamp or varchar", name)
			return nil, true
		}
		if !all {
			if (name == "lag" || name == "lead") && len(args) == 3 {
				args = []node{args[0], args[2]}
			} else {
				args = args[:1]
			}
		} else if len(args) == 2 && (name == "min" || name == "max") {
			r.fail(n, "%s of several timestamps with a time zone other than UTC is not supported", name)
			return nil, true
		}
		return r.common(n, args), false
	}
	return nil, false
}

func first(args []node) node {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

// each replaces the arguments that have a zone.
func (r *rewriter) each(n node, by func(node) node) {
	children := syntax.List(n, "children")
	for i, c := range children {
		if a, ok := c.(node); ok && zoneOf(a) != nil {
			children[i] = by(a)
		}
	}
}

// common is the mark that all values have. NULL is of any type.
func (r *rewriter) common(n node, values []node) *mark {
	r.settleAll(values)
	r.sure(values...)
	var found *mark
	first := true
	for _, v := range values {
		if class(v) == "CONSTANT" && syntax.Object(v, "value")["is_null"] == true {
			continue
		}
		if m := markOf(v); first {
			found, first = m, false
		} else if !sameMark(m, found) {
			r.fail(n, "values with different time zones, or with char(n) and without, are not supported in one expression; cast them to one type")
			return nil
		}
	}
	return found
}

// givesZone does what puts a value into a zone.
func (r *rewriter) givesZone(n node, name string) bool {
	args := arguments(n)
	switch {
	case name == "timezone" && len(args) == 2:
		args[0], args[1] = args[1], args[0]
		fallthrough
	case name == "at_timezone" && len(args) == 2:
		become(n, cast(args[0], "TIMESTAMP WITH TIME ZONE"))
		r.markZone(n, args[1])
	case name == "with_timezone" && len(args) == 2:
		r.literalZone(n, args)
	case name == "from_iso8601_timestamp" && len(args) == 1:
		at := r.macro("presto_iso_zone", copied(args[0]))
		become(n, r.macro("presto_from_iso8601_timestamp", args[0]))
		n[markKey] = &mark{zone: at}
	case name == "parse_datetime" && len(args) == 2:
		return r.parsesZone(n, args)
	case name == "from_unixtime" && len(args) == 2:
		become(n, cast(r.fromUnixtime(args[0]), "TIMESTAMP WITH TIME ZONE"))
		r.markZone(n, args[1])
	case name == "from_unixtime" && len(args) == 3:
		hours, ok1 := numberOf(args[1])
		minutes, ok2 := numberOf(args[2])
		if !ok1 || !ok2 || hours*minutes < 0 || hours > 14 || hours < -14 || minutes > 59 || minutes < -59 {
			r.fail(n, "from_unixtime takes constant hours and minutes, of one sign")
			return true
		}
		become(n, cast(r.fromUnixtime(args[0]), "TIMESTAMP WITH TIME ZONE"))
		if z := offsetOf(int(60*hours + minutes)); z.name != "UTC" {
			n[markKey] = &mark{zone: literal(z.name)}
		}
	default:
		return false
	}
	return true
}

// parsesZone is parse_datetime with a pattern that reads a zone.
func (r *rewriter) parsesZone(n node, args []node) bool {
	pattern, ok := constantText(args[1])
	if zoned, bad := function.JodaLayout(pattern); !ok || bad != "" || !zoned {
		return false
	}
	at := r.macro("presto_parse_datetime_zone", copied(args[0]), copied(args[1]))
	become(n, r.macro("presto_parse_datetime", args...))
	n[markKey] = &mark{zone: at}
	return true
}

// literalZone is a time on the wall of a zone, which is also what a literal with a
// zone was made.
func (r *rewriter) literalZone(n node, args []node) {
	of := node{}
	r.markZone(of, args[1])
	if r.err != nil {
		return
	}
	wall := cast(args[0], "TIMESTAMP")
	m := markOf(of)
	if m == nil {
		become(n, cast(wall, "TIMESTAMP WITH TIME ZONE"))
		return
	}
	instant := r.instantAt(m.zone, wall)
	text, written := constantText(args[0])
	if inner, ok := constantText(syntax.Object(args[0], "child")); ok && class(args[0]) == "CAST" {
		text, written = inner, true
	}
	if name, ok := constantText(m.zone); ok && written {
		if z, _ := zoneNamed(name); !z.fixed {
			location, err := time.LoadLocation(z.name)
			t, ok := instantOf(text, location)
			if err != nil || !ok {
				r.fail(n, "%s is no time in the zone %s", text, z.name)
				return
			}
			instant = cast(literal(t.UTC().Format("2006-01-02 15:04:05.999999+00")), "TIMESTAMP WITH TIME ZONE")
		}
	}
	become(n, instant)
	n[markKey] = m
}

// zonedUnits are date_trunc, date_add and date_diff.
func (r *rewriter) zonedUnits(n node, name string) bool {
	args := arguments(n)
	if len(args) < 2 || name != "date_trunc" && len(args) != 3 {
		return false
	}
	u, ok := r.unit(n, args[0])
	if !ok {
		return true
	}
	short := u == "millisecond" || u == "second" || u == "minute" || u == "hour"
	if x := args[len(args)-1]; !short && name != "date_diff" {
		if r.settle(x); zoneOf(x) == nil {
			return false
		}
	}
	switch x := args[len(args)-1]; {
	case name == "date_diff" && short:
		return false
	case name == "date_diff":
		// The zone is the first one's.
		at := zoneOf(args[1])
		for i := 1; i <= 2; i++ {
			instant := cast(args[i], "TIMESTAMP WITH TIME ZONE")
			if at == nil {
				syntax.List(n, "children")[i] = call("timezone", literal("UTC"), instant)
				continue
			}
			syntax.List(n, "children")[i] = r.wallAt(at, instant)
		}
		return false
	case name == "date_add" && short:
		m := markOf(x)
		dateAdd(r, n)
		r.keep(n, m)
	case name == "date_add":
		m, wall := markOf(x), r.wall(x)
		step := copied(n)
		syntax.List(step, "children")[2] = wall
		dateAdd(r, step)
		become(n, r.moved(x, step))
		r.keep(n, m)
	case short:
		m := markOf(x)
		become(n, r.macro("presto_trunc_short", args[0], x, r.wall(x)))
		r.keep(n, m)
	default:
		m := markOf(x)
		become(n, r.moved(x, call("date_trunc", args[0], r.wall(x))))
		r.keep(n, m)
	}
	return true
}

func (r *rewriter) keep(n node, m *mark) {
	if m != nil && r.err == nil {
		n[markKey] = m
	}
}

// zonedInterval is the sum with an interval, or what is less it: days and less go
// by the clock, months and years by the wall.
func (r *rewriter) zonedInterval(n node, name string) bool {
	args := arguments(n)
	if len(args) != 2 {
		return false
	}
	x, step := args[0], args[1]
	if zoneOf(x) == nil {
		x, step = step, x
	}
	months, known := monthsOf(step)
	if interval, _ := intervalOf(step); !interval || !known {
		r.fail(n, "%s of a timestamp with a time zone other than UTC takes an interval that is written as one", name)
		return true
	}
	if months {
		if r.settle(x); zoneOf(x) == nil {
			return false
		}
	}
	m := markOf(x)
	if months {
		become(n, r.moved(x, operate(name, r.wall(x), step)))
	} else {
		become(n, operate(name, x, step))
	}
	r.keep(n, m)
	return true
}

// monthsOf reports whether an interval is of months or years; known is false where
// it is of both or of what is not written.
func monthsOf(n node) (months, known bool) {
	switch name := syntax.Text(n, "function_name"); name {
	case "to_years", "to_months", "to_quarters":
		return true, true
	case "to_days", "to_weeks", "to_hours", "to_minutes", "to_seconds", "to_milliseconds", "to_microseconds":
		return false, true
	case "-", "+", "*", "/":
		for _, a := range arguments(n) {
			if interval, _ := intervalOf(a); interval {
				m, ok := monthsOf(a)
				if !ok || known && m != months {
					return false, false
				}
				months, known = m, true
			}
		}
		return months, known
	}
	return false, false
}

// zonedFormat is format_datetime, whose pattern may ask for the zone.
func (r *rewriter) zonedFormat(n node) bool {
	args := arguments(n)
	if len(args) != 2 {
		return false
	}
	pattern, ok := constantText(args[1])
	if !ok {
		r.fail(n, "the pattern of format_datetime must be a text in quotes")
		return true
	}
	x, wall := args[0], r.wall(args[0])
	duck, bad := jodaPattern(pattern, false)
	if bad == "" && strings.Contains(strings.ReplaceAll(pattern, "ZZZ", ""), "z") {
		bad = "z, a zone's short name,"
	}
	if bad != "" {
		r.fail(args[1], "%s of the pattern of format_datetime is not supported", bad)
		return true
	}
	out := call("strftime", wall, literal(duck))
	if strings.ContainsAny(pattern, "zZ") {
		// What jodaPattern writes for a zone is UTC's.
		out = r.macro("presto_zoned_format", wall, literal(strings.NewReplacer("+0000", "\x01", "+00:00", "\x02", "UTC", "\x03").Replace(duck)), x, copied(zoneOf(x)))
	}
	become(n, out)
	return true
}
