package sample

import "math/bits"

// A Truth is what queries over the events made so far must answer.
type Truth struct {
	Events int64 // count(*)
	Bytes  int64 // of the lines
	// Groups is count(*) by the values of a field: genre and userCountry of
	// purchases, type and event of segment, code of nasa. Values that did not
	// occur are absent.
	Groups map[string]map[string]int64
	// Distinct is count(distinct field): bookId and userId of purchases,
	// anonymousId of segment, host of nasa.
	Distinct map[string]int64
	// Sums is sum(field): bytes of nasa; properties.revenue of segment, in cents.
	Sums map[string]int64
}

// Truth is of all events so far.
func (g *Generator) Truth() Truth {
	t := Truth{
		Events: g.count, Bytes: g.bytes,
		Groups: map[string]map[string]int64{}, Distinct: map[string]int64{}, Sums: map[string]int64{},
	}
	g.shape.truth(&t)
	return t
}

// group notes the counts of a field's values.
func (t *Truth) group(field string, values []string, counts []int64) {
	m := make(map[string]int64)
	for i, n := range counts {
		if n > 0 {
			m[values[i]] += n
		}
	}
	t.Groups[field] = m
}

// A set holds small numbers.
type set []uint64

func newSet(n int) set { return make(set, (n+63)/64) }

func (s set) add(i uint64) { s[i/64] |= 1 << (i % 64) }

func (s set) size() int64 {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return int64(n)
}
