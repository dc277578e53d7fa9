package presto_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"sluice/query/executor"
	"sluice/query/presto"
	"sluice/query/presto/function"
)

func newExecutor(t testing.TB) *executor.Executor {
	t.Helper()
	macros, deterministic := presto.Macros()
	var functions []executor.Function
	for _, f := range function.All() {
		functions = append(functions, executor.Function(f))
	}
	e, err := executor.New(executor.Config{Memory: 1 << 28, Threads: 1, TempDir: t.TempDir(), MaxTemp: 1 << 20, Macros: macros, Deterministic: deterministic, Functions: functions})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// rewrite is the statement in DuckDB's dialect.
func rewrite(ctx context.Context, e *executor.Executor, sql string, parameters ...string) (string, *presto.Query, error) {
	return rewriteOver(ctx, e, nil, sql, parameters...)
}

// rewriteOver is rewrite where columns are those of tables.
func rewriteOver(ctx context.Context, e *executor.Executor, columns func([]string) []presto.Column, sql string, parameters ...string) (string, *presto.Query, error) {
	front, err := presto.Front(sql, parameters)
	if err != nil {
		return "", nil, err
	}
	tree, err := e.Parse(ctx, front.SQL)
	if err != nil {
		return "", nil, err
	}
	q, err := presto.Rewrite(tree, front.Original, columns)
	if err != nil {
		return "", nil, err
	}
	text, err := e.Text(ctx, q.Tree)
	return text, q, err
}

// ask is the statement's answer: its rows' values as JSON, joined by |, and rows
// by a space.
func ask(ctx context.Context, e *executor.Executor, sql string, parameters ...string) (answer, types string, err error) {
	rows, names, err := rowsAsked(ctx, e, sql, parameters...)
	var lines []string
	for _, row := range rows {
		lines = append(lines, strings.Join(row, "|"))
	}
	return strings.Join(lines, " "), strings.Join(names, "|"), err
}

// rowsAsked is the statement's answer, its values as JSON, and its types.
func rowsAsked(ctx context.Context, e *executor.Executor, sql string, parameters ...string) (answer [][]string, types []string, err error) {
	text, q, err := rewrite(ctx, e, sql, parameters...)
	if err != nil {
		return nil, nil, err
	}
	return rowsOf(ctx, e, text, q)
}

// rowsOf is the answer of a statement that was rewritten, with statements that are run
// before.
func rowsOf(ctx context.Context, e *executor.Executor, text string, q *presto.Query, setup ...string) (answer [][]string, types []string, err error) {
	var rows *executor.Rows
	var shown []executor.Shown
	for _, s := range q.Shown {
		shown = append(shown, executor.Shown(s))
	}
	for variant := range q.Variants {
		var fault *executor.Error
		rows, err = e.Run(ctx, executor.Query{SQL: text, Setup: append(q.Setup(variant), setup...), Bigint: true, Shown: shown})
		if err == nil || !errors.As(err, &fault) || fault.Kind != "Binder" {
			break
		}
	}
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for _, c := range rows.Columns() {
		types = append(types, c.Type)
	}
	for rows.Next() {
		var line []string
		for _, v := range rows.Values() {
			line = append(line, string(v.AppendJSON(nil)))
		}
		answer = append(answer, line)
	}
	return answer, types, rows.Err()
}
