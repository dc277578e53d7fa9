package query_test

import (
	"context"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query"
	"sluice/query/write"
)

// A workshop is an engine that may write, over a lake in a folder and the embedded
// catalog.
type workshop struct {
	t       testing.TB
	root    string
	store   store.Store
	catalog *catalogsync.Catalog
	engine  *query.Engine
	cfg     query.Config
}

func newWorkshop(t testing.TB, adjust ...func(*query.Config)) *workshop {
	t.Helper()
	w := &workshop{t: t, root: t.TempDir()}
	var err error
	w.store, err = store.Open(t.Context(), "file://"+w.root, store.Config{})
	check(t, err)
	server, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	check(t, err)
	t.Cleanup(func() { server.Close() })
	w.catalog, err = catalogsync.New(t.Context(), catalogsync.Config{Transport: server.Transport()})
	check(t, err)
	w.cfg = query.Config{
		Catalog: w.catalog, Store: w.store, Dir: t.TempDir(), Cache: 256 << 20, Memory: 512 << 20, Threads: 2, Concurrent: 2, Timeout: time.Minute,
		Write: &write.Config{Catalog: w.catalog, Store: w.store, Database: "default", Journal: t.TempDir(), Reserved: []string{"raw-logs"}},
	}
	for _, a := range adjust {
		a(&w.cfg)
	}
	w.open()
	t.Cleanup(func() { w.engine.Close() })
	return w
}

func (w *workshop) open() {
	w.t.Helper()
	var err error
	w.engine, err = query.Open(w.cfg)
	check(w.t, err)
}

func anywhere(string) bool { return true }

// ask is the answer's rows, their values joined by |.
func (w *workshop) ask(sql string) ([]string, error) {
	return w.askAs(w.t.Context(), query.Request{SQL: sql, MayWrite: anywhere})
}

func (w *workshop) askAs(ctx context.Context, req query.Request) (rows []string, err error) {
	r, err := w.engine.Query(ctx, req)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for r.Next() {
		var line []string
		for _, v := range r.Values() {
			line = append(line, string(v.AppendJSON(nil)))
		}
		rows = append(rows, strings.Join(line, "|"))
	}
	return rows, r.Err()
}

func (w *workshop) want(sql string, want ...string) {
	w.t.Helper()
	rows, err := w.ask(sql)
	if err != nil {
		w.t.Fatalf("%s: %v", sql, err)
	}
	if !slices.Equal(rows, want) {
		w.t.Fatalf("%s\n got %q\nwant %q", sql, rows, want)
	}
}

// fails checks that a statement is refused with a code and words.
func (w *workshop) fails(code query.Code, words, sql string) {
	w.t.Helper()
	rows, err := w.ask(sql)
	var fault *query.Error
	if !errors.As(err, &fault) || fault.Code != code || !strings.Contains(fault.Message, words) {
		w.t.Errorf("%s\n got %q, %v\nwant %s, %q", sql, rows, err, code, words)
	}
}

// objects are the keys of the lake's objects.
func (w *workshop) objects() []string {
	w.t.Helper()
	var keys []string
	for o, err := range w.store.List(w.t.Context(), "") {
		check(w.t, err)
		keys = append(keys, o.Key)
	}
	return keys
}

// journal is how many statements are not at an end.
func (w *workshop) journal() int {
	w.t.Helper()
	files, err := os.ReadDir(w.cfg.Write.Journal)
	check(w.t, err)
	return len(files)
}

// spilled is what is left in the folder where rows are staged.
func (w *workshop) spilled() []string {
	w.t.Helper()
	var names []string
	files, err := os.ReadDir(filepath.Join(w.cfg.Dir, "spill"))
	check(w.t, err)
	for _, f := range files {
		names = append(names, f.Name())
	}
	return names
}

