package query_test

import (
	stdsql "database/sql"
	"fmt"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
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
				drainPlain(b, db, fmt.Sprintf(q.sql, "plain"))
			}
		})
	}
}

func drainPlain(b *testing.B, db *stdsql.DB, sql string) {
	rows, err := db.Query(sql)
	check(b, err)
	for rows.Next() {
	}
	check(b, rows.Err())
	rows.Close()
}

func drain(b *testing.B, h *house, sql string) query.Stats { return drainIn(b, h, query.DuckDB, sql) }

func drainIn(b *testing.B, h *house, dialect query.Dialect, sql string) query.Stats {
	r, err := h.engine.Query(b.Context(), query.Request{Dialect: dialect, SQL: sql})
	check(b, err)
	for r.Next() {
	}
	check(b, r.Err())
	check(b, r.Close())
	return r.Stats()
}

// One day of 10,000 partitions with 20,000 files, in the catalog that comes with the
// service, beside DuckDB over the folders.
func BenchmarkManyPartitions(b *testing.B) {
	server, err := embedded.Open(filepath.Join(b.TempDir(), "catalog.db"))
	check(b, err)
	defer server.Close()
	registered, err := catalogsync.New(b.Context(), catalogsync.Config{Transport: server.Transport()})
	check(b, err)
	h := newHouse(b, nil, func(c *query.Config) { c.Catalog, c.CountPartitions = registered, server.CountPartitions })
	name := lake.TableName{Database: "d", Table: "many"}
	table := lake.Table{Name: name, Location: h.store.URI("d/many") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}, {Name: "hr", Type: lake.String}}}
	_, err = registered.Ensure(b.Context(), table)
	check(b, err)
	h.parquet("d/one.parquet", "SELECT 1::BIGINT AS id")
	var partitions []lake.Partition
	for i := range 10_000 {
		dt, hr := fmt.Sprintf("%04d", i/24), fmt.Sprintf("%02d", i%24)
		dir := "d/many/dt=" + dt + "/hr=" + hr
		h.parquetLink(dir+"/a.parquet", "d/one.parquet")
		h.parquetLink(dir+"/b.parquet", "d/one.parquet")
		partitions = append(partitions, lake.Partition{Values: []string{dt, hr}, Location: h.store.URI(dir) + "/"})
	}
	check(b, registered.AddPartitions(b.Context(), table, partitions))
	db, err := stdsql.Open("duckdb", "")
	check(b, err)
	defer db.Close()
	_, err = db.Exec("SET threads = 2")
	check(b, err)
	plain := fmt.Sprintf("read_parquet('%s/d/many/*/*/*.parquet', hive_partitioning = true, hive_types = {dt: VARCHAR, hr: VARCHAR})", h.root)
	runtime.GC()
	const day = "SELECT count(*), sum(id) FROM %s WHERE dt = '0100'"
	b.Run("plan", func(b *testing.B) {
		for b.Loop() {
			check(b, h.engine.Plan(b.Context(), fmt.Sprintf(day, "d.many")))
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N), "ms/plan")
	})
	for _, sql := range []string{"SELECT count(*), sum(id) FROM %s WHERE dt = '0100' AND hr = '03'", day, "SELECT dt, count(*) FROM %s GROUP BY dt"} {
		b.Run(fmt.Sprintf(sql, "t")+"/sluice", func(b *testing.B) {
			began := cpuTime(b)
			for b.Loop() {
				drain(b, h, fmt.Sprintf(sql, "d.many"))
			}
			b.ReportMetric(float64((cpuTime(b)-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
		b.Run(fmt.Sprintf(sql, "t")+"/duckdb", func(b *testing.B) {
			began := cpuTime(b)
			for b.Loop() {
				drainPlain(b, db, fmt.Sprintf(sql, plain))
			}
			b.ReportMetric(float64((cpuTime(b)-began).Milliseconds())/float64(b.N), "cpu-ms/op")
		})
	}
}

// cpuTime is the processor time of this process, which other processes do not stretch as
// they do the time by the clock.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &used))
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
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
