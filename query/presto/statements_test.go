package presto_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/query/executor"
	"sluice/query/presto"
)

const sales = "(VALUES ('DE', 1, 10.50, date '2026-01-01'), ('DE', 2, 5.25, date '2026-01-02'), ('US', 3, NULL, date '2026-01-02'), ('US', NULL, 1.00, date '2026-02-01')) AS t(country, id, price, day)"

// statements are whole ones; {sales} stands for a small table.
var statements = map[string][]answer{
	"aggregate": {
		{"SELECT sum(id), avg(id), count(*), count(id) FROM {sales}", "6|2.0|4|3"}, {"SELECT sum(price), avg(price) FROM {sales}", "16.75|5.58"},
		{"SELECT sum(id) / count(*) FROM {sales}", "1"}, {"SELECT country, sum(id) / count(id) FROM {sales} GROUP BY country ORDER BY 1", `"DE"|1 "US"|3`},
		{"SELECT sum(price) / count(*) FROM {sales}", "4.19"}, {"SELECT 100.0 * count(id) / count(*) FROM {sales}", "75.0"},
		{"SELECT sum(x) FROM (VALUES 9223372036854775807, 1) AS t(x)", "! bigint overflow"}, {"SELECT sum(CAST(x AS real)) FROM (VALUES 0.5, 1) AS t(x)", "1.5"},
		{"SELECT count(DISTINCT country), count_if(id > 1) FROM {sales}", "2|2"}, {"SELECT bool_and(id > 0), bool_or(id > 2), every(id > 1) FROM {sales}", "true|true|false"},
		{"SELECT max_by(country, price), min_by(country, price) FROM {sales}", `"DE"|"US"`}, {"SELECT max_by(id, day) FROM {sales}", "null"}, {"SELECT max_by(id, price, 2), min_by(id, price, 1) FROM {sales}", "[1,2]|[null]"},
		{"SELECT arbitrary(country), any_value(country) FROM {sales} WHERE country = 'DE'", `"DE"|"DE"`}, {"SELECT array_agg(id ORDER BY id DESC) FROM {sales}", "[3,2,1,null]"}, {"SELECT array_agg(id) FILTER (WHERE id > 2) FROM {sales}", "[3]"},
		{"SELECT map_agg(day, id) FROM {sales} WHERE country = 'DE'", `{"2026-01-01":1,"2026-01-02":2}`}, {"SELECT cardinality(map_agg(country, id)) FROM {sales}", "2"}, {"SELECT histogram(country) FROM {sales}", `{"DE":2,"US":2}`},
		{"SELECT approx_distinct(country), approx_distinct(country, 0.01e0) FROM {sales}", "2|2"}, {"SELECT approx_percentile(id, 0.5) FROM {sales}", "2"}, {"SELECT approx_percentile(id, ARRAY[0.5, 0.9]) FROM {sales}", "[2,3]"}, {"SELECT approx_percentile(id, 1, 0.5) FROM {sales}", "2"}, {"SELECT approx_percentile(id, id) FROM {sales}", "! a number from 0 to 1"},
		{"SELECT round(stddev(id), 3), stddev_samp(id), stddev_pop(id) > 0.8, variance(id), var_samp(id), var_pop(id) < 0.7 FROM {sales}", "1.0|1.0|true|1.0|1.0|true"}, {"SELECT corr(id, id), covar_pop(id, id) > 0.6, covar_samp(id, id), regr_slope(id, id), regr_intercept(id, id) FROM {sales}", "1.0|true|1.0|1.0|0.0"},
		{"SELECT geometric_mean(x), bitwise_and_agg(x), bitwise_or_agg(x) FROM (VALUES 1, 4) AS t(x)", "2.0|0|5"}, {"SELECT min(id), max(id), max(id, 2), min(price) FROM {sales}", "1|3|[3,2]|1.00"},
		{"SELECT country, sum(id) FROM {sales} GROUP BY GROUPING SETS ((country), ()) ORDER BY country", `"DE"|3 "US"|3 null|6`}, {"SELECT country, grouping(country), count(*) FROM {sales} GROUP BY ROLLUP (country) ORDER BY 1", `"DE"|0|2 "US"|0|2 null|1|4`}, {"SELECT sum(DISTINCT x), avg(DISTINCT x) FROM (VALUES 1, 1, 3) AS t(x)", "4|2.0"},
		{"SELECT country, sum(id) FILTER (WHERE id > 1) FROM {sales} GROUP BY 1 HAVING sum(id) > 2 ORDER BY 1", `"DE"|2 "US"|3`}, {"SELECT listagg(country, ',') FROM {sales}", "! WITHIN GROUP"}, {"SELECT LISTAGG(country, ', ') WITHIN GROUP (ORDER BY id DESC) FROM {sales}", `"US, DE, DE, US"`}, {"SELECT country, listagg(DISTINCT country) WITHIN GROUP (ORDER BY country) FROM {sales} GROUP BY 1 ORDER BY 1", `"DE"|"DE" "US"|"US"`}, {"SELECT listagg(country, ',' ON OVERFLOW ERROR) WITHIN GROUP (ORDER BY 1) FROM {sales}", "! OVERFLOW"}, {"SELECT checksum(id) FROM {sales}", `"XdmApfdo1Jw="`},
		{"SELECT avg(x) FROM (SELECT 1 AS x WHERE false)", "null"}, {"SELECT avg(x) FROM (SELECT 1.5 AS x WHERE false)", "null"}, {"SELECT sum(x) FROM (SELECT 1.5 AS x WHERE false)", "null"}, {"SELECT histogram(x) FROM (SELECT 1 AS x WHERE false)", "null"},
	},
	"window": {
		{"SELECT id, row_number() OVER (ORDER BY id), rank() OVER (ORDER BY country), dense_rank() OVER (ORDER BY country) FROM {sales} ORDER BY id", `1|1|1|1 2|2|1|1 3|3|3|2 null|4|3|2`},
		{"SELECT id, sum(id) OVER (ORDER BY id), avg(id) OVER (PARTITION BY country) FROM {sales} ORDER BY id", `1|1|1.5 2|3|1.5 3|6|3.0 null|6|3.0`},
		{"SELECT x, last_value(x) IGNORE NULLS OVER (ORDER BY i ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM (VALUES (1, 5), (2, NULL)) AS t(i, x) ORDER BY i", `5|5 null|5`}, {"SELECT lag(x, 1, 0) OVER (ORDER BY x), lead(x) OVER (ORDER BY x) FROM (VALUES 1, 2) AS t(x) ORDER BY x", `0|2 1|null`}, {"SELECT first_value(x) RESPECT NULLS OVER (ORDER BY x), nth_value(x, 2) OVER (ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), ntile(2) OVER (ORDER BY x) FROM (VALUES 1, 2) AS t(x) ORDER BY x", `1|2|1 1|2|2`},
		{"SELECT percent_rank() OVER (ORDER BY x), cume_dist() OVER (ORDER BY x) FROM (VALUES 1, 2) AS t(x) ORDER BY x", `0.0|0.5 1.0|1.0`}, {"SELECT count(*) OVER (ORDER BY day RANGE BETWEEN interval '1' day PRECEDING AND CURRENT ROW) FROM {sales} ORDER BY day", "1 3 3 1"}, {"SELECT x / sum(x) OVER () FROM (VALUES 1, 3) AS t(x) ORDER BY x", "0 0"}, {"SELECT x * 1e0 / sum(x) OVER () FROM (VALUES 1, 3) AS t(x) ORDER BY x", "0.25 0.75"},
	},
	"unnest": {
		{"SELECT x FROM UNNEST(ARRAY[1, 2]) AS t(x)", "1 2"}, {"SELECT t.x, n FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(x, n)", `"a"|1 "b"|2`}, {"SELECT k, v FROM UNNEST(map(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v)", `"a"|1 "b"|2`}, {"SELECT a, b FROM UNNEST(ARRAY[1, 2], ARRAY[3]) AS t(a, b)", "1|3 2|null"}, {"SELECT a, b, n FROM UNNEST(ARRAY[1, 2], ARRAY[3]) WITH ORDINALITY AS t(a, b, n)", "1|3|1 2|null|2"},
		{"SELECT a, b FROM UNNEST(ARRAY[ROW(1, 'x'), ROW(2, 'y')]) AS t(a, b)", `1|"x" 2|"y"`}, {"SELECT a FROM UNNEST(ARRAY[CAST(ROW(1, 'x') AS row(p bigint, q varchar))]) AS t(a)", "! a name"}, {"SELECT id, x FROM (VALUES (1, ARRAY[7, 8]), (2, ARRAY[])) AS s(id, l) CROSS JOIN UNNEST(l) AS t(x)", "1|7 1|8"}, {"SELECT id, x FROM (VALUES (1, ARRAY[7]), (2, NULL)) AS s(id, l) LEFT JOIN UNNEST(l) AS t(x) ON true ORDER BY id", "1|7 2|null"},
		{"SELECT id, k, v FROM (VALUES (1, map(ARRAY['a'], ARRAY[5]))) AS s(id, m) CROSS JOIN UNNEST(m) AS t(k, v)", `1|"a"|5`}, {"SELECT day FROM UNNEST(sequence(date '2026-01-01', date '2026-01-03', interval '1' day)) AS t(day)", `"2026-01-01" "2026-01-02" "2026-01-03"`}, {"SELECT * FROM UNNEST(ARRAY[1])", "1"}, {"SELECT * FROM (VALUES 1) t(x), UNNEST(x)", "! names for its columns"}, {"SELECT * FROM range(3)", "! table function range"},
	},
	"select": {
		{"SELECT id FROM {sales} ORDER BY id DESC LIMIT 1", "3"}, {"SELECT id FROM {sales} ORDER BY id DESC FETCH FIRST 2 ROWS ONLY", "3 2"}, {"SELECT id FROM {sales} ORDER BY id OFFSET 1 LIMIT 1", "2"}, {"SELECT DISTINCT country FROM {sales} ORDER BY 1", `"DE" "US"`}, {"SELECT country AS c, count(*) FROM {sales} GROUP BY 1 ORDER BY 2, c", `"DE"|2 "US"|2`}, {"SELECT count(*) FROM {sales} WHERE day >= date '2026-01-03' - interval '1' day", "3"}, {"SELECT id FROM {sales} TABLESAMPLE BERNOULLI (100) WHERE id = 1", "1"},
		{"WITH a AS (SELECT 7 AS x) SELECT x / 2 FROM a", "3"}, {"SELECT 1 UNION ALL SELECT 2 ORDER BY 1", "1 2"}, {"SELECT 2 INTERSECT SELECT 2 EXCEPT SELECT 3", "2"}, {"SELECT (SELECT max(id) FROM {sales}) / 2", "1"}, {"SELECT country FROM {sales} WHERE id IN (SELECT 3)", `"US"`}, {"SELECT count(*) FROM {sales} WHERE EXISTS (SELECT 1) AND id > ALL (SELECT 1)", "2"}, {"SELECT a.id FROM {sales} JOIN (VALUES 1) AS a(id) ON t.id = a.id", "1"}, {"SELECT count(*) FROM (VALUES 1) a(x) FULL JOIN (VALUES 2) b(y) ON x = y", "2"}, {"SELECT id FROM {sales} WHERE country LIKE 'D%' AND price BETWEEN 5 AND 6", "2"},
		{"SELECT date_trunc('month', day), sum(id) FROM {sales} GROUP BY date_trunc('month', day) ORDER BY 1", `"2026-01-01"|6 "2026-02-01"|null`}, {"SELECT sum(x) FROM (SELECT id / 2 AS x FROM {sales})", "2"}, {"SELECT 1; SELECT 2", "! "}, {"SELECT", "! "},
		{"SELECT x / 2 / 2 AS y, count(*) FROM (VALUES 8) t(x) GROUP BY x / 2 / 2 ORDER BY x / 2 / 2", "2|1"}, {"SELECT CASE WHEN x > 0 THEN 10 / x END FROM (VALUES 0, 5) t(x) ORDER BY x", "null 2"},
	},
}

