package predicate

import (
	"cmp"
	"slices"
	"strings"

	"sluice/internal/lake"
)

// A Span is a range of strings in the order of their bytes, from Low on and
// before High, or without an end.
type Span struct {
	Low, High string
	Endless   bool // High is not looked at
}

// A spanSet is a union of spans, ascending, that neither touch nor overlap.
type spanSet []Span

var everything = spanSet{{Endless: true}}

// Spans are the ranges of the i-th key's values outside of which the predicate
// does not hold, ascending and apart, so that an index on the values need not be
// read elsewhere. They are one endless span where nothing is known of it, as for
// a key that does not compare by its bytes.
func (p *Predicate) Spans(i int) []Span {
	if p.root == nil || i >= len(p.keys) || p.keys[i] != domainString {
		return slices.Clone(everything)
	}
	return slices.Clone(p.root.spans(i))
}

// after is the least string greater than s.
func after(s string) string { return s + "\x00" }

func exactly(s string) Span { return Span{Low: s, High: after(s)} }

func (a and) spans(key int) spanSet {
	set := everything
	for _, n := range a {
		set = intersect(set, n.spans(key))
	}
	return set
}

func (o or) spans(key int) spanSet {
	var all spanSet
	for _, n := range o {
		all = append(all, n.spans(key)...)
	}
	return normal(all)
}

// What is negated may hold anywhere: nothing is gained from knowing more.
func (n not) spans(int) spanSet { return everything }

func (c compare) spans(key int) spanSet {
	if key != c.key.index {
		return everything
	}
	switch c.op {
	case "=":
		return spanSet{exactly(c.value.text)}
	case "<":
		return normal(spanSet{{High: c.value.text}})
	case "<=":
		return spanSet{{High: after(c.value.text)}}
	case ">":
		return spanSet{{Low: after(c.value.text), Endless: true}}
	case ">=":
		return spanSet{{Low: c.value.text, Endless: true}}
	}
	return everything
}

func (n in) spans(key int) spanSet {
	if key != n.key.index {
		return everything
	}
	var all spanSet
	for _, v := range n.list {
		all = append(all, exactly(v.text))
	}
	if n.nullWord {
		all = append(all, exactly(lake.NullPartition))
	}
	return normal(all)
}

func (l like) spans(key int) spanSet {
	prefix := literalPrefix(l.pattern)
	if key != l.key.index || prefix == "" {
		return everything
	}
	end := []byte(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) == 0 {
		return spanSet{{Low: prefix, Endless: true}}
	}
	end[len(end)-1]++
	return spanSet{{Low: prefix, High: string(end)}}
}

func (n isNull) spans(key int) spanSet {
	if key != n.key.index {
		return everything
	}
	return spanSet{exactly(lake.NullPartition)}
}

// normal sorts spans, joins those that touch and leaves out empty ones.
func normal(spans spanSet) spanSet {
	slices.SortFunc(spans, func(a, b Span) int {
		return cmp.Or(strings.Compare(a.Low, b.Low), btoi(a.Endless)-btoi(b.Endless))
	})
	var out spanSet
	for _, s := range spans {
		if !s.Endless && s.High <= s.Low {
			continue
		}
		if len(out) > 0 {
			last := &out[len(out)-1]
			if last.Endless {
				break
			}
			if s.Low <= last.High {
				if s.Endless {
					*last = Span{Low: last.Low, Endless: true}
				} else {
					last.High = max(last.High, s.High)
				}
				continue
			}
		}
		out = append(out, s)
	}
	return out
}

func intersect(a, b spanSet) spanSet {
	var out spanSet
	for len(a) > 0 && len(b) > 0 {
		s := Span{Low: max(a[0].Low, b[0].Low)}
		aFirst := !a[0].Endless && (b[0].Endless || a[0].High <= b[0].High) // a[0] ends no later
		switch {
		case aFirst:
			s.High = a[0].High
			a = a[1:]
		case !b[0].Endless:
			s.High = b[0].High
			b = b[1:]
		default:
			s.Endless = true
			a, b = nil, nil
		}
		if s.Endless || s.Low < s.High {
			out = append(out, s)
		}
	}
	return out
}
