package convert

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
)

// check closes the row groups that are large enough, and more if memory is short.
func (r *run) check() error {
	for _, p := range r.dealer.parts {
		if p.build != nil && (p.build.bytes >= r.cfg.RowGroup || p.build.rows() >= r.maxRows) {
			if err := r.flush(p); err != nil {
				return err
			}
		}
	}
	if r.held > r.cfg.Memory/2 {
		return r.relieve()
	}
	if r.dealt >= r.sweepAt {
		r.sweepAt = r.dealt + r.cfg.Memory/32
		return r.sweep()
	}
	return nil
}

// sweep closes the row groups of partitions that have had no record for long, as
// days that are over, unless they are small: memory that is used again is in the
// cache still, and more is left for the others.
func (r *run) sweep() error {
	for _, p := range r.order {
		if r.dealt-p.dealt > r.cfg.Memory/8 && size(p) >= min(minRowGroup, r.cfg.RowGroup/4) {
			if err := r.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
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
