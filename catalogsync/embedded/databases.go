package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"slices"
	"strings"
)

// catalogID is the account in answers to requests that name none.
const catalogID = "000000000000"

// A scope is the catalog that a request names: any, all are this one.
type scope struct {
	CatalogID string `json:"CatalogId"`
}

func (s scope) id() string {
	if s.CatalogID == "" {
		return catalogID
	}
	return s.CatalogID
}

// maxName is the longest name of a database or table, in bytes.
const maxName = 255

// checkName folds a name that is to be stored.
func checkName(what, name string) (string, error) {
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "\r\n\t\x00") {
		return "", invalid("%s %.300q: a name has 1 to %d bytes on one line", what, name, maxName)
	}
	return strings.ToLower(name), nil
}

type databaseRow struct {
	id      int64
	input   databaseInput
	created epoch
}

const selectDatabase = "SELECT id, input, created FROM databases "

func scanDatabase(rows *sql.Rows, d *databaseRow) error {
	var input string
	if err := rows.Scan(&d.id, &input, &d.created); err != nil {
		return err
	}
	return json.Unmarshal([]byte(input), &d.input)
}

func (d databaseRow) shape(s scope) database { return database{d.input, d.created, s.id()} }

// findDatabase is the database of that name, in any case.
func findDatabase(ctx context.Context, tx *sql.Tx, name string) (databaseRow, error) {
	if name == "" {
		return databaseRow{}, invalid("the request names no database")
	}
	if !sees(ctx, name) {
		return databaseRow{}, notFound("Database %s not found.", name)
	}
	rows, err := tx.QueryContext(ctx, selectDatabase+"WHERE name = ?", strings.ToLower(name))
	found, err := collect(rows, err, scanDatabase)
	if err != nil {
		return databaseRow{}, err
	}
	if len(found) == 0 {
		return databaseRow{}, notFound("Database %s not found.", name)
	}
	return found[0], nil
}

type databaseRequest struct {
	scope
	Name          string
	DatabaseInput databaseInput
}

func (s *Server) createDatabase(ctx context.Context, in databaseRequest) (nothing, error) {
	d := in.DatabaseInput
	var err error
	if d.Name, err = checkName("database", d.Name); err != nil {
		return nothing{}, err
	}
	d.fill()
	input, err := json.Marshal(d)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		done, err := affected(tx.ExecContext(ctx,
			"INSERT INTO databases (name, input, created) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", d.Name, string(input), now()))
		if err == nil && !done {
			err = alreadyExists("Database %s already exists.", d.Name)
		}
		return err
	})
}

// affected reports whether a statement did anything.
func affected(r sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := r.RowsAffected()
	return n > 0, err
}

type databaseAnswer struct{ Database database }

func (s *Server) getDatabase(ctx context.Context, in databaseRequest) (out databaseAnswer, err error) {
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.Name)
		out.Database = d.shape(in.scope)
		return err
	})
	return out, err
}

type getDatabasesRequest struct {
	scope
	page
}

type databasesAnswer struct {
	DatabaseList []database
	NextToken    string `json:",omitempty"`
}

func (s *Server) getDatabases(ctx context.Context, in getDatabasesRequest) (databasesAnswer, error) {
	out := databasesAnswer{DatabaseList: []database{}}
	after, err := in.after()
	if err != nil {
		return out, err
	}
	limit := in.limit(100)
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		most := limit + 1
		if restricted(ctx) {
			most = -1 // any number may not be seen; no page may end at one of them
		}
		rows, err := tx.QueryContext(ctx, selectDatabase+"WHERE name > ? ORDER BY name LIMIT ?", after, most)
		found, err := collect(rows, err, scanDatabase)
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(d databaseRow) bool { return !sees(ctx, d.input.Name) })
		if len(found) > limit {
			found = found[:limit]
			out.NextToken = token(found[limit-1].input.Name)
		}
		for _, d := range found {
			out.DatabaseList = append(out.DatabaseList, d.shape(in.scope))
		}
		return nil
	})
	return out, err
}

func (s *Server) updateDatabase(ctx context.Context, in databaseRequest) (nothing, error) {
	d := in.DatabaseInput
	var err error
	if d.Name, err = checkName("database", d.Name); err != nil {
		return nothing{}, err
	}
	d.fill()
	input, err := json.Marshal(d)
	if err != nil {
		return nothing{}, err
	}
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		old, err := findDatabase(ctx, tx, in.Name)
		if err != nil {
			return err
		}
		if old.input.Name != d.Name {
			return invalid("Database %s cannot be renamed.", old.input.Name)
		}
		_, err = tx.ExecContext(ctx, "UPDATE databases SET input = ? WHERE id = ?", string(input), old.id)
		return err
	})
}

func (s *Server) deleteDatabase(ctx context.Context, in databaseRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		d, err := findDatabase(ctx, tx, in.Name)
		if err != nil {
			return err
		}
		rows, err := tx.QueryContext(ctx, selectTable+"WHERE d.id = ?", d.id)
		tables, err := collect(rows, err, scanTable)
		if err != nil {
			return err
		}
		for _, t := range tables {
			if err := dropTable(ctx, tx, t.id); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM functions WHERE database_id = ?", d.id); err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "DELETE FROM databases WHERE id = ?", d.id)
		return err
	})
}
