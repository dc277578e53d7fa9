package query_test

import (
	"context"
	stdsql "database/sql"
	"encoding/base64"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/s3test"
	"sluice/query"
)

// TestWriteOnS3: what statements write to a bucket is what a DuckDB and a PyArrow of
// the test's own read at the catalog's locations.
func TestWriteOnS3(t *testing.T) {
	server := s3test.Run(t)
	remote, err := store.Open(t.Context(), "s3://"+s3test.Bucket+"/lake", store.Config{S3: store.S3{Endpoint: server.Endpoint, Region: "us-east-1", PathStyle: true}})
	check(t, err)
	w := newWorkshop(t, func(c *query.Config) { c.Store, c.Write.Store = remote, remote })
	w.want(`CREATE TABLE t WITH (partitioned_by = ARRAY['dt']) AS SELECT * FROM (VALUES
		(1, TIMESTAMP '2026-01-31 12:00:00.123', DECIMAL '1.50', ARRAY['x'], 'a b'), (2, NULL, NULL, NULL, 'c')) AS v(id, moment, price, tags, dt)`, "2")
	w.want("INSERT INTO t VALUES (3, NULL, NULL, NULL, 'c'), (4, NULL, DECIMAL '2.25', NULL, 'd')", "2")
	w.want("SELECT id, moment, price, tags, dt FROM t ORDER BY id", `1|"2026-01-31 12:00:00.123"|1.50|["x"]|"a b"`, `2|null|null|null|"c"`, `3|null|null|null|"c"`, `4|null|2.25|null|"d"`)
	w.fails(query.CodeForbidden, "outside the lake", "UNLOAD (SELECT 1 AS a) TO 's3://"+s3test.Bucket+"/other/x'")
	w.fails(query.CodeForbidden, "outside the lake", "UNLOAD (SELECT 1 AS a) TO 's3://"+s3test.Bucket+"/lake/../other'")
	w.fails(query.CodeForbidden, "outside the lake", "UNLOAD (SELECT 1 AS a) TO 's3://another/lake/x'")
	w.want("UNLOAD (SELECT id FROM t) TO 's3a://"+s3test.Bucket+"/lake/out/x/' WITH (format = 'JSON')", "4")

	parts, err := w.catalog.Partitions(t.Context(), lake.TableName{Database: "default", Table: "t"}, "")
	check(t, err)
	if len(parts) != 3 {
		t.Fatalf("%d partitions", len(parts))
	}
	var files []string
	for _, p := range parts {
		key, _ := remote.Key(p.Location)
		for o, err := range remote.List(t.Context(), key) {
			check(t, err)
			files = append(files, server.File("lake/"+o.Key))
		}
	}
	if len(files) != 4 {
		t.Fatalf("files %q", files)
	}
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	var n, sum int
	var types string
	check(t, db.QueryRowContext(t.Context(), "SELECT count(*), sum(id), any_value(typeof(moment)) FROM read_parquet(['"+strings.Join(files, "','")+"'])").Scan(&n, &sum, &types))
	if n != 4 || sum != 10 || types != "TIMESTAMP WITH TIME ZONE" {
		t.Errorf("DuckDB reads %d rows, ids %d in all, timestamps as %s", n, sum, types)
	}
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import pyarrow").Run(); err != nil {
		t.Skipf("%s has no pyarrow (pip install pyarrow, or point TEST_PYTHON at one that has): %v", python, err)
	}
	script := `import sys, pyarrow.parquet as pq
s, ids = set(), []
for f in sys.argv[1:]:
    t = pq.ParquetFile(f).read()
    s.add(str([(c.name, str(c.type)) for c in t.schema]))
    ids += t.column("id").to_pylist()
print(sorted(ids), *s)`
	out, err := exec.Command(python, append([]string{"-c", script}, files...)...).CombinedOutput()
	const want = "[1, 2, 3, 4] [('id', 'int32'), ('moment', 'timestamp[us, tz=UTC]'), ('price', 'decimal128(3, 2)'), ('tags', 'list<element: string>')]"
	if got := strings.TrimSpace(string(out)); err != nil || got != want {
		t.Errorf("PyArrow: %v\n got %s\nwant %s", err, got, want)
	}
}

