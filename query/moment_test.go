package query_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/internal/lake"
	"sluice/query"
)

// now() and its like are one instant in all of a query, that of its start, in what
// is pruned and in what is run.
func TestMoments(t *testing.T) {
	h := newHouse(t, nil)
	name := lake.TableName{Database: "d", Table: "t"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/t") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}})
	for i, dt := range []string{"2020-01-01", "2999-01-01"} {
		h.parquet("d/t/dt="+dt+"/f.parquet", fmt.Sprintf("SELECT %d AS id", i))
		h.catalog.addPartition(name, lake.Partition{Values: []string{dt}, Location: h.store.URI("d/t/dt="+dt) + "/"})
	}
	h.dialect = query.Presto
	for _, sql := range []string{
		"SELECT id FROM d.t WHERE dt >= date_format(current_date, '%Y-%m-%d')",
		"SELECT id FROM d.t WHERE dt >= date_format(now() - INTERVAL '7' DAY, '%Y-%m-%d')",
		"SELECT id FROM d.t WHERE date(dt) > current_date",
		"SELECT id FROM d.t WHERE CAST(dt AS timestamp) > localtimestamp",
		"SELECT id FROM d.t WHERE dt BETWEEN CAST(current_date AS varchar) AND '3'",
		"SELECT x.id FROM d.t x JOIN d.t y ON x.id = y.id WHERE x.dt > CAST(current_date AS varchar) AND y.dt > CAST(current_timestamp AS varchar)",
	} {
		if stats := h.want(sql, "1"); stats.PartitionsPruned*2 != stats.Partitions {
			t.Errorf("%s: %d partitions of %d are pruned", sql, stats.PartitionsPruned, stats.Partitions)
		}
	}
	for _, sql := range []string{
		"SELECT now() FROM d.t WHERE dt < CAST(now() AS varchar) AND now() = (SELECT max(now()) FROM d.t)", "SELECT current_timestamp",
	} {
		before := time.Now().UTC()
		rows, _, err := h.query(sql)
		after := time.Now().UTC()
		if err != nil || len(rows) != 1 {
			t.Fatalf("%s: %v, %v", sql, rows, err)
		}
		got, err := time.Parse("2006-01-02 15:04:05.000 MST", strings.Trim(rows[0], `"`))
		check(t, err)
		if got.Before(before.Truncate(time.Millisecond)) || got.After(after) {
			t.Errorf("%s: %s is not between %s and %s", sql, got, before, after)
		}
	}
	h.dialect = query.DuckDB
	r, err := h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: "SELECT now(), current_date, today() FROM d.t LIMIT 1"})
	check(t, err)
	defer r.Close()
	var names []string
	for _, c := range r.Columns() {
		names = append(names, c.Name)
	}
	if got := strings.Join(names, " "); got != "now() current_date today()" && got != "now() current_date() today()" {
		t.Errorf("the columns are called %s", got)
	}
}
