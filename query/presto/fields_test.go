package presto_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/query/presto"
)

// What is known of a table's columns, and of the fields of its structs, makes a statement
// cheaper and never gives another answer.
func TestKnownTypes(t *testing.T) {
	e := newExecutor(t)
	const rows = `CREATE VIEW t AS SELECT i::INTEGER AS i, b::BIGINT AS b, d::DOUBLE AS d, f::FLOAT AS f, struct_pack(i := i::INTEGER, d := d::DOUBLE, deep := struct_pack(b := b::BIGINT)) AS s
		FROM (VALUES (1, 1580000000, 0.1, 0.1), (2, -1, 2.5, 2.5), (NULL, NULL, NULL, NULL), (-7, 9007199254740993, 1e300, 1e30)) AS v(i, b, d, f)`
	columns := []presto.Column{{Name: "i", Type: "int"}, {Name: "b", Type: "bigint"}, {Name: "d", Type: "double"}, {Name: "f", Type: "float"},
		{Name: "s", Fields: []presto.Column{{Name: "i", Type: "int"}, {Name: "d", Type: "double"}, {Name: "deep", Fields: []presto.Column{{Name: "b", Type: "bigint"}}}}}}
	tables := func(parts []string) []presto.Column {
		if slices.Equal(parts, []string{"t"}) {
			return columns
		}
		return nil
	}
	for _, c := range []struct {
		sql   string
		plain bool // without a macro
	}{
		{"SELECT sum(i), sum(b), sum(d), avg(i), avg(b), avg(d) FROM t", true},
		{"SELECT sum(t.s.deep.b), avg(x.s.i), avg(t.f) FROM t, t AS x", false},
		{"SELECT sum(s.i), avg(S.D), avg(s.deep.b), sum(t.s.deep.b) FROM t", true},
		{"SELECT sum(f), avg(f) FROM t", false},
		{"SELECT i, sum(b) OVER (ORDER BY i), avg(d) OVER (ORDER BY i) FROM t ORDER BY i", true},
		{"SELECT i, sum(DISTINCT b), avg(b) FILTER (WHERE b < 0) FROM t GROUP BY i HAVING avg(i) > 0 ORDER BY i", true},
		{"SELECT sum(n), avg(n) FROM (SELECT i, count(*) AS n FROM t GROUP BY i) AS c", true},
		{"SELECT sum(s.i) FROM t WHERE EXISTS (SELECT 1 FROM t AS x WHERE x.s.i = t.s.i)", true},
		{"SELECT (SELECT sum(x.s.i + s.i) FROM t AS x WHERE x.i = t.i) FROM t AS t ORDER BY i", false},
		{"SELECT i, from_unixtime(b), hour(from_unixtime(i)) FROM t WHERE b < 1e12 ORDER BY i", true},
		{"SELECT from_unixtime(b, 'Europe/Berlin') FROM t WHERE b < 1e12 ORDER BY i", true},
		{"SELECT from_unixtime(s.deep.b - 62000000000), from_unixtime(s.i * 1000000000) FROM t WHERE b < 1e12 ORDER BY i", true},
	} {
		known, q, err := rewriteOver(t.Context(), e, tables, c.sql)
		if err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		if c.plain && strings.Contains(known, "presto_") {
			t.Errorf("%s: calls a macro: %s", c.sql, known)
		}
		got, types, err := rowsOf(t.Context(), e, known, q, rows)
		if err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		unknown, q, err := rewrite(t.Context(), e, c.sql)
		if err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		want, wantTypes, err := rowsOf(t.Context(), e, unknown, q, rows)
		if err != nil {
			t.Fatalf("%s: %v", c.sql, err)
		}
		if diff := cmp.Diff(append(want, wantTypes), append(got, types)); diff != "" {
			t.Errorf("%s: types that are known give another answer (-unknown +known):\n%s", c.sql, diff)
		}
	}
}

// Seconds that no timestamp has are an error, whether or not their type is known.
func TestFromUnixtimeOutOfRange(t *testing.T) {
	e := newExecutor(t)
	for _, n := range []string{"9223372036855", "-9223372036855", "9223372036854775807", "CAST(9223372036855 AS double)"} {
		if got, _, err := ask(t.Context(), e, "SELECT from_unixtime("+n+")"); err == nil {
			t.Errorf("from_unixtime(%s) is %s", n, got)
		}
	}
}
