package ingest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdClasses are the window sizes that decoders are kept for. RFC 8878, section
// 3.1.1.1.2, recommends that a decoder support 8 MB and lets it refuse more.
var zstdClasses = [...]int64{256 << 10, 2 << 20, maxZstdWindow}

const (
	maxZstdWindow = 8 << 20
	// zstdOverhead is what a decoder holds beside its window: two blocks of
	// space after it, literals, tables.
	zstdOverhead = 1 << 20
)

var zstdReaders [len(zstdClasses)]sync.Pool // of *zstd.Decoder, by the largest window it had

// A zstdDecoder holds memory for the largest window that the frames so far ask
// for: each frame's header is looked at before the decoder sees it.
type zstdDecoder struct {
	ctx     context.Context
	frames  zstdFrames
	zr      *zstd.Decoder // nil before the first frame
	class   int
	held    int64
	mem     *Memory
	refused *Problem
}

func openZstd(ctx context.Context, src *rawBody, mem *Memory) *zstdDecoder {
	return &zstdDecoder{ctx: ctx, frames: zstdFrames{src: src}, mem: mem}
}

func (d *zstdDecoder) Read(p []byte) (int, error) {
	if d.zr != nil {
		return d.zr.Read(p)
	}
	d.frames.begin = d.admit
	if err := d.frames.next(); err != nil {
		return 0, err
	}
	var ok bool
	if d.zr, ok = zstdReaders[d.class].Get().(*zstd.Decoder); !ok {
		d.zr = newZstdReader()
	}
	if err := d.zr.Reset(&d.frames); err != nil {
		return 0, err
	}
	return d.zr.Read(p)
}

func newZstdReader() *zstd.Decoder {
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(maxZstdWindow))
	if err != nil {
		panic("BUG: zstd options: " + err.Error())
	}
	return zr
}

// admit makes sure of the memory for a frame with such a window.
func (d *zstdDecoder) admit(window uint64) error {
	if window > maxZstdWindow {
		d.refused = &Problem{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Err: zstd.ErrWindowSizeExceeded,
			Message: fmt.Sprintf("the zstd data needs a window of %d bytes, %d are allowed: compress without --long and --ultra", window, maxZstdWindow)}
		return d.refused
	}
	for window > uint64(zstdClasses[d.class]) {
		d.class++
	}
	if more := zstdClasses[d.class] + zstdOverhead - d.held; more > 0 {
		if d.refused = d.mem.Reserve(d.ctx, more); d.refused != nil {
			return d.refused
		}
		d.held += more
	}
	return nil
}

func (d *zstdDecoder) problem(err error) *Problem {
	if d.refused != nil {
		return d.refused
	}
	return corrupt("zstd", err)
}

func (d *zstdDecoder) free() {
	if d.zr != nil {
		d.zr.Reset(nil) // lets go of the request
		zstdReaders[d.class].Put(d.zr)
	}
	d.mem.Release(d.held)
}

// zstdFrames passes zstd data on and calls begin with the window size of every
// frame before it passes the frame's header. It follows RFC 8878, section 3.1,
// as far as it must to find the next header; where the data is not like that, it
// passes on the rest, for the decoder to say what is wrong.
type zstdFrames struct {
	src   io.Reader
	begin func(window uint64) error

	head    [zstd.HeaderMaxSize]byte // a frame's header or a block's
	n, done int                      // bytes in it, and of those passed on
	left    int64                    // bytes to pass on before the next header
	blocks  bool                     // that header is a block's
	tail    int64                    // bytes after the frame's last block
}

func (f *zstdFrames) Read(p []byte) (int, error) {
	if f.done == f.n && f.left == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if f.done < f.n {
		n := copy(p, f.head[f.done:f.n])
		f.done += n
		return n, nil
	}
	n, err := f.src.Read(p[:min(int64(len(p)), f.left)])
	f.left -= int64(n)
	return n, err
}

// next reads the next header. Data that ends inside it is passed on.
func (f *zstdFrames) next() error {
	f.n, f.done = 0, 0
	if f.blocks {
		if ok, err := f.gather(3); !ok {
			return err
		}
		b := uint32(f.head[0]) | uint32(f.head[1])<<8 | uint32(f.head[2])<<16
		switch kind := b >> 1 & 3; kind {
		case 1: // one byte, repeated
			f.left = 1
		case 3:
			return f.pass()
		default:
			f.left = int64(b >> 3)
		}
		if b&1 != 0 {
			f.left += f.tail
			f.blocks = false
		}
		return nil
	}
	var h zstd.Header
	for n := 5; ; n++ {
		if ok, err := f.gather(n); !ok {
			return err
		}
		err := h.Decode(f.head[:f.n])
		if err == nil {
			break
		}
		if !errors.Is(err, io.ErrUnexpectedEOF) || n == len(f.head) {
			return f.pass()
		}
	}
	if h.Skippable {
		if ok, err := f.gather(8); !ok {
			return err
		}
		f.left = int64(binary.LittleEndian.Uint32(f.head[4:]))
		return nil
	}
	f.blocks, f.tail = true, 0
	if h.HasCheckSum {
		f.tail = 4
	}
	if h.SingleSegment {
		return f.begin(h.FrameContentSize)
	}
	return f.begin(h.WindowSize)
}

// gather reads until the header has n bytes; false if the data ends before.
func (f *zstdFrames) gather(n int) (ok bool, err error) {
	for f.n < n {
		m, err := f.src.Read(f.head[f.n:n])
		f.n += m
		switch {
		case err == io.EOF && f.n == 0:
			return false, io.EOF
		case err == io.EOF && f.n < n:
			return false, f.pass()
		case err != nil && err != io.EOF:
			return false, err
		}
	}
	return true, nil
}

// pass gives up looking for headers.
func (f *zstdFrames) pass() error {
	const rest = 1 << 62
	f.left = rest
	return nil
}
