package embedded

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"sluice/catalogsync/predicate"
)

// The index leads from the values of all keys but the first to partitions.

const insertValue = "INSERT INTO partition_values (table_id, position, value, key) VALUES (?, ?, ?, ?)"

// indexValues puts a partition into the index; insert is insertValue, prepared.
func indexValues(ctx context.Context, insert *sql.Stmt, table int64, key []byte, values []string) error {
	for i := 1; i < len(values); i++ {
		if _, err := insert.ExecContext(ctx, table, i, []byte(values[i]), key); err != nil {
			return err
		}
	}
	return nil
}

func unindexValues(ctx context.Context, tx *sql.Tx, table int64, key []byte, values []string) error {
	for i := 1; i < len(values); i++ {
		if _, err := tx.ExecContext(ctx, "DELETE FROM partition_values WHERE table_id = ? AND position = ? AND value = ? AND key = ?",
			table, i, []byte(values[i]), key); err != nil {
			return err
		}
	}
	return nil
}

const (
	// maxDistinct is how many values of a key are looked at, one by one, whether an
	// expression can hold for them.
	maxDistinct = 1000
	// maxIndexed is how many partitions a search in the index may come to: past it
	// there are so many that reading them in order finds a page soon enough.
	maxIndexed = 8192
)

// indexed finds the partitions that have, for one of the keys but the first, values
// for which the expression can hold, when these are few; ok is false where they
// are not. The keys found are in no order, and not yet matched.
func (s *keyScan) indexed(ctx context.Context) (keys [][]byte, ok bool, err error) {
	for i := 1; i < s.pred.Keys(); i++ {
		if !s.pred.Names(i) {
			continue
		}
		spans, ok, err := s.valueSpans(ctx, i)
		if err != nil {
			return nil, false, err
		}
		if !ok {
			continue
		}
		keys, ok, err := s.keysIn(ctx, i, spans)
		if ok || err != nil {
			return keys, ok, err
		}
	}
	return nil, false, nil
}

// valueSpans are ranges of the i-th key's values outside of which the expression
// does not hold; ok is false where nothing is known of it.
func (s *keyScan) valueSpans(ctx context.Context, i int) (spans []predicate.Span, ok bool, err error) {
	spans = s.pred.Spans(i)
	if len(spans) != 1 || spans[0] != (predicate.Span{Endless: true}) {
		return spans, true, nil
	}
	values, err := s.distinct(ctx, i)
	if err != nil || len(values) > maxDistinct {
		return nil, false, err
	}
	spans = nil
	for _, v := range values {
		if s.pred.MayHold(i, string(v)) {
			spans = append(spans, predicate.Span{Low: string(v), High: string(v) + "\x00"})
		}
	}
	return spans, true, nil
}

// distinct are the first maxDistinct+1 values of the i-th key, each once: the index
// is read in leaps from one to the next.
func (s *keyScan) distinct(ctx context.Context, i int) (values [][]byte, err error) {
	stmt, err := s.tx.PrepareContext(ctx,
		"SELECT value FROM partition_values WHERE table_id = ? AND position = ? AND value >= ? ORDER BY value LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	for low := []byte{}; len(values) <= maxDistinct; {
		var v []byte
		err := stmt.QueryRowContext(ctx, s.table, i, low).Scan(&v)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return nil, err
		}
		values, low = append(values, v), append(bytes.Clone(v), 0)
	}
	return values, nil
}

// keysIn are the partitions whose i-th value is in one of the spans; ok is false
// when there are more than maxIndexed.
func (s *keyScan) keysIn(ctx context.Context, i int, spans []predicate.Span) (keys [][]byte, ok bool, err error) {
	for _, span := range spans {
		query, args := "SELECT key FROM partition_values WHERE table_id = ? AND position = ? AND value >= ?", []any{s.table, i, []byte(span.Low)}
		if !span.Endless {
			query, args = query+" AND value < ?", append(args, []byte(span.High))
		}
		rows, err := s.tx.QueryContext(ctx, query+" LIMIT ?", append(args, maxIndexed+1-len(keys))...)
		found, err := collect(rows, err, func(rows *sql.Rows, key *[]byte) error { return rows.Scan(key) })
		if err != nil {
			return nil, false, err
		}
		if keys = append(keys, found...); len(keys) > maxIndexed {
			return nil, false, nil
		}
	}
	return keys, true, nil
}

// take adds to what is found those keys behind the given one that the expression
// holds for, in order, up to the limit.
func (s *keyScan) take(keys [][]byte, after []byte) error {
	slices.SortFunc(keys, bytes.Compare)
	for _, key := range keys {
		if bytes.Compare(key, after) <= 0 || len(s.keys) == s.limit {
			continue
		}
		if err := s.match(key); err != nil {
			return err
		}
	}
	return nil
}
