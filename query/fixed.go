package query

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"sluice/query/result"
)

// A fixed source answers with rows that are known.
type fixed struct {
	columns []result.Column
	rows    [][]result.Value
	next    int
}

func (f *fixed) Columns() []result.Column { return f.columns }

func (f *fixed) Next() bool {
	if f.next >= len(f.rows) {
		return false
	}
	f.next++
	return true
}

func (f *fixed) Values() []result.Value { return f.rows[f.next-1] }
func (f *fixed) Err() error             { return nil }
func (f *fixed) Close() error           { return nil }

// gathered makes batches of a source's rows.
type gathered struct{ source }

// Schema has bigint columns as such and all others as strings.
func (g gathered) Schema() *arrow.Schema {
	columns := g.Columns()
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.Name, Type: arrow.BinaryTypes.String, Nullable: true}
		if c.Type == "bigint" {
			fields[i].Type = arrow.PrimitiveTypes.Int64
		}
	}
	return arrow.NewSchema(fields, nil)
}

// NextBatch is the next rows, a thousand at most.
func (g gathered) NextBatch() arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, g.Schema())
	defer b.Release()
	n := 0
	for n < 1000 && g.Next() {
		n++
		for i, v := range g.Values() {
			if v.Form == result.Null || b.Field(i).AppendValueFromString(v.Text) != nil {
				b.Field(i).AppendNull()
			}
		}
	}
	if n == 0 || g.Err() != nil {
		return nil
	}
	return b.NewRecordBatch()
}
