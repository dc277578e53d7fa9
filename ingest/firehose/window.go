package firehose

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"sync"

	"sluice/ingest"
	"sluice/internal/jsonscan"
)

// A window reads JSON from a stream, a token at a time. A token lies in the window
// as a whole, which grows to ingest.LargeBuffer and no further.
type window struct {
	ctx context.Context
	mem *ingest.Memory
	src io.Reader

	buf        *ingest.Buffer
	start, end int // what is in buf and not read yet
	eof        bool
	cause      *ingest.Problem // why the body ended, if not at its end
	scan       *jsonscan.Scanner
}

// The sizes that a window has one after the other. It grows beyond steadyWindow, which
// stays in the second level cache, for a longer value only.
var windowSizes = [...]int{16 << 10, steadyWindow, ingest.LargeBuffer}

const steadyWindow = 256 << 10

// scanners know the shapes of the records that came before.
var scanners = sync.Pool{New: func() any { return &jsonscan.Scanner{} }}

// scanner is held until more is read: what scanners keep is bounded by how many
// requests work at once, not by how many wait for their clients.
func (w *window) scanner() *jsonscan.Scanner {
	if w.scan == nil {
		w.scan = scanners.Get().(*jsonscan.Scanner)
	}
	return w.scan
}

// openWindow begins to read.
func openWindow(ctx context.Context, mem *ingest.Memory, src io.Reader) (*window, error) {
	w := &window{ctx: ctx, mem: mem, src: src}
	if err := w.fill(); err != nil {
		w.free()
		return nil, err
	}
	return w, nil
}

func (w *window) free() {
	if w.scan != nil {
		scanners.Put(w.scan)
		w.scan = nil
	}
	if w.buf != nil {
		w.buf.Free()
		w.buf = nil
	}
}

// rest is what is in the window.
func (w *window) rest() []byte { return w.buf.B[w.start:w.end] }

// fill reads until the window is full or the body ends, so that the sizes of reads
// decide nothing and no token is looked at more often than the window grows.
func (w *window) fill() error {
	if w.eof {
		return w.cutOff()
	}
	if w.scan != nil {
		scanners.Put(w.scan)
		w.scan = nil
	}
	if err := w.room(); err != nil {
		return err
	}
	for idle := 0; w.end < len(w.buf.B); {
		n, err := w.src.Read(w.buf.B[w.end:])
		w.end += n
		if err == nil && n == 0 {
			if idle++; idle == 100 {
				err = io.ErrNoProgress
			}
		}
		if err == nil {
			continue
		}
		w.eof = true
		if err != io.EOF && !errors.As(err, &w.cause) {
			w.cause = &ingest.Problem{Status: http.StatusBadRequest, Code: ingest.CodeCutOff, Err: err, Message: "the body could not be read"}
		}
		if w.cause != nil {
			return w.cause
		}
		return nil
	}
	return nil
}

// room makes a part of the window free: by moving what is left to the front, or by
// growing, when nothing of it was taken or it is small and was full.
func (w *window) room() error {
	size := 0
	if w.buf != nil {
		size = len(w.buf.B)
	}
	if w.start > 0 && size >= steadyWindow {
		copy(w.buf.B, w.buf.B[w.start:w.end])
		w.start, w.end = 0, w.end-w.start
		return nil
	}
	for _, next := range windowSizes {
		if next <= size {
			continue
		}
		larger, p := w.mem.Get(w.ctx, next)
		if p != nil {
			return p
		}
		if w.buf != nil {
			copy(larger.B, w.buf.B[w.start:w.end])
			w.buf.Free()
		}
		w.buf, w.start, w.end = larger, 0, w.end-w.start
		return nil
	}
	return invalid("a value of the request is longer than %d bytes", size)
}

func (w *window) cutOff() error {
	if w.cause != nil {
		return w.cause
	}
	return malformed("the body ends before its JSON does")
}

// peek is the next byte that is no white space.
func (w *window) peek() (byte, error) {
	for {
		if w.start = jsonscan.SkipSpace(w.buf.B[:w.end], w.start); w.start < w.end {
			return w.buf.B[w.start], nil
		}
		if err := w.fill(); err != nil {
			return 0, err
		}
	}
}

