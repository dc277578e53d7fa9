package configs

import (
	"slices"
	"strings"
)

// nearest is the alternative that word most likely was meant to be; "" when
// none is near.
func nearest(word string, alternatives []string) string {
	fold := func(s string) string { return strings.ReplaceAll(strings.ToLower(s), "-", "_") }
	word = fold(word)
	if len(word) > 64 {
		return ""
	}
	best, least := "", max(1, min(len(word)/3, 3))+1
	for _, alt := range alternatives {
		d := distance(word, fold(alt))
		if strings.ReplaceAll(word, "_", "") == strings.ReplaceAll(fold(alt), "_", "") {
			d = 0
		}
		if len(alt) > 2 && strings.HasPrefix(word, fold(alt)) || len(word) > 2 && strings.HasPrefix(fold(alt), word) {
			d = min(d, 1)
		}
		if d < least {
			best, least = alt, d
		}
	}
	return best
}

// distance is how many single-letter insertions, deletions, substitutions and
// swaps of neighbours make b of a (optimal string alignment).
func distance(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	next := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = min(next[j-1]+1, row[j]+1, row[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// didYouMean ends a message about an unknown word: the nearest alternative, or
// all of them.
func didYouMean(word string, alternatives []string) string {
	if best := nearest(word, alternatives); best != "" {
		return "did you mean " + best + "?"
	}
	sorted := slices.Clone(alternatives)
	slices.Sort(sorted)
	return "known are " + strings.Join(sorted, ", ")
}
