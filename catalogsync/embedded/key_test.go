package embedded

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// FuzzKey: keys give their values back, sort as the values do, and lie on the
// side of a bound that their first value is on.
func FuzzKey(f *testing.F) {
	f.Add("a", "b", "a", "b\x00")
	f.Add("", "", "\x00", "\x00\x01")
	f.Add("a\x00", "", "a", "\x01")
	f.Add("a\xff", "x", "a", "x")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		a, b := []string{a1, a2}, []string{b1, b2}
		ka, kb := encodeKey(a), encodeKey(b)
		for _, v := range [][]string{a, b} {
			if got, err := decodeKey(encodeKey(v)); err != nil || !slices.Equal(got, v) {
				t.Errorf("%q became %q, %v", v, got, err)
			}
		}
		if want := slices.Compare(a, b); bytes.Compare(ka, kb) != want {
			t.Errorf("keys of %q and %q compare %d, want %d", a, b, bytes.Compare(ka, kb), want)
		}
		if before := strings.Compare(a1, b1) < 0; (bytes.Compare(ka, bound(b1)) < 0) != before {
			t.Errorf("the key of %q is on the wrong side of the bound of %q", a, b1)
		}
		decodeKey([]byte(a1)) // no panic
	})
}
