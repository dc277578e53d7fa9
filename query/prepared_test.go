package query_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/query"
)

// Statements are prepared for their asker, and run with other parameters each time.
func TestPrepared(t *testing.T) {
	h := newHouse(t, nil)
	ask := func(who, sql string) string {
		t.Helper()
		rows, err := h.engine.Query(t.Context(), query.Request{SQL: sql, Who: who, Dialect: query.Presto})
		if err != nil {
			return "! " + err.Error()
		}
		defer rows.Close()
		var out []string
		for rows.Next() {
			for _, v := range rows.Values() {
				out = append(out, v.Text)
			}
		}
		if err := rows.Err(); err != nil {
			return "! " + err.Error()
		}
		return strings.Join(out, " ")
	}
	for _, step := range []struct{ who, sql, want string }{
		{"a", "PREPARE Half FROM SELECT CAST(? AS bigint) / ? AS \"half; of\";", "true"},
		{"a", "EXECUTE half USING 9, 2;", "4"},
		{"a", "execute \"half\" using 10, -- comment\n 5", "2"},
		{"a", "EXECUTE half USING 9", "! there is no value for parameter 2"},
		{"a", "EXECUTE half", "! there is no value for parameter 1"},
		{"a", "EXECUTE half USING 9, 2, 1", "! 3 parameters were given"},
		{"a", "EXECUTE half USING", "! EXECUTE takes"},
		{"a", "EXECUTE half USING (SELECT 1), 1", "! no constant"},
		{"a", "EXECUTE half USING , 1", "! no constant"},
		{"b", "EXECUTE half USING 9, 2", "! there is no prepared statement half"},
		{"b", "PREPARE half FROM VALUES ?, 'it''s'", "true"},
		{"b", "EXECUTE half USING 'x, y'", "x, y it's"},
		{"a", "EXECUTE haf USING 1, 2", "did you mean half"},
		{"a", "PREPARE half FROM SELECT 'new'", "true"},
		{"a", "EXECUTE half", "new"},
		{"a", "PREPARE bad FROM SELECT 1 +", "! syntax error"},
		{"a", "PREPARE bad FROM SELECT CAST(1 AS text)", "! there is no type text in Presto"},
		{"a", "EXECUTE bad", "! there is no prepared statement bad"},
		{"a", "PREPARE p FROM EXECUTE half", "! EXECUTE cannot be prepared"},
		{"a", "PREPARE p", "! PREPARE takes"},
		{"a", "PREPARE p FROM", "! PREPARE takes"},
		{"a", "PREPARE show FROM SHOW CATALOGS", "true"},
		{"a", "EXECUTE show", "awsdatacatalog"},
		{"a", "DESCRIBE INPUT half", "! not supported"},
		{"a", "DESCRIBE OUTPUT half", "! not supported"},
		{"a", "DEALLOCATE half", "! DEALLOCATE takes"},
		{"a", "DEALLOCATE PREPARE half", "true"},
		{"a", "EXECUTE half", "! there is no prepared statement half"},
		{"a", "DEALLOCATE PREPARE half", "! there is no prepared statement half"},
		{"b", "EXECUTE half USING '1'", "1 it's"},
	} {
		if got := ask(step.who, step.sql); !strings.Contains(got, strings.TrimPrefix(step.want, "! ")) || strings.HasPrefix(step.want, "!") && !strings.HasPrefix(got, "!") {
			t.Errorf("%s: %s\n got %s\nwant %s", step.who, step.sql, got, step.want)
		}
	}
	for i := range 1001 {
		got := ask("c", fmt.Sprintf("PREPARE p%d FROM SELECT %d", i, i))
		if full := i == 1000; strings.HasPrefix(got, "!") != full {
			t.Fatalf("%d: %s", i, got)
		}
	}
	if got := ask("c", "EXECUTE p999"); got != "999" {
		t.Error(got)
	}
	long := "'" + strings.Repeat("x", 1000_000) + "'"
	for i := range 9 {
		got := ask("d", fmt.Sprintf("PREPARE p%d FROM SELECT %s", i, long))
		if full := i == 8; strings.HasPrefix(got, "!") != full {
			t.Fatalf("%d: %.200s", i, got)
		}
	}
	ask("d", "DEALLOCATE PREPARE p0")
	if got := ask("d", "PREPARE p0 FROM SELECT "+long); got != "true" {
		t.Errorf("%.200s", got)
	}
}
