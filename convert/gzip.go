package convert

import (
	"bytes"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/parquet-go/parquet-go/format"
)

// newGzip compresses at a level of 1 to 9; 0 is klauspost's default, 5.
func newGzip(level int) (codec, error) {
	if level == 0 {
		level = gzip.DefaultCompression
	}
	w, err := gzip.NewWriterLevel(io.Discard, level)
	if err != nil {
		return codec{}, err
	}
	compress := func(dst, src []byte, _ int) []byte {
		out := bytes.NewBuffer(dst)
		w.Reset(out)
		w.Write(src) // a bytes.Buffer takes it all
		w.Close()
		return out.Bytes()
	}
	return codec{id: format.Gzip, fast: compress}, nil
}
