package convert

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// An encoder turns builders into row groups. It is for one goroutine.
type encoder struct {
	codec   codec
	limit   int // rows of a page
	bytes   int // of a page before compression, at most about; 0: maxPageBytes
	run     *runLimits
	page    []byte
	packed  []byte
	places  [2][]place
	defs    []uint8
	reps    []uint8
	refs    []uint32
	prefix  []uint32
	ranked  []uint32
	numbers numberDictionary
	// Of timestamps, of sorted rows, and of Bloom filters:
	scaled, nums []int64
	order        []uint32
	sortedRefs   []uint32
	bools        []byte
	blocks       []bloomBlock
	proto        thrift.CompactProtocol
}

// Run limits are those of what is read by sorting alone: its chunks have no statistics and
// no indexes, and texts are encoded without their dictionary where that is larger than
// dictionary and they take no more than plain.
type runLimits struct{ dictionary, plain int64 }

// A rowGroup is encoded and waits for its place in a file.
type rowGroup struct {
	rows   int
	chunks []*chunk
}

// An entries is a leaf's column chunk before encoding.
type entries struct {
	n    int     // how many, nulls included
	defs []uint8 // nil: all present
	reps []uint8 // nil: no lists
	// present, of a leaf without lists that is not always there, has a bit an
	// entry.
	present *bitmap
}

// count counts the present values of the entries [from, to).
func (in *entries) count(from, to int, def uint8) int {
	switch {
	case in.defs == nil:
		return to - from
	case in.present != nil:
		return in.present.countRange(from, to)
	}
	n := 0
	for _, d := range in.defs[from:to] {
		if d == def {
			n++
		}
	}
	return n
}

// levels makes the definition and repetition levels of a leaf.
func (e *encoder) levels(b *builder, leaf *node) entries {
	c := &b.columns[leaf.id]
	if !nested(leaf) {
		if c.present.count == b.rows() {
			return entries{n: b.rows()}
		}
		e.defs = b.flatLevels(leaf, e.defs)
		return entries{n: b.rows(), defs: e.defs, present: &c.present}
	}
	places := b.places(leaf, &e.places)
	e.defs, e.reps = slices.Grow(e.defs[:0], len(places)), slices.Grow(e.reps[:0], len(places))
	for _, p := range places {
		e.defs = append(e.defs, p.def)
		e.reps = append(e.reps, p.rep)
	}
	return entries{n: len(places), defs: e.defs, reps: e.reps}
}

// values is how a leaf's present values are encoded, page by page.
type values interface {
	// dictionary is the PLAIN dictionary page and its number of entries, or nil.
	dictionary() ([]byte, int)
	// appendPage appends the values [from, to) and tells their bounds.
	appendPage(dst []byte, from, to int) ([]byte, bounds)
	// size is about how many bytes a value takes in a page.
	size() int
}

func (e *encoder) values(c *column, k lake.Kind) values {
	switch k {
	case lake.KindBoolean:
		return boolValues(c.bools)
	case lake.KindString, lake.KindBinary:
		c.texts.finish()
		// An empty dictionary would be a page of no bytes, which readers refuse.
		if c.texts.plain || c.texts.len() == 0 {
			return &plainTexts{t: &c.texts}
		}
		if e.run != nil && c.texts.large(e.run) {
			return &spreadTexts{t: &c.texts}
		}
		return newDictTexts(e, &c.texts)
	}
	if refs, ok := e.numbers.build(c.nums, e.refs[:0]); ok {
		e.refs = refs
		return &dictNumbers{e: e, kind: k, refs: refs, nums: c.nums}
	}
	return &plainNumbers{kind: k, nums: c.nums}
}

