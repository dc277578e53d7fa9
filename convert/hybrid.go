package convert

import (
	"encoding/binary"
)

// appendHybrid appends values of the bit width in Parquet's RLE/bit-packing
// hybrid. Runs of 16 or more equal values are run-length encoded, all else
// bit-packed.
func appendHybrid(dst []byte, values []uint32, width uint) []byte {
	for i := 0; i < len(values); {
		if run := runLength(values[i:]); run >= 16 || (run > 0 && i+run == len(values)) {
			dst = binary.AppendUvarint(dst, uint64(run)<<1)
			for w, v := uint(0), uint32(values[i]); w < width; w += 8 {
				dst = append(dst, byte(v>>w))
			}
			i += run
			continue
		}
		// Bit-pack in groups of eight up to the next long run.
		end := i + 8
		for end < len(values) && runLength(values[end:]) < 16 {
			end += 8
		}
		dst = appendPacked(dst, values[i:min(end, len(values))], width)
		i = end
	}
	return dst
}

// runLength counts how many of the first values are equal, enough to decide
// quickly where they are not.
func runLength(values []uint32) int {
	v := values[0]
	n := 1
	for n < len(values) && values[n] == v {
		n++
	}
	return n
}

// appendPacked appends one bit-packed run; the last group is filled with zeros.
func appendPacked(dst []byte, values []uint32, width uint) []byte {
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	end := len(dst) + groups*int(width)
	var acc uint64
	var have uint
	for _, v := range values {
		acc |= uint64(v) << have
		have += width
		for have >= 32 {
			dst = binary.LittleEndian.AppendUint32(dst, uint32(acc))
			acc >>= 32
			have -= 32
		}
	}
	for ; have > 0 && len(dst) < end; have -= min(have, 8) {
		dst = append(dst, byte(acc))
		acc >>= 8
	}
	for len(dst) < end {
		dst = append(dst, 0)
	}
	return dst
}

// ones has the lowest bit of every byte.
const ones = 0x0101010101010101

// appendLevels appends levels in the hybrid, looking at eight at a time: runs of
// 16 or more equal ones are run-length encoded where groups of eight begin.
func appendLevels(dst []byte, levels []uint8, width uint) []byte {
	packed := 0 // where begins what is to be bit-packed
	for i := 0; i+8 <= len(levels); {
		x := binary.LittleEndian.Uint64(levels[i:])
		if x != uint64(levels[i])*ones {
			i += 8
			continue
		}
		end := i + 8
		for end+8 <= len(levels) && binary.LittleEndian.Uint64(levels[end:]) == x {
			end += 8
		}
		if rest := levels[end:]; len(rest) < 8 && allEqual(rest, levels[i]) {
			end = len(levels)
		}
		if end-i >= 16 || end == len(levels) {
			dst = appendPackedLevels(dst, levels[packed:i], width)
			dst = binary.AppendUvarint(dst, uint64(end-i)<<1)
			dst = append(dst, levels[i])
			packed = end
		}
		i = end
	}
	return appendPackedLevels(dst, levels[packed:], width)
}

func allEqual(levels []uint8, v uint8) bool {
	for _, l := range levels {
		if l != v {
			return false
		}
	}
	return true
}

// appendPackedLevels appends one bit-packed run, if there is any level; the last
// group is filled with zeros.
func appendPackedLevels(dst []byte, levels []uint8, width uint) []byte {
	if len(levels) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(levels)+7)>>3<<1|1)
	for len(levels) >= 8 {
		dst = binary.LittleEndian.AppendUint64(dst, pack(binary.LittleEndian.Uint64(levels), width))
		dst = dst[:len(dst)-8+int(width)]
		levels = levels[8:]
	}
	if len(levels) > 0 {
		var last [8]byte
		copy(last[:], levels)
		dst = binary.LittleEndian.AppendUint64(dst, pack(binary.LittleEndian.Uint64(last[:]), width))
		dst = dst[:len(dst)-8+int(width)]
	}
	return dst
}

// pack moves the low width bits of eight bytes together.
func pack(x uint64, width uint) uint64 {
	const bytes, words, doubles = 0x00ff00ff00ff00ff, 0x0000ffff0000ffff, 0x00000000ffffffff
	x = x&bytes | x>>8&bytes<<width
	x = x&words | x>>16&words<<(2*width)
	return x&doubles | x>>32<<(4*width)
}
