package prestotest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Difference says in a word how two answers differ (same, typed: the values are the
// same, other), and which they are.
func Difference(theirs, ours Answer) (word, told string) {
	told = "theirs: " + theirs.String() + "\n  ours: " + ours.String()
	if len(theirs.Types) != len(ours.Types) || len(theirs.Rows) != len(ours.Rows) {
		return "other", told
	}
	word = "same"
	for i, typ := range theirs.Types {
		want, got := parseType(typ), parseType(ours.Types[i])
		if !want.like(got) {
			word = "typed"
			told = want.String() + " is " + got.String() + ": " + told
		}
		for j := range theirs.Rows {
			if !want.equal(ordered(theirs.Rows[j][i]), ordered(ours.Rows[j][i])) {
				return "other", fmt.Sprintf("row %d, column %d: theirs %.200s, ours %.200s: %s", j+1, i+1, theirs.Rows[j][i], ours.Rows[j][i], told)
			}
		}
	}
	return word, told
}

// A signature is a type without what does not matter here: the length of a
// varchar, the names of a row's fields, the kind of an interval.
type signature struct {
	name string
	of   []signature
}

func parseType(s string) signature {
	s = strings.TrimSpace(s)
	name, rest, ok := strings.Cut(s, "(")
	name = strings.TrimSpace(name)
	if !ok || name == "decimal" || name == "char" {
		if strings.HasPrefix(s, "interval") {
			s = "interval"
		}
		return signature{name: strings.ReplaceAll(s, " ", "")}
	}
	switch name {
	case "varchar":
		return signature{name: name}
	case "time", "timestamp": // with a precision, as Trino has it: timestamp(6) with time zone
		_, zone, _ := strings.Cut(rest, ")")
		return signature{name: name + strings.ReplaceAll(zone, " ", "")}
	}
	out := signature{name: name}
	depth, from, quoted := 0, 0, false
	rest = strings.TrimSuffix(rest, ")")
	part := func(p string) {
		p = strings.TrimSpace(p)
		if name == "row" {
			p = unnamed(p)
		}
		out.of = append(out.of, parseType(p))
	}
	for i, c := range rest {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == ',' && depth == 0:
			part(rest[from:i])
			from = i + 1
		}
	}
	part(rest[from:])
	return out
}

// unnamed is a field of a row type without its name.
func unnamed(field string) string {
	name, typ, ok := strings.Cut(field, " ")
	if !ok || !fieldName.MatchString(name) || strings.HasPrefix(typ, "with time zone") || name == "interval" {
		return field
	}
	return typ
}

var fieldName = regexp.MustCompile(`^("[^"]*"|[a-z0-9_]+)$`)

// like reports whether two types are the same; that of NULL is like any.
func (s signature) like(o signature) bool {
	if s.name == "unknown" {
		return true
	}
	return s.name == o.name && slices.EqualFunc(s.of, o.of, signature.like)
}

func (s signature) String() string {
	if len(s.of) == 0 {
		return s.name
	}
	var parts []string
	for _, o := range s.of {
		parts = append(parts, o.String())
	}
	return s.name + "(" + strings.Join(parts, ",") + ")"
}

// equal compares two values of the type; nested ones are lists, of pairs for maps.
func (s signature) equal(theirs, ours any) bool {
	if theirs == nil || ours == nil {
		return theirs == nil && ours == nil
	}
	if text, ok := theirs.(string); ok && len(s.of) > 0 {
		theirs = ordered(json.RawMessage(text)) // some versions send nested values as texts
	}
	switch s.name {
	case "time", "timestamp": // the zeros at the end follow from the precision
		return trimZeros(fmt.Sprint(theirs)) == trimZeros(fmt.Sprint(ours))
	case "double", "real":
		near := 1e-14
		if s.name == "real" {
			near = 1e-6
		}
		a, err1 := strconv.ParseFloat(fmt.Sprint(theirs), 64)
		b, err2 := strconv.ParseFloat(fmt.Sprint(ours), 64)
		return err1 == nil && err2 == nil && (a == b && math.Signbit(a) == math.Signbit(b) || math.IsNaN(a) && math.IsNaN(b) || math.Abs(a-b) <= near*math.Abs(a) && !math.IsInf(a, 0))
	case "array", "row":
		a, ok1 := elements(theirs)
		b, ok2 := elements(ours)
		if !ok1 || !ok2 || len(a) != len(b) {
			return false
		}
		for i := range a {
			of := s.of[0]
			if s.name == "row" {
				of = s.of[i]
			}
			if !of.equal(a[i], b[i]) {
				return false
			}
		}
		return true
	case "map":
		a, ok1 := theirs.([]pair)
		b, ok2 := ours.([]pair)
		if !ok1 || !ok2 || len(a) != len(b) {
			return false
		}
		for _, p := range a {
			found := false
			for _, q := range b {
				found = found || s.of[0].equal(p.key, q.key) && s.of[1].equal(p.value, q.value)
			}
			if !found {
				return false
			}
		}
		return true
	}
	return fmt.Sprint(theirs) == fmt.Sprint(ours)
}

func trimZeros(moment string) string {
	if !strings.Contains(moment, ".") {
		return moment
	}
	return strings.TrimSuffix(strings.TrimRight(moment, "0"), ".")
}

type pair struct {
	key   string
	value any
}

// ordered is a JSON value, objects as pairs in their order, numbers as text.
func ordered(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return orderedValue(d)
}

func orderedValue(d *json.Decoder) any {
	t, err := d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		list := []any{}
		for d.More() {
			list = append(list, orderedValue(d))
		}
		d.Token()
		return list
	case json.Delim('{'):
		list := []pair{}
		for d.More() {
			key, _ := d.Token()
			list = append(list, pair{fmt.Sprint(key), orderedValue(d)})
		}
		d.Token()
		return list
	}
	return t
}
