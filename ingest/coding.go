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
	return openZstd(ctx, src, mem), nil
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
