package spelling_test

import (
	"testing"

	"sluice/query/spelling"
)

func TestDistance(t *testing.T) {
	for _, tc := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"abc", "abc", 0}, {"purchase", "purchases", 1}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if got := spelling.Distance(tc.a, tc.b); got != tc.want {
			t.Errorf("from %q to %q: %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
