package convert

import (
	"fmt"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// A codec compresses pages. It is for one goroutine.
type codec struct {
	id   format.CompressionCodec
	fast compression
	// light does not look for what is repeated, stride only from number to number, thorough
	// looks for all of it; nil where there is no such way.
	light, stride, thorough compression
}

// A compression appends a page compressed, whose values begin at some place, behind levels.
type compression func(dst, page []byte, values int) []byte

// The ways of compression are tried on the beginning of a column's first page: on a
// quarter of it, so that in small row groups, which have one page, the trial is not most of
// the work, but on so much that it tells, and on no more than that; of a tiny page
// not at all.
const (
	worthTrial = 1 << 10

	minTrial = 4 << 10
	maxTrial = 32 << 10
)

// trial is the part of a page that ways are tried on.
func trial(page []byte) []byte {
	return page[:min(len(page), max(minTrial, min(len(page)/4, maxTrial)))]
}

// forNumbers is the way to compress pages like this one of numbers of eight bytes: the one
// that takes the least time, unless another saves a sixteenth of the page over it.
func (c *codec) forNumbers(page []byte, values int, scratch *[]byte) compression {
	if c.thorough == nil || len(page) < worthTrial {
		return c.fast
	}
	page = trial(page)
	values = min(values, len(page))
	best, size := c.stride, c.try(c.stride, page, values, scratch)
	for _, way := range []compression{c.fast, c.thorough} {
		if n := c.try(way, page, values, scratch); size-n > len(page)/16 {
			best, size = way, n
		}
	}
	return best
}

// try is how large a way makes a page.
func (c *codec) try(way compression, page []byte, values int, scratch *[]byte) int {
	*scratch = way((*scratch)[:0], page, values)
	return len(*scratch)
}

// forTexts is the way to compress pages of texts or references like this one:
// light, unless that loses a sixteenth of its result.
func (c *codec) forTexts(page []byte, scratch *[]byte) compression {
	if c.light == nil || len(page) < worthTrial {
		return c.fast
	}
	page = trial(page)
	fast, light := c.try(c.fast, page, 0, scratch), c.try(c.light, page, 0, scratch)
	if light-fast > fast/16 {
		return c.fast
	}
	return c.light
}

// newCodec makes the codec of a name; each encoder has its own.
func newCodec(name string, level int) (codec, error) {
	switch {
	case level < 0, level > 22, level > 9 && name == "gzip", level > 0 && (name == "snappy" || name == "none"):
		return codec{}, fmt.Errorf("compression level %d of %s: want 1 to 22 of zstd or 1 to 9 of gzip", level, name)
	}
	switch name {
	case "zstd", "":
		if level > 0 {
			return newZstdLevel(level)
		}
		return newZstd()
	case "gzip":
		return newGzip(level)
	case "snappy":
		compress := func(dst, src []byte, _ int) []byte { return append(dst, snappy.Encode(nil, src)...) }
		return codec{id: format.Snappy, fast: compress}, nil
	case "none":
		compress := func(dst, src []byte, _ int) []byte { return append(dst, src...) }
		return codec{id: format.Uncompressed, fast: compress}, nil
	}
	return codec{}, fmt.Errorf("compression %q: want zstd, snappy, gzip or none", name)
}

// newZstd compresses fast at the fastest level, which with entropy coding of all
// literals makes texts and dictionary references as small as the default level
// does in two thirds of its time. Thorough is the default level: timestamps in
// milliseconds shrink to 4 bytes there and to 6.3 at the fastest. They do to 4 by stride
// too, in a tenth of the time.
func newZstd() (codec, error) {
	options := []zstd.EOption{zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false)}
	fast, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithAllLitEntropyCompression(true))...)
	if err != nil {
		return codec{}, err
	}
	thorough, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderLevel(zstd.SpeedDefault))...)
	if err != nil {
		return codec{}, err
	}
	light := new(entropyCoder)
	return codec{
		id:       format.Zstd,
		light:    func(dst, src []byte, _ int) []byte { return light.appendFrame(dst, src) },
		stride:   new(strideCoder).appendFrame,
		fast:     func(dst, src []byte, _ int) []byte { return fast.EncodeAll(src, dst) },
		thorough: func(dst, src []byte, _ int) []byte { return thorough.EncodeAll(src, dst) },
	}, nil
}

// newZstdLevel compresses all pages at one level; what zstd numbers 1 to 22 are
// four to klauspost/compress.
func newZstdLevel(level int) (codec, error) {
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false), zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
	if err != nil {
		return codec{}, err
	}
	compress := func(dst, src []byte, _ int) []byte { return w.EncodeAll(src, dst) }
	return codec{id: format.Zstd, fast: compress}, nil
}
