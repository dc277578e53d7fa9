package convert

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/internal/jsonscan"
	"sluice/internal/lake"
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
	fields   []byte    // the text of that record's fields of the rules, a line each
	settled  bool      // a record with these fields and arrival is of that partition
	arrival  time.Time // of that record
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
	r.staged = r.newStaged()
	r.shred.out = r.staged
	if r.cfg.noWays {
		r.shred.rest = math.MaxInt
	}
	return r, err
}

func (r *run) newStaged() *staged {
	st := &staged{}
	st.begin(r.schema)
	return st
}

// errTurn ends what is staged: the record that was parsed last is the first of
// another partition, and no more will come of the one before.
var errTurn = errors.New("another partition begins")

// lines are the newline-terminated records of a block.
func lines(data []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(data) > 0 {
			n := bytes.IndexByte(data, '\n')
			if n < 0 {
				n = len(data)
			}
			if !yield(data[:n]) {
				return
			}
			data = data[min(n+1, len(data)):]
		}
	}
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

// block parses a block piece by piece. What is left at its end is copied, and
// all of it where it is dealt out beside the parsing, so that small blocks come
// together and what is parsed outlives them.
func (r *run) block(ctx context.Context, block lake.Block) error {
	for data := block.Data; len(data) > 0; {
		n := wholeLines(data, int(r.dealAt)-len(r.staged.data))
		taken, err := r.piece(ctx, data[:n], block.Arrival)
		if err != nil {
			return err
		}
		data = data[taken:]
	}
	r.staged.keep()
	return nil
}

// wholeLines is how many bytes at the beginning of data make whole lines, about
// limit of them and one line at least.
func wholeLines(data []byte, limit int) int {
	if limit < len(data) {
		if n := bytes.LastIndexByte(data[:max(limit, 0)], '\n'); n >= 0 {
			return n + 1
		}
	}
	if limit >= len(data) {
		return len(data)
	}
	return min(lineEnd(data, 0)+1, len(data))
}

// piece parses whole lines up to the next deal, and returns how many bytes it
// took.
func (r *run) piece(ctx context.Context, lines []byte, arrival time.Time) (int, error) {
	st := r.staged
	from := len(st.data)
	if from == 0 && r.pipe == nil && lines[len(lines)-1] == '\n' {
		st.borrow(lines)
	} else {
		st.copy(lines)
	}
	for i := from; i < len(st.data); {
		end, err := r.shred.record(i)
		if err == nil {
			err = r.row(ctx, arrival)
		}
		if errors.Is(err, errTurn) {
			st.undo()
			return i - from, r.deal()
		}
		if err != nil {
			if err = r.failed(err, st.data[i:end], arrival); err != nil {
				return 0, err
			}
		}
		r.staging += int64(end + 1 - i)
		i = end + 1
		if r.staging >= r.dealAt || st.rows() >= stagedRows {
			return min(i-from, len(lines)), r.deal()
		}
	}
	return len(lines), nil
}

// failed keeps a record that becomes no row, unless the error is not its own.
func (r *run) failed(err error, record []byte, arrival time.Time) error {
	var syntax *jsonscan.SyntaxError
	var misfit *misfitError
	var key *keyError
	if r.original != nil {
		record = r.original
	}
	if r.spill == nil && lake.IsMalformed(record) {
		raw := lake.DecodeMalformed(nil, record)
		return r.failures.add(raw, arrival, "DataFormatConversion.MalformedData", malformed(raw).Error())
	}
	switch {
	case r.spill != nil && (errors.As(err, &syntax) || errors.As(err, &misfit) || errors.As(err, &key)):
		return r.spill.add(0, record, arrival) // it fails again when it is read back
	case errors.As(err, &syntax):
		if jsonscan.SkipSpace(record, 0) == len(record) {
			return nil // a blank line is no record
		}
		return r.failures.add(record, arrival, "DataFormatConversion.MalformedData", err.Error())
	case errors.As(err, &misfit):
		return r.failures.add(record, arrival, "DataFormatConversion.InvalidSchema", err.Error())
	case errors.As(err, &key):
		return r.transformFailures.add(record, arrival, extractionFailed, err.Error())
	}
	return err
}

