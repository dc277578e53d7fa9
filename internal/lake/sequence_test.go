package lake_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
)

func TestSequences(t *testing.T) {
	var l lake.SequenceList
	for i, seq := range []uint64{5, 6, 7, 9, 1 << 62, 1<<62 + 1} {
		if !l.Add(seq, int64(1000+i)) {
			t.Fatalf("%d does not fit", seq)
		}
	}
	source := lake.SourceID{1, 2, 3}
	attrs := lake.AppendSequences(lake.AppendRequest(nil, "key", 3), source, &l)
	got, ranges, ok := lake.ParseSequences(nil, attrs)
	want := []lake.SequenceRange{{5, 7, 1000, 1005}, {9, 9, 1000, 1005}, {1 << 62, 1<<62 + 1, 1000, 1005}}
	if !ok || got != source {
		t.Fatalf("source %v, ok %v", got, ok)
	}
	if diff := cmp.Diff(want, ranges); diff != "" {
		t.Error(diff)
	}
	if r, ok := lake.ParseRequest(attrs); !ok || string(r.Key) != "key" {
		t.Errorf("the attribute before it: %+v, %v", r, ok)
	}
}

// However far apart the numbers are, what Add takes fits.
func TestSequencesFit(t *testing.T) {
	for _, step := range []uint64{2, 1000, 1 << 50} {
		var l lake.SequenceList
		seq, n := uint64(1), 0
		for l.Add(seq, int64(n)<<40) {
			seq += step
			n++
		}
		attrs := lake.AppendSequences(nil, lake.SourceID{}, &l)
		if len(attrs) > lake.MaxSequences {
			t.Errorf("steps of %d: %d bytes", step, len(attrs))
		}
		if _, ranges, ok := lake.ParseSequences(nil, attrs); !ok || len(ranges) != n || n < 100 {
			t.Errorf("steps of %d: %d ranges of %d, %v", step, len(ranges), n, ok)
		}
	}
}

func FuzzParseSequences(f *testing.F) {
	var l lake.SequenceList
	l.Add(7, 1)
	l.Add(9, 2)
	f.Add(lake.AppendSequences(nil, lake.SourceID{1}, &l))
	f.Fuzz(func(t *testing.T, attrs []byte) {
		_, ranges, ok := lake.ParseSequences(nil, attrs)
		for i, r := range ranges {
			if ok && (r.From > r.To || i > 0 && ranges[i-1].To > r.From) {
				t.Errorf("range %d is %+v after %+v", i, r, ranges[max(i-1, 0)])
			}
		}
	})
}