// take passes over c, which must come next.
func (w *window) take(c byte) error {
	found, err := w.peek()
	if err != nil {
		return err
	}
	if found != c {
		return malformed("expected %q, found %q", c, found)
	}
	w.start++
	return nil
}

// done checks that nothing follows.
func (w *window) done() error {
	for {
		if w.start = jsonscan.SkipSpace(w.buf.B[:w.end], w.start); w.start < w.end {
			return malformed("more follows the request's JSON")
		}
		if w.eof {
			return nil
		}
		if err := w.fill(); err != nil {
			return err
		}
	}
}

// value takes a whole value. It is good until the next call.
func (w *window) value() ([]byte, error) {
	if _, err := w.peek(); err != nil {
		return nil, err
	}
	for {
		rest := w.rest()
		n, err := jsonscan.Value(rest)
		var at *jsonscan.SyntaxError
		switch {
		case err == nil && (n < len(rest) || w.eof || rest[n-1] == '"' || rest[n-1] == '}' || rest[n-1] == ']'):
			w.start += n
			return rest[:n], nil
		case errors.As(err, &at) && !at.Incomplete:
			return nil, malformed("%s of a value", at.Error())
		}
		if err := w.fill(); err != nil { // a number may go on, too
			return nil, err
		}
	}
}

// text takes a string as it stands, quotes and all, up to the first quote after the
// one it begins with; it is not looked at. ok is false, and nothing is taken, if the
// next value is no string.
func (w *window) text() (_ []byte, ok bool, err error) {
	if c, err := w.peek(); err != nil || c != '"' {
		return nil, false, err
	}
	for from := 1; ; {
		rest := w.rest()
		if n := bytes.IndexByte(rest[from:], '"'); n >= 0 {
			w.start += from + n + 1
			return rest[:from+n+1], true, nil
		}
		from = len(rest)
		if err := w.fill(); err != nil {
			return nil, false, err
		}
	}
}

// object takes an object; member takes the value of each of its keys.
func (w *window) object(member func(key string) error) error {
	if err := w.take('{'); err != nil {
		return err
	}
	c, err := w.peek()
	if err != nil || c == '}' {
		w.start++
		return err
	}
	for {
		if c, err = w.peek(); err != nil {
			return err
		}
		if c != '"' {
			return malformed("expected a key, found %q", c)
		}
		key, err := w.value()
		if err != nil {
			return err
		}
		name := nameOf(key)
		if err := w.take(':'); err != nil {
			return err
		}
		if err := member(name); err != nil {
			return err
		}
		if c, err = w.peek(); err != nil {
			return err
		}
		switch w.start++; c {
		case '}':
			return nil
		case ',':
		default:
			return malformed("expected ',' or '}', found %q", c)
		}
	}
}

// array takes an array; element takes each of its values.
func (w *window) array(element func() error) error {
	if err := w.take('['); err != nil {
		return err
	}
	c, err := w.peek()
	if err != nil || c == ']' {
		w.start++
		return err
	}
	for {
		if err := element(); err != nil {
			return err
		}
		if c, err = w.peek(); err != nil {
			return err
		}
		switch w.start++; c {
		case ']':
			return nil
		case ',':
		default:
			return malformed("expected ',' or ']', found %q", c)
		}
	}
}

// The keys that mean something.
const (
	keyStream    = "DeliveryStreamName"
	keyRecord    = "Record"
	keyRecords   = "Records"
	keyData      = "Data"
	keyRequestID = "requestId"
	keyTimestamp = "timestamp"
	keyBatch     = "records"
	keyDatum     = "data"
)

// nameOf is a key's text if it means something, else "".
func nameOf(quoted []byte) string {
	text := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(text, '\\') >= 0 {
		text = jsonscan.AppendUnquoted(nil, quoted)
	}
	switch string(text) { // without an allocation
	case keyStream:
		return keyStream
	case keyRecord:
		return keyRecord
	case keyRecords:
		return keyRecords
	case keyData:
		return keyData
	case keyRequestID:
		return keyRequestID
	case keyTimestamp:
		return keyTimestamp
	case keyBatch:
		return keyBatch
	case keyDatum:
		return keyDatum
	}
	return ""
}