// chunk encodes one leaf: the dictionary page, if any, and the data pages. Other
// encoders may be at other leaves of the builder.
func (e *encoder) chunk(b *builder, leaf *node) (*chunk, error) {
	col := &b.columns[leaf.id]
	rows := b.order()
	vals := e.values(e.stored(col, leaf), leaf.typ.Kind)
	c := &chunk{}
	var err error
	if leaf.bloom > 0 {
		if c.bloom, err = e.bloom(vals, leaf); err != nil {
			return nil, err
		}
	}
	var in entries
	if rows == nil {
		in = e.levels(b, leaf)
	} else {
		var order []uint32
		in, order = e.sortedLevels(b, leaf, rows)
		vals = e.reordered(vals, order)
	}
	if leaf.unit == int96 {
		vals = int96Values{vals}
	}
	c.meta.Type = physical(leaf)
	c.meta.Codec = e.codec.id
	c.meta.PathInSchema = parquetPath(leaf)
	c.meta.NumValues = int64(in.n)
	encoding := format.Plain
	c.meta.Encoding = []format.Encoding{format.Plain, format.RLE}
	if dict, n := vals.dictionary(); dict != nil {
		encoding = format.RLEDictionary
		c.meta.Encoding = append(c.meta.Encoding, format.RLEDictionary)
		c.meta.DictionaryPageOffset = 0
		h := format.PageHeader{Type: format.DictionaryPage}
		h.DictionaryPageHeader = thrift.New(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain})
		if err := e.appendPage(c, &h, dict, 0, e.codec.forTexts(dict, &e.packed)); err != nil {
			return nil, err
		}
		c.meta.EncodingStats = append(c.meta.EncodingStats, format.PageEncodingStats{PageType: format.DictionaryPage, Encoding: format.Plain, Count: 1})
	}
	c.meta.DataPageOffset = int64(len(c.data))
	if err := e.dataPages(c, leaf, in, vals, encoding); err != nil {
		return nil, err
	}
	c.meta.EncodingStats = append(c.meta.EncodingStats, format.PageEncodingStats{PageType: format.DataPage, Encoding: encoding, Count: int32(len(c.pages))})
	c.meta.TotalCompressedSize = int64(len(c.data))
	if e.run != nil {
		c.pages = nil
	} else {
		c.finishIndex(leaf, in.n-(col.present.count))
	}
	return c, nil
}

// dataPages cuts the entries into pages of whole rows.
func (e *encoder) dataPages(c *chunk, leaf *node, in entries, vals values, encoding format.Encoding) error {
	limit := min(e.limit, max(1, cmp.Or(e.bytes, maxPageBytes)/max(1, vals.size())))
	var compress compression
	row, value := 0, 0
	for from := 0; from < in.n; {
		to, rows := pageEnd(in, from, limit)
		present := in.count(from, to, leaf.def)
		e.page = e.page[:0]
		if leaf.rep > 0 {
			e.page = e.appendLevels(e.page, in.reps[from:to], leaf.rep)
		}
		if in.defs != nil {
			e.page = e.appendLevels(e.page, in.defs[from:to], leaf.def)
		} else {
			e.page = appendConstantLevel(e.page, to-from, leaf.def)
		}
		levels := len(e.page)
		var b bounds
		e.page, b = vals.appendPage(e.page, value, value+present)
		h := format.PageHeader{Type: format.DataPage}
		h.DataPageHeader = thrift.New(format.DataPageHeader{
			NumValues: int32(to - from), Encoding: encoding,
			DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
		})
		at := len(c.data)
		if from == 0 {
			compress = e.compression(vals, levels)
		}
		if err := e.appendPage(c, &h, e.page, levels, compress); err != nil {
			return err
		}
		if from == 0 && to < in.n { // the other pages will be about like this one
			c.data = slices.Grow(c.data, (len(c.data)-at+64)*((in.n-to)/(to-from)+1)*9/8)
		}
		c.pages = append(c.pages, format.PageLocation{Offset: int64(at), CompressedPageSize: int32(len(c.data) - at), FirstRowIndex: int64(row)})
		if e.run == nil {
			c.addBounds(leaf, b, to-from-present, present == 0)
		}
		from, row, value = to, row+rows, value+present
	}
	return nil
}

