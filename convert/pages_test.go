package convert_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// checkPages compares what a file says of its pages and chunks with their values.
func checkPages(t *testing.T, path string) {
	t.Helper()
	f := openParquet(t, path)
	checkPlain(t, path, f)
	if len(f.RowGroups()) > 0 && f.Metadata().RowGroups[0].Columns[0].ColumnIndexOffset == 0 {
		return // parquet-go then reads no column index at all
	}
	for _, g := range f.RowGroups() {
		for _, c := range g.ColumnChunks() {
			checkChunk(t, f, c.(*parquet.FileColumnChunk), g.NumRows())
		}
	}
}

// A span is what a page or chunk really holds.
type span struct {
	min, max      parquet.Value
	nulls, values int64
	rows          int64
}

func (s *span) add(typ parquet.Type, v parquet.Value) {
	s.values++
	if v.RepetitionLevel() == 0 {
		s.rows++
	}
	if v.IsNull() {
		s.nulls++
		return
	}
	if s.values-s.nulls == 1 || typ.Compare(v, s.min) < 0 {
		s.min = v.Clone()
	}
	if s.values-s.nulls == 1 || typ.Compare(v, s.max) > 0 {
		s.max = v.Clone()
	}
}

// bounded reports whether min and max are bounds of what the span holds; for
// texts of up to 64 bytes and all else they must be exact.
func (s *span) bounded(typ parquet.Type, low, high parquet.Value) bool {
	exact := func(v parquet.Value) bool { return v.Kind() != parquet.ByteArray || len(v.ByteArray()) <= 64 }
	lowOK := typ.Compare(low, s.min) == 0 || !exact(s.min) && bytes.HasPrefix(s.min.ByteArray(), low.ByteArray())
	highOK := typ.Compare(high, s.max) == 0 || !exact(s.max) && typ.Compare(high, s.max) > 0 && len(high.ByteArray()) <= 64
	return lowOK && highOK
}

func checkChunk(t *testing.T, f *parquet.File, c *parquet.FileColumnChunk, rows int64) {
	t.Helper()
	typ := c.Type()
	name := f.Schema().Columns()[c.Column()]
	if typ.Kind() == parquet.Int96 {
		if _, _, ok := c.Bounds(); ok {
			t.Errorf("%v: INT96 with bounds, on which readers do not agree", name)
		}
		return
	}
	index, err := c.ColumnIndex()
	if err != nil {
		t.Fatalf("%v: column index: %v", name, err)
	}
	offsets, err := c.OffsetIndex()
	if err != nil {
		t.Fatalf("%v: offset index: %v", name, err)
	}
	var whole span
	pages := c.Pages()
	defer pages.Close()
	n := 0
	for ; ; n++ {
		page, err := pages.ReadPage()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v: page %d: %v", name, n, err)
		}
		var s span
		for _, v := range valuesOf(t, page) {
			s.add(typ, v)
			whole.add(typ, v)
		}
		if got := offsets.FirstRowIndex(n); got != whole.rows-s.rows {
			t.Errorf("%v: page %d begins at row %d, the index says %d", name, n, whole.rows-s.rows, got)
		}
		if index.NullCount(n) != s.nulls || index.NullPage(n) != (s.nulls == s.values) {
			t.Errorf("%v: page %d has %d nulls of %d, the index says %d, null page %v", name, n, s.nulls, s.values, index.NullCount(n), index.NullPage(n))
		}
		if s.nulls < s.values && !s.bounded(typ, index.MinValue(n), index.MaxValue(n)) {
			t.Errorf("%v: page %d has %.80q to %.80q, the index says %.80q to %.80q", name, n, s.min, s.max, index.MinValue(n), index.MaxValue(n))
		}
	}
	if n != index.NumPages() || n != offsets.NumPages() {
		t.Errorf("%v: %d pages, the indexes say %d and %d", name, n, index.NumPages(), offsets.NumPages())
	}
	if whole.rows != rows || whole.values != c.NumValues() || whole.nulls != c.NullCount() {
		t.Errorf("%v: %d rows, %d values, %d nulls; the footer says %d, %d, %d", name, whole.rows, whole.values, whole.nulls, rows, c.NumValues(), c.NullCount())
	}
	checkOrder(t, name, typ, index)
	if low, high, ok := c.Bounds(); whole.nulls < whole.values && (!ok || !whole.bounded(typ, low, high)) {
		t.Errorf("%v: chunk has %.80q to %.80q, the footer says %.80q to %.80q, %v", name, whole.min, whole.max, low, high, ok)
	}
}

// checkOrder holds the index to its word that it is sorted.
func checkOrder(t *testing.T, name []string, typ parquet.Type, index parquet.ColumnIndex) {
	t.Helper()
	last := -1
	for i := range index.NumPages() {
		if index.NullPage(i) {
			continue
		}
		if last >= 0 {
			low, high := typ.Compare(index.MinValue(last), index.MinValue(i)), typ.Compare(index.MaxValue(last), index.MaxValue(i))
			if index.IsAscending() && (low > 0 || high > 0) || index.IsDescending() && (low < 0 || high < 0) {
				t.Errorf("%v: pages %d and %d are out of order", name, last, i)
			}
		}
		last = i
	}
}

func valuesOf(t *testing.T, page parquet.Page) (out []parquet.Value) {
	t.Helper()
	values := page.Values()
	buf := make([]parquet.Value, 500)
	for {
		n, err := values.ReadValues(buf)
		for _, v := range buf[:n] {
			out = append(out, v.Clone())
		}
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
