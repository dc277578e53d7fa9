package convert_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"sluice/convert"

	"github.com/google/go-cmp/cmp"
)

// manyPartitions are n records that go to parts partitions in turn.
func manyPartitions(n, parts int) (records []string) {
	for i := range n {
		records = append(records, fmt.Sprintf(`{"id":%d,"k":"k%d","u":"%032x","o":{"x":[%d,%d]},"p":%d}`, i, i%977, i*7919, i, i%3, i%parts))
	}
	return records
}

// With far less memory than the records of all partitions take, they are sorted by
// partition first: no record is lost or doubled, every file is one row group, and
// the bytes are always the same.
func TestMemoryPressure(t *testing.T) {
	records := manyPartitions(40_000, 1000)
	rules := rulesOf(t, "p=p")
	var first []string
	for _, tc := range []struct{ threads, block int }{{1, 1000}, {3, 1000}, {2, 17}} {
		cfg := convert.Config{Threads: tc.threads, Memory: 8 << 20}
		res := convertJob(t, cfg, convert.Job{Blocks: blocksOf(tc.block, records...), Rules: rules})
		if len(res.Files) != 1000 {
			t.Fatalf("%d files", len(res.Files))
		}
		var all []string
		for _, f := range res.Files {
			b, err := os.ReadFile(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, f.Partition, string(b))
		}
		if first == nil {
			first = all
		} else if diff := cmp.Diff(first, all); diff != "" {
			t.Fatalf("%+v: other bytes", tc)
		}
		dir := filepath.Dir(res.Files[0].Path)
		var rows, ids, groups int
		q := fmt.Sprintf("SELECT count(*), count(DISTINCT id) FROM '%s/*.parquet'", dir)
		if err := openDuckDB(t).QueryRow(q).Scan(&rows, &ids); err != nil {
			t.Fatal(err)
		}
		for _, f := range res.Files[:50] {
			groups += len(openParquet(t, f.Path).RowGroups())
			checkPages(t, f.Path)
		}
		if rows != len(records) || ids != rows || groups != 50 {
			t.Errorf("%+v: %d rows, %d ids, %d row groups in 50 files", tc, rows, ids, groups)
		}
	}
}

// Records that are sorted by a partition that no column is dropped for each lie in
// the file of their own day, also those at which one day's file ends and another's
// begins.
func TestSortedRowsAreInTheirPartition(t *testing.T) {
	var records []string
	for i := range 40_000 {
		day := time.Date(2020, 1, 1, 12, 0, 0, 0, time.UTC).AddDate(0, 0, i*7919%1000)
		records = append(records, fmt.Sprintf(`{"id":%d,"t":%d,"pad":"%064x"}`, i, day.Unix(), i*i))
	}
	for _, threads := range []int{1, 2} {
		res := convertJob(t, convert.Config{Threads: threads, Memory: 8 << 20}, convert.Job{Blocks: blocksOf(100, records...), Rules: rulesOf(t, "d=day(t)")})
		if len(res.Files) != 1000 || res.Rows != int64(len(records)) {
			t.Fatalf("%d files, %d rows", len(res.Files), res.Rows)
		}
		db := openDuckDB(t)
		for _, f := range res.Files {
			var rows, wrong int
			q := fmt.Sprintf("SELECT count(*), count(*) FILTER (strftime(make_timestamp(t * 1000000), 'd=%%Y-%%m-%%d') <> '%s') FROM '%s'", f.Partition, f.Path)
			if err := db.QueryRow(q).Scan(&rows, &wrong); err != nil {
				t.Fatal(err)
			}
			if rows != 40 || wrong != 0 {
				t.Fatalf("threads %d: %s has %d rows, %d of another day", threads, f.Partition, rows, wrong)
			}
		}
	}
}

