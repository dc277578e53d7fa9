package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"sluice/internal/lake"
)

// maxTorn bounds what a commit that was cut off can leave behind: a queue's
// bytes and a frame. More than that which cannot be read is damage.
const maxTorn = maxQueueBytes + maxFrame

// A scan is what recovery learned of a segment by reading all of it.
type scan struct {
	header   fileHeader
	headerOK bool
	blank    bool // zeros are where the header would be: it was never written
	size     int64

	prefix tally       // the frames of records from the beginning without a gap
	end    int64       // after the last of them
	keep   int64       // after the last frame of any kind without a gap
	sure   int64       // up to where that frame says that all was durable before it
	seal   *sealRecord // nil: open
	rest   int64       // bytes behind keep up to the last that is not zero

	gap      *CorruptError // the first frame that is not as written; nil if the rest is zeros
	damaged  bool          // the gap is in what had been durable, not the end of a torn commit
	good     tally         // all frames of records that can be read
	expected int64         // records that the readable headers or the seal account for
	later    int           // frames that can be read behind the gap
	last     int64         // after the last frame that can be read
	trusted  int64         // after the last header that can be trusted
}

// lost is how many records are known to be missing.
func (s *scan) lost() int64 { return max(0, s.expected-s.good.records) }

// maybeSealed says that a damaged segment was, or may have been, sealed: its
// seal is there, or unreadable bytes are where it would be.
func (s *scan) maybeSealed() bool { return s.seal != nil || s.keep+s.rest > s.last }

// scanSegment reads a segment of the given size from end to end, in memory that
// one frame bounds. Its errors are a *VersionError, or that the file could not
// be read: they say nothing about what it holds.
func scanSegment(src io.ReaderAt, path string, id lake.BatchID, size int64) (*scan, error) {
	s := &scan{size: size, end: fileHeaderLen, keep: fileHeaderLen, last: fileHeaderLen}
	r := &frameReader{src: src, path: path, salt: saltOf(id), pos: fileHeaderLen, end: size}
	if err := s.readHeader(r, id); err != nil {
		return nil, err
	}
	if s.headerOK {
		if err := s.readPrefix(r); err != nil {
			return nil, err
		}
	}
	if s.headerOK && s.header.reused > 0 {
		return s, s.readReused(r)
	}
	stop, err := r.contentEnd(s.keep)
	if err != nil {
		return nil, err
	}
	s.rest = stop - s.keep
	if s.rest == 0 || s.seal != nil && s.gap == nil {
		s.gap = nil
		return s, nil
	}
	s.damaged = s.rest > maxTorn || !s.headerOK && !s.blank && stop > fileHeaderLen
	return s, s.readBehind(r)
}

// readHeader reads the file's header. What begins with zeros only, or with
// nothing, was never committed to and has no gap.
func (s *scan) readHeader(r *frameReader, id lake.BatchID) error {
	if s.size >= fileHeaderLen {
		b, err := r.window(0, fileHeaderLen)
		if err != nil {
			return err
		}
		h, version, err := parseFileHeader(b)
		switch {
		case err == nil && (version < 1 || version > formatVersion):
			return &VersionError{Path: r.path, Version: version}
		case err == nil && h.id != id:
			return fmt.Errorf("segment %s is not what its name says: its header names batch %s", r.path, h.id)
		case err == nil:
			s.header, s.headerOK = h, true
			return nil
		}
		s.blank = contentLen(b) == 0
	}
	s.keep, s.end, s.last = 0, 0, 0
	stop, err := r.contentEnd(0)
	if err == nil && stop > 0 {
		s.gap = &CorruptError{Path: r.path, Offset: 0, Reason: errFileHeader.Error()}
	}
	return err
}

// readPrefix reads up to the first gap or the end.
func (s *scan) readPrefix(r *frameReader) error {
	for {
		f, err := r.next()
		var gap *CorruptError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &gap):
			if s.seal == nil {
				s.gap = gap
			}
			return nil // what stands behind a seal was never finished
		case err != nil:
			return err
		}
		if gap = s.count(r, &f); gap != nil {
			s.gap = gap
			return nil
		}
	}
}

// count takes the next frame without a gap into account.
func (s *scan) count(r *frameReader, f *frame) *CorruptError {
	switch {
	case f.kind >= kindOptional:
	case f.kind == kindRecords && s.seal == nil:
		s.prefix.add(int64(f.records), int64(len(f.data())), f.arrival)
		s.end = r.pos
	case f.kind == kindSeal && s.seal == nil:
		seal, ok := parseSeal(f.data())
		if !ok || seal.tally != s.prefix {
			return &CorruptError{Path: r.path, Offset: f.offset, Reason: "the seal does not agree with the frames before it"}
		}
		s.seal = &seal
	default:
		return &CorruptError{Path: r.path, Offset: f.offset, Reason: fmt.Sprintf("a frame of kind %d has no place here", f.kind)}
	}
	s.keep, s.last, s.sure = r.pos, r.pos, f.offset-int64(f.lag)
	s.good, s.expected = s.prefix, s.prefix.records
	return nil
}

