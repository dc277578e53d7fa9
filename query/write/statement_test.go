package write_test

import (
	"strings"
	"testing"

	"sluice/query/write"
)

func TestParse(t *testing.T) {
	for sql, want := range map[string]string{
		"CREATE TABLE a.b AS SELECT 1 AS x":                                      "a.b|SELECT 1 AS x",
		"create table if not exists B with (format='parquet') as (select 1) ;":   "b|(select 1)",
		"CREATE TABLE t AS SELECT 1 AS x WITH NO DATA":                           "t|SELECT 1 AS x",
		"INSERT INTO t SELECT 1":                                                 "t|SELECT 1",
		"INSERT INTO t (a, \"B\") VALUES (1, 2)":                                 "t|VALUES (1, 2)",
		"INSERT INTO t (SELECT a FROM b)":                                        "t|(SELECT a FROM b)",
		"/* x */ INSERT INTO t -- y\n WITH a AS (SELECT 1) SELECT * FROM a":      "t|WITH a AS (SELECT 1) SELECT * FROM a",
		"UNLOAD (SELECT (1)) TO 's3://b/c/' WITH (format = 'JSON')":              "|SELECT (1)",
		"CREATE OR REPLACE VIEW v AS SELECT 1 AS a":                              "v|SELECT 1 AS a",
		"DROP VIEW IF EXISTS a.v":                                                "a.v|",
		"CREATE TABLE t WITH (partitioned_by = ARRAY['a', 'b']) AS SELECT 1 x,2": "t|SELECT 1 x,2",
	} {
		s, ok, err := write.Parse(sql)
		if !ok || err != nil {
			t.Errorf("%s: %v, %v", sql, ok, err)
			continue
		}
		if got := strings.Join(s.Name, ".") + "|" + strings.TrimSpace(s.Query); got != want {
			t.Errorf("%s\n got %s\nwant %s", sql, got, want)
		}
		if at := strings.Index(sql, strings.TrimSpace(s.Query)); s.Query != "" && strings.Index(s.Query, strings.TrimSpace(s.Query)) != at {
			t.Errorf("%s: the query is not at %d in %q", sql, at, s.Query)
		}
	}
	for _, sql := range []string{"SELECT 1", "CREATE TABLE t (a int)", "CREATE EXTERNAL TABLE t (a int) LOCATION 's3://b'", "DROP TABLE t", "", "WITH a AS (SELECT 1) SELECT 1", "SHOW TABLES"} {
		if _, ok, err := write.Parse(sql); ok || err != nil {
			t.Errorf("%q: %v, %v", sql, ok, err)
		}
	}
	for _, sql := range []string{
		"INSERT INTO", "INSERT OVERWRITE t SELECT 1", "INSERT INTO t", "INSERT INTO t DELETE FROM x", "CREATE TABLE t WITH format = 'x' AS SELECT 1", "CREATE TABLE t (a) AS SELECT 1",
		"CREATE TABLE t WITH (a = 1, A = 2) AS SELECT 1", "UNLOAD SELECT 1 TO 'x'", "UNLOAD (SELECT 1 TO 'x'", "UNLOAD (SELECT 1) TO x", "UNLOAD (SELECT 1) TO 'x' AND MORE", "DROP VIEW a b", "CREATE VIEW v (a) AS SELECT 1",
	} {
		if _, ok, err := write.Parse(sql); ok || err == nil {
			t.Errorf("%q is taken", sql)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, sql := range []string{
		"CREATE TABLE a WITH (format = 'PARQUET', partitioned_by = ARRAY['x']) AS SELECT 1 WITH NO DATA", "INSERT INTO t (a, b) VALUES (1, 2)",
		"UNLOAD (SELECT 1) TO 's3://b/c' WITH (format = 'JSON')", "CREATE OR REPLACE VIEW v AS SELECT 1;", "DROP VIEW IF EXISTS v", "INSERT INTO t (((", "UNLOAD (",
	} {
		f.Add(sql)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		s, ok, err := write.Parse(sql)
		if !ok || err != nil {
			return
		}
		if len(s.Query) > len(sql) {
			t.Errorf("%q: the query has %d bytes", sql, len(s.Query))
		}
		if s.Kind == write.CreateTable || s.Kind == write.Unload {
			s.Layout() // must not panic
		}
	})
}
