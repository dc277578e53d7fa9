package lake_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/internal/lake"
)

func TestRequestAttr(t *testing.T) {
	key := strings.Repeat("k", lake.MaxRequestKey)
	attrs := []byte{99, 2, 0, 'x', 'y'} // a tag that nobody knows
	at := len(attrs)
	attrs = lake.AppendRequest(attrs, key, 7)
	attrs = lake.AppendGap(attrs, at, 2, 3)
	attrs = lake.AppendGap(attrs, at, 1, 1000)
	r, ok := lake.ParseRequest(attrs)
	if !ok || string(r.Key) != key || r.First != 7 {
		t.Fatalf("ParseRequest = %q, %d, %v", r.Key, r.First, ok)
	}
	var got []uint64
	for x := r.Indexes(); len(got) < 6; {
		got = append(got, x.Next())
	}
	if want := []uint64{7, 8, 12, 1013, 1014, 1015}; !slices.Equal(got, want) {
		t.Errorf("indexes %v, want %v", got, want)
	}
	for n := range len(attrs) {
		if _, ok := lake.ParseRequest(attrs[:n]); ok {
			t.Errorf("the first %d of %d bytes were taken for an attribute", n, len(attrs))
		}
	}
}

func FuzzRequestAttr(f *testing.F) {
	f.Add(lake.AppendRequest(nil, "key", 3))
	f.Add(lake.AppendGap(lake.AppendRequest(nil, "key", 300), 0, 0, 5))
	f.Fuzz(func(t *testing.T, attrs []byte) {
		r, ok := lake.ParseRequest(attrs)
		if ok && (len(r.Key) == 0 || len(r.Key) > lake.MaxRequestKey) {
			t.Fatalf("a key of %d bytes", len(r.Key))
		}
		if x := r.Indexes(); ok {
			for range 10 {
				x.Next()
			}
		}
	})
}
