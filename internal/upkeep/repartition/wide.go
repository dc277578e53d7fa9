package repartition

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// A value is one of the new table's first key, in a file, and how many rows have it.
type value struct {
	unit string // in the ledger
	sql  string // its condition
	rows int64
}

// wide brings over a file whose rows go to more partitions than one statement may write
// to: the rows of some values of the first key a statement. The ledger has each of them
// until all are done, and then the file; the values follow from the file alone.
func (r *Rewriter) wide(ctx context.Context, l *ledger, job Job, s *shape, f file) (rows int64, err error) {
	all, err := r.values(ctx, job, s, f)
	if err != nil {
		return 0, err
	}
	var todo []value
	for _, v := range all {
		if did, done := l.Done[v.unit]; done {
			rows += did
		} else {
			todo = append(todo, v)
		}
	}
	for n := max(1, len(todo)/2); len(todo) > 0; {
		n = min(n, len(todo))
		did, err := r.some(ctx, l, job, s, f, todo[:n])
		if errors.Is(err, ErrWide) && n > 1 {
			n /= 2
			continue
		}
		if errors.Is(err, ErrWide) {
			return rows, fmt.Errorf("the rows of %s with %s go to more partitions than one statement may write to, or need more memory: raise query.write.max_partitions, or query.memory: %v", f.uri, todo[0].sql, err)
		}
		if err != nil {
			return rows, err
		}
		rows, todo = rows+did, todo[n:]
	}
	l.Done[f.uri] = f.rows
	for _, v := range all {
		delete(l.Done, v.unit)
	}
	return rows, l.save()
}

// values are those of the new table's first key in a file.
func (r *Rewriter) values(ctx context.Context, job Job, s *shape, f file) (out []value, err error) {
	key := s.exprs[len(s.columns)]
	rows, err := r.cfg.Engine.Query(ctx, fmt.Sprintf(`SELECT coalesce('=' || k, ''), count(*) FROM (SELECT %s AS k FROM lake.%s WHERE "$path" = %s) GROUP BY 1 ORDER BY 1`, key, table(job.From), text(f.uri)))
	if err != nil {
		return nil, fmt.Errorf("read the partitions of %s: %w", f.uri, err)
	}
	for _, row := range rows {
		v := value{unit: f.uri + "#" + row[0], sql: key + " IS NULL"}
		if text0, ok := strings.CutPrefix(row[0], "="); ok {
			v.sql = key + " = " + text(text0)
		}
		if _, err := fmt.Sscan(row[1], &v.rows); err != nil {
			return nil, fmt.Errorf("read the partitions of %s: %q: %w", f.uri, row, err)
		}
		out = append(out, v)
	}
	return out, nil
}

func (r *Rewriter) some(ctx context.Context, l *ledger, job Job, s *shape, f file, values []value) (int64, error) {
	begun, where := map[string]int64{}, []string{}
	for _, v := range values {
		begun[v.unit] = v.rows
		where = append(where, v.sql)
	}
	return r.insert(ctx, l, job, s, begun, `"$path" = `+text(f.uri)+" AND ("+strings.Join(where, " OR ")+")")
}
