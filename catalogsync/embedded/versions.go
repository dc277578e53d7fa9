package embedded

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
)

// archive keeps what a table was before an update.
func archive(ctx context.Context, tx *sql.Tx, old tableRow) error {
	input, err := json.Marshal(old.input)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "INSERT INTO table_versions (table_id, version, input, updated) VALUES (?, ?, ?, ?)",
		old.id, old.version, string(input), old.updated)
	return err
}

type versionRequest struct {
	scope
	page
	DatabaseName, TableName string
	VersionID               string   `json:"VersionId"`
	VersionIDs              []string `json:"VersionIds"`
}

type tableVersion struct {
	Table     table
	VersionID string `json:"VersionId"`
}

// versions are those of a table below the given one, newest first, up to limit;
// the newest of all is the table itself.
func versions(ctx context.Context, tx *sql.Tx, t tableRow, below int64, limit int) ([]tableRow, error) {
	rows, err := tx.QueryContext(ctx, `SELECT version, input, updated FROM table_versions
		WHERE table_id = ? AND version < ? ORDER BY version DESC LIMIT ?`, t.id, below, limit)
	old, err := collect(rows, err, func(rows *sql.Rows, v *tableRow) error {
		var input string
		*v = tableRow{id: t.id, database: t.database, created: t.created}
		if err := rows.Scan(&v.version, &input, &v.updated); err != nil {
			return err
		}
		return json.Unmarshal([]byte(input), &v.input)
	})
	if err != nil || t.version >= below {
		return old, err
	}
	all := append([]tableRow{t}, old...)
	return all[:min(limit, len(all))], nil
}

type versionAnswer struct{ TableVersion tableVersion }

func (s *Server) getTableVersion(ctx context.Context, in versionRequest) (versionAnswer, error) {
	var out versionAnswer
	err := s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		want := t.version
		if in.VersionID != "" {
			if want, err = strconv.ParseInt(in.VersionID, 10, 32); err != nil {
				return invalid("VersionId %.40q is not a number", in.VersionID)
			}
		}
		found, err := versions(ctx, tx, t, want+1, 1)
		if err != nil {
			return err
		}
		if len(found) == 0 || found[0].version != want {
			return notFound("Table %s.%s has no version %d.", in.DatabaseName, in.TableName, want)
		}
		shape := found[0].shape(in.scope)
		out.TableVersion = tableVersion{shape, shape.VersionID}
		return nil
	})
	return out, err
}

type versionsAnswer struct {
	TableVersions []tableVersion
	NextToken     string `json:",omitempty"`
}

func (s *Server) getTableVersions(ctx context.Context, in versionRequest) (versionsAnswer, error) {
	out := versionsAnswer{TableVersions: []tableVersion{}}
	after, err := in.after()
	if err != nil {
		return out, err
	}
	below := int64(1) << 62
	if after != "" {
		if below, err = strconv.ParseInt(after, 10, 64); err != nil {
			return out, invalid("NextToken is none that this catalog gave out")
		}
	}
	limit := in.limit(100)
	err = s.store.read(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		found, err := versions(ctx, tx, t, below, limit+1)
		if err != nil {
			return err
		}
		if len(found) > limit {
			found = found[:limit]
			out.NextToken = token(strconv.FormatInt(found[limit-1].version, 10))
		}
		for _, v := range found {
			shape := v.shape(in.scope)
			out.TableVersions = append(out.TableVersions, tableVersion{shape, shape.VersionID})
		}
		return nil
	})
	return out, err
}

// deleteVersion forgets an archived version; the newest is the table itself.
func deleteVersion(ctx context.Context, tx *sql.Tx, t tableRow, version string) error {
	n, err := strconv.ParseInt(version, 10, 32)
	if err != nil {
		return invalid("VersionId %.40q is not a number", version)
	}
	if n == t.version {
		return invalid("Version %d of table %s.%s is the newest, it cannot be deleted.", n, t.database, t.input.Name)
	}
	done, err := affected(tx.ExecContext(ctx, "DELETE FROM table_versions WHERE table_id = ? AND version = ?", t.id, n))
	if err == nil && !done {
		err = notFound("Table %s.%s has no version %d.", t.database, t.input.Name, n)
	}
	return err
}

func (s *Server) deleteTableVersion(ctx context.Context, in versionRequest) (nothing, error) {
	return nothing{}, s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		return deleteVersion(ctx, tx, t, in.VersionID)
	})
}

type versionError struct {
	TableName   string
	VersionID   string `json:"VersionId"`
	ErrorDetail errorDetail
}

type versionErrors struct{ Errors []versionError }

func (s *Server) batchDeleteTableVersion(ctx context.Context, in versionRequest) (versionErrors, error) {
	out := versionErrors{Errors: []versionError{}}
	if len(in.VersionIDs) > 100 {
		return out, invalid("VersionIds has %d entries, at most 100 are taken", len(in.VersionIDs))
	}
	err := s.store.write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		t, err := findTable(ctx, tx, in.DatabaseName, in.TableName)
		if err != nil {
			return err
		}
		for _, v := range in.VersionIDs {
			err := deleteVersion(ctx, tx, t, v)
			if f, ok := asFault(err); ok {
				out.Errors = append(out.Errors, versionError{in.TableName, v, f.detail()})
			} else if err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}
