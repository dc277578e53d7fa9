package query

import (
	"context"
	"fmt"
	"strconv"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
)

// timestampFilters are what the conditions say of the timestamps of a table,
// compared with constants, in terms that the scan can use to skip row groups.
// They let through whatever the conditions let through, and up to a microsecond
// more: the conditions are still evaluated.
func (p *plan) timestampFilters(ctx context.Context, columns []lake.Column, conditions []*statement.Condition) ([]string, error) {
	var filters []string
	for _, c := range conditions {
		for _, b := range c.Bounds() {
			i := lake.ColumnIndex(columns, b.Column)
			if i < 0 || columns[i].Type.Kind != lake.KindTimestamp {
				continue
			}
			micros, ok, err := p.constants.micros(ctx, b.Constant)
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

// comparison widens the bound by a microsecond, since a constant may be finer
// than one.
func comparison(column, op string, micros int64) string {
	at := func(shift string) string {
		return executor.Quote(strconv.FormatInt(micros, 10)) + "::BIGINT" + shift
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
