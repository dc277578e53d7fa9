package lake

import (
	"fmt"
	"strings"
)

// A SortKey is one of the columns that rows are sorted by.
type SortKey struct {
	Path       string // a column's name, or the path of a field in it, with dots
	Descending bool
	NullsFirst bool
}

// ParseSortKey reads a sort key as ORDER BY has it: a path, then asc or desc,
// then nulls first or nulls last, in any case. Left out they are, as in Presto
// and Athena, asc and nulls last.
func ParseSortKey(s string) (SortKey, error) {
	words := strings.Fields(s)
	var k SortKey
	is := func(i int, word string) bool { return i > 0 && i < len(words) && strings.EqualFold(words[i], word) }
	if n := len(words); is(n-2, "nulls") && (is(n-1, "first") || is(n-1, "last")) {
		k.NullsFirst = is(n-1, "first")
		words = words[:n-2]
	}
	if n := len(words); is(n-1, "asc") || is(n-1, "desc") {
		k.Descending = is(n-1, "desc")
		words = words[:n-1]
	}
	if len(words) != 1 {
		return SortKey{}, fmt.Errorf("sort key %q: want a column's name or a field's path, then asc or desc, then nulls first or nulls last, such as \"price desc\"", clip(s))
	}
	k.Path = words[0]
	for part := range strings.SplitSeq(k.Path, ".") {
		if part == "" {
			return SortKey{}, fmt.Errorf("sort key %q: an empty name in the path", clip(s))
		}
	}
	return k, nil
}

// String is the key as ParseSortKey reads it.
func (k SortKey) String() string {
	s := k.Path
	if k.Descending {
		s += " desc"
	}
	if k.NullsFirst {
		s += " nulls first"
	}
	return s
}
