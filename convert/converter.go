package convert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"sluice/internal/lake"
	"sluice/partitioner"

	"github.com/prometheus/client_golang/prometheus"
)

// SampleBytes is how much of a job without known columns is looked at before the
// first guess at them.
const SampleBytes = 1 << 20

// A Config bounds conversion and shapes its files.
type Config struct {
	// Memory is how many bytes of columns may be held, about, half of it while
	// they are built and half while they are encoded; default 256 MiB.
	Memory int64
	// Threads is how many goroutines work at a job: one a lane (see Layout), and up to
	// as many more encode row groups beside them. Default: one a processor.
	Threads int
	// Compression of pages: zstd (the default), snappy, gzip or none.
	Compression string
	level       int
	// RowGroup is the size of a row group, in bytes of built columns (after
	// dictionaries, before compression), about; default 64 MiB, 1 GiB at most.
	RowGroup int64

	pageRows int // at most in a page; default maxPageRows
	// Bytes of JSON in the first turn and in each later one; see run.
	firstTurn, laterTurns int
	lanes                 int  // of a job
	noWays                bool // parse every record as a whole

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// The bounds of a Config, in bytes.
const (
	minMemory       = 1 << 20
	minRowGroupSize = 1 << 10
	maxRowGroup     = 1 << 30
)

// A Converter turns jobs into files. It may be used by several goroutines; each
// job has the memory of Config for itself.
type Converter struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	// What a job leaves behind for the next, if it comes soon.
	builders sync.Pool
	encoders encoderPools
}

