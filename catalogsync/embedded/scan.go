package embedded

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"hash/fnv"

	"sluice/catalogsync/predicate"
	"sluice/internal/lake"
)

type getPartitionsRequest struct {
	scope
	page
	DatabaseName, TableName string
	Expression              string
	Segment                 *segment
	ExcludeColumnSchema     bool
}

// A segment is one of several parts that a listing is split into, so that a
// client can read them side by side.
type segment struct{ SegmentNumber, TotalSegments int64 }

// maxSegments is what AWS Glue takes.
const maxSegments = 10

func (s *segment) check() error {
	if s != nil && (s.TotalSegments < 1 || s.TotalSegments > maxSegments || s.SegmentNumber < 0 || s.SegmentNumber >= s.TotalSegments) {
		return invalid("Segment %d of %d: there are 1 to %d, counted from 0", s.SegmentNumber, s.TotalSegments, maxSegments)
	}
	return nil
}

// has reports whether the key is in the segment: each is in just one.
func (s *segment) has(key []byte) bool {
	if s == nil || s.TotalSegments == 1 {
		return true
	}
	h := fnv.New32a()
	h.Write(key)
	return int64(h.Sum32())%s.TotalSegments == s.SegmentNumber
}

type partitionsAnswer struct {
	Partitions []partition
	NextToken  string `json:",omitempty"`
}

func (s *Server) getPartitions(ctx context.Context, in getPartitionsRequest) (partitionsAnswer, error) {
	out := partitionsAnswer{Partitions: []partition{}}
	after, err := in.after()
	if err != nil {
		return out, err
	}
	if err := in.Segment.check(); err != nil {
		return out, err
	}
	limit := in.limit(1000)
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		pred, err := predicate.Parse(in.Expression, predicateKeys(t.input.PartitionKeys))
		if err != nil {
			return invalid("%v", err)
		}
		// One more than the page has, to know whether there is a next one.
		scan := keyScan{tx: tx, table: t.id, pred: pred, segment: in.Segment, limit: limit + 1}
		keys, err := scan.run(ctx, []byte(after))
		if err != nil {
			return err
		}
		r := newPartitionReader(tx, t, in.DatabaseName, in.TableName, in.scope)
		r.withoutColumns = in.ExcludeColumnSchema
		found, read, err := r.get(ctx, keys[:min(limit, len(keys))])
		if err != nil {
			return err
		}
		out.Partitions = found
		if read < len(keys) {
			out.NextToken = token(string(keys[read-1]))
		}
		return nil
	})
	return out, err
}

// predicateKeys are the table's keys as expressions know them. One whose type is
// not known compares as a string.
func predicateKeys(columns []column) []predicate.Key {
	keys := make([]predicate.Key, 0, len(columns))
	for _, c := range columns {
		t, err := lake.ParseType(deref(c.Type))
		if err != nil {
			t = lake.String
		}
		keys = append(keys, predicate.Key{Name: c.Name, Type: t})
	}
	return keys
}

// A keyScan finds the keys of partitions that an expression holds for.
type keyScan struct {
	tx      *sql.Tx
	table   int64
	pred    *predicate.Predicate
	segment *segment
	limit   int

	keys [][]byte // found
	// budget is how many more keys are read in order before the index is asked; 0:
	// it was.
	budget int
}

// readFirst keys in order: most expressions have their page by then.
const readFirst = 2000

// run finds up to limit keys behind the given one, in order. It reads only the
// ranges in which the first value can be; when many keys are there that the
// expression does not hold for, it asks the index of the other values.
func (s *keyScan) run(ctx context.Context, after []byte) ([][]byte, error) {
	s.budget = readFirst
	spans, err := s.firstSpans(ctx)
	if err != nil {
		return nil, err
	}
	for _, span := range spans {
		low := bound(span.Low)
		var high []byte
		if !span.Endless {
			high = bound(span.High)
		}
		if len(after) > 0 && bytes.Compare(low, after) <= 0 {
			low = append(bytes.Clone(after), 0) // the least that is greater
		}
		if high != nil && bytes.Compare(low, high) >= 0 {
			continue
		}
		last, more, err := s.scan(ctx, low, high)
		if err != nil {
			return nil, err
		}
		if more {
			keys, ok, err := s.indexed(ctx)
			if err != nil {
				return nil, err
			}
			if ok {
				return s.keys, s.take(keys, last)
			}
			s.budget = 0
			if _, _, err := s.scan(ctx, append(bytes.Clone(last), 0), high); err != nil {
				return nil, err
			}
		}
		if len(s.keys) == s.limit {
			break
		}
	}
	return s.keys, nil
}

// scan finds keys from low on and before high, nil for no end; more says that it
// stopped at last because the budget is used up.
func (s *keyScan) scan(ctx context.Context, low, high []byte) (last []byte, more bool, err error) {
	query, args := "SELECT key FROM partitions WHERE table_id = ? AND key >= ?", []any{s.table, low}
	if high != nil {
		query, args = query+" AND key < ?", append(args, high)
	}
	rows, err := s.tx.QueryContext(ctx, query+" ORDER BY key", args...)
	if err != nil {
		return nil, false, err
	}
	defer rows.Close()
	for len(s.keys) < s.limit && rows.Next() {
		var key sql.RawBytes
		if err := rows.Scan(&key); err != nil {
			return nil, false, err
		}
		if err := s.match(key); err != nil {
			return nil, false, err
		}
		if s.budget == 1 && len(s.keys) < s.limit {
			return bytes.Clone(key), true, nil
		}
		s.budget = max(s.budget-1, 0)
	}
	return nil, false, rows.Err()
}

// match adds the key to what is found if it is in the segment and the expression
// holds for it.
func (s *keyScan) match(key []byte) error {
	values, err := decodeKey(key)
	if err != nil {
		return err
	}
	if s.pred.Match(values) && s.segment.has(key) {
		s.keys = append(s.keys, bytes.Clone(key))
	}
	return nil
}

// firstSpans are ranges of the first key's values outside of which the expression
// does not hold. Of a key that does not sort by its type, a number say, the values
// that there are are tried one by one, if they are few.
func (s *keyScan) firstSpans(ctx context.Context) ([]predicate.Span, error) {
	everything := s.pred.Spans(0)
	if !s.pred.Names(0) || len(everything) != 1 || everything[0] != (predicate.Span{Endless: true}) {
		return everything, nil
	}
	stmt, err := s.tx.PrepareContext(ctx, "SELECT key FROM partitions WHERE table_id = ? AND key >= ? ORDER BY key LIMIT 1")
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	spans, low := []predicate.Span{}, []byte{}
	for range maxDistinct {
		var key []byte
		err := stmt.QueryRowContext(ctx, s.table, low).Scan(&key)
		if errors.Is(err, sql.ErrNoRows) {
			return spans, nil
		}
		if err != nil {
			return nil, err
		}
		values, err := decodeKey(key)
		if err != nil {
			return nil, err
		}
		if len(values) != s.pred.Keys() {
			return everything, nil
		}
		if s.pred.MayHold(0, values[0]) {
			spans = append(spans, predicate.Span{Low: values[0], High: values[0] + "\x00"})
		}
		low = bound(values[0] + "\x00")
	}
	return everything, nil
}

// CountPartitions is how many partitions a table has; 0 of one that is not there.
func (s *Server) CountPartitions(ctx context.Context, name lake.TableName) (n int64, err error) {
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, name.Database, name.Table)
		if _, missing := asFault(err); missing {
			return nil
		}
		if err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM partitions WHERE table_id = ?", t.id).Scan(&n)
	})
	return n, err
}
