package dedupe

import (
	"encoding/binary"
	"hash/crc32"
	"math/bits"
)

// The sizes and marks of the format that doc.go lays out.
const (
	fileMagic     = "\xfeDEDUPE\n"
	formatVersion = 1
	headerLen     = 128
	bucketLen     = 64
	entryLen      = keyLen + 4
	filterAt      = 12 // offset of the filter in a bucket
	filterLen     = 48
	bucketSum     = bucketLen - 4 // offset of a bucket's checksum
	perBucket     = 24            // entries of a bucket, about
	probes        = 6             // bits of the filter that a key sets
	maxEntries    = 1<<32 - 1
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

func crcOf(seed uint32, b []byte) uint32 { return crc32.Update(seed, castagnoli, b) }

// A kind says what the keys of a file are made of.
type kind uint8

const (
	kindField   kind = 1 // a field of the record
	kindRequest kind = 2 // a request's Idempotency-Key and the record's place in it
)

var kinds = map[kind]string{kindField: "fields", kindRequest: "requests"}

func (k kind) String() string { return kinds[k] }

// A fileHeader begins a key file and ends it.
type fileHeader struct {
	kind           kind
	id             [16]byte // random, also in the file's name; every checksum begins with it
	entries        uint64
	buckets        uint64
	oldest, newest uint32 // arrivals
	window         uint32 // in force when the file was written
}

func (h *fileHeader) salt() uint32 { return crcOf(0, h.id[:]) }

// size is the length of the file.
func (h *fileHeader) size() uint64 {
	return 2*headerLen + h.buckets*bucketLen + h.entries*entryLen
}

func (h *fileHeader) entriesAt() uint64 { return headerLen + h.buckets*bucketLen }

// put encodes the header into dst[:headerLen].
func (h *fileHeader) put(dst []byte) {
	dst = dst[:headerLen]
	clear(dst)
	copy(dst, fileMagic)
	le.PutUint16(dst[8:], formatVersion)
	le.PutUint16(dst[10:], headerLen)
	dst[12] = byte(h.kind)
	copy(dst[16:32], h.id[:])
	le.PutUint64(dst[32:], h.entries)
	le.PutUint64(dst[40:], h.buckets)
	le.PutUint32(dst[48:], h.oldest)
	le.PutUint32(dst[52:], h.newest)
	le.PutUint32(dst[56:], h.window)
	le.PutUint32(dst[headerLen-4:], crcOf(0, dst[:headerLen-4]))
}

// parseHeader reads a header; size is the file's.
func parseHeader(src []byte, size int) (h fileHeader, version int, ok bool) {
	if len(src) < headerLen || string(src[:8]) != fileMagic || le.Uint32(src[headerLen-4:]) != crcOf(0, src[:headerLen-4]) {
		return h, 0, false
	}
	if version = int(le.Uint16(src[8:])); version != formatVersion {
		return h, version, true
	}
	h = fileHeader{
		kind: kind(src[12]), id: [16]byte(src[16:32]), entries: le.Uint64(src[32:]), buckets: le.Uint64(src[40:]),
		oldest: le.Uint32(src[48:]), newest: le.Uint32(src[52:]), window: le.Uint32(src[56:]),
	}
	ok = h.entries <= maxEntries && h.buckets >= 1 && h.buckets <= maxEntries && h.size() == uint64(size)
	return h, version, ok
}

// bucketsFor is how many buckets a file gets for up to n entries.
func bucketsFor(n uint64) uint64 { return max(1, (n+perBucket-1)/perBucket) }

// bucketOf is the bucket of a key: buckets part the keys' range evenly.
func bucketOf(k *Key, buckets uint64) uint64 {
	hi, _ := bits.Mul64(k.hi(), buckets)
	return hi
}

// probe is the n-th bit that a key sets in its bucket's filter. The bits of the
// key that chose the bucket are not among those used.
func probe(k *Key, n int) uint32 {
	return uint32(binary.LittleEndian.Uint16(k[4+2*n:])) * (filterLen * 8) >> 16
}

func setFilter(filter []byte, k *Key) {
	for n := range probes {
		bit := probe(k, n)
		filter[bit>>3] |= 1 << (bit & 7)
	}
}

func inFilter(filter []byte, k *Key) bool {
	for n := range probes {
		bit := probe(k, n)
		if filter[bit>>3]&(1<<(bit&7)) == 0 {
			return false
		}
	}
	return true
}

// sumBucket is the checksum of a bucket's bytes before the sum. It begins with
// another number in each file and at each place, so that no other bucket passes
// for this one.
func sumBucket(salt uint32, index uint64, b []byte) uint32 {
	return crcOf(salt^uint32(index)*2654435761, b[:bucketSum])
}
