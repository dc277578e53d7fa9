package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// A decoder undoes a content coding.
type decoder interface {
	io.Reader
	problem(err error) *Problem // what an error of Read, other than io.EOF, means
	free()
}

// contentCoding is "", "gzip" or "zstd".
func contentCoding(h http.Header) (string, *Problem) {
	coding := ""
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			switch name = strings.ToLower(strings.TrimSpace(name)); name {
			case "", "identity":
				continue
			case "x-gzip": // RFC 9110, section 8.4.1.3
				name = "gzip"
			case "gzip", "zstd":
			default:
				return "", unsupported(fmt.Sprintf("Content-Encoding %.40q is not supported: send gzip, zstd or identity", name))
			}
			if coding != "" {
				return "", unsupported("more than one Content-Encoding is not supported: compress the body once")
			}
			coding = name
		}
	}
	return coding, nil
}

func unsupported(message string) *Problem {
	return &Problem{Status: http.StatusUnsupportedMediaType, Code: CodeEncoding, Message: message}
}

func openDecoder(ctx context.Context, coding string, src *rawBody, mem *Memory) (decoder, *Problem) {
	if coding == "gzip" {
		return openGzip(ctx, src, mem)
	}
	return openZstd(ctx, src, mem)
}

func corrupt(coding string, err error) *Problem {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return &Problem{Status: http.StatusBadRequest, Code: CodeCutOff, Err: err,
			Message: "the " + coding + " data was cut off"}
	}
	return &Problem{Status: http.StatusBadRequest, Code: CodeCorrupt, Err: err,
		Message: fmt.Sprintf("the body is not valid %s data: %v", coding, err)}
}

// gzipMemory is what a gzip reader holds: the window, its tables, its input.
const gzipMemory = 64 << 10

var gzipReaders sync.Pool // of *gzip.Reader

type gzipDecoder struct {
	src   *rawBody
	zr    *gzip.Reader
	mem   *Memory
	begun bool
}

func openGzip(ctx context.Context, src *rawBody, mem *Memory) (decoder, *Problem) {
	if p := mem.Reserve(ctx, gzipMemory); p != nil {
		return nil, p
	}
	zr, ok := gzipReaders.Get().(*gzip.Reader)
	if !ok {
		zr = new(gzip.Reader)
	}
	return &gzipDecoder{src: src, zr: zr, mem: mem}, nil
}

func (d *gzipDecoder) Read(p []byte) (int, error) {
	if !d.begun {
		d.begun = true
		if err := d.zr.Reset(d.src); err != nil {
			return 0, err // io.EOF for an empty body
		}
	}
	return d.zr.Read(p)
}

func (d *gzipDecoder) problem(err error) *Problem { return corrupt("gzip", err) }

func (d *gzipDecoder) free() {
	d.zr.Reset(eof{}) // lets go of the request
	gzipReaders.Put(d.zr)
	d.mem.Release(gzipMemory)
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// zstdClasses are the window sizes that decoders are kept for. RFC 8878, section
// 3.1.1.1.2, recommends that a decoder support 8 MB and lets it refuse more.
var zstdClasses = [...]int64{256 << 10, 2 << 20, 8 << 20}

// zstdOverhead is what a decoder holds beside its window: two blocks of space
// after it, literals, tables.
const zstdOverhead = 1 << 20

var zstdReaders [len(zstdClasses)]sync.Pool // of *zstd.Decoder

type zstdDecoder struct {
	zr    *zstd.Decoder
	class int
	mem   *Memory
}

// openZstd reads the first frame's header to learn how much memory the body
// needs. A later frame may not need a larger class of window than that.
func openZstd(ctx context.Context, src *rawBody, mem *Memory) (decoder, *Problem) {
	head := make([]byte, zstd.HeaderMaxSize)
	n, err := io.ReadFull(src, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, src.problem
	}
	class, p := zstdClass(head[:n])
	if p != nil {
		return nil, p
	}
	if p := mem.Reserve(ctx, zstdClasses[class]+zstdOverhead); p != nil {
		return nil, p
	}
	d := &zstdDecoder{class: class, mem: mem}
	var ok bool
	if d.zr, ok = zstdReaders[class].Get().(*zstd.Decoder); !ok {
		d.zr = newZstdReader(class)
	}
	if err := d.zr.Reset(&prefixed{head: head[:n], rest: src}); err != nil {
		d.free()
		return nil, corrupt("zstd", err)
	}
	return d, nil
}

func newZstdReader(class int) *zstd.Decoder {
	window := uint64(zstdClasses[class])
	zr, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(window), zstd.WithDecoderMaxMemory(window))
	if err != nil {
		panic("BUG: zstd options: " + err.Error())
	}
	return zr
}

// zstdClass is the class of decoder for a body that begins with head.
func zstdClass(head []byte) (int, *Problem) {
	var h zstd.Header
	if err := h.Decode(head); err != nil || h.Skippable {
		// Nothing is known of the first real frame; if it is no zstd at all, the
		// decoder says so.
		return len(zstdClasses) - 1, nil
	}
	window := h.WindowSize
	if h.SingleSegment {
		window = h.FrameContentSize
	}
	for c, size := range zstdClasses {
		if window <= uint64(size) {
			return c, nil
		}
	}
	return 0, zstdWindow(zstd.ErrWindowSizeExceeded)
}

func zstdWindow(err error) *Problem {
	return &Problem{Status: http.StatusRequestEntityTooLarge, Code: CodeTooLarge, Err: err,
		Message: fmt.Sprintf("the zstd data needs a larger window than the %d bytes allowed: compress without --long or --ultra",
			zstdClasses[len(zstdClasses)-1])}
}

func (d *zstdDecoder) Read(p []byte) (int, error) { return d.zr.Read(p) }

func (d *zstdDecoder) problem(err error) *Problem {
	if errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded) {
		return zstdWindow(err)
	}
	return corrupt("zstd", err)
}

func (d *zstdDecoder) free() {
	d.zr.Reset(nil) // lets go of the request
	zstdReaders[d.class].Put(d.zr)
	d.mem.Release(zstdClasses[d.class] + zstdOverhead)
}

// prefixed reads head, then rest.
type prefixed struct {
	head []byte
	rest io.Reader
}

func (r *prefixed) Read(p []byte) (int, error) {
	if len(r.head) > 0 {
		n := copy(p, r.head)
		r.head = r.head[n:]
		return n, nil
	}
	return r.rest.Read(p)
}
