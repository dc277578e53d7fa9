package sequences_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
	"sluice/internal/sequences"
)

func open(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	return w
}

// A number that the source gives to another message later, because it lost the
// first, is not known.
func TestNumberUsedAgain(t *testing.T) {
	w := open(t)
	if err := w.take(1, 2, 3); err != nil {
		t.Fatal(err)
	}
	if !w.ledger.Known("s", source, 3, timeOf(3)) {
		t.Error("3 is not known")
	}
	for what, known := range map[string]bool{
		"a later message of the number": w.ledger.Known("s", source, 3, timeOf(9)),
		"another source":                w.ledger.Known("s", lake.SourceID{8}, 3, timeOf(3)),
		"another stream":                w.ledger.Known("t", source, 3, timeOf(3)),
		"a number never seen":           w.ledger.Known("s", source, 4, timeOf(3)),
	} {
		if known {
			t.Errorf("%s is known", what)
		}
	}
}

func TestWithin(t *testing.T) {
	w := open(t)
	w.take(1, 2, 3, 7)
	w.take(4, 10)
	got := w.ledger.Within(source, 2, 9)
	for i := range got {
		got[i].First, got[i].Last = 0, 0
	}
	if diff := cmp.Diff([]lake.SequenceRange{{From: 2, To: 4}, {From: 7, To: 7}}, got); diff != "" {
		t.Error(diff)
	}
}

// Ranges with gaps are forgotten once they are settled, and refused before.
func TestCeiling(t *testing.T) {
	w := open(t)
	seq, err := uint64(0), error(nil)
	take := func() error {
		var l lake.SequenceList
		for l.Add(seq, 1) {
			seq += 2
		}
		return w.ledger.Append(context.Background(), "s", lake.Block{Data: []byte("{}\n"), Records: 1, Attrs: lake.AppendSequences(nil, source, &l)})
	}
	for err == nil && seq < 1e7 {
		err = take()
	}
	var full *sequences.CeilingError
	if !errors.As(err, &full) {
		t.Fatalf("after numbers up to %d: %v", seq, err)
	}
	w.ledger.Settle(source, seq)
	if err := take(); err != nil {
		t.Errorf("after they were settled: %v", err)
	}
	if n := len(w.ledger.Within(source, 0, 1<<62)); n > sequences.MaxRanges {
		t.Errorf("%d ranges are remembered", n)
	}
}

func TestDamagedFile(t *testing.T) {
	w := open(t)
	w.take(1)
	w.log.Close()
	f, err := w.fs.OpenWrite("/data/messages/s.json")
	if err != nil {
		t.Fatal(err)
	}
	f.WriteVec([][]byte{[]byte("x")}, 0)
	f.Close()
	if err := w.open(); err == nil || !strings.Contains(err.Error(), "/data/messages/s.json is damaged") {
		t.Errorf("opened with %v", err)
	}
}
