package natsjs

import (
	"fmt"
	"strconv"
	"strings"

	"sluice/ingest"
)

// A mapping makes the name of a stream from a subject. Into is text in which $1, $2, …
// stand for what the wildcards of the subscription's subject match: * one token, > all
// that are left, joined by dots.
type mapping struct {
	filter []string // tokens of the subscription's subject
	parts  []part
	fixed  string // the name where it is always the same
}

// A part is literal text, or what a wildcard matches.
type part struct {
	text     string
	wildcard int // counted from 1; 0: text
}

// newMapping reads into.
func newMapping(filter, into string) (*mapping, error) {
	m := &mapping{filter: strings.Split(filter, ".")}
	wildcards := 0
	for i, t := range m.filter {
		switch {
		case t == "" || strings.ContainsAny(t, " \t\r\n"):
			return nil, fmt.Errorf("%q is not a subject: its tokens are parted by dots, without spaces", filter)
		case t == ">" && i != len(m.filter)-1:
			return nil, fmt.Errorf("%q is not a subject: > stands at the end only", filter)
		case t == "*" || t == ">":
			wildcards++
		}
	}
	for rest := into; rest != ""; {
		text, after, found := strings.Cut(rest, "$")
		if text != "" {
			m.parts = append(m.parts, part{text: text})
		}
		if !found {
			break
		}
		n := 0
		for n < len(after) && '0' <= after[n] && after[n] <= '9' {
			n++
		}
		w, err := strconv.Atoi(after[:n])
		if err != nil || w < 1 || w > wildcards {
			return nil, fmt.Errorf("%q: $%s stands for no wildcard of %q, which has %d", into, after[:n], filter, wildcards)
		}
		m.parts = append(m.parts, part{wildcard: w})
		rest = after[n:]
	}
	if len(m.parts) == 1 && m.parts[0].wildcard == 0 || len(m.parts) == 0 {
		m.fixed = into
		if !ingest.ValidStream(into) {
			return nil, fmt.Errorf("%.80q cannot name a stream: want 1 to 64 of a-z, A-Z, 0-9, '_', '.' and '-'", into)
		}
	}
	return m, nil
}

// stream is the stream of a message; ok is false if what comes out cannot name one.
// Characters that a name cannot have become '_'.
func (m *mapping) stream(subject string) (name string, ok bool) {
	if m.fixed != "" {
		return m.fixed, true
	}
	matched := m.match(subject)
	var b strings.Builder
	for _, p := range m.parts {
		text := p.text
		if p.wildcard > 0 {
			if p.wildcard > len(matched) {
				return "", false
			}
			text = matched[p.wildcard-1]
		}
		for i := 0; i < len(text); i++ {
			c := text[i]
			switch {
			case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
			default:
				c = '_'
			}
			b.WriteByte(c)
		}
	}
	name = b.String()
	return name, ingest.ValidStream(name)
}

// match is what the wildcards stand for in a subject.
func (m *mapping) match(subject string) []string {
	var matched []string
	rest := subject
	for _, t := range m.filter {
		if t == ">" {
			return append(matched, rest)
		}
		var token string
		token, rest, _ = strings.Cut(rest, ".")
		if t == "*" {
			matched = append(matched, token)
		}
	}
	return matched
}