// row finds the partition of the record that was parsed last, and adds it. Where the
// error is a *keyError it is in staged no more.
func (r *run) row(ctx context.Context, arrival time.Time) error {
	s := &r.shred
	if r.settled && arrival.Equal(r.arrival) && r.sameFields() {
		return r.add(r.last)
	}
	r.arrival = arrival
	r.fields = r.fields[:0]
	for _, text := range s.parts {
		r.fields = append(append(r.fields, text...), '\n')
	}
	if err := r.locate(ctx); err != nil {
		r.settled = false
		r.staged.undo()
		return err
	}
	for _, d := range r.drops {
		if d.node.part == 0 {
			continue
		}
		text := s.parts[d.node.part-1]
		switch {
		case len(text) == 0 || text[0] == '{' || text[0] == '[':
		case r.eval.Lost(d.key):
			s.rescueText(d.node, text)
		case s.looksBare(text):
			s.rescueText(d.node, text)
			s.marks++
		}
	}
	p := r.last
	if p == nil || p.path != string(r.path) {
		if r.sorted && p != nil {
			if r.staged.rows() > 1 {
				r.settled = false // this record's fields are not those of r.last
				return errTurn
			}
			r.staged.leave = p
		}
		p = r.part(r.path)
		r.last = p
	}
	r.settled = len(r.drops) == 0 && r.keyed == nil
	return r.add(p)
}

// sameFields reports whether the fields of the rules are what they were in the
// record before, so that its path is the same.
func (r *run) sameFields() bool {
	rest := r.fields
	for _, text := range r.shred.parts {
		if len(rest) <= len(text) || rest[len(text)] != '\n' || string(rest[:len(text)]) != string(text) {
			return false
		}
		rest = rest[len(text)+1:]
	}
	return true
}

// add gives the record that was parsed last to a partition.
func (r *run) add(p *part) error {
	s := &r.shred
	if r.spill != nil {
		record := s.data[s.start:]
		if r.original != nil {
			record = r.original // it will be rewritten again
		}
		return r.spill.add(p.id, record, r.arrival)
	}
	if (len(s.rescues) > 0 || len(r.schema.leaves) == 0) && r.schema.rescued == nil {
		return errRescue // a file needs a column, even if all records are {}
	}
	if len(s.rescues) > 0 {
		s.putRescues()
	}
	r.staged.own(p)
	r.result.Rows++
	r.result.Rescued += int64(len(s.rescues) - s.marks)
	return nil
}

// part finds or begins a partition.
func (r *run) part(path []byte) *part {
	p := r.parts[string(path)]
	if p == nil {
		p = &part{path: string(path), id: int32(len(r.parts) + 1)}
		r.parts[p.path] = p
	}
	return p
}

// open makes sure that a partition has a file and a builder.
func (r *run) open(p *part) error {
	if p.file == nil {
		f, err := createFile(filepath.Join(r.job.Dir, fmt.Sprintf("%06d.parquet", p.id)), r.schema)
		if err != nil {
			return err
		}
		p.file = f
		r.order = append(r.order, p)
	}
	if p.build == nil {
		if b := r.stage.recycled(); b != nil {
			p.build = b
		} else {
			p.build = r.newBuilder()
		}
		r.held += p.build.fixed
	}
	return nil
}

func (r *run) newBuilder() *builder {
	b, _ := r.builders.Get().(*builder)
	if b == nil {
		b = &builder{}
	}
	b.begin(r.schema)
	return b
}

// recycle leaves the builders of a run that is over to the next; a large number
// of small ones is not worth keeping.
func (r *run) recycle() {
	for _, b := range r.stage.free {
		b.schema = nil
		r.builders.Put(b)
	}
	r.stage.free = nil
}

// flush hands a partition's row group to the encoders.
func (r *run) flush(p *part) error {
	b := p.build
	if b == nil || b.rows() == 0 {
		return nil
	}
	p.build = nil
	r.held -= b.fixed + b.bytes
	b.finish()
	var err error
	p.queued, err = r.stage.encode(b, p.file, p.queued)
	return err
}

// relieve frees half of the parsing's half of the memory: it flushes the
// partitions with the largest row groups. What it does depends on the records
// alone, not on how far the encoders are, so that the same job gives the same
// files; the encoders' half of the memory is the stage's to keep.
func (r *run) relieve() error {
	bySize := slices.Clone(r.order)
	slices.SortStableFunc(bySize, func(a, b *part) int { return cmp.Compare(size(b), size(a)) })
	if !r.sorted && size(bySize[0]) < min(minRowGroup, r.cfg.RowGroup/4) {
		return errScatter
	}
	for _, p := range bySize {
		if r.held <= r.cfg.Memory/4 {
			break
		}
		if err := r.flush(p); err != nil {
			return err
		}
	}
	return nil
}

func size(p *part) int64 {
	if p.build == nil {
		return 0
	}
	return p.build.fixed + p.build.bytes
}

func (r *run) flushAll() error {
	for _, p := range r.order {
		if err := r.flush(p); err != nil {
			return err
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
