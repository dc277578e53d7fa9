package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"os"

	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// createdBy names the writer in every file's footer; it is no version number,
// so that the same rows stay the same bytes.
const createdBy = "sluice"

const magic = "PAR1"

// A parquetFile is a file being written. It is open only while a row group is
// appended, so that any number of them costs no file descriptors.
type parquetFile struct {
	path      string
	partition string // its relative path
	schema    *schema
	size      int64
	rows      int64
	groups    []format.RowGroup
	chunks    []*chunk // without their data, in the order of the file
}

func createFile(path string, s *schema) (*parquetFile, error) {
	if err := os.WriteFile(path, []byte(magic), 0o644); err != nil {
		return nil, fmt.Errorf("create parquet file: %w", err)
	}
	return &parquetFile{path: path, schema: s, size: int64(len(magic))}, nil
}

// write appends buffers to the file.
func (f *parquetFile) write(parts ...[]byte) error {
	file, err := os.OpenFile(f.path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return fmt.Errorf("append to parquet file: %w", err)
	}
	for _, p := range parts {
		if _, err := file.Write(p); err != nil {
			file.Close()
			return fmt.Errorf("append to parquet file: %w", err)
		}
		f.size += int64(len(p))
	}
	if err := file.Close(); err != nil {
		return fmt.Errorf("append to parquet file: %w", err)
	}
	return nil
}

// append places a row group at the end of the file.
func (f *parquetFile) append(g rowGroup) error {
	rg := format.RowGroup{NumRows: int64(g.rows), FileOffset: f.size, Ordinal: int16(min(len(f.groups), math.MaxInt16)), SortingColumns: f.schema.sorting}
	at := f.size
	parts := make([][]byte, 0, len(g.chunks))
	for _, c := range g.chunks {
		parts = append(parts, c.data)
		if c.meta.DataPageOffset > 0 { // a dictionary page stands before
			c.meta.DictionaryPageOffset = at
		}
		c.meta.DataPageOffset += at
		for i := range c.pages {
			c.pages[i].Offset += at
		}
		rg.Columns = append(rg.Columns, format.ColumnChunk{MetaData: c.meta})
		rg.TotalByteSize += c.meta.TotalUncompressedSize
		rg.TotalCompressedSize += c.meta.TotalCompressedSize
		at += int64(len(c.data))
		c.data = nil
		f.chunks = append(f.chunks, c)
	}
	for i, c := range g.chunks { // behind the pages, which lie together for those who scan
		if len(c.bloom) == 0 {
			continue
		}
		meta := &rg.Columns[i].MetaData
		meta.BloomFilterOffset, meta.BloomFilterLength = at, int32(len(c.bloom))
		parts = append(parts, c.bloom)
		at += int64(len(c.bloom))
		c.bloom = nil
	}
	f.groups = append(f.groups, rg)
	f.rows += int64(g.rows)
	return f.write(parts...)
}

// finish writes the page indexes and the footer.
func (f *parquetFile) finish() error {
	var proto thrift.CompactProtocol
	var tail []byte
	at := func() int64 { return f.size + int64(len(tail)) }
	perGroup := len(f.schema.leaves)
	for i, c := range f.chunks {
		if len(c.index.NullPages) == 0 {
			continue
		}
		b, err := thrift.Marshal(&proto, &c.index)
		if err != nil {
			return fmt.Errorf("marshal column index: %w", err)
		}
		col := &f.groups[i/perGroup].Columns[i%perGroup]
		col.ColumnIndexOffset, col.ColumnIndexLength = at(), int32(len(b))
		tail = append(tail, b...)
	}
	for i, c := range f.chunks {
		if len(c.pages) == 0 {
			continue
		}
		b, err := thrift.Marshal(&proto, &format.OffsetIndex{PageLocations: c.pages})
		if err != nil {
			return fmt.Errorf("marshal offset index: %w", err)
		}
		col := &f.groups[i/perGroup].Columns[i%perGroup]
		col.OffsetIndexOffset, col.OffsetIndexLength = at(), int32(len(b))
		tail = append(tail, b...)
	}
	meta := format.FileMetaData{
		Version: 1, Schema: schemaElements(f.schema), NumRows: f.rows, RowGroups: f.groups, CreatedBy: createdBy,
	}
	for range f.schema.leaves {
		meta.ColumnOrders = append(meta.ColumnOrders, format.ColumnOrder{Value: &format.TypeDefinedOrder{}})
	}
	footer, err := thrift.Marshal(&proto, &meta)
	if err != nil {
		return fmt.Errorf("marshal footer: %w", err)
	}
	tail = append(tail, footer...)
	tail = binary.LittleEndian.AppendUint32(tail, uint32(len(footer)))
	f.chunks = nil
	return f.write(append(tail, magic...))
}

