package convert

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/partitioner"
)

// A run is one attempt at a job under one schema.
type run struct {
	job      Job
	cfg      Config
	schema   *schema
	shred    shredder
	staged   *staged
	pipe     *pipe // nil: the parsing deals by itself
	staging  int64 // bytes of JSON that were parsed into staged
	dealAt   int64 // at how many it is dealt out
	eval     *partitioner.Evaluator
	drops    []drop
	keyed    *keyed // nil: eval reads the record's fields
	parts    map[string]*part
	path     []byte
	last     *part     // the partition of the record before
	settled  bool      // a record for which eval says Same is of that partition
	arrival  time.Time // of the record
	order    []*part
	builders *sync.Pool // of the converter
	stage    *stage
	failures *failures
	rewriter *rewriter // nil for none
	original []byte    // the record that the one being parsed was made of; nil without rewriter
	// transformFailures are of records that the rewriter fails on.
	// Those whose partition cannot be told are there too, as Firehose has it.
	transformFailures *failures
	held              int64 // bytes in builders that are being filled
	maxRows           int   // of a row group, about
	dealer            dealer
	dealt             int64 // bytes of JSON that were dealt out
	sweepAt           int64 // at how many of them partitions are looked at that are over
	result            Result
	// spill takes the records instead of builders, to sort them by partition.
	spill *spill
	// sorted: the records come partition by partition.
	sorted bool
}

// A part is one partition's file and the row group being built for it.
type part struct {
	id     int32 // 1 + its place in order
	path   string
	file   *parquetFile
	build  *builder
	queued *ticket // the row group handed to the stage last
	turn   int32   // 1 + its place in what is being dealt
	dealt  int64   // run.dealt when it had rows last
}

// A drop is a partition key whose field is no column.
type drop struct {
	key  int // index of the partition key
	node *node
}

func (c *Converter) newRun(job Job, s *schema, final bool) (*run, error) {
	r := &run{
		job: job, cfg: c.cfg.with(job.Layout), schema: s, eval: job.Rules.Evaluator(), parts: map[string]*part{},
		failures: &failures{path: filepath.Join(job.Dir, "failures.ndjson"), attempt: job.Attempt},
		rewriter: job.Rewrite.rewriter(), transformFailures: &failures{path: filepath.Join(job.Dir, "transform-failures.ndjson"), attempt: job.Attempt, transform: true},
	}
	var err error
	if r.keyed, err = newKeyed(job.Rules); err != nil {
		return nil, err
	}
	r.eval.Seed(job.Seed)
	fields := job.Rules.Fields()
	r.shred = shredder{schema: s, final: final, strict: job.Strict, fields: fields, parts: make([][]byte, len(fields))}
	for i, k := range job.Rules.Keys() {
		if n := s.root.byKey[k.Name]; n != nil && n.kind == dropNode {
			r.drops = append(r.drops, drop{i, n})
		}
	}
	s.apply(job.Layout)
	r.maxRows = math.MaxInt
	if len(s.sort) > 0 {
		r.maxRows = int(r.cfg.RowGroup / sortBytes)
	}
	r.stage, err = newStage(r.cfg, c.encoders.of(r.cfg))
	r.builders = &c.builders
	r.dealAt = max(1, min(stagedBytes, r.cfg.RowGroup/8, r.cfg.Memory/8))
	r.staged = newStaged(s)
	r.shred.out = r.staged
	if r.cfg.noWays {
		r.shred.rest = math.MaxInt
	}
	return r, err
}

// convert does the work; on a surprise the run is void.
func (r *run) convert(ctx context.Context) (Result, error) {
	stop := r.stage.start()
	join := r.startPipe()
	err := r.blocks(ctx)
	if err == nil {
		err = r.deal()
	}
	if err = join(err); err == nil {
		err = r.flushAll()
	}
	if stopErr := stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return Result{}, err
	}
	return r.finish()
}

func (r *run) blocks(ctx context.Context) error {
	for block, err := range r.job.Blocks() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if r.rewriter != nil {
			err = r.rewritten(ctx, block)
		} else {
			err = r.block(ctx, block)
		}
		if err != nil {
			return err
		}
		r.result.Bytes += int64(len(block.Data))
		if r.job.Progress != nil {
			r.job.Progress(r.result.Bytes)
		}
	}
	return nil
}

// finish writes the footers and says what there is.
func (r *run) finish() (Result, error) {
	if r.held != 0 {
		return Result{}, fmt.Errorf("BUG: %d bytes are held after the last row group", r.held)
	}
	res := r.result
	res.Columns = r.schema.columns
	slices.SortFunc(r.order, func(a, b *part) int { return cmp.Compare(a.path, b.path) })
	for _, p := range r.order {
		if err := p.file.finish(); err != nil {
			return Result{}, err
		}
		values, err := r.job.Rules.ParsePath(p.path)
		if err != nil {
			return Result{}, fmt.Errorf("BUG: partition path: %w", err)
		}
		res.Files = append(res.Files, File{Partition: p.path, Values: values, Path: p.file.path, Rows: p.file.rows, Bytes: p.file.size})
	}
	var err error
	if res.Failures, err = r.failures.finish(); err != nil {
		return Result{}, err
	}
	if res.TransformFailures, err = r.transformFailures.finish(); err != nil {
		return Result{}, err
	}
	res.Failed = r.failures.count + r.transformFailures.count
	return res, nil
}

// scatter sorts the job's records by partition.
func (r *run) scatter(ctx context.Context) (*spill, error) {
	s, err := newSpill(filepath.Join(r.job.Dir, "sorted.ndjson"), r.cfg.Memory/2)
	if err != nil {
		return nil, err
	}
	r.spill = s
	if err = r.blocks(ctx); err == nil {
		err = s.finish()
	}
	if err != nil {
		s.remove()
		return nil, err
	}
	return s, nil
}

// discard removes what a void run wrote.
func (r *run) discard() {
	for _, p := range r.order {
		if p.file != nil {
			removeFile(p.file.path)
		}
	}
	for _, f := range []*failures{r.failures, r.transformFailures} {
		f.close()
		removeFile(f.path)
	}
}
