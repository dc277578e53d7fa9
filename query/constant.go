package query

import (
	"context"
	"strconv"
	"strings"

	"sluice/query/statement"
)

// Constants evaluates expressions over no column, each once a query.
type constants struct {
	engine *Engine
	values map[string]evaluated // by the expression's tree and what it is asked for
}

func newConstants(e *Engine) *constants {
	return &constants{engine: e, values: make(map[string]evaluated)}
}

type evaluated struct {
	value constant
	ok    bool
}

// A constant is the value of an expression.
type constant struct {
	typ  string // DuckDB's name of the type
	text string // as a cast to VARCHAR has it
	null bool
}

// value evaluates; not ok where there is no value, in which case the executor will
// say why.
func (k *constants) value(ctx context.Context, c statement.Constant) (constant, bool, error) {
	if typ, text, ok := c.Literal(); ok {
		return constant{typ: typ, text: text}, true, nil
	}
	return k.evaluate(ctx, c, "SELECT unnest([typeof(v), CASE WHEN v IS NULL THEN 'null' END, CAST(v AS VARCHAR)]) FROM (SELECT (%s) AS v)")
}

// micros is the value as a timestamp, in microseconds since 1970; not ok where it
// is none, or null.
func (k *constants) micros(ctx context.Context, c statement.Constant) (int64, bool, error) {
	v, ok, err := k.evaluate(ctx, c, "SELECT unnest(['', '', epoch_us(TRY_CAST((%s) AS TIMESTAMP))::VARCHAR])")
	if err != nil || !ok || v.text == "" {
		return 0, false, err
	}
	n, err := strconv.ParseInt(v.text, 10, 64)
	return n, err == nil, nil
}

func (k *constants) evaluate(ctx context.Context, c statement.Constant, sql string) (constant, bool, error) {
	e := k.engine
	if !e.exec.Deterministic(c.Functions) {
		return constant{}, false, nil
	}
	tree := c.Tree()
	known, found := k.values[sql+string(tree)]
	if found {
		return known.value, known.ok, nil
	}
	text, err := e.exec.Text(ctx, tree)
	expression, isSelect := strings.CutPrefix(text, "SELECT ")
	if err == nil && isSelect {
		var values []string
		values, err = e.exec.Strings(ctx, strings.Replace(sql, "%s", expression, 1), nil)
		if err == nil && len(values) == 3 {
			known = evaluated{constant{typ: values[0], null: values[1] != "", text: values[2]}, true}
		}
	}
	if ctx.Err() != nil {
		return constant{}, false, context.Cause(ctx)
	}
	k.values[sql+string(tree)] = known
	return known.value, known.ok, nil
}
