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
	columns, err := lake.ParseType("struct<id:bigint,n:int,x:double,s:string,ts:timestamp,d:date,m:decimal(10,2)>")
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
	column := []string{"id", "n", "x", "s", "ts", "d", "m", "dt", "hr"}[r.IntN(9)]
	value := func() string {
		v := r.IntN(100)
		switch column {
		case "x":
			return []string{fmt.Sprintf("%d.5", v/2-20), fmt.Sprintf("%d", v/2-20), fmt.Sprintf("%de0", v/2-20), "'NaN'::DOUBLE"}[r.IntN(4)]
		case "s":
			return []string{fmt.Sprintf("'k%02d'", v), fmt.Sprintf("concat('k', '%02d')", v), fmt.Sprintf("'k%d'", v)}[r.IntN(3)]
		case "ts":
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
	switch r.IntN(8) {
	case 0:
		return column + " IS NULL"
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

// An answer with pruning is that of DuckDB over all files.
func TestPruningChangesNoAnswer(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 6))
	h, name := randomHouse(t, r)
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec(fmt.Sprintf(`SET TimeZone = 'UTC'; CREATE TABLE plain AS SELECT * REPLACE (ts::TIMESTAMP AS ts)
		FROM read_parquet('%s/d/t/*/*/*.parquet', hive_partitioning = true, hive_types = {dt: VARCHAR, hr: VARCHAR}, union_by_name = true)`, h.root))
	check(t, err)
	const list = "count(*), count(id), sum(id), sum(n), min(s), max(ts), sum(m)"
	pruned := int64(0)
	for range 60 {
		where := predicate(r, 2)
		var want string
		reference := db.QueryRow("SELECT concat_ws('|', " + strings.ReplaceAll("coalesce("+list, "), ", ")::VARCHAR, '-'), coalesce(") + "::VARCHAR, '-')) FROM plain WHERE " + where)
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