// TestCanceledWrite: a statement that is canceled while it computes leaves nothing.
func TestCanceledWrite(t *testing.T) {
	w := newWorkshop(t)
	w.want("CREATE TABLE t AS SELECT 1 AS a", "1")
	before := len(w.objects())
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := w.askAs(ctx, query.Request{MayWrite: anywhere, SQL: `INSERT INTO t SELECT CAST(count(*) % 2 AS integer) FROM UNNEST(sequence(1, 10000)) AS a(n), UNNEST(sequence(1, 10000)) AS b(n),
			UNNEST(sequence(1, 10000)) AS c(n) WHERE a.n * b.n % 7 = c.n`})
		ended <- err
	}()
	for len(w.spilled()) == 0 { // it has begun
		select {
		case err := <-ended:
			t.Fatalf("ended early: %v", err)
		default:
		}
	}
	cancel()
	var fault *query.Error
	if err := <-ended; !errors.As(err, &fault) || fault.Code != query.CodeCanceled {
		t.Errorf("canceled: %v", err)
	}
	if n := len(w.objects()); n != before || w.journal() > 0 || len(w.spilled()) > 0 {
		t.Errorf("%d objects, %d before; %d in the journal; staged %q", n, before, w.journal(), w.spilled())
	}
	w.want("SELECT a FROM t", "1")
}

// TestForeignViews: those that Athena and Trino made are read, others' are refused.
func TestForeignViews(t *testing.T) {
	w := newWorkshop(t)
	put := func(name, text string) {
		check(t, w.catalog.PutView(t.Context(), lake.Table{Name: lake.TableName{Database: "default", Table: name}, View: text, Columns: []lake.Column{{Name: "n", Type: lake.Bigint}}}, true))
	}
	presto := func(definition string) string {
		return "/* Presto View: " + base64.StdEncoding.EncodeToString([]byte(definition)) + " */"
	}
	w.want(`CREATE TABLE t AS SELECT * FROM (VALUES (1, 'x'), (2, 'y')) AS t(n, s)`, "2")
	put("athena", presto(`{"originalSql":"SELECT\n  n\n, upper(s) big\nFROM\n  \"default\".t\nWHERE (n > 1)\n","catalog":"awsdatacatalog","schema":"default","columns":[{"name":"n","type":"integer"},{"name":"big","type":"varchar"}]}`))
	put("trino", presto(`{"originalSql":"SELECT s, count(*) FROM awsdatacatalog.default.t GROUP BY 1","catalog":"hive","schema":"x","columns":[{"name":"s","type":"varchar"},{"name":"c","type":"bigint"}],"comment":null,"owner":"somebody","runAsInvoker":false,"path":[]}`))
	put("hive", "SELECT * FROM t")
	put("broken", "/* Presto View: %%% */")
	put("empty", presto(`{"catalog":"awsdatacatalog"}`))
	put("evil", presto(`{"originalSql":"SELECT * FROM read_csv('/etc/passwd')","schema":"default"}`))
	put("two", presto(`{"originalSql":"SELECT 1; SELECT 2","schema":"default"}`))
	w.want("SELECT * FROM athena", `2|"Y"`)
	w.want("SELECT s, c FROM trino ORDER BY c, s", `"x"|1`, `"y"|1`)
	for name, words := range map[string]string{"hive": "not Presto's", "broken": "not base64", "empty": "no query", "evil": "read_csv is not allowed", "two": "2 statements"} {
		w.fails(query.CodeInvalid, words, "SELECT * FROM "+name)
	}
	// Ours says what they look for.
	w.want("CREATE VIEW ours AS SELECT n, s AS name FROM t", "true")
	table, err := w.catalog.Table(t.Context(), lake.TableName{Database: "default", Table: "ours"})
	check(t, err)
	text, _ := strings.CutPrefix(table.View, "/* Presto View: ")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(text, " */"))
	check(t, err)
	const want = `{"originalSql":"SELECT n, s AS name FROM t","catalog":"awsdatacatalog","schema":"default","columns":[{"name":"n","type":"integer"},{"name":"name","type":"varchar"}],"comment":null,"owner":null,"runAsInvoker":true,"path":[]}`
	if string(raw) != want || table.Parameters["presto_view"] != "true" || table.Parameters["comment"] != "Presto View" {
		t.Errorf("got %s, parameters %v", raw, table.Parameters)
	}
}
