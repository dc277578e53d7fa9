package embedded

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"modernc.org/sqlite" // the driver "sqlite" too
)

//go:embed schema.sql
var schema string

const (
	applicationID = 0x534c4347 // "SLCG"
	schemaVersion = 2
	readers       = 4 // connections
)

// A store is the SQLite file: one connection that writes, several that read.
type store struct {
	writer, reader *sql.DB
}

func openStore(path string) (*store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	// FULL: every commit syncs the write-ahead log. NORMAL would lose the last
	// commits with the power, and with them partitions whose log is gone.
	s := &store{}
	s.writer, err = openSQLite(path, "immediate", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)")
	if err != nil {
		return nil, err
	}
	// One: writers wait for each other here, in order, rather than in SQLite's
	// busy handler, which polls.
	s.writer.SetMaxOpenConns(1)
	if err := s.migrate(); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	// If we crash before this, the file may be gone with the power; nothing in
	// it was acknowledged yet.
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	s.reader, err = openSQLite(path, "deferred", "query_only(1)")
	if err != nil {
		return nil, errors.Join(err, s.writer.Close())
	}
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	return s, nil
}

func openSQLite(path, lock string, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	return sql.Open("sqlite", (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// migrate makes the tables in a new file, brings those of an older one up to date,
// and refuses files that are not ours.
func (s *store) migrate() error {
	return s.write(context.Background(), func(ctx context.Context, tx *sql.Tx) error {
		var app, version, tables int
		for query, to := range map[string]*int{
			"PRAGMA application_id": &app, "PRAGMA user_version": &version, "SELECT count(*) FROM sqlite_schema": &tables,
		} {
			if err := tx.QueryRowContext(ctx, query).Scan(to); err != nil {
				return err
			}
		}
		switch {
		case tables == 0 && app == 0 && version == 0:
			_, err := tx.ExecContext(ctx, schema+fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d;",
				applicationID, schemaVersion))
			return err
		case app == applicationID && version == 1:
			if err := fromVersion1(ctx, tx); err != nil {
				return fmt.Errorf("bring version 1 up to date: %w", err)
			}
			return nil
		case app != applicationID:
			return errors.New("it is an SQLite file, but not a catalog of Sluice")
		case version != schemaVersion:
			return fmt.Errorf("it has version %d, this Sluice reads version %d", version, schemaVersion)
		}
		return nil
	})
}

// close leaves SQLite's write-ahead log and its index, both of which are in the file
// by then, where they are instead of deleting them: their blocks are what the next
// start needs, and on a full disk would not get.
func (s *store) close() error {
	return errors.Join(s.reader.Close(), s.keepLog(), s.writer.Close())
}

func (s *store) keepLog() error {
	c, err := s.writer.Conn(context.Background())
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Raw(func(driver any) error {
		_, err := driver.(sqlite.FileControl).FileControlPersistWAL("main", 1)
		return err
	})
}

// write runs f in a transaction that sees and excludes all other writes. It is
// durable when write returns nil; beside an error nothing is done.
func (s *store) write(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return transact(ctx, s.writer, f)
}

// read runs f on one state of the catalog, which holds all writes that were
// durable when it began.
func (s *store) read(ctx context.Context, f func(context.Context, *sql.Tx) error) error {
	return transact(ctx, s.reader, f)
}

func transact(ctx context.Context, db *sql.DB, f func(context.Context, *sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin transaction: %w", err)
	}
	if err := f(ctx, tx); err != nil {
		tx.Rollback() // what made f fail is the news
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// collect reads all rows.
func collect[T any](rows *sql.Rows, err error, scan func(*sql.Rows, *T) error) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		var v T
		if err := scan(rows, &v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}