// New checks the configuration.
func New(cfg Config) (*Converter, error) {
	if cfg.Memory == 0 {
		cfg.Memory = 256 << 20
	}
	if cfg.RowGroup == 0 {
		cfg.RowGroup = 64 << 20
	}
	if cfg.pageRows == 0 {
		cfg.pageRows = maxPageRows
	}
	if cfg.firstTurn == 0 {
		cfg.firstTurn, cfg.laterTurns = firstTurnBytes, turnBytes
	}
	if cfg.Threads == 0 {
		cfg.Threads = runtime.GOMAXPROCS(0)
	}
	if cfg.Memory < minMemory || cfg.RowGroup < minRowGroupSize || cfg.RowGroup > maxRowGroup || cfg.Threads < 1 {
		return nil, fmt.Errorf("convert: memory %d (want 1 MiB at least), row group %d (1 KiB to 1 GiB), threads %d (1 at least)", cfg.Memory, cfg.RowGroup, cfg.Threads)
	}
	if _, err := newCodec(cfg.Compression, 0); err != nil {
		return nil, fmt.Errorf("convert: %w", err)
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Converter{cfg: cfg, log: cfg.Logger, metrics: newMetrics(cfg.Registerer)}, nil
}

// A Job is a run of records and what is known of their table.
type Job struct {
	Blocks   lake.Blocks
	Columns  []lake.Column // the table's in the catalog; they win over all else
	Declared []lake.Column // by configuration; they win over inference
	// Strict sends a record with a value that does not fit its column to the
	// failures instead of rescuing the value.
	Strict bool
	// Rewrite, if set, makes of each record the one that is converted.
	Rewrite *Rewrite
	Rules   *partitioner.Rules // nil: dt=day(ingest)
	Seed    string             // of what the rules call random; the same gives the same paths
	Dir     string             // an existing folder for the files
	Layout  Layout             // of the files
	// Attempt is the time that the document of failures names as the end of the
	// attempt; the same for each repetition, so that the document has the same
	// bytes. Zero: each record's arrival.
	Attempt time.Time
	// Progress, if set, is called now and then with the bytes of JSON read.
	Progress func(bytes int64)
}

// A File is the rows of one partition.
type File struct {
	Partition string   // relative path, escaped, such as dt=2026-01-31
	Values    []string // of the partition, raw
	Path      string   // where the file lies
	Rows      int64
	Bytes     int64
}

// A Result is what became of a job.
type Result struct {
	Columns  []lake.Column // Job.Columns, grown by what was declared or inferred
	Files    []File        // in the order of their partition paths
	Rows     int64
	Bytes    int64  // of JSON read
	Rescued  int64  // values that their column could not take, and that went to _rescued
	Filtered int64  // records that the transform left out
	Failed   int64  // records that became no row
	Failures string // the path of their document, NDJSON; "" when there are none
	// TransformFailures is the path of the document of those, among Failed, that the
	// transform failed on, or that lack a partition key of the rules' query.
	TransformFailures string
}

// Convert does a job. When it fails the folder may hold partial files.
func (c *Converter) Convert(ctx context.Context, job Job) (Result, error) {
	if job.Rules == nil {
		job.Rules, _ = partitioner.Parse(nil)
	}
	if err := job.Layout.check(); err != nil {
		return Result{}, fmt.Errorf("convert: layout: %w", err)
	}
	known := evolve(withForms(job.Columns, job.Declared), job.Declared, reservedNames(job.Rules, false), 1<<20)
	if err := checkColumns(known); err != nil {
		return Result{}, fmt.Errorf("convert: %w", err)
	}
	timer := c.metrics.start()
	columns, final := known, false
	if len(known) == 0 {
		var err error
		if columns, err = c.infer(ctx, job, known, known, SampleBytes); err != nil {
			return Result{}, fmt.Errorf("convert: infer columns: %w", err)
		}
	}
	var sorted *spill
	defer func() {
		if sorted != nil {
			sorted.remove()
		}
	}()
	// At most: the guess, the whole inferred, that with _rescued, and sorted.
	for attempt := 1; ; attempt++ {
		r := c.newRun(job, columns, known, final)
		r.sorted = sorted != nil
		res, err := r.convert(ctx)
		r.recycle()
		if err == nil {
			c.metrics.done(timer, res)
			return res, nil
		}
		r.discard()
		switch {
		case attempt > 4:
			return Result{}, fmt.Errorf("BUG: convert: no schema fits: %w", err)
		case errors.Is(err, errNewType):
			if columns, err = c.infer(ctx, job, known, columns, -1); err != nil {
				return Result{}, fmt.Errorf("convert: infer columns: %w", err)
			}
			final = true
		case errors.Is(err, errScatter):
			if sorted, err = c.sort(ctx, job, columns, known); err != nil {
				return Result{}, fmt.Errorf("convert: %w", err)
			}
			job.Blocks = sorted.blocks
		case errors.Is(err, errRescue):
			columns = append(columns[:len(columns):len(columns)], lake.Column{Name: lake.RescuedColumn, Type: lake.MapOf(lake.String)})
		default:
			return Result{}, fmt.Errorf("convert: %w", err)
		}
		c.metrics.again.Inc()
	}
}

// sort brings the job's records into the order of their partitions. What columns
// there are does not matter for that, so nothing is a surprise.
func (c *Converter) sort(ctx context.Context, job Job, columns, known []lake.Column) (*spill, error) {
	job.Progress = nil
	r := c.newRun(job, columns, known, true)
	var err error
	if r.spill, err = newSpill(filepath.Join(job.Dir, "sorted.ndjson"), r.cfg.Memory/2); err != nil {
		return nil, err
	}
	defer r.recycle()
	if err = r.scatter(ctx); err != nil {
		r.spill.remove()
		return nil, err
	}
	return r.spill, nil
}

// infer grows known by what the first limit bytes of the job show, all of them
// if limit is negative. Types that an earlier look guessed are joined anew.
func (c *Converter) infer(ctx context.Context, job Job, known, guess []lake.Column, limit int64) ([]lake.Column, error) {
	in, rewrite := &inferrer{}, job.Rewrite.rewriter()
	var read int64
	for block, err := range job.Blocks() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return nil, err
		}
		for line := range lines(block.Data) {
			if rewrite != nil {
				if line, err = rewrite.record(ctx, line, block.Arrival); err != nil && ctx.Err() != nil {
					return nil, ctx.Err()
				} else if err != nil {
					continue
				}
			}
			in.add(line)
		}
		if read += int64(len(block.Data)); limit >= 0 && read >= limit {
			break
		}
	}
	columns := evolve(known, in.root.columns(known, 1), reservedNames(job.Rules, true), MaxColumns)
	if _, ok := columnNamed(guess, lake.RescuedColumn); ok && indexOf(columns, lake.RescuedColumn) < 0 {
		columns = append(columns, lake.Column{Name: lake.RescuedColumn, Type: lake.MapOf(lake.String)})
	}
	return columns, nil
}

// reservedNames are the columns that inference makes none of.
func reservedNames(rules *partitioner.Rules, rescued bool) map[string]bool {
	names := map[string]bool{}
	for _, k := range rules.Keys() {
		names[k.Name] = true
	}
	if rescued {
		names[lake.RescuedColumn] = true
	}
	return names
}

func removeFile(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
