package query_test

import (
	"bytes"
	stdsql "database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/query"
	"sluice/query/httpapi"
	"sluice/query/statement"
)

// No statement gets at a file, the network, the environment or a setting.
func TestSandbox(t *testing.T) {
	h := shopHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	h.deliver("purchases")
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.csv")
	check(t, os.WriteFile(secret, []byte("word\nxyzzy\n"), 0o600))
	h.parquet("outside.parquet", "SELECT 'xyzzy' AS word")
	parquet := filepath.Join(h.root, "outside.parquet")
	var delivered string
	check(t, filepath.WalkDir(filepath.Join(h.root, "shop"), func(path string, d os.DirEntry, err error) error {
		if strings.HasSuffix(path, ".parquet") {
			delivered = path
		}
		return err
	}))
	t.Setenv("SLUICE_SECRET", "xyzzy")
	attempts := []string{
		"SELECT * FROM read_csv('%s')", "SELECT * FROM read_csv_auto('%s')", "SELECT * FROM read_text('%s')",
		"SELECT * FROM read_blob('%s')", "SELECT * FROM read_json('%s')", "SELECT * FROM read_ndjson_objects('%s')",
		"SELECT * FROM sniff_csv('%s')", "SELECT * FROM '%s'", `SELECT * FROM "%s"`, `SELECT * FROM lake.shop."%s"`,
		`SELECT * FROM main."%s"`, `SELECT * FROM memory.main."%s"`, `SELECT * FROM shop."%s"`, "FROM '%s' SELECT word", "TABLE '%s'",
		"DESCRIBE SELECT * FROM '%s'", "SUMMARIZE '%s'", "WITH a AS (SELECT * FROM '%s') SELECT * FROM a",
		"WITH RECURSIVE a AS (SELECT word FROM '%s' UNION ALL SELECT word FROM a WHERE false) SELECT * FROM a",
		"SELECT (SELECT word FROM read_csv('%s'))", "SELECT * FROM shop.purchases, LATERAL (SELECT * FROM read_csv('%s'))",
		"SELECT * FROM shop.purchases WHERE EXISTS (SELECT 1 FROM '%s')", "SELECT 1 UNION ALL SELECT word FROM '%s'",
		"SELECT * FROM (SELECT * FROM (SELECT * FROM read_text('%s')))", "SELECT list_transform([1], x -> (SELECT word FROM '%s'))",
		"SELECT 1 ORDER BY (SELECT word FROM '%s')", "SELECT 1 LIMIT (SELECT 1 FROM '%s')",
		"SELECT count(*) FILTER (WHERE (SELECT true FROM '%s')) FROM shop.purchases",
		"SELECT row_number() OVER (ORDER BY (SELECT word FROM '%s'))", "SELECT * FROM shop.purchases QUALIFY (SELECT true FROM '%s')",
		"SELECT * FROM shop.purchases TABLESAMPLE 10%% UNION SELECT * FROM '%s'", "SELECT 1 GROUP BY (SELECT word FROM '%s')",
		"SELECT 1 HAVING (SELECT true FROM '%s')", "VALUES ((SELECT word FROM '%s'))",
		"SELECT * FROM shop.purchases PIVOT (sum(id) FOR dt IN (SELECT word FROM '%s'))", "PIVOT '%s' ON word", "UNPIVOT '%s' ON word",
		"SELECT * FROM query('SELECT * FROM ''%s''')", "SELECT * FROM query_table('%s')",
		"SELECT * FROM json_execute_serialized_sql(json_serialize_sql('SELECT * FROM ''%s'''))",
		"SELECT json_serialize_plan('SELECT * FROM ''%s''')", "EXECUTE '%s'", "PREPARE p AS SELECT * FROM '%s'",
		"SELECT 1; SELECT * FROM '%s'", "EXPLAIN ANALYZE SELECT * FROM '%s'", "COPY t FROM '%s'",
		"COPY (SELECT 1) TO '%s.out'", "EXPORT DATABASE '%s.dir'", "IMPORT DATABASE '%s.dir'", "ATTACH '%s.db' AS x", "ATTACH ':memory:' AS lake",
		"CREATE TABLE t AS SELECT * FROM '%s'", "CREATE VIEW v AS SELECT * FROM '%s'", "CREATE MACRO m() AS TABLE SELECT * FROM '%s'",
		"INSERT INTO t SELECT * FROM '%s'", "CREATE SECRET s (TYPE s3, KEY_ID '%s')", "LOAD '%s'",
	}
	for i, a := range attempts {
		if strings.Contains(a, "%s") {
			attempts[i] = fmt.Sprintf(a, secret)
		}
	}
	attempts = append(attempts,
		"SELECT * FROM read_parquet('"+parquet+"')", "SELECT * FROM parquet_scan('"+parquet+"')", "SELECT * FROM '"+parquet+"'",
		"SELECT * FROM parquet_metadata('"+delivered+"'), shop.purchases", "SELECT count(*) FROM shop.purchases, read_parquet('"+delivered+"')",
		"SELECT * FROM parquet_schema('"+parquet+"')", "SELECT * FROM parquet_kv_metadata('"+parquet+"')",
		"SELECT * FROM glob('/*')", "SELECT * FROM 'https://example.com/x.parquet'", "SELECT * FROM 's3://bucket/x.parquet'", "SELECT * FROM '/proc/self/environ'",
		"INSTALL httpfs", "LOAD httpfs", "FORCE INSTALL httpfs", "UPDATE EXTENSIONS",
		"SET enable_external_access = true", "SET memory_limit = '1TB'", "RESET threads", "SET VARIABLE x = 1", "PRAGMA version", "PRAGMA database_list",
		"CALL pragma_version()", "CALL enable_logging()", "SELECT * FROM pragma_version()", "SELECT * FROM duckdb_settings()", "SELECT * FROM duckdb_secrets()",
		"SELECT * FROM duckdb_databases()", "SELECT getenv('SLUICE_SECRET')", "SELECT current_setting('temp_directory')", "SELECT getvariable('x')",
		"SELECT * FROM information_schema.character_sets", "SELECT * FROM sqlite_master", "SELECT * FROM pg_catalog.pg_tables", "SELECT * FROM duckdb_views",
		"SELECT * FROM main.sluice_0, shop.purchases", "SELECT * FROM SLUICE_0, shop.purchases", `SELECT * FROM "SLUICE_0"`,
		"SELECT pg_sleep(0.01)", "SELECT sleep_ms(1)", "SELECT write_log('x')", "SELECT nextval('s')", "BEGIN", "CHECKPOINT", "DROP VIEW SLUICE_0",
		"DELETE FROM shop.purchases", "UPDATE shop.purchases SET id = 2", "INSERT INTO shop.purchases VALUES (1)", "USE shop", "DETACH memory", "VACUUM", "SHOW ALL TABLES",
		"SELECT * FROM (SHOW DATABASES)", "SELECT * FROM (SHOW TABLES)", "SELECT * FROM (SHOW ALL TABLES)", "SHOW VARIABLES",
		"SELECT * FROM shop.purchases AT (VERSION => 1)", "SELECT * FROM test_all_types()", "SELECT * FROM which_secret('s3://x', 's3')", "SELECT has_table_privilege('x','y')",
		"SELECT * FROM read_duckdb('/tmp/x.db')", "SELECT * FROM duckdb_logs()", "SELECT * FROM duckdb_external_file_cache()", "SELECT * FROM force_checkpoint()",
		"CALL force_checkpoint()", "RESET memory_limit", "RESET SESSION enable_external_access", "SET SESSION enable_external_access = true", "SET GLOBAL temp_directory = '/tmp'",
		"SELECT * FROM enable_profiling()", "SELECT * FROM check_peg_parser('SELECT 1')", "SELECT * FROM truncate_duckdb_logs()", "PRAGMA enable_profiling", "PRAGMA import_database('/tmp')",
		"PRAGMA copy_database('a', 'b')", "SELECT * FROM parquet_full_metadata('/tmp/x')", "SELECT * FROM parquet_bloom_probe('/tmp/x', 'a', 1)", "SELECT * FROM parquet_file_metadata('/tmp/x')",
		"SELECT * FROM query('SELECT 1')", "SELECT main.getenv('SLUICE_SECRET')", `SELECT system.main."getenv"('SLUICE_SECRET')`, "SELECT list_transform(['SLUICE_SECRET'], x -> getenv(x))",
		"SELECT reduce([1], (a, b) -> getvariable('x'))", "SELECT ['SLUICE_SECRET'].list_transform(x -> getenv(x))", "SELECT 'SLUICE_SECRET'.getenv()", "SELECT max(getenv('SLUICE_SECRET')) OVER ()",
		"CREATE SECRET (TYPE s3)", "CREATE PERSISTENT SECRET s (TYPE s3)", "DROP SECRET s", "FROM duckdb_secrets()", "FROM (FROM duckdb_settings())", "WITH a AS MATERIALIZED (FROM read_text('/etc/passwd')) FROM a",
		"EXPLAIN SELECT getenv('SLUICE_SECRET')", "EXPLAIN SELECT * FROM read_text('/etc/passwd')", "EXECUTE p", "DEALLOCATE p", "SELECT obj_description(1, 'x')",
		`WITH "SLUICE_0" AS (SELECT 7 AS id) SELECT id FROM shop.purchases`, `WITH RECURSIVE "sluice_0" AS (SELECT 7 AS id UNION SELECT id FROM "sluice_0") SELECT id FROM shop.purchases`,
		"SELECT * FROM seq_scan('x')", "SELECT * FROM arrow_scan(1, 2, 3)", "SELECT * FROM arrow_scan_dumb(1::ubigint::pointer, 2, 3)",
	)
	over := httpapi.New(httpapi.Config{Querier: h.engine})
	for i, sql := range append(attempts, attempts...) {
		h.dialect = query.DuckDB
		if i >= len(attempts) {
			h.dialect = query.Presto
		}
		rows, _, err := h.query(sql)
		if err == nil {
			t.Errorf("%s: %s answered %q", h.dialect, sql, rows)
			continue
		}
		var fault *query.Error
		ok := errors.As(err, &fault) && (fault.Code == query.CodeForbidden || fault.Code == query.CodeNotFound || fault.Code == query.CodeSyntax)
		// What is not Presto's is refused before it is looked at for more.
		if !ok && (fault == nil || h.dialect != query.Presto || fault.Code != query.CodeInvalid) {
			t.Errorf("%s: %s: %v", h.dialect, sql, err)
		}
		if i < len(attempts) { // and over HTTP, with the status of its code
			body, _ := json.Marshal(map[string]string{"sql": sql, "dialect": string(h.dialect)})
			w := httptest.NewRecorder()
			over.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "POST", "/v1/query", bytes.NewReader(body)))
			if w.Code != 400 && w.Code != 403 && w.Code != 404 || strings.Contains(w.Body.String(), "xyzzy") {
				t.Errorf("%s: HTTP answers %d %s", sql, w.Code, w.Body)
			}
		}
		if strings.Contains(err.Error(), "xyzzy") {
			t.Errorf("%s: the error tells the secret: %v", sql, err)
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v, %v", entries, err)
	}
	h.dialect = query.DuckDB
	h.want("SELECT id FROM shop.purchases", "1")
}

