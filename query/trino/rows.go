package trino

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"sluice/query/result"
)

// rows read the answer as it comes.
type rows struct {
	ctx      context.Context
	rows     *sql.Rows
	progress progress
	started  time.Time

	columns []result.Column
	cells   []any
	into    []any // pointers to cells
	values  []result.Value
	stats   result.Stats
	err     error
	done    bool
}

// head reads the columns.
func (r *rows) head() error {
	types, err := r.rows.ColumnTypes()
	if err != nil {
		return err
	}
	r.columns = []result.Column{}
	for _, t := range types {
		r.columns = append(r.columns, result.Column{Name: t.Name(), Type: typeName(t)})
	}
	r.cells, r.into, r.values = make([]any, len(types)), make([]any, len(types)), make([]result.Value, len(types))
	for i := range r.cells {
		r.into[i] = &r.cells[i]
	}
	return nil
}

// typeName is Presto's name of the type, as package result has it. The library tells
// it in capitals.
func typeName(t *sql.ColumnType) string {
	name := strings.ToLower(strings.ReplaceAll(t.DatabaseTypeName(), ", ", ","))
	if name == "decimal" {
		if p, s, ok := t.DecimalSize(); ok {
			return fmt.Sprintf("decimal(%d,%d)", p, s)
		}
	}
	return strings.ReplaceAll(name, `"`, "")
}

func (r *rows) Columns() []result.Column { return r.columns }

func (r *rows) Next() bool {
	if r.err != nil || r.done {
		return false
	}
	if !r.rows.Next() {
		r.done = true
		if err := r.rows.Err(); err != nil {
			r.err = explain(r.ctx, err)
		}
		r.stats.Stop(r.started)
		return false
	}
	if err := r.rows.Scan(r.into...); err != nil {
		r.err = explain(r.ctx, err)
		return false
	}
	for i, cell := range r.cells {
		r.values[i] = value(r.columns[i].Type, cell)
	}
	r.stats.Rows++
	return true
}

func (r *rows) Values() []result.Value { return r.values }
func (r *rows) Err() error             { return r.err }

// Stats has the bytes that the client library passed on last: at times not the last
// answer's.
func (r *rows) Stats() result.Stats {
	r.stats.Bytes = r.progress.scanned()
	r.stats.Stop(r.started)
	return r.stats
}

// Close cancels the query at the server where it has not ended.
func (r *rows) Close() error { return r.rows.Close() }
