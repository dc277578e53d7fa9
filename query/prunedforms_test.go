package query_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/internal/lake"
	"sluice/query"
)

// formsHouse has a table of three days of two hours each, a file a partition, whose
// values grow with the days; and a table of one day.
func formsHouse(t *testing.T) *house {
	h := newHouse(t, nil)
	h.dialect = query.Presto
	columns, err := lake.ParseType("struct<id:bigint,url:string,ctx:struct<n:bigint,page:struct<url:string,at:timestamp>>>")
	check(t, err)
	name := lake.TableName{Database: "d", Table: "hits"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/hits") + "/", Columns: columns.Fields,
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}, {Name: "hour", Type: lake.String}}})
	n := 0
	for day := 1; day <= 3; day++ {
		for _, hour := range []string{"04", "16"} {
			n += 10
			dir := fmt.Sprintf("d/hits/dt=2026-01-0%d/hour=%s", day, hour)
			fields := fmt.Sprintf("n: i + %d, page: {url: '/p' || (i + %d), 'at': timestamptz '2026-01-0%d 00:00:00+00' + to_minutes(i)}", n, n, day)
			if n == 20 {
				fields = strings.ReplaceAll(fields, "page: ", "site: ") // an older file
			}
			h.parquet(dir+"/f.parquet", fmt.Sprintf("SELECT i + %d AS id, '/p' || (i + %d) AS url, {%s} AS ctx FROM range(10) t(i)", n, n, fields))
			h.catalog.addPartition(name, lake.Partition{Values: []string{fmt.Sprintf("2026-01-0%d", day), hour}, Location: h.store.URI(dir) + "/"})
		}
	}
	days := lake.TableName{Database: "d", Table: "days"}
	h.catalog.put(lake.Table{Name: days, Location: h.store.URI("d/days") + "/", Columns: []lake.Column{{Name: "note", Type: lake.String}},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}})
	for day := 1; day <= 3; day++ {
		dir := fmt.Sprintf("d/days/dt=2026-01-0%d", day)
		h.parquet(dir+"/f.parquet", fmt.Sprintf("SELECT 'day %d' AS note", day))
		h.catalog.addPartition(days, lake.Partition{Values: []string{fmt.Sprintf("2026-01-0%d", day)}, Location: h.store.URI(dir) + "/"})
	}
	return h
}

