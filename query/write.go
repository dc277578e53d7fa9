package query

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sluice/internal/lake"
	"sluice/query/checkpoint"
	"sluice/query/executor"
	"sluice/query/result"
	"sluice/query/write"
)

// Sweep brings to an end what statements that write left, in a crash or because
// the store or the catalog did not answer; see package write. The next statement
// that writes does it too.
func (e *Engine) Sweep(ctx context.Context) error {
	if e.writer == nil {
		return nil
	}
	return e.writer.Sweep(ctx)
}

// write runs a statement that writes.
func (e *Engine) write(ctx context.Context, req Request, s *write.Statement, r *Rows) error {
	job, err := e.job(ctx, req, s)
	if err != nil {
		return err
	}
	switch s.Kind {
	case write.DropView:
		if err := e.writer.DropView(ctx, job); err != nil {
			return err
		}
		r.src = done()
		return nil
	case write.CreateView:
		if req.Dialect == DuckDB || len(req.Parameters) > 0 {
			return fault(CodeInvalid, "a view's query is Presto's, and has no parameters")
		}
	}
	if job.Folder, err = os.MkdirTemp(filepath.Join(e.dir, "spill"), "write-"); err != nil {
		return fmt.Errorf("stage rows: %w", err)
	}
	r.release = append(r.release, func() { os.RemoveAll(job.Folder) })
	p := &plan{engine: e, database: req.Database, visible: req.Visible, dialect: req.Dialect, parameters: req.Parameters, rows: r}
	job.Prepare = func(ctx context.Context, folder string) (write.Prepared, error) {
		return p.draft(ctx, s, folder)
	}
	if s.Kind == write.CreateView {
		err = e.createView(ctx, job)
		r.src = done()
		return err
	}
	if r.run != nil {
		if s.NoData {
			return fault(CodeInvalid, "a checkpoint is of the rows that are read, and WITH NO DATA reads none%s", where(req.SQL, s.At))
		}
		job.Pledge = r.run.Pledge
	}
	rows, err := e.writer.Run(ctx, job)
	if err == nil {
		err = r.moveOn()
	}
	if err != nil {
		return err
	}
	r.src = &fixed{columns: []result.Column{{Name: "rows", Type: "bigint"}}, rows: [][]result.Value{{{Text: fmt.Sprint(rows), Form: result.Literal}}}}
	return nil
}

// moveOn ends the run of a statement that wrote, delivered or not: it moved with what
// was written, or there was nothing to write.
func (r *Rows) moveOn() error {
	if r.run == nil {
		return nil
	}
	r.written = true
	err := r.run.Commit()
	if errors.Is(err, checkpoint.ErrExpired) || errors.Is(err, checkpoint.ErrInvalid) {
		return nil // it was pledged, or IF NOT EXISTS read nothing
	}
	return err
}

// done is the answer of a statement that has nothing to count.
func done() *fixed {
	return &fixed{columns: []result.Column{{Name: "result", Type: "boolean"}}, rows: [][]result.Value{{{Text: "true", Form: result.Literal}}}}
}

// job checks who asks and what the statement names.
func (e *Engine) job(ctx context.Context, req Request, s *write.Statement) (write.Job, error) {
	job := write.Job{Statement: s, Database: req.Database, ID: req.WriteID}
	if e.writer == nil || e.cfg.ReadOnly {
		return job, fault(CodeForbidden, "statements only read here (query.write.who)%s", where(req.SQL, s.At))
	}
	database := req.Database
	if s.Kind != write.Unload {
		name, part, err := resolve(s.Name, req.Database)
		if err != nil {
			return job, err
		}
		if part != everything {
			return job, fault(CodeInvalid, "lake and live are not databases that can be written to%s", where(req.SQL, s.At))
		}
		job.Name, database = name, name.Database
	}
	snap, err := e.snapshot(req.Visible)
	if err != nil {
		return job, err
	}
	defer snap.close()
	if !snap.sees(database) {
		return job, e.unknownDatabase(ctx, database, snap)
	}
	if req.MayWrite == nil || !req.MayWrite(database) {
		return job, fault(CodeForbidden, "this caller may only read %s: writing needs a key with modify, or query.write.who: anyone%s", database, where(req.SQL, s.At))
	}
	if s.Kind == write.Unload {
		return job, nil
	}
	return job, e.nameIsFit(ctx, job.Name, s, snap)
}

