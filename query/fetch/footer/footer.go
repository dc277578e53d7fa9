package footer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// TailSize is what ends a Parquet file after the metadata: their length and the magic.
const TailSize = 8

const (
	magic          = "PAR1"
	magicEncrypted = "PARE"
	// maxLength bounds the metadata's bytes, maxMemory what they are in memory.
	maxLength = 16 << 20
	maxMemory = 256 << 20
)

// ErrTooLarge: the metadata are larger than is held in memory. Nothing says that
// the file is faulty.
var ErrTooLarge = errors.New("the metadata are too large to be held in memory")

// A Footer is the metadata of one Parquet file. It is shared and must not be
// changed.
type Footer struct {
	// Meta is the metadata. Statistics.NullCount is -1 where the file does not say
	// it, which format alone cannot tell from 0.
	Meta *format.FileMetaData
	// Columns are those of the top level, in their order.
	Columns []Column

	raw    []byte
	groups [][]byte // the row groups in raw
	chunks [][]span // of each row group, of each leaf
}

// A Column is a column of the top level and its leaves: as many column chunks in
// each row group.
type Column struct {
	Name          string
	First, Leaves int // leaves are numbered over the file
}

// A span is where a column chunk lies in the file.
type span struct{ off, length int64 }

// Length is how many bytes the metadata have, given the last TailSize bytes of the
// file and its size.
func Length(tail []byte, size int64) (int64, error) {
	if len(tail) != TailSize {
		return 0, errors.New("it is too short for a Parquet file")
	}
	switch string(tail[4:]) {
	case magic:
	case magicEncrypted:
		return 0, errEncrypted
	default:
		return 0, fmt.Errorf("it is no Parquet file: it ends in %q, not %q", tail[4:], magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail))
	if n > size-TailSize-int64(len(magic)) {
		return 0, fmt.Errorf("it is no whole Parquet file: its %d bytes cannot hold metadata of %d", size, n)
	}
	if n > maxLength {
		return 0, ErrTooLarge
	}
	return n, nil
}

var errEncrypted = errors.New("it is an encrypted Parquet file, which cannot be read")

// Parse reads the metadata of a file of that size. It keeps raw.
func Parse(raw []byte, size int64) (*Footer, error) {
	fields, _, err := readStruct(raw)
	if err != nil {
		return nil, err
	}
	if find(fields, 8, typeStruct) != nil {
		return nil, errEncrypted
	}
	groups, err := measure(fields, len(raw))
	if err != nil {
		return nil, err
	}
	f := &Footer{Meta: &format.FileMetaData{}, raw: raw, groups: groups}
	var protocol thrift.CompactProtocol
	if err := thrift.NewDecoder(protocol.NewReaderFromBytes(raw)).Decode(f.Meta); err != nil {
		return nil, fmt.Errorf("decode metadata: %w", err)
	}
	if err := f.readColumns(); err != nil {
		return nil, err
	}
	if err := f.readChunks(size); err != nil {
		return nil, err
	}
	return f, f.markNullCounts()
}

// measure refuses what would grow out of proportion when it is decoded, and gives
// the row groups.
func measure(fields []field, length int) (groups [][]byte, err error) {
	lists := make(map[int16][][]byte)
	for _, id := range []int16{2, 4} { // schema, row groups
		f := find(fields, id, typeList)
		if f == nil {
			return nil, fmt.Errorf("field %d of the metadata is missing", id)
		}
		elem, items, _, err := readList(f.value)
		if err != nil {
			return nil, err
		}
		if elem != typeStruct && len(items) > 0 {
			return nil, errThrift
		}
		lists[id] = items
	}
	chunks := 0
	for _, g := range lists[4] {
		columns, err := chunksOf(g)
		if err != nil {
			return nil, err
		}
		chunks += len(columns)
	}
	if memory(length, len(lists[2]), chunks) > maxMemory {
		return nil, ErrTooLarge
	}
	return lists[4], nil
}

// chunksOf are the column chunks of a row group.
func chunksOf(group []byte) ([][]byte, error) {
	fields, _, err := readStruct(group)
	if err != nil {
		return nil, err
	}
	f := find(fields, 1, typeList)
	if f == nil {
		return nil, errors.New("a row group has no columns")
	}
	elem, items, _, err := readList(f.value)
	if err == nil && elem != typeStruct && len(items) > 0 {
		err = errThrift
	}
	return items, err
}

func memory(length, elements, chunks int) int64 {
	return 2*int64(length) + int64(elements)*int64(unsafe.Sizeof(format.SchemaElement{})) +
		int64(chunks)*int64(unsafe.Sizeof(format.ColumnChunk{})+unsafe.Sizeof(span{}))
}

// Memory is about how many bytes the footer takes in memory.
func (f *Footer) Memory() int64 {
	return memory(len(f.raw), len(f.Meta.Schema), len(f.Meta.RowGroups)*f.leaves()) + int64(unsafe.Sizeof(*f.Meta))
}

