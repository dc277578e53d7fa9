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
	return e.appendBlocks(appendFrameHeader(dst, len(src)), src, true)
}

// appendFrameHeader begins a frame of a single segment of size bytes, without checksum.
func appendFrameHeader(dst []byte, size int) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, zstdMagic)
	dst = append(dst, 2<<6|1<<5) // the size in four bytes
	return binary.LittleEndian.AppendUint32(dst, uint32(size))
}

// appendBlocks appends src in blocks, at least one; last ones end the frame.
func (e *entropyCoder) appendBlocks(dst, src []byte, last bool) []byte {
	for {
		n := min(len(src), maxZstdBlock)
		dst = e.appendBlock(dst, src[:n], last && n == len(src))
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
	packed, ok := e.pack(src)
	switch {
	case !ok:
		return append(appendBlockHeader(dst, rawBlock, len(src), last), src...)
	case packed == nil:
		return append(appendBlockHeader(dst, rleBlock, len(src), last), src[0])
	}
	dst = appendBlockHeader(dst, compressedBlock, len(packed)+huffmanOverhead, last)
	return append(appendHuffman(dst, packed, len(src)), 0) // sequences: none
}

// huffmanOverhead is what the literals' header takes, and that there are no sequences.
const huffmanOverhead = 5 + 1

// pack codes literals by Huffman's method with a table of their own, in four streams: nil
// where all bytes are the same. It is not ok where that makes them no smaller.
func (e *entropyCoder) pack(src []byte) (packed []byte, ok bool) {
	if len(src) < 64 {
		return nil, false
	}
	e.huff.Reuse = huff0.ReusePolicyNone
	packed, _, err := huff0.Compress4X(src, &e.huff)
	if errors.Is(err, huff0.ErrUseRLE) {
		return nil, true
	}
	return packed, err == nil && len(packed)+huffmanOverhead < len(src)
}

// appendHuffman appends the literals section of n packed bytes: both sizes are in 18 bits.
func appendHuffman(dst, packed []byte, n int) []byte {
	h := uint64(2) | 3<<2 | uint64(n)<<4 | uint64(len(packed))<<22
	dst = append(dst, byte(h), byte(h>>8), byte(h>>16), byte(h>>24), byte(h>>32))
	return append(dst, packed...)
}
