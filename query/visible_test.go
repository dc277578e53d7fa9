package query_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/configs"
	"sluice/query"
)

// Of a database that may not be queried nothing shows, by any statement: not that
// it is there, nor its tables, columns, partitions or rows, delivered or live.
func TestInvisibleDatabases(t *testing.T) {
	h := newHouse(t, map[string]configs.Stream{
		"open":      {Table: "shop.purchases", PartitionBy: []string{"dt=day(ts)"}},
		"hidden":    {Table: "vault.purchasez", PartitionBy: []string{"dt=day(ts)"}},
		"livehided": {Table: "crypt.jewels"},
	})
	const row = `{"ts":"2026-01-01T00:00:00Z","xyzzy":"plugh"}`
	h.post("open", `{"ts":"2026-01-01T00:00:00Z","id":1}`)
	h.post("hidden", row)
	h.deliver("open")
	h.deliver("hidden")
	h.post("hidden", row)
	h.post("livehided", row)
	var asked []string
	visible := func(database string) bool {
		asked = append(asked, database)
		return database == "shop"
	}
	ask := func(database, sql string, visible func(string) bool) string {
		rows, err := h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: sql, Database: database, Visible: visible})
		if err != nil {
			return err.Error()
		}
		defer rows.Close()
		var b strings.Builder
		for rows.Next() {
			for _, v := range rows.Values() {
				b.WriteString(v.Text + "|")
			}
			b.WriteByte('\n')
		}
		return fmt.Sprint(b.String(), rows.Columns(), rows.Err())
	}
	statements := []string{
		"SHOW DATABASES", "SHOW SCHEMAS", "SHOW TABLES", "SHOW TABLES IN vault", "SHOW TABLES IN VAULT", "SHOW TABLES IN crypt", "SHOW TABLES FROM vaul",
		"DESCRIBE vault.purchasez", "DESC VAULT.purchasez", "SHOW COLUMNS FROM vault.purchasez", "SHOW PARTITIONS vault.purchasez",
		"SELECT * FROM vault.purchasez", "SELECT * FROM lake.vault.purchasez", "SELECT * FROM live.vault.purchasez", "SELECT * FROM awsdatacatalog.vault.purchasez",
		`SELECT * FROM "VAULT"."PurchaseZ"`, "SELECT * FROM crypt.jewels", "SELECT * FROM live.crypt.jewels", "SELECT * FROM vault.purchase", "SELECT * FROM purchasez", "SELECT * FROM jewels", "SELECT * FROM shop.jewel",
		"SELECT count(*) FROM shop.purchases WHERE EXISTS (SELECT 1 FROM vault.purchasez)", "SELECT (SELECT max(xyzzy) FROM vault.purchasez)",
		"WITH v AS (SELECT * FROM vault.purchasez) SELECT 1", "SELECT 1 UNION ALL SELECT count(*) FROM vault.purchasez", "DESCRIBE SELECT * FROM vault.purchasez", "SUMMARIZE SELECT * FROM vault.purchasez",
		"SELECT * FROM shop.purchases p JOIN vault.purchasez v ON true", "SELECT * FROM shop.purchases WHERE vault.purchasez.xyzzy = 1",
		"SELECT * FROM information_schema.tables", "SELECT * FROM information_schema.schemata", "SELECT * FROM information_schema.columns", "SELECT * FROM information_schema.views", "SELECT * FROM awsdatacatalog.information_schema.columns WHERE table_schema = 'vault'", "SHOW TABLES IN vault LIKE '%'", "SHOW SCHEMAS LIKE '%'", "SHOW COLUMNS FROM vault.purchasez LIKE '%'", "SELECT * FROM pg_catalog.pg_class",
		"SELECT * FROM duckdb_tables()", "SELECT * FROM duckdb_views()", "SELECT * FROM sqlite_master", "PRAGMA show_tables", "SHOW ALL TABLES", "SHOW CREATE TABLE vault.purchasez",
	}
	// The names that a statement brings may be in its answer; no others.
	for _, database := range []string{"", "shop", "vault", "crypt"} {
		for _, sql := range statements {
			answer := strings.ToLower(ask(database, sql, visible))
			for _, word := range []string{"vault", "purchasez", "crypt", "jewels", "xyzzy", "plugh"} {
				if !strings.Contains(strings.ToLower(sql)+database, word) && strings.Contains(answer, word) {
					t.Errorf("in %q: %s\ntells of %s: %s", database, sql, word, answer)
				}
			}
			if strings.Contains(answer, "plugh") || strings.Contains(answer, "did you mean vault") || strings.Contains(answer, "did you mean crypt") {
				t.Errorf("in %q: %s\n%s", database, sql, answer)
			}
		}
	}
	// It is as if it were not there: the same answer as for one that is not.
	for _, form := range []string{"SELECT * FROM %s.purchasez", "SHOW TABLES IN %s", "DESCRIBE %s.purchasez", "SHOW PARTITIONS live.%s.purchasez"} {
		hidden, none := ask("", fmt.Sprintf(form, "vault"), visible), ask("", fmt.Sprintf(form, "vxxlt"), visible)
		if strings.ReplaceAll(hidden, "vault", "X") != strings.ReplaceAll(none, "vxxlt", "X") {
			t.Errorf("%s\nhidden:  %s\nmissing: %s", form, hidden, none)
		}
	}
	if len(asked) == 0 {
		t.Error("nobody was asked what is visible")
	}
	for _, name := range asked {
		if name != strings.ToLower(name) {
			t.Errorf("visible was asked for %q", name)
		}
	}
	// What is visible is all there.
	for sql, want := range map[string]string{
		"SHOW DATABASES": "shop|\n", "SHOW TABLES IN shop": "purchases|\n", "SELECT id FROM shop.purchases": "1|\n", "SHOW PARTITIONS shop.purchases": "dt=2026-01-01|\n",
	} {
		if got := ask("", sql, visible); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %s", sql, got)
		}
	}
	if got := ask("", "SELECT count(*) FROM vault.purchasez", nil); !strings.HasPrefix(got, "2|") {
		t.Errorf("without a restriction: %s", got)
	}
}
