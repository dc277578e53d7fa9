package footer

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// A Selection says of each leaf whether it is taken.
type Selection []bool

// Has reports whether s takes all that other takes. Both are of one file.
func (s Selection) Has(other Selection) bool {
	for i, taken := range other {
		if taken && !s[i] {
			return false
		}
	}
	return true
}

// With is what s or other takes.
func (s Selection) With(other Selection) Selection {
	out := make(Selection, len(s))
	for i := range s {
		out[i] = s[i] || other[i]
	}
	return out
}

// Bytes is how many bytes the column chunks of a row group have.
func (f *Footer) Bytes(group int, s Selection) (n int64) {
	for leaf, taken := range s {
		if taken {
			n += f.chunks[group][leaf].length
		}
	}
	return n
}

// A Small is a Parquet file of one row group with some of its leaves: four bytes of
// magic, the pieces without a gap, and the tail. What was not taken is not in it in
// any form. Statistics of columns stay; indexes, bloom filters, sorting and the
// writer's keys and values do not.
type Small struct {
	Pieces []Piece // of each leaf that is taken, in their order
	Tail   []byte
}

// A Piece is a column chunk: where it lies in the large file and in the small one.
type Piece struct {
	Leaf             int
	From, To, Length int64
}

// Head is what a small file begins with.
const Head = magic

// Size is how many bytes the file has.
func (s *Small) Size() int64 {
	n := int64(len(Head) + len(s.Tail))
	for _, p := range s.Pieces {
		n += p.Length
	}
	return n
}

// Small plans the file of a row group and a selection. A file without any column
// keeps its number of rows, in a column of nulls that no table has.
func (f *Footer) Small(group int, s Selection) (*Small, error) {
	small := &Small{}
	at := int64(len(Head))
	for leaf, taken := range s {
		if taken {
			n := f.chunks[group][leaf].length
			small.Pieces = append(small.Pieces, Piece{Leaf: leaf, From: f.chunks[group][leaf].off, To: at, Length: n})
			at += n
		}
	}
	var meta []byte
	var err error
	if len(small.Pieces) == 0 {
		small.Tail, meta = rowsOnly(f.Meta.RowGroups[group].NumRows)
	} else if meta, err = f.rewrite(group, s, small.Pieces); err != nil {
		return nil, fmt.Errorf("rewrite metadata of row group %d: %w", group, err)
	}
	small.Tail = append(small.Tail, meta...)
	small.Tail = binary.LittleEndian.AppendUint32(small.Tail, uint32(len(meta)))
	small.Tail = append(small.Tail, magic...)
	return small, nil
}

// rewrite makes the metadata of the small file out of the fields of the large one.
func (f *Footer) rewrite(group int, s Selection, pieces []Piece) ([]byte, error) {
	fields, _, err := readStruct(f.raw)
	if err != nil {
		return nil, err
	}
	rowGroup, err := f.rewriteGroup(group, pieces)
	if err != nil {
		return nil, err
	}
	var out []field
	for _, x := range fields {
		switch x.id {
		case 1, 6: // version, writer
		case 2:
			if x.value, err = f.rewriteSchema(x.value, s); err != nil {
				return nil, err
			}
		case 3:
			x = number(3, typeI64, f.Meta.RowGroups[group].NumRows)
		case 4:
			x.value = appendList(nil, typeStruct, [][]byte{rowGroup})
		case 7: // column orders
			elem, items, _, err := readList(x.value)
			if err != nil {
				return nil, err
			}
			if len(items) != len(s) {
				continue
			}
			x.value = appendList(nil, elem, taken(items, s))
		default:
			continue
		}
		out = append(out, x)
	}
	return appendStruct(nil, out), nil
}

func taken(items [][]byte, s Selection) (out [][]byte) {
	for i, item := range items {
		if s[i] {
			out = append(out, item)
		}
	}
	return out
}

