package query_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/query"
)

// The kind of queries that Athena is asked, over delivered and live rows.
func TestPrestoOverTables(t *testing.T) {
	h := shopHouse(t)
	h.dialect = query.Presto
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 1, "US"), purchase(3, 2, "DE"))
	h.deliver("purchases")
	h.post("purchases", purchase(4, 3, "FR"))
	for _, tt := range []struct{ sql, want string }{
		{"SELECT dt, count(*) AS n FROM shop.purchases WHERE dt BETWEEN '2026-01-01' AND '2026-01-02' GROUP BY dt ORDER BY dt", `"2026-01-01"|2 "2026-01-02"|1`},
		{"SELECT count(*) FROM shop.purchases WHERE dt = CAST(date '2026-01-03' - interval '1' day AS varchar)", "1"},
		{"SELECT count(*) FROM shop.purchases WHERE dt >= date_format(date_add('day', -1, date '2026-01-03'), '%Y-%m-%d')", "2"},
		{"SELECT count(*) FROM shop.purchases WHERE date(dt) >= date '2026-01-02'", "2"},
		{"SELECT count(*) FROM shop.purchases WHERE date_parse(dt, '%Y-%m-%d') < timestamp '2026-01-02 00:00:00'", "2"},
		{"SELECT count(*) FROM shop.purchases WHERE ts >= from_iso8601_timestamp('2026-01-02T00:00:00Z')", "2"},
		{"SELECT date_trunc('day', ts) AS d, sum(id) FROM shop.purchases GROUP BY 1 ORDER BY 1", `"2026-01-01 00:00:00.000"|3 "2026-01-02 00:00:00.000"|3 "2026-01-03 00:00:00.000"|4`},
		{"SELECT country, sum(id) / count(*) FROM shop.purchases GROUP BY country ORDER BY 2 DESC, 1", `"FR"|4 "DE"|2 "US"|2`},
		{"SELECT country, round(100.0 * count(*) / sum(count(*)) OVER (), 1) FROM shop.purchases GROUP BY country ORDER BY 1", `"DE"|50.0 "FR"|25.0 "US"|25.0`},
		{"SELECT date_diff('hour', min(ts), max(ts)), date_diff('day', min(ts), timestamp '2026-01-03 09:00:00') FROM shop.purchases", "48|1"},
		{"SELECT id, rank() OVER (PARTITION BY country ORDER BY ts DESC) FROM shop.purchases ORDER BY id", "1|2 2|1 3|1 4|1"},
		{"SELECT p.item.sku, hour(p.ts AT TIME ZONE 'Europe/Berlin') FROM shop.purchases p WHERE id = 1", `"s1"|11`},
		{`SELECT count(*) FROM "awsdatacatalog"."shop"."purchases"`, "4"},
		{"SELECT (SELECT count(*) FROM live.shop.purchases), (SELECT count(*) FROM lake.shop.purchases)", "1|3"},
		{"WITH d AS (SELECT day FROM UNNEST(sequence(date '2026-01-01', date '2026-01-04', interval '1' day)) AS t(day)) SELECT day, count(id) FROM d LEFT JOIN shop.purchases ON dt = CAST(day AS varchar) GROUP BY day ORDER BY day", `"2026-01-01"|2 "2026-01-02"|1 "2026-01-03"|1 "2026-01-04"|0`},
		{"SELECT map_agg(country, id)['FR'], element_at(map_agg(country, id), 'XX') FROM shop.purchases", "4|null"},
		{"SELECT array_join(array_agg(country ORDER BY id), ',') FROM shop.purchases", `"DE,US,DE,FR"`},
		{"SELECT approx_distinct(country), max_by(country, id), count_if(country = 'DE') FROM shop.purchases", `3|"FR"|2`},
		{"SELECT id, x FROM shop.purchases CROSS JOIN UNNEST(ARRAY[id, id * 10]) AS t(x) WHERE id = 2", "2|2 2|20"},
		{"SELECT if(id > 2, 'many'), coalesce(try(CAST(country AS bigint)), -1) FROM shop.purchases WHERE id IN (1, 3) ORDER BY id", `null|-1 "many"|-1`},
		{"SELECT country FROM shop.purchases WHERE country LIKE 'D%' AND regexp_like(dt, '^2026-01-0[12]$') AND id % 2 = 1 ORDER BY id LIMIT 1", `"DE"`},
		{"SELECT count(*) FROM shop.purchases WHERE country = 'DE' AND date_diff('day', date(dt), date '2026-01-02') = 0", "1"},
	} {
		rows, _, err := h.query(tt.sql)
		if got := strings.Join(rows, " "); err != nil || got != tt.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", tt.sql, got, err, tt.want)
		}
	}
}

// Conditions prune partitions in Presto's words too.
func TestPrestoPrunes(t *testing.T) {
	h := shopHouse(t)
	h.dialect = query.Presto
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 2, "DE"), purchase(3, 3, "DE"))
	h.deliver("purchases")
	for _, condition := range []string{
		"dt = '2026-01-02'", "dt >= '2026-01-02' AND dt < '2026-01-03'", "date(dt) = date '2026-01-02'", "CAST(dt AS date) = date '2026-01-01' + interval '1' day",
		"dt = CAST(date '2026-01-02' AS varchar)", "dt = date_format(date_add('day', 1, timestamp '2026-01-01 00:00:00'), '%Y-%m-%d')", "date_parse(dt, '%Y-%m-%d') = timestamp '2026-01-02 00:00:00'", "CAST(substr(dt, 9) AS bigint) = 4 / 2", "CAST(substr(dt, 9, 2) AS integer) = 2", "dt IN ('2026-01-02', 'x')", "day_of_month(date(dt)) = 2",
	} {
		rows, stats, err := h.query("SELECT id FROM shop.purchases WHERE " + condition)
		if err != nil || !slices.Equal(rows, []string{"2"}) || stats.PartitionsPruned != 2 {
			t.Errorf("%s: %q, %d pruned, %v", condition, rows, stats.PartitionsPruned, err)
		}
	}
}

func TestPrestoErrorsPointToTheStatement(t *testing.T) {
	h := shopHouse(t)
	h.dialect = query.Presto
	h.post("purchases", purchase(1, 1, "DE"))
	for _, tt := range []struct {
		sql, at string
		code    query.Code
	}{
		{"SELECT CAST(id AS array(bigint)) FROM shop.nope", "shop.nope", query.CodeNotFound},
		{"SELECT CAST(ARRAY[1] AS array(varchar)),\n strftime(ts) FROM shop.purchases", "strftime", query.CodeInvalid},
		{"SELECT CAST(ARRAY[1] AS array(varchar)), nope FROM shop.purchases", "nope", query.CodeInvalid},
		{"SELECT id / 2, read_csv('x') FROM shop.purchases", "read_csv", query.CodeForbidden},
		{"SELECT id FROM shop.purchases FETCH FIRST 1 ROWS ONLY WHERE", "WHERE", query.CodeSyntax},
	} {
		_, _, err := h.query(tt.sql)
		var fault *query.Error
		if !errors.As(err, &fault) || fault.Code != tt.code {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		lines := strings.Split(fault.Message, "\n")
		mark := len([]rune(lines[len(lines)-1])) - 1
		if line := []rune(lines[max(len(lines)-2, 0)]); mark < 0 || mark > len(line) || !strings.HasPrefix(string(line[mark:]), tt.at) {
			t.Errorf("%s: the mark is not at %s:\n%s", tt.sql, tt.at, fault.Message)
		}
	}
}
