package convert

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"sync"
	"time"

	"sluice/internal/lake"
	"sluice/partitioner"
)

// A lane converts the records of its turns of a job's input into row groups of its
// own: it parses them, finds their partitions, fills columns and, unless another
// goroutine does that beside it, encodes. Nothing that it does depends on other
// lanes. One goroutine at a time works in it.
type lane struct {
	number  int
	turn    int // of the input, that it is at
	job     Job
	cfg     Config
	schema  *schema
	shred   shredder
	staged  *staged
	staging int64 // bytes of JSON that were parsed into staged
	dealAt  int64 // at how many it is dealt out
	eval    *partitioner.Evaluator
	drops   []drop
	keyed   *keyed // nil: eval reads the record's fields
	parts   map[string]*part
	path    []byte
	last    *part // the partition of the record before
	settled bool  // a record for which eval says Same is of that partition
	// A record with a moment from low to before high is, too, see moments.
	low, high int64
	arrival   time.Time // of the record
	order     []*part
	builders  *sync.Pool // of the converter
	stage     *stage
	output    *output
	encoder   *encoder
	failures  *failures
	rewriter  *rewriter // nil for none
	original  []byte    // the record that the one being parsed was made of; nil without rewriter
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
	spares spares

	_ [cacheLines]byte
}

// A part is one partition's file and the row group of a lane that is being built
// for it.
type part struct {
	id    int32 // 1 + its place in order
	path  string
	file  *parquetFile
	build *builder
	turn  int32 // 1 + its place in what is being dealt
	dealt int64 // lane.dealt when it had rows last
}

// A drop is a partition key whose field is no column.
type drop struct {
	key  int // index of the partition key
	node *node
}

func (r *run) newLane(number int) (*lane, error) {
	job, s := r.job, newSchema(r.columns, r.known, r.job.Rules)
	document := func(name string, transform bool) *failures {
		if number > 0 {
			name = fmt.Sprintf("%s-%d", name, number)
		}
		return &failures{path: filepath.Join(job.Dir, name+".ndjson"), attempt: job.Attempt, transform: transform}
	}
	l := &lane{
		number: number, job: job, cfg: r.cfg, schema: s, eval: job.Rules.Evaluator(), parts: map[string]*part{},
		failures: document("failures", false), transformFailures: document("transform-failures", true),
		rewriter: job.Rewrite.rewriter(), builders: r.builders, stage: r.stage, output: r.output, sorted: r.sorted, spill: r.spill,
	}
	var err error
	if l.keyed, err = newKeyed(job.Rules); err != nil {
		return nil, err
	}
	if l.cfg.Memory /= int64(r.width()); r.width() > 1 { // what grows in several places has slack in each
		l.cfg.RowGroup = min(l.cfg.RowGroup, l.cfg.Memory/8*3)
	}
	l.eval.Seed(job.Seed)
	fields := job.Rules.Fields()
	l.shred = shredder{schema: s, final: r.final, strict: job.Strict, fields: fields, parts: make([][]byte, len(fields))}
	for i, k := range job.Rules.Keys() {
		if n := s.root.byKey[k.Name]; n != nil && n.kind == dropNode {
			l.drops = append(l.drops, drop{i, n})
		}
	}
	s.apply(job.Layout)
	l.maxRows = math.MaxInt
	if len(s.sort) > 0 {
		l.maxRows = int(l.cfg.RowGroup / sortBytes)
	}
	if l.encoder, err = r.stage.encoder(); err != nil {
		return nil, err
	}
	l.dealAt = max(1, min(stagedBytes, l.cfg.RowGroup/8, l.cfg.Memory/8))
	l.staged = newStaged(s)
	l.shred.out = l.staged
	if l.cfg.noWays {
		l.shred.rest = math.MaxInt
	}
	return l, nil
}

// take converts a block, or a part of one, of a turn.
func (l *lane) take(ctx context.Context, turn int, block lake.Block) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l.turn = turn
	l.from(lake.ParseSource(block.Attrs))
	if l.rewriter != nil {
		return l.rewritten(ctx, block)
	}
	return l.block(ctx, block)
}

// from notes the object that the records which follow came from, "" for none: their
// failures name it.
func (l *lane) from(source string) {
	l.failures.source, l.transformFailures.source = source, source
	if l.spill != nil {
		l.spill.from(source)
	}
}

// close encodes what there is still, at the end of the input.
func (l *lane) close(turn int) error {
	l.turn = turn
	if err := l.deal(); err != nil {
		return err
	}
	return l.flushAll()
}

// recycle leaves the builders and the encoder of a lane that is over to the next job.
func (l *lane) recycle() {
	l.spares.leave(l.builders)
	l.stage.encoders.Put(l.encoder)
}