// Writing reports whether a statement with that id is at work, or was interrupted and is
// not brought to an end yet.
func (e *Engine) Writing(id lake.WriteID) bool { return e.writer.Busy(id) }

// Written reports whether the INSERT of a Request.WriteID came to its end. It is known for
// sure when nothing of it is under way (Writing), after Sweep.
func (e *Engine) Written(id lake.WriteID) bool { return e.writer != nil && e.writer.Done(id) }

// ForgetWrite lets go of what Written tells.
func (e *Engine) ForgetWrite(id lake.WriteID) error {
	if e.writer == nil {
		return nil
	}
	return e.writer.Forget(id)
}

// nameIsFit checks the name of what is written to.
func (e *Engine) nameIsFit(ctx context.Context, name lake.TableName, s *write.Statement, snap *snapshot) error {
	databases, err := e.databases(ctx, snap)
	if err != nil {
		return err
	}
	if !slices.Contains(databases, name.Database) && name.Database != e.cfg.Database {
		return e.unknownDatabase(ctx, name.Database, snap)
	}
	_, err = snap.lookup(ctx, e.cfg.Catalog, name)
	switch {
	case s.Kind == write.Insert && err != nil:
		if len(snap.tables[name]) > 0 {
			return fault(CodeNotFound, "nothing of the table %s is delivered yet: rows can be added when the catalog has it", name)
		}
		_, err := e.table(ctx, []string{name.Database, name.Table}, name.Database, snap)
		return err
	case s.Kind == write.CreateTable || s.Kind == write.CreateView:
		if name.Table != lake.CleanName(name.Table) {
			return fault(CodeInvalid, "%q cannot name a table: it is made of a–z, 0–9 and _", name.Table)
		}
		if len(snap.tables[name]) > 0 {
			return fault(CodeExists, "%s is the table of a stream, whose records are not delivered yet", name)
		}
	}
	return nil
}

func (e *Engine) unknownDatabase(ctx context.Context, name string, snap *snapshot) error {
	all, err := e.databases(ctx, snap)
	if err != nil {
		return err
	}
	return fault(CodeNotFound, "there is no database %s%s", name, suggest(name, all))
}

// draft sets the statement's query up so that its rows go into the folder.
func (p *plan) draft(ctx context.Context, s *write.Statement, folder string) (*executor.Draft, error) {
	q, err := p.make(ctx, s.Query)
	if err != nil {
		return nil, err
	}
	if err := p.rows.limits.scan(p.rows.stats.Bytes, p.rows.stats.Files); err != nil {
		return nil, err
	}
	q.Memory = p.rows.limits.Memory
	if p.presto == nil {
		// As written it may end in a comment, and it is put into another statement.
		tree, err := p.engine.exec.Parse(ctx, q.SQL)
		if err != nil {
			return nil, err
		}
		if q.SQL, err = p.engine.exec.Text(ctx, tree); err != nil {
			return nil, err
		}
	}
	d, err := attempt(p, q, func(q executor.Query) (*executor.Draft, error) { return p.engine.exec.Draft(ctx, q, folder) })
	if err != nil {
		return nil, p.locate(ctx, err, q)
	}
	return d, nil
}

// createView makes a view of a query that can be answered.
func (e *Engine) createView(ctx context.Context, job write.Job) error {
	d, err := job.Prepare(ctx, job.Folder)
	if err != nil {
		return err
	}
	defer d.Close()
	return e.writer.CreateView(ctx, job, d.Columns())
}

// writeError is what the user is told of a statement that writes.
func writeError(err *write.Error, sql string) *Error {
	code := CodeInvalid
	switch {
	case err.Exists:
		code = CodeExists
	case err.Forbidden:
		code = CodeForbidden
	}
	return &Error{Code: code, Message: err.Message + where(sql, err.Position), cause: err}
}
