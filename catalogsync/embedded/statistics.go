package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"strings"
)

// What one request on column statistics may hold, as in AWS Glue.
const (
	maxReadStatistics  = 100
	maxWriteStatistics = 25
)

type statisticsRequest struct {
	DatabaseName, TableName string
	PartitionValues         []string
	ColumnNames             []string          // to read
	ColumnName              string            // to delete
	ColumnStatisticsList    []json.RawMessage // to write
}

// A statisticsHead is what the catalog looks at of a ColumnStatistics.
type statisticsHead struct {
	ColumnName, ColumnType string
	StatisticsData         *struct{ Type string }
}

type columnError struct {
	ColumnName string
	Error      errorDetail
}

type statisticsAnswer struct {
	ColumnStatisticsList []json.RawMessage
	Errors               []columnError
}

type statisticsError struct {
	ColumnStatistics json.RawMessage
	Error            errorDetail
}

type updateStatisticsAnswer struct{ Errors []statisticsError }

// statisticsOf is the table, and the key of the partition that the statistics are
// of: empty for those of the table.
func statisticsOf(ctx context.Context, tx *sql.Tx, in statisticsRequest, partition bool) (t tableRow, key []byte, err error) {
	if t, err = findTable(ctx, tx, in.DatabaseName, in.TableName); err != nil || !partition {
		return t, []byte{}, err
	}
	if err := t.checkValues(in.PartitionValues); err != nil {
		return t, nil, err
	}
	key = encodeKey(in.PartitionValues)
	var there bool
	err = tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM partitions WHERE table_id = ? AND key = ?)", t.id, key).Scan(&there)
	if err == nil && !there {
		err = t.noPartition(in.PartitionValues)
	}
	return t, key, err
}

// getStatistics reads those that there are of the columns named. A column without
// is left out, and is no error.
func (s *Server) getStatistics(ctx context.Context, in statisticsRequest, partition bool) (statisticsAnswer, error) {
	out := statisticsAnswer{ColumnStatisticsList: []json.RawMessage{}, Errors: []columnError{}}
	if n := len(in.ColumnNames); n > maxReadStatistics {
		return out, invalid("ColumnNames has %d entries, at most %d are taken", n, maxReadStatistics)
	}
	err := s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, key, err := statisticsOf(ctx, tx, in, partition)
		if err != nil {
			return err
		}
		for _, name := range in.ColumnNames {
			rows, err := tx.QueryContext(ctx, "SELECT document FROM column_statistics WHERE table_id = ? AND key = ? AND column_name = ?",
				t.id, key, strings.ToLower(name))
			found, err := collect(rows, err, func(rows *sql.Rows, doc *string) error { return rows.Scan(doc) })
			if err != nil {
				return err
			}
			for _, doc := range found {
				whole, err := filledStatistics(json.RawMessage(doc))
				if err != nil {
					return err
				}
				out.ColumnStatisticsList = append(out.ColumnStatisticsList, whole)
			}
		}
		return nil
	})
	return out, err
}

func (s *Server) updateStatistics(ctx context.Context, in statisticsRequest, partition bool) (updateStatisticsAnswer, error) {
	out := updateStatisticsAnswer{Errors: []statisticsError{}}
	if n := len(in.ColumnStatisticsList); n > maxWriteStatistics {
		return out, invalid("ColumnStatisticsList has %d entries, at most %d are taken", n, maxWriteStatistics)
	}
	err := s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, key, err := statisticsOf(ctx, tx, in, partition)
		if err != nil {
			return err
		}
		for _, doc := range in.ColumnStatisticsList {
			name, err := t.statisticsColumn(doc)
			if f, ok := asFault(err); ok {
				out.Errors = append(out.Errors, statisticsError{doc, f.detail()})
				continue
			}
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `INSERT INTO column_statistics (table_id, key, column_name, document) VALUES (?, ?, ?, ?)
				ON CONFLICT DO UPDATE SET document = excluded.document`, t.id, key, name, string(doc)); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// statisticsColumn is the column that the statistics are of, in lower case.
func (t tableRow) statisticsColumn(doc json.RawMessage) (string, error) {
	var head statisticsHead
	if err := json.Unmarshal(doc, &head); err != nil {
		return "", invalid("column statistics: %v", err)
	}
	name := strings.ToLower(head.ColumnName)
	if name == "" || head.ColumnType == "" || head.StatisticsData == nil || head.StatisticsData.Type == "" {
		return "", invalid("column statistics of %.200q lack a ColumnName, a ColumnType or StatisticsData with a Type", head.ColumnName)
	}
	for _, columns := range [][]column{t.columns(), t.input.PartitionKeys} {
		for _, c := range columns {
			if strings.EqualFold(c.Name, name) {
				return name, nil
			}
		}
	}
	return "", notFound("Column %.200s of table %s.%s not found.", head.ColumnName, t.database, t.input.Name)
}

func (t tableRow) columns() []column {
	if t.input.StorageDescriptor == nil {
		return nil
	}
	return t.input.StorageDescriptor.Columns
}

// deleteStatistics forgets those of a column; that there were none is success, as
// whoever deletes them could not have known.
func (s *Server) deleteStatistics(ctx context.Context, in statisticsRequest, partition bool) (nothing, error) {
	if in.ColumnName == "" {
		return nothing{}, invalid("the request names no column")
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, key, err := statisticsOf(ctx, tx, in, partition)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM column_statistics WHERE table_id = ? AND key = ? AND column_name = ?",
			t.id, key, strings.ToLower(in.ColumnName))
		return err
	})
}

func (s *Server) getTableStatistics(ctx context.Context, in statisticsRequest) (statisticsAnswer, error) {
	return s.getStatistics(ctx, in, false)
}

func (s *Server) getPartitionStatistics(ctx context.Context, in statisticsRequest) (statisticsAnswer, error) {
	return s.getStatistics(ctx, in, true)
}

func (s *Server) updateTableStatistics(ctx context.Context, in statisticsRequest) (updateStatisticsAnswer, error) {
	return s.updateStatistics(ctx, in, false)
}

func (s *Server) updatePartitionStatistics(ctx context.Context, in statisticsRequest) (updateStatisticsAnswer, error) {
	return s.updateStatistics(ctx, in, true)
}

func (s *Server) deleteTableStatistics(ctx context.Context, in statisticsRequest) (nothing, error) {
	return s.deleteStatistics(ctx, in, false)
}

func (s *Server) deletePartitionStatistics(ctx context.Context, in statisticsRequest) (nothing, error) {
	return s.deleteStatistics(ctx, in, true)
}