func TestStatements(t *testing.T) {
	e := newExecutor(t)
	for section, list := range statements {
		for _, a := range list {
			got, _, err := ask(t.Context(), e, strings.ReplaceAll(a.sql, "{sales}", sales))
			checkAnswer(t, section, a, got, err)
		}
	}
}

var name = regexp.MustCompile(`[a-z_][a-z0-9_]*`)

// Every function that there is occurs in a statement above that has an answer.
func TestEveryFunctionIsExercised(t *testing.T) {
	used := make(map[string]bool)
	for _, r := range kept(t) {
		if r.Error == "" {
			for _, w := range name.FindAllString(strings.ToLower(r.SQL), -1) {
				used[w] = true
			}
		}
	}
	for _, all := range []map[string][]answer{sections, statements} {
		for _, list := range all {
			for _, a := range list {
				if !strings.HasPrefix(a.want, "! ") {
					for _, w := range name.FindAllString(strings.ToLower(a.sql), -1) {
						used[w] = true
					}
				}
			}
		}
	}
	for _, f := range presto.Functions() {
		if !used[f] {
			t.Errorf("no statement has an answer with %s", f)
		}
	}
	if n := len(presto.Functions()); n < 200 {
		t.Errorf("%d functions", n)
	}
}

// What DuckDB has is Presto's too, or refused: none has another meaning by
// accident.
func TestFunctionsOfDuckDBAreRefused(t *testing.T) {
	e := newExecutor(t)
	names, err := e.Strings(t.Context(), "SELECT DISTINCT function_name FROM duckdb_functions() WHERE regexp_full_match(function_name, '[a-z_0-9]+') ORDER BY 1", nil)
	if err != nil {
		t.Fatal(err)
	}
	known := presto.Functions()
	refused := 0
	for _, f := range names {
		if slices.Contains(known, f) {
			continue
		}
		_, _, err := rewrite(t.Context(), e, "SELECT "+f+"(a, b, c, d, e, f, g) FROM t")
		var fault *presto.Error
		var parse *executor.Error
		switch {
		case errors.As(err, &fault):
			refused++
		case errors.As(err, &parse): // a keyword
		default:
			t.Errorf("%s: %v", f, err)
		}
	}
	if refused < 300 {
		t.Errorf("%d of %d functions were refused", refused, len(names))
	}
}

