package presto_test

import (
	"bytes"
	"testing"

	"sluice/query/presto"
)

// Whatever is asked, Front and Rewrite end, without a panic, and their places are
// within the statement.
func FuzzFront(f *testing.F) {
	for _, sql := range inFile(f)[:200] {
		f.Add(sql)
	}
	for _, sql := range typical(f) {
		f.Add(sql)
	}
	for _, sql := range []string{"SELECT listagg(a, ',') WITHIN GROUP (ORDER BY b) FROM t", "PREPARE x FROM SELECT ?", "SELECT at, t.offset AS limit FROM t AT TIME ZONE", "SELECT IF(a, IF(", "TIMESTAMP '2026-01-01 10:00:00 Europe/Berlin'", "VALUES (1, 2), ROW(3", "CAST(x AS row(a map(varchar, array(char(3)))))", "INTERVAL '1 2:3' DAY TO SECOND", "U&'\\00e4'", "x'6'"} {
		f.Add(sql)
	}
	e := newExecutor(f)
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 2000 {
			return
		}
		front, err := presto.Front(sql, nil)
		if err != nil {
			return
		}
		for i := range len(front.SQL) + 1 {
			if at := front.Original(i); at < 0 || at > len(sql) {
				t.Fatalf("%q: place %d of %q is %d", sql, i, front.SQL, at)
			}
		}
		tree, err := e.Parse(t.Context(), front.SQL)
		if err != nil || bytes.Contains(tree, []byte(`"statements":[]`)) {
			return
		}
		q, err := presto.Rewrite(tree, front.Original, nil)
		if err != nil {
			return
		}
		if _, err := e.Text(t.Context(), q.Tree); err != nil {
			t.Errorf("%q: the rewritten tree is none: %v", sql, err)
		}
	})
}
