package buffer

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"sluice/internal/lake"
)

// The sizes and marks of the format that doc.go lays out.
const (
	formatVersion  = 2 // the latest; 1 is what a file is that holds nothing older
	fileMagic      = "\xfeSLUICE\n"
	fileHeaderLen  = 160
	frameMagic     = "\xfeSLF"
	frameHeaderLen = 48
	sealHeaderLen  = 56
	batchIDLen     = 29
	maxStreamName  = 64

	// MaxBlock bounds a block's Data: it becomes one frame.
	MaxBlock = 16 << 20
	// maxFrame bounds what a reader believes of a frame's length.
	maxFrame = frameHeaderLen + 1<<16 + MaxBlock
)

// The kinds of frame. A reader passes over a kind from kindOptional on that it
// does not know.
const (
	kindRecords  = 1
	kindSeal     = 2
	kindOptional = 128
)

var (
	castagnoli = crc32.MakeTable(crc32.Castagnoli)
	le         = binary.LittleEndian
)

// crcOf is b's CRC-32C.
func crcOf(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

// saltOf is where the checksums of a batch's headers start, so that no header
// of another batch is ever taken for one of this.
func saltOf(id lake.BatchID) uint32 { return crcOf([]byte(id)) }

// A fileHeader begins every segment.
type fileHeader struct {
	id     lake.BatchID
	stream string
	seq    uint64 // position of the batch in its stream
	begun  int64  // ms since the epoch
	reused int64  // up to where the file may hold bytes of earlier segments; 0 for a new one
}

// put encodes the header into dst[:fileHeaderLen].
func (h *fileHeader) put(dst []byte) {
	dst = dst[:fileHeaderLen]
	clear(dst)
	copy(dst, fileMagic)
	le.PutUint16(dst[8:], 1)
	if h.reused > 0 {
		le.PutUint16(dst[8:], 2)
		le.PutUint64(dst[136:], uint64(h.reused))
	}
	le.PutUint16(dst[10:], fileHeaderLen)
	copy(dst[16:16+batchIDLen], h.id)
	le.PutUint64(dst[48:], uint64(h.begun))
	le.PutUint64(dst[56:], h.seq)
	dst[64] = byte(len(h.stream))
	copy(dst[72:72+maxStreamName], h.stream)
	le.PutUint32(dst[fileHeaderLen-4:], crcOf(dst[:fileHeaderLen-4]))
}

var errFileHeader = errors.New("its header is not a segment's")

// parseFileHeader reads a segment's header; it returns the version too, since
// the rest of a newer version's header means nothing to us.
func parseFileHeader(src []byte) (h fileHeader, version int, err error) {
	if len(src) < fileHeaderLen || string(src[:8]) != fileMagic ||
		le.Uint32(src[fileHeaderLen-4:]) != crcOf(src[:fileHeaderLen-4]) {
		return h, 0, errFileHeader
	}
	version = int(le.Uint16(src[8:]))
	if version < 1 || version > formatVersion {
		return h, version, nil
	}
	if n := int(src[64]); n <= maxStreamName {
		h.stream = string(src[72 : 72+n])
	}
	h.id = lake.BatchID(src[16 : 16+batchIDLen])
	h.begun = int64(le.Uint64(src[48:]))
	h.seq = le.Uint64(src[56:])
	h.reused = max(0, int64(le.Uint64(src[136:])))
	return h, version, nil
}

// A frameHeader precedes each frame's payload.
type frameHeader struct {
	kind    byte
	attrs   uint16 // bytes of attributes before the payload
	length  uint32 // bytes of payload
	records uint32
	arrival int64  // ms since the epoch
	before  uint64 // records of the batch in frames before this one
	lag     uint32 // bytes right before this frame that were not yet known to be durable
	sum     uint32 // CRC-32C of attributes and payload
}

// size is the frame's length in the file.
func (h *frameHeader) size() int64 { return frameHeaderLen + int64(h.attrs) + int64(h.length) }

// put encodes the header of a frame at offset into dst[:frameHeaderLen].
func (h *frameHeader) put(dst []byte, salt uint32, offset int64) {
	dst = dst[:frameHeaderLen]
	copy(dst, frameMagic)
	dst[4], dst[5] = h.kind, 0
	le.PutUint16(dst[6:], h.attrs)
	le.PutUint32(dst[8:], h.length)
	le.PutUint32(dst[12:], h.records)
	le.PutUint64(dst[16:], uint64(h.arrival))
	le.PutUint64(dst[24:], h.before)
	le.PutUint32(dst[32:], h.lag)
	le.PutUint32(dst[36:], h.sum)
	at := dst[40:48] // for now, as memory of its own would be another allocation a frame
	le.PutUint64(at, uint64(offset))
	sum := crc32.Update(salt, castagnoli, at)
	le.PutUint32(dst[40:], 0)
	le.PutUint32(dst[44:], crc32.Update(sum, castagnoli, dst[:44]))
}

// parseFrame reads the header of a frame at offset.
func parseFrame(src []byte, salt uint32, offset int64) (h frameHeader, ok bool) {
	if len(src) < frameHeaderLen || string(src[:4]) != frameMagic || le.Uint32(src[44:]) != headerSum(src, salt, offset) {
		return h, false
	}
	h = frameHeader{
		kind: src[4], attrs: le.Uint16(src[6:]), length: le.Uint32(src[8:]), records: le.Uint32(src[12:]),
		arrival: int64(le.Uint64(src[16:])), before: le.Uint64(src[24:]), lag: le.Uint32(src[32:]), sum: le.Uint32(src[36:]),
	}
	return h, h.length <= MaxBlock && int64(h.lag) <= offset
}

// headerSum is a frame header's checksum: of the batch id, the frame's offset
// and the header's first 44 bytes.
func headerSum(header []byte, salt uint32, offset int64) uint32 {
	var at [8]byte
	le.PutUint64(at[:], uint64(offset))
	return crc32.Update(crc32.Update(salt, castagnoli, at[:]), castagnoli, header[:44])
}

// A SealReason says why a batch was sealed.
type SealReason uint8

// The reasons, as the seal record stores them.
const (
	SealSize     SealReason = 1 // it reached Config.Size
	SealAge      SealReason = 2 // its first record reached Config.Interval
	SealRequest  SealReason = 3 // Seal was called
	SealSpace    SealReason = 4 // a ceiling was reached and nothing else could be delivered
	SealRecovery SealReason = 5 // Open found it beside a newer open batch
)

var sealReasons = map[SealReason]string{
	SealSize: "size", SealAge: "age", SealRequest: "request", SealSpace: "space", SealRecovery: "recovery",
}

// String is the reason in one word.
func (r SealReason) String() string {
	if s, ok := sealReasons[r]; ok {
		return s
	}
	return "unknown"
}

// A tally counts a batch's records.
type tally struct {
	records, bytes, frames int64
	first, last            int64 // earliest and latest arrival, ms since the epoch
}

// add counts one frame.
func (t *tally) add(records, bytes, arrival int64) {
	if t.frames == 0 || arrival < t.first {
		t.first = arrival
	}
	if t.frames == 0 || arrival > t.last {
		t.last = arrival
	}
	t.records += records
	t.bytes += bytes
	t.frames++
}

// A sealRecord is the payload of a seal frame.
type sealRecord struct {
	tally
	sealed int64 // ms since the epoch
	reason SealReason
	rules  []byte
}

// encode makes the seal frame's payload.
func (s *sealRecord) encode() []byte {
	b := make([]byte, sealHeaderLen, sealHeaderLen+len(s.rules))
	for i, v := range []int64{s.records, s.bytes, s.frames, s.first, s.last, s.sealed} {
		le.PutUint64(b[8*i:], uint64(v))
	}
	b[48] = byte(s.reason)
	le.PutUint32(b[52:], uint32(len(s.rules)))
	return append(b, s.rules...)
}

// parseSeal reads a seal frame's payload.
func parseSeal(b []byte) (s sealRecord, ok bool) {
	if len(b) < sealHeaderLen || int(le.Uint32(b[52:])) != len(b)-sealHeaderLen {
		return s, false
	}
	for i, p := range []*int64{&s.records, &s.bytes, &s.frames, &s.first, &s.last, &s.sealed} {
		*p = int64(le.Uint64(b[8*i:]))
	}
	s.reason = SealReason(b[48])
	if len(b) > sealHeaderLen {
		s.rules = append([]byte(nil), b[sealHeaderLen:]...)
	}
	return s, true
}

// milli is the time of an arrival as stored.
func milli(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