func TestPositions(t *testing.T) {
	e := newExecutor(t)
	for sql, want := range map[string]string{
		"SELECT CAST(a AS array(varchar)), strftime(b)":     "strftime",
		"SELECT first_value(x) IGNORE NULLS OVER (), x ^ 2": "^",
		"SELECT CAST(1 AS\n text)":                          "text",
		"SELECT CAST(x AS array(bigint)) FRM t":             "t",
		"SELECT json_extract(x, '$..a')":                    "'$..a'",
	} {
		_, _, err := rewrite(t.Context(), e, sql)
		var fault *presto.Error
		at := -1
		if errors.As(err, &fault) {
			at = fault.Position
		} else {
			front, _ := presto.Front(sql, nil)
			var parse *executor.Error
			if errors.As(err, &parse) {
				at = front.Original(parse.Position)
			}
		}
		if at < 0 || !strings.HasPrefix(sql[at:], want) {
			t.Errorf("%s: position %d (%v), want that of %s", sql, at, err, want)
		}
	}
}

func TestParameters(t *testing.T) {
	e := newExecutor(t)
	got, _, err := ask(t.Context(), e, "SELECT ?, ? || '?' -- ?", "-7", "'it''s' -- no")
	if err != nil || got != `-7|"it's?"` {
		t.Errorf("%s, %v", got, err)
	}
	for _, p := range []string{"1; DROP", "x", "1 + 1", "'a", "'a' 'b'", "(SELECT 1)", "", "-", `"a"`} {
		if _, _, err := ask(t.Context(), e, "SELECT ?", p); err == nil {
			t.Errorf("the parameter %s was taken", p)
		}
	}
	if _, _, err := ask(t.Context(), e, "SELECT ?"); err == nil {
		t.Error("a parameter without a value was taken")
	}
	if _, _, err := ask(t.Context(), e, "SELECT 1", "1"); err == nil {
		t.Error("a value without a parameter was taken")
	}
}

