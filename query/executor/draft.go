package executor

import (
	"context"
	"fmt"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"sluice/internal/lake"
)

// A Draft is a query whose answer is to be written into a folder. The sandbox is
// that of every query, but that files in this one folder can be made and read.
type Draft struct {
	rows    *Rows // what it shares with a query that answers
	query   Query
	columns []Output
}

// maxPartitioned is how many files one COPY may have open: below it, a partition
// is one file.
const maxPartitioned = 1001

// Draft sets a query up whose answer is to be written into the folder, an absolute
// path, and finds out its columns. When ctx ends, so does what it does. It must be
// closed.
func (e *Executor) Draft(ctx context.Context, q Query, folder string) (*Draft, error) {
	rows, err := e.begin(ctx)
	if err != nil {
		return nil, err
	}
	d := &Draft{query: q, rows: rows}
	if err := rows.call(func() error { return d.start(e.cfg.MaxTemp, folder) }); err != nil {
		d.Close()
		return nil, err
	}
	return d, nil
}

// Describe is the columns that a query would answer with. Nothing is computed.
func (e *Executor) Describe(ctx context.Context, q Query) ([]Output, error) {
	rows, err := e.begin(ctx)
	if err != nil {
		return nil, err
	}
	d := &Draft{query: q, rows: rows}
	defer d.Close()
	err = d.bind(e.cfg.MaxTemp)
	return d.columns, err
}

func (d *Draft) start(maxTemp int64, folder string) error {
	for _, sql := range []string{
		"SET allowed_directories = [" + Quote(folder) + "]",
		fmt.Sprintf("SET partitioned_write_max_open_files = %d", maxPartitioned),
	} {
		if err := d.rows.in.exec(sql); err != nil {
			return fmt.Errorf("set up query: %w", err)
		}
	}
	return d.bind(maxTemp)
}

// bind finds out the query's columns.
func (d *Draft) bind(maxTemp int64) error {
	r := d.rows
	if err := r.prepare(d.query, maxTemp); err != nil {
		return err
	}
	declared, err := d.declared()
	if err != nil {
		return err
	}
	for i := range mapping.PreparedStatementColumnCount(r.stmt) {
		lt := mapping.PreparedStatementColumnLogicalType(r.stmt, i)
		out := Output{Name: mapping.PreparedStatementColumnName(r.stmt, i), Type: columnType(lt, d.query.Bigint)}
		var overflow *bool
		if d.query.Bigint {
			overflow = new(bool)
		}
		c, err := newCell(lt, overflow)
		mapping.DestroyLogicalType(&lt)
		if err != nil {
			return &Error{Kind: "Binder", Message: fmt.Sprintf("column %q: %v", out.Name, err), Position: -1}
		}
		out.Presto = c.name
		switch declared[i] {
		case unknownType:
			out.Type, out.Presto = lake.Type{}, "unknown"
		case unknownType + "[]":
			out.Type, out.Presto = lake.ArrayOf(lake.Type{}), "array(unknown)"
		}
		d.columns = append(d.columns, out)
	}
	return nil
}

// unknownType is DuckDB's name of the type of NULL.
const unknownType = `"NULL"`

// declared are DuckDB's names of the columns' types. A prepared statement says
// integer of what is NULL alone; a view of it does not.
func (d *Draft) declared() ([]string, error) {
	const view = "SLUICE_DRAFT"
	if err := d.rows.in.exec("CREATE VIEW " + Identifier(view) + " AS " + d.query.SQL); err != nil {
		return nil, d.rows.cause(fmt.Errorf("set up query: %w", err))
	}
	var res mapping.Result
	defer mapping.DestroyResult(&res)
	if mapping.Query(d.rows.in.conn, "SELECT data_type FROM duckdb_columns() WHERE table_name = "+Quote(view)+" ORDER BY column_index", &res) == mapping.StateError {
		return nil, d.rows.cause(parseError(mapping.ResultError(&res)))
	}
	names, err := firstColumn(&res)
	if n := int(mapping.PreparedStatementColumnCount(d.rows.stmt)); err == nil && len(names) != n {
		err = fmt.Errorf("set up query: %d of %d columns are described", len(names), n)
	}
	return names, err
}

// Columns are those of the query.
func (d *Draft) Columns() []Output { return d.columns }

// SQL is the query.
func (d *Draft) SQL() string { return d.query.SQL }

// Copy runs a COPY statement into the folder and returns how many rows it wrote.
func (d *Draft) Copy(sql string) (rows int64, err error) {
	if err := d.rows.ctx.Err(); err != nil {
		return 0, context.Cause(d.rows.ctx)
	}
	var n int64 // not rows: a call that is left may still write it
	err = d.rows.call(func() error {
		var res mapping.Result
		defer mapping.DestroyResult(&res)
		if mapping.Query(d.rows.in.conn, sql, &res) == mapping.StateError {
			fault := parseError(mapping.ResultError(&res))
			fault.Position = -1 // it is one in a text that nobody wrote
			return d.rows.cause(fault)
		}
		n = int64(mapping.RowsChanged(&res))
		return context.Cause(d.rows.ctx)
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// Close ends the query and frees everything it held, but for what is in the
// folder. It may be called twice.
func (d *Draft) Close() error { return d.rows.Close() }
