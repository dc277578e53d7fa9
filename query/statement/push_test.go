package statement_test

import (
	"slices"
	"strings"
	"testing"

	"sluice/internal/lake"
	"sluice/query/executor"
	"sluice/query/statement"
)

// tables are a, b and c, each with k, x, y and its own name as columns; n has k as a
// number. All but u are known.
type tables struct{ e *executor.Executor }

func (s tables) Columns(t *statement.Table) (columns []lake.Column, ok bool) {
	name := t.Parts[len(t.Parts)-1]
	k := lake.String
	if name == "n" {
		k = lake.Bigint
	}
	columns = []lake.Column{{Name: "k", Type: k}, {Name: "x", Type: lake.Bigint}, {Name: "y", Type: lake.Bigint}, {Name: name, Type: lake.Bigint}}
	return columns, name != "u"
}

func (s tables) Scalar(functions []string) bool { return s.e.Deterministic(functions) }

func TestPush(t *testing.T) {
	e := newExecutor(t)
	for _, tt := range []struct{ sql, want string }{
		// Subqueries, names of columns, expressions.
		{"SELECT * FROM (SELECT * FROM a) WHERE k = '1'", "a: (k = '1')"},
		{"SELECT * FROM (SELECT k AS j, x FROM a WHERE y = 2) s WHERE s.j = '1' AND x > 3", "a: (k = '1'); (x > 3); (y = 2)"},
		{"SELECT * FROM (SELECT upper(k), x FROM a) s(j) WHERE j = '1'", "a: (upper(k) = '1')"},
		{"SELECT * FROM (SELECT a.* FROM a, u) WHERE k = '1'", "a: (k = '1')|u:"},
		{"SELECT * FROM (SELECT u.*, k AS q FROM u, a) WHERE q = '1'", "a:|u:"},
		{"SELECT * FROM (SELECT *, 1 AS k FROM u) WHERE k = 1", "u:"},
		{"SELECT * FROM (SELECT random() AS k, x FROM a) WHERE k < 1 AND x = 1", "a:"},
		{"SELECT * FROM (SELECT k FROM (SELECT k FROM a ORDER BY x)) WHERE k = '1'", "a: (k = '1')"},
		// What cuts.
		{"SELECT * FROM (SELECT * FROM a LIMIT 3) WHERE k = '1'", "a:"},
		{"SELECT * FROM (SELECT * FROM a) TABLESAMPLE 3% WHERE k = '1'", "a:"},
		{"SELECT * FROM (SELECT DISTINCT k FROM a) WHERE k = '1'", "a: (k = '1')"},
		{"SELECT * FROM (SELECT DISTINCT ON (x) k FROM a) WHERE k = '1'", "a:"},
		// Groups and windows.
		{"SELECT * FROM (SELECT k, x + 1 AS z, count(*) AS n FROM a GROUP BY k, 2) WHERE k = '1' AND z = 2 AND n > 5", "a: ((x + 1) = 2); (k = '1')"},
		{"SELECT * FROM (SELECT k AS j, max(x) AS x FROM a GROUP BY j) WHERE j = '1' AND x = 2", "a: (k = '1')"},
		{"SELECT * FROM (SELECT max(k) AS k FROM a) WHERE k = '1'", "a:"},
		{"SELECT * FROM (SELECT k FROM a HAVING true) WHERE k = '1'", "a:"},
		{"SELECT * FROM (SELECT k, x, count(*) FROM a GROUP BY CUBE (k, x)) WHERE k = '1'", "a:"},
		{"SELECT * FROM (SELECT k, x, row_number() OVER (PARTITION BY k ORDER BY x) AS r FROM a) WHERE k = '1' AND x = 2 AND r = 1", "a: (k = '1')"},
		{"SELECT * FROM (SELECT k FROM a QUALIFY row_number() OVER (ORDER BY x) = 1) WHERE k = '1'", "a:"},
		{"SELECT * FROM (SELECT k, unnest([x, y]) FROM a) WHERE k = '1'", "a:"},
		// Set operations.
		{"SELECT * FROM (SELECT k FROM a UNION ALL SELECT b.k FROM b WHERE x = 1) WHERE k = '1'", "a: (k = '1')|b: (k = '1'); (x = 1)"},
		{"SELECT * FROM (SELECT k, x FROM a UNION ALL SELECT k, x FROM n) WHERE k = '1' AND x = 2", "a: (x = 2)|n: (x = 2)"},
		{"SELECT * FROM (SELECT k FROM a EXCEPT SELECT k FROM b) s(j) WHERE j = '1'", "a: (k = '1')|b: (k = '1')"},
		{"SELECT * FROM (SELECT k FROM a UNION SELECT k FROM b LIMIT 1) WHERE k = '1'", "a:|b:"},
		{"SELECT * FROM (SELECT k FROM a UNION ALL SELECT 'x') WHERE k = '1'", "a:"},
		// Common table expressions.
		{"WITH w AS (SELECT * FROM a) SELECT * FROM w WHERE k = '1'", "a: (k = '1')"},
		{"WITH w(j) AS (SELECT k FROM a) SELECT * FROM w p, w q WHERE p.j = '1' AND q.j = '2'", "a: ((k = '1') OR (k = '2'))"},
		{"WITH w AS (SELECT * FROM a) SELECT * FROM w WHERE k = '1' UNION ALL SELECT * FROM w", "a:"},
		{"WITH w AS (SELECT * FROM a) SELECT * FROM w WHERE k = '1' AND x IN (SELECT x FROM w)", "a:"},
		{"WITH w AS (SELECT * FROM a) SELECT * FROM w WHERE k = '1' AND x IN (SELECT x FROM w WHERE y = 1 AND k = '2')", "a: ((k = '1') OR ((y = 1) AND (k = '2')))"},
		{"WITH v AS (SELECT * FROM a), w AS (SELECT * FROM v WHERE x = 1) SELECT * FROM w WHERE k = '1'", "a: (k = '1'); (x = 1)"},
		{"WITH w AS (SELECT * FROM a) SELECT 1 FROM w WHERE k = '1' AND EXISTS (FROM (PIVOT w ON x IN (1) USING count(*)))", "a:"},
		{"WITH RECURSIVE w AS (SELECT k FROM a UNION ALL SELECT k FROM w) SELECT * FROM w WHERE k = '1'", "a:"},
		// Joins.
		{"SELECT * FROM a JOIN b ON a.k = b.k WHERE a.k = '1'", "a: (k = '1')|b: (k = '1')"},
		{"SELECT * FROM a, b, c WHERE a.k = b.k AND b.k = c.k AND c.k LIKE 'x%'", "a: (k ~~ 'x%')|b: (k ~~ 'x%')|c: (k ~~ 'x%')"},
		{"SELECT * FROM a, b WHERE a.k = b.k AND a.k || a.x = '1'", "a: ((k || x) = '1')|b:"},
		{"SELECT * FROM a JOIN n ON a.k = n.k WHERE a.k = '1'", "a: (k = '1')|n:"},
		{"SELECT * FROM a JOIN b USING (k) WHERE k = '1' AND b = 2", "a: (k = '1')|b: (b = 2); (k = '1')"},
		{"SELECT * FROM a LEFT JOIN b ON a.k = b.k AND b.x = 1 AND a.y = 2 WHERE a.k = '1' AND b.y = 3", "a: (k = '1')|b: (k = '1'); (x = 1)"},
		{"SELECT * FROM a LEFT JOIN b ON a.k = b.k WHERE b.k = '1'", "a:|b:"},
		{"SELECT * FROM a RIGHT JOIN b ON a.k = b.k AND a.x = 1 WHERE b.k = '1'", "a: (k = '1'); (x = 1)|b: (k = '1')"},
		{"SELECT * FROM a FULL JOIN b ON a.k = b.k AND a.x = 1 WHERE a.k = '1'", "a:|b:"},
		{"SELECT * FROM a LEFT JOIN (b JOIN c ON b.k = c.k AND c.x = 1) ON a.k = b.k AND b.y = 2 WHERE a.k = '1'", "a: (k = '1')|b: (k = '1'); (y = 2)|c: (x = 1)"},
		{"SELECT * FROM a ANTI JOIN b ON a.k = b.k AND a.x = 1 WHERE a.k = '1'", "a: (k = '1')|b:"},
		{"SELECT * FROM a JOIN b ON a.x = b.x WHERE b = 1 AND a = 2", "a: (a = 2)|b: (b = 1)"},
		{"SELECT * FROM (SELECT a.k, b FROM a LEFT JOIN b ON a.k = b.k) WHERE k = '1' AND b = 2", "a: (k = '1')|b: (k = '1')"},
		{"SELECT * FROM a, unnest([1]) AS v(z) WHERE k = '1' AND z = 1", "a: (k = '1')"},
		{"SELECT (SELECT max(b.x) FROM b WHERE b.k = a.k AND b = 1) FROM a WHERE k = '1'", "a: (k = '1')|b: (b = 1)"},
		{"SELECT * FROM a t(p, q) WHERE p = '1'", "t: (k = '1')"},
	} {
		s, err := parse(t, e, tt.sql)
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		s.Push(tables{e})
		var got []string
		for _, tab := range s.Tables {
			var all []string
			for _, c := range tab.Conditions {
				text, err := e.Text(t.Context(), c.Tree())
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, strings.TrimPrefix(text, "SELECT "))
			}
			slices.Sort(all)
			got = append(got, strings.TrimSpace(tab.Alias+": "+strings.Join(all, "; ")))
		}
		slices.Sort(got)
		if got := strings.Join(got, "|"); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.sql, got, tt.want)
		}
	}
}
