package convert

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"

	"sluice/internal/lake"
)

// A run is one attempt at a job under one schema. The input is cut into turns, which
// the lanes take one after the other; with more than one thread each lane has a
// goroutine of its own. Where the turns end follows from the bytes of the input alone, and so
// does what becomes of a run: of several errors that of the earliest turn counts.
type run struct {
	job      Job
	cfg      Config
	columns  []lake.Column // of the schema
	known    []lake.Column // of those, the catalog's and the declared ones
	final    bool          // see shredder
	sorted   bool          // the records come partition by partition
	spill    *spill        // takes the records, to sort them by partition
	builders *sync.Pool    // of the converter
	stage    *stage
	output   *output
	lanes    []*lane // those that have had a turn

	mu    sync.Mutex
	read  int64 // bytes that were converted; guarded by mu
	err   error // of the earliest turn; guarded by mu
	errAt int   // the turn; guarded by mu
}

// The bytes of a turn. The first is longer, so that small jobs have row groups of one
// lane alone.
const (
	firstTurnBytes = 8 << 20
	turnBytes      = 4 << 20
)

// lastTurn is the turn at which the first lane closes; the next one does at the next.
const lastTurn = math.MaxInt - MaxLanes

func (c *Converter) newRun(job Job, columns, known []lake.Column, final bool) *run {
	cfg := c.cfg.with(job.Layout)
	return &run{
		job: job, cfg: cfg, columns: columns, known: known, final: final,
		builders: &c.builders, stage: newStage(cfg, c.encoders.of(cfg)), output: newOutput(job.Dir, cfg.lanes), errAt: math.MaxInt,
	}
}

// width is how many lanes there are. What is sorted by partition has one, so that a
// partition is not cut in two.
func (r *run) width() int {
	if r.sorted || r.spill != nil {
		return 1
	}
	return r.cfg.lanes
}

// convert does the work; on a surprise the run is void.
func (r *run) convert(ctx context.Context) (Result, error) {
	stop, err := r.stage.start(r.width())
	if err != nil {
		return Result{}, err
	}
	if r.cfg.Threads == 1 || r.width() == 1 {
		r.inTurn(ctx)
	} else {
		r.together(ctx)
	}
	stop()
	if r.err != nil {
		return Result{}, r.err
	}
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	if err := r.output.finish(); err != nil {
		return Result{}, err
	}
	return r.finish()
}

// fail notes an error. One of an earlier turn may still come.
func (r *run) fail(turn int, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if turn < r.errAt {
		r.err, r.errAt = err, turn
	}
}

// void reports whether the result of a turn will not be wanted.
func (r *run) void(turn int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return turn >= r.errAt
}

// progress tells how much was converted.
func (r *run) progress(bytes int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read += int64(bytes)
	if r.job.Progress != nil {
		r.job.Progress(r.read)
	}
}

// lane is the one for a turn.
func (r *run) lane(turn int) (*lane, error) {
	n := turn % r.width()
	if n == len(r.lanes) {
		l, err := r.newLane(n)
		if err != nil {
			return nil, err
		}
		r.lanes = append(r.lanes, l)
	}
	return r.lanes[n], nil
}

// inTurn converts in this goroutine.
func (r *run) inTurn(ctx context.Context) {
	for c, err := range r.cuts() {
		if err != nil {
			r.fail(c.turn, err)
			return
		}
		l, err := r.lane(c.turn)
		if err == nil {
			err = r.take(ctx, l, c.turn, c.block)
		}
		if err != nil {
			r.fail(c.turn, err)
			return
		}
		if c.ends {
			r.output.enter(l.number, c.turn+r.width())
		}
	}
	for _, l := range r.lanes {
		r.close(l)
	}
}

func (r *run) take(ctx context.Context, l *lane, turn int, block lake.Block) error {
	if err := l.take(ctx, turn, block); err != nil {
		return err
	}
	r.progress(len(block.Data))
	return nil
}

// close ends a lane.
func (r *run) close(l *lane) {
	turn := lastTurn + l.number
	if r.void(turn) {
		return
	}
	if err := l.close(turn); err != nil {
		r.fail(turn, err)
	}
}

// A cut is a block, or a part of one, that is of one turn.
type cut struct {
	turn  int
	block lake.Block
	ends  bool // the turn
}

// cuts reads the input. The turn of an error is the one that could not be read.
func (r *run) cuts() iter.Seq2[cut, error] {
	return func(yield func(cut, error) bool) {
		turn, left := 0, r.cfg.firstTurn
		for block, err := range r.job.Blocks() {
			if err != nil {
				yield(cut{turn: turn}, err)
				return
			}
			for data := block.Data; len(data) > 0; {
				n := len(data)
				if n >= left {
					n = min(lineEnd(data, left-1)+1, n) // at least what is left
				}
				left -= n
				block.Data = data[:n]
				if !yield(cut{turn, block, left <= 0}, nil) {
					return
				}
				if data = data[n:]; left <= 0 {
					turn, left = turn+1, r.cfg.laterTurns
				}
			}
		}
	}
}

// scatter sorts the job's records by partition.
func (r *run) scatter(ctx context.Context) error {
	r.inTurn(ctx)
	if r.err != nil {
		return r.err
	}
	return r.spill.finish()
}

// finish writes the footers and says what there is.
func (r *run) finish() (Result, error) {
	res := Result{Bytes: r.read, Columns: r.columns}
	for _, l := range r.lanes {
		if l.held != 0 {
			return Result{}, fmt.Errorf("BUG: %d bytes are held after the last row group", l.held)
		}
		res.Rows += l.result.Rows
		res.Rescued += l.result.Rescued
		res.Filtered += l.result.Filtered
	}
	for _, f := range r.output.sorted() {
		if err := f.finish(); err != nil {
			return Result{}, err
		}
		values, err := r.job.Rules.ParsePath(f.partition)
		if err != nil {
			return Result{}, fmt.Errorf("BUG: partition path: %w", err)
		}
		res.Files = append(res.Files, File{Partition: f.partition, Values: values, Path: f.path, Rows: f.rows, Bytes: f.size})
	}
	if len(r.lanes) == 0 {
		return res, nil
	}
	first := r.lanes[0]
	for _, l := range r.lanes[1:] {
		if err := errors.Join(first.failures.join(l.failures), first.transformFailures.join(l.transformFailures)); err != nil {
			return Result{}, err
		}
	}
	var err error
	if res.Failures, err = first.failures.finish(); err != nil {
		return Result{}, err
	}
	if res.TransformFailures, err = first.transformFailures.finish(); err != nil {
		return Result{}, err
	}
	res.Failed = first.failures.count + first.transformFailures.count
	return res, nil
}

// recycle leaves what the lanes have to the next job.
func (r *run) recycle() {
	for _, l := range r.lanes {
		l.recycle()
	}
}

// discard removes what a void run wrote.
func (r *run) discard() {
	r.output.discard()
	for _, l := range r.lanes {
		for _, f := range []*failures{l.failures, l.transformFailures} {
			f.close()
			removeFile(f.path)
		}
	}
}
