package importer

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
)

// MaxRecord is the longest record that is read, in bytes: a block in the log, which
// holds it and what came before, has at most 16 MiB.
const MaxRecord = 8 << 20

const (
	readBytes = 1 << 20
	// keptOfLong is what is kept of a bad record that is too long.
	keptOfLong = 64 << 10
)

// A splitter finds the records in an object's text.
type splitter struct {
	in         io.Reader
	buf        []byte
	start, end int
	eof        bool
	skipping   bool // up to the next line: what is there belongs to a record that was too long
	open       int  // arrays that are open
	begun      bool // something was read
	scan       jsonscan.Scanner
	bad        int64
}

func newSplitter(in io.Reader) *splitter {
	return &splitter{in: in, buf: make([]byte, readBytes)}
}

// next appends the next record as a line to dst; ok is false at the end.
func (s *splitter) next(dst []byte) (_ []byte, ok bool, err error) {
	for {
		if s.skipping && !s.skip() || !s.separators() {
			if s.eof {
				return dst, false, nil
			}
			if err := s.fill(); err != nil {
				return dst, false, err
			}
			continue
		}
		rest := s.buf[s.start:s.end]
		if rest[0] == '{' {
			n, err := s.scan.Object(rest)
			if err == nil {
				return s.take(dst, rest[:n]), true, nil
			}
			var syntax *jsonscan.SyntaxError
			if errors.As(err, &syntax) && syntax.Incomplete && !s.eof && len(rest) < MaxRecord {
				if err := s.fill(); err != nil {
					return dst, false, err
				}
				continue
			}
		}
		n := bytes.IndexByte(rest, '\n')
		if n < 0 && !s.eof && len(rest) < MaxRecord {
			if err := s.fill(); err != nil {
				return dst, false, err
			}
			continue
		}
		if n < 0 {
			n = len(rest)
			s.skipping = !s.eof
		}
		return s.reject(dst, rest[:n]), true, nil
	}
}

// take appends a record.
func (s *splitter) take(dst, record []byte) []byte {
	if len(record) >= MaxRecord {
		return s.reject(dst, record)
	}
	s.start += len(record)
	if bytes.IndexByte(record, '\n') >= 0 || bytes.IndexByte(record, '\r') >= 0 {
		dst = jsonscan.AppendCompact(dst, record)
	} else {
		dst = append(dst, record...)
	}
	return append(dst, '\n')
}

// reject appends what is no record, as a line that ends under the error prefix.
func (s *splitter) reject(dst, raw []byte) []byte {
	s.bad++
	s.start += len(raw)
	if len(raw) >= MaxRecord {
		raw = raw[:keptOfLong]
	}
	return append(lake.AppendMalformed(dst, bytes.TrimRight(raw, " \t\r\n")), '\n')
}

// separators passes over what may stand between records; false when there is nothing
// else so far.
func (s *splitter) separators() bool {
	if !s.begun && s.end-s.start >= 3 {
		s.begun = true
		if bytes.HasPrefix(s.buf[s.start:s.end], []byte("\xEF\xBB\xBF")) {
			s.start += 3
		}
	}
	for ; s.start < s.end; s.start++ {
		switch s.buf[s.start] {
		case ' ', '\t', '\r', '\n', ',':
		case '[':
			s.open++
		case ']':
			s.open--
		default:
			return s.begun || s.eof
		}
	}
	return false
}

// skip passes over the rest of a line; false when its end was not there yet.
func (s *splitter) skip() bool {
	n := bytes.IndexByte(s.buf[s.start:s.end], '\n')
	if n < 0 {
		s.start = s.end
		return false
	}
	s.start += n
	s.skipping = false
	return true
}

// fill reads more, behind what is left.
func (s *splitter) fill() error {
	if s.start > 0 {
		s.end = copy(s.buf, s.buf[s.start:s.end])
		s.start = 0
	}
	if s.end == len(s.buf) {
		s.buf = append(s.buf, make([]byte, min(len(s.buf), 2*MaxRecord-len(s.buf)))...)
	}
	n, err := io.ReadFull(s.in, s.buf[s.end:])
	s.end += n
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && !errors.As(err, new(*readError)) {
		s.eof = true
		return nil
	}
	return err
}

// A readError is one of the object's, whatever is in it: io.ReadFull takes the end of a
// file that comes too early for its own.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// A strictReader wraps the errors of a reader but for its end.
type strictReader struct{ in io.Reader }

func (r strictReader) Read(p []byte) (int, error) {
	n, err := r.in.Read(p)
	if err != nil && err != io.EOF {
		err = &readError{err}
	}
	return n, err
}

// decompress reads an object by its content; close frees memory, not the body.
func decompress(body io.Reader) (text io.Reader, close func(), err error) {
	head := make([]byte, 4)
	n, err := io.ReadFull(body, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, nil, err
	}
	whole := io.MultiReader(bytes.NewReader(head[:n]), body)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(whole)
		if err != nil {
			return nil, nil, fmt.Errorf("gzip: %w", err)
		}
		return strictReader{z}, func() {}, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(whole, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nil, fmt.Errorf("zstd: %w", err)
		}
		return strictReader{z}, z.Close, nil
	case bytes.Equal(head, []byte("PAR1")):
		return nil, nil, errors.New("it is a Parquet file, not JSON: `sluice crawl` makes a table of those")
	}
	return strictReader{whole}, func() {}, nil
}
