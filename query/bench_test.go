package query_test

import (
	stdsql "database/sql"
	"fmt"
	"path/filepath"
	"runtime"
	"testing"

	"sluice/internal/lake"
	"sluice/query"
)

var benchQueries = []struct{ name, sql string }{
	{"count", "SELECT count(*) FROM %s"},
	{"group", `SELECT "at", count(*) FROM %s GROUP BY 1`},
	{"hours", "SELECT hour(ts), count(*) FROM %s GROUP BY 1"},
	{"range", "SELECT sum(id) FROM %s WHERE ts >= '2026-01-02 10:00:00' AND ts < '2026-01-02 11:00:00'"},
	{"top", `SELECT "user", count(*) AS n FROM %s GROUP BY 1 ORDER BY 2 DESC LIMIT 3`},
	{"distinct", "SELECT count(DISTINCT id %% 100000) FROM %s"},
	{"one", `SELECT * FROM %s WHERE id = 77`},
	{"nested", "SELECT sum(item.price) FROM %s WHERE dt <> '1'"},
	{"minmax", "SELECT min(ts), max(ts), sum(id) FROM %s"},
}

// The engine beside plain DuckDB over the same files, which reads timestamps as
// it would without us.
func BenchmarkQueries(b *testing.B) {
	h := eventsHouse(b, 500_000)
	db, err := stdsql.Open("duckdb", "")
	check(b, err)
	defer db.Close()
	_, err = db.Exec(fmt.Sprintf("SET threads = 2; CREATE VIEW plain AS SELECT * REPLACE (ts::timestamp AS ts) FROM read_parquet('%s/*/*.parquet', hive_partitioning = true, hive_types = {dt: VARCHAR})", filepath.Join(h.root, "d/events")))
	check(b, err)
	for _, q := range benchQueries {
		b.Run(q.name+"/sluice", func(b *testing.B) {
			for b.Loop() {
				drain(b, h, fmt.Sprintf(q.sql, "d.events"))
			}
		})
		b.Run(q.name+"/duckdb", func(b *testing.B) {
			for b.Loop() {
				rows, err := db.Query(fmt.Sprintf(q.sql, "plain"))
				check(b, err)
				for rows.Next() {
				}
				check(b, rows.Err())
				rows.Close()
			}
		})
	}
}

func drain(b *testing.B, h *house, sql string) query.Stats {
	r, err := h.engine.Query(b.Context(), query.Request{Dialect: query.DuckDB, SQL: sql})
	check(b, err)
	for r.Next() {
	}
	check(b, r.Err())
	check(b, r.Close())
	return r.Stats()
}

// One day of many partitions.
func BenchmarkManyPartitions(b *testing.B) {
	h := newHouse(b, nil)
	name := lake.TableName{Database: "d", Table: "many"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/many") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}, {Name: "hr", Type: lake.String}}})
	h.parquet("d/many/f.parquet", "SELECT 1 AS id")
	for i := range 10_000 {
		dir := fmt.Sprintf("d/many/dt=%04d/hr=%02d", i/24, i%24)
		h.parquetLink(dir+"/f.parquet", "d/many/f.parquet")
		h.catalog.addPartitionUnchecked(name, lake.Partition{Values: []string{fmt.Sprintf("%04d", i/24), fmt.Sprintf("%02d", i%24)}, Location: h.store.URI(dir) + "/"})
	}
	runtime.GC()
	for _, sql := range []string{"SELECT count(*), sum(id) FROM d.many WHERE dt = '0100' AND hr = '03'", "SELECT count(*), sum(id) FROM d.many WHERE dt = '0100'", "SELECT dt, count(*) FROM d.many GROUP BY dt"} {
		b.Run(sql, func(b *testing.B) {
			for b.Loop() {
				drain(b, h, sql)
			}
		})
	}
}

// A query over a buffer that is converted, and one more record each time.
func BenchmarkLive(b *testing.B) {
	h := shopHouse(b)
	const n = 200_000
	lines := make([]string, 0, 1000)
	for i := range n {
		if lines = append(lines, purchase(i, i%28+1, "DE")); len(lines) == cap(lines) {
			h.post("purchases", lines...)
			lines = lines[:0]
		}
	}
	drain(b, h, "SELECT count(*) FROM shop.purchases")
	b.Run("warm", func(b *testing.B) {
		for b.Loop() {
			drain(b, h, "SELECT count(*) FROM shop.purchases WHERE country = 'DE'")
		}
	})
	b.Run("growing", func(b *testing.B) {
		for b.Loop() {
			h.post("purchases", purchase(1, 1, "DE"))
			drain(b, h, "SELECT count(*) FROM shop.purchases WHERE country = 'DE'")
		}
	})
}