// Calls within calls do not grow with the power of their depth: DuckDB would take
// minutes for four divisions, and never end with these.
func TestNestedCalls(t *testing.T) {
	e := newExecutor(t)
	for sql, want := range map[string]string{
		"SELECT x" + strings.Repeat(" / 2", 12) + " FROM (VALUES 40960) AS t(x)":                                             "10",
		"SELECT " + strings.Repeat("greatest(1, ", 12) + "x" + strings.Repeat(")", 12) + " FROM (VALUES 7) AS t(x)":          "7",
		"SELECT " + strings.Repeat("split_part(", 8) + "x" + strings.Repeat(", ',', 1)", 8) + " FROM (VALUES 'a,b') AS t(x)": `"a"`,
		"SELECT " + strings.Repeat("CAST(", 8) + "x" + strings.Repeat(" AS varchar)", 8) + " FROM (VALUES 1e10) AS t(x)":     `"1.0E10"`,
		"SELECT round(avg(x / 3) / count(*) / 2, 1), sum(x / 3) / 2 FROM (VALUES 9, 12) AS t(x)":                             "0.9|3",
		"SELECT transform(ARRAY[9], x -> x / 3 / 3)":                                                                         "[1]",
		"SELECT try(1 / (x / 3) / 1) FROM (VALUES 1) AS t(x)":                                                                "null",
	} {
		got, _, err := ask(t.Context(), e, sql)
		if err != nil || got != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", sql, got, err, want)
		}
	}
	if _, err := presto.Front("SELECT "+strings.Repeat("(", 5000), nil); err == nil {
		t.Error("5000 brackets were taken")
	}
}

