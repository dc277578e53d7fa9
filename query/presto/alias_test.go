package presto_test

import (
	"strings"
	"testing"

	"sluice/query/presto"
)

// A column is named without AS by words that DuckDB's grammar keeps for itself there, and
// where the same words mean something else they stay.
func TestBareAliases(t *testing.T) {
	for sql, want := range map[string]string{
		"SELECT date_trunc('day', ts) day, count(*) FROM t":                               `SELECT date_trunc('day', ts) "day", count(*) FROM t`,
		"SELECT k Key, v[1] value FROM t":                                                 `SELECT k "key", v[1] "value" FROM t`,
		"SELECT 1 year":                                                                   `SELECT 1 "year"`,
		"SELECT day, year FROM (SELECT a day, \"b\" year FROM t)":                         `SELECT day, year FROM (SELECT a "day", "b" "year" FROM t)`,
		"WITH x AS (SELECT max(a) type FROM t) SELECT type version FROM x;":               `WITH x AS (SELECT max(a) "type" FROM t) SELECT type "version" FROM x;`,
		"SELECT key value UNION SELECT 'x' key":                                           `SELECT key "value" UNION SELECT 'x' "key"`,
		"SELECT DISTINCT day FROM t GROUP BY day ORDER BY key LIMIT 1":                    "",
		"SELECT extract(day FROM d), t.key, CAST(a AS row(key bigint)) b":                 `SELECT extract(day FROM d), t.key, CAST(a AS STRUCT("key" BIGINT)) b`,
		"SELECT a FROM t ORDER BY a NULLS FIRST":                                          "",
		"SELECT sum(a) OVER (ORDER BY b ROWS BETWEEN 1 PRECEDING AND 2 FOLLOWING) FROM t": "",
		"SELECT transform(a, key -> key), coalesce(key, value) FROM t WHERE key":          "",
	} {
		if want == "" {
			want = sql
		}
		got, err := presto.Front(sql, nil)
		if err != nil || got.SQL != want {
			t.Errorf("%s:\n  %v %v\n  want %s", sql, got.SQL, err, want)
		}
	}
	for _, sql := range []string{
		"SELECT ts + INTERVAL '1' day", "SELECT ts - INTERVAL '2' hour, 1 FROM t", "SELECT ts + INTERVAL -'1' month FROM t", "SELECT INTERVAL '2-1' YEAR TO MONTH FROM t",
	} {
		if got, err := presto.Front(sql, nil); err != nil || strings.Contains(got.SQL, `"`) {
			t.Errorf("%s: %s, %v", sql, got.SQL, err)
		}
	}
}
