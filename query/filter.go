package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
)

// timestampFilters are what the conditions say of the timestamps of a table,
// compared with constants, in terms that the scan can use to skip row groups.
// They let through whatever the conditions let through, and up to a microsecond
// more: the conditions are still evaluated.
func (e *Engine) timestampFilters(ctx context.Context, columns []lake.Column, conditions []*statement.Condition) ([]string, error) {
	var filters []string
	for _, c := range conditions {
		for _, b := range c.Bounds() {
			i := slices.IndexFunc(columns, func(c lake.Column) bool { return strings.EqualFold(c.Name, b.Column) })
			if i < 0 || columns[i].Type.Kind != lake.KindTimestamp || !e.exec.Deterministic(b.Functions) {
				continue
			}
			micros, ok, err := e.timestamp(ctx, b)
			if err != nil {
				return nil, err
			}
			if ok {
				filters = append(filters, comparison("f."+internal(i), b.Op, micros))
			}
		}
	}
	return filters, nil
}

// timestamp is the bound's value in microseconds since 1970; not ok where it is
// none, in which case the executor will say why or find no row.
func (e *Engine) timestamp(ctx context.Context, b statement.Bound) (micros string, ok bool, err error) {
	text, err := e.exec.Text(ctx, b.Tree())
	expression, found := strings.CutPrefix(text, "SELECT ")
	if err == nil && found {
		var values []string
		values, err = e.exec.Strings(ctx, "SELECT epoch_us(TRY_CAST(("+expression+") AS TIMESTAMP))", nil)
		if err == nil && len(values) == 1 && values[0] != "" {
			return values[0], true, nil
		}
	}
	if ctx.Err() != nil {
		return "", false, context.Cause(ctx)
	}
	return "", false, nil
}

// comparison widens the bound by a microsecond, since a constant may be finer
// than one.
func comparison(column, op, micros string) string {
	at := func(shift string) string {
		return executor.Quote(micros) + "::BIGINT" + shift
	}
	literal := func(shift string) string { return "make_timestamptz(" + at(shift) + ")" }
	switch op {
	case "<", "<=":
		return fmt.Sprintf("%s <= %s", column, literal(" + 1"))
	case ">", ">=":
		return fmt.Sprintf("%s >= %s", column, literal(" - 1"))
	}
	return fmt.Sprintf("%s BETWEEN %s AND %s", column, literal(" - 1"), literal(" + 1"))
}
