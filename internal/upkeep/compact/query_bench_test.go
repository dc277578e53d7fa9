package compact_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"sluice/internal/upkeep/compact"
)

// BenchmarkTrickleQueries asks DuckDB over a day of trickle, 1,440 files in 24 partitions,
// before and after it was compacted: xBefore says how many times as fast it is after.
func BenchmarkTrickleQueries(b *testing.B) {
	h := openHouse(b, dt)
	for i := range 1440 {
		_, err := h.deliver(b.Context(), fmt.Sprintf("2026-01-31-%02d", i%24), i*500, 500)
		check(b, err)
	}
	queries := map[string]string{
		"count":  "SELECT count(*) FROM %s",
		"group":  "SELECT count(*) FROM (SELECT text, count(*) n, max(id) m FROM %s GROUP BY text)",
		"filter": "SELECT count(*) FROM %s WHERE id BETWEEN 100000 AND 100100",
	}
	before := map[string]time.Duration{}
	run := func(when string) {
		for _, name := range []string{"count", "group", "filter"} {
			b.Run(name+"/"+when, func(b *testing.B) {
				files, err := h.files(b.Context())
				check(b, err)
				list := ""
				for _, f := range slices.Concat(mapValues(files)...) {
					list += ",'" + f + "'"
				}
				q := fmt.Sprintf(queries[name], "read_parquet(["+list[1:]+"])")
				for b.Loop() {
					var n int64
					check(b, h.db.QueryRow(q).Scan(&n))
				}
				took := b.Elapsed() / time.Duration(b.N)
				if when == "before" {
					before[name] = took
				} else if before[name] > 0 {
					b.ReportMetric(float64(before[name])/float64(took), "xBefore")
				}
			})
		}
	}
	run("before")
	_, err := h.compactor(nil).Compact(b.Context(), events, compact.Options{})
	check(b, err)
	run("after")
}
