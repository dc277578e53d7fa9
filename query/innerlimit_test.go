package query_test

import (
	"fmt"
	"testing"

	"sluice/internal/lake"
)

// What a subquery finds does not filter the rows that a LIMIT chooses from.
func TestLimitBelowJoin(t *testing.T) {
	h := newHouse(t, nil)
	h.catalog.put(lake.Table{Name: lake.TableName{Database: "d", Table: "t"}, Location: h.store.URI("d/t") + "/",
		Columns: []lake.Column{{Name: "id", Type: lake.Bigint}, {Name: "s", Type: lake.String}}})
	for i := range 12 {
		h.parquet(fmt.Sprintf("d/t/f%02d.parquet", i), fmt.Sprintf("SELECT (i * 7 + %d) %% 97 AS id, 'k' || i AS s FROM range(20) t(i)", (11-i)*3))
	}
	for limit, want := range map[int]string{1: "0", 5: "0", 18: "2", 60: "7"} {
		for _, where := range []string{"s = 'k12'", "s IN (SELECT 'k12')", "s IN (SELECT s FROM d.t WHERE id = 84 AND s = 'k12')"} {
			h.want(fmt.Sprintf("SELECT count(*) FROM (SELECT * FROM d.t ORDER BY id, s LIMIT %d) WHERE %s", limit, where), want)
		}
	}
}
