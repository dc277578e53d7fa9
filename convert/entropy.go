package convert

import (
	"encoding/binary"
	"errors"

	"github.com/klauspost/compress/huff0"
)

// An entropyCoder writes zstd frames (RFC 8878) that have no matches, only
// entropy-coded literals: as small as any where nothing longer is repeated, as in
// dictionary references and UUIDs, in a fraction of the time that looking for
// matches takes.
type entropyCoder struct{ huff huff0.Scratch }

const (
	zstdMagic    = 0xFD2FB528
	maxZstdBlock = 128 << 10
)

// The types of a block, section 3.1.1.2.2.
const (
	rawBlock        = 0
	rleBlock        = 1
	compressedBlock = 2
)

// appendFrame appends src as one frame.
func (e *entropyCoder) appendFrame(dst, src []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, zstdMagic)
	// Frame header: a single segment with its size in four bytes, no checksum.
	dst = append(dst, 2<<6|1<<5)
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(src)))
	for {
		n := min(len(src), maxZstdBlock)
		dst = e.appendBlock(dst, src[:n], n == len(src))
		if src = src[n:]; len(src) == 0 {
			return dst
		}
	}
}

func appendBlockHeader(dst []byte, kind, size int, last bool) []byte {
	h := size<<3 | kind<<1
	if last {
		h |= 1
	}
	return append(dst, byte(h), byte(h>>8), byte(h>>16))
}

func (e *entropyCoder) appendBlock(dst, src []byte, last bool) []byte {
	e.huff.Reuse = huff0.ReusePolicyNone
	var packed []byte
	err := huff0.ErrIncompressible
	if len(src) >= 64 {
		packed, _, err = huff0.Compress4X(src, &e.huff)
	}
	if errors.Is(err, huff0.ErrUseRLE) {
		return append(appendBlockHeader(dst, rleBlock, len(src), last), src[0])
	}
	const overhead = 5 + 1 // of the literals' header, and for no sequences
	if err != nil || len(packed)+overhead >= len(src) {
		return append(appendBlockHeader(dst, rawBlock, len(src), last), src...)
	}
	dst = appendBlockHeader(dst, compressedBlock, len(packed)+overhead, last)
	// Literals section header: Huffman-coded with a table of its own, four
	// streams, both sizes in 18 bits.
	h := uint64(2) | 3<<2 | uint64(len(src))<<4 | uint64(len(packed))<<22
	dst = append(dst, byte(h), byte(h>>8), byte(h>>16), byte(h>>24), byte(h>>32))
	dst = append(dst, packed...)
	return append(dst, 0) // sequences: none
}
