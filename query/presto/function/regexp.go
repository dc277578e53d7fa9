package function

import (
	"regexp"
	"strconv"
	"sync"
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
