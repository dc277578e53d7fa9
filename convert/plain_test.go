package convert_test

import (
	"os"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// checkPlain holds a file to what every engine reads: data pages V1, old
// encodings, common codecs.
func checkPlain(t *testing.T, path string, f *parquet.File) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	codecs := []format.CompressionCodec{format.Uncompressed, format.Snappy, format.Gzip, format.Zstd}
	for _, g := range f.Metadata().RowGroups {
		for i := range g.Columns {
			meta := &g.Columns[i].MetaData
			if !slices.Contains(codecs, meta.Codec) {
				t.Errorf("%v: codec %v", meta.PathInSchema, meta.Codec)
			}
			for _, e := range meta.Encoding {
				if e != format.Plain && e != format.RLE && e != format.RLEDictionary {
					t.Errorf("%v: encoding %v", meta.PathInSchema, e)
				}
			}
			start := meta.DataPageOffset
			if meta.DictionaryPageOffset > 0 {
				start = meta.DictionaryPageOffset
			}
			checkHeaders(t, meta, data[start:start+meta.TotalCompressedSize])
		}
	}
}

func checkHeaders(t *testing.T, meta *format.ColumnMetaData, pages []byte) {
	t.Helper()
	var proto thrift.CompactProtocol
	values := int64(0)
	for len(pages) > 0 {
		r := &counting{data: pages}
		var h format.PageHeader
		if err := thrift.NewDecoder(proto.NewReader(r)).Decode(&h); err != nil {
			t.Fatalf("%v: page header: %v", meta.PathInSchema, err)
		}
		switch h.Type {
		case format.DictionaryPage:
			if dict := h.DictionaryPageHeader.V; dict.Encoding != format.Plain || dict.NumValues == 0 {
				t.Errorf("%v: dictionary %+v", meta.PathInSchema, dict)
			}
		case format.DataPage:
			page := h.DataPageHeader.V
			values += int64(page.NumValues)
			if page.Encoding != format.Plain && page.Encoding != format.RLEDictionary || page.DefinitionLevelEncoding != format.RLE || page.RepetitionLevelEncoding != format.RLE {
				t.Errorf("%v: page %+v", meta.PathInSchema, page)
			}
		default:
			t.Errorf("%v: a page of type %v", meta.PathInSchema, h.Type)
		}
		pages = pages[r.read+int(h.CompressedPageSize):]
	}
	if values != meta.NumValues {
		t.Errorf("%v: %d values in pages, the footer says %d", meta.PathInSchema, values, meta.NumValues)
	}
}

// A counting hands out a byte at a time, so that it knows how many were needed.
type counting struct {
	data []byte
	read int
}

func (c *counting) Read(p []byte) (int, error) {
	p[0] = c.data[c.read]
	c.read++
	return 1, nil
}

func (c *counting) ReadByte() (byte, error) {
	c.read++
	return c.data[c.read-1], nil
}
