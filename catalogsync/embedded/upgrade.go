package embedded

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// fromVersion1 makes a file of version 1 one of version 2, which has the tables
// from partition_values on beside those that there were. If we crash in it, the
// transaction is undone and the file still has version 1.
func fromVersion1(ctx context.Context, tx *sql.Tx) error {
	at := strings.Index(schema, "-- The values of partitions by their place")
	if at < 0 {
		panic("BUG: schema.sql does not say where version 2 begins")
	}
	if _, err := tx.ExecContext(ctx, schema[at:]+fmt.Sprintf("PRAGMA user_version = %d;", schemaVersion)); err != nil {
		return err
	}
	insert, err := tx.PrepareContext(ctx, insertValue)
	if err != nil {
		return err
	}
	defer insert.Close()
	// In runs, as rows are written to while they are read.
	type row struct {
		table int64
		key   []byte
	}
	last := row{table: -1}
	for {
		rows, err := tx.QueryContext(ctx, `SELECT table_id, key FROM partitions
			WHERE (table_id, key) > (?, ?) ORDER BY table_id, key LIMIT 1000`, last.table, orNone(last.key))
		found, err := collect(rows, err, func(rows *sql.Rows, r *row) error { return rows.Scan(&r.table, &r.key) })
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return nil
		}
		for _, r := range found {
			values, err := decodeKey(r.key)
			if err != nil {
				return err
			}
			if err := indexValues(ctx, insert, r.table, r.key, values); err != nil {
				return err
			}
		}
		last = found[len(found)-1]
	}
}
