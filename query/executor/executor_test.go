package executor_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/query/executor"
)

func newExecutor(t testing.TB) *executor.Executor {
	t.Helper()
	e, err := executor.New(executor.Config{Memory: 256 << 20, Threads: 2, TempDir: t.TempDir(), MaxTemp: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// run is the answer's rows, their values joined by |.
func run(t testing.TB, e *executor.Executor, q executor.Query) (types, rows []string, err error) {
	t.Helper()
	r, err := e.Run(t.Context(), q)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	for _, c := range r.Columns() {
		types = append(types, c.Type)
	}
	for r.Next() {
		var line []string
		for _, v := range r.Values() {
			line = append(line, string(v.AppendJSON(nil)))
		}
		rows = append(rows, strings.Join(line, "|"))
	}
	return types, rows, r.Err()
}

func TestValuesAreExact(t *testing.T) {
	tests := []struct{ expr, typ, want string }{
		{"NULL::bigint", "bigint", "null"},
		{"true", "boolean", "true"},
		{"9223372036854775807", "bigint", "9223372036854775807"},
		{"(-128)::tinyint", "tinyint", "-128"},
		{"250::utinyint", "smallint", "250"},
		{"18446744073709551615::ubigint", "decimal(20,0)", "18446744073709551615"},
		{"-170141183460469231731687303715884105727::hugeint", "decimal(38,0)", "-170141183460469231731687303715884105727"},
		{"340282366920938463463374607431768211455::uhugeint", "decimal(38,0)", "340282366920938463463374607431768211455"},
		{"'-0.05'::decimal(4,2)", "decimal(4,2)", "-0.05"},
		{"'12345678901234567890.123456789'::decimal(38,9)", "decimal(38,9)", "12345678901234567890.123456789"},
		{"0.1::double", "double", "0.1"},
		{"1e300::double", "double", "1e+300"},
		{"3::double", "double", "3.0"},
		{"0.1::float", "real", "0.1"},
		{"'nan'::double", "double", `"NaN"`},
		{"'-inf'::float", "real", `"-Infinity"`},
		{"'a\"b\\ü' || chr(10)", "varchar", `"a\"b\\ü\n"`},
		{"'a longer string, more than twelve'", "varchar", `"a longer string, more than twelve"`},
		{"'\\x00\\xFF'::blob", "varbinary", `"AP8="`},
		{"date '2026-01-31'", "date", `"2026-01-31"`},
		{"date '0001-01-01'", "date", `"0001-01-01"`},
		{"timestamp '2026-01-31 12:00:00'", "timestamp", `"2026-01-31 12:00:00.000"`},
		{"timestamp '1969-12-31 23:59:59.999999'", "timestamp", `"1969-12-31 23:59:59.999999"`},
		{"timestamptz '2026-01-31 12:00:00+02'", "timestamp with time zone", `"2026-01-31 10:00:00.000 UTC"`},
		{"timestamp_ns '2026-01-31 12:00:00.123456789'", "timestamp", `"2026-01-31 12:00:00.123456789"`},
		{"time '12:34:56.5'", "time", `"12:34:56.500"`},
		{"interval 1 day + interval 90 minute", "interval", `"1 01:30:00.000"`},
		{"interval 14 month", "interval", `"1-2"`},
		{"'00112233-4455-6677-8899-aabbccddeeff'::uuid", "uuid", `"00112233-4455-6677-8899-aabbccddeeff"`},
		{"[1,NULL,3]", "array(integer)", "[1,null,3]"},
		{"[[1],[],NULL]", "array(array(integer))", "[[1],[],null]"},
		{"[1,2]::int[2]", "array(integer)", "[1,2]"},
		{"{'a':1,'b':{'c':['x',NULL]}}", "row(a integer,b row(c array(varchar)))", `{"a":1,"b":{"c":["x",null]}}`},
		{"map{'k':timestamp '2026-01-31','l':NULL}", "map(varchar,timestamp)", `{"k":"2026-01-31 00:00:00.000","l":null}`},
		{"map{1:2}", "map(integer,integer)", `{"1":2}`},
		{"'x'::enum('w','x')", "varchar", `"x"`},
		{"'{\"a\": 1}'::json", "json", `"{\"a\": 1}"`},
		{"NULL", "integer", "null"},
	}
	e := newExecutor(t)
	for _, tt := range tests {
		types, rows, err := run(t, e, executor.Query{SQL: "SELECT " + tt.expr})
		if err != nil {
			t.Errorf("%s: %v", tt.expr, err)
			continue
		}
		if diff := cmp.Diff([]string{tt.typ, tt.want}, []string{types[0], rows[0]}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.expr, diff)
		}
	}
}

// Every row of several chunks, with nulls and nested values in each place.
func TestRowsOverManyChunks(t *testing.T) {
	e := newExecutor(t)
	_, rows, err := run(t, e, executor.Query{SQL: `SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE [i, i + 1] END,
		{'s': 'row ' || i, 'n': CASE WHEN i % 2 = 0 THEN i END} FROM range(10000) t(i) ORDER BY i`})
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 10000 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, got := range rows {
		list, n := fmt.Sprintf("[%d,%d]", i, i+1), fmt.Sprint(i)
		if i%3 == 0 {
			list = "null"
		}
		if i%2 != 0 {
			n = "null"
		}
		if want := fmt.Sprintf(`%d|%s|{"s":"row %d","n":%s}`, i, list, i, n); got != want {
			t.Fatalf("row %d is %s, want %s", i, got, want)
		}
	}
}

func TestOnlyNamedFilesAreReadable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"yes.csv", "no.csv"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("a\n1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	yes, no := filepath.Join(dir, "yes.csv"), filepath.Join(dir, "no.csv")
	e := newExecutor(t)
	if _, rows, err := run(t, e, executor.Query{SQL: "SELECT * FROM read_csv('" + yes + "')", Files: []string{yes}}); err != nil || len(rows) != 1 {
		t.Errorf("the named file: %v, %v", rows, err)
	}
	for _, sql := range []string{
		"SELECT * FROM read_csv('" + no + "')",
		"SELECT * FROM '" + no + "'",
		"SELECT * FROM read_text('" + no + "')",
		"SELECT * FROM read_text('/etc/hostname')",
		"SELECT * FROM glob('/etc/*')",
		"SELECT * FROM read_csv('" + dir + "/../" + filepath.Base(dir) + "/no.csv')",
		"COPY (SELECT 1) TO '" + filepath.Join(dir, "out.csv") + "'",
		"COPY (SELECT 1) TO '" + yes + ".new'",
		"ATTACH '" + filepath.Join(dir, "db") + "'",
		"INSTALL httpfs", "LOAD httpfs",
		"SET enable_external_access = true", "SET memory_limit = '100GB'", "RESET threads",
		"SET allowed_paths = ['/etc/passwd']",
		"SELECT * FROM read_csv('https://example.com/x.csv')",
		"SELECT * FROM read_parquet('s3://bucket/x.parquet')",
	} {
		if _, rows, err := run(t, e, executor.Query{SQL: sql, Files: []string{yes}}); err == nil {
			t.Errorf("%s answered %v", sql, rows)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("files appeared: %v", entries)
	}
}

func TestCancel(t *testing.T) {
	e := newExecutor(t)
	const endless = "SELECT count(*) FROM range(100000000000) a(i), range(1000) b(j) WHERE hash(i + j) = 7"
	t.Run("while computing", func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(50*time.Millisecond, func() { cancel(cause) })
		r, err := e.Run(ctx, executor.Query{SQL: endless})
		if err == nil {
			for r.Next() {
			}
			err = r.Err()
			r.Close()
		}
		if !errors.Is(err, cause) {
			t.Errorf("error %v, want the cause", err)
		}
	})
	t.Run("while reading rows", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		r, err := e.Run(ctx, executor.Query{SQL: "SELECT i FROM range(100000000000) t(i)"})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		for range 10 {
			if !r.Next() {
				t.Fatal(r.Err())
			}
		}
		cancel()
		for r.Next() {
		}
		if !errors.Is(r.Err(), context.Canceled) {
			t.Errorf("error %v, want canceled", r.Err())
		}
	})
	t.Run("while parsing, the planner stays usable", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if _, err := e.Strings(ctx, endless, nil); err == nil {
			t.Error("no error")
		}
		if got, err := e.Strings(t.Context(), "SELECT 'ok'", nil); err != nil || got[0] != "ok" {
			t.Errorf("afterwards %v, %v", got, err)
		}
	})
}

