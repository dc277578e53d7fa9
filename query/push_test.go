package query_test

import (
	stdsql "database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// A statements makes random queries of the columns id, s, dt and hr out of the table T.
type statements struct{ *rand.Rand }

func (r statements) one(of ...string) string { return of[r.IntN(len(of))] }

// where is a condition on columns that are qualified so.
func (r statements) where(prefix string, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		return "(" + r.where(prefix, depth-1) + r.one(" AND ", " AND ", " OR ") + r.where(prefix, depth-1) + ")"
	}
	day := fmt.Sprintf("'2026-01-0%d'", 1+r.IntN(4))
	return r.one(prefix+"dt = "+day, prefix+"dt >= "+day, prefix+"dt < "+day, prefix+"dt IS NULL", prefix+"hr = '00'", prefix+"hr <> '11'", prefix+"hr IS NULL",
		"coalesce("+prefix+"hr, 'x') = '11'", "upper("+prefix+"dt) > "+day, fmt.Sprintf("%sid > %d", prefix, r.IntN(90)), fmt.Sprintf("%sid = %d", prefix, r.IntN(90)),
		fmt.Sprintf("%ss BETWEEN 'k%02d' AND 'k%02d'", prefix, r.IntN(60), 30+r.IntN(60)), prefix+"dt IN ("+day+", '2026-01-02')", "list_transform(["+day+"], lambda v: v < "+prefix+"dt)[1]")
}

// grouped is a condition on dt, hr and s.
func (r statements) grouped() string {
	for {
		if w := r.where("", 0); !strings.Contains(w, "id ") {
			return w
		}
	}
}

// query is one of so many layers.
func (r statements) query(depth int) string {
	if depth == 0 {
		return r.one("SELECT id, s, dt, hr FROM T", "SELECT id, s, dt, hr FROM T WHERE "+r.where("", 1), "SELECT id, s, substr(dt, 1, 10) AS dt, hr FROM T AS u WHERE "+r.where("u.", 0))
	}
	q := func() string { return "(" + r.query(depth-1) + ")" }
	switch r.IntN(16) {
	case 15:
		return "SELECT id, s, dt, hr FROM (SELECT DISTINCT dt, hr FROM " + q() + " WHERE " + r.where("", 0) + ") " + r.one("NATURAL JOIN ", "NATURAL LEFT JOIN ", "NATURAL RIGHT JOIN ", "NATURAL FULL JOIN ") + q() + " WHERE " + r.where("", 0)
	case 0:
		return "SELECT * FROM " + q() + " AS z WHERE " + r.where("z.", 1)
	case 1:
		return "SELECT id, s, hr AS dt, dt AS hr FROM " + q() + " WHERE " + r.where("", 1)
	case 2, 13, 14:
		return fmt.Sprintf("SELECT * FROM %s ORDER BY id, s, dt, hr LIMIT %d", q(), 5+r.IntN(60))
	case 3:
		return "SELECT max(id) AS id, s, dt, hr FROM " + q() + " GROUP BY s, dt, " + r.one("4", "hr", "4 HAVING count(*) > 1", "4 HAVING "+r.grouped()+" AND count(*) > 1", "hr HAVING dt >= '2026-01-02' AND ("+"hr = '00' OR max(id) > 40)", "4 HAVING hr IS NULL OR dt < '2026-01-03'")
	case 4:
		return "SELECT sum(id) AS id, max(s) AS s, dt, hr FROM " + q() + " GROUP BY " + r.one("CUBE (dt, hr)", "GROUPING SETS ((dt, hr), (dt))", "ROLLUP (dt, hr)", "ALL")
	case 5:
		return "SELECT id, s, dt, hr FROM (SELECT *, row_number() OVER (PARTITION BY " + r.one("dt", "hr", "dt, hr", "1") + " ORDER BY id, s, dt, hr) AS r FROM " + q() + ") WHERE r <= 20"
	case 6:
		return "SELECT sum(id) OVER (PARTITION BY dt) AS id, s, dt, hr FROM " + q() + " WHERE " + r.where("", 0)
	case 7:
		return q() + r.one(" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ") + q()
	case 8:
		return "SELECT DISTINCT * FROM " + q()
	case 9:
		return "WITH w AS " + q() + " SELECT * FROM w WHERE " + r.where("", 1) + r.one(" UNION ALL ", " EXCEPT ") + "SELECT * FROM w WHERE " + r.where("w.", 1)
	case 10:
		return "WITH w(id, s, dt, hr) AS " + q() + ", v AS (SELECT * FROM w WHERE " + r.where("", 0) + ") SELECT * FROM v WHERE id IN (SELECT id FROM w WHERE " + r.where("w.", 1) + ")"
	case 11:
		return "SELECT max(id) AS id, max(s) AS s, dt, hr FROM " + q() + " WHERE " + r.where("", 1) + " GROUP BY dt, hr"
	}
	// Groups, lest there be too many rows.
	join := r.one("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "LEFT JOIN")
	return "SELECT count(*) AS id, max(b.s) AS s, " + r.one("a", "b") + ".dt AS dt, " + r.one("a", "b") + ".hr AS hr FROM (SELECT max(id) AS id, s, dt, hr FROM " + q() + " GROUP BY s, dt, hr) a " + join +
		" (SELECT max(id) AS id, s, dt, hr FROM " + q() + " GROUP BY s, dt, hr) b ON a.dt = b.dt AND " + r.one("a.hr = b.hr", "a.s = b.s", r.where("b.", 0)+" AND a.s = b.s", r.where("a.", 0)+" AND a.hr = b.hr") +
		" WHERE " + r.where(r.one("a.", "b."), 1) + " GROUP BY 3, 4"
}

// A statement over the lake answers as DuckDB does over a table of the same rows,
// wherever conditions are pushed to.
func TestPushedConditionsChangeNoAnswer(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 8))
	h, name := randomHouse(t, r)
	db, err := stdsql.Open("duckdb", "")
	check(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.Exec(fmt.Sprintf(`CREATE TABLE plain AS SELECT * FROM read_parquet('%s/d/t/*/*/*.parquet', hive_partitioning = true, hive_types = {dt: VARCHAR, hr: VARCHAR}, union_by_name = true)`, h.root))
	check(t, err)
	pruned := int64(0)
	for range 60 {
		sql := "SELECT concat_ws('|', count(*), sum(id)::VARCHAR, sum(hash(id, s, dt, hr)::HUGEINT)::VARCHAR) FROM (" + statements{r}.query(1+r.IntN(3)) + ") WHERE " + statements{r}.where("", 1)
		var want string
		text := strings.NewReplacer(" FROM T)", " FROM plain)", " FROM T ", " FROM plain ").Replace(sql)
		errPlain := db.QueryRow(text).Scan(&want)
		if errPlain != nil {
			t.Fatalf("seed %d: %s: %v", seed, text, errPlain)
		}
		rows, stats, err := h.query(strings.NewReplacer(" FROM T)", " FROM "+name.String()+")", " FROM T ", " FROM "+name.String()+" ").Replace(sql))
		if err != nil {
			t.Fatalf("seed %d: %s: %v", seed, sql, err)
		}
		if got := strings.Trim(rows[0], `"`); got != want {
			t.Fatalf("seed %d: %s\n got %s\nwant %s", seed, sql, got, want)
		}
		pruned += stats.PartitionsPruned
	}
	if pruned < 60 {
		t.Errorf("%d partitions were pruned", pruned)
	}
}
