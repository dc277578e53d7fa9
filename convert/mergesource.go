package convert

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// A source is a Parquet file that is being merged, its columns brought together with
// a schema's.
type source struct {
	path   string
	file   *parquet.File
	handle *os.File
	leaves []sourceLeaf
}

// A foreignError is what is wrong with a source: the cause of a SourceError.
type foreignError string

func (e foreignError) Error() string { return string(e) }

func foreign(format string, args ...any) error { return foreignError(fmt.Sprintf(format, args...)) }

// sourceBuffer is read of a column chunk at a time; less of a small file, of which all
// column chunks are read at once.
const sourceBuffer, leastSourceBuffer = 256 << 10, 32 << 10

// openSource opens a file and matches its columns. memory bounds what a column chunk
// of it may need.
func openSource(path string, s *schema, memory int64) (*source, error) {
	buffer := sourceBuffer
	if info, err := os.Stat(path); err == nil {
		buffer = int(min(sourceBuffer, max(leastSourceBuffer, info.Size()/32)))
	}
	return openSourceBuffered(path, s, memory, buffer)
}

func openSourceBuffered(path string, s *schema, memory int64, buffer int) (_ *source, err error) {
	handle, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	defer func() {
		if err != nil {
			handle.Close()
		}
	}()
	info, err := handle.Stat()
	if err != nil {
		return nil, fmt.Errorf("open source: %w", err)
	}
	src := &source{path: path, handle: handle}
	err = guard(func() error {
		src.file, err = parquet.OpenFile(handle, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true), parquet.ReadBufferSize(buffer))
		if err != nil {
			return foreign("it is no Parquet file: %v", err)
		}
		src.leaves, err = match(s, src.file.Metadata().Schema)
		if err != nil {
			return err
		}
		return src.check(memory)
	})
	return src, src.blame(err)
}

// blame makes of what is wrong with a source a SourceError.
func (s *source) blame(err error) error {
	var f foreignError
	if errors.As(err, &f) {
		return &SourceError{s.path, err.Error()}
	}
	return err
}

// guard turns a panic into an error: parquet-go checks much of what is in a file, and
// for the rest relies on its being right.
func guard(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = foreign("it is damaged: %v", p)
		}
	}()
	return do()
}

func (s *source) close() { s.handle.Close() }

// check refuses what is damaged, or would need more memory than there is.
func (s *source) check(memory int64) error {
	meta := s.file.Metadata()
	rows, columns := int64(0), len(s.file.Schema().Columns())
	for i := range meta.RowGroups {
		g := &meta.RowGroups[i]
		if rows += g.NumRows; g.NumRows < 0 || len(g.Columns) != columns {
			return foreign("it is damaged: row group %d has %d rows and %d columns, of %d", i, g.NumRows, len(g.Columns), columns)
		}
		if meta.CreatedBy == createdBy {
			continue // its pages are small
		}
		for _, c := range g.Columns {
			if c.MetaData.TotalUncompressedSize > memory {
				return foreign("column %s has %d bytes in one row group, and its pages may be as large", strings.Join(c.MetaData.PathInSchema, "."), c.MetaData.TotalUncompressedSize)
			}
		}
	}
	if rows != meta.NumRows {
		return foreign("it is damaged: its row groups have %d rows, its footer says %d", rows, meta.NumRows)
	}
	return nil
}

// cursors begin to read a row group. Columns that the file lacks have none: absence
// costs nothing.
func (s *source) cursors(group int) (out []*cursor, err error) {
	return s.cursorsOf(group, s.leaves)
}

// cursorsOf begin to read leaves of a row group.
func (s *source) cursorsOf(group int, leaves []sourceLeaf) (out []*cursor, err error) {
	err = guard(func() error {
		chunks := s.file.RowGroups()[group].ColumnChunks()
		for i := range leaves {
			l := &leaves[i]
			out = append(out, &cursor{sourceLeaf: l, pages: chunks[l.index].Pages()})
		}
		return nil
	})
	return out, s.blame(err)
}
