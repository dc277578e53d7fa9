package retention

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/internal/lake"
)

// A unit is how much time a partition spans.
type unit uint8

const (
	none unit = iota
	year
	month
	day
	hour
)

// layouts are the forms in which one value says a date by itself, all of a fixed
// length.
var layouts = []struct {
	layout string
	unit   unit
}{
	{"2006", year}, {"2006-01", month}, {"2006-01-02", day}, {"20060102", day},
	{"2006-01-02-15", hour}, {"2006-01-02T15", hour},
}

// span is the time (UTC) that a partition's values stand for: those of the keys that
// the rule names, from the largest unit to the smallest. An error says why they are
// no date. What reads in no one way is none: nothing is guessed.
func span(values []string) (from, to time.Time, err error) {
	have := none
	for _, v := range values {
		if v == lake.NullPartition || v == "" {
			return from, to, fmt.Errorf("it has no date")
		}
		next, u, ok := whole(v)
		switch {
		case have == none && ok:
		case have != none && ok && u > have && start(next, have).Equal(from): // day=2026-01-31 below month=01
		case have == none || have == hour:
			return from, to, fmt.Errorf("%q is no date", v)
		default:
			if next, ok = part(from, have+1, v); !ok {
				return from, to, fmt.Errorf("%q is none of its parts", v)
			}
			u = have + 1
		}
		from, have = next, u
	}
	if have == none {
		return from, to, fmt.Errorf("it has no date")
	}
	return from, end(from, have), nil
}

// whole reads a value that says a date by itself.
func whole(v string) (time.Time, unit, bool) {
	for _, l := range layouts {
		if len(v) != len(l.layout) {
			continue
		}
		if t, err := time.Parse(l.layout, v); err == nil && t.Format(l.layout) == v && t.Year() > 0 {
			return t, l.unit, true
		}
	}
	return time.Time{}, none, false
}

// part is from with its next smaller unit, of one or two digits.
func part(from time.Time, u unit, v string) (time.Time, bool) {
	n, err := strconv.Atoi(v)
	if err != nil || len(v) > 2 || strings.Trim(v, "0123456789") != "" {
		return from, false
	}
	y, m, d := from.Date()
	switch u {
	case month:
		t := time.Date(y, time.Month(n), 1, 0, 0, 0, 0, time.UTC)
		return t, n >= 1 && n <= 12
	case day:
		t := time.Date(y, m, n, 0, 0, 0, 0, time.UTC)
		return t, t.Day() == n && t.Month() == m
	default:
		return time.Date(y, m, d, n, 0, 0, 0, time.UTC), n <= 23
	}
}

// start is the beginning of the unit that t is in.
func start(t time.Time, u unit) time.Time {
	y, m, d := t.Date()
	switch u {
	case year:
		return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
	case month:
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case day:
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return t
}

func end(from time.Time, u unit) time.Time {
	switch u {
	case year:
		return from.AddDate(1, 0, 0)
	case month:
		return from.AddDate(0, 1, 0)
	case day:
		return from.AddDate(0, 0, 1)
	}
	return from.Add(time.Hour)
}