// compression is the way to compress a chunk's pages, of which the first is there.
func (e *encoder) compression(vals values, levels int) compression {
	if _, ok := vals.(*plainNumbers); ok {
		return e.codec.forNumbers(e.page, levels, &e.packed)
	}
	return e.codec.forTexts(e.page, &e.packed)
}

// pageEnd is where a page of at most limit values that begins at from ends, and
// how many rows it has; rows are never cut.
func pageEnd(in entries, from, limit int) (to, rows int) {
	if in.reps == nil {
		to = min(in.n, from+limit)
		return to, to - from
	}
	for to = from; to < in.n; to++ {
		if in.reps[to] == 0 {
			if to-from >= limit {
				break
			}
			rows++
		}
	}
	return to, rows
}

// appendLevels appends levels with their length, as data page V1 has them.
func (e *encoder) appendLevels(dst []byte, levels []uint8, max uint8) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendLevels(dst, levels, widthOf(uint32(max)))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

func appendConstantLevel(dst []byte, n int, level uint8) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.AppendUvarint(dst, uint64(n)<<1)
	dst = append(dst, level)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// appendPage compresses a page, whose values are behind its levels, and appends it behind
// its header.
func (e *encoder) appendPage(c *chunk, h *format.PageHeader, page []byte, levels int, compress compression) error {
	if len(page) > math.MaxInt32 {
		return fmt.Errorf("a page of %d bytes is more than Parquet can say", len(page))
	}
	e.packed = compress(e.packed[:0], page, levels)
	h.UncompressedPageSize, h.CompressedPageSize = int32(len(page)), int32(len(e.packed))
	h.CRC = int32(crc32.ChecksumIEEE(e.packed))
	header, err := thrift.Marshal(&e.proto, h)
	if err != nil {
		return fmt.Errorf("marshal page header: %w", err)
	}
	c.data = append(append(c.data, header...), e.packed...)
	c.meta.TotalUncompressedSize += int64(len(header) + len(page))
	return nil
}

func (c *chunk) addBounds(leaf *node, b bounds, nulls int, empty bool) {
	less := lessOf(leaf.typ.Kind)
	c.ordered.add(b, less)
	if leaf.typ.Kind == lake.KindString || leaf.typ.Kind == lake.KindBinary {
		b = cutBounds(b)
	}
	c.index.NullPages = append(c.index.NullPages, empty)
	c.index.MinValues = append(c.index.MinValues, b.min)
	c.index.MaxValues = append(c.index.MaxValues, b.max)
	c.index.NullCounts = append(c.index.NullCounts, int64(nulls))
}

// finishIndex settles the chunk's statistics and whether its pages are ordered.
func (c *chunk) finishIndex(leaf *node, nulls int) {
	less := lessOf(leaf.typ.Kind)
	c.meta.Statistics.NullCount = int64(nulls)
	b := c.ordered
	if leaf.typ.Kind == lake.KindString || leaf.typ.Kind == lake.KindBinary {
		b = cutBounds(b)
	}
	c.meta.Statistics.MinValue, c.meta.Statistics.MaxValue = b.min, b.max
	up, down := true, true
	last := -1
	for i, null := range c.index.NullPages {
		if null {
			continue
		}
		if c.index.MaxValues[i] == nil { // no bound to give: no index then
			c.index = format.ColumnIndex{}
			return
		}
		if last >= 0 {
			mins, maxs := c.index.MinValues, c.index.MaxValues
			up = up && !less(mins[i], mins[last]) && !less(maxs[i], maxs[last])
			down = down && !less(mins[last], mins[i]) && !less(maxs[last], maxs[i])
		}
		last = i
	}
	switch {
	case up:
		c.index.BoundaryOrder = format.Ascending
	case down:
		c.index.BoundaryOrder = format.Descending
	}
}
