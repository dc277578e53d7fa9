package query_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"sluice/internal/lake"
	"sluice/query"
)

// EXPLAIN says what is read of a table, what is not, and why.
func TestExplain(t *testing.T) {
	h := newHouse(t, nil, func(c *query.Config) {
		c.CountPartitions = func(context.Context, lake.TableName) (int64, error) { return 4, nil }
	})
	name := lake.TableName{Database: "d", Table: "t"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/t") + "/",
		Columns:       []lake.Column{{Name: "id", Type: lake.Bigint}, {Name: "s", Type: lake.String}, {Name: "other", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}})
	for day := range 4 {
		dir := fmt.Sprintf("d/t/dt=2026-01-0%d", day+1)
		for f := range 3 {
			h.parquet(fmt.Sprintf("%s/%d.parquet", dir, f), fmt.Sprintf("SELECT %d + i AS id, 'x' AS s, 1::BIGINT AS other FROM range(10) t(i)", 100*f))
		}
		h.catalog.addPartition(name, lake.Partition{Values: []string{fmt.Sprintf("2026-01-0%d", day+1)}, Location: h.store.URI(dir) + "/"})
	}
	const where = " sum(id) FROM d.t WHERE dt >= '2026-01-02' AND id BETWEEN 95 AND 105 AND dt < CAST(current_date AS varchar)"
	for _, dialect := range []query.Dialect{query.DuckDB, query.Presto} {
		h.dialect = dialect
		for _, sql := range []string{"EXPLAIN SELECT" + where, "  -- why\n explain analyze SELECT" + where} {
			rows, _, err := h.query(sql)
			check(t, err)
			text := strings.Join(rows, "\n")
			if strings.Contains(text, h.root) {
				t.Errorf("%s: it says where files lie:\n%s", sql, text)
			}
			for _, want := range []string{
				`"d.t"`, `"  columns: id, dt (2 of 4)"`, `"  partitions: 3 of 4"`, "    by (dt >= '2026-01-02')", "    by (dt < ", "the catalog selects by (dt >= '2026-01-02') AND",
				`"  files: 3 of 9, `, "    by statistics: (id BETWEEN 95 AND 105)", `"  row groups: 3 of 9"`, "executor", "READ_PARQUET",
			} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: %s is missing of\n%s", sql, want, text)
				}
			}
		}
	}
	for sql, want := range map[string]string{
		"EXPLAIN (TYPE LOGICAL) SELECT 1": "no options", "EXPLAIN SELECT id FROM d.missing": "there is no table", "EXPLAIN": "", "EXPLAIN EXPLAIN SELECT 1": "",
		"EXPLAIN DROP TABLE d.t": "", "EXPLAIN SELECT x FROM d.t": "x",
	} {
		if _, _, err := h.query(sql); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// EXPLAIN reads no data of a remote store.
func TestExplainFetchesNothing(t *testing.T) {
	remote := &remoteStore{}
	h := newHouse(t, nil, func(c *query.Config) { remote.Store = c.Store; c.Store = remote })
	name := lake.TableName{Database: "d", Table: "t"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/t") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}}})
	h.parquet("d/t/a.parquet", "SELECT i AS id FROM range(100000) t(i)")
	h.parquet("d/t/b.parquet", "SELECT i + 100000 AS id FROM range(100000) t(i)")
	rows, stats, err := h.query("EXPLAIN SELECT sum(id) FROM d.t WHERE id = 7")
	check(t, err)
	if text := strings.Join(rows, "\n"); !strings.Contains(text, "files: 1 of 2") || !strings.Contains(text, "EXPLAIN ANALYZE") {
		t.Error(text)
	}
	if stats.FetchedBytes > 2*64<<10 {
		t.Errorf("%d bytes are fetched", stats.FetchedBytes)
	}
	h.want("SELECT sum(id) FROM d.t WHERE id = 7", "7")
}

// A remoteStore has no local files.
type remoteStore struct{ query.Store }

func (*remoteStore) LocalPath(string) (string, bool) { return "", false }
