package output

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/parquet-go/parquet-go"

	"sluice/query/result"
)

// rowGroupBytes is about what a row group has in memory before it is written.
const rowGroupBytes = 16 << 20

// writeParquet writes a file. Without its footer, which is only written behind
// the last row, it cannot be read.
func writeParquet(w *bufio.Writer, rows Batches) error {
	schema := uniqueNames(rows.Schema())
	if schema.NumFields() == 0 {
		return fmt.Errorf("write answer: a Parquet file has at least one column")
	}
	s := newShredder(schema)
	out := parquet.NewWriter(w, parquet.NewSchema("answer", s.root),
		parquet.Compression(&parquet.Zstd), parquet.DataPageVersion(1), parquet.CreatedBy("sluice", "", ""))
	var held int64
	err := eachBatch(rows, schema, func(batch arrow.RecordBatch) error {
		if held += result.BatchBytes(batch); held >= rowGroupBytes {
			held = 0
			if err := out.Flush(); err != nil {
				return err
			}
		}
		_, err := out.WriteRows(s.rows(batch))
		return err
	})
	if err != nil {
		return err // without a footer, on purpose
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return nil
}

// A shredder makes of record batches the rows of a Parquet file: for each leaf
// column, values with their repetition and definition levels.
type shredder struct {
	root   ordered
	nodes  []*shredNode // one a column
	leaves int
	// values are those of the row in work, by leaf column.
	values [][]parquet.Value
}

// A shredNode is a column, or a part of a nested one. It is optional, but for the
// key of a map.
type shredNode struct {
	required    bool
	from, to    int // its leaf columns
	repetition  int // level of its elements, where it is a list or map
	children    []*shredNode
	value       func(c arrow.Array, row int) parquet.Value // of a leaf
	parquetNode parquet.Node
}

func newShredder(schema *arrow.Schema) *shredder {
	s := &shredder{root: ordered{Group: parquet.Group{}}}
	for _, f := range schema.Fields() {
		n := s.node(f.Type, 0, false)
		s.nodes = append(s.nodes, n)
		s.root.add(f.Name, n.parquetNode)
	}
	s.values = make([][]parquet.Value, s.leaves)
	return s
}

// node describes values of a type, below repetition lists and maps.
func (s *shredder) node(t arrow.DataType, repetition int, required bool) *shredNode {
	n := &shredNode{from: s.leaves, required: required, repetition: repetition + 1}
	var node parquet.Node
	switch t := t.(type) {
	case *arrow.ListType:
		n.children = []*shredNode{s.node(t.Elem(), repetition+1, false)}
		node = parquet.List(n.children[0].parquetNode)
	case *arrow.MapType:
		n.children = []*shredNode{s.node(t.KeyType(), repetition+1, true), s.node(t.ItemType(), repetition+1, false)}
		node = parquet.Map(n.children[0].parquetNode, n.children[1].parquetNode)
	case *arrow.StructType:
		g := ordered{Group: parquet.Group{}}
		for _, f := range t.Fields() {
			child := s.node(f.Type, repetition, false)
			n.children = append(n.children, child)
			g.add(f.Name, child.parquetNode)
		}
		node = g
	default:
		node, n.value = leaf(t)
		s.leaves++
	}
	n.to = s.leaves
	n.parquetNode = parquet.Optional(node)
	if required {
		n.parquetNode = parquet.Required(node)
	}
	return n
}

// rows are the batch's rows.
func (s *shredder) rows(batch arrow.RecordBatch) []parquet.Row {
	rows := make([]parquet.Row, batch.NumRows())
	for i := range rows {
		for leaf := range s.values {
			s.values[leaf] = s.values[leaf][:0]
		}
		n := 0
		for j, node := range s.nodes {
			s.shred(node, batch.Column(j), i, 0, 0)
		}
		for _, v := range s.values {
			n += len(v)
		}
		row := make(parquet.Row, 0, n)
		for _, v := range s.values {
			row = append(row, v...)
		}
		rows[i] = row
	}
	return rows
}

// shred adds the value at a row of c, which begins at the repetition level rep
// within what is there up to the definition level def.
func (s *shredder) shred(n *shredNode, c arrow.Array, row, rep, def int) {
	if !n.required {
		if c.IsNull(row) {
			s.none(n, rep, def)
			return
		}
		def++
	}
	switch c := c.(type) {
	case *array.Map:
		from, to := c.ValueOffsets(row)
		s.elements(n, []arrow.Array{c.Keys(), c.Items()}, int(from), int(to), rep, def)
	case *array.List:
		from, to := c.ValueOffsets(row)
		s.elements(n, []arrow.Array{c.ListValues()}, int(from), int(to), rep, def)
	case *array.Struct:
		for i, child := range n.children {
			s.shred(child, c.Field(i), row, rep, def)
		}
	default:
		s.values[n.from] = append(s.values[n.from], n.value(c, row).Level(rep, def, n.from))
	}
}

// elements adds the elements of a list, or keys and values of a map.
func (s *shredder) elements(n *shredNode, of []arrow.Array, from, to, rep, def int) {
	if from == to {
		s.none(n, rep, def)
		return
	}
	for i := from; i < to; i++ {
		for j, child := range n.children {
			s.shred(child, of[j], i, rep, def+1)
		}
		rep = n.repetition
	}
}

// none adds that nothing is there beyond a definition level.
func (s *shredder) none(n *shredNode, rep, def int) {
	for leaf := n.from; leaf < n.to; leaf++ {
		s.values[leaf] = append(s.values[leaf], parquet.Value{}.Level(rep, def, leaf))
	}
}

// leaf is how values of a type that is not nested are stored.
func leaf(t arrow.DataType) (parquet.Node, func(c arrow.Array, row int) parquet.Value) {
	switch t := t.(type) {
	case *arrow.BooleanType:
		return parquet.Leaf(parquet.BooleanType), func(c arrow.Array, row int) parquet.Value { return parquet.BooleanValue(c.(*array.Boolean).Value(row)) }
	case *arrow.Int8Type:
		return parquet.Int(8), func(c arrow.Array, row int) parquet.Value {
			return parquet.Int32Value(int32(c.(*array.Int8).Value(row)))
		}
	case *arrow.Int16Type:
		return parquet.Int(16), func(c arrow.Array, row int) parquet.Value {
			return parquet.Int32Value(int32(c.(*array.Int16).Value(row)))
		}
	case *arrow.Int32Type:
		return parquet.Int(32), func(c arrow.Array, row int) parquet.Value { return parquet.Int32Value(c.(*array.Int32).Value(row)) }
	case *arrow.Int64Type:
		return parquet.Int(64), func(c arrow.Array, row int) parquet.Value { return parquet.Int64Value(c.(*array.Int64).Value(row)) }
	case *arrow.Float32Type:
		return parquet.Leaf(parquet.FloatType), func(c arrow.Array, row int) parquet.Value { return parquet.FloatValue(c.(*array.Float32).Value(row)) }
	case *arrow.Float64Type:
		return parquet.Leaf(parquet.DoubleType), func(c arrow.Array, row int) parquet.Value { return parquet.DoubleValue(c.(*array.Float64).Value(row)) }
	case *arrow.Decimal128Type:
		return decimalLeaf(t)
	case *arrow.BinaryType:
		return parquet.Leaf(parquet.ByteArrayType), func(c arrow.Array, row int) parquet.Value {
			return parquet.ByteArrayValue(c.(*array.Binary).Value(row))
		}
	case *arrow.Date32Type:
		return parquet.Date(), func(c arrow.Array, row int) parquet.Value {
			return parquet.Int32Value(int32(c.(*array.Date32).Value(row)))
		}
	case *arrow.Time64Type:
		return parquet.TimeAdjusted(parquet.Microsecond, false), func(c arrow.Array, row int) parquet.Value {
			return parquet.Int64Value(int64(c.(*array.Time64).Value(row)))
		}
	case *arrow.TimestampType:
		unit := parquet.Microsecond
		if t.Unit == arrow.Nanosecond {
			unit = parquet.Nanosecond
		}
		return parquet.TimestampAdjusted(unit, t.TimeZone != ""), func(c arrow.Array, row int) parquet.Value {
			return parquet.Int64Value(int64(c.(*array.Timestamp).Value(row)))
		}
	case *arrow.StringType:
		return parquet.String(), func(c arrow.Array, row int) parquet.Value {
			return parquet.ByteArrayValue([]byte(c.(*array.String).Value(row)))
		}
	case *arrow.NullType: // without a value ever
		return parquet.String(), func(arrow.Array, int) parquet.Value { return parquet.Value{} }
	}
	panic(fmt.Sprintf("BUG: no way to write Arrow's %s to Parquet", t))
}

// decimalLeaf stores up to 18 digits in 64 bits, more in 16 bytes.
func decimalLeaf(t *arrow.Decimal128Type) (parquet.Node, func(c arrow.Array, row int) parquet.Value) {
	if t.Precision <= 18 {
		return parquet.Decimal(int(t.Scale), int(t.Precision), parquet.Int64Type), func(c arrow.Array, row int) parquet.Value {
			return parquet.Int64Value(int64(c.(*array.Decimal128).Value(row).LowBits()))
		}
	}
	return parquet.Decimal(int(t.Scale), int(t.Precision), parquet.FixedLenByteArrayType(16)), func(c arrow.Array, row int) parquet.Value {
		v := c.(*array.Decimal128).Value(row)
		b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), uint64(v.HighBits()))
		return parquet.FixedLenByteArrayValue(binary.BigEndian.AppendUint64(b, v.LowBits()))
	}
}

// An ordered group has its fields in the order in which they were added, where a
// parquet.Group has them by name.
type ordered struct {
	parquet.Group
	names *[]string
}

func (o *ordered) add(name string, n parquet.Node) {
	if o.names == nil {
		o.names = new([]string)
	}
	o.Group[name] = n
	*o.names = append(*o.names, name)
}

// Fields are the fields in order.
func (o ordered) Fields() []parquet.Field {
	fields := o.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return slices.Index(*o.names, a.Name()) - slices.Index(*o.names, b.Name())
	})
	return fields
}