// What a result has for types and names is Presto's too.
func TestTypes(t *testing.T) {
	e := newExecutor(t)
	for sql, want := range map[string]string{
		"SELECT sum(x), avg(x), count(*), sum(1.5) FROM (VALUES 1) AS t(x)":                                                                          "bigint|double|bigint|decimal(38,1)",
		"SELECT 1 / 2, BIGINT '1' / 2, 1e0 / 2, 1":                                                                                                   "integer|bigint|double|integer",
		"SELECT date_trunc('day', date '2020-01-01'), now(), from_unixtime(0), array_agg(1), histogram('a')":                                         "date|timestamp with time zone|timestamp|array(integer)|map(varchar,bigint)",
		"SELECT count_if(true), json_array_length('[]'), cardinality(ARRAY[1]), date_diff('day', date '2020-01-01', date '2020-01-01'), length('a')": "bigint|bigint|bigint|bigint|bigint",
	} {
		_, types, err := ask(t.Context(), e, sql)
		if err != nil || types != want {
			t.Errorf("%s\n got %s (%v)\nwant %s", sql, types, err, want)
		}
	}
}

// Whatever the statement, it is rewritten to one that DuckDB's parser takes, or
// refused.
func FuzzRewrite(f *testing.F) {
	e := newExecutor(f)
	for _, all := range []map[string][]answer{sections, statements} {
		for _, list := range all {
			f.Add("SELECT " + strings.TrimPrefix(list[0].sql, "SELECT "))
		}
	}
	f.Add("SELECT CAST(x AS map(varchar(3), row(a array(bigint)))) FROM t TABLESAMPLE BERNOULLI (1) -- '")
	f.Fuzz(func(t *testing.T, sql string) {
		front, err := presto.Front(sql, nil)
		if err != nil {
			return
		}
		for i := -1; i <= len(front.SQL); i++ {
			if at := front.Original(i); at < -1 || at > len(sql) {
				t.Fatalf("%q: %d is %d", sql, i, at)
			}
		}
		tree, err := e.Parse(t.Context(), front.SQL)
		if err != nil {
			return
		}
		q, err := presto.Rewrite(tree, front.Original, nil)
		if err != nil {
			return
		}
		if text, err := e.Text(t.Context(), q.Tree); err == nil {
			if _, err := e.Parse(t.Context(), text); err != nil {
				t.Skipf("%s became %s: %v", sql, text, err) // a fault of DuckDB's printer: the user sees an error
			}
		}
	})
}