func TestCreateTableAs(t *testing.T) {
	w := newWorkshop(t)
	w.want(`CREATE TABLE daily WITH (format = 'PARQUET', parquet_compression = 'SNAPPY', partitioned_by = ARRAY['dt', 'n']) AS
		SELECT id, upper(name) AS name, moment, price, tags, m, r, dt, n FROM (VALUES
			(1, 'a', TIMESTAMP '2026-01-31 12:00:00.123456', DECIMAL '1.50', ARRAY['x','y'], MAP(ARRAY['k'], ARRAY[1]), CAST(ROW(1, 'z') AS row(a bigint, b varchar)), 'a/b', 7),
			(2, 'b', NULL, NULL, NULL, NULL, NULL, '', 8),
			(3, 'c', NULL, NULL, NULL, NULL, NULL, NULL, NULL)) AS t(id, name, moment, price, tags, m, r, dt, n)`, `3`)
	w.want("SELECT * FROM daily ORDER BY id",
		`1|"A"|"2026-01-31 12:00:00.123456"|1.50|["x","y"]|{"k":1}|{"a":1,"b":"z"}|"a/b"|7`,
		`2|"B"|null|null|null|null|null|null|8`, `3|"C"|null|null|null|null|null|null|null`)
	w.want("DESCRIBE daily", `"id"|"integer"|""`, `"name"|"varchar"|""`, `"moment"|"timestamp"|""`, `"price"|"decimal(3,2)"|""`,
		`"tags"|"array(varchar)"|""`, `"m"|"map(varchar,integer)"|""`, `"r"|"row(a bigint,b varchar)"|""`, `"dt"|"varchar"|"partition key"`, `"n"|"integer"|"partition key"`)
	w.want("SELECT id FROM daily WHERE dt = 'a/b' AND n = 7", "1")
	w.want("SHOW PARTITIONS daily", `"dt=__HIVE_DEFAULT_PARTITION__/n=8"`, `"dt=__HIVE_DEFAULT_PARTITION__/n=__HIVE_DEFAULT_PARTITION__"`, `"dt=a%2Fb/n=7"`)
	// What Presto counts as bigint is one, and the answer is the rows.
	w.want("CREATE TABLE sums AS SELECT sum(id) AS s, count(*) AS c, CAST('2026-01-31' AS date) AS d FROM daily", "1")
	w.want("DESCRIBE sums", `"s"|"bigint"|""`, `"c"|"bigint"|""`, `"d"|"date"|""`)
	w.want("SELECT * FROM sums", `6|3|"2026-01-31"`)
	w.want("CREATE TABLE none AS SELECT * FROM sums WITH NO DATA", "0")
	w.want("SELECT * FROM none")
	w.want("CREATE TABLE empty WITH (partitioned_by = ARRAY['s']) AS SELECT c, s FROM sums WHERE s < 0", "0")
	w.want("SELECT * FROM empty")
	w.want("CREATE TABLE IF NOT EXISTS sums AS SELECT 1 AS x", "0")
	w.fails(query.CodeExists, "there is a table default.sums", "CREATE TABLE sums AS SELECT 1 AS x")
	w.want("CREATE TABLE placed WITH (external_location = '"+w.store.URI("results/placed/")+"') AS SELECT 1 AS x;", "1")
	w.want("SELECT * FROM placed", "1")
	if got := w.objects(); !slices.ContainsFunc(got, func(k string) bool { return strings.HasPrefix(k, "results/placed/write-") }) {
		t.Errorf("objects %q", got)
	}
	if n, left := w.journal(), w.spilled(); n != 0 || len(left) > 0 {
		t.Errorf("%d statements in the journal, %q staged", n, left)
	}
}

