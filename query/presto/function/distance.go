package function

import (
	"strconv"
	"unicode/utf8"
)

// mostCompared is the product of two texts' lengths up to which Presto computes their
// distance.
const mostCompared = 1_000_000

// levenshtein is levenshtein_distance, of characters.
func levenshtein(dst []byte, args [][]byte) ([]byte, bool, error) {
	a, b := []rune(string(args[0])), []rune(string(args[1]))
	if len(a)*(len(b)-1) > mostCompared {
		return dst, false, invalid("The combined inputs for Levenshtein distance are too large")
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		before := row[0] // of the row above, one to the left
		row[0] = i + 1
		for j := range b {
			here := before
			if a[i] != b[j] {
				here = 1 + min(before, row[j], row[j+1])
			}
			before, row[j+1] = row[j+1], here
		}
	}
	return strconv.AppendInt(dst, int64(row[len(b)]), 10), false, nil
}

// hamming is hamming_distance, of characters.
func hamming(dst []byte, args [][]byte) ([]byte, bool, error) {
	a, b := args[0], args[1]
	if utf8.RuneCount(a) != utf8.RuneCount(b) {
		return dst, false, invalid("The input strings to hamming_distance function must have the same length")
	}
	n := 0
	for len(a) > 0 && len(b) > 0 {
		x, sizeX := utf8.DecodeRune(a)
		y, sizeY := utf8.DecodeRune(b)
		if x != y {
			n++
		}
		a, b = a[sizeX:], b[sizeY:]
	}
	return strconv.AppendInt(dst, int64(n), 10), false, nil
}
