package presto

import (
	"slices"
	"strings"

	"sluice/query/syntax"
)

var units = []string{"millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"}

// unit is the constant first argument of a function of time.
func (r *rewriter) unit(n, arg node) (string, bool) {
	u, ok := constantText(arg)
	if u = strings.ToLower(u); !ok || !slices.Contains(units, u) {
		r.fail(n, "the first argument of %s must be one of %s", syntax.Text(n, "function_name"), strings.Join(units, ", "))
		return "", false
	}
	return u, true
}

func dateTrunc(r *rewriter, n node) {
	if a := r.args(n, 2, 2); a != nil {
		if _, ok := r.unit(n, a[0]); ok {
			become(n, r.macro("presto_date_trunc", a...))
		}
	}
}

// fromUnixtime is the timestamp of seconds since 1970. Of whole numbers nothing need be
// rounded to milliseconds; one that a double does not hold exactly is out of range either
// way.
func (r *rewriter) fromUnixtime(x node) node {
	if wholeDigits[nameOf(kindOf(x))] > 0 {
		return call("make_timestamp", operate("*", cast(x, "BIGINT"), integer(1_000_000)))
	}
	return r.macro("presto_from_unixtime", x)
}

// dateAdd is date_add('day', 1, x).
func dateAdd(r *rewriter, n node) {
	a := r.args(n, 3, 3)
	if a == nil {
		return
	}
	u, ok := r.unit(n, a[0])
	if !ok {
		return
	}
	days := slices.Index(units, u) >= slices.Index(units, "day")
	to := "BIGINT"
	if days {
		to = "INTEGER"
	}
	become(n, r.macro("presto_date_plus", a[2], call("to_"+u+"s", cast(a[1], to)), truth(days)))
}

// datePart is EXTRACT(field FROM x).
func datePart(r *rewriter, n node) {
	a := r.args(n, 2, 2)
	if a == nil {
		return
	}
	fields := map[string]string{"year": "year", "quarter": "quarter", "month": "month", "week": "week", "day": "day",
		"dow": "isodow", "doy": "dayofyear", "isoyear": "isoyear", "hour": "hour", "minute": "minute", "second": "second"}
	u, _ := constantText(a[0])
	to, ok := fields[strings.ToLower(u)]
	if !ok {
		r.fail(n, "EXTRACT takes year, quarter, month, week, day, day_of_week, day_of_year, year_of_week, hour, minute or second, not %s", u)
		return
	}
	if to == "day" || to == "hour" {
		become(n, r.macro("presto_part_"+to, a[1]))
		return
	}
	become(n, call(to, a[1]))
}