func TestInsert(t *testing.T) {
	w := newWorkshop(t)
	w.want("CREATE TABLE t WITH (partitioned_by = ARRAY['dt']) AS SELECT CAST(1 AS bigint) AS a, CAST(1 AS double) AS b, 'x' AS s, current_timestamp AT TIME ZONE 'UTC' IS NULL AS f, '2026-01-01' AS dt", "1")
	w.want("INSERT INTO t VALUES (2, 2, 'y', false, '2026-01-01'), (3, DECIMAL '3.5', NULL, true, '2026-01-02')", "2")
	w.want("INSERT INTO default.t (dt, a) SELECT dt, a + 10 FROM t", "3")
	w.want("INSERT INTO t (a) VALUES 100", "1")
	w.want("INSERT INTO t SELECT * FROM t WHERE a < 0", "0")
	w.want("SELECT a, b, s, dt FROM t ORDER BY a", `1|1.0|"x"|"2026-01-01"`, `2|2.0|"y"|"2026-01-01"`, `3|3.5|null|"2026-01-02"`,
		`11|null|null|"2026-01-01"`, `12|null|null|"2026-01-01"`, `13|null|null|"2026-01-02"`, `100|null|null|null`)
	w.want("CREATE TABLE flat AS SELECT 1 AS a", "1")
	w.want("INSERT INTO flat SELECT a + 1 FROM flat", "1")
	w.want("INSERT INTO flat WITH x AS (SELECT 3 AS a) SELECT * FROM x", "1")
	w.want("SELECT a FROM flat ORDER BY a", "1", "2", "3")
	w.fails(query.CodeInvalid, "mismatch at column 1: a is of type int", "INSERT INTO flat SELECT 'x'")
	w.fails(query.CodeInvalid, "mismatch at column 1: a is of type int", "INSERT INTO flat SELECT CAST(1 AS bigint)")
	w.fails(query.CodeInvalid, "has no column z", "INSERT INTO flat (z) SELECT 1")
	w.fails(query.CodeInvalid, "2 columns, and 1 are to be filled", "INSERT INTO flat SELECT 1, 2")
	w.fails(query.CodeNotFound, "there is no table default.flut; did you mean default.flat?", "INSERT INTO flut SELECT 1")
	w.fails(query.CodeInvalid, "no_such", "INSERT INTO flat SELECT no_such FROM flat")
	w.want("SELECT count(*) FROM flat", "3")
}

func TestUnload(t *testing.T) {
	w := newWorkshop(t)
	to := func(folder string) string { return "'" + w.store.URI("out/"+folder) + "'" }
	w.want("UNLOAD (SELECT 1 AS a, 'x' AS b UNION ALL SELECT 2, NULL) TO "+to("p")+" WITH (format = 'PARQUET', compression = 'GZIP')", "2")
	w.want("UNLOAD (SELECT 1 AS a, 'x' AS b, CAST(NULL AS varchar) AS n, DATE '2026-01-31' AS d) TO "+to("j/")+" WITH (format = 'JSON', compression = 'NONE', partitioned_by = ARRAY['d'])", "1")
	w.want("UNLOAD (SELECT 1 AS a, 'x y' AS b, CAST(NULL AS varchar) AS c, TIMESTAMP '2026-01-31 00:00:00' AS d) TO "+to("t")+" WITH (format = 'TEXTFILE', compression = 'none', field_delimiter = ';')", "1")
	texts := map[string]string{"out/j/d=2026-01-31/": `{"a":1,"b":"x","n":null}` + "\n", "out/t/": "1;x y;\\N;2026-01-31 00:00:00\n"}
	for _, key := range w.objects() {
		path, _ := w.store.LocalPath(key)
		got, err := os.ReadFile(path)
		check(t, err)
		if want, ok := texts[key[:strings.LastIndex(key, "/")+1]]; ok && string(got) != want {
			t.Errorf("%s holds %q, want %q", key, got, want)
		}
	}
	if n := len(w.objects()); n != 3 {
		t.Errorf("%d objects", n)
	}
	w.fails(query.CodeExists, "HIVE_PATH_ALREADY_EXISTS", "UNLOAD (SELECT 1 AS a) TO "+to("p"))
	w.fails(query.CodeInvalid, "delimiter", "UNLOAD (SELECT 'a;b' AS a) TO "+to("u")+" WITH (format = 'TEXTFILE', field_delimiter = ';')")
	w.fails(query.CodeInvalid, "not finite", "UNLOAD (SELECT nan() AS a) TO "+to("u")+" WITH (format = 'JSON')")
	w.fails(query.CodeInvalid, "ORC is not supported", "UNLOAD (SELECT 1 AS a) TO "+to("u")+" WITH (format = 'ORC')")
	if n := len(w.objects()); n != 3 {
		t.Errorf("%d objects after statements that failed", n)
	}
}