// Length is how many bytes the metadata have in the file.
func (f *Footer) Length() int64 { return int64(len(f.raw)) }

func (f *Footer) leaves() int {
	if len(f.Columns) == 0 {
		return 0
	}
	last := f.Columns[len(f.Columns)-1]
	return last.First + last.Leaves
}

// readColumns finds the columns of the top level in the schema.
func (f *Footer) readColumns() error {
	schema := f.Meta.Schema
	if len(schema) == 0 {
		return errors.New("its schema is empty")
	}
	at, leaf := 1, 0
	for range schema[0].NumChildren.V {
		if at >= len(schema) {
			return errSchema
		}
		c := Column{Name: schema[at].Name, First: leaf}
		// open is how many elements are still to come.
		for open := int64(1); open > 0; at++ {
			if at >= len(schema) {
				return errSchema
			}
			n := int64(schema[at].NumChildren.V)
			if n < 0 {
				return errSchema
			}
			if n == 0 {
				leaf++
			}
			open += n - 1
		}
		c.Leaves = leaf - c.First
		f.Columns = append(f.Columns, c)
	}
	if at != len(schema) {
		return errSchema
	}
	return nil
}

var errSchema = errors.New("its schema is no tree")

// readChunks finds where the column chunks lie.
func (f *Footer) readChunks(size int64) error {
	end := size - TailSize - int64(len(f.raw))
	leaves := f.leaves()
	for i, g := range f.Meta.RowGroups {
		if len(g.Columns) != leaves || g.NumRows < 0 {
			return fmt.Errorf("row group %d has %d column chunks and %d rows, the schema %d columns", i, len(g.Columns), g.NumRows, leaves)
		}
		spans := make([]span, leaves)
		for j := range g.Columns {
			c := &g.Columns[j]
			if c.CryptoMetadata.Value != nil || len(c.EncryptedColumnMetadata) > 0 {
				return errEncrypted
			}
			if c.FilePath != "" {
				return fmt.Errorf("its column %s lies in another file", strings.Join(c.MetaData.PathInSchema, "."))
			}
			spans[j] = place(&c.MetaData)
			if s := spans[j]; s.length < 0 || s.length > 0 && (s.off < int64(len(magic)) || s.length > end || s.off > end-s.length) {
				return fmt.Errorf("column %s of row group %d lies at %d to %d, outside of the data, which end at %d",
					strings.Join(c.MetaData.PathInSchema, "."), i, s.off, s.off+s.length, end)
			}
		}
		f.chunks = append(f.chunks, spans)
	}
	return nil
}

// Divisible reports whether column chunks can be taken out of the file. It is false
// where their sizes cannot be trusted: those of old versions of parquet-mr leave out
// a part of the dictionary (PARQUET-816).
func (f *Footer) Divisible() bool {
	if version, old := strings.CutPrefix(f.Meta.CreatedBy, "parquet-mr"); old {
		version = strings.TrimPrefix(version, " version ")
		for _, prefix := range []string{"1.0.", "1.1.", "1.2."} {
			if version == "" || strings.HasPrefix(version, prefix) {
				return false
			}
		}
	}
	for i, g := range f.Meta.RowGroups {
		for j := range g.Columns {
			s, data := f.chunks[i][j], g.Columns[j].MetaData.DataPageOffset
			if s.length > 0 && data >= s.off+s.length || s.length == 0 && g.NumRows > 0 {
				return false
			}
		}
	}
	return true
}

// place is where a column chunk lies: it begins with its dictionary, if it has one.
func place(m *format.ColumnMetaData) span {
	off := m.DataPageOffset
	if d := m.DictionaryPageOffset; d > 0 && d < off {
		off = d
	}
	return span{off: off, length: m.TotalCompressedSize}
}

// markNullCounts tells counts of nulls that are not there from 0.
func (f *Footer) markNullCounts() error {
	if len(f.groups) != len(f.Meta.RowGroups) {
		return errThrift
	}
	for i, g := range f.groups {
		chunks, err := chunksOf(g)
		if err != nil || len(chunks) != len(f.Meta.RowGroups[i].Columns) {
			return errThrift
		}
		for j, chunk := range chunks {
			fields, _, err := readStruct(chunk)
			if err != nil {
				return err
			}
			if !hasNullCount(fields) {
				f.Meta.RowGroups[i].Columns[j].MetaData.Statistics.NullCount = -1
			}
		}
	}
	return nil
}

func hasNullCount(chunk []field) bool {
	value := chunk
	for _, id := range []int16{3, 12} { // the chunk's metadata, their statistics
		f := find(value, id, typeStruct)
		if f == nil {
			return false
		}
		var err error
		if value, _, err = readStruct(f.value); err != nil {
			return false
		}
	}
	return find(value, 3, typeI64) != nil
}
