package function

import (
	"regexp"
	"regexp/syntax"
	"strconv"
	"sync"
	"unicode/utf8"
)

// compiled are patterns, which are few in a statement and the same at every row.
var compiled patterns

// patterns is a cache of bounded size.
type patterns struct {
	mu   sync.Mutex // guards last
	last map[string]*regexp.Regexp
}

const maxPatterns = 100

func (p *patterns) get(pattern []byte) (*regexp.Regexp, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if re := p.last[string(pattern)]; re != nil {
		return re, nil
	}
	re, err := regexp.Compile(string(pattern))
	if err != nil {
		return nil, invalid("the pattern %s: %v", shortened(pattern), err)
	}
	if p.last == nil || len(p.last) >= maxPatterns {
		p.last = make(map[string]*regexp.Regexp)
	}
	p.last[string(pattern)] = re
	return re, nil
}

// regexpGroup is regexp_extract(text, pattern, group), which is NULL where the group
// took no part in the match; DuckDB's cannot tell that from an empty one.
func regexpGroup(dst []byte, args [][]byte) ([]byte, bool, error) {
	re, err := compiled.get(args[1])
	if err != nil {
		return dst, false, err
	}
	group, err := strconv.Atoi(string(args[2]))
	if err != nil || group < 0 || group > re.NumSubexp() {
		return dst, false, invalid("Pattern has %d groups. Cannot access group %s", re.NumSubexp(), args[2])
	}
	m := re.FindSubmatchIndex(args[0])
	if m == nil || m[2*group] < 0 {
		return dst, true, nil
	}
	return append(dst, args[0][m[2*group]:m[2*group+1]]...), false, nil
}

// EmptyMatches reports whether a pattern may match the empty text and others too, and
// whether what it matches depends on what is before it.
func EmptyMatches(pattern string) (empty, behind bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return false, false
	}
	least, most := width(re)
	return least == 0 && most > 0, looksBehind(re)
}

// width bounds how many characters a pattern matches: none or some.
func width(re *syntax.Regexp) (least, most int) {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return 1, 1
	case syntax.OpStar, syntax.OpQuest:
		_, most = width(re.Sub[0])
		return 0, most
	case syntax.OpRepeat:
		if least, most = width(re.Sub[0]); re.Min == 0 {
			least = 0
		}
		return least, most
	case syntax.OpAlternate:
		least = 1
		for _, sub := range re.Sub {
			l, m := width(sub)
			least, most = min(least, l), max(most, m)
		}
		return least, most
	case syntax.OpCapture, syntax.OpPlus, syntax.OpConcat:
		for _, sub := range re.Sub {
			l, m := width(sub)
			least, most = max(least, l), max(most, m)
		}
		return least, most
	}
	return 0, 0
}

func looksBehind(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpBeginText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return true
	}
	for _, sub := range re.Sub {
		if looksBehind(sub) {
			return true
		}
	}
	return false
}

// regexpReplace is regexp_replace(text, pattern, replacement) of a pattern that does
// not look behind: where a match ends, the next may begin and be empty.
func regexpReplace(dst []byte, args [][]byte) ([]byte, bool, error) {
	re, err := compiled.get(args[1])
	if err != nil {
		return dst, false, err
	}
	text, done := args[0], 0
	for from := 0; from <= len(text); {
		m := re.FindSubmatchIndex(text[from:])
		if m == nil {
			break
		}
		dst = append(dst, text[done:from+m[0]]...)
		if dst, err = expand(dst, args[2], text[from:], m); err != nil {
			return dst, false, err
		}
		done = from + m[1]
		if from = done; m[0] == m[1] {
			_, size := utf8.DecodeRune(text[done:])
			from += max(size, 1)
		}
	}
	return append(dst, text[done:]...), false, nil
}

// expand appends a replacement, in which $1 is a group.
func expand(dst, replacement, text []byte, m []int) ([]byte, error) {
	for i := 0; i < len(replacement); i++ {
		if replacement[i] != '$' || i+1 == len(replacement) || replacement[i+1] < '0' || replacement[i+1] > '9' {
			dst = append(dst, replacement[i])
			continue
		}
		i++
		g := int(replacement[i] - '0')
		if 2*g >= len(m) {
			return dst, invalid("Illegal replacement sequence: unknown group %d", g)
		}
		if m[2*g] >= 0 {
			dst = append(dst, text[m[2*g]:m[2*g+1]]...)
		}
	}
	return dst, nil
}
