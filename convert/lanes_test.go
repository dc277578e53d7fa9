package convert_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"sluice/convert"
	"sluice/internal/lake"

	"github.com/google/go-cmp/cmp"
)

// lanesRecords are records of some partitions, with values that are rescued, columns
// that come late, and some that are no records.
func lanesRecords(n int) (records []string) {
	for i := range n {
		switch {
		case i%97 == 13:
			records = append(records, fmt.Sprintf(`{"id":%d,"broken`, i))
		case i%89 == 7:
			records = append(records, fmt.Sprintf(`{"id":%d,"d":%d,"n":"no number"}`, i, i%3))
		case i > n/2 && i%5 == 0:
			records = append(records, fmt.Sprintf(`{"id":%d,"d":%d,"n":1,"late%d":[{"x":"%d"}]}`, i, i%3, i%2, i))
		default:
			records = append(records, fmt.Sprintf(`{"id":%d,"k":"k%d","o":{"x":[%d,%d]},"d":%d,"n":%d}`, i, i%977, i, i%3, i%3, i))
		}
	}
	return records
}

// contents are the files of a result with their partitions, and the documents of
// failures.
func contents(t *testing.T, res convert.Result) (all []string) {
	t.Helper()
	read := func(path string) string {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	for _, f := range res.Files {
		all = append(all, f.Partition, read(f.Path))
	}
	for _, path := range []string{res.Failures, res.TransformFailures} {
		if path != "" {
			all = append(all, read(path))
		}
	}
	return all
}

// A number of lanes gives the same files with any number of threads, however the
// input is cut into blocks, and the rows, columns and failures of a single lane.
func TestLanes(t *testing.T) {
	records := lanesRecords(3000)
	rewrite, err := convert.NewRewrite(map[string]lake.ColumnSpec{"key": {Type: "string", From: "k"}}, `select(.id % 50 != 0)`)
	if err != nil {
		t.Fatal(err)
	}
	known := columnsOf(t, "id:bigint,n:bigint")
	for name, job := range map[string]convert.Job{
		"inferred": {},
		"known":    {Columns: known},
		"rewrite":  {Columns: known, Rewrite: rewrite},
		"sorted":   {Columns: known, Layout: convert.Layout{Sort: []lake.SortKey{{Path: "n", Descending: true}}, Bloom: []string{"id"}}},
	} {
		t.Run(name, func(t *testing.T) {
			job.Rules = rulesOf(t, "d=d")
			job.Layout.Lanes = 1
			job.Blocks = blocksOf(100, records...)
			one := convertJob(t, convert.Config{Threads: 1, RowGroup: 1 << 14}, job)
			want := lanesRows(t, one)
			for lanes := 2; lanes <= 3; lanes++ {
				var first []string
				for _, threads := range []int{1, 2, 5} {
					for _, block := range []int{13, 6000} {
						job.Layout.Lanes, job.Blocks = lanes, blocksOf(block, records...)
						cfg := convert.WithTurns(convert.Config{Threads: threads, RowGroup: 1 << 14}, 20_000, 7000)
						res := convertJob(t, cfg, job)
						got := contents(t, res)
						if first != nil {
							if diff := cmp.Diff(first, got); diff != "" {
								t.Fatalf("%d lanes, %d threads, blocks of %d: other bytes", lanes, threads, block)
							}
							continue
						}
						first = got
						if specOf(res.Columns) != specOf(one.Columns) || res.Rows != one.Rows || res.Rescued != one.Rescued || res.Filtered != one.Filtered || res.Failed != one.Failed || res.Bytes != one.Bytes {
							t.Errorf("%d lanes: %+v, want %+v", lanes, res, one)
						}
						if diff := cmp.Diff(want, lanesRows(t, res)); diff != "" {
							t.Errorf("%d lanes: rows differ (-one lane +%d)\n%.2000s", lanes, lanes, diff)
						}
						if groups := len(openParquet(t, res.Files[0].Path).RowGroups()); groups < 4 {
							t.Errorf("%d row groups: the lanes had one each", groups)
						}
						for _, f := range res.Files {
							checkPages(t, f.Path)
						}
					}
				}
			}
		})
	}
}

// lanesRows are the rows and failures of a result in no order.
func lanesRows(t *testing.T, res convert.Result) (rows []string) {
	t.Helper()
	for _, f := range res.Files {
		for _, row := range readRows(t, f.Path) {
			rows = append(rows, fmt.Sprint(f.Partition, row))
		}
	}
	for _, path := range []string{res.Failures, res.TransformFailures} {
		if path == "" {
			continue
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	}
	slices.Sort(rows)
	return rows
}

// Where several lanes meet a surprise, that of the earliest turn counts, so the same
// columns come of it every time.
func TestLanesSurprises(t *testing.T) {
	var records []string
	for i := range 4000 {
		records = append(records, fmt.Sprintf(`{"id":%d,"c%d":%d}`, i, i/20, i), fmt.Sprintf(`{"id":"x","d":%d}`, i%2))
	}
	var first string
	for range 5 {
		cfg := convert.WithTurns(convert.Config{Threads: 3}, 500, 500)
		res := convertJob(t, cfg, convert.Job{Blocks: blocksOf(3, records...), Rules: rulesOf(t, "d=d"), Columns: columnsOf(t, "id:bigint")})
		spec := specOf(res.Columns)
		if first == "" {
			first = spec
		}
		if spec != first || res.Rows != 8000 || !strings.HasSuffix(spec, "_rescued:map<string,string>") {
			t.Fatalf("%d rows, columns %s, want %s", res.Rows, spec, first)
		}
	}
}

// Whatever turn a read fails, a disk fills up or the job is canceled at, it ends with
// that error and leaves nothing.
func TestLanesErrors(t *testing.T) {
	records := lanesRecords(6000)
	boom := errors.New("boom")
	for _, threads := range []int{1, 2, 4} {
		for at := int64(0); at < 240_000; at += 60_000 {
			for _, want := range []error{boom, syscall.ENOSPC, context.Canceled} {
				dir := t.TempDir()
				ctx, cancel := context.WithCancel(context.Background())
				job := convert.Job{Rules: rulesOf(t, "d=d"), Columns: columnsOf(t, "id:bigint,n:bigint,_rescued:map<string,string>"), Dir: dir, Layout: convert.Layout{Lanes: 2}}
				blocks := blocksOf(50, records...)
				job.Blocks = func() iter.Seq2[lake.Block, error] {
					return func(yield func(lake.Block, error) bool) {
						read := int64(0)
						for b := range blocks() {
							if read += int64(len(b.Data)); read > at {
								switch want {
								case boom:
									yield(lake.Block{}, boom)
									return
								case context.Canceled:
									cancel()
								case syscall.ENOSPC:
									fillDisk(t, dir)
								}
							}
							if !yield(b, nil) {
								return
							}
						}
					}
				}
				synctest.Test(t, func(t *testing.T) {
					c, err := convert.New(convert.WithTurns(convert.Config{Threads: threads, RowGroup: 1 << 12}, 9000, 3000))
					if err != nil {
						t.Fatal(err)
					}
					if _, err = c.Convert(ctx, job); !errors.Is(err, want) {
						t.Errorf("%d threads, at byte %d: error %v, want %v", threads, at, err, want)
					}
				})
				cancel()
				if left, _ := os.ReadDir(dir); len(left) > 0 {
					t.Errorf("%d threads, at byte %d, %v: %d files are left", threads, at, want, len(left))
				}
			}
		}
	}
}
