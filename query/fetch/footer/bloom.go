package footer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Bloom is the split-block Bloom filter of a column chunk.
// https://github.com/apache/parquet-format/blob/master/BloomFilter.md
type Bloom struct{ blocks []byte }

const (
	bloomBlock = 32 // bytes of a block: eight words
	// BloomHead is as much of a filter as always has its header.
	BloomHead = 64
)

var bloomSalts = [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}

// BloomSpan is where the filter of a column chunk lies, 0 where it has none. The length
// is 0 where the writer did not say it: then BloomLength has it.
func (f *Footer) BloomSpan(group, leaf int) (off, length int64) {
	m := &f.Meta.RowGroups[group].Columns[leaf].MetaData
	return m.BloomFilterOffset, int64(m.BloomFilterLength)
}

// BloomLength is how many bytes the filter has that begins so, its header included.
func BloomLength(head []byte) (int64, error) {
	n, rest, err := bloomHeader(head)
	return n + int64(len(head)-len(rest)), err
}

// ParseBloom reads a filter. One with another hash, or compressed, is an error.
func ParseBloom(b []byte) (*Bloom, error) {
	n, rest, err := bloomHeader(b)
	if err != nil {
		return nil, err
	}
	if int64(len(rest)) < n {
		return nil, fmt.Errorf("the Bloom filter has %d bytes, not %d", len(rest), n)
	}
	return &Bloom{blocks: rest[:n]}, nil
}

var errBloom = errors.New("the Bloom filter is of no kind that is known")

func bloomHeader(b []byte) (n int64, rest []byte, err error) {
	fields, rest, err := readStruct(b)
	if err != nil {
		return 0, nil, err
	}
	size := find(fields, 1, typeI32)
	if size == nil {
		return 0, nil, errBloom
	}
	if n, _, err = readInt(size.value); err != nil {
		return 0, nil, err
	}
	if n <= 0 || n%bloomBlock != 0 || n > 1<<31-1 {
		return 0, nil, errBloom
	}
	// Algorithm, hash and compression are unions, of which the first member is the one
	// that is known: BLOCK, XXHASH, UNCOMPRESSED.
	for _, id := range []int16{2, 3, 4} {
		union := find(fields, id, typeStruct)
		if union == nil {
			return 0, nil, errBloom
		}
		members, _, err := readStruct(union.value)
		if err != nil || len(members) != 1 || members[0].id != 1 {
			return 0, nil, errBloom
		}
	}
	return n, rest, nil
}

// Has reports whether a value may be among the column chunk's, given the XXH64 of its
// PLAIN bytes, without the length of texts.
func (f *Bloom) Has(hash uint64) bool {
	count := uint64(len(f.blocks) / bloomBlock)
	block := f.blocks[(hash>>32*count>>32)*bloomBlock:]
	for i, salt := range bloomSalts {
		bit := uint32(1) << (uint32(hash) * salt >> 27)
		if binary.LittleEndian.Uint32(block[4*i:])&bit == 0 {
			return false
		}
	}
	return true
}
