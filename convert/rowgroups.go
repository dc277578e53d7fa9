package convert

import (
	"cmp"
	"slices"
)

// check closes the row groups that are large enough, and more if memory is short.
func (l *lane) check() error {
	for _, p := range l.dealer.parts {
		if p.build != nil && (p.build.bytes >= l.cfg.RowGroup || p.build.rows() >= l.maxRows) {
			if err := l.flush(p); err != nil {
				return err
			}
		}
	}
	if l.held > l.cfg.Memory/2 {
		return l.relieve()
	}
	if l.dealt >= l.sweepAt {
		l.sweepAt = l.dealt + l.cfg.Memory/32
		return l.sweep()
	}
	return nil
}

// sweep closes the row groups of partitions that have had no record for long, as
// days that are over, unless they are small: memory that is used again is in the
// cache still, and more is left for the others.
func (l *lane) sweep() error {
	for _, p := range l.order {
		if l.dealt-p.dealt > l.cfg.Memory/8 && size(p) >= min(minRowGroup, l.cfg.RowGroup/4) {
			if err := l.flush(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// open makes sure that a partition has a file and a builder.
func (l *lane) open(p *part) error {
	if p.file == nil {
		f, err := l.output.file(p.path, l.schema)
		if err != nil {
			return err
		}
		p.file = f
		l.order = append(l.order, p)
	}
	if p.build == nil {
		if b := l.spares.take(); b != nil {
			p.build = b
		} else {
			p.build = l.newBuilder()
		}
		l.held += p.build.fixed
	}
	return nil
}

func (l *lane) newBuilder() *builder {
	b, _ := l.builders.Get().(*builder)
	if b == nil {
		b = &builder{}
	}
	b.begin(l.schema)
	return b
}

// flush hands a partition's row group to the encoders.
func (l *lane) flush(p *part) error {
	b := p.build
	if b == nil || b.rows() == 0 {
		return nil
	}
	p.build = nil
	l.held -= b.fixed + b.bytes
	b.finish()
	t := &ticket{from: l, turn: l.turn, file: p.file}
	l.output.expect(t)
	return l.stage.encode(l.encoder, filled{b, t})
}

// relieve frees half of the parsing's half of the memory: it flushes the
// partitions with the largest row groups. What it does depends on the records
// alone, not on how far the encoders are, so that the same job gives the same
// files; the encoders' half of the memory is the stage's to keep.
func (l *lane) relieve() error {
	bySize := slices.Clone(l.order)
	slices.SortStableFunc(bySize, func(a, b *part) int { return cmp.Compare(size(b), size(a)) })
	if !l.sorted && size(bySize[0]) < min(minRowGroup, l.cfg.RowGroup/4) {
		return errScatter
	}
	for _, p := range bySize {
		if l.held <= l.cfg.Memory/4 {
			break
		}
		if err := l.flush(p); err != nil {
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

func (l *lane) flushAll() error {
	for _, p := range l.order {
		if err := l.flush(p); err != nil {
			return err
		}
	}
	return nil
}
