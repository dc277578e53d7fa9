package output

import (
	"bufio"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"sluice/query/result"
)

// Batches are rows that can be read as Arrow record batches instead. Arrow and
// Parquet need them.
type Batches interface {
	result.Rows
	Schema() *arrow.Schema
	// NextBatch is nil at the end or after an error.
	NextBatch() arrow.RecordBatch
}

// writeArrow writes an IPC stream. Without its end-of-stream mark, which is only
// written behind the last row, it is not whole.
func writeArrow(w *bufio.Writer, rows Batches) error {
	schema := uniqueNames(rows.Schema())
	out := ipc.NewWriter(w, ipc.WithSchema(schema))
	err := eachBatch(rows, schema, out.Write)
	if err != nil {
		return err // not closed, on purpose
	}
	return out.Close()
}

// eachBatch calls write for all rows, under the schema's names, and returns the
// error that ended them.
func eachBatch(rows Batches, schema *arrow.Schema, write func(arrow.RecordBatch) error) error {
	for {
		batch := rows.NextBatch()
		if batch == nil {
			return rows.Err()
		}
		named := array.NewRecordBatch(schema, batch.Columns(), batch.NumRows())
		err := write(named)
		named.Release()
		batch.Release()
		if err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
}

// uniqueNames is the schema with a number behind each name that came before.
func uniqueNames(schema *arrow.Schema) *arrow.Schema {
	columns := make([]result.Column, schema.NumFields())
	for i, f := range schema.Fields() {
		columns[i].Name = f.Name
	}
	fields := schema.Fields()
	for i, name := range distinct(columns) {
		fields[i].Name = name
	}
	return arrow.NewSchema(fields, nil)
}