// A large answer is not held as a whole: reading its first rows needs no more
// memory than the limit, and ends at Close.
func TestRowsStream(t *testing.T) {
	e := newExecutor(t)
	r, err := e.Run(t.Context(), executor.Query{SQL: "SELECT i, repeat('x', 1000) FROM range(100000000) t(i)"})
	if err != nil {
		t.Fatal(err)
	}
	for range 100_000 {
		if !r.Next() {
			t.Fatal(r.Err())
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestMemoryLimit(t *testing.T) {
	e, err := executor.New(executor.Config{Memory: 64 << 20, Threads: 1, TempDir: t.TempDir(), MaxTemp: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	_, _, err = run(t, e, executor.Query{SQL: "SELECT count(*) FROM (SELECT DISTINCT i, repeat('x', 100) || i FROM range(100000000) t(i))"})
	var fault *executor.Error
	if !errors.As(err, &fault) || fault.Kind != "Out of Memory" {
		t.Errorf("error %v, want out of memory", err)
	}
}

func TestParse(t *testing.T) {
	e := newExecutor(t)
	const sql = `WITH a AS (SELECT 1 AS x) SELECT "t".x, 'it''s' FROM shop.t JOIN a USING (x) WHERE dt >= '2026' ORDER BY 1 DESC LIMIT 3`
	tree, err := e.Parse(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	text, err := e.Text(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Parse(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	if text2, err := e.Text(t.Context(), again); err != nil || text2 != text {
		t.Errorf("%s\nbecame %s (%v)", text, text2, err)
	}
	for sql, kind := range map[string]string{"SELECT 1 FROM WHERE": "Parser", "DROP TABLE x": "Not implemented", "SELECT 1; COPY t TO 'x'": "Not implemented"} {
		_, err := e.Parse(t.Context(), sql)
		var fault *executor.Error
		if !errors.As(err, &fault) || fault.Kind != kind {
			t.Errorf("%s: error %#v, want kind %s", sql, err, kind)
		}
	}
}

func TestStrings(t *testing.T) {
	e := newExecutor(t)
	a, b := "2026-01-31", "it's"
	got, err := e.Strings(t.Context(), "SELECT i FROM (SELECT unnest(range(3)) AS i, unnest($1) AS v) WHERE v IS NULL OR v = 'it''s' ORDER BY i", executor.Lists{{&a, nil, &b}})
	if diff := cmp.Diff([]string{"1", "2"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
}

func BenchmarkRunNothing(b *testing.B) {
	e := newExecutor(b)
	for b.Loop() {
		r, err := e.Run(b.Context(), executor.Query{SQL: "SELECT 1"})
		if err != nil {
			b.Fatal(err)
		}
		for r.Next() {
		}
		r.Close()
	}
}

// Whenever a context ends, its end is the error, not that DuckDB was interrupted.
func TestInterruptedAtAnyStep(t *testing.T) {
	e := newExecutor(t)
	long := "SELECT " + strings.Repeat("1 + 2, ", 2000) + "1"
	ended := 0
	for i := range 200 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*50*time.Microsecond)
		_, err := e.Parse(ctx, long)
		if err == nil {
			var rows *executor.Rows
			if rows, err = e.Run(ctx, executor.Query{SQL: long}); err == nil {
				for rows.Next() {
				}
				err = rows.Err()
				rows.Close()
			}
		}
		cancel()
		if err != nil {
			ended++
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Fatalf("after %d steps of 50 µs: %v", i, err)
			}
		}
	}
	if ended == 0 {
		t.Error("no context ended in time")
	}
}