func TestViews(t *testing.T) {
	w := newWorkshop(t)
	check(t, w.catalog.Create(t.Context(), lake.Table{Name: lake.TableName{Database: "shop", Table: "other"}, Location: w.store.URI("shop/other") + "/", Columns: []lake.Column{{Name: "a", Type: lake.Int}}}))
	w.want("CREATE TABLE shop.sales WITH (partitioned_by = ARRAY['dt']) AS SELECT * FROM (VALUES (1, 'd1'), (2, 'd2')) AS t(n, dt)", "2")
	in := func(database, sql string) ([]string, error) {
		return w.askAs(t.Context(), query.Request{SQL: sql, Database: database, MayWrite: anywhere})
	}
	if _, err := in("shop", "CREATE VIEW v AS SELECT n * 10 AS ten, sales.dt, n / 2 AS half FROM sales"); err != nil {
		t.Fatal(err)
	}
	w.want("SELECT * FROM shop.v ORDER BY ten", `10|"d1"|0`, `20|"d2"|1`)
	// Neither the asker's database nor his common table expressions mean anything in it.
	w.want("WITH sales AS (SELECT 5 AS n, 'x' AS dt) SELECT x.ten, s.n FROM shop.v AS x, sales AS s WHERE x.dt = 'd2'", "20|5")
	w.want("CREATE VIEW double AS SELECT a.ten, b.half AS h FROM shop.v a JOIN shop.v b ON a.dt = b.dt", "true")
	w.want("SELECT sum(ten), max(h) FROM double", "30|1")
	w.fails(query.CodeExists, "table or view default.double already", "CREATE VIEW double AS SELECT 1 AS x")
	w.want("CREATE OR REPLACE VIEW double AS SELECT 1 AS x", "true")
	w.want("SELECT x FROM double", "1")
	w.want("DESCRIBE double", `"x"|"integer"|""`)
	w.want("SHOW VIEWS", `"double"`)
	w.want("SHOW VIEWS IN shop LIKE 'v%'", `"v"`)
	w.want("SHOW VIEWS FROM shop LIKE 'sales'")
	w.want("SHOW CREATE VIEW shop.v", `"CREATE VIEW shop.v AS"`, `"SELECT n * 10 AS ten, sales.dt, n / 2 AS half FROM sales"`)
	w.fails(query.CodeInvalid, "SHOW CREATE TABLE", "SHOW CREATE VIEW shop.sales")
	w.fails(query.CodeNotFound, "nope", "SHOW CREATE VIEW shop.nope")
	w.want("CREATE OR REPLACE VIEW a AS SELECT * FROM double", "true")
	w.want("CREATE OR REPLACE VIEW double AS SELECT * FROM shop.v", "true")
	w.want("CREATE OR REPLACE VIEW shop.v AS SELECT 1 AS ten FROM default.double", "true")
	w.fails(query.CodeInvalid, "is made of itself", "SELECT * FROM a")
	w.fails(query.CodeInvalid, "is a view", "INSERT INTO double SELECT 1")
	w.fails(query.CodeInvalid, "is a table, not a view", "DROP VIEW shop.sales")
	w.fails(query.CodeExists, "already", "CREATE OR REPLACE VIEW shop.sales AS SELECT 1 AS x")
	w.fails(query.CodeInvalid, "has no name", "CREATE VIEW n AS SELECT 1")
	w.fails(query.CodeInvalid, "no_such", "CREATE VIEW n AS SELECT no_such FROM shop.sales")
	w.want("DROP VIEW double", "true")
	w.fails(query.CodeNotFound, "the view default.a names a table that is not there", "SELECT * FROM a")
	w.want("DROP VIEW IF EXISTS double", "true")
	w.fails(query.CodeInvalid, "there is no view", "DROP VIEW double")
	// A view shows nobody more than he may see.
	w.want("CREATE VIEW peek AS SELECT n FROM shop.sales", "true")
	_, err := w.askAs(t.Context(), query.Request{SQL: "SELECT * FROM peek", Visible: func(db string) bool { return db == "default" }})
	if err == nil || !strings.Contains(err.Error(), "not there") || strings.Contains(err.Error(), "shop") {
		t.Errorf("a view on what is not visible: %v", err)
	}
	if _, err := w.askAs(t.Context(), query.Request{SQL: "SELECT * FROM peek", Dialect: query.DuckDB}); err == nil || !strings.Contains(err.Error(), "dialect") {
		t.Errorf("a view in the other dialect: %v", err)
	}
}

