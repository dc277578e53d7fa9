package presto

import (
	"strings"

	"sluice/query/syntax"
)

// A timestamp of DuckDB's knows no zone, and one of Presto's does. Where a zone
// is given and what follows needs the time on the wall there, the wall's time
// stands for the value; a value that would keep its zone is refused.

// readsWall are the functions that need of a timestamp with a zone only its time
// on the wall there.
var readsWall = map[string]bool{
	"date": true, "year": true, "month": true, "day": true, "hour": true, "minute": true, "second": true, "millisecond": true,
	"quarter": true, "week": true, "week_of_year": true, "day_of_week": true, "dow": true, "day_of_month": true, "day_of_year": true,
	"doy": true, "year_of_week": true, "yow": true, "date_format": true, "format_datetime": true, "date_part": true, "last_day_of_month": true,
}

// zones puts times on the wall in the place of arguments with a zone.
func (r *rewriter) zones(n node, name string) {
	if utc(n) {
		x := arguments(n)[1]
		if name == "at_timezone" {
			x = arguments(n)[0]
		}
		become(n, cast(x, "TIMESTAMP WITH TIME ZONE"))
		return
	}
	if zoned(n) {
		r.fail(n, "a timestamp cannot keep a time zone other than UTC here; cast it to date or timestamp, as in CAST(x AT TIME ZONE 'Europe/Berlin' AS timestamp), or give it to a function such as hour, date_format or format_datetime")
		return
	}
	for i, a := range arguments(n) {
		if !zoned(a) {
			continue
		}
		switch {
		case readsWall[name]:
			if pattern, ok := constantText(arguments(n)[len(arguments(n))-1]); ok && name == "format_datetime" && strings.ContainsAny(pattern, "zZ") {
				r.fail(n, "Z and z in the pattern of format_datetime are not supported for a time zone other than UTC")
				return
			}
			syntax.List(n, "children")[i] = r.wall(a)
		case name == "to_unixtime":
			syntax.List(n, "children")[i] = instant(a)
		}
	}
}

// utc reports whether n is x AT TIME ZONE 'UTC'.
func utc(n node) bool {
	args := arguments(n)
	if len(args) != 2 || class(n) != "FUNCTION" {
		return false
	}
	zone := args[0]
	switch syntax.Text(n, "function_name") {
	case "timezone":
	case "at_timezone":
		zone = args[1]
	default:
		return false
	}
	s, ok := constantText(zone)
	return ok && (strings.EqualFold(s, "UTC") || s == "Z" || s == "+00:00" || strings.EqualFold(s, "GMT"))
}

// zoned reports whether n is a timestamp of a zone other than UTC.
func zoned(n node) bool {
	args := arguments(n)
	if class(n) != "FUNCTION" || len(args) != 2 || utc(n) {
		return false
	}
	switch strings.ToLower(syntax.Text(n, "function_name")) {
	case "timezone", "at_timezone", "with_timezone", "from_unixtime":
		return true
	case "date_trunc":
		return zoned(args[1])
	case "+", "-":
		interval, _ := intervalOf(args[1])
		return zoned(args[0]) && interval
	}
	return false
}

// wall is the time on the wall of what zoned says yes to, not yet rewritten.
func (r *rewriter) wall(n node) node {
	args := arguments(n)
	switch strings.ToLower(syntax.Text(n, "function_name")) {
	case "timezone":
		return r.macro("presto_wall", args[0], instant(args[1]))
	case "at_timezone":
		return r.macro("presto_wall", args[1], instant(args[0]))
	case "from_unixtime":
		return r.macro("presto_wall", args[1], call("from_unixtime", args[0]))
	case "with_timezone":
		return cast(args[0], "TIMESTAMP")
	case "date_trunc":
		return call("date_trunc", args[0], r.wall(args[1]))
	}
	if _, days := intervalOf(args[1]); !days {
		r.fail(n, "hours, minutes and seconds added to a timestamp with a time zone are not supported; add them before AT TIME ZONE")
	}
	return operate(syntax.Text(n, "function_name"), r.wall(args[0]), args[1])
}

// instant is the timestamp, in UTC, that a zone was given to.
func instant(n node) node {
	if !zoned(n) {
		return n
	}
	args := arguments(n)
	switch strings.ToLower(syntax.Text(n, "function_name")) {
	case "timezone":
		return instant(args[1])
	case "at_timezone":
		return instant(args[0])
	case "from_unixtime":
		return call("from_unixtime", args[0])
	}
	return n // refused where it is visited
}