// What analysts write prunes where it can: partitions by their keys however these are
// cast, files by columns and by fields of structs.
func TestPrunedForms(t *testing.T) {
	h := formsHouse(t)
	for _, tt := range []struct {
		sql, want         string
		partitions, files int64 // pruned
	}{
		{"SELECT count(*) FROM d.hits WHERE ctx.n = 45", "1", 0, 5},
		{"SELECT count(*) FROM d.hits h WHERE h.ctx.n BETWEEN 12 AND 13", "2", 0, 5},
		{"SELECT count(*) FROM d.hits WHERE hits.ctx.page.url = '/p61'", "1", 0, 5},
		{"SELECT count(*) FROM d.hits WHERE d.hits.ctx.page.url IN ('/p61', '/p35')", "2", 0, 4},
		{"SELECT count(*) FROM d.hits WHERE ctx.page.\"at\" >= timestamp '2026-01-03 00:00:00'", "20", 0, 4},
		{"SELECT count(*) FROM d.hits WHERE ctx.page.url IS NULL", "10", 0, 0},
		{"SELECT count(*) FROM d.hits WHERE ctx.page.url IS NOT NULL", "50", 0, 1},
		{"SELECT count(*) FROM d.hits WHERE NOT ctx.n = 45", "59", 0, 0},
		{"SELECT count(*) FROM d.hits WHERE ctx.page.url LIKE '/p3%'", "10", 0, 5},
		{"SELECT count(*) FROM d.hits WHERE url LIKE '/p3_'", "10", 0, 5},
		{"SELECT count(*) FROM (SELECT ctx.page.url AS u FROM d.hits) WHERE u = '/p61'", "1", 0, 5},
		{"SELECT count(*) FROM d.hits ctx WHERE ctx.id = 35", "1", 0, 5},
		{"SELECT count(*) FROM d.hits a JOIN d.hits b ON a.id = b.id WHERE a.ctx.n = 35", "1", 0, 5},

		{"SELECT count(*) FROM d.hits WHERE cast(dt AS date) >= date '2026-01-03'", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE date(dt) = date '2026-01-02'", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE date_parse(dt, '%Y-%m-%d') < timestamp '2026-01-02 00:00:00'", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE cast(hour AS integer) BETWEEN 3 AND 5", "30", 3, 0},
		{"SELECT count(*) FROM d.hits WHERE cast(dt || ' ' || hour || ':00:00' AS timestamp) >= timestamp '2026-01-03 10:00:00'", "10", 5, 0},
		{"SELECT count(*) FROM d.hits WHERE (dt, hour) IN (('2026-01-01', '04'), ('2026-01-03', '16'))", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE year(date(dt)) = 2025", "0", 6, 0},
		{"SELECT count(*) FROM d.hits WHERE from_iso8601_date(dt) = date '2026-01-02'", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE substr(dt, 9, 2) = '03'", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE dt LIKE '2026-01-01%'", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE dt = date_format(date_add('day', -1, timestamp '2026-01-03 00:00:00'), '%Y-%m-%d')", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE dt = cast(date '2026-01-03' - interval '1' day AS varchar)", "20", 4, 0},

		{"SELECT dt, count(*) FROM d.hits GROUP BY dt HAVING dt = '2026-01-02'", `"2026-01-02"|20`, 4, 0},
		{"SELECT dt AS day, count(*) FROM d.hits GROUP BY 1 HAVING dt > '2026-01-02' AND count(*) > 1", `"2026-01-03"|20`, 4, 0},
		{"SELECT dt, hour, count(*) FROM d.hits GROUP BY dt, hour HAVING cast(hour AS integer) < 10 AND dt < '2026-01-03' ORDER BY dt", `"2026-01-01"|"04"|10 "2026-01-02"|"04"|10`, 4, 0},
		{"SELECT dt, count(*) FROM d.hits GROUP BY dt HAVING dt = '2026-01-02' OR count(*) > 100", `"2026-01-02"|20`, 0, 0},
		{"SELECT dt, max(hour) FROM d.hits GROUP BY dt HAVING max(dt) = '2026-01-02'", `"2026-01-02"|"16"`, 0, 0},
		{"SELECT ctx.page.url, count(*) FROM d.hits GROUP BY ctx.page.url HAVING ctx.page.url = '/p61'", `"/p61"|1`, 0, 5},
		{"SELECT dt, hour, count(*) FROM d.hits GROUP BY ROLLUP (dt, hour) HAVING dt IS NULL", `null|null|60`, 0, 0},
		{"SELECT d.dt, count(h.id) FROM d.days d LEFT JOIN d.hits h ON h.dt = d.dt GROUP BY d.dt HAVING d.dt = '2026-01-02'", `"2026-01-02"|20`, 6, 0},
		{"SELECT count(*) FROM d.hits JOIN d.days USING (dt) WHERE dt = '2026-01-02'", "20", 6, 0},
		{"SELECT count(*) FROM d.hits NATURAL JOIN d.days WHERE dt = '2026-01-02'", "20", 6, 0},
		{"SELECT count(*) FROM d.hits h JOIN d.days d USING (dt) WHERE h.id = 35", "1", 0, 5},
		{"SELECT count(*) FROM d.hits WHERE dt IN (SELECT '2026-01-02')", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE dt = (SELECT '2026-01-02')", "20", 4, 0},
		{"SELECT count(*) FROM d.hits WHERE dt IN (VALUES '2026-01-02', '2026-01-03')", "40", 2, 0},
	} {
		rows, stats, err := h.query(tt.sql)
		if got := strings.Join(rows, " "); err != nil || got != tt.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", tt.sql, got, err, tt.want)
		}
		if stats.PartitionsPruned < tt.partitions || stats.FilesPruned < tt.files {
			t.Errorf("%s: %d partitions and %d files are pruned, want %d and %d", tt.sql, stats.PartitionsPruned, stats.FilesPruned, tt.partitions, tt.files)
		}
	}
}
