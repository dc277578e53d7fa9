package convert

import (
	"encoding/binary"
	"math/bits"
)

// An fseTable codes one kind of the codes in a zstd block's sequences by finite state
// entropy (RFC 8878, section 4.1).
type fseTable struct {
	log   uint                // bits of a state; 0 where there is but one code
	next  [1 << fseLog]uint32 // states, those of each code together
	codes [fseCodes]fseCode
}

// An fseCode is where a code's states are: adding bits to a state gives, in the upper
// half, how many of its bits are written.
type fseCode struct {
	bits uint32
	find int32
}

const (
	fseLog   = 8  // of the tables' size
	fseCodes = 32 // that no further bits belong to
)

// How a block tells a kind of codes, section 3.1.1.3.2.1.
const (
	fseRLE    = 1
	fseTabled = 2
)

// build makes the table for codes that are there some times, and appends it; mode is how.
func (t *fseTable) build(dst []byte, counts *[fseCodes]uint32) (_ []byte, mode byte) {
	total, kinds, last := uint32(0), 0, 0
	for code, n := range counts {
		if n > 0 {
			total, kinds, last = total+n, kinds+1, code
		}
	}
	if kinds == 1 {
		t.log = 0
		return append(dst, byte(last)), fseRLE
	}
	t.log = fseLog
	shares := fseShares(counts, total)
	t.spread(&shares)
	return appendFSEShares(dst, &shares), fseTabled
}

// fseShares shares the states out, one to each code at least.
func fseShares(counts *[fseCodes]uint32, total uint32) (shares [fseCodes]uint32) {
	sum := uint32(0)
	for code, n := range counts {
		if n > 0 {
			shares[code] = max(1, n<<fseLog/total)
			sum += shares[code]
		}
	}
	for sum != 1<<fseLog {
		most := 0
		for code, n := range shares {
			if n > shares[most] {
				most = code
			}
		}
		if sum < 1<<fseLog {
			shares[most] += 1<<fseLog - sum
			break
		}
		shares[most]--
		sum--
	}
	return shares
}

// spread spreads the codes over the states as the decoder does, section 4.1.1.
func (t *fseTable) spread(shares *[fseCodes]uint32) {
	const size = 1 << fseLog
	var of [size]uint8
	var begin [fseCodes]uint32
	at, sum := uint32(0), uint32(0)
	for code, n := range shares {
		begin[code] = sum
		for range n {
			of[at] = uint8(code)
			at = (at + size>>1 + size>>3 + 3) & (size - 1)
		}
		if n > 0 {
			most := uint32(fseLog) // bits that are written of a state
			if n > 1 {
				most -= uint32(bits.Len32(n-1)) - 1
			}
			t.codes[code] = fseCode{most<<16 - n<<most, int32(sum) - int32(n)}
		}
		sum += n
	}
	for state, code := range of {
		t.next[begin[code]] = uint32(size + state)
		begin[code]++
	}
}

// appendFSEShares appends the shares as section 4.1.1 has them.
func appendFSEShares(dst []byte, shares *[fseCodes]uint32) []byte {
	w := fseBits{dst: dst}
	w.add(fseLog-5, 4)
	left, threshold, width := uint32(1<<fseLog+1), uint32(1<<fseLog), uint(fseLog+1)
	for code := 0; left > 1; code++ {
		n := shares[code]
		most := 2*threshold - 1 - left
		left -= n
		v, size := n+1, width
		if v >= threshold {
			v += most
		}
		if v < most {
			size--
		}
		w.add(uint64(v), size)
		if n == 0 { // how many more follow
			more := 0
			for shares[code+1] == 0 {
				more, code = more+1, code+1
			}
			for ; more >= 3; more -= 3 {
				w.add(3, 2)
			}
			w.add(uint64(more), 2)
		}
		for left < threshold {
			width, threshold = width-1, threshold>>1
		}
	}
	return w.end()
}

// first is the state before the code that is decoded last.
func (t *fseTable) first(code uint8) uint32 {
	if t.log == 0 {
		return 0
	}
	c := t.codes[code]
	n := (c.bits + 1<<15) >> 16
	return t.next[int32((n<<16-c.bits)>>n)+c.find]
}

// encode writes what leads from a state to the one in which a code is decoded.
func (t *fseTable) encode(w *fseBits, state uint32, code uint8) uint32 {
	if t.log == 0 {
		return 0
	}
	c := t.codes[code]
	n := (state + c.bits) >> 16
	w.put(uint64(state)&(1<<n-1), uint(n))
	return t.next[int32(state>>n)+c.find]
}

// An fseBits is a stream of bits, the lowest first.
type fseBits struct {
	dst  []byte
	acc  uint64
	have uint
}

// put adds bits; after at most 32 of them they are to be flushed.
func (w *fseBits) put(v uint64, n uint) {
	w.acc |= v << w.have
	w.have += n
}

func (w *fseBits) flush() {
	if w.have >= 32 {
		w.dst = binary.LittleEndian.AppendUint32(w.dst, uint32(w.acc))
		w.acc, w.have = w.acc>>32, w.have-32
	}
}

func (w *fseBits) add(v uint64, n uint) {
	w.put(v, n)
	w.flush()
}

func (w *fseBits) end() []byte {
	for ; w.have > 0; w.have -= min(w.have, 8) {
		w.dst = append(w.dst, byte(w.acc))
		w.acc >>= 8
	}
	return w.dst
}
