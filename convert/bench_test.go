package convert_test

import (
	"bufio"
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/sample"
)

// benchMB is the size of each input in MB of JSON: TEST_BENCH_MB, 64 by
// default so that a plain run is quick. A claim wants 1000.
func benchMB(b *testing.B) int64 {
	s := os.Getenv("TEST_BENCH_MB")
	if s == "" {
		return 64
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		b.Fatalf("TEST_BENCH_MB=%q: want a number of megabytes", s)
	}
	return n
}

// BenchmarkConvert measures conversion of each kind of sample events beside
// DuckDB's COPY of the same file, with one thread each, with two, and with a
// folder for each day.
func BenchmarkConvert(b *testing.B) {
	for _, kind := range sample.Kinds() {
		b.Run(kind, func(b *testing.B) {
			in := makeInput(b, kind, benchMB(b))
			for _, threads := range []int{1, 2} {
				benchPair(b, fmt.Sprintf("threads=%d", threads), in, threads, false)
			}
			benchPair(b, "days", in, 1, true)
		})
	}
}

// A benchInput is a file of sample events.
type benchInput struct {
	kind, path    string
	bytes, events int64
}

func makeInput(b *testing.B, kind string, mb int64) benchInput {
	b.Helper()
	in := benchInput{kind: kind, path: filepath.Join(b.TempDir(), kind+".ndjson")}
	in.events = mb * 1_000_000 / sample.MeanSize(kind)
	g, err := sample.New(kind, 1)
	if err != nil {
		b.Fatal(err)
	}
	g.Spread(in.events)
	f, err := os.Create(in.path)
	if err != nil {
		b.Fatal(err)
	}
	if in.bytes, err = io.Copy(f, g.Reader(in.events)); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return in
}

// blocks reads the file in blocks of about 1 MiB.
func (in benchInput) blocks() lake.Blocks {
	return func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			f, err := os.Open(in.path)
			if err != nil {
				yield(lake.Block{}, err)
				return
			}
			defer f.Close()
			buf := make([]byte, 1<<20)
			have := 0
			for {
				n, err := io.ReadFull(f, buf[have:])
				have += n
				end := bytes.LastIndexByte(buf[:have], '\n') + 1
				if end > 0 && !yield(lake.Block{Data: buf[:end:end], Arrival: arrival}, nil) {
					return
				}
				if err == io.EOF || err == io.ErrUnexpectedEOF {
					return
				}
				if err != nil {
					yield(lake.Block{}, err)
					return
				}
				have = copy(buf, buf[end:have])
			}
		}
	}
}

// day is the expression for an event's day, ours and DuckDB's.
func (in benchInput) day() (ours, duckDB string) {
	switch in.kind {
	case "purchases":
		return "dt=day(purchaseTimestamp)", "strftime(make_timestamp(purchaseTimestamp * 1000000), '%Y-%m-%d')"
	case "nasa":
		return "dt=day(timestamp)", `strftime(make_timestamp("timestamp" * 1000000), '%Y-%m-%d')`
	}
	return "dt=day(timestamp)", `left("timestamp"::VARCHAR, 10)`
}

func benchPair(b *testing.B, name string, in benchInput, threads int, days bool) {
	var duck, duckCPU float64 // seconds an operation
	b.Run(name+"/duckdb", func(b *testing.B) {
		duckCPU = benchDuckDB(b, in, threads, days)
		duck = b.Elapsed().Seconds() / float64(b.N)
	})
	b.Run(name+"/sluice", func(b *testing.B) {
		cpu := benchSluice(b, in, threads, days)
		if duck > 0 {
			b.ReportMetric(duck/(b.Elapsed().Seconds()/float64(b.N)), "xDuckDB")
			b.ReportMetric(duckCPU/cpu, "xDuckDB-cpu") // less prone to what else runs
		}
	})
}

// cpuSeconds is what the process has used so far, in all its threads.
func cpuSeconds(b *testing.B) float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func benchSluice(b *testing.B, in benchInput, threads int, days bool) (cpu float64) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(threads))
	defer debug.SetGCPercent(debug.SetGCPercent(50)) // as the command has it
	job := convert.Job{Blocks: in.blocks()}
	if days {
		day, _ := in.day()
		job.Rules = rulesOf(b, day)
	}
	c, err := convert.New(convert.Config{Threads: threads})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(in.bytes)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	resetPeak()
	cpu = cpuSeconds(b)
	for b.Loop() {
		job.Dir = b.TempDir()
		res, err := c.Convert(context.Background(), job)
		if err != nil {
			b.Fatal(err)
		}
		if res.Rows != in.events || res.Failed+res.Rescued != 0 {
			b.Fatalf("result %+v", res)
		}
	}
	cpu = (cpuSeconds(b) - cpu) / float64(b.N)
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.Mallocs-before.Mallocs)/float64(b.N)/float64(in.events), "allocs/event")
	b.ReportMetric(cpu/float64(in.bytes)*1e9, "cpu-s/GB")
	reportPeak(b)
	reportSize(b, job.Dir)
	return cpu
}

func benchDuckDB(b *testing.B, in benchInput, threads int, days bool) (cpu float64) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(fmt.Sprintf("SET threads=%d", threads)); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(in.bytes)
	resetPeak()
	var dir string
	cpu = cpuSeconds(b)
	for b.Loop() {
		dir = b.TempDir()
		q := fmt.Sprintf("COPY (SELECT * FROM read_json('%s', format='newline_delimited')) TO '%s/out.parquet' (FORMAT parquet, COMPRESSION zstd)", in.path, dir)
		if days {
			_, day := in.day()
			q = fmt.Sprintf("COPY (SELECT *, %s AS dt FROM read_json('%s', format='newline_delimited')) TO '%s' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (dt), OVERWRITE)", day, in.path, dir)
		}
		if _, err := db.Exec(q); err != nil {
			b.Fatal(err)
		}
	}
	cpu = (cpuSeconds(b) - cpu) / float64(b.N)
	b.ReportMetric(cpu/float64(in.bytes)*1e9, "cpu-s/GB")
	reportPeak(b)
	reportSize(b, dir)
	return cpu
}

func reportSize(b *testing.B, dir string) {
	b.Helper()
	var size int64
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(size)/1e6, "outMB")
}

// resetPeak sets the process's peak of resident memory back to what it is now,
// where the system can.
func resetPeak() {
	runtime.GC()
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // not on this system: no figure
}

// reportPeak reports the peak since resetPeak, of the whole process, with what
// the benchmarks before have left.
func reportPeak(b *testing.B) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if kb, ok := strings.CutPrefix(s.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.Fields(kb)[0], 64)
			b.ReportMetric(n/1024, "peakMiB")
		}
	}
}
