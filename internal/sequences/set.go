package sequences

import (
	"cmp"
	"slices"

	"sluice/internal/lake"
)

// A set is ranges in ascending order that neither touch nor overlap.
type set []lake.SequenceRange

// has reports whether a number is in the set, with a time as in its range.
func (s set) has(seq uint64, at int64) bool {
	i, _ := slices.BinarySearchFunc(s, seq, func(r lake.SequenceRange, seq uint64) int { return cmp.Compare(r.To, seq) })
	return i < len(s) && s[i].From <= seq && s[i].First <= at && at <= s[i].Last
}

// add adds a range; where it touches others they become one.
func (s set) add(r lake.SequenceRange) set {
	if n := len(s); n == 0 || s[n-1].To+1 < r.From {
		return append(s, r)
	}
	// The ranges i to j-1 touch r.
	i, _ := slices.BinarySearchFunc(s, r.From, func(x lake.SequenceRange, from uint64) int {
		if x.To+1 < from {
			return -1
		}
		return 1
	})
	j := i
	for ; j < len(s) && s[j].From <= r.To+1; j++ {
		r.From, r.To = min(r.From, s[j].From), max(r.To, s[j].To)
		r.First, r.Last = min(r.First, s[j].First), max(r.Last, s[j].Last)
	}
	return slices.Replace(s, i, j, r)
}

// within is the part of the set in [from, to].
func (s set) within(from, to uint64) []lake.SequenceRange {
	var out []lake.SequenceRange
	for _, r := range s {
		if r.To < from || r.From > to {
			continue
		}
		r.From, r.To = max(r.From, from), min(r.To, to)
		out = append(out, r)
	}
	return out
}

// forget drops the lowest ranges that end at floor or below until there are no
// more than most.
func (s set) forget(floor uint64, most int) set {
	n := 0
	for len(s)-n > most && s[n].To <= floor {
		n++
	}
	return slices.Delete(s, 0, n)
}
