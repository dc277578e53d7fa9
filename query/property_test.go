package query_test

import (
	stdsql "database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/lake"
)

// randomHouse has a table of many small files, each with values of a narrow range,
// some null, some columns missing, of partitions with null keys too.
func randomHouse(t testing.TB, r *rand.Rand) (*house, lake.TableName) {
	h := newHouse(t, nil)
	name := lake.TableName{Database: "d", Table: "t"}
	columns, err := lake.ParseType("struct<id:bigint,n:int,x:double,s:string,ts:timestamp,d:date,m:decimal(10,2),o:struct<a:bigint,b:struct<c:string,t:timestamp>>>")
	check(t, err)
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/t") + "/", Columns: columns.Fields,
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}, {Name: "hr", Type: lake.String}}})
	var copies []string
	for day := range 3 {
		for _, hr := range []string{"00", "11", lake.NullPartition} {
			dir := fmt.Sprintf("d/t/dt=2026-01-0%d/hr=%s", day+1, hr)
			h.mkdir(dir)
			h.catalog.addPartition(name, lake.Partition{Values: []string{fmt.Sprintf("2026-01-0%d", day+1), hr}, Location: h.store.URI(dir) + "/"})
			for f := range 1 + r.IntN(3) {
				low, nulls := r.IntN(80), r.IntN(4)
				null := func(e string) string {
					switch {
					case nulls == 0:
						return e
					case nulls == 3 && r.IntN(3) == 0:
						return "NULL"
					}
					return fmt.Sprintf("CASE WHEN (i + %d) %% 5 > 0 THEN %s END", r.IntN(5), e)
				}
				list := []string{null("(v)::BIGINT") + " AS id", null("v::INTEGER") + " AS n",
					null("CASE WHEN i % 17 = 3 THEN 'NaN'::DOUBLE ELSE v / 2 - 20 END") + " AS x",
					null("printf('k%02d', v)") + " AS s", null("timestamptz '2026-01-01 00:00:00+00' + to_hours(v)") + " AS ts",
					null("date '2026-01-01' + v::INTEGER") + " AS d", "(" + null("(v - 40) / 4") + ")::DECIMAL(10,2) AS m"}
				fields := []string{"a: " + null("v"), "b: " + null("{"+[]string{"c: " + null("printf('k%02d', v)"), "t: timestamptz '2026-01-01 00:00:00+00' + to_hours(v), c: " + null("printf('k%02d', v)")}[r.IntN(2)]+"}")}
				switch r.IntN(5) {
				case 0: // it had fewer fields
					fields = fields[:1]
				case 1:
					fields[0], fields[1] = fields[1], fields[0]
				}
				list = append(list, null("{"+strings.Join(fields, ", ")+"}")+" AS o")
				if r.IntN(3) == 0 { // an older file
					at := r.IntN(len(list))
					list = append(list[:at:at], list[at+1:]...)
				}
				sql := fmt.Sprintf("SELECT %s FROM (SELECT i, (%d + (i * 7) %% 12)::BIGINT AS v FROM range(%d) t(i))", strings.Join(list, ", "), low, 5+r.IntN(20))
				copies = append(copies, fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet)", sql, filepath.Join(h.root, dir, fmt.Sprintf("f%d.parquet", f))))
			}
		}
	}
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	for _, c := range copies {
		_, err := db.Exec(c)
		check(t, err)
	}
	return h, name
}

