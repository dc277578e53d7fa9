package convert_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/sample"
)

// mergeKeys are the columns that a benchmark's tables are sorted by.
var mergeKeys = map[string]string{"purchases": "bookid", "segment": "event", "nasa": "host"}

// BenchmarkMerge merges the files of small batches, 1 MB of JSON each, as a trickle
// leaves them, beside DuckDB's COPY (SELECT … ORDER BY …) of the same files, with one
// thread each. MB/s are of the sources. "sorted" is the whole output in one order, of
// both; "asis" has none.
func BenchmarkMerge(b *testing.B) {
	for _, kind := range sample.Kinds() {
		b.Run(kind, func(b *testing.B) {
			in := makeTrickle(b, kind, benchMB(b))
			for _, order := range []string{"", mergeKeys[kind]} {
				name := "asis"
				if order != "" {
					name = "sorted"
				}
				var duck, duckCPU float64
				b.Run(name+"/duckdb", func(b *testing.B) {
					duckCPU = benchMergeDuckDB(b, in, order)
					duck = b.Elapsed().Seconds() / float64(b.N)
				})
				b.Run(name+"/sluice", func(b *testing.B) {
					cpu := benchMergeSluice(b, in, order)
					if duck > 0 {
						b.ReportMetric(duck/(b.Elapsed().Seconds()/float64(b.N)), "xDuckDB")
						b.ReportMetric(duckCPU/cpu, "xDuckDB-cpu")
					}
				})
			}
		})
	}
}

// A trickle is the small files of a partition.
type trickle struct {
	paths   []string
	columns []lake.Column
	bytes   int64
	rows    int64
}

func makeTrickle(b *testing.B, kind string, mb int64) trickle {
	b.Helper()
	const batch = 1_000_000
	g, err := sample.New(kind, 1)
	if err != nil {
		b.Fatal(err)
	}
	events := mb * 1_000_000 / sample.MeanSize(kind)
	g.Spread(events)
	c, err := convert.New(convert.Config{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	in, dir := trickle{}, b.TempDir()
	for n := int64(0); n < events; {
		var data []byte
		for len(data) < batch && n < events {
			data = append(g.AppendEvent(data), '\n')
			n++
		}
		to := filepath.Join(dir, fmt.Sprint(len(in.paths)))
		if err := os.Mkdir(to, 0o755); err != nil {
			b.Fatal(err)
		}
		res, err := c.Convert(context.Background(), convert.Job{Columns: in.columns, Dir: to, Blocks: blocksOf(1<<20, strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")...)})
		if err != nil {
			b.Fatal(err)
		}
		in.columns = res.Columns
		for _, f := range res.Files {
			in.paths = append(in.paths, f.Path)
			in.bytes += f.Bytes
			in.rows += f.Rows
		}
	}
	return in
}

func benchMergeSluice(b *testing.B, in trickle, order string) (cpu float64) {
	return benchMergeTo(b, in, order, 512<<20)
}

func benchMergeTo(b *testing.B, in trickle, order string, target int64) (cpu float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	defer debug.SetGCPercent(debug.SetGCPercent(50))
	job := convert.MergeJob{Sources: in.paths, Columns: in.columns, Target: target}
	if order != "" {
		job.Layout.Sort = []lake.SortKey{{Path: order}}
	}
	c, err := convert.New(convert.Config{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(in.bytes)
	resetPeak()
	cpu = cpuSeconds(b)
	for b.Loop() {
		job.Dir = b.TempDir()
		res, err := c.Merge(context.Background(), job)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(res.Files)), "outFiles")
		if in.rows > 0 && res.Rows != in.rows {
			b.Fatalf("%d rows of %d", res.Rows, in.rows)
		}
	}
	cpu = (cpuSeconds(b) - cpu) / float64(b.N)
	b.ReportMetric(float64(len(in.paths)), "files")
	reportPeak(b)
	reportSize(b, job.Dir)
	return cpu
}

func benchMergeDuckDB(b *testing.B, in trickle, order string) (cpu float64) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("SET threads=1"); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(in.bytes)
	resetPeak()
	var dir string
	cpu = cpuSeconds(b)
	for b.Loop() {
		dir = b.TempDir()
		q := fmt.Sprintf("SELECT * FROM read_parquet(['%s'], union_by_name=true)", strings.Join(in.paths, "','"))
		if order != "" {
			q += " ORDER BY " + order
		}
		if _, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s/out.parquet' (FORMAT parquet, COMPRESSION zstd)", q, dir)); err != nil {
			b.Fatal(err)
		}
	}
	cpu = (cpuSeconds(b) - cpu) / float64(b.N)
	reportPeak(b)
	reportSize(b, dir)
	return cpu
}

// BenchmarkMergeAtSize makes files of 512 MiB and of 1 GiB of TEST_MERGE_MB (1300) of
// Parquet: peakMiB is to stay under 512. The sources are files of some MB, named again and
// again until they are so much, so that every row is there several times.
func BenchmarkMergeAtSize(b *testing.B) {
	mb := int64(1300)
	if s := os.Getenv("TEST_MERGE_MB"); s != "" {
		mb, _ = strconv.ParseInt(s, 10, 64)
	}
	once := makeTrickle(b, "segment", benchMB(b))
	in := trickle{columns: once.columns}
	for i := 0; in.bytes < mb<<20; i++ {
		info, err := os.Stat(once.paths[i%len(once.paths)])
		if err != nil {
			b.Fatal(err)
		}
		in.paths = append(in.paths, once.paths[i%len(once.paths)])
		in.bytes += info.Size()
	}
	for _, order := range []string{"", "event"} {
		for _, target := range []int64{512 << 20, 1 << 30} {
			b.Run(fmt.Sprintf("sort=%s/target=%dMiB", order, target>>20), func(b *testing.B) {
				debug.FreeOSMemory()
				benchMergeTo(b, in, order, target)
			})
		}
	}
}
