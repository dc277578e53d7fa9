package fetch_test

import (
	"bytes"
	stdsql "database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/parquet-go/parquet-go"

	"sluice/internal/lake/store"
	"sluice/query/fetch"
)

func openDuck(t testing.TB) *stdsql.DB {
	t.Helper()
	db, err := stdsql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// digest is what the columns of files hold, whatever the order of rows.
func digest(t testing.TB, db *stdsql.DB, columns string, paths ...string) string {
	t.Helper()
	var out string
	sql := fmt.Sprintf("SELECT concat_ws(' ', count(*), sum(hash(x)::HUGEINT), any_value(typeof(x))) FROM (SELECT (%s) AS x FROM read_parquet(['%s']))", columns, strings.Join(paths, "','"))
	if err := db.QueryRowContext(t.Context(), sql).Scan(&out); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// shapes are Parquet files of many kinds, by name. Each has the columns id, s and
// n, of which n is nested.
func shapes(t testing.TB, db *stdsql.DB) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	const rows = `SELECT i AS id, CASE WHEN i % 7 > 0 THEN 'user ' || (i * 7919 % 50) END AS s,
		{'a': i % 3, 'l': [{'x': i, 'y': 'é'}, NULL], 'm': MAP {'k' || i % 5: [i]}} AS n,
		i::DECIMAL(20,3) / 7 AS d, TIMESTAMPTZ '2026-01-31' + i * INTERVAL 1 SECOND AS ts, NULL::INTEGER AS nothing,
		CASE WHEN i % 11 = 0 THEN 'nan'::DOUBLE ELSE i END AS f FROM range(%d) t(i)`
	for name, options := range map[string]string{
		"one row group":   "3000 COMPRESSION zstd",
		"many row groups": "20000 COMPRESSION snappy, ROW_GROUP_SIZE 2048",
		"plain":           "3000 COMPRESSION uncompressed, DICTIONARY_SIZE_LIMIT 1",
		"version 2":       "6000 COMPRESSION zstd, PARQUET_VERSION v2",
		"empty":           "0 COMPRESSION gzip",
	} {
		n, rest, _ := strings.Cut(options, " ")
		path := filepath.Join(t.TempDir(), "f.parquet")
		if _, err := db.ExecContext(t.Context(), "COPY ("+strings.Replace(rows, "%d", n, 1)+") TO '"+path+"' (FORMAT parquet, "+rest+")"); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = data
	}
	type row struct {
		ID int64             `parquet:"ID"`
		S  *string           `parquet:"s,optional,dict"`
		N  map[string][]int8 `parquet:"n"`
	}
	write := func(name string, options ...parquet.WriterOption) {
		var b bytes.Buffer
		w := parquet.NewGenericWriter[row](&b, options...)
		for i := range 3000 {
			s := fmt.Sprint("user ", i%9)
			r := row{ID: int64(i), S: &s}
			if i%3 == 0 {
				r.S, r.N = nil, map[string][]int8{s: {int8(i), 2}}
			}
			if _, err := w.Write([]row{r}); err != nil {
				t.Fatal(err)
			}
			if i%1100 == 1099 {
				w.Flush()
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		files[name] = b.Bytes()
	}
	write("indexes and bloom filters", parquet.BloomFilters(parquet.SplitBlockFilter(10, "ID"), parquet.SplitBlockFilter(10, "s")),
		parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("ID"))), parquet.KeyValueMetadata("k", "v"))
	write("small pages of version 1", parquet.PageBufferSize(200), parquet.DataPageVersion(1))
	write("no bounds", parquet.SkipPageBounds("ID"), parquet.SkipPageBounds("s"))
	return files
}

// What is read of the parts is what the object has, and nothing else can be read.
func TestParts(t *testing.T) {
	db := openDuck(t)
	s := localStore(t)
	for name, data := range shapes(t, db) {
		t.Run(name, func(t *testing.T) {
			o := s.put(t, "db/t/"+strings.ReplaceAll(name, " ", "-"), data)
			whole, _ := s.LocalPath(o.Key)
			c := openCache(t, s, 1<<30)
			f, err := c.Footer(t.Context(), o, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, columns := range [][]string{{"s"}, {"id", "s"}, {"n"}, {"ID", "nowhere"}, nil, {}} {
				files, release, err := c.Parts(t.Context(), o, fetch.Want{Columns: columns}, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer release()
				if f.Meta.NumRows == 0 {
					if len(files) != 0 {
						t.Errorf("%d files of no rows", len(files))
					}
					continue
				}
				if len(files) != len(f.Meta.RowGroups) {
					t.Errorf("%d files of %d row groups", len(files), len(f.Meta.RowGroups))
				}
				paths := pathsOf(files)
				for _, column := range []string{"1", "id", "s", "n"} {
					if columns == nil || column == "1" || slices.Contains(columns, column) {
						if got, want := digest(t, db, column, paths...), digest(t, db, column, whole); got != want {
							t.Errorf("%v: %s is %s, not %s", columns, column, got, want)
						}
					}
				}
			}
		})
	}
}

// A cache that was asked for one column has nothing of another.
func TestWhatWasNotFetchedIsNotThere(t *testing.T) {
	db := openDuck(t)
	s := localStore(t)
	for name, data := range shapes(t, db) {
		if name == "empty" {
			continue
		}
		o := s.put(t, "t", data)
		for _, columns := range [][]string{{"s"}, {}} {
			files, release, err := openCache(t, s, 1<<30).Parts(t.Context(), o, fetch.Want{Columns: columns, Groups: []int{0}}, nil)
			if err != nil || len(files) != 1 {
				t.Fatal(len(files), err)
			}
			defer release()
			for _, column := range []string{"id", "n"} {
				if _, err := db.ExecContext(t.Context(), "SELECT "+column+" FROM '"+files[0].Path+"'"); err == nil || !strings.Contains(err.Error(), "not found in FROM") {
					t.Errorf("%s: %s of %v: %v", name, column, columns, err)
				}
			}
			if _, err := db.ExecContext(t.Context(), "SELECT count(*), count(COLUMNS(*)) FROM '"+files[0].Path+"'"); err != nil {
				t.Errorf("%s: all of %v: %v", name, columns, err)
			}
		}
	}
}

// An engine that is not DuckDB reads the parts too.
func TestPartsInPyArrow(t *testing.T) {
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		t.Skip("no Python: TEST_PYTHON is not set")
	}
	db := openDuck(t)
	s := localStore(t)
	c := openCache(t, s, 1<<30)
	var args []string
	for name, data := range shapes(t, db) {
		o := s.put(t, strings.ReplaceAll(name, " ", "-"), data)
		whole, _ := s.LocalPath(o.Key)
		for _, columns := range [][]string{{"id", "n"}, {"s"}} {
			files, release, err := c.Parts(t.Context(), o, fetch.Want{Columns: columns}, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer release()
			args = append(args, strings.Join(append([]string{whole}, pathsOf(files)...), ","))
		}
	}
	const script = `
import sys, pyarrow as pa, pyarrow.parquet as pq
for arg in sys.argv[1:]:
    whole, *parts = arg.split(",")
    if not parts: continue
    got = pa.concat_tables([pq.ParquetFile(p).read() for p in parts])
    want = pq.ParquetFile(whole).read().select(got.column_names)
    got.validate(full=True)
    assert got.to_pylist() == want.to_pylist(), arg
    print(len(got.column_names), end=" ")
`
	out, err := exec.CommandContext(t.Context(), python, append([]string{"-c", script}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if n := len(strings.Fields(string(out))); n != 14 {
		t.Errorf("%d sets of files were read, want 14", n)
	}
}

func localStore(t testing.TB) *counter {
	t.Helper()
	s, err := store.Open(t.Context(), t.TempDir(), store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return &counter{Store: s}
}

func pathsOf(files []fetch.File) (paths []string) {
	for _, f := range files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Column chunks travel once, alone, and are kept.
func TestOnlyWhatIsNeededTravels(t *testing.T) {
	each(t, func(t *testing.T, s *counter) {
		o := s.put(t, "db/t/a", events(t, 3, 4_000))
		c := openCache(t, s, 1<<30)
		f, err := c.Footer(t.Context(), o, nil)
		if err != nil {
			t.Fatal(err)
		}
		ask := func(want fetch.Want, fetched bool, cached int64) {
			t.Helper()
			s.requests.Store(0)
			s.bytes.Store(0)
			var u fetch.Usage
			files, release, err := c.Parts(t.Context(), o, want, &u)
			if err != nil {
				t.Fatal(err)
			}
			release()
			needed := int64(0)
			for _, file := range files {
				needed += file.Bytes
			}
			missing := needed - cached
			if got := s.bytes.Load(); got != u.Fetched() || s.requests.Load() != u.Requests() || got < missing || got > missing+missing/20 {
				t.Errorf("%+v: %d bytes in %d requests were read for %d; counted %d in %d", want, got, s.requests.Load(), missing, u.Fetched(), u.Requests())
			}
			if u.Cached() != cached || fetched != (u.Requests() > 0) {
				t.Errorf("%+v: %d bytes were cached, want %d; %d requests", want, u.Cached(), cached, u.Requests())
			}
		}
		bytes := func(group int, columns ...string) int64 { return f.Bytes(group, f.Select(columns, nil)) }
		ask(fetch.Want{Columns: []string{"kind"}, Groups: []int{1}}, true, 0)
		ask(fetch.Want{Columns: []string{"kind"}, Groups: []int{1}}, false, bytes(1, "kind"))
		ask(fetch.Want{Columns: []string{"id", "kind"}, Groups: []int{0, 1}}, true, bytes(1, "kind"))
		ask(fetch.Want{Columns: []string{"id"}, Groups: []int{0, 1}}, false, bytes(0, "id")+bytes(1, "id"))
		ask(fetch.Want{Columns: []string{}}, false, 0)
		ask(fetch.Want{}, true, bytes(0, "id", "kind")+bytes(1, "id", "kind"))
		ask(fetch.Want{}, false, f.Bytes(0, f.Select(nil, nil))+f.Bytes(1, f.Select(nil, nil))+f.Bytes(2, f.Select(nil, nil)))
	})
}

// Queries that want the same at the same time fetch it once, whatever else they want.
func TestPartsAreFetchedOnce(t *testing.T) {
	s := localStore(t)
	o := s.put(t, "a", events(t, 2, 4_000))
	c := openCache(t, s, 1)
	if _, err := c.Footer(t.Context(), o, nil); err != nil {
		t.Fatal(err)
	}
	first, releaseFirst, err := c.Parts(t.Context(), o, fetch.Want{Columns: []string{"kind"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.bytes.Store(0)
	var group sync.WaitGroup
	var arrived sync.WaitGroup
	arrived.Add(8)
	for range 8 {
		group.Go(func() {
			files, release, err := c.Parts(t.Context(), o, fetch.Want{Columns: []string{"text"}}, nil)
			arrived.Done()
			if err != nil {
				t.Error(err)
				return
			}
			arrived.Wait() // all hold it at the same time
			for _, f := range files {
				if _, err := os.Stat(f.Path); err != nil {
					t.Error(err)
				}
			}
			release()
		})
	}
	group.Wait()
	f, err := c.Footer(t.Context(), o, nil)
	if err != nil {
		t.Fatal(err)
	}
	text := f.Select([]string{"text"}, nil)
	if got, want := s.bytes.Load(), f.Bytes(0, text)+f.Bytes(1, text); got != want {
		t.Errorf("%d bytes were read, want %d", got, want)
	}
	// The first query's files are another's place now, and still there.
	for _, file := range first {
		if _, err := os.Stat(file.Path); err != nil {
			t.Error(err)
		}
	}
	releaseFirst()
	if c.Bytes() != 0 {
		t.Errorf("%d bytes are kept with a limit of 1", c.Bytes())
	}
}

// An object that is replaced or deleted gives an error that names it, and nothing of
// the other.
func TestPartsOfReplacedObjects(t *testing.T) {
	each(t, func(t *testing.T, s *counter) {
		c := openCache(t, s, 1<<30)
		o := s.put(t, "db/t/a", events(t, 3, 4_000))
		part := fetch.Want{Columns: []string{"id"}, Groups: []int{0}}
		_, release, err := c.Parts(t.Context(), o, part, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer release()
		s.put(t, "db/t/a", events(t, 3, 4_001))
		if _, _, err := c.Parts(t.Context(), o, fetch.Want{}, nil); !errors.Is(err, store.ErrChanged) || !strings.Contains(err.Error(), "db/t/a") {
			t.Errorf("replaced: %v", err)
		}
		if err := s.Delete(t.Context(), "db/t/a"); err != nil {
			t.Fatal(err)
		}
		if _, _, err := c.Parts(t.Context(), o, fetch.Want{}, nil); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "db/t/a") {
			t.Errorf("deleted: %v", err)
		}
		if files, again, err := c.Parts(t.Context(), o, part, nil); err != nil || len(files) != 1 {
			t.Errorf("what was fetched of it before: %d files, %v", len(files), err)
		} else {
			again()
		}
	})
}
