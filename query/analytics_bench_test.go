package query_test

import (
	"bytes"
	stdsql "database/sql"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"sluice/configs"
	"sluice/internal/lake"
	"sluice/internal/sample"
	"sluice/query"
)

// analytics are queries, and the same ones of Presto's where that differs.
// %[1]s is the table of purchases, %[2]s that of Segment's events.
var analytics = []struct{ name, sql, presto string }{
	{name: "purchases by genre", sql: "SELECT genre, count(*) FROM %[1]s GROUP BY genre"},
	{name: "ages of a day", sql: "SELECT sum(userage), avg(userage) FROM %[1]s WHERE dt = '2026-01-03'"},
	{name: "top users", sql: "SELECT userid, count(*) AS n FROM %[1]s GROUP BY userid ORDER BY n DESC LIMIT 10"},
	{name: "users", sql: "SELECT count(DISTINCT userid) FROM %[1]s"},
	{name: "purchases of a user", sql: "SELECT * FROM %[1]s WHERE userid = '014bde93-d663-4550-ba02-d459d901cec3'"},
	{name: "purchases by hour", sql: "SELECT hour(make_timestamp(purchasetimestamp * 1000000)) AS h, count(*) FROM %[1]s GROUP BY 1",
		presto: "SELECT hour(from_unixtime(purchasetimestamp)) AS h, count(*) FROM %[1]s GROUP BY 1"},
	{name: "genre by country", sql: "SELECT genre, usercountry, count(*), avg(userage) FROM %[1]s GROUP BY genre, usercountry"},
	{name: "events by type", sql: "SELECT type, count(*) FROM %[2]s GROUP BY type"},
	{name: "active users", sql: "SELECT userid, count(*) AS n FROM %[2]s WHERE event = 'Product Viewed' GROUP BY userid ORDER BY n DESC LIMIT 10"},
	{name: "events of a user", sql: "SELECT * FROM %[2]s WHERE userid = 'user_ca92df9d25'"},
	{name: "events by hour", sql: `SELECT hour("timestamp") AS h, count(*) FROM %[2]s GROUP BY 1`},
	{name: "products of a day", sql: "SELECT properties.category, count(*), sum(properties.price) FROM %[2]s WHERE dt = '2026-01-02' GROUP BY 1"},
}

// benchMB is the size of each input in MB of JSON: TEST_BENCH_MB, 32 by default so
// that a plain run is quick. A claim wants 1000.
func benchMB(b *testing.B) int64 {
	s := os.Getenv("TEST_BENCH_MB")
	if s == "" {
		return 32
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		b.Fatalf("TEST_BENCH_MB=%q: want a number of megabytes", s)
	}
	return n
}

// deliverSample sends sample events of a kind and delivers them, a batch every
// 250 MB.
func (h *house) deliverSample(b *testing.B, kind string, mb int64) {
	g, err := sample.New(kind, 1)
	check(b, err)
	events := mb * 1_000_000 / sample.MeanSize(kind)
	g.Spread(events)
	var block []byte
	for size, n := int64(0), int64(0); n < events; n++ {
		block = g.AppendEvent(block)
		if !bytes.HasSuffix(block, []byte("\n")) {
			block = append(block, '\n')
		}
		if len(block) < 4<<20 && n < events-1 {
			continue
		}
		check(b, h.buffer.Append(b.Context(), kind, lake.Block{Data: block, Records: bytes.Count(block, []byte("\n")), Arrival: time.Unix(1769860800, 0)}))
		if size += int64(len(block)); size > 250_000_000 || n == events-1 {
			h.deliver(kind)
			size = 0
		}
		block = nil
	}
}

// A cost is the least that something took, wall clock and CPU.
type cost struct{ wall, cpu time.Duration }

func (c *cost) measure(b *testing.B, do func()) {
	cpu := func() time.Duration {
		var u syscall.Rusage
		check(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	began, before := time.Now(), cpu()
	do()
	wall, used := time.Since(began), cpu()-before
	if c.wall == 0 || wall < c.wall {
		c.wall = wall
	}
	if c.cpu == 0 || used < c.cpu {
		c.cpu = used
	}
}

// BenchmarkAnalytics runs the queries over delivered purchases and Segment events,
// each through the engine in both dialects and through DuckDB alone, one after the
// other. What it reports is of each query's best run.
func BenchmarkAnalytics(b *testing.B) {
	h := newHouse(b, map[string]configs.Stream{
		"purchases": {PartitionBy: []string{"dt=day(purchaseTimestamp)"}}, "segment": {PartitionBy: []string{"dt=day(timestamp)"}},
	}, func(c *query.Config) { c.Memory = 4 << 30 })
	for _, kind := range []string{"purchases", "segment"} {
		h.deliverSample(b, kind, benchMB(b))
	}
	db, err := stdsql.Open("duckdb", "?threads=2&memory_limit=2GB")
	check(b, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
	check(b, err)
	plain := func(table string) string {
		return fmt.Sprintf("read_parquet('%s/default/%s/*/*.parquet', hive_partitioning = true, hive_types = {dt: VARCHAR}, union_by_name = true)", h.root, table)
	}
	modes := []string{"sluice", "presto", "duckdb"}
	costs := make([][3]cost, len(analytics))
	for b.Loop() {
		for i, q := range analytics {
			sql, presto := fmt.Sprintf(q.sql, "purchases", "segment"), q.presto
			if presto == "" {
				presto = q.sql
			}
			presto = fmt.Sprintf(presto, "purchases", "segment")
			costs[i][0].measure(b, func() { drain(b, h, sql) })
			costs[i][1].measure(b, func() { drainIn(b, h, query.Presto, presto) })
			costs[i][2].measure(b, func() { drainPlain(b, db, fmt.Sprintf(q.sql, plain("purchases"), plain("segment"))) })
		}
	}
	var total [3]cost
	for i, q := range analytics {
		line := fmt.Sprintf("%-20s", q.name)
		for m, c := range costs[i] {
			total[m].wall += c.wall
			total[m].cpu += c.cpu
			line += fmt.Sprintf("  %s %7.1f ms, CPU %7.1f", modes[m], c.wall.Seconds()*1000, c.cpu.Seconds()*1000)
		}
		b.Log(line)
	}
	for m, c := range total {
		b.ReportMetric(c.wall.Seconds()*1000, modes[m]+"-ms")
		b.ReportMetric(c.cpu.Seconds()*1000, modes[m]+"-cpu-ms")
	}
	b.ReportMetric(total[0].wall.Seconds()/total[2].wall.Seconds(), "sluice/duckdb")
}