// A partition that seems to be over has its row group closed, and takes late
// records all the same.
func TestLateRecords(t *testing.T) {
	var records []string
	for i := range 30_000 {
		day := i / 3000
		if i%15_000 == 14_999 {
			day = 0 // late
		}
		records = append(records, fmt.Sprintf(`{"id":%d,"t":"2026-01-%02dT12:00:00Z","pad":"%064x"}`, i, day+1, i*i))
	}
	for _, threads := range []int{1, 2} {
		cfg := convert.Config{Threads: threads, Memory: 8 << 20, RowGroup: 1 << 20}
		res := convertJob(t, cfg, convert.Job{Blocks: blocksOf(100, records...), Rules: rulesOf(t, "d=day(t)")})
		if len(res.Files) != 10 || res.Rows != int64(len(records)) {
			t.Fatalf("%d files, %d rows", len(res.Files), res.Rows)
		}
		if groups := len(openParquet(t, res.Files[0].Path).RowGroups()); groups < 2 {
			t.Errorf("the first day has %d row groups: it was not closed when it seemed to be over", groups)
		}
		db := openDuckDB(t)
		total := 0
		for _, f := range res.Files {
			var rows, ids, wrong int
			q := fmt.Sprintf("SELECT count(*), count(DISTINCT id), count(*) FILTER (strftime(t, 'd=%%Y-%%m-%%d') <> '%s') FROM '%s'", f.Partition, f.Path)
			if err := db.QueryRow(q).Scan(&rows, &ids, &wrong); err != nil {
				t.Fatal(err)
			}
			if rows != ids || int64(rows) != f.Rows || wrong != 0 {
				t.Errorf("threads %d: %s has %d rows, %d ids, %d of another day", threads, f.Partition, rows, ids, wrong)
			}
			total += ids
		}
		if total != len(records) {
			t.Errorf("threads %d: %d of %d records", threads, total, len(records))
		}
	}
}

// A disk that is full in the middle of a job ends it with the error; nothing
// hangs, and nothing is left running or lying about.
func TestFullDisk(t *testing.T) {
	records := manyPartitions(10_000, 50)
	for _, threads := range []int{1, 3} {
		for _, at := range []int64{0, 300_000, 700_000} {
			dir := t.TempDir()
			fill := func(read int64) {
				if read < at {
					return
				}
				fillDisk(t, dir)
				at = 1 << 60
			}
			// A bubble ends when all of its goroutines have, and fails when
			// they cannot.
			synctest.Test(t, func(t *testing.T) {
				c, err := convert.New(convert.Config{Threads: threads, Memory: 1 << 20, RowGroup: 1 << 12})
				if err != nil {
					t.Fatal(err)
				}
				_, err = c.Convert(context.Background(), convert.Job{Blocks: blocksOf(100, records...), Rules: rulesOf(t, "p=p"), Dir: dir, Progress: fill})
				if !errors.Is(err, syscall.ENOSPC) {
					t.Errorf("error %v, want %v", err, syscall.ENOSPC)
				}
			})
			if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
				t.Errorf("%d files are left", len(left))
			}
		}
	}
}

// fillDisk makes writing to the files of a folder fail.
func fillDisk(t *testing.T, dir string) {
	paths, _ := filepath.Glob(filepath.Join(dir, "*.parquet"))
	for _, p := range paths {
		if err := os.Symlink("/dev/full", p+".full"); err != nil {
			t.Error(err)
		}
		if err := os.Rename(p+".full", p); err != nil { // the name is never gone
			t.Error(err)
		}
	}
}

// Cancelling ends a job between two blocks.
func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	dir := t.TempDir()
	c, err := convert.New(convert.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Convert(ctx, convert.Job{Blocks: blocksOf(10, manyPartitions(1000, 1)...), Dir: dir, Progress: func(int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Records without a value make rows all the same.
func TestEmptyRecords(t *testing.T) {
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(2, `{}`, ` { } `, `{"a":null}`, ``, " \t", "\f")})
	if res.Rows != 3 || res.Failed != 1 || specOf(res.Columns) != "_rescued:map<string,string>" {
		t.Errorf("result %+v", res)
	}
	if got := readRows(t, res.Files[0].Path); len(got) != 3 {
		t.Errorf("rows %v", got)
	}
	res = convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(2)})
	if res.Rows != 0 || len(res.Files) != 0 || len(res.Columns) != 0 {
		t.Errorf("no records: result %+v", res)
	}
}
