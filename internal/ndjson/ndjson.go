// Package ndjson reads files of newline-delimited JSON as blocks of records. It
// looks for newlines alone: whether a line is a JSON object is for who converts
// it to say.
package ndjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"sluice/internal/lake"
)

// The size of blocks: blockSize as a rule, up to MaxLine for a long line.
const (
	blockSize = 1 << 20
	MaxLine   = 64 << 20
)

// File is the lines of a file as blocks that arrived at that time. Each reading
// opens the file anew. A line longer than MaxLine is an error.
func File(path string, arrival time.Time) lake.Blocks {
	return func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			f, err := os.Open(path)
			if err != nil {
				yield(lake.Block{}, fmt.Errorf("read records: %w", err))
				return
			}
			defer f.Close()
			read(f, path, arrival, yield)
		}
	}
}

func read(r io.Reader, name string, arrival time.Time, yield func(lake.Block, error) bool) {
	buf := make([]byte, 0, blockSize)
	for {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			yield(lake.Block{}, fmt.Errorf("read records: %w", err))
			return
		}
		cut := bytes.LastIndexByte(buf, '\n') + 1
		if end {
			if cut < len(buf) {
				buf = append(buf, '\n')
			}
			cut = len(buf)
		}
		if cut > 0 {
			if !yield(lake.Block{Data: buf[:cut], Records: bytes.Count(buf[:cut], []byte{'\n'}), Arrival: arrival}, nil) {
				return
			}
		}
		if end {
			return
		}
		rest := copy(buf[:cap(buf)], buf[cut:])
		buf = buf[:rest]
		if rest == cap(buf) {
			if cap(buf) >= MaxLine {
				yield(lake.Block{}, fmt.Errorf("read records: %s has a line of more than %d MiB", name, MaxLine>>20))
				return
			}
			buf = append(buf, make([]byte, cap(buf))...)[:rest]
		}
	}
}
