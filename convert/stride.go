package convert

import (
	"encoding/binary"
	"math/bits"
)

// A strideCoder writes zstd frames (RFC 8878) of numbers of eight bytes each: of a number
// the lowest bytes are literals, and the others a match with those of the number before;
// one that is the same makes the match longer. Times and counters that come about in order
// get as small as by a search for matches, in a fraction of its time.
type strideCoder struct {
	entropyCoder
	literals []byte
	lengths  []uint8 // of each sequence how many literals
	matches  []uint8 // the code of its match's length, which is three less
	tables   [2]fseTable
}

const (
	numberSize = 8
	minMatch   = 3 // of zstd's
	// What has a code without further bits:
	maxLiterals  = 15
	maxMatchCode = 31
	// The sequences of a frame's first block say how far back their matches are, and take
	// three bits more for it: offset eight is code 3, with these bits.
	firstSequences = 64
	offsetCode     = 3
	offsetBits     = 3
)

// appendFrame appends a page as one frame; the numbers are from values on to its end.
func (s *strideCoder) appendFrame(dst, page []byte, values int) []byte {
	numbers := page[min(values, len(page)):]
	if len(numbers) < numberSize {
		return s.entropyCoder.appendFrame(dst, page)
	}
	dst = appendFrameHeader(dst, len(page))
	at := len(page) - len(numbers) + numberSize // the first number has none before it
	dst = s.appendBlocks(dst, page[:at], false)
	first := true
	for len(page)-at >= numberSize {
		most := maxZstdBlock / numberSize
		if first {
			most = firstSequences
		}
		n := s.sequences(page[at-numberSize:], most)
		size := len(dst)
		if dst = s.appendSequences(dst, first); len(dst)-size < n {
			first = first && len(s.matches) == 0
		} else {
			dst = s.appendBlocks(dst[:size], page[at:at+n], false)
		}
		at += n
	}
	return s.appendBlocks(dst, page[at:], true)
}

// sequences makes sequences of the numbers after the first, of most of them at most, and
// returns how many bytes of theirs these and the literals behind them are.
func (s *strideCoder) sequences(numbers []byte, most int) int {
	most = min(most, len(numbers)/numberSize-1)
	s.literals = room(s.literals[:0], numberSize*(most+1))[:numberSize*(most+1)]
	s.lengths, s.matches = room(s.lengths[:0], most), room(s.matches[:0], most)
	end, pending := 0, 0 // of the literals, and how many belong to no sequence yet
	last := binary.LittleEndian.Uint64(numbers)
	for i := 1; i <= most; i++ {
		v := binary.LittleEndian.Uint64(numbers[numberSize*i:])
		x := v ^ last
		last = v
		n := len(s.matches)
		if x == 0 && pending == 0 && n > 0 && s.matches[n-1]+numberSize <= maxMatchCode {
			s.matches[n-1] += numberSize
			continue
		}
		k := max(1, (bits.Len64(x)+7)/8)
		binary.LittleEndian.PutUint64(s.literals[end:], v) // what is too much is written over
		if k > numberSize-minMatch {
			end, pending = end+numberSize, pending+numberSize
			continue
		}
		if pending+k > maxLiterals { // they end the block
			s.literals = s.literals[:end]
			return numberSize * (i - 1)
		}
		s.lengths = append(s.lengths, uint8(pending+k))
		s.matches = append(s.matches, uint8(numberSize-k-minMatch))
		end, pending = end+k, 0
	}
	s.literals = s.literals[:end]
	return numberSize * most
}

// appendSequences appends the block of what sequences made; first is whether it is the
// first one with matches.
func (s *strideCoder) appendSequences(dst []byte, first bool) []byte {
	header := len(dst)
	dst = s.appendLiterals(append(dst, 0, 0, 0))
	n := len(s.matches)
	if n < 128 { // section 3.1.1.3.2.1
		dst = append(dst, byte(n))
	} else {
		dst = append(dst, byte(n>>8+128), byte(n))
	}
	if n > 0 {
		dst = s.appendCodes(dst, first)
	}
	appendBlockHeader(dst[:header], compressedBlock, len(dst)-header-3, false)
	return dst
}

func (s *strideCoder) appendCodes(dst []byte, first bool) []byte {
	var counts [2][fseCodes]uint32
	for i, length := range s.lengths {
		counts[0][length&(fseCodes-1)]++
		counts[1][s.matches[i]&(fseCodes-1)]++
	}
	lengths, matches := &s.tables[0], &s.tables[1]
	modes := len(dst)
	dst = append(dst, 0)
	dst, ofLengths := lengths.build(dst, &counts[0])
	code, extra := byte(0), uint(0) // the last offset again
	if first {
		code, extra = offsetCode, offsetBits
	}
	dst, ofMatches := matches.build(append(dst, code), &counts[1])
	dst[modes] = ofLengths<<6 | fseRLE<<4 | ofMatches<<2
	// The last sequence comes first: the decoder reads from the end.
	w := fseBits{dst: dst}
	i := len(s.matches) - 1
	match, length := matches.first(s.matches[i]), lengths.first(s.lengths[i])
	w.add(offsetBits&(1<<extra-1), extra)
	for i--; i >= 0; i-- {
		match = matches.encode(&w, match, s.matches[i])
		length = lengths.encode(&w, length, s.lengths[i])
		w.add(offsetBits&(1<<extra-1), extra)
	}
	w.add(uint64(match)&(1<<matches.log-1), matches.log)
	w.add(uint64(length)&(1<<lengths.log-1), lengths.log)
	w.add(1, 1)
	return w.end()
}

// appendLiterals appends the section of literals, section 3.1.1.3.1.
func (s *strideCoder) appendLiterals(dst []byte) []byte {
	n := len(s.literals)
	if packed, ok := s.pack(s.literals); ok && packed != nil {
		return appendHuffman(dst, packed, n)
	}
	h := uint32(n)<<4 | 3<<2 // as they are, with their size in 20 bits
	return append(append(dst, byte(h), byte(h>>8), byte(h>>16)), s.literals...)
}
