package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"strings"
)

type tableRow struct {
	id               int64
	database         string
	version          int64
	input            tableInput
	created, updated epoch
}

const selectTable = `SELECT t.id, d.name, t.version, t.input, t.created, t.updated
	FROM tables t JOIN databases d ON d.id = t.database_id `

func scanTable(rows *sql.Rows, t *tableRow) error {
	var input string
	if err := rows.Scan(&t.id, &t.database, &t.version, &input, &t.created, &t.updated); err != nil {
		return err
	}
	return json.Unmarshal([]byte(input), &t.input)
}

func (t tableRow) shape(s scope) table {
	return table{
		tableInput: t.input, DatabaseName: t.database, CreateTime: t.created, UpdateTime: t.updated,
		VersionID: strconv.FormatInt(t.version, 10), CatalogID: s.id(),
	}
}

// findTable is the table of that name, in any case.
func findTable(ctx context.Context, tx *sql.Tx, databaseName, name string) (tableRow, error) {
	if databaseName == "" || name == "" {
		return tableRow{}, invalid("the request names no database or no table")
	}
	if !sees(ctx, databaseName) {
		return tableRow{}, notFound("Database %s not found.", databaseName)
	}
	rows, err := tx.QueryContext(ctx, selectTable+"WHERE d.name = ? AND t.name = ?",
		strings.ToLower(databaseName), strings.ToLower(name))
	found, err := collect(rows, err, scanTable)
	if err != nil {
		return tableRow{}, err
	}
	if len(found) == 0 {
		if _, err := findDatabase(ctx, tx, databaseName); err != nil {
			return tableRow{}, err
		}
		return tableRow{}, notFound("Table %s.%s not found.", databaseName, name)
	}
	return found[0], nil
}

type tableRequest struct {
	scope
	DatabaseName, Name   string
	TableInput           tableInput
	VersionID            *string `json:"VersionId"`
	SkipArchive          bool
	OpenTableFormatInput json.RawMessage
}

// prepare checks and completes the input, and is its JSON.
func (in *tableRequest) prepare() (string, error) {
	if len(in.OpenTableFormatInput) > 0 && string(in.OpenTableFormatInput) != "null" {
		return "", invalid("open table formats are not supported")
	}
	t := &in.TableInput
	var err error
	if t.Name, err = checkName("table", t.Name); err != nil {
		return "", err
	}
	if err := checkColumns(t.PartitionKeys); err != nil {
		return "", err
	}
	if t.StorageDescriptor != nil {
		if err := checkColumns(t.StorageDescriptor.Columns); err != nil {
			return "", err
		}
	}
	t.fill()
	input, err := json.Marshal(t)
	return string(input), err
}

func checkColumns(columns []column) error {
	seen := make(map[string]bool, len(columns))
	for _, c := range columns {
		name := strings.ToLower(c.Name)
		if name == "" {
			return invalid("a column has no name")
		}
		if seen[name] {
			return invalid("column %.300q is there twice", c.Name)
		}
		seen[name] = true
	}
	return nil
}

func (s *Server) createTable(ctx context.Context, in tableRequest) (nothing, error) {
	input, err := in.prepare()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.DatabaseName)
		if err != nil {
			return err
		}
		at := now()
		done, err := affected(tx.ExecContext(ctx, `INSERT INTO tables (database_id, name, version, input, created, updated)
			VALUES (?, ?, 0, ?, ?, ?) ON CONFLICT DO NOTHING`, d.id, in.TableInput.Name, input, at, at))
		if err == nil && !done {
			err = alreadyExists("Table %s.%s already exists.", d.input.Name, in.TableInput.Name)
		}
		return err
	})
}

type tableAnswer struct{ Table table }

func (s *Server) getTable(ctx context.Context, in tableRequest) (tableAnswer, error) {
	var out tableAnswer
	err := s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.Name)
		out.Table = t.shape(in.scope)
		return err
	})
	return out, err
}

func (s *Server) updateTable(ctx context.Context, in tableRequest) (nothing, error) {
	input, err := in.prepare()
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		old, err := findTable(ctx, tx, in.DatabaseName, in.TableInput.Name)
		if err != nil {
			return err
		}
		if v := strconv.FormatInt(old.version, 10); in.VersionID != nil && *in.VersionID != v {
			return conflict("Table %s.%s has version %s, not %.40s.", old.database, old.input.Name, v, *in.VersionID)
		}
		if err := checkPartitionKeys(ctx, tx, old, in.TableInput); err != nil {
			return err
		}
		if !in.SkipArchive {
			if err := archive(ctx, tx, old); err != nil {
				return err
			}
		}
		_, err = tx.ExecContext(ctx, "UPDATE tables SET version = version + 1, input = ?, updated = ? WHERE id = ?",
			input, now(), old.id)
		return err
	})
}

// checkPartitionKeys keeps the number of keys, while there are partitions, what
// the number of their values is.
func checkPartitionKeys(ctx context.Context, tx *sql.Tx, old tableRow, in tableInput) error {
	if len(old.input.PartitionKeys) == len(in.PartitionKeys) {
		return nil
	}
	var partitioned bool
	err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM partitions WHERE table_id = ?)", old.id).Scan(&partitioned)
	if err == nil && partitioned {
		err = invalid("Table %s.%s has partitions of %d keys, which cannot become %d.",
			old.database, old.input.Name, len(old.input.PartitionKeys), len(in.PartitionKeys))
	}
	return err
}

func (s *Server) deleteTable(ctx context.Context, in tableRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.Name)
		if err != nil {
			return err
		}
		return dropTable(ctx, tx, t.id)
	})
}

// dropTable deletes a table and all that belongs to it.
func dropTable(ctx context.Context, tx *sql.Tx, id int64) error {
	for _, statement := range []string{
		"DELETE FROM partition_values WHERE table_id = ?",
		"DELETE FROM column_statistics WHERE table_id = ?",
		"DELETE FROM partitions WHERE table_id = ?",
		"DELETE FROM descriptors WHERE table_id = ?",
		"DELETE FROM table_versions WHERE table_id = ?",
		"DELETE FROM tables WHERE id = ?",
	} {
		if _, err := tx.ExecContext(ctx, statement, id); err != nil {
			return err
		}
	}
	return nil
}

type batchDeleteTableRequest struct {
	scope
	DatabaseName   string
	TablesToDelete []string
}

type tableError struct {
	TableName   string
	ErrorDetail errorDetail
}

type tableErrors struct{ Errors []tableError }

func (s *Server) batchDeleteTable(ctx context.Context, in batchDeleteTableRequest) (tableErrors, error) {
	out := tableErrors{Errors: []tableError{}}
	if len(in.TablesToDelete) > 100 {
		return out, invalid("TablesToDelete has %d entries, at most 100 are taken", len(in.TablesToDelete))
	}
	err := s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := findDatabase(ctx, tx, in.DatabaseName); err != nil {
			return err
		}
		for _, name := range in.TablesToDelete {
			t, err := findTable(ctx, tx, in.DatabaseName, name)
			if f, ok := asFault(err); ok {
				out.Errors = append(out.Errors, tableError{name, f.detail()})
				continue
			}
			if err != nil {
				return err
			}
			if err := dropTable(ctx, tx, t.id); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
