package httpapi_test

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"sluice/buffer/faultfs"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query"
	"sluice/query/checkpoint"
	"sluice/query/httpapi"
	"sluice/query/output"
)

// one is a catalog of the table d.t.
type one struct {
	nothing
	table lake.Table
}

func (o one) Table(_ context.Context, name lake.TableName) (lake.Table, error) {
	if name != o.table.Name {
		return o.nothing.Table(context.Background(), name)
	}
	return o.table, nil
}

// A shelf is a service with one table, and a batch of 3 rows in it that a
// checkpoint can read.
type shelf struct {
	handler http.Handler
	server  *httptest.Server
	files   *faultfs.FS // of the checkpoints
}

func newShelf(t *testing.T) *shelf {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	root := t.TempDir()
	objects, err := store.Open(t.Context(), "file://"+root, store.Config{})
	must(err)
	id := lake.NewBatchID(time.Now())
	must(os.MkdirAll(filepath.Join(root, "d/t"), 0o755))
	db, err := stdsql.Open("duckdb", "")
	must(err)
	defer db.Close()
	_, err = db.Exec(fmt.Sprintf("COPY (SELECT i AS id FROM range(3) t(i)) TO '%s' (FORMAT parquet)", filepath.Join(root, "d/t", id.DataFile())))
	must(err)
	s := &shelf{files: faultfs.New()}
	book, err := checkpoint.Open(checkpoint.Config{Dir: "/checkpoints", FS: s.files, Max: 10, Batches: 1000, Confirm: time.Hour})
	must(err)
	must(book.Note(id))
	table := lake.Table{Name: lake.TableName{Database: "d", Table: "t"}, Location: objects.URI("d/t") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}}}
	var e *query.Engine
	s.server, e = serve(t, func(c *query.Config) { c.Catalog, c.Store, c.Checkpoints = one{table: table}, objects, book })
	s.handler = httpapi.New(httpapi.Config{Querier: e})
	return s
}

// rows is how many rows the next run of a has; it is committed.
func (s *shelf) rows(t *testing.T) int {
	t.Helper()
	resp, body, err := post(t, s.server, `{"sql":"SELECT id FROM d.t","checkpoint":"a","format":"ndjson"}`)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s %v", resp.Status, body, err)
	}
	return strings.Count(body, "\n")
}

// broken is a connection whose client went away.
type broken struct {
	http.ResponseWriter
	write, flush error
}

func (b broken) Write(p []byte) (int, error) {
	if b.write != nil {
		return 0, b.write
	}
	return b.ResponseWriter.Write(p)
}

func (b broken) FlushError() error { return b.flush }

// A run is committed when the answer is out, and not when the client is gone or the
// commit fails; then the answer does not look whole.
func TestCheckpointCommit(t *testing.T) {
	s := newShelf(t)
	gone := errors.New("connection reset")
	for _, format := range []string{"json", "ndjson", "csv", "arrow", "parquet"} {
		for _, confirm := range []bool{false, true} {
			body := fmt.Sprintf(`{"sql":"SELECT id FROM d.t","checkpoint":"a","format":%q,"confirm":%v}`, format, confirm)
			for _, w := range []broken{{write: gone}, {flush: gone}} {
				w.ResponseWriter = httptest.NewRecorder()
				func() {
					defer func() {
						if got := recover(); got != http.ErrAbortHandler {
							t.Errorf("%s: the connection is left as if the answer were whole: %v", body, got)
						}
					}()
					s.handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/query", strings.NewReader(body)))
				}()
			}
			if confirm {
				continue
			}
			s.files.SetHook(func(op, path string) error {
				if op == "rename" && strings.HasSuffix(path, "a.json.new") {
					return gone
				}
				return nil
			})
			resp, text, err := post(t, s.server, body)
			s.files.SetHook(nil)
			if err == nil {
				t.Errorf("%s: a commit failed, and the answer ended as if whole: %s %s", body, resp.Status, text)
			}
		}
	}
	if n := s.rows(t); n != 3 {
		t.Errorf("%d rows, want 3: a run was committed whose answer was not delivered", n)
	}
	if n := s.rows(t); n != 0 {
		t.Errorf("%d rows, want 0: a run was not committed whose answer was delivered", n)
	}
}

// The client confirms.
func TestCheckpointClient(t *testing.T) {
	s := newShelf(t)
	c := &httpapi.Client{Server: s.server.URL}
	ask := func(replay bool) (int64, interface{ Commit(context.Context) error }) {
		t.Helper()
		rows, err := c.Query(t.Context(), query.Request{SQL: "SELECT id FROM d.t", Checkpoint: "a", Replay: replay})
		if err != nil {
			t.Fatal(err)
		}
		committer := rows.(interface{ Commit(context.Context) error })
		if err := committer.Commit(t.Context()); err == nil {
			t.Error("committed before the rows were read")
		}
		for rows.Next() {
		}
		if rows.Err() != nil {
			t.Fatal(rows.Err())
		}
		return rows.Stats().Rows, committer
	}
	// Closed without a commit: the next one need not wait for an hour.
	n, none := ask(false)
	if err := none.(io.Closer).Close(); err != nil || n != 3 {
		t.Errorf("%d rows, %v", n, err)
	}
	n, first := ask(false)
	if n != 3 {
		t.Fatalf("%d rows", n)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := first.(io.Closer).Close(); err != nil {
		t.Error(err)
	}
	n, replay := ask(true)
	if err := replay.Commit(t.Context()); err != nil || n != 3 {
		t.Errorf("the replay has %d rows, %v", n, err)
	}
	n, second := ask(false)
	if err := second.Commit(t.Context()); err != nil || n != 0 {
		t.Errorf("the second run has %d rows, %v", n, err)
	}
	var fault *query.Error
	if _, err := c.Query(t.Context(), query.Request{SQL: "SELECT id FROM d.t", Checkpoint: "none", Replay: true}); !errors.As(err, &fault) || fault.Code != query.CodeNoCheckpoint {
		t.Error(err)
	}
}

// So does one that takes the answer as it comes, in every format; what it cannot
// write is not committed.
func TestCheckpointCopy(t *testing.T) {
	s := newShelf(t)
	c := &httpapi.Client{Server: s.server.URL}
	for _, format := range []output.Format{output.Arrow, output.Parquet, output.CSV, output.NDJSON} {
		name := "copy-" + string(format)
		for want, w := range []io.Writer{full{}, io.Discard, io.Discard} {
			stats, err := c.Copy(t.Context(), query.Request{SQL: "SELECT id FROM d.t", Checkpoint: name}, format, w)
			if w == (full{}) {
				if err == nil {
					t.Errorf("%s: committed what could not be written", format)
				}
				continue
			}
			if err != nil || stats.Rows != int64(3*(2-want)) {
				t.Errorf("%s: run %d: %d rows, %v", format, want, stats.Rows, err)
			}
		}
	}
}

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }
