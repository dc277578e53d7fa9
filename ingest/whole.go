package ingest

import (
	"context"
	"errors"
	"io"
	"net/http"
)

// A Whole is the content of a request, read to its end into Memory.
type Whole struct {
	B    []byte
	buf  *Buffer // nil when it is larger than one
	held int64   // reserved, where buf is nil
	mem  *Memory
}

// ReadAll reads src to its end; Free what it returns. It begins small and grows as
// bytes come in, so that a client that sends nothing holds little; while it grows it
// holds what it has and what it moves to. src is a *Body, which bounds it; an error
// of another reader is taken for a body that was cut off. hint is how many bytes to
// expect, -1 if unknown.
func (m *Memory) ReadAll(ctx context.Context, src io.Reader, hint int64) (*Whole, *Problem) {
	const first = 16 << 10
	size := first
	if 0 <= hint && hint < first {
		size = int(hint) + 1 // one byte more finds the end without growing
	}
	buf, p := m.Get(ctx, size)
	if p != nil {
		return nil, p
	}
	w := &Whole{B: buf.B[:0], buf: buf, mem: m}
	for {
		if len(w.B) == cap(w.B) {
			if p := w.grow(ctx, hint); p != nil {
				w.Free()
				return nil, p
			}
		}
		n, err := src.Read(w.B[len(w.B):cap(w.B)])
		w.B = w.B[:len(w.B)+n]
		if err == io.EOF {
			return w, nil
		}
		if err != nil {
			w.Free()
			var p *Problem
			if !errors.As(err, &p) {
				p = &Problem{Status: http.StatusBadRequest, Code: CodeCutOff, Err: err, Message: "the body could not be read"}
			}
			return nil, p
		}
	}
}

// grow moves to four times the size, to the size expected if that is not much more
// than was sent so far, and past the largest buffer to twice the size.
func (w *Whole) grow(ctx context.Context, hint int64) *Problem {
	size := cap(w.B)
	next := size * 4
	if hint >= int64(next) {
		next = int(min(hint+1, int64(size)*16))
	}
	if next > MaxBuffer && size < MaxBuffer {
		next = MaxBuffer
	}
	if next <= MaxBuffer {
		buf, p := w.mem.Get(ctx, next)
		if p != nil {
			return p
		}
		b := buf.B[:copy(buf.B, w.B)]
		w.Free()
		w.B, w.buf = b, buf
		return nil
	}
	next = size * 2
	if p := w.mem.Reserve(ctx, int64(next)); p != nil {
		return p
	}
	b := make([]byte, len(w.B), next)
	copy(b, w.B)
	w.Free()
	w.B, w.held = b, int64(next)
	return nil
}

// Free gives the memory back.
func (w *Whole) Free() {
	if w.buf != nil {
		w.buf.Free()
	} else {
		w.mem.Release(w.held)
	}
	w.B, w.buf, w.held = nil, nil, 0
}
