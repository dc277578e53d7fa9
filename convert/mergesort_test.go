package convert_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
)

// The rows of all files of a merge are in one order, those with equal keys in the order
// of their sources, and row groups are told apart by their statistics. Rows of one key
// that are much larger than others make more row groups of it.
func TestMergeSorted(t *testing.T) {
	columns := columnsOf(t, "k:string,n:double,seq:bigint,pad:string,tags:array<string>")
	rng := rand.New(rand.NewPCG(1, 2))
	var sources []string
	seq := 0
	for range 20 {
		var lines []string
		for range 300 {
			k := fmt.Sprintf(`"k":"key %d\u0000%s",`, rng.IntN(40), strings.Repeat("x", rng.IntN(2)*600))
			pad := rng.IntN(100)
			switch rng.IntN(8) {
			case 0:
				k = `"k":null,`
			case 1:
				k, pad = `"k":"large",`, 20_000
			}
			lines = append(lines, fmt.Sprintf(`{%s"n":%v,"seq":%d,"pad":"%s","tags":["%d",null]}`, k, rng.IntN(5)-2, seq, strings.Repeat(string(rune('a'+rng.IntN(26))), pad), seq))
			seq++
		}
		sources = append(sources, convertJob(t, convert.Config{Threads: 1}, convert.Job{Columns: columns, Blocks: blocksOf(300, lines...)}).Files[0].Path)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, desc := range []bool{false, true} {
		for _, threads := range []int{1, 2} {
			res := mergeJob(t, convert.Config{Threads: threads, Memory: 2 << 20, RowGroup: 64 << 10}, convert.MergeJob{
				Sources: sources, Columns: columns, Target: 60 << 10,
				Layout: convert.Layout{Sort: []lake.SortKey{{Path: "k", Descending: desc, NullsFirst: desc}, {Path: "n"}}, Bloom: []string{"pad"}},
			})
			if len(res.Files) < 2 || res.Rows != int64(seq) {
				t.Fatalf("%d files, %d rows of %d", len(res.Files), res.Rows, seq)
			}
			for _, f := range res.Files {
				if f.Bytes < 25<<10 || f.Bytes > 100<<10 {
					t.Errorf("a file of %d bytes", f.Bytes)
				}
			}
			order := "k ASC NULLS LAST"
			if desc {
				order = "k DESC NULLS FIRST"
			}
			var wrong, rows, distinct, groups int
			q := fmt.Sprintf(`WITH f AS (SELECT *, row_number() OVER (ORDER BY filename, file_row_number) AS pos FROM read_parquet(['%s'], filename=true, file_row_number=true)),
				s AS (SELECT *, row_number() OVER (ORDER BY %s, n, seq) AS want FROM f)
				SELECT count(*) FILTER (WHERE pos <> want), count(*), count(DISTINCT tags[1]), max(g) FROM s, (SELECT count(DISTINCT (file_name, row_group_id)) g FROM parquet_metadata(['%[1]s']))`,
				strings.Join(pathsOf(res), "','"), order)
			if err := db.QueryRow(q).Scan(&wrong, &rows, &distinct, &groups); err != nil {
				t.Fatal(err)
			}
			if wrong > 0 || rows != seq || distinct != seq {
				t.Errorf("desc %v: %d rows of %d are out of order, %d, %d distinct", desc, wrong, seq, rows, distinct)
			}
			t.Logf("%d files, %d row groups", len(res.Files), groups)
		}
	}
}

// Large texts that come again and again have large dictionaries, and those of all files
// are not in memory at once: the rows are the same.
func TestMergeSortedHeavy(t *testing.T) {
	columns := columnsOf(t, "k:bigint,seq:bigint,blob:string,list:array<string>,map:map<string,string>")
	rng := rand.New(rand.NewPCG(1, 2))
	var sources []string
	seq := 0
	for n := range 40 {
		var lines []string
		for range 150 {
			blob := fmt.Sprintf("%d/%d %s", n, rng.IntN(5), strings.Repeat("x", 10_000))
			line := fmt.Sprintf(`{"k":%d,"seq":%d,"blob":%q,"list":["a%d",null,%q],"map":{"m":%q}}`, rng.IntN(1000), seq, blob, seq, blob, blob)
			if seq%7 == 0 {
				line = fmt.Sprintf(`{"k":%d,"seq":%d,"list":[]}`, rng.IntN(1000), seq)
			}
			lines = append(lines, line)
			seq++
		}
		sources = append(sources, convertJob(t, convert.Config{Threads: 1}, convert.Job{Columns: columns, Blocks: blocksOf(300, lines...)}).Files[0].Path)
	}
	res := mergeJob(t, convert.Config{Threads: 1, Memory: 2 << 20, RowGroup: 64 << 10}, convert.MergeJob{
		Sources: sources, Columns: columns, Layout: convert.Layout{Sort: []lake.SortKey{{Path: "k"}}},
	})
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	digest := func(paths []string) (s string) {
		t.Helper()
		q := fmt.Sprintf(`SELECT {n: count(*), x: bit_xor(hash(k, seq, blob, list, map))}::VARCHAR FROM read_parquet(['%s'])`, strings.Join(paths, "','"))
		if err := db.QueryRow(q).Scan(&s); err != nil {
			t.Fatal(err)
		}
		return s
	}
	if got, want := digest(pathsOf(res)), digest(sources); got != want {
		t.Errorf("rows are %s, want %s", got, want)
	}
	var wrong int
	q := fmt.Sprintf(`SELECT count(*) FROM (SELECT (k, seq) < lag((k, seq)) OVER (ORDER BY file_row_number) AS wrong FROM read_parquet('%s', file_row_number=true)) WHERE wrong`, res.Files[0].Path)
	if err := db.QueryRow(q).Scan(&wrong); err != nil || wrong > 0 {
		t.Errorf("%d rows are out of order, %v", wrong, err)
	}
}
