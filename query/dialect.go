package query

import (
	"context"
	"errors"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/presto"
	"sluice/query/statement"
)

// parse is the statement's syntax tree, in the executor's dialect. Positions in it
// and in errors are the statement's.
func (p *plan) parse(ctx context.Context) ([]byte, error) {
	front := &presto.Text{SQL: p.sql}
	if p.dialect != DuckDB {
		var err error
		if front, err = presto.Front(p.sql, p.parameters); err != nil {
			return nil, err
		}
	}
	text, replaced := unreserve(front.SQL)
	tree, err := p.engine.exec.Parse(ctx, text)
	var fault *executor.Error
	if errors.As(err, &fault) {
		return nil, &executor.Error{Kind: fault.Kind, Message: fault.Message, Position: front.Original(fault.Position)}
	}
	if replaced {
		tree = rename(tree)
	}
	if err != nil || p.dialect == DuckDB {
		return tree, err
	}
	// What no statement may ask for is refused as such, before the dialect is looked at.
	stmt, err := statement.Parse(tree, p.database)
	if err != nil {
		var refusal *statement.Refusal
		if errors.As(err, &refusal) {
			return nil, &statement.Refusal{What: refusal.What, Position: front.Original(refusal.Position)}
		}
		return nil, err
	}
	if tree, err = p.expand(ctx, tree, stmt); err != nil {
		return nil, err
	}
	if p.presto, err = presto.Rewrite(tree, front.Original, p.prestoColumns(ctx, p.database)); err != nil {
		return nil, err
	}
	return p.presto.Tree, nil
}

// prestoColumns tells the dialect what the catalog knows of a table's columns.
func (p *plan) prestoColumns(ctx context.Context, database string) func(parts []string) []presto.Column {
	return func(parts []string) []presto.Column {
		if _, partitions := base(parts); partitions || isInformation(parts) {
			return nil
		}
		name, _, err := resolve(parts, database)
		if err != nil {
			return nil // the planner will say it
		}
		table, err := p.snap.lookup(ctx, p.engine.cfg.Catalog, name)
		if err != nil {
			return nil
		}
		return prestoFields(table.Columns)
	}
}

// prestoFields are columns, or fields of a struct, as the dialect knows them.
func prestoFields(columns []lake.Column) []presto.Column {
	out := make([]presto.Column, len(columns))
	for i, c := range columns {
		out[i] = presto.Column{Name: c.Name, Type: c.Type.String(), Fields: prestoFields(c.Type.Fields)}
	}
	return out
}

// run runs the query.
func (p *plan) run(ctx context.Context, q executor.Query) (*executor.Rows, error) {
	run := func(q executor.Query) (*executor.Rows, error) { return p.engine.exec.Run(ctx, q) }
	rows, err := attempt(p, q, run)
	var fault *executor.Error
	if !errors.As(err, &fault) || fault.Kind != "Binder" || len(p.bare) == 0 {
		return rows, err
	}
	// What is wrong is said knowing all columns, not the fetched ones alone.
	q.Setup = p.unrestricted(q.Setup)
	if rows, full := attempt(p, q, run); full != nil {
		return nil, full
	} else {
		rows.Close()
	}
	return nil, err
}

// attempt has do run the query. Where a variant of the statement cannot be bound,
// the next is tried: see presto.Query.
func attempt[T any](p *plan, q executor.Query, do func(executor.Query) (T, error)) (none T, err error) {
	if p.presto == nil {
		return do(q)
	}
	q.Bigint = true
	if p.explain == explainNot { // EXPLAIN has other columns
		for _, s := range p.presto.Shown {
			q.Shown = append(q.Shown, executor.Shown(s))
		}
	}
	views := q.Setup
	var first error
	for variant := range p.presto.Variants {
		q.Setup = append(p.presto.Setup(variant), views...)
		rows, err := do(q)
		var fault *executor.Error
		if err == nil || !errors.As(err, &fault) || fault.Kind != "Binder" {
			return rows, err
		}
		if first == nil {
			first = err
		}
	}
	return none, first
}

// at adds to an error about a table where the table is named.
func (p *plan) at(err error, t *statement.Table) error {
	var known *Error
	if !errors.As(err, &known) || known.Code != CodeNotFound {
		return err
	}
	return &Error{Code: known.Code, Message: known.Message + where(p.sql, t.Position), cause: err}
}

// locate points an error of the executor, whose positions are into the text
// that it ran, to the place in the user's statement, and words it for its dialect.
func (p *plan) locate(ctx context.Context, err error, q executor.Query) error {
	var fault *executor.Error
	if !errors.As(err, &fault) {
		return err
	}
	position := fault.Position
	if position >= 0 && q.SQL != p.sql {
		position = p.original(ctx, position, q.SQL)
	}
	switch {
	case p.presto == nil:
		return &executor.Error{Kind: fault.Kind, Message: fault.Message, Position: position}
	case fault.Kind == "Binder":
		return p.blame(ctx, fault, position, q)
	}
	return &executor.Error{Kind: fault.Kind, Message: presto.Readable(fault.Message), Position: position}
}

// original is the place in the user's statement of one in the text that was run.
func (p *plan) original(ctx context.Context, position int, ran string) int {
	e := p.engine
	original, err1 := p.parse(ctx)
	rewritten, err2 := e.exec.Parse(ctx, ran)
	if err1 != nil || err2 != nil {
		return -1
	}
	return statement.Corresponding(original, rewritten, position)
}