// predicate is a random one over the table of randomHouse.
func predicate(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(3) > 0 {
		a, b := predicate(r, depth-1), predicate(r, depth-1)
		switch r.IntN(5) {
		case 0, 1:
			return "(" + a + " AND " + b + ")"
		case 2, 3:
			return "(" + a + " OR " + b + ")"
		}
		return "NOT (" + a + ")"
	}
	column := []string{"id", "n", "x", "s", "ts", "d", "m", "dt", "hr", "o.a", "o.b.c", "o.b.t", "o.a", "o.b.c"}[r.IntN(14)]
	kind := column[strings.LastIndex(column, ".")+1:]
	value := func() string {
		v := r.IntN(100)
		switch kind {
		case "x":
			return []string{fmt.Sprintf("%d.5", v/2-20), fmt.Sprintf("%d", v/2-20), fmt.Sprintf("%de0", v/2-20), "'NaN'::DOUBLE"}[r.IntN(4)]
		case "s", "c":
			return []string{fmt.Sprintf("'k%02d'", v), fmt.Sprintf("concat('k', '%02d')", v), fmt.Sprintf("'k%d'", v)}[r.IntN(3)]
		case "ts", "t":
			return []string{fmt.Sprintf("timestamp '2026-01-0%d 0%d:00:00'", v%4+1, v%10), fmt.Sprintf("'2026-01-0%d'", v%5+1), fmt.Sprintf("date '2026-01-0%d'", v%5+1)}[r.IntN(3)]
		case "d":
			return []string{fmt.Sprintf("date '2026-%02d-%02d'", v/30+1, v%28+1), fmt.Sprintf("'2026-%02d-%02d'", v/30+1, v%28+1), fmt.Sprintf("date '2026-01-01' + %d", v)}[r.IntN(3)]
		case "m":
			return []string{fmt.Sprintf("%d.25", v/4-10), fmt.Sprint(v/4 - 10), fmt.Sprintf("%d.1234", v/4-10)}[r.IntN(3)]
		case "dt":
			return []string{fmt.Sprintf("'2026-01-0%d'", v%5), fmt.Sprintf("concat('2026-01-', '0%d')", v%5), "NULL"}[r.IntN(3)]
		case "hr":
			return []string{"'00'", "'11'", "'12'", "'" + lake.NullPartition + "'"}[r.IntN(4)]
		}
		return []string{fmt.Sprint(v), fmt.Sprintf("%d.5", v), fmt.Sprintf("%de0", v), fmt.Sprintf("%d + 1", v)}[r.IntN(4)]
	}
	// Struct columns are named with their table too, and field by field.
	if rest, ok := strings.CutPrefix(column, "o."); ok {
		column = []string{column, "t." + column, "o['" + strings.ReplaceAll(rest, ".", "']['") + "']", "O." + strings.ToUpper(rest)}[r.IntN(4)]
	}
	switch r.IntN(10) {
	case 0:
		return column + " IS NULL"
	case 5:
		switch {
		case kind == "s" || kind == "c":
			return fmt.Sprintf("%s LIKE '%s'", column, []string{"k%", "k1%", fmt.Sprintf("k%d%%", r.IntN(10)), fmt.Sprintf("k%d_", r.IntN(10)), "k", "%5", "", "k~%"}[r.IntN(8)])
		case column == "dt":
			return []string{"cast(dt AS date) >= date '2026-01-02'", "dt LIKE '2026-01-01%'", "dt LIKE '%2'", "dt::date BETWEEN '2026-01-02' AND '2026-01-04'", "year(dt::date) = 2026", "substr(dt, 9) = '03'"}[r.IntN(6)]
		case column == "hr":
			return []string{"cast(hr AS integer) BETWEEN 3 AND 12", "cast(hr AS bigint) = 0", "hr LIKE '0%'", "hr::int IN (0, 5)"}[r.IntN(4)]
		}
	case 1:
		return column + " IS NOT NULL"
	case 2:
		return column + " IN (" + value() + ", " + value() + ", " + value() + ")"
	case 3:
		return column + " BETWEEN " + value() + " AND " + value()
	case 4:
		return value() + " < " + column
	}
	return column + " " + []string{"=", "<", "<=", ">", ">=", "<>"}[r.IntN(6)] + " " + value()
}

// plainly makes a table of DuckDB's of all rows of randomHouse's, read without any
// condition.
func plainly(db *stdsql.DB, h *house, table string) error {
	_, err := db.Exec(fmt.Sprintf(`SET TimeZone = 'UTC'; CREATE TABLE %s AS SELECT * EXCLUDE (f, ts, o), ts::TIMESTAMP AS ts,
		CASE WHEN o IS NOT NULL THEN {a: o.a, b: CASE WHEN o.b IS NOT NULL THEN {c: o.b.c, t: o.b.t::TIMESTAMP} END} END AS o,
		regexp_extract(f, 'dt=([^/]*)', 1) AS dt, nullif(regexp_extract(f, 'hr=([^/]*)', 1), '__HIVE_DEFAULT_PARTITION__') AS hr
		FROM read_parquet('%s/d/t/*/*/*.parquet', filename = f, schema = MAP {%s})`, table, h.root, strings.Join([]string{
		"'id': {name: 'id', type: 'BIGINT', default_value: NULL}", "'n': {name: 'n', type: 'INTEGER', default_value: NULL}",
		"'x': {name: 'x', type: 'DOUBLE', default_value: NULL}", "'s': {name: 's', type: 'VARCHAR', default_value: NULL}",
		"'ts': {name: 'ts', type: 'TIMESTAMP WITH TIME ZONE', default_value: NULL}", "'d': {name: 'd', type: 'DATE', default_value: NULL}",
		"'m': {name: 'm', type: 'DECIMAL(10,2)', default_value: NULL}",
		"'o': {name: 'o', type: 'STRUCT(a BIGINT, b STRUCT(c VARCHAR, t TIMESTAMP WITH TIME ZONE))', default_value: NULL}"}, ", ")))
	return err
}

// An answer with pruning is that of DuckDB over all files.
func TestPruningChangesNoAnswer(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 6))
	h, name := randomHouse(t, r)
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	check(t, plainly(db, h, "plain"))
	const list = "count(*), count(id), sum(id), sum(n), min(s), max(ts), sum(m)"
	pruned := int64(0)
	for range 150 {
		where := predicate(r, 2)
		var want string
		reference := db.QueryRow("SELECT concat_ws('|', " + strings.ReplaceAll("coalesce("+list, "), ", ")::VARCHAR, '-'), coalesce(") + "::VARCHAR, '-')) FROM plain AS t WHERE " + where)
		errPlain := reference.Scan(&want)
		rows, stats, err := h.query("SELECT concat_ws('|', " + strings.ReplaceAll("coalesce("+list, "), ", ")::VARCHAR, '-'), coalesce(") + "::VARCHAR, '-')) FROM " + name.String() + " WHERE " + where)
		if (err != nil) != (errPlain != nil) {
			t.Fatalf("seed %d: WHERE %s: %v, without pruning %v", seed, where, err, errPlain)
		}
		if err == nil && strings.Trim(rows[0], `"`) != want {
			t.Fatalf("seed %d: WHERE %s\n got %s\nwant %s", seed, where, rows[0], want)
		}
		pruned += stats.FilesPruned
	}
	if pruned == 0 {
		t.Error("no file was pruned")
	}
}
