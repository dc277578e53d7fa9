package sample

import (
	"math/bits"
	"math/rand/v2"
)

// An rng draws numbers. It uses nothing of math/rand/v2 but the raw output of
// PCG, which never changes, so that the events never do.
type rng struct{ pcg rand.PCG }

func newRNG(seed uint64) rng {
	return rng{*rand.NewPCG(seed, 0x5175_1ce0_5a3b_1e5)}
}

func (r *rng) uint64() uint64 { return r.pcg.Uint64() }

// below draws a number under n. It favours some by less than one in 2^40 for
// the n used here.
func (r *rng) below(n uint64) uint64 {
	hi, _ := bits.Mul64(r.pcg.Uint64(), n)
	return hi
}

// chance is true in percent of a hundred draws.
func (r *rng) chance(percent uint64) bool { return r.below(100) < percent }

// skewed draws an index under n < 2^32, low ones far more often: its density
// falls with the logarithm of the index.
func (r *rng) skewed(n uint64) uint64 {
	u := r.pcg.Uint64()
	hi, _ := bits.Mul64((u>>32)*(u&0xffff_ffff), n)
	return hi
}

// mix is a hash of i (splitmix64): it gives what is fixed about the i-th book,
// user or host. Each use has a salt of its own.
func mix(salt, i uint64) uint64 {
	z := (i + salt) * 0x9e37_79b9_7f4a_7c15
	z = (z ^ z>>30) * 0xbf58_476d_1ce4_e5b9
	z = (z ^ z>>27) * 0x94d0_49bb_1331_11eb
	return z ^ z>>31
}

// within brings a hash to a number under n.
func within(hash, n uint64) uint64 {
	hi, _ := bits.Mul64(hash, n)
	return hi
}

// weights draws indexes with given odds in constant time (Vose's alias method,
// in integers).
type weights struct {
	cut   []uint32 // out of 2^32: keep the index; else its alias
	alias []uint32
}

// newWeights takes the odds. Their sum times their number must be under 2^63.
func newWeights(odds []uint64) weights {
	n := uint64(len(odds))
	var sum uint64
	for _, o := range odds {
		sum += o
	}
	w := weights{make([]uint32, n), make([]uint32, n)}
	scaled := make([]uint64, n)
	var small, large []uint32
	for i, o := range odds {
		scaled[i] = o * n
		if scaled[i] < sum {
			small = append(small, uint32(i))
		} else {
			large = append(large, uint32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		cut, _ := bits.Div64(scaled[s]>>32, scaled[s]<<32, sum)
		w.cut[s], w.alias[s] = uint32(cut), l
		scaled[l] -= sum - scaled[s]
		if scaled[l] < sum {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	for _, l := range large {
		w.cut[l], w.alias[l] = 1<<32-1, l
	}
	return w
}

// of brings 64 random bits to an index.
func (w weights) of(u uint64) uint32 {
	i := uint32((u >> 32) * uint64(len(w.cut)) >> 32)
	if uint32(u) < w.cut[i] {
		return i
	}
	return w.alias[i]
}

// zipf are odds that fall as 1/(i+flat).
func zipf(n int, flat uint64) []uint64 {
	odds := make([]uint64, n)
	for i := range odds {
		odds[i] = 1_000_000_000 / (uint64(i) + flat)
	}
	return odds
}
