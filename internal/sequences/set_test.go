package sequences

import (
	"math/rand/v2"
	"testing"

	"sluice/internal/lake"
)

// The set agrees with a map after any additions, and stays in order.
func TestSetAgainstMap(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		var s set
		want := map[uint64]bool{}
		for range 60 {
			from := r.Uint64N(100)
			to := from + r.Uint64N(1+r.Uint64N(8))
			s = s.add(lake.SequenceRange{From: from, To: to, First: 1, Last: 5})
			for seq := from; seq <= to; seq++ {
				want[seq] = true
			}
		}
		for seq := range uint64(120) {
			if s.has(seq, 3) != want[seq] || s.has(seq, 6) {
				t.Fatalf("seed %d: %d in %v", seed, seq, s)
			}
		}
		for i := 1; i < len(s); i++ {
			if s[i-1].To+1 >= s[i].From {
				t.Fatalf("seed %d: %v touch", seed, s[i-1:i+1])
			}
		}
	}
}