// schemaElements flattens the schema as Parquet's footer has it.
func schemaElements(s *schema) []format.SchemaElement {
	fields := s.root.fields
	out := []format.SchemaElement{{Name: "schema", NumChildren: thrift.New(int32(len(fields)))}}
	for _, f := range fields {
		out = appendElements(out, f)
	}
	return out
}

func appendElements(out []format.SchemaElement, n *node) []format.SchemaElement {
	optional, repeated, required := thrift.New(format.Optional), thrift.New(format.Repeated), thrift.New(format.Required)
	el := format.SchemaElement{Name: n.name, RepetitionType: optional}
	switch n.kind {
	case structNode:
		el.NumChildren = thrift.New(int32(len(n.fields)))
		out = append(out, el)
		for _, f := range n.fields {
			out = appendElements(out, f)
		}
		return out
	case listNode:
		el.NumChildren = thrift.New(int32(1))
		el.ConvertedType = thrift.New(deprecated.List)
		el.LogicalType = format.LogicalType{Value: &format.ListType{}}
		out = append(out, el, format.SchemaElement{Name: "list", RepetitionType: repeated, NumChildren: thrift.New(int32(1))})
		return appendElements(out, n.elem)
	case mapNode:
		el.NumChildren = thrift.New(int32(1))
		el.ConvertedType = thrift.New(deprecated.Map)
		el.LogicalType = format.LogicalType{Value: &format.MapType{}}
		out = append(out, el, format.SchemaElement{Name: "key_value", RepetitionType: repeated, NumChildren: thrift.New(int32(2))})
		out = appendElements(out, n.key)
		out[len(out)-1].RepetitionType = required
		return appendElements(out, n.elem)
	}
	annotate(&el, n)
	return append(out, el)
}

// annotate gives a leaf its physical, converted and logical type.
func annotate(el *format.SchemaElement, leaf *node) {
	t := leaf.typ
	el.Type = thrift.New(physical(leaf))
	set := func(c deprecated.ConvertedType, l format.LogicalTypeValue) {
		el.ConvertedType = thrift.New(c)
		el.LogicalType = format.LogicalType{Value: l}
	}
	switch t.Kind {
	case lake.KindString:
		set(deprecated.UTF8, &format.StringType{})
	case lake.KindTimestamp:
		annotateTimestamp(el, leaf.unit)
	case lake.KindDate:
		set(deprecated.Date, &format.DateType{})
	case lake.KindTinyint:
		set(deprecated.Int8, &format.IntType{BitWidth: 8, IsSigned: true})
	case lake.KindSmallint:
		set(deprecated.Int16, &format.IntType{BitWidth: 16, IsSigned: true})
	case lake.KindDecimal:
		set(deprecated.Decimal, &format.DecimalType{Scale: int32(t.Scale), Precision: int32(t.Precision)})
		el.Scale, el.Precision = thrift.New(int32(t.Scale)), thrift.New(int32(t.Precision))
	}
}

// physical is how Parquet stores a leaf.
func physical(leaf *node) format.Type {
	if leaf.unit == int96 {
		return format.Int96
	}
	switch leaf.typ.Kind {
	case lake.KindBoolean:
		return format.Boolean
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindDate:
		return format.Int32
	case lake.KindFloat:
		return format.Float
	case lake.KindDouble:
		return format.Double
	case lake.KindString, lake.KindBinary:
		return format.ByteArray
	}
	return format.Int64 // bigint, timestamp, decimal of up to 18 digits
}

// parquetPath is a leaf's path in the file's schema.
func parquetPath(n *node) []string {
	var path []string
	for _, p := range pathTo(n) {
		if p.parent.kind == listNode {
			path = append(path, "list")
		}
		if p.parent.kind == mapNode {
			path = append(path, "key_value")
		}
		path = append(path, p.name)
	}
	return path
}
