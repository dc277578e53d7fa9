package presto

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sluice/query/presto/function"
)

// unicode is U&'\00e4', with another character than the backslash behind UESCAPE.
func (f *front) unicode() error {
	t, last, escape := f.at(2), 2, `\`
	if !t.ended() || f.at(1).from != f.at(0).to || t.from != f.at(1).to {
		return refuse(f.at(0).from, "U& stands right before a text in quotes, as in U&'\\00e4'")
	}
	if f.at(3).is("UESCAPE") && f.at(4).ended() {
		if escape, last = f.at(4).unquote(), 4; len(escape) != 1 || wordByte(escape[0]) || strings.Contains(` '"+`, escape) {
			return refuse(f.at(4).from, "UESCAPE takes one character that is no letter, digit, space, quote or +")
		}
	}
	var b strings.Builder
	for s := t.unquote(); s != ""; {
		i := strings.Index(s, escape)
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		digits, skip := 4, 0
		switch {
		case strings.HasPrefix(s, escape):
			b.WriteString(escape)
			s = s[1:]
			continue
		case strings.HasPrefix(s, "+"):
			digits, skip = 6, 1
		}
		code, err := strconv.ParseUint(s[skip:min(skip+digits, len(s))], 16, 32)
		if err != nil || len(s) < skip+digits || code == 0 || !utf8.ValidRune(rune(code)) {
			return refuse(t.from, "%s: behind %s stand four hexadecimal digits, or + and six, of a character", t.text, escape)
		}
		b.WriteRune(rune(code))
		s = s[skip+digits:]
	}
	f.replace(f.at(0).from, f.at(last).to, "'"+strings.ReplaceAll(b.String(), "'", "''")+"'")
	f.i += last
	return nil
}

// binary is X'65 66'.
func (f *front) binary() error {
	hex := strings.ReplaceAll(f.at(1).unquote(), " ", "")
	var b strings.Builder
	for i := 0; i+1 < len(hex); i += 2 {
		if _, err := strconv.ParseUint(hex[i:i+2], 16, 8); err != nil {
			return refuse(f.at(0).from, "%s is not made of hexadecimal digits", f.at(1).text)
		}
		b.WriteString(`\x` + hex[i:i+2])
	}
	if len(hex)%2 == 1 {
		return refuse(f.at(0).from, "%s has an odd number of digits", f.at(1).text)
	}
	f.replace(f.at(0).from, f.at(1).to, "CAST('"+b.String()+"' AS BLOB)")
	f.i++
	return nil
}

// decimal is DECIMAL '1.50', which has the precision and scale of its text.
func (f *front) decimal() error {
	value := f.at(1).unquote()
	digits := strings.TrimLeft(value, "+-")
	if whole, fraction, _ := strings.Cut(digits, "."); whole+fraction == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return refuse(f.at(1).from, "%s is not a decimal", f.at(1).text)
	}
	whole, fraction, _ := strings.Cut(digits, ".")
	whole = strings.TrimLeft(whole, "0")
	f.replace(f.at(0).from, f.at(1).to, fmt.Sprintf("CAST('%s' AS DECIMAL(%d,%d))", value, max(len(whole)+len(fraction), 1), len(fraction)))
	f.i++
	return nil
}

// moment is TIMESTAMP '…', which has a zone where its text has.
func (f *front) moment() error {
	value := f.at(1).unquote()
	if f.at(0).is("TIME") || strings.Trim(value, "0123456789-: .") == "" && !strings.Contains(strings.TrimSpace(value), " -") && strings.Count(value, "-") <= 2 {
		return nil
	}
	if wall, at, ok := zonedText(value); ok {
		f.replace(f.at(0).from, f.at(1).to, "with_timezone(TIMESTAMP '"+wall+"', '"+at+"')")
		f.i++
		return nil
	}
	return refuse(f.at(1).from, "%s is not a valid timestamp literal: it is as in TIMESTAMP '2026-01-31 10:00:00', with a zone behind it as in 'Europe/Berlin' or '+05:30'", f.at(1).text)
}

var zonedLiteral = regexp.MustCompile(`^\s*(\d{4}-\d{1,2}-\d{1,2}(?: \d{1,2}:\d{1,2}(?::\d{1,2}(?:\.\d{1,6})?)?)?) ?([A-Za-z][A-Za-z0-9_+/-]*|[+-]\d\d(?::?\d\d)?)\s*$`)

// zonedText is a timestamp's text, and the zone behind it. A time that is none on
// the wall of the zone is not one.
func zonedText(text string) (wall, at string, ok bool) {
	m := zonedLiteral.FindStringSubmatch(text)
	if m == nil {
		return "", "", false
	}
	wall, at = m[1], m[2]
	if len(at) == 5 && (at[0] == '+' || at[0] == '-') {
		at = at[:3] + ":" + at[3:]
	}
	z, ok := zoneNamed(at)
	if !ok || z.fixed {
		return wall, z.name, ok
	}
	location, err := time.LoadLocation(z.name)
	if err != nil {
		return "", "", false
	}
	_, ok = instantOf(wall, location)
	return wall, z.name, ok
}

// instantOf is the instant of a time that is written as it is on the wall of a place.
func instantOf(wall string, location *time.Location) (time.Time, bool) {
	for _, layout := range []string{"2006-1-2 15:4:5.999999", "2006-1-2 15:4", "2006-1-2"} {
		if t, err := time.Parse(layout, wall); err == nil {
			return function.OnWall(t, location)
		}
	}
	return time.Time{}, false
}

// interval is INTERVAL '1' DAY, and with two units INTERVAL '1 10:30:00' DAY TO
// SECOND.
func (f *front) interval() error {
	n, minus := 1, ""
	if f.at(1).is("-", "+") {
		n, minus = 2, strings.Trim(f.at(1).text, "+")
	}
	if f.at(n).kind != text {
		return nil
	}
	value, unit := f.at(n).unquote(), f.at(n+1)
	if !unit.is("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "QUARTER", "MILLISECOND") {
		return refuse(f.at(n).from, "an interval is a text and a unit, as in INTERVAL '1' DAY")
	}
	if f.at(n + 2).is("TO") {
		single, ok := compoundInterval(minus+value, unit.text, f.at(n+3).text)
		if !ok {
			return refuse(f.at(n).from, "INTERVAL %s %s TO %s: the text must be as in '1-2' YEAR TO MONTH or '1 10:30:00' DAY TO SECOND", f.at(n).text, strings.ToUpper(unit.text), strings.ToUpper(f.at(n+3).text))
		}
		f.replace(f.at(1).from, f.at(n+3).to, single)
		f.i += n + 3
		return nil
	}
	if _, err := strconv.ParseInt(value, 10, 32); err != nil && !unit.is("SECOND") {
		return refuse(f.at(n).from, "INTERVAL %s %s: the text must be a whole number", f.at(n).text, strings.ToUpper(unit.text))
	}
	if minus != "" {
		f.replace(f.at(1).from, f.at(n).to, "'"+strings.TrimPrefix(minus+value, "--")+"'")
	}
	return nil
}
