package query_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"sluice/internal/lake"
)

func eventsHouse(t testing.TB, rows int) *house {
	h := newHouse(t, nil)
	name := lake.TableName{Database: "d", Table: "events"}
	s, err := lake.ParseType("struct<id:bigint,user:string,ts:timestamp,item:struct<sku:string,price:double>,at:date>")
	check(t, err)
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/events") + "/", Columns: s.Fields,
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}}})
	for day := range 3 {
		dir := fmt.Sprintf("d/events/dt=%d", day)
		h.parquet(dir+"/f.parquet", fmt.Sprintf(`SELECT i + %d AS id, 'user ' || i %% 1000 AS "user", timestamptz '2026-01-0%d 00:00:00+00' + to_microseconds(i * 86400000000 // %d) AS ts,
			{'sku': 's' || i, 'price': i / 2} AS item, date '2026-01-0%d' AS at FROM range(%d) t(i)`, day*rows, day+1, rows, day+1, rows))
		h.catalog.addPartition(name, lake.Partition{Values: []string{fmt.Sprint(day)}, Location: h.store.URI(dir) + "/"})
	}
	return h
}

// Filters and projections reach the scan, of nested fields and of timestamps
// too, in the forms with one, few and many partitions.
func TestPushdown(t *testing.T) {
	h := eventsHouse(t, 1000)
	spaces := regexp.MustCompile(`[\s│]+`)
	for _, tt := range []struct {
		sql   string
		scan  []string // what the scan says
		never []string
	}{
		{"SELECT id FROM d.events WHERE id = 5", []string{"Projections: c0", "Filters: c0=5"}, []string{"c1", "c3"}},
		{"SELECT id FROM d.events WHERE dt = '1' AND \"user\" = 'user 1'", []string{"c1='user 1'"}, []string{"CASE"}},
		{"SELECT item.price FROM d.events WHERE dt > '0'", []string{"c3.price"}, []string{"c3.sku", "c1"}},
		{"SELECT count(*) FROM d.events WHERE ts >= '2026-01-02' AND ts < '2026-01-03'", []string{"c2>=", "c2<="}, []string{"c1"}},
		{"SELECT count(*) FROM d.events e WHERE e.ts BETWEEN date '2026-01-02' AND timestamp '2026-01-03 00:00:00'", []string{"c2>=", "c2<="}, nil},
		{"SELECT count(*) FROM d.events WHERE date '2026-01-02' > ts", []string{"c2<="}, nil},
		{"SELECT count(*) FROM d.events WHERE \"at\" = date '2026-01-02'", []string{"c4='2026-01-02'"}, nil},
	} {
		text, err := h.engine.Explain(t.Context(), tt.sql)
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		flat := spaces.ReplaceAllString(text, " ")
		_, scan, _ := strings.Cut(flat, "READ_PARQUET")
		for _, part := range tt.scan {
			if !strings.Contains(scan, part) {
				t.Errorf("%s: the scan lacks %q:\n%s", tt.sql, part, text)
			}
		}
		for _, part := range tt.never {
			if strings.Contains(scan, part) || part == "CASE" && strings.Contains(flat, part) {
				t.Errorf("%s: the plan has %q:\n%s", tt.sql, part, text)
			}
		}
	}
}

// The filters that help the scan change no answer, at the edges either.
func TestTimestampEdges(t *testing.T) {
	h := newHouse(t, nil)
	h.catalog.put(lake.Table{Name: lake.TableName{Database: "d", Table: "t"}, Location: h.store.URI("d/t") + "/",
		Columns: []lake.Column{{Name: "ts", Type: lake.Timestamp}}})
	h.parquet("d/t/a.parquet", `SELECT unnest([timestamptz '2026-01-01 00:00:00+00', timestamptz '2026-01-01 00:00:00.000001+00',
		timestamptz '2025-12-31 23:59:59.999999+00', timestamptz '1900-01-01 00:00:00+00', timestamptz '2200-01-01 00:00:00+00', NULL]) AS ts`)
	for where, want := range map[string]string{
		"ts = '2026-01-01'": "1", "ts < '2026-01-01'": "2", "ts <= '2026-01-01'": "3", "ts > '2026-01-01'": "2", "ts >= '2026-01-01'": "3",
		"ts BETWEEN '2025-12-31 23:59:59.999999' AND '2026-01-01 00:00:00.000001'": "3",
		"ts > timestamp_ns '2025-12-31 23:59:59.999999500'":                        "3",
		"ts < timestamp_ns '2026-01-01 00:00:00.000000500'":                        "3",
		"ts >= timestamptz '2026-01-01 01:00:00+01'":                               "3",
		"ts < date '2026-01-01' + 1":                                               "4",
		"ts IS NULL":                                                               "1",
		"ts <> '2026-01-01'":                                                       "4",
		"ts < now() AND ts > '2000-01-01'":                                         "3",
		"ts = NULL":                                                                "0",
		"ts > '2026-01-01' OR ts IS NULL":                                          "3",
		"NOT ts > '2026-01-01'":                                                    "3",
		"year(ts) = 2026":                                                          "2",
		"ts >= '2026-01-01' AND ts < 'infinity'":                                   "3",
	} {
		rows, _, err := h.query("SELECT count(*) FROM d.t WHERE " + where)
		if err != nil || rows[0] != want {
			t.Errorf("%s: %v, %v, want %s", where, rows, err, want)
		}
	}
	h.want("SELECT min(ts), max(ts) FROM d.t", `"1900-01-01 00:00:00.000"|"2200-01-01 00:00:00.000"`)
}
