package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
)

// prune says which of many combinations of partition values can satisfy the
// conditions. DuckDB evaluates them over the values, as it would over the rows.
// A condition that cannot be evaluated prunes nothing. All rows of what is kept
// satisfy the conditions that are met.
func (e *Engine) prune(ctx context.Context, keys []lake.Column, conditions []*statement.Condition, values [][]string) (keep []bool, met []*statement.Condition, err error) {
	keep = make([]bool, len(values))
	for i := range keep {
		keep[i] = true
	}
	var usable []*statement.Condition
	for _, c := range conditions {
		if overKeys(c, keys) && e.exec.Deterministic(c.Functions) {
			usable = append(usable, c)
		}
	}
	if len(usable) == 0 || len(values) == 0 {
		return keep, usable, nil
	}
	relation, params := partitionValues(keys, values)
	for _, c := range usable {
		text, err := e.exec.Text(ctx, c.Tree())
		if err != nil {
			if ctx.Err() != nil {
				return nil, nil, context.Cause(ctx)
			}
			continue
		}
		expression, ok := strings.CutPrefix(text, "SELECT ")
		if !ok {
			continue
		}
		rows, err := e.exec.Strings(ctx, `SELECT "partition number" FROM `+relation+" WHERE "+expression, params)
		if err != nil {
			if ctx.Err() != nil {
				return nil, nil, context.Cause(ctx)
			}
			e.log.Debug("a condition does not prune", "condition", expression, "err", err)
			continue
		}
		satisfied := make([]bool, len(values))
		for _, r := range rows {
			i, err := strconv.Atoi(r)
			if err != nil || i < 0 || i >= len(values) {
				return nil, nil, fmt.Errorf("prune partitions: %q is not the number of a partition", r)
			}
			satisfied[i] = true
		}
		for i := range keep {
			keep[i] = keep[i] && satisfied[i]
		}
		met = append(met, c)
	}
	return keep, met, nil
}

func overKeys(c *statement.Condition, keys []lake.Column) bool {
	for _, name := range c.Columns {
		if !slices.ContainsFunc(keys, func(k lake.Column) bool { return strings.EqualFold(k.Name, name) }) {
			return false
		}
	}
	return true
}

// partitionValues is a relation with a row for each combination: its number,
// and the keys with their types. The number's name cannot be a key's, which has
// no space.
func partitionValues(keys []lake.Column, values [][]string) (relation string, params executor.Lists) {
	var inner, outer strings.Builder
	for j, k := range keys {
		column := make([]*string, len(values))
		for i := range values {
			if values[i][j] != lake.NullPartition {
				column[i] = &values[i][j]
			}
		}
		params = append(params, column)
		fmt.Fprintf(&inner, ", unnest($%d::VARCHAR[]) AS k%d", j+1, j)
		fmt.Fprintf(&outer, ", %s AS %s", keyValue(fmt.Sprintf("k%d", j), k), executor.Identifier(k.Name))
	}
	return fmt.Sprintf("(SELECT n AS \"partition number\"%s FROM (SELECT unnest(range(%d)) AS n%s))", outer.String(), len(values), inner.String()), params
}

// keyValue is the expression of a partition column over its raw text. A text
// that is none of its type is NULL, as in Hive.
func keyValue(text string, key lake.Column) string {
	if key.Type.Kind == lake.KindString || key.Type.Kind == lake.KindNone {
		return text
	}
	return "TRY_CAST(" + text + " AS " + duckType(key.Type) + ")"
}