// A view whose query no longer has the columns that it was made with is stale, as
// in Presto: its columns are never those of others.
func TestStaleViews(t *testing.T) {
	w := newWorkshop(t, func(c *query.Config) { c.Define = c.Catalog.(*catalogsync.Catalog) })
	name := lake.TableName{Database: "default", Table: "ev"}
	b, k := lake.Column{Name: "b", Type: lake.Bigint}, lake.Column{Name: "k", Type: lake.String}
	for _, table := range []string{"ev", "other"} {
		name.Table = table
		check(t, w.catalog.Create(t.Context(), lake.Table{Name: name, Location: w.store.URI("default/"+table) + "/", Columns: []lake.Column{{Name: "a", Type: lake.Bigint}}, PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}}))
	}
	w.want("INSERT INTO ev VALUES (1, 'd1')", "1")
	w.want("INSERT INTO other VALUES (1, 'd2')", "1")
	views := map[string]string{
		"all_of":   "SELECT * FROM ev",
		"of_t":     "SELECT t.*, 5 AS five FROM ev t",
		"nested":   "SELECT * FROM all_of",
		"joined":   "SELECT * FROM ev JOIN (SELECT a FROM other) USING (a)",
		"cte":      "WITH c AS (SELECT * FROM ev) SELECT * FROM c WHERE a > 0",
		"both":     "SELECT * FROM ev UNION ALL SELECT * FROM other",
		"named":    "SELECT a, dt FROM ev",
		"grouped":  "SELECT dt, count(*) AS n, sum(a) AS a FROM ev GROUP BY dt",
		"crossed":  "SELECT 1 AS one FROM ev a, other b",
		"selected": "SELECT (SELECT max(a) FROM (SELECT * FROM ev)) AS m",
	}
	for v, sql := range views {
		if v != "nested" {
			w.want("CREATE VIEW "+v+" AS "+sql, "true")
		}
	}
	w.want("CREATE VIEW nested AS "+views["nested"], "true")
	w.want("SELECT * FROM all_of", `1|"d1"`)
	w.want("SELECT * FROM nested", `1|"d1"`)
	w.want("SELECT dt FROM of_t WHERE dt = 'd1'", `"d1"`)

	w.want("ALTER TABLE ev ADD COLUMNS (b bigint)", `"the table default.ev was altered"`)
	w.want("INSERT INTO ev VALUES (7, 8, 'd1')", "1")
	for v := range views {
		sql := "SELECT * FROM " + v
		switch v {
		case "named":
			w.want(sql+" ORDER BY a", `1|"d1"`, `7|"d1"`)
		case "grouped":
			w.want(sql, `"d1"|2|8`)
		case "crossed":
			w.want("SELECT count(*) FROM crossed", "2")
		case "selected":
			w.want(sql, "7")
		case "both":
			if _, err := w.ask(sql); err == nil {
				t.Errorf("%s: an answer", v)
			}
		case "nested":
			w.fails(query.CodeInvalid, "view 'default.all_of' is stale", sql)
		default:
			w.fails(query.CodeInvalid, "view 'default."+v+"' is stale: its query has a column", sql)
			w.fails(query.CodeInvalid, "CREATE OR REPLACE VIEW", "SELECT x.dt FROM "+v+" x WHERE x.dt = 'd1'")
			w.fails(query.CodeInvalid, "is stale", "EXPLAIN "+sql)
		}
	}
	w.want("CREATE OR REPLACE VIEW all_of AS SELECT * FROM ev", "true")
	w.want("SELECT * FROM all_of ORDER BY a", `1|null|"d1"`, `7|8|"d1"`)
	w.fails(query.CodeInvalid, "view 'default.nested' is stale: its query has a column b", "SELECT * FROM nested")

	change := func(columns ...lake.Column) {
		t.Helper()
		name.Table = "ev"
		check(t, w.catalog.Drop(t.Context(), name, func(lake.Table) bool { return true }))
		check(t, w.catalog.Create(t.Context(), lake.Table{Name: name, Location: w.store.URI("default/ev") + "/", Columns: columns, PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}}))
	}
	change(b, lake.Column{Name: "a", Type: lake.Bigint})
	w.fails(query.CodeInvalid, "view 'default.all_of' is stale: column 1 of its query is b, where the view has a", "SELECT * FROM all_of")
	change(b)
	w.fails(query.CodeInvalid, "view 'default.all_of' is stale", "SELECT * FROM all_of")
	w.fails(query.CodeInvalid, "view 'default.named' is stale", "SELECT * FROM named")
	change(lake.Column{Name: "a", Type: lake.Timestamp}, b)
	w.fails(query.CodeInvalid, "view 'default.named' is stale: its column a is of type timestamp now, and was bigint", "SELECT * FROM named")
	change(lake.Column{Name: "a", Type: lake.Bigint}, k)
	w.fails(query.CodeInvalid, "is stale", "SELECT * FROM all_of")
	w.want("SELECT a FROM named WHERE false")

	w.want("CREATE VIEW listed AS SELECT table_name FROM information_schema.tables WHERE table_name = 'ev'", "true")
	w.want("SELECT * FROM listed", `"ev"`)
	check(t, w.catalog.PutView(t.Context(), lake.Table{Name: lake.TableName{Database: "default", Table: "lost"}, Columns: []lake.Column{b}, View: "/* Presto View: " +
		base64.StdEncoding.EncodeToString([]byte(`{"originalSql":"SELECT b FROM information_schema.nothing","schema":"default","columns":[{"name":"b","type":"bigint"}]}`)) + " */"}, true))
	w.fails(query.CodeNotFound, "information_schema.nothing", "SELECT * FROM lost")
}

