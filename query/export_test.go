package query

import (
	"context"
)

var Cost = cost

// Explain is the executor's plan for a query.
func (e *Engine) Explain(ctx context.Context, sql string) (string, error) {
	r := &Rows{ctx: ctx}
	defer func() { releaseAll(r.release) }()
	p := &plan{engine: e, database: e.cfg.Database, rows: r}
	q, err := p.make(ctx, sql)
	if err != nil {
		return "", err
	}
	q.SQL = "EXPLAIN " + q.SQL
	rows, err := e.exec.Run(ctx, q)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	text := ""
	for rows.Next() {
		text += rows.Values()[1].Text
	}
	return text, rows.Err()
}

// Plan plans a query and no more.
func (e *Engine) Plan(ctx context.Context, sql string) error {
	r := &Rows{ctx: ctx}
	defer func() { releaseAll(r.release) }()
	p := &plan{engine: e, database: e.cfg.Database, rows: r, dialect: DuckDB}
	_, err := p.make(ctx, sql)
	return err
}
