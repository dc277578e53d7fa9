package statement_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/query/executor"
	"sluice/query/statement"
)

func TestFields(t *testing.T) {
	exec := newExecutor(t)
	for sql, want := range map[string]string{
		"SELECT c.a, t.c.B.d, s.t.c.e FROM s.t":           "a; b.d; e",
		"SELECT c['a'], c.x['B']['d'], t.c['e'].f FROM t": "a; x.b.d; e.f",
		"SELECT c FROM t":                                      "whole",
		"SELECT c.a, lower(t.c) FROM t":                        "a; whole",
		"SELECT c[1], c[x] FROM t":                             "whole",
		"SELECT a FROM t JOIN u USING (c)":                     "whole",
		"SELECT c.a FROM t WHERE c.b > 1 ORDER BY t.c.d":       "a; b; d",
		"SELECT list_transform(l, x -> x.c.e) FROM t":          "e",
		"SELECT (c).a, struct_extract(c, 'b') FROM t":          "a; b",
		"SELECT c.* FROM t":                                    "",
		"SELECT t['c']['a'] FROM t":                            "",
		"SELECT z.a FROM (SELECT c AS z FROM t) WHERE z.b = 1": "whole",
	} {
		s, err := parse(t, exec, sql)
		if err != nil {
			t.Fatal(err)
		}
		paths, whole := s.Fields("c")
		var got []string
		for _, p := range paths {
			got = append(got, strings.Join(p, "."))
		}
		slices.SortFunc(got, func(a, b string) int { return strings.Index(want, a) - strings.Index(want, b) })
		if whole {
			got = append(got, "whole")
		}
		if text := strings.Join(got, "; "); text != want {
			t.Errorf("%s: got %s, want %s", sql, text, want)
		}
	}
}

func TestNeeded(t *testing.T) {
	exec, err := executor.New(executor.Config{Memory: 64 << 20, Threads: 1, TempDir: t.TempDir(), MaxTemp: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(exec.Close)
	// Of each table, in the order of the text: the names, or * for all.
	for sql, want := range map[string]string{
		"SELECT a, t.B, o.x.y FROM t WHERE c > 1 ORDER BY d":              "a b c d o t x y",
		"SELECT count(*) FROM t":                                          "",
		"SELECT 1 FROM t":                                                 "",
		"SELECT * FROM t":                                                 "*",
		"SELECT t.* FROM t JOIN u ON t.id = u.id":                         "*;id t u",
		"SELECT * FROM t JOIN u USING (id)":                               "*;*",
		"SELECT a FROM t JOIN u USING (id)":                               "a id;a id",
		"SELECT a FROM t NATURAL JOIN u":                                  "*;*",
		"SELECT t FROM t":                                                 "*",
		"SELECT x FROM shop.t AS x":                                       "*",
		"SELECT t.t FROM t":                                               "*",
		"SELECT x.a FROM shop.t AS x":                                     "a x",
		"SELECT b FROM t AS t(b, c)":                                      "*",
		"SELECT #1 FROM t":                                                "*",
		"SELECT o.* FROM t":                                               "*",
		"SELECT COLUMNS('a.*') FROM t":                                    "*",
		"SELECT min(COLUMNS(*)) FROM t":                                   "*",
		"SELECT * EXCLUDE (a) FROM t":                                     "*",
		"SELECT * FROM (SELECT a FROM t)":                                 "a",
		"SELECT a FROM (SELECT * FROM t)":                                 "*",
		"WITH c AS (SELECT a, b FROM t) SELECT * FROM c, u WHERE u.k = 1": "a b k u;*",
		"WITH c AS (SELECT * FROM t) SELECT a FROM c":                     "*",
		"SELECT a FROM t WHERE EXISTS (SELECT * FROM u WHERE u.k = t.k)":  "a k t u;*",
		"SELECT a FROM t UNION ALL SELECT * FROM u":                       "a;*",
		"FROM t":                                 "*",
		"SELECT a, count(*) FROM t GROUP BY ALL": "a",
		"SELECT x FROM (PIVOT t ON a IN (1, 2) USING sum(b))": "*",
		"SUMMARIZE t": "*",
		"SELECT list_transform(l, x -> x + z) FROM t":                         "l x z",
		"SELECT a FROM t, unnest(t.arr) AS n(e) WHERE e > 1":                  "a arr e t",
		"SELECT sum(a) OVER (PARTITION BY b ORDER BY c) FROM t QUALIFY d > 1": "a b c d",
		"SELECT DISTINCT ON (a) b FROM t":                                     "a b",
		"SELECT a FROM t ORDER BY ALL":                                        "*",
	} {
		tree, err := exec.Parse(t.Context(), sql)
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		s, err := statement.Parse(tree, "shop")
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		slices.SortFunc(s.Tables, func(a, b *statement.Table) int { return a.Position - b.Position })
		var got []string
		for _, table := range s.Tables {
			columns, all := s.Needed(table)
			if all {
				columns = []string{"*"}
			}
			got = append(got, strings.Join(columns, " "))
		}
		if text := strings.Join(got, ";"); text != want {
			t.Errorf("%s\n got %q\nwant %q", sql, text, want)
		}
	}
}
