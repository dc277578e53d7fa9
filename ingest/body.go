package ingest

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

// BodyTimeout is how long a client may take for the first pace bytes of a body,
// and again for each pace bytes that follow.
const (
	BodyTimeout = time.Minute
	pace        = 1 << 20
)

// A Body reads the content of a request: decompressed, up to a limit, from a
// client that may not dawdle. An error of Read is io.EOF or a *Problem; bytes
// that came before it are good unless its code is CodeCorrupt.
type Body struct {
	content io.Reader // of the decoder, or &raw
	raw     rawBody
	left    int64 // bytes of content before the limit
	max     int64
	decoder decoder // nil for identity
}

// OpenBody begins to read a request's body, of which at most limit bytes of
// content are taken. Close it.
func OpenBody(w http.ResponseWriter, r *http.Request, mem *Memory, limit int64) (*Body, *Problem) {
	coding, p := contentCoding(r.Header)
	if p != nil {
		return nil, p
	}
	rawLimit := limit
	if coding != "" {
		// What cannot be compressed grows a little: by 1/64 is more than either
		// format's worst.
		rawLimit += limit/64 + 64<<10
	}
	if r.ContentLength > rawLimit {
		return nil, tooLarge(limit)
	}
	b := &Body{left: limit, max: limit}
	b.raw = rawBody{src: r.Body, ctl: http.NewResponseController(w), max: rawLimit, limit: limit}
	b.raw.extend()
	if coding == "" {
		b.content = &b.raw
		return b, nil
	}
	b.decoder, p = openDecoder(r.Context(), coding, &b.raw, mem)
	if p != nil {
		return nil, p
	}
	b.content = b.decoder
	return b, nil
}

// Taken is how many bytes of content were read.
func (b *Body) Taken() int64 { return b.max - b.left }

// Close frees what the body holds. It does not read the rest.
func (b *Body) Close() {
	if b.decoder != nil {
		b.decoder.free()
		b.decoder = nil
	}
}

func (b *Body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left {
		p = p[:b.left+1] // one byte more tells a body at the limit from one past it
	}
	n, err := b.content.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		b.left = 0
		return n, tooLarge(b.max)
	}
	b.left -= int64(n)
	if err == nil || err == io.EOF {
		return n, err
	}
	return n, b.problem(err)
}

func (b *Body) problem(err error) error {
	if b.raw.problem != nil {
		return b.raw.problem // what the decoder makes of it says less
	}
	return b.decoder.problem(err)
}

func tooLarge(limit int64) *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge,
		Message: fmt.Sprintf("the body is larger than http.max_body, %d bytes; nothing after that was read", limit)}
}

// A rawBody reads a request's body as it was sent.
type rawBody struct {
	src     io.Reader
	ctl     *http.ResponseController
	n, max  int64 // bytes read; the most to read
	limit   int64 // of the content, to be told
	due     int64 // n at which the deadline moves
	problem *Problem
}

// extend gives the client another BodyTimeout. Where a deadline cannot be set,
// as in tests without a connection, there is none.
func (r *rawBody) extend() {
	r.ctl.SetReadDeadline(time.Now().Add(BodyTimeout))
	r.due = r.n + pace
}

func (r *rawBody) Read(p []byte) (int, error) {
	n, err := r.src.Read(p)
	r.n += int64(n)
	switch {
	case err == io.EOF:
		return n, io.EOF
	case err != nil:
		r.problem = readProblem(err, r.n)
		return n, r.problem
	case r.n > r.max:
		r.problem = tooLarge(r.limit)
		return n, r.problem
	case r.n >= r.due:
		r.extend()
	}
	return n, nil
}

func readProblem(err error, n int64) *Problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return &Problem{Status: http.StatusRequestTimeout, Code: CodeTimeout, Err: err,
			Message: fmt.Sprintf("the body came too slowly: %d bytes, then less than %d in %v", n, pace, BodyTimeout)}
	}
	return &Problem{Status: http.StatusBadRequest, Code: CodeCutOff, Err: err,
		Message: fmt.Sprintf("the body was cut off after %d bytes", n)}
}
