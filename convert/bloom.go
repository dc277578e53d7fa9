package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"

	"sluice/internal/lake"

	"github.com/cespare/xxhash/v2"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Parquet's split-block Bloom filter: a value's hash, XXH64 of its PLAIN bytes,
// chooses a block of 256 bits by its upper half, and by its lower half one bit in
// each of the block's eight words.
const (
	defaultFPP = 0.01
	blockWords = 8
	blockBytes = 4 * blockWords
	maxBloom   = 32 << 20 // bytes; past them false positives are more than asked for
)

// bloomSalts choose the bits of a block, as the specification has them.
var bloomSalts = [blockWords]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

type bloomBlock [blockWords]uint32

// A bloomFilter has a power of two of blocks, as some readers want it.
type bloomFilter struct {
	blocks []bloomBlock
	added  int // how many values were not there before: the distinct ones, nearly
}

// add adds a hash.
func (f *bloomFilter) add(hash uint64) {
	block := &f.blocks[hash>>32*uint64(len(f.blocks))>>32]
	fresh := uint32(0)
	for i, salt := range bloomSalts {
		bit := uint32(1) << (uint32(hash) * salt >> 27)
		fresh |= bit &^ block[i]
		block[i] |= bit
	}
	if fresh != 0 {
		f.added++
	}
}

// fold halves the filter. A hash's block is the upper bits of it, so in half as
// many blocks two neighbours become one.
func (f *bloomFilter) fold() {
	half := len(f.blocks) / 2
	for i := range half {
		a, b := f.blocks[2*i], f.blocks[2*i+1]
		for w := range a {
			f.blocks[i][w] = a[w] | b[w]
		}
	}
	f.blocks = f.blocks[:half]
}

// bloomBlocks is how many blocks a filter of n distinct values needs.
func bloomBlocks(n int, fpp float64) int {
	perValue := -8 / math.Log(1-math.Pow(fpp, 1.0/8)) // bits
	blocks := math.Ceil(float64(n) * perValue / (8 * blockBytes))
	if blocks >= maxBloom/blockBytes {
		return maxBloom / blockBytes
	}
	return 1 << bits.Len(uint(max(blocks, 1)-1))
}

// bloom makes a column's filter, its header included; nil when it has no value.
// How many distinct values there are is known only when all are in it: it begins
// as large as if all were, and is folded to what they need.
func (e *encoder) bloom(vals values, leaf *node) ([]byte, error) {
	n := hashCount(vals)
	if n == 0 {
		return nil, nil
	}
	f := &bloomFilter{}
	size := bloomBlocks(n, leaf.bloom)
	if cap(e.blocks) < size {
		e.blocks = make([]bloomBlock, size)
	}
	f.blocks = e.blocks[:size]
	clear(f.blocks)
	addHashes(f, vals)
	for need := bloomBlocks(f.added, leaf.bloom); len(f.blocks) > need; {
		f.fold()
	}
	header, err := thrift.Marshal(&e.proto, &format.BloomFilterHeader{
		NumBytes:    int32(len(f.blocks) * blockBytes),
		Algorithm:   format.BloomFilterAlgorithm{Value: &format.SplitBlockAlgorithm{}},
		Hash:        format.BloomFilterHash{Value: &format.XxHash{}},
		Compression: format.BloomFilterCompression{Value: &format.BloomFilterUncompressed{}},
	})
	if err != nil {
		return nil, fmt.Errorf("marshal bloom filter: %w", err)
	}
	out := make([]byte, 0, len(header)+len(f.blocks)*blockBytes)
	out = append(out, header...)
	for i := range f.blocks {
		for _, w := range f.blocks[i] {
			out = binary.LittleEndian.AppendUint32(out, w)
		}
	}
	return out, nil
}

// hashCount is how many hashes addHashes adds at most.
func hashCount(vals values) int {
	switch v := vals.(type) {
	case *dictTexts:
		return v.t.entries.len()
	case *plainTexts:
		return v.t.len()
	case *dictNumbers:
		return len(v.e.numbers.entries)
	case *plainNumbers:
		return len(v.nums)
	}
	return 0
}

// addHashes adds the values, of a dictionary each once.
func addHashes(f *bloomFilter, vals values) {
	switch v := vals.(type) {
	case *dictTexts:
		addTexts(f, &v.t.entries)
	case *plainTexts:
		addTexts(f, &v.t.entries)
	case *dictNumbers:
		addNumbers(f, v.kind, v.e.numbers.entries)
	case *plainNumbers:
		addNumbers(f, v.kind, v.nums)
	}
}

func addTexts(f *bloomFilter, texts *ragged) {
	for i := range texts.len() {
		f.add(xxhash.Sum64(texts.at(uint32(i))))
	}
}

// addNumbers adds numbers. Of zeros of floating point it adds both, since they
// are equal and a reader may look for either.
func addNumbers(f *bloomFilter, k lake.Kind, nums []int64) {
	var plain [8]byte
	zero := int64(0)
	switch k {
	case lake.KindDouble:
		zero = math.MinInt64 // the bits of -0
	case lake.KindFloat:
		zero = 1 << 31
	}
	for _, n := range nums {
		if zero != 0 && (n == 0 || n == zero) {
			f.add(xxhash.Sum64(appendNum(plain[:0], k, 0)))
			n = zero
		}
		f.add(xxhash.Sum64(appendNum(plain[:0], k, n)))
	}
}
