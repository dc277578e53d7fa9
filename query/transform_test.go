package query_test

import (
	"testing"

	"sluice/configs"
	"sluice/internal/lake"
)

// What a transform makes, and what is rescued or marked, is the same while records
// are live and once they are delivered.
func TestLiveRowsAreTransformed(t *testing.T) {
	h := newHouse(t, map[string]configs.Stream{"s": {
		Table: "d.t", PartitionBy: []string{"k=kind"}, Transform: `select(.drop | not) | .kind = .type | .sum = .a + 1`,
		Columns: map[string]lake.ColumnSpec{"city": {Type: "string", From: "geo.city"}, "at": {Type: "timestamp(epoch_seconds)"}},
	}})
	h.post("s", `{"type":"x","a":1,"geo":{"city":"Rome"},"at":1769860800,"m":5}`, `{"drop":true}`, `{"type":"y","a":[2]}`)
	h.post("s", `{"type":"5","a":2,"geo":{"city":7},"at":"soon","m":"5"}`)
	for range 2 {
		h.want(`SELECT k, city, sum, epoch("at")::BIGINT, m FROM d.t ORDER BY sum`, `"x"|"Rome"|2|1769860800|"5"`, `"5"|"7"|3|null|"5"`)
		h.want("SELECT _rescued['m'], _rescued['city'], _rescued['at'], _rescued['kind'] FROM d.t ORDER BY sum", `"5"|null|null|null`, `null|"7"|"\"soon\""|null`)
		h.want("SELECT count(*) FROM d.t", "2")
		h.deliver("s")
	}
}
