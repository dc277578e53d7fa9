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

// Partition keys of a jq query are the same live and delivered, and records without
// one are in neither.
func TestLiveRowsOfAPartitionQuery(t *testing.T) {
	for _, query := range []string{
		`{size: (if .a > 10 then "large" elif .a == 0 then null else "small" end), kind: .k.type}`,
		`{size: .s, kind: .k.type}`,
	} {
		h := newHouse(t, map[string]configs.Stream{"s": {
			Table: "d.t", Prefix: "size=!{partitionKeyFromQuery:size}/!{partitionKeyFromQuery:kind}/", PartitionQuery: query,
		}})
		h.post("s", `{"a":11,"s":"large","k":{"type":"x"}}`, `{"a":0,"s":null,"k":{"type":"x"}}`, `{"a":5,"s":"small","k":{"type":7}}`)
		h.post("s", `{"a":6,"s":"small","k":{}}`, `{"a":7,"s":"small","k":{"type":true},"late":1}`)
		for range 2 {
			h.want(`SELECT a, size, partition_0, k.type, late FROM d.t ORDER BY a`, `5|"small"|"7"|"7"|null`, `7|"small"|"true"|"true"|1`, `11|"large"|"x"|"x"|null`)
			h.want("SELECT a FROM d.t WHERE size = 'large'", "11")
			h.deliver("s")
		}
	}
}
