package query_test

import (
	"regexp"
	"strings"
	"testing"

	"sluice/query"
)

// duckWords are in no message: what the dialect makes of a statement, and DuckDB's names.
var duckWords = regexp.MustCompile(`presto_|go_|list_|_LITERAL|VARCHAR|HUGEINT|INT32|INT64|Candidate functions|explicit|struct_|date_sub|isodow|regexp_full_match|T\[\]`)

// What does not fit is told of the function, the place and the types that stand in the
// statement, not of those that the dialect made of them.
func TestPrestoBlames(t *testing.T) {
	h := shopHouse(t)
	h.dialect = query.Presto
	h.post("purchases", purchase(1, 1, "DE"))
	for _, tt := range []struct{ sql, at, want string }{
		{"SELECT sum(id > 1) FROM shop.purchases", "sum", "Unexpected parameters (boolean) for function sum"},
		{"SELECT dt, avg(country) FROM shop.purchases GROUP BY dt", "avg", "Unexpected parameters (varchar) for function avg"},
		{"SELECT count(*) FROM shop.purchases WHERE substr(id, 1) = '1'", "substr", "Unexpected parameters (bigint, integer) for function substr"},
		{"SELECT day_of_week(dt) FROM shop.purchases", "day_of_week", "Unexpected parameters (varchar) for function day_of_week"},
		{"SELECT date_diff('day', dt, dt) FROM shop.purchases", "date_diff", "Unexpected parameters (varchar, varchar, varchar) for function date_diff"},
		{"SELECT date_trunc('day', dt), count(*) FROM shop.purchases GROUP BY date_trunc('day', dt)", "", "Unexpected parameters (varchar, varchar) for function date_trunc"},
		{"SELECT date_add('day', 1, dt) FROM shop.purchases", "date_add", "Unexpected parameters (varchar, interval day to second) for function date_add"},
		{"SELECT upper(country), transform(ARRAY[id], x -> upper(x)) FROM shop.purchases", "upper(x)", "Unexpected parameters (bigint) for function upper"},
		{"SELECT any_match(country, x -> x = 'a') FROM shop.purchases", "any_match", "for function any_match"},
		{"SELECT map_keys(ARRAY[id]) FROM shop.purchases", "map_keys", "Unexpected parameters (array(bigint)) for function map_keys"},
		{"SELECT contains(ARRAY[id], country) FROM shop.purchases", "contains", "Unexpected parameters (array(bigint), varchar) for function contains"},
		{"SELECT array_join(id, ',') FROM shop.purchases", "array_join", "Unexpected parameters (bigint, varchar) for function array_join"},
		{"SELECT country + id FROM shop.purchases", "+", "'+' cannot be applied to varchar, bigint"},
		{"SELECT ts - 1 FROM shop.purchases", "-", "'-' cannot be applied to timestamp"},
		{"SELECT id FROM shop.purchases WHERE id LIKE 'a'", "LIKE", "'LIKE' cannot be applied to bigint, varchar"},
		{"SELECT from_iso8601_timestamp(id) FROM shop.purchases", "from_iso8601_timestamp", "Unexpected parameters (bigint) for function from_iso8601_timestamp"},
		{"SELECT CASE WHEN id > 1 THEN ts ELSE id END FROM shop.purchases", "CASE", "of type bigint and timestamp in CASE"},
		{"SELECT id < ARRAY[1] FROM shop.purchases", "<", "bigint"},
		{"SELECT CAST(ts AS bigint) FROM shop.purchases", "CAST", "Cannot cast timestamp to bigint"},
		{"SELECT lag(id) FROM shop.purchases", "lag", "lag is a window function: it takes OVER"},
		{"SELECT if(true, 'a', 1)", "'a'", "Could not convert string 'a' to integer"},
		{"SELECT (SELECT x FROM (VALUES 1, 2) t(x))", "", "More than one row returned by a subquery"},
		{"SELECT nope FROM shop.purchases", "nope", `"nope"`},
	} {
		_, _, err := h.query(tt.sql)
		if err == nil {
			t.Errorf("%s has an answer", tt.sql)
			continue
		}
		message := err.Error()
		first, _, _ := strings.Cut(message, "\nline 1:")
		if !strings.Contains(first, tt.want) || duckWords.MatchString(first) {
			t.Errorf("%s\n says %s\nwants %s", tt.sql, first, tt.want)
		}
		lines := strings.Split(message, "\n")
		if tt.at == "" {
			continue
		}
		line, mark := "", len(lines[len(lines)-1])-1
		if len(lines) > 1 {
			line = lines[len(lines)-2]
		}
		if mark < 0 || mark >= len(line) || !strings.HasPrefix(line[mark:], tt.at) {
			t.Errorf("%s\n is marked elsewhere than at %s:\n%s", tt.sql, tt.at, message)
		}
	}
}
