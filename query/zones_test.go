package query_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/ipc"

	"sluice/query"
	"sluice/query/output"
)

// A value's zone goes from a table's column through subqueries to the answer, in each
// form of it.
func TestZonesOverTables(t *testing.T) {
	h := shopHouse(t)
	h.dialect = query.Presto
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 2, "US"))
	h.deliver("purchases")
	h.post("purchases", purchase(3, 2, "DE"))
	const berlin = "SELECT id, ts AT TIME ZONE 'Europe/Berlin' AS t FROM shop.purchases"
	for sql, want := range map[string]string{
		"SELECT t, hour(t) FROM (" + berlin + ") WHERE id = 1":                                                                                     `"2026-01-01 11:00:00.000 Europe/Berlin"|11`,
		"WITH b AS (" + berlin + ") SELECT * FROM b WHERE t >= timestamp '2026-01-02 11:00:00 Europe/Berlin' ORDER BY id":                          `2|"2026-01-02 11:00:00.000 Europe/Berlin" 3|"2026-01-02 11:00:00.000 Europe/Berlin"`,
		"SELECT p.id, b.t FROM shop.purchases p JOIN (" + berlin + ") b ON p.id = b.id AND p.ts = b.t ORDER BY 1 LIMIT 1":                          `1|"2026-01-01 11:00:00.000 Europe/Berlin"`,
		"SELECT * FROM shop.purchases p JOIN (" + berlin + ") b ON p.id = b.id WHERE p.id = 1":                                                     `1|"2026-01-01 10:00:00.000"|"DE"|{"sku":"s1","price":1.5}|null|"2026-01-01"|1|"2026-01-01 11:00:00.000 Europe/Berlin"`,
		"SELECT date_trunc('day', ts AT TIME ZONE 'Asia/Tokyo') AS d, count(*) FROM shop.purchases GROUP BY 1 ORDER BY 1":                          `"2026-01-01 00:00:00.000 Asia/Tokyo"|1 "2026-01-02 00:00:00.000 Asia/Tokyo"|2`,
		"SELECT ts AT TIME ZONE 'Asia/Tokyo' AS ts, id FROM shop.purchases WHERE hour(ts) = 10 AND id < 3 ORDER BY ts, id":                         `"2026-01-01 19:00:00.000 Asia/Tokyo"|1 "2026-01-02 19:00:00.000 Asia/Tokyo"|2`,
		"SELECT ts AT TIME ZONE 'Asia/Tokyo' AS t, hour(ts) AS h, count(*) FROM shop.purchases GROUP BY 1, 2 HAVING hour(ts) = 10 ORDER BY t DESC": `"2026-01-02 19:00:00.000 Asia/Tokyo"|10|2 "2026-01-01 19:00:00.000 Asia/Tokyo"|10|1`,
		"SELECT t FROM (" + berlin + ") ORDER BY hour(t), t LIMIT 1":                                                                               `"2026-01-01 11:00:00.000 Europe/Berlin"`,
		"SELECT count(*) FROM shop.purchases WHERE ts AT TIME ZONE 'Asia/Tokyo' > timestamp '2026-01-02 00:00:00'":                                 "2",
	} {
		rows, _, err := h.query(sql)
		got := strings.Join(rows, " ")
		if strings.HasPrefix(sql, "SELECT * FROM shop") && err == nil { // whatever other columns there are
			if !strings.HasPrefix(got, `1|"2026-01-01 10:00:00.000"|`) || !strings.HasSuffix(got, `|1|"2026-01-01 11:00:00.000 Europe/Berlin"`) {
				t.Errorf("%s\n got %s", sql, got)
			}
			continue
		}
		if err != nil || got != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", sql, got, err, want)
		}
	}
	for sql, want := range map[string]string{
		"SELECT * FROM shop.purchases p JOIN (SELECT id, ts AT TIME ZONE 'Europe/Berlin' AS ts FROM shop.purchases) b ON p.id = b.id": "several columns are named ts",
		"SELECT ARRAY[t] FROM (" + berlin + ")":                                           "array",
		berlin + " UNION ALL SELECT id, ts AT TIME ZONE 'Asia/Tokyo' FROM shop.purchases": "different time zones",
	} {
		if _, _, err := h.query(sql); err == nil || !strings.Contains(strings.ToLower(err.Error()), want) {
			t.Errorf("%s: %v, want %q", sql, err, want)
		}
	}
	if rows, _, err := h.query("EXPLAIN " + berlin); err != nil || len(rows) < 3 {
		t.Errorf("EXPLAIN: %q, %v", rows, err)
	}
	stream, _, err := h.write(berlin+" WHERE id = 1", output.Arrow, query.Limits{})
	check(t, err)
	r, err := ipc.NewReader(bytes.NewReader(stream))
	check(t, err)
	defer r.Release()
	if got := r.Schema().Field(1).Type; !arrow.TypeEqual(got, &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "Europe/Berlin"}) {
		t.Errorf("Arrow says %s", got)
	}
	if !r.Next() || r.RecordBatch().Column(1).(*array.Timestamp).Value(0) != 1767261600_000_000 {
		t.Error("Arrow has another instant")
	}
}
