package predicate

import (
	"strings"

	"sluice/internal/lake"
)

// A Key is a partition key, as the catalog's table has it.
type Key struct {
	Name string
	// Type says how values compare; the zero Type compares them as strings.
	Type lake.Type
}

// A Predicate holds for some partitions of a table, and not for others. It is
// immutable.
type Predicate struct {
	keys []domain
	root node // nil: holds for all
}

// Match reports whether the predicate holds for the partition with those values,
// one for each key. A partition with another number of values has none it holds for.
func (p *Predicate) Match(values []string) bool {
	if len(values) != len(p.keys) {
		return false
	}
	return p.root == nil || p.root.eval(values) == yes
}

// truth is one of SQL's three values, ordered so that AND is min and OR is max.
type truth uint8

const (
	no truth = iota
	unknown
	yes
)

func truthOf(b bool) truth {
	if b {
		return yes
	}
	return no
}

// A node is a part of a predicate.
type node interface {
	eval(values []string) truth
	// spans are the values of key outside of which the node is never true.
	spans(key int) spanSet
	// names reports whether the node looks at the key's value.
	names(key int) bool
	// rangeOf is what the node can be when of the values only that of key is known.
	rangeOf(key int, values []string) truthRange
}

type (
	and []node
	or  []node
	not struct{ node node }

	// compare is a key beside a literal.
	compare struct {
		key   operandKey
		op    string // of = <> < <= > >=
		value value
	}
	// in is a key beside a list; nullWord says that the word for null is in it.
	in struct {
		key      operandKey
		list     []value
		nullWord bool
	}
	like struct {
		key     operandKey
		pattern []likeStep
	}
	isNull struct{ key operandKey }
)

// operandKey is a key's place among the keys, and its domain.
type operandKey struct {
	index  int
	domain domain
}

// read is the key's value in a partition; ok is false where it is null.
func (k operandKey) read(values []string) (v value, ok bool) {
	text := values[k.index]
	if text == lake.NullPartition {
		return value{}, false
	}
	return k.domain.read(text)
}

func (a and) eval(values []string) truth {
	result := yes
	for _, n := range a {
		if result = min(result, n.eval(values)); result == no {
			break
		}
	}
	return result
}

func (o or) eval(values []string) truth {
	result := no
	for _, n := range o {
		if result = max(result, n.eval(values)); result == yes {
			break
		}
	}
	return result
}

func (n not) eval(values []string) truth { return yes - n.node.eval(values) }

func (c compare) eval(values []string) truth {
	literal := c.value
	if literal.text == lake.NullPartition {
		switch isNull := values[c.key.index] == lake.NullPartition; c.op {
		case "=":
			return truthOf(isNull)
		case "<>":
			return truthOf(!isNull)
		}
		return unknown
	}
	v, ok := c.key.read(values)
	if !ok {
		return unknown
	}
	order := c.key.domain.compare(v, literal)
	switch c.op {
	case "=":
		return truthOf(order == 0)
	case "<>":
		return truthOf(order != 0)
	case "<":
		return truthOf(order < 0)
	case "<=":
		return truthOf(order <= 0)
	case ">":
		return truthOf(order > 0)
	case ">=":
		return truthOf(order >= 0)
	}
	panic("BUG: no operator " + c.op)
}

func (n in) eval(values []string) truth {
	if n.nullWord && values[n.key.index] == lake.NullPartition {
		return yes
	}
	v, ok := n.key.read(values)
	if !ok {
		return unknown
	}
	// The list is sorted: thousands of days may be in it.
	lo, hi := 0, len(n.list)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		order := n.key.domain.compare(n.list[mid], v)
		if order == 0 {
			return yes
		}
		if order < 0 {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return no
}

func (l like) eval(values []string) truth {
	text := values[l.key.index]
	if text == lake.NullPartition {
		return unknown
	}
	return truthOf(matchLike(l.pattern, text))
}

func (n isNull) eval(values []string) truth {
	_, ok := n.key.read(values)
	return truthOf(!ok)
}

// A likeStep is a character of a pattern: itself, any one, or any run.
type likeStep struct {
	char rune
	kind byte // 0, '_' or '%'
}

// parseLike reads a pattern. After the escape character, if there is one, a
// character stands for itself; ok is false where none follows.
func parseLike(pattern string, escape rune) (steps []likeStep, ok bool) {
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			steps, escaped = append(steps, likeStep{char: r}), false
		case r == escape && escape != 0:
			escaped = true
		case r == '%' || r == '_':
			steps = append(steps, likeStep{kind: byte(r)})
		default:
			steps = append(steps, likeStep{char: r})
		}
	}
	return steps, !escaped
}

// matchLike goes back no further than to the last %, so the time is bounded by
// the product of the lengths.
func matchLike(pattern []likeStep, text string) bool {
	runes := []rune(text)
	p, r := 0, 0
	star, from := -1, 0 // the last % and where its run ends so far
	for r < len(runes) {
		switch {
		case p < len(pattern) && pattern[p].kind == '%':
			star, from = p, r
			p++
		case p < len(pattern) && (pattern[p].kind == '_' || pattern[p].kind == 0 && pattern[p].char == runes[r]):
			p++
			r++
		case star >= 0:
			from++
			p, r = star+1, from
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p].kind == '%' {
		p++
	}
	return p == len(pattern)
}

// literalPrefix is what every text that matches begins with.
func literalPrefix(pattern []likeStep) string {
	var b strings.Builder
	for _, s := range pattern {
		if s.kind != 0 {
			break
		}
		b.WriteRune(s.char)
	}
	return b.String()
}
