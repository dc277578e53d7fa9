package query_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"sluice/configs"
	"sluice/internal/lake"
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

// What is computed of decimals has the digits that Presto gives it, wherever its
// columns come from.
func TestDecimalsOfTables(t *testing.T) {
	h := newHouse(t, map[string]configs.Stream{"sales": {
		Table: "shop.sales", PartitionBy: []string{"dt=day(ts)"},
		Columns: map[string]lake.ColumnSpec{"amount": {Type: "decimal(18,4)"}, "rate": {Type: "decimal(9,2)"}},
	}})
	h.dialect = query.Presto
	h.post("sales", `{"id":1,"ts":"2026-01-01T10:00:00Z","amount":99999999999999.9999,"rate":1234567.89}`, `{"id":2,"ts":"2026-01-01T11:00:00Z","amount":7.55,"rate":2.5}`)
	h.deliver("sales")
	for _, tt := range []struct{ sql, want string }{
		{"SELECT amount + rate, typeof(amount + rate), amount * rate, typeof(amount * rate) FROM shop.sales ORDER BY id", `100000001234567.8899|"decimal(19,4)"|123456788999999999876.543211|"decimal(27,6)" 10.0500|"decimal(19,4)"|18.875000|"decimal(27,6)"`},
		{"SELECT s.amount / s.rate, s.amount % s.rate, typeof(s.amount / id) FROM shop.sales AS s ORDER BY s.id", `81000000.7371|909999.9999|"decimal(18,4)" 3.0200|0.0500|"decimal(18,4)"`},
		{"WITH d AS (SELECT dt, sum(amount) AS total FROM shop.sales GROUP BY dt) SELECT dt, total / 3, typeof(total / 3) FROM d WHERE total > 1.5", `"2026-01-01"|33333333333335.8500|"decimal(38,4)"`},
		{"SELECT typeof(x.amount * 2) FROM (SELECT * FROM shop.sales WHERE amount < 10) x", `"decimal(28,4)"`},
	} {
		rows, _, err := h.query(tt.sql)
		if got := strings.Join(rows, " "); err != nil || got != tt.want {
			t.Errorf("%s\n got %s (%v)\nwant %s", tt.sql, got, err, tt.want)
		}
	}
}
