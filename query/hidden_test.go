package query_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sluice/internal/lake"
	"sluice/query"
)

func TestHiddenColumns(t *testing.T) {
	h := shopHouse(t)
	h.dialect = query.Presto
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 2, "US"))
	h.deliver("purchases")
	h.post("purchases", purchase(3, 2, "FR"))
	files, err := filepath.Glob(filepath.Join(h.root, "shop/purchases/dt=2026-01-01/*/*.parquet"))
	check(t, err)
	if len(files) != 1 {
		t.Fatalf("%d files", len(files))
	}
	uri := "file://" + files[0]
	info, err := os.Stat(files[0])
	check(t, err)
	for sql, want := range map[string]string{
		`SELECT "$path" FROM shop.purchases WHERE id = 1`:                                                                       strconv.Quote(uri),
		`SELECT id FROM shop.purchases WHERE "$path" = '` + uri + `'`:                                                           "1",
		`SELECT id FROM shop.purchases WHERE "$path" LIKE '%/dt=2026-01-02/%'`:                                                  "2",
		`SELECT "$path", "$file_size", "$file_modified_time" FROM shop.purchases WHERE id = 3`:                                  `"live://shop.purchases"|null|null`,
		`SELECT p."$file_size", "$file_modified_time" > timestamp '2020-01-01 00:00:00 UTC' FROM shop.purchases p WHERE id = 1`: strconv.FormatInt(info.Size(), 10) + "|true",
		`SELECT count(DISTINCT "$path"), count(*) FROM shop.purchases`:                                                          "3|3",
		`SELECT id, count(*) FROM (SELECT *, "$path" AS p FROM shop.purchases) GROUP BY id ORDER BY id`:                         "1|1 2|1 3|1",
		`SELECT count(*) FROM shop.purchases WHERE "$path" IS NULL`:                                                             "0",
		`SELECT "$path" FROM lake.shop.purchases WHERE dt = '2026-02-02'`:                                                       "",
		`SELECT p.id, q.id FROM shop.purchases p JOIN shop.purchases q ON p."$path" = q."$path" WHERE p.id = 2`:                 "2|2",
	} {
		rows, _, err := h.query(sql)
		if got := strings.Join(rows, " "); err != nil || got != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", sql, got, err, want)
		}
	}
	for _, sql := range []string{`SELECT p."$path" FROM shop.purchases p NATURAL JOIN shop.purchases q`, `SELECT id FROM (SELECT * FROM shop.purchases NATURAL LEFT JOIN (SELECT 1 AS id)) WHERE "$path" <> ''`} {
		if _, _, err := h.query(sql); err == nil || !strings.Contains(err.Error(), "NATURAL JOIN: say JOIN … USING") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	// What * stands for is the same with them.
	plain, _, err := h.query("SELECT * FROM shop.purchases WHERE id = 1")
	check(t, err)
	for _, sql := range []string{
		`SELECT * FROM shop.purchases WHERE id = 1 AND "$path" IS NOT NULL`, `SELECT p.* FROM shop.purchases p WHERE id = 1 AND "$path" IS NOT NULL`,
		`SELECT * FROM (SELECT * FROM shop.purchases WHERE "$path" IS NOT NULL) WHERE id = 1`,
	} {
		if rows, _, err := h.query(sql); err != nil || strings.Join(rows, " ") != strings.Join(plain, " ") {
			t.Errorf("%s\n got %s (%v)\nwant %s", sql, rows, err, plain)
		}
	}
	if rows, _, err := h.query(`SELECT *, "$path" FROM shop.purchases WHERE id = 1`); err != nil || len(rows) != 1 || rows[0] != plain[0]+"|"+strconv.Quote(uri) {
		t.Errorf("%s, %v", rows, err)
	}
}

// Many files are told apart as few are.
func TestHiddenColumnsOfManyFiles(t *testing.T) {
	const files = 1100
	h := newHouse(t, nil)
	name := lake.TableName{Database: "d", Table: "t"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/t") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "k", Type: lake.String}}})
	h.parquet("d/one.parquet", "SELECT 1::BIGINT AS id")
	for i := range files {
		dir := fmt.Sprintf("d/t/k=%d", i)
		h.parquetLink(dir+"/it's.parquet", "d/one.parquet")
		h.catalog.addPartition(name, lake.Partition{Values: []string{strconv.Itoa(i)}, Location: h.store.URI(dir) + "/"})
	}
	info, err := os.Stat(filepath.Join(h.root, "d/one.parquet"))
	check(t, err)
	h.want(`SELECT count(*), count(DISTINCT "$path"), sum("$file_size"), count("$file_modified_time"), count(DISTINCT k), sum(id) FROM d.t`,
		fmt.Sprintf("%d|%d|%d|%d|%d|%d", files, files, files*info.Size(), files, files, files))
	h.want(`SELECT k FROM d.t WHERE "$path" LIKE '%/k=1077/it''s.parquet'`, `"1077"`)
}