// readBehind looks for frames behind the gap. One that was written when the
// place of the gap was already durable proves damage; otherwise the gap and all
// behind it belong to commits that never returned.
func (s *scan) readBehind(r *frameReader) error {
	r.pos = max(s.keep, fileHeaderLen)
	return r.hunt(func(h frameHeader, f *frame) error {
		if r.pos-int64(h.lag) > s.gap.Offset {
			s.damaged = true
		}
		s.trusted = r.pos + frameHeaderLen
		if h.kind == kindRecords {
			s.expected = max(s.expected, int64(h.before)+int64(h.records))
		}
		if f == nil {
			return nil
		}
		s.later++
		s.last = r.pos + h.size()
		switch seal, ok := parseSeal(f.data()); {
		case h.kind == kindRecords:
			s.good.add(int64(h.records), int64(len(f.data())), h.arrival)
		case h.kind == kindSeal && ok:
			s.seal, s.expected, s.damaged = &seal, seal.records, true
		}
		return nil
	})
}

// readReused settles what stands behind the prefix in a file that held other
// segments. Below header.reused their bytes may be anywhere and prove nothing,
// nor are their frames taken for this batch's. What tells the end there are the
// zeros that each commit leaves behind it, and frames of this batch.
func (s *scan) readReused(r *frameReader) error {
	if s.gap == nil {
		return nil // sealed, or whole to the end of the file
	}
	old := max(s.keep, s.header.reused)
	stop, err := r.contentEnd(old)
	if err != nil {
		return err
	}
	if stop > old {
		s.rest = stop - s.keep
		s.damaged = s.rest > maxTorn
	}
	if err := s.readBehind(r); err != nil {
		return err
	}
	if s.rest == 0 {
		pad, err := r.window(s.last, int(min(padTo(s.last), r.end)-s.last))
		if err != nil {
			return err
		}
		s.rest = max(s.last+int64(contentLen(pad)), s.trusted) - s.keep
	}
	if s.rest == 0 {
		s.gap = nil
	}
	return nil
}

// hunt calls found for every header from r.pos to r.end that can be trusted,
// with its frame where that can be trusted too, r.pos being where it begins.
func (r *frameReader) hunt(found func(frameHeader, *frame) error) error {
	for {
		h, err := r.header()
		var gap *CorruptError
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.As(err, &gap):
			// A trusted header whose frame is cut off still counts its records.
			if h.records > 0 {
				if err := found(h, nil); err != nil {
					return err
				}
			}
			if err := r.seekMagic(r.pos + 1); err != nil {
				return err
			}
			continue
		case err != nil:
			return err
		}
		at := r.pos
		f, err := r.next()
		if err != nil && !errors.As(err, &gap) {
			return err
		}
		r.pos = at
		if err != nil {
			err = found(h, nil)
		} else {
			err = found(h, &f)
		}
		if err != nil {
			return err
		}
		r.pos = at + h.size()
	}
}

// seekMagic moves r.pos to the first place from off on where a frame may begin,
// or to the end. It reads no byte more often than twice, whatever it finds.
func (r *frameReader) seekMagic(off int64) error {
	for off+frameHeaderLen <= r.end {
		n := r.at + int64(len(r.buf)) - off // what the window still holds
		if n < frameHeaderLen || off < r.at {
			n = min(readAhead, r.end-off)
		}
		b, err := r.window(off, int(n))
		if err != nil {
			return err
		}
		if i := bytes.Index(b, []byte(frameMagic)); i >= 0 {
			r.pos = off + int64(i)
			return nil
		}
		off += n - int64(len(frameMagic)) + 1
	}
	r.pos = r.end
	return nil
}

// contentEnd is the offset behind the last byte from off on that is not zero;
// off if there is none.
func (r *frameReader) contentEnd(off int64) (int64, error) {
	stop := off
	for off < r.end {
		n := int(min(readAhead, r.end-off))
		b, err := r.window(off, n)
		if err != nil {
			return 0, err
		}
		if n := contentLen(b); n > 0 {
			stop = off + int64(n)
		}
		off += int64(n)
	}
	return stop, nil
}

var zeros [4 << 10]byte

// contentLen is the length of b without the zeros at its end.
func contentLen(b []byte) int {
	for len(b) >= len(zeros) && bytes.Equal(b[len(b)-len(zeros):], zeros[:]) {
		b = b[:len(b)-len(zeros)]
	}
	return len(bytes.TrimRight(b, "\x00"))
}
