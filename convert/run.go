package convert

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
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
	eval     *partitioner.Evaluator
	drops    []drop
	parts    map[string]*part
	path     []byte
	last     *part     // the partition of the record before
	arrival  time.Time // of that record
	order    []*part
	builders *sync.Pool // of the converter
	stage    *stage
	failures *failures
	held     int64 // bytes in builders that are being filled
	result   Result
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
}

// A drop is a partition key whose field is no column.
type drop struct {
	key  int // index of the partition key
	node *node
}

func (c *Converter) newRun(job Job, s *schema, final bool) (*run, error) {
	r := &run{
		job: job, cfg: c.cfg, schema: s, eval: job.Rules.Evaluator(), parts: map[string]*part{},
		failures: &failures{path: filepath.Join(job.Dir, "failures.ndjson")},
	}
	fields := job.Rules.Fields()
	r.shred = shredder{schema: s, final: final, strict: job.Strict, fields: fields, parts: make([][]byte, len(fields))}
	for i, k := range job.Rules.Keys() {
		if n := s.root.byKey[k.Name]; n != nil && n.kind == dropNode {
			r.drops = append(r.drops, drop{i, n})
		}
	}
	var err error
	r.stage, err = newStage(c.cfg, &c.encoders)
	r.builders = &c.builders
	return r, err
}

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
	err := r.blocks(ctx)
	if err == nil {
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
		if err := r.block(block); err != nil {
			return err
		}
		r.result.Bytes += int64(len(block.Data))
		if r.job.Progress != nil {
			r.job.Progress(r.result.Bytes)
		}
	}
	return nil
}

func (r *run) block(block lake.Block) error {
	data := block.Data
	for start := 0; start < len(data); {
		end := len(data)
		if n := bytes.IndexByte(data[start:], '\n'); n >= 0 {
			end = start + n
		}
		err := r.shred.record(data, start, end)
		if err == nil {
			err = r.row(block.Arrival)
		}
		if err != nil {
			if err = r.failed(err, data[start:end], block.Arrival); err != nil {
				return err
			}
		}
		start = end + 1
	}
	return nil
}

// failed keeps a record that becomes no row, unless the error is not its own.
func (r *run) failed(err error, record []byte, arrival time.Time) error {
	var syntax *jsonscan.SyntaxError
	var misfit *misfitError
	switch {
	case r.spill != nil && (errors.As(err, &syntax) || errors.As(err, &misfit)):
		return r.spill.add(0, record, arrival) // it fails again when it is read back
	case errors.As(err, &syntax):
		if jsonscan.SkipSpace(record, 0) == len(record) {
			return nil // a blank line is no record
		}
		return r.failures.add(record, arrival, "DataFormatConversion.MalformedData", err.Error())
	case errors.As(err, &misfit):
		return r.failures.add(record, arrival, "DataFormatConversion.InvalidSchema", err.Error())
	}
	return err
}

// row finds the partition of the record that was parsed last, and adds it.
func (r *run) row(arrival time.Time) error {
	s := &r.shred
	if r.last != nil && len(s.fields) == 0 && arrival.Equal(r.arrival) {
		return r.add(r.last) // the path is a matter of the arrival alone
	}
	r.arrival = arrival
	r.path = r.eval.AppendPath(r.path[:0], s.parts, arrival)
	for _, d := range r.drops {
		if !r.eval.Lost(d.key) || d.node.part == 0 {
			continue
		}
		if text := s.parts[d.node.part-1]; len(text) > 0 && text[0] != '{' && text[0] != '[' {
			s.rescueText(d.node, text)
		}
	}
	p := r.last
	if p == nil || p.path != string(r.path) {
		var err error
		if r.sorted && p != nil {
			if err := r.flush(p); err != nil { // no more of its records will come
				return err
			}
		}
		if p, err = r.part(r.path); err != nil {
			return err
		}
		r.last = p
	}
	return r.add(p)
}

// add adds the record that was parsed last to a partition.
func (r *run) add(p *part) error {
	s := &r.shred
	if r.spill != nil {
		return r.spill.add(p.id, s.data[s.start:], r.arrival)
	}
	if (len(s.rescues) > 0 || len(r.schema.leaves) == 0) && r.schema.rescued == nil {
		return errRescue // a file needs a column, even if all records are {}
	}
	before := p.build.bytes
	p.build.add(s)
	r.held += p.build.bytes - before
	r.result.Rows++
	r.result.Rescued += int64(len(s.rescues))
	if p.build.bytes >= r.cfg.RowGroup {
		return r.flush(p)
	}
	if r.held > r.cfg.Memory/2 {
		return r.relieve()
	}
	return nil
}

// part finds or begins a partition, and gives it a builder.
func (r *run) part(path []byte) (*part, error) {
	p := r.parts[string(path)]
	if p == nil {
		p = &part{path: string(path), id: int32(len(r.order) + 1)}
		r.parts[p.path] = p
		r.order = append(r.order, p)
	}
	if r.spill != nil {
		return p, nil
	}
	if p.file == nil {
		f, err := createFile(filepath.Join(r.job.Dir, fmt.Sprintf("%06d.parquet", p.id)), r.schema)
		if err != nil {
			return nil, err
		}
		p.file = f
	}
	if p.build == nil {
		if b := r.stage.recycled(); b != nil {
			p.build = b
		} else {
			p.build = r.newBuilder()
		}
		r.held += p.build.fixed
	}
	return p, nil
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
	if r.last == p {
		r.last = nil
	}
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
		values, err := partitioner.ParsePath(r.job.Rules.Keys(), p.path)
		if err != nil {
			return Result{}, fmt.Errorf("BUG: partition path: %w", err)
		}
		res.Files = append(res.Files, File{Partition: p.path, Values: values, Path: p.file.path, Rows: p.file.rows, Bytes: p.file.size})
	}
	if err := r.failures.close(); err != nil {
		return Result{}, err
	}
	if res.Failed = r.failures.count; res.Failed > 0 {
		res.Failures = r.failures.path
	}
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
	r.failures.close()
	removeFile(r.failures.path)
}
