package partitioner

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A part is what an expression takes of its field.
type part uint8

const (
	partValue part = iota // the field itself
	partYear
	partMonth
	partDay
	partHour
)

var functions = map[string]part{"year": partYear, "month": partMonth, "day": partDay, "hour": partHour}

// function is the part's name; empty for the field itself.
func (p part) function() string {
	for name, f := range functions {
		if f == p {
			return name
		}
	}
	return ""
}

// ingest is the argument that stands for the arrival time.
const ingest = "ingest"

const alternatives = "want a field path (userCountry, context.ip, \"odd key\") or year, month, day or hour of a field or of ingest (day(ts), hour(ingest))"

// An expression is the right side of a rule. field is nil for ingest.
type expression struct {
	part  part
	field []string
}

func parseExpression(s string) (expression, error) {
	s = strings.TrimSpace(s)
	if s == "" {
		return expression{}, fmt.Errorf("no expression: %s", alternatives)
	}
	// A parenthesis within quotes belongs to a key, so only a bare word before it
	// makes a function.
	name, arg, call := strings.Cut(s, "(")
	name = strings.TrimSpace(name)
	if !call || strings.Contains(name, `"`) {
		field, err := parseField(s)
		return expression{field: field}, err
	}
	p, ok := functions[name]
	if !ok {
		return expression{}, fmt.Errorf("unknown function %q: %s", name, alternatives)
	}
	arg, ok = strings.CutSuffix(arg, ")")
	if !ok {
		return expression{}, fmt.Errorf("no closing parenthesis after %s(: %s", name, alternatives)
	}
	if arg = strings.TrimSpace(arg); arg == ingest {
		return expression{part: p}, nil
	}
	field, err := parseField(arg)
	return expression{part: p, field: field}, err
}

// parseField reads a path of segments, bare or quoted, with dots between.
func parseField(s string) ([]string, error) {
	var field []string
	rest := s
	for {
		segment, after, err := parseSegment(rest)
		if err != nil {
			return nil, fmt.Errorf("field path %q: %w: %s", s, err, alternatives)
		}
		field = append(field, segment)
		if after == "" {
			return field, nil
		}
		if after[0] != '.' {
			return nil, fmt.Errorf("field path %q: unexpected %q: %s", s, after, alternatives)
		}
		rest = after[1:]
	}
}

func parseSegment(s string) (segment, rest string, err error) {
	if strings.HasPrefix(s, `"`) {
		return parseQuoted(s)
	}
	end := strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("_-$@", r)
	})
	if end < 0 {
		end = len(s)
	}
	if end == 0 && (s == "" || s[0] == '.') {
		return "", "", fmt.Errorf("an empty segment")
	}
	if end == 0 {
		r, _ := utf8.DecodeRuneInString(s)
		return "", "", fmt.Errorf("%q must stand in double quotes", r)
	}
	return s[:end], s[end:], nil
}

func parseQuoted(s string) (segment, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '"' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '"' {
			b.WriteByte('"')
			i++
			continue
		}
		return b.String(), s[i+1:], nil
	}
	return "", "", fmt.Errorf("no closing quote")
}
