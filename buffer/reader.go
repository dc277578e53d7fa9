package buffer

import (
	"errors"
	"fmt"
	"io"

	"sluice/internal/lake"
)

// readAhead is how much of a segment is read at once; a larger frame is read whole.
const readAhead = 512 << 10

// A frame is one frame as read and verified.
type frame struct {
	frameHeader
	offset int64
	body   []byte // attributes and payload; valid until the next read
}

// A frameReader reads and verifies the frames of [pos, end) of a segment, in
// memory that the largest frame bounds.
type frameReader struct {
	src  io.ReaderAt
	path string
	salt uint32
	pos  int64 // of the next frame
	end  int64

	buf []byte // a window of the file, from
	at  int64  // this offset
}

// window returns the n bytes at off. The range lies before r.end.
func (r *frameReader) window(off int64, n int) ([]byte, error) {
	if lo := off - r.at; lo >= 0 && lo+int64(n) <= int64(len(r.buf)) {
		return r.buf[lo : lo+int64(n)], nil
	}
	want := int(min(max(int64(n), readAhead), r.end-off))
	if cap(r.buf) < want {
		r.buf = make([]byte, max(want, int(min(readAhead, r.end-off))))
	}
	r.buf, r.at = r.buf[:want], off
	if got, err := r.src.ReadAt(r.buf, off); got < want {
		r.buf = r.buf[:0]
		if err == nil || errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read %s at %d: %w", r.path, off, err)
	}
	return r.buf[:n], nil
}

// corrupt is the error of a bad frame at r.pos.
func (r *frameReader) corrupt(reason string) error {
	return &CorruptError{Path: r.path, Offset: r.pos, Reason: reason}
}

// header reads the header at r.pos: io.EOF at the end, *CorruptError if there
// is none.
func (r *frameReader) header() (frameHeader, error) {
	if r.pos >= r.end {
		return frameHeader{}, io.EOF
	}
	if r.end-r.pos < frameHeaderLen {
		return frameHeader{}, r.corrupt("a frame's header is cut off")
	}
	b, err := r.window(r.pos, frameHeaderLen)
	if err != nil {
		return frameHeader{}, err
	}
	h, ok := parseFrame(b, r.salt, r.pos)
	switch {
	case !ok:
		return h, r.corrupt("no frame begins here")
	case h.size() > r.end-r.pos:
		return h, r.corrupt("a frame is cut off")
	}
	return h, nil
}

// next reads the frame at r.pos and steps behind it. It returns io.EOF at the
// end, *CorruptError for a frame that is not as written (r.pos then stays), and
// any other error when the file could not be read.
func (r *frameReader) next() (frame, error) {
	h, err := r.header()
	if err != nil {
		return frame{}, err
	}
	b, err := r.window(r.pos, int(h.size()))
	if err != nil {
		return frame{}, err
	}
	body := b[frameHeaderLen:]
	if crcOf(body) != h.sum {
		return frame{}, r.corrupt("a frame's checksum does not match")
	}
	f := frame{frameHeader: h, offset: r.pos, body: body}
	r.pos += h.size()
	return f, nil
}

// data is the payload.
func (f *frame) data() []byte { return f.body[f.attrs:] }

// block is the frame as the world above sees it.
func (f *frame) block() lake.Block {
	b := lake.Block{Data: f.data(), Records: int(f.records), Arrival: milli(f.arrival)}
	if f.attrs > 0 {
		b.Attrs = f.body[:f.attrs]
	}
	return b
}