func TestWhoMayWrite(t *testing.T) {
	w := newWorkshop(t)
	only := func(db string) func(string) bool { return func(name string) bool { return name == db } }
	for name, req := range map[string]query.Request{
		"nobody":           {SQL: "CREATE TABLE t AS SELECT 1 AS a"},
		"another database": {SQL: "CREATE TABLE t AS SELECT 1 AS a", MayWrite: only("shop")},
		"unload":           {SQL: "UNLOAD (SELECT 1 AS a) TO '" + w.store.URI("x") + "'", MayWrite: only("shop")},
		"view":             {SQL: "CREATE VIEW v AS SELECT 1 AS a", MayWrite: only("shop")},
		"drop":             {SQL: "DROP VIEW IF EXISTS v", MayWrite: only("shop")},
		"insert":           {SQL: "INSERT INTO default.t SELECT 1", MayWrite: only("shop")},
	} {
		_, err := w.askAs(t.Context(), req)
		var fault *query.Error
		if !errors.As(err, &fault) || fault.Code != query.CodeForbidden {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := w.askAs(t.Context(), query.Request{SQL: "CREATE TABLE shop.t AS SELECT 1 AS a", MayWrite: anywhere, Visible: only("default")})
	var fault *query.Error
	if !errors.As(err, &fault) || fault.Code != query.CodeNotFound {
		t.Errorf("a database that is not seen: %v", err)
	}
	if got := w.objects(); len(got) > 0 {
		t.Errorf("objects %q", got)
	}
}

func TestPlacesOfStatements(t *testing.T) {
	w := newWorkshop(t)
	w.want("CREATE TABLE t AS SELECT 1 AS a", "1")
	table, err := w.catalog.Table(t.Context(), lake.TableName{Database: "default", Table: "t"})
	check(t, err)
	outside := filepath.Join(filepath.Dir(w.root), "elsewhere")
	before := w.objects()
	for where, code := range map[string]query.Code{
		outside:                              query.CodeForbidden,
		"file://" + outside:                  query.CodeForbidden,
		"file://" + w.root + "/../elsewhere": query.CodeForbidden,
		"file://" + w.root + "/x/../../y":    query.CodeForbidden,
		"file:///etc/":                       query.CodeForbidden,
		"/etc/passwd":                        query.CodeForbidden,
		"s3://bucket/x/":                     query.CodeForbidden,
		"https://example.com/x":              query.CodeForbidden,
		"":                                   query.CodeForbidden,
		"../x":                               query.CodeForbidden,
		"file://" + w.root:                   query.CodeForbidden,
		"file://" + w.root + "/":             query.CodeForbidden,
		w.store.URI("_errors/x"):             query.CodeForbidden,
		w.store.URI("x/.hidden"):             query.CodeForbidden,
		w.store.URI(".sluice-tmp/x"):         query.CodeForbidden,
		w.store.URI("raw-logs/x"):            query.CodeForbidden,
		w.store.URI("default"):               query.CodeForbidden,
		w.store.URI("default/stream"):        query.CodeForbidden,
		w.store.URI("default/stream/deep"):   query.CodeForbidden,
		table.Location:                       query.CodeForbidden,
		table.Location + "below/":            query.CodeForbidden,
	} {
		w.fails(code, "", "UNLOAD (SELECT 1 AS a) TO '"+where+"'")
		if where != "" { // Presto takes the empty one for none too
			w.fails(code, "", "CREATE TABLE u WITH (external_location = '"+where+"') AS SELECT 1 AS a")
		}
	}
	for _, sql := range []string{
		"COPY (SELECT 1) TO '/tmp/x'", "CREATE TABLE u AS SELECT * FROM read_parquet('/etc/passwd')", "CREATE TABLE u AS SELECT * FROM '/etc/passwd'",
		"CREATE TABLE u AS SELECT 1 AS a) TO '/tmp/x' (FORMAT csv); SELECT (1", "INSERT INTO t SELECT 1; DROP VIEW x",
		"UNLOAD (SELECT 1) TO '" + w.store.URI("z") + "'); COPY (SELECT 1", "CREATE TABLE u AS SELECT getenv('HOME') AS a", "INSERT INTO t COPY t TO 'x'",
		"CREATE VIEW u AS SELECT * FROM read_csv('/etc/passwd')", "CREATE TABLE u AS SELECT 1 AS a -- ", "CREATE TABLE u (a int) AS SELECT 1",
	} {
		if sql == "CREATE TABLE u AS SELECT 1 AS a -- " {
			continue // is right
		}
		if rows, err := w.ask(sql); err == nil {
			t.Errorf("%s: %q", sql, rows)
		}
	}
	if _, err := w.askAs(t.Context(), query.Request{SQL: "CREATE TABLE commented AS SELECT 1 AS a -- )", Dialect: query.DuckDB, MayWrite: anywhere}); err != nil {
		t.Error(err)
	}
	w.want("SELECT * FROM commented", "1")
	if got := w.objects(); len(got) != len(before)+1 {
		t.Errorf("objects %q", got)
	}
	if _, err := os.Stat(outside); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s: %v", outside, err)
	}
}

func TestWriteLimits(t *testing.T) {
	w := newWorkshop(t, func(c *query.Config) { c.Write.MaxPartitions, c.Write.MaxBytes = 10, 1<<20 })
	w.fails(query.CodeResources, "more than 10 partitions", "CREATE TABLE t WITH (partitioned_by = ARRAY['k']) AS SELECT n, n AS k FROM UNNEST(sequence(1, 11)) AS s(n)")
	w.fails(query.CodeResources, "more than 1048576 bytes", "CREATE TABLE t AS SELECT a.n * b.n AS x, CAST(uuid() AS varchar) AS u FROM UNNEST(sequence(1, 1000)) AS a(n), UNNEST(sequence(1, 1000)) AS b(n)")
	w.fails(query.CodeInvalid, "more than 120 bytes", "CREATE TABLE t WITH (partitioned_by = ARRAY['k']) AS SELECT 1 AS n, rpad('', 121, 'x') AS k")
	w.fails(query.CodeInvalid, "must be the last columns", "CREATE TABLE t WITH (partitioned_by = ARRAY['k']) AS SELECT 1 AS k, 2 AS n")
	w.fails(query.CodeInvalid, "has no name", "CREATE TABLE t AS SELECT 1")
	w.fails(query.CodeInvalid, "two columns", "CREATE TABLE t AS SELECT 1 AS a, 2 AS A")
	w.fails(query.CodeInvalid, "cannot name a column", `CREATE TABLE t AS SELECT 1 AS "a b"`)
	w.fails(query.CodeInvalid, "timestamp with time zone", "CREATE TABLE t AS SELECT current_timestamp AS a")
	w.fails(query.CodeInvalid, "column a of type unknown", "CREATE TABLE t AS SELECT NULL AS a")
	w.fails(query.CodeInvalid, "its fields need names", "CREATE TABLE t AS SELECT ROW(1, 2) AS a")
	w.fails(query.CodeInvalid, "the property bucket_count is not supported", "CREATE TABLE t WITH (bucket_count = 4) AS SELECT 1 AS a")
	w.fails(query.CodeInvalid, "DIVISION_BY_ZERO", "CREATE TABLE t AS SELECT 1 / (n - n) AS a FROM UNNEST(sequence(1, 3)) AS s(n)")
	if got := w.objects(); len(got) > 0 || w.journal() > 0 || len(w.spilled()) > 0 {
		t.Errorf("objects %q, %d in the journal, staged %q", got, w.journal(), w.spilled())
	}
	w.want("SHOW TABLES")
}