// rewriteSchema takes the elements above the leaves that are taken.
func (f *Footer) rewriteSchema(schema []byte, s Selection) ([]byte, error) {
	elem, items, _, err := readList(schema)
	if err != nil || len(items) != len(f.Meta.Schema) {
		return nil, errors.Join(errThrift, err)
	}
	w := schemaWriter{footer: f, items: items, selection: s}
	if _, err := w.element(maxSchemaDepth); err != nil {
		return nil, err
	}
	return appendList(nil, elem, w.out), nil
}

// maxSchemaDepth bounds how deep columns lie in one another.
const maxSchemaDepth = 256

// A schemaWriter walks down the schema.
type schemaWriter struct {
	footer    *Footer
	items     [][]byte
	selection Selection
	at, leaf  int
	out       [][]byte
}

// element writes the next element and those below it, and reports whether any of
// their leaves is taken.
func (w *schemaWriter) element(depth int) (written bool, err error) {
	if depth == 0 {
		return false, errSchema
	}
	i, place := w.at, len(w.out)
	w.at++
	children := int(w.footer.Meta.Schema[i].NumChildren.V)
	if children == 0 {
		w.leaf++
		if w.selection[w.leaf-1] {
			w.out = append(w.out, w.items[i])
		}
		return w.selection[w.leaf-1], nil
	}
	w.out = append(w.out, nil)
	kept := int64(0)
	for range children {
		written, err := w.element(depth - 1)
		if err != nil {
			return false, err
		}
		if written {
			kept++
		}
	}
	if kept == 0 {
		w.out = w.out[:place]
		return false, nil
	}
	fields, _, err := readStruct(w.items[i])
	if err != nil {
		return false, err
	}
	for j := range fields {
		if fields[j].id == 5 {
			fields[j] = number(5, typeI32, kept)
		}
	}
	w.out[place] = appendStruct(nil, fields)
	return true, nil
}

// rewriteGroup takes the chunks of the pieces.
func (f *Footer) rewriteGroup(group int, pieces []Piece) ([]byte, error) {
	columns, err := chunksOf(f.groups[group])
	if err != nil {
		return nil, err
	}
	var chunks [][]byte
	total := int64(0)
	for _, p := range pieces {
		chunk, err := rewriteChunk(columns[p.Leaf], p)
		if err != nil {
			return nil, err
		}
		chunks = append(chunks, chunk)
		total += f.Meta.RowGroups[group].Columns[p.Leaf].MetaData.TotalUncompressedSize
	}
	return rowGroup(chunks, total, f.Meta.RowGroups[group].NumRows), nil
}

func rowGroup(chunks [][]byte, size, rows int64) []byte {
	return appendStruct(nil, []field{
		{id: 1, typ: typeList, value: appendList(nil, typeStruct, chunks)}, number(2, typeI64, size), number(3, typeI64, rows),
	})
}

// rewriteChunk moves a chunk to its new place.
func rewriteChunk(chunk []byte, p Piece) ([]byte, error) {
	fields, _, err := readStruct(chunk)
	if err != nil {
		return nil, err
	}
	m := find(fields, 3, typeStruct)
	if m == nil {
		return nil, errors.New("a column chunk has no metadata")
	}
	meta, _, err := readStruct(m.value)
	if err != nil {
		return nil, err
	}
	var out []field
	for _, x := range meta {
		switch x.id {
		case 9, 10, 11: // where data pages, index pages and the dictionary begin
			off, _, err := readInt(x.value)
			if err != nil {
				return nil, err
			}
			if off < p.From || off >= p.From+p.Length {
				if x.id != 9 {
					continue // not there: some writers say 0
				}
				off = p.From
			}
			x = number(x.id, typeI64, off-p.From+p.To)
		case 14, 15: // bloom filter
			continue
		}
		out = append(out, x)
	}
	return appendStruct(nil, []field{
		number(2, typeI64, p.To), {id: 3, typ: typeStruct, value: appendStruct(nil, out)},
	}), nil
}
