package executor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	bindings "github.com/duckdb/duckdb-go-bindings"
	"github.com/duckdb/duckdb-go/v2/mapping"

	"sluice/query/result"
)

// Rows is a running query's answer, read chunk by chunk as it is computed.
type Rows struct {
	ctx  context.Context // of the query; a Rows lives no longer
	exec *Executor
	in   *instance
	temp string
	stop func() // ends the watch on ctx

	stmt    mapping.PreparedStatement
	pending mapping.PendingResult
	res     mapping.Result
	chunk   mapping.DataChunk

	columns []result.Column
	cells   []cell // one reader a column
	row     int
	size    int // rows in chunk
	values  []result.Value
	err     error
	done    bool
	closed  bool
	left    bool // a call goes on, and frees what there is when it returns
	// overflow is set when a value exceeds the bigint that its column is; nil where
	// columns may be wider.
	overflow *bool
	batches  *batches // nil until the rows are read as such
}

var errOverflow = &Error{Kind: "Out of Range", Message: "NUMERIC_VALUE_OUT_OF_RANGE: bigint overflow", Position: -1}

// manyFiles is beyond how many files DuckDB keeps nothing of what it read of them: an
// instance is of one query, and keeping it costs a sixth of the time for each small file.
const manyFiles = 1000

// prepare sets the sandbox up and binds the statement in it.
func (r *Rows) prepare(q Query, maxTemp int64) error {
	settings := []string{
		"SET temp_directory = " + Quote(r.temp),
		fmt.Sprintf("SET max_temp_directory_size = '%dB'", maxTemp),
	}
	if q.Memory > 0 {
		settings = append(settings, fmt.Sprintf("SET memory_limit = '%dB'", q.Memory))
	}
	if len(q.Files) > manyFiles {
		settings = append(settings, "SET enable_external_file_cache = false")
	}
	if q.Limits {
		settings = append(settings, "SET disabled_optimizers = 'join_filter_pushdown'")
	}
	for _, sql := range settings {
		if err := r.in.exec(sql); err != nil {
			return fmt.Errorf("set up query: %w", err)
		}
	}
	if err := r.in.lock(q.Files); err != nil {
		return err
	}
	r.stop = r.in.watch(r.ctx)
	for _, sql := range q.Setup {
		if err := r.in.exec(sql); err != nil {
			return r.cause(fmt.Errorf("set up query: %w", err))
		}
	}
	if mapping.Prepare(r.in.conn, q.SQL, &r.stmt) == mapping.StateError {
		return r.cause(parseError(mapping.PrepareError(r.stmt)))
	}
	if mapping.NParams(r.stmt) > 0 {
		return &Error{Kind: "Binder", Message: "parameters (? and $1) are not supported", Position: -1}
	}
	return nil
}

// call runs f, which is at DuckDB for the query; what it uses is not there any more
// where the error is that of a query that ended.
func (r *Rows) call(f func() error) error {
	if r.left {
		return context.Cause(r.ctx)
	}
	var err error
	if left := r.exec.call(r.ctx, func() { err = f() }, func() { r.free() }); left != nil {
		r.left = true
		return left
	}
	return err
}

func (r *Rows) start(q Query, maxTemp int64) error {
	if err := r.prepare(q, maxTemp); err != nil {
		return err
	}
	// The streaming form is the only one that does not hold the whole answer.
	if bindings.PendingPreparedStreaming(r.stmt, &r.pending) == mapping.StateError {
		return r.cause(parseError(mapping.PendingError(r.pending)))
	}
	if mapping.ExecutePending(r.pending, &r.res) == mapping.StateError {
		return r.cause(parseError(mapping.ResultError(&r.res)))
	}
	n := int(mapping.ColumnCount(&r.res))
	r.columns = make([]result.Column, n)
	r.cells = make([]cell, n)
	r.values = make([]result.Value, n)
	for i := range n {
		lt := mapping.ColumnLogicalType(&r.res, mapping.IdxT(i))
		name := mapping.ColumnName(&r.res, mapping.IdxT(i))
		c, err := newCell(lt, r.overflow)
		mapping.DestroyLogicalType(&lt)
		if err != nil {
			return &Error{Kind: "Binder", Message: fmt.Sprintf("column %q: %v", name, err), Position: -1}
		}
		r.columns[i] = result.Column{Name: name, Type: c.name}
		r.cells[i] = *c
	}
	return r.show(q.Shown)
}