// Every function of the executor is refused, or in the list of those that were
// reviewed: a new executor's new functions fail this test until somebody looked.
func TestFunctionsAreReviewed(t *testing.T) {
	text, err := os.ReadFile("testdata/functions.txt")
	check(t, err)
	reviewed := make(map[string]bool)
	for name := range strings.FieldsSeq(string(text)) {
		reviewed[name] = true
		if statement.RefusesFunction(name) {
			t.Errorf("%s is refused, and in the list", name)
		}
	}
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), "SELECT DISTINCT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')")
	check(t, err)
	defer rows.Close()
	n := 0
	for rows.Next() {
		var name string
		check(t, rows.Scan(&name))
		if n++; !reviewed[name] && !statement.RefusesFunction(name) {
			t.Errorf("%s is new: does it read anything but its arguments? Refuse it in package statement, or add it to testdata/functions.txt", name)
		}
	}
	if check(t, rows.Err()); n < 500 {
		t.Errorf("%d functions", n)
	}
}

// What the sandbox must let through.
func TestAllowed(t *testing.T) {
	h := shopHouse(t)
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 1, "US"))
	for _, tt := range []struct{ sql, want string }{
		{"SELECT 1", "1"},
		{"select count(*) from shop.purchases;", "2"},
		{"SELECT sum(i) FROM range(10) t(i)", "45"},
		{"SELECT sum(u) FROM shop.purchases, UNNEST([id, 10]) AS x(u)", "23"},
		{"SELECT sum(u) FROM (SELECT unnest(generate_series(1, id)) AS u FROM shop.purchases)", "4"},
		{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 5) SELECT max(n) FROM r", "5"},
		{"WITH purchases AS (SELECT 7 AS id) SELECT id FROM purchases", "7"},
		{"WITH purchases AS (SELECT id FROM shop.purchases WHERE id = 2) SELECT id FROM purchases", "2"},
		{"SELECT p.id FROM shop.purchases p WHERE EXISTS (SELECT 1 FROM shop.purchases q WHERE q.id = p.id + 1)", "1"},
		{"SELECT column_name FROM (DESCRIBE SELECT id FROM shop.purchases)", `"id"`},
		{"FROM shop.purchases SELECT max(id)", "2"},
		{"SELECT count(*) FROM shop.purchases TABLESAMPLE 100%", "2"},
		{"SELECT id FROM shop.purchases QUALIFY row_number() OVER (ORDER BY id DESC) = 1", "2"},
		{"SELECT max(id) OVER (PARTITION BY dt) FROM shop.purchases LIMIT 1", "2"},
		{"SELECT * FROM (VALUES (1), (2)) v(x) WHERE x > 1", "2"},
		{"SELECT a.id + b.id FROM shop.purchases a, shop.purchases b WHERE a.id < b.id", "3"},
		{"SELECT (SELECT count(*) FROM lake.shop.purchases) + (SELECT count(*) FROM live.shop.purchases)", "2"},
		{"SELECT * FROM (SELECT country, id FROM shop.purchases) PIVOT (sum(id) FOR country IN ('DE', 'US'))", "1|2"},
		{"SELECT current_date > date '2020-01-01' AND now() > timestamp '2020-01-01'", "true"},
		{"SELECT string_agg(country, ',' ORDER BY country) FROM shop.purchases", `"DE,US"`},
		{"SELECT list_transform([1, 2], x -> x + 1)", "[2,3]"},
		{"SELECT 1 UNION SELECT 1 INTERSECT SELECT 1 EXCEPT SELECT 2", "1"},
		{"SELECT shop.purchases.item.sku FROM shop.purchases WHERE purchases.id = 1", `"s1"`},
		{"SELECT count(*) FROM shop.purchases GROUP BY ALL ORDER BY ALL", "2"},
		{"SELECT DISTINCT ON (dt) id FROM shop.purchases ORDER BY dt, id", "1"},
		{"SELECT id FROM shop.purchases ORDER BY id DESC NULLS FIRST LIMIT 1 OFFSET 1", "1"},
		{"SELECT CASE id WHEN 1 THEN 'one' ELSE 'more' END FROM shop.purchases ORDER BY 1 LIMIT 1", `"more"`},
		{"SELECT INTERVAL 1 DAY + DATE '2026-01-01'", `"2026-01-02 00:00:00.000"`},
		{"SELECT count(*) FROM shop.purchases JOIN (SELECT 1 AS id) USING (id)", "1"},
		{"SELECT p.* EXCLUDE (ts, item, dt) FROM Shop.Purchases AS p WHERE id = 1", `1|"DE"`},
		{"SELECT 'it''s; -- no' AS \"a b\"", `"it's; -- no"`},
		{"SUMMARIZE SELECT 1 AS a", ""},
	} {
		rows, _, err := h.query(tt.sql)
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
		} else if tt.want != "" && (len(rows) != 1 || rows[0] != tt.want) {
			t.Errorf("%s: %q, want %q", tt.sql, rows, tt.want)
		}
	}
}
