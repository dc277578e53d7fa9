package convert

import (
	"fmt"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// A codec compresses pages. It is for one goroutine.
type codec struct {
	id format.CompressionCodec
	// compress appends src compressed; plainNumbers says that it is a page of
	// numbers as they are, which gain from a longer search for matches.
	compress func(dst, src []byte, plainNumbers bool) []byte
}

// newCodec makes the codec of a name; each encoder has its own.
func newCodec(name string) (codec, error) {
	switch name {
	case "zstd", "":
		return newZstd()
	case "snappy":
		return codec{format.Snappy, func(dst, src []byte, _ bool) []byte { return append(dst, snappy.Encode(nil, src)...) }}, nil
	case "none":
		return codec{format.Uncompressed, func(dst, src []byte, _ bool) []byte { return append(dst, src...) }}, nil
	}
	return codec{}, fmt.Errorf("compression %q: want zstd, snappy or none", name)
}

// newZstd compresses at the fastest level, which with entropy coding of all
// literals makes texts and dictionary references as small as the default level
// does in two thirds of its time. Plain numbers take the default level: timestamps
// shrink to 4 bytes there and to 6.3 at the fastest.
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
	return codec{format.Zstd, func(dst, src []byte, plainNumbers bool) []byte {
		if plainNumbers {
			return thorough.EncodeAll(src, dst)
		}
		return fast.EncodeAll(src, dst)
	}}, nil
}