// show notes how columns are to be shown.
func (r *Rows) show(all []Shown) error {
	for _, s := range all {
		at := s.Column
		if at < 0 {
			for i, c := range r.columns {
				if !strings.EqualFold(c.Name, s.Name) {
					continue
				}
				if at >= 0 {
					return &Error{Kind: "Binder", Message: fmt.Sprintf("several columns are named %s, of which one has a time zone or is char(n): name them instead of *", s.Name), Position: -1}
				}
				at = i
			}
		}
		if at < 0 || at >= len(r.columns) {
			return fmt.Errorf("show column %d (%s) of %d: it is not there", s.Column, s.Name, len(r.columns))
		}
		if s.Type != "" {
			r.columns[at].Type = s.Type
		}
		if s.Zone != "" {
			if r.cells[at].typ != mapping.TypeTimestampTZ {
				return fmt.Errorf("show column %s in a zone: it is of type %s", s.Name, r.columns[at].Type)
			}
			location, err := locationOf(s.Zone)
			if err != nil {
				return fmt.Errorf("show column %s: %w", s.Name, err)
			}
			r.cells[at].zone, r.cells[at].zoneName = location, s.Zone
		}
	}
	return nil
}

// cause is the context's error where that is why err came to be.
func (r *Rows) cause(err error) error {
	if ctxErr := context.Cause(r.ctx); ctxErr != nil {
		return ctxErr
	}
	return err
}

// Columns names the columns and their types.
func (r *Rows) Columns() []result.Column { return r.columns }

// Next moves to the next row.
func (r *Rows) Next() bool {
	if r.closed || r.err != nil || r.done {
		return false
	}
	r.row++
	for r.row >= r.size {
		if !r.fetch() {
			return false
		}
	}
	for i := range r.cells {
		if r.values[i] = r.cells[i].value(r.row); len(r.values[i].Text) > maxValue {
			r.err = errTooLong
			return false
		}
	}
	if r.overflow != nil && *r.overflow {
		r.err = errOverflow
		return false
	}
	return true
}

// fetch reads the next chunk.
func (r *Rows) fetch() bool {
	mapping.DestroyDataChunk(&r.chunk)
	r.row, r.size = 0, 0
	if err := r.ctx.Err(); err != nil {
		r.err = context.Cause(r.ctx)
		return false
	}
	err := r.call(func() error {
		r.chunk = mapping.FetchChunk(r.res)
		if r.chunk.Ptr != nil {
			return nil
		}
		if message := mapping.ResultError(&r.res); message != "" {
			return r.cause(parseError(message))
		}
		return context.Cause(r.ctx)
	})
	if err != nil || r.chunk.Ptr == nil {
		r.err = err
		r.done = !r.left
		return false
	}
	r.size = int(mapping.DataChunkGetSize(r.chunk))
	if r.size == 0 {
		r.done = true
		return false
	}
	for i := range r.cells {
		r.cells[i].point(mapping.DataChunkGetVector(r.chunk, mapping.IdxT(i)))
	}
	return true
}

// Values is the current row.
func (r *Rows) Values() []result.Value { return r.values }

// Err is the error that ended the rows, if one did.
func (r *Rows) Err() error { return r.err }

// Close ends the query and frees everything it held, behind a call that was left when
// it returns. It may be called twice.
func (r *Rows) Close() error {
	if r.closed {
		return nil
	}
	r.closed = true
	if r.left {
		return nil
	}
	// A query whose rows were not read to the end is still computing.
	if !r.done {
		mapping.Interrupt(r.in.conn)
	}
	var err error
	if r.exec.call(ended(r.ctx), func() { err = r.free() }, func() {}) != nil {
		return nil
	}
	return err
}

// free frees what the query held.
func (r *Rows) free() error {
	mapping.DestroyDataChunk(&r.chunk)
	mapping.DestroyResult(&r.res)
	mapping.DestroyPending(&r.pending)
	mapping.DestroyPrepare(&r.stmt)
	if r.stop != nil {
		r.stop()
	}
	r.in.close()
	// The next instance is opened when this query no longer needs the processors.
	r.exec.refilling.Go(r.exec.refill)
	if err := os.RemoveAll(r.temp); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("close query: %w", err)
	}
	return nil
}
