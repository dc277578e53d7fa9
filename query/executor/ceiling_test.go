//go:build linux

package executor_test

import (
	"errors"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"sluice/query/executor"
)

// What DuckDB's own limit does not count is an error at the ceiling, not the end of
// the process, and is given back.
func TestCeiling(t *testing.T) {
	const ceiling = 128 << 20
	e, err := executor.New(executor.Config{Memory: 64 << 20, Threads: 2, TempDir: t.TempDir(), MaxTemp: 64 << 20, Ceiling: ceiling})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	peak := highWater(t)
	run := func(sql string) (int, error) {
		rows, err := e.Run(t.Context(), executor.Query{SQL: sql})
		if err != nil {
			return 0, err
		}
		defer rows.Close()
		n := 0
		for rows.Next() {
			n++
		}
		return n, rows.Err()
	}
	if _, err := run("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	before := executor.Allocated()
	for _, sql := range []string{
		"SELECT length(repeat('x', 1000000000))",
		"SELECT length(repeat('x', 500000000) || repeat('y', 500000000))",
		"SELECT len(range(1000000000))",
		"SELECT len(list_transform(range(100000), lambda x: repeat('x', 100000)))",
		"SELECT length(array_to_string(range(100000000), ','))",
		"SELECT length(string_agg(repeat('x', 100000), ',')) FROM range(100000)",
		"SELECT length(printf('%2000000000d', 1))",
		"SELECT length(to_json(range(100000000))::VARCHAR)",
		"WITH a AS (SELECT repeat('x', 1000) AS x), b AS (SELECT x||x||x||x||x||x||x||x AS x FROM a), c AS (SELECT x||x||x||x||x||x||x||x AS x FROM b), " +
			"d AS (SELECT x||x||x||x||x||x||x||x AS x FROM c), e AS (SELECT x||x||x||x||x||x||x||x AS x FROM d), f AS (SELECT x||x||x||x||x||x||x||x AS x FROM e), " +
			"g AS (SELECT x||x||x||x||x||x||x||x AS x FROM f) SELECT length(x) FROM g",
		"SELECT map_values(histogram(i))[1] FROM range(100000000) t(i)",
	} {
		_, err := run(sql)
		var duck *executor.Error
		if !errors.As(err, &duck) || duck.Kind != "Out of Memory" {
			t.Errorf("%.80s: %v", sql, err)
		}
		if _, err := run("SELECT sum(i) FROM range(1000000) t(i)"); err != nil {
			t.Errorf("after %.80s: %v", sql, err)
		}
	}
	if left := executor.Allocated() - before; left > 32<<20 {
		t.Errorf("%d bytes were not given back", left)
	}
	// Of the executor 128 MiB, of its planner 256.
	if grown := highWater(t) - peak; grown > 1<<30 {
		t.Errorf("the process grew by %d bytes", grown)
	}
}

// highWater is the most memory that the process has had.
func highWater(t *testing.T) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Skip("the system does not tell the process's memory")
	}
	n, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n << 10
}

// A value is not copied about whatever its length.
func TestLongValues(t *testing.T) {
	// With room: how much of a list its threads hold at once is theirs, and not to be
	// what the query fails of.
	e, err := executor.New(executor.Config{Memory: 1 << 30, Threads: 2, TempDir: t.TempDir(), MaxTemp: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, sql := range []string{
		"SELECT repeat('x', 70000000)",
		"SELECT repeat('x', 60000000)::BLOB",
		"SELECT {'a': [repeat('x', 50000000), repeat('y', 50000000), 'z']}",
		"SELECT list(i) FROM range(11000000) t(i)",
		"SELECT {'l': list({'i': i, 'text': repeat('x', 100)})} FROM range(700000) t(i)",
	} {
		for _, columnar := range []bool{false, true} {
			if columnar && sql == "SELECT repeat('x', 60000000)::BLOB" { // it is longer as text
				continue
			}
			rows, err := e.Run(t.Context(), executor.Query{SQL: sql})
			if err != nil {
				t.Fatal(err)
			}
			if columnar {
				for batch := rows.NextBatch(); batch != nil; batch = rows.NextBatch() {
					batch.Release()
				}
			} else {
				for rows.Next() {
				}
			}
			if err := rows.Err(); err == nil || !strings.Contains(err.Error(), "longer than 67108864 bytes") {
				t.Errorf("%s: %v", sql, err)
			}
			rows.Close()
		}
	}
	if _, rows, err := run(t, e, executor.Query{SQL: "SELECT repeat('x', 60000000)"}); err != nil || len(rows) != 1 || len(rows[0]) != 60000002 {
		t.Errorf("a value of 60 MB: %v", err)
	}
}
