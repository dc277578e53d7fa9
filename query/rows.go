package query

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"sluice/internal/lake"
	"sluice/query/checkpoint"
	"sluice/query/result"

	"github.com/apache/arrow-go/v18/arrow"
)

// A Request is a query to run.
type Request struct {
	SQL string
	// Database is that of tables named without one; empty: the configuration's.
	Database string
	// Visible says which databases the asker may see; nil: all. Others are to it as
	// if they were not there. It may be called with any name, in lower case.
	Visible func(database string) bool
	// Who asks, for the list of running queries and the log; may be empty.
	Who string
	// Limits are below the configuration's where they are set.
	Limits Limits
	// MayWrite says in which databases the asker may make tables and add rows; nil:
	// in none.
	MayWrite func(database string) bool
	// Dialect is what the statement is written in; empty: Presto.
	Dialect Dialect
	// Parameters take the place of question marks, as Athena's do: each is a constant
	// of SQL, such as 1, 'x', NULL or DATE '2026-01-31'.
	Parameters []string
	// Checkpoint, if set, has the query read of its tables what was acknowledged since
	// the latest committed run of that name: see Rows.Commit. With Replay it reads what
	// that run read. A statement that writes moves it with what it writes, whatever
	// becomes of the answer. SHOW, DESCRIBE, EXPLAIN and views' DDL have nothing to do
	// with it.
	Checkpoint string
	Replay     bool
	// WriteID is what an INSERT goes by whose end the engine is to remember, over crashes
	// too, until ForgetWrite; empty: none.
	WriteID lake.WriteID
}

// A Dialect is what a statement means.
type Dialect string

const (
	Presto Dialect = "presto" // see package presto
	DuckDB Dialect = "duckdb" // as the executor takes it
)

func (d Dialect) valid() bool { return d == "" || d == Presto || d == DuckDB }

// Column, Value and Stats are package result's.
type (
	Column = result.Column
	Value  = result.Value
	Stats  = result.Stats
)

// A source yields the rows of an answer.
type source interface {
	Columns() []result.Column
	Next() bool
	Values() []result.Value
	Err() error
	Close() error
}

// A columnar source has its columns and rows in Arrow's form too; one reads in that
// form or by Next.
type columnar interface {
	Schema() *arrow.Schema
	NextBatch() arrow.RecordBatch
}

// columnar is the source's own, or made of its rows.
func (r *Rows) columnar() columnar {
	if c, ok := r.src.(columnar); ok {
		return c
	}
	return gathered{r.src}
}

// Rows is an answer being read. It must be closed: until then the query holds
// its place among those that run at once.
type Rows struct {
	ctx     context.Context // of the query; a Rows lives no longer
	id      string
	src     source
	sql     string
	dir     string  // the engine's
	price   float64 // Config.PricePerTB
	limits  bounds
	result  int64 // bytes of values so far
	started time.Time
	stats   Stats
	err     *Error
	ended   time.Time // zero while rows may follow
	// exhausted says that the source has no more rows, and had no error.
	exhausted bool
	run       *checkpoint.Run // nil without one
	written   bool            // by a statement with which the run has ended
	replay    bool

	release []func() // by letGo, when nothing is done for the query any more
	letGo   func()
	done    func(code Code, s Stats)
	once    sync.Once // guards the release
}

// Columns names the columns and their types.
func (r *Rows) Columns() []Column { return r.src.Columns() }

// Next moves to the next row; false at the end or after an error.
func (r *Rows) Next() bool {
	if r.err != nil || !r.ended.IsZero() {
		return false
	}
	if r.src.Next() {
		if r.err = r.count(); r.err == nil {
			return true
		}
	} else if err := r.src.Err(); err != nil {
		r.err = r.fault(err, "")
	}
	r.exhausted = r.err == nil
	r.ended = time.Now()
	return false
}

