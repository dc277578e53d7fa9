package checkpoint

import (
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"strconv"

	"sluice/internal/lake"
)

// A key is a batch id in 16 bytes; the zero key is a batch that was lost.
type key struct {
	second uint64 // the digits of the time
	bits   uint64
}

// keyOf packs a valid id.
func keyOf(id lake.BatchID) (key, error) {
	if _, err := lake.ParseBatchID(string(id)); err != nil {
		return key{}, err
	}
	return pack(string(id)), nil
}

// pack packs an id that is known to be valid: 20260131T235959Z-0123456789ab.
func pack(id string) (k key) {
	for _, c := range []byte(id[:8] + id[9:15]) {
		k.second = 10*k.second + uint64(c-'0')
	}
	k.bits, _ = strconv.ParseUint(id[17:], 16, 64)
	return k
}

func (k key) id() lake.BatchID {
	return lake.BatchID(fmt.Sprintf("%08dT%06dZ-%012x", k.second/1_000_000, k.second%1_000_000, k.bits))
}

const (
	lineLen  = 58
	bodyLen  = 49
	maxGroup = 9999 // lines of one write
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// appendLine appends the line of a batch.
func appendLine(dst []byte, number uint64, group int, k key) []byte {
	at := len(dst)
	dst = fmt.Appendf(dst, "+%012d %04d %s ", number, group, k.id())
	return fmt.Appendf(dst, "%08x\n", crc32.Checksum(dst[at:], castagnoli))
}

// parseLine reads a line; ok is false for one that is not whole.
func parseLine(b []byte) (number uint64, group int, k key, ok bool) {
	if len(b) != lineLen || b[0] != '+' || b[lineLen-1] != '\n' {
		return 0, 0, key{}, false
	}
	var sum [4]byte
	if _, err := hex.Decode(sum[:], b[bodyLen:lineLen-1]); err != nil {
		return 0, 0, key{}, false
	}
	want := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	if crc32.Checksum(b[:bodyLen], castagnoli) != want {
		return 0, 0, key{}, false
	}
	number, err := strconv.ParseUint(string(b[1:13]), 10, 64)
	if err != nil {
		return 0, 0, key{}, false
	}
	if group, err = strconv.Atoi(string(b[14:18])); err != nil || group < 0 {
		return 0, 0, key{}, false
	}
	k, err = keyOf(lake.BatchID(b[19:48]))
	return number, group, k, err == nil
}
