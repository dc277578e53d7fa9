package query

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/fetch/statistics"
	"sluice/query/statement"
)

// A scanFilter is what the conditions of a reference to a table say of what need
// not be read.
type scanFilter struct {
	// Over the partition columns alone: tests are evaluated here, their conditions are
	// tested; exprs are evaluated by the executor.
	tests  []keyPredicate
	tested []*statement.Condition
	exprs  []*statement.Condition
	// files is over the other columns.
	files []statistics.Predicate
}

// filter sorts out which conditions bear on the partition columns alone and
// always give the same answer, and what the others say of files.
func (p *plan) filter(ctx context.Context, src *tableSource, conditions []*statement.Condition) (f *scanFilter, err error) {
	f, keys := &scanFilter{}, src.keys
	if src.text == nil {
		if f.files, err = p.filePredicates(ctx, src.columns(), conditions); err != nil {
			return nil, err
		}
	}
	for _, c := range conditions {
		if !overKeys(c, keys) || !p.engine.exec.Deterministic(c.Functions) {
			continue
		}
		k, ok, err := p.keyPredicate(ctx, keys, c.Predicate())
		if err != nil {
			return nil, err
		}
		if ok {
			f.tests, f.tested = append(f.tests, k), append(f.tested, c)
		} else {
			f.exprs = append(f.exprs, c)
		}
	}
	return f, nil
}

// prune says which of many combinations of partition values can satisfy the
// conditions. Where they are more than comparisons of strings, DuckDB evaluates
// them over the values, as it would over the rows. A condition that cannot be
// evaluated prunes nothing. All rows of what is kept satisfy the conditions that
// are met.
func (e *Engine) prune(ctx context.Context, keys []lake.Column, f *scanFilter, values [][]string) (keep []bool, met []*statement.Condition, err error) {
	keep = make([]bool, len(values))
	var left []int // indexes of values that are kept
	for i, v := range values {
		keep[i] = !slices.ContainsFunc(f.tests, func(t keyPredicate) bool { return !t.holds(v) })
		if keep[i] {
			left = append(left, i)
		}
	}
	met = slices.Clone(f.tested)
	if len(f.exprs) == 0 || len(left) == 0 {
		return keep, append(met, f.exprs...), nil
	}
	some := make([][]string, len(left))
	for n, i := range left {
		some[n] = values[i]
	}
	relation, params := partitionValues(keys, some)
	for _, c := range f.exprs {
		satisfied, err := e.evaluate(ctx, c, relation, params, len(some))
		if err != nil {
			return nil, nil, err
		}
		if satisfied == nil {
			continue
		}
		for n, i := range left {
			keep[i] = keep[i] && satisfied[n]
		}
		met = append(met, c)
	}
	return keep, met, nil
}

// evaluate says for which of the rows of partitionValues the condition holds; nil
// where it cannot be evaluated.
func (e *Engine) evaluate(ctx context.Context, c *statement.Condition, relation string, params executor.Lists, n int) ([]bool, error) {
	text, err := e.exec.Text(ctx, c.Tree())
	expression, ok := strings.CutPrefix(text, "SELECT ")
	var rows []string
	if err == nil && ok {
		rows, err = e.exec.Strings(ctx, `SELECT "partition number" FROM `+relation+" WHERE "+expression, params)
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil || !ok {
		e.log.Debug("a condition does not prune", "condition", expression, "err", err)
		return nil, nil
	}
	satisfied := make([]bool, n)
	for _, r := range rows {
		i, err := strconv.Atoi(r)
		if err != nil || i < 0 || i >= n {
			return nil, fmt.Errorf("prune partitions: %q is not the number of a partition", r)
		}
		satisfied[i] = true
	}
	return satisfied, nil
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