// count counts the row that was read; it is an error where there may not be so
// much.
func (r *Rows) count() *Error {
	if l := r.limits.Rows; l > 0 && r.stats.Rows == l {
		return r.limits.rows()
	}
	if l := r.limits.Result; l > 0 {
		for _, v := range r.src.Values() {
			r.result += int64(len(v.Text))
		}
		if r.result > l {
			return r.limits.result()
		}
	}
	r.stats.Rows++
	return nil
}

// fault makes an error an *Error, with the reason for which the query's context
// ended, or the limit that was reached, where that is why.
func (r *Rows) fault(err error, sql string) *Error {
	out := asError(err, sql, r.dir)
	var why *Error
	switch {
	case (out.Code == CodeTimeout || out.Code == CodeCanceled) && errors.As(context.Cause(r.ctx), &why):
		return why
	case out.Code == CodeResources:
		limit := r.limits.exhausted(strings.Contains(out.Message, "max_temp_directory_size"), out.Message)
		limit.cause = err
		return limit
	}
	return out
}

// ID is the query's in the list of running queries.
func (r *Rows) ID() string { return r.id }

// Values is the current row, valid until the next call of Next.
func (r *Rows) Values() []Value { return r.src.Values() }

// Schema is that of NextBatch: the columns' names and types, all nullable. What
// Arrow has no type for is a string.
func (r *Rows) Schema() *arrow.Schema { return r.columnar().Schema() }

// NextBatch is the next rows as a record batch; nil at the end or after an error.
// An answer is read by it or by Next and Values, not by both.
func (r *Rows) NextBatch() arrow.RecordBatch {
	if r.err != nil || !r.ended.IsZero() {
		return nil
	}
	batch := r.columnar().NextBatch()
	if batch != nil {
		if r.err = r.countBatch(batch); r.err == nil {
			return batch
		}
		batch.Release()
	} else if err := r.src.Err(); err != nil {
		r.err = r.fault(err, "")
	}
	r.exhausted = r.err == nil
	r.ended = time.Now()
	return nil
}

// countBatch is count for a batch, whose size is that of its buffers.
func (r *Rows) countBatch(batch arrow.RecordBatch) *Error {
	if l := r.limits.Rows; l > 0 && r.stats.Rows+batch.NumRows() > l {
		return r.limits.rows()
	}
	if l := r.limits.Result; l > 0 {
		if r.result += result.BatchBytes(batch); r.result > l {
			return r.limits.result()
		}
	}
	r.stats.Rows += batch.NumRows()
	return nil
}

// Err is the error that ended the rows, an *Error, if one did.
func (r *Rows) Err() error {
	if r.err == nil {
		return nil
	}
	return r.err
}

// Stats says what the answer has cost so far.
func (r *Rows) Stats() Stats {
	s := r.stats
	end := r.ended
	if end.IsZero() {
		end = time.Now()
	}
	s.SetElapsed(end.Sub(r.started))
	s.Cost = cost(s.Bytes, r.price)
	return s
}

// cost is what Athena charges for bytes scanned at a price for 10^12 of them: whole
// megabytes, and ten of them at least for a query that scans anything.
func cost(bytes int64, price float64) float64 {
	if bytes == 0 {
		return 0
	}
	const mb = 1_000_000
	return float64(max((bytes+mb-1)/mb, 10)) * mb / 1e12 * price
}

// Close ends the query and gives back what it held. It may be called twice.
func (r *Rows) Close() (err error) {
	r.once.Do(func() {
		if r.ended.IsZero() {
			r.ended = time.Now()
		}
		err = r.src.Close()
		r.letGo()
		code := Code("ok")
		if r.err != nil {
			code = r.err.Code
		}
		r.done(code, r.Stats())
	})
	return err
}

// releaseAll calls the functions, the last first.
func releaseAll(release []func()) {
	for i := len(release) - 1; i >= 0; i-- {
		release[i]()
	}
}
