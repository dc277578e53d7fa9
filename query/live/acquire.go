package live

import (
	"context"
	"fmt"
	"os"

	"sluice/convert"
	"sluice/internal/lake"
)

// A View is the live rows of one table.
type View struct {
	Columns []lake.Column // those known, and what the live rows brought
	Files   []File
	Rows    int64

	cache  *Cache
	chunks []*chunk
}

// A File is a Parquet file with the rows of one partition.
type File struct {
	Path   string
	Batch  lake.BatchID
	Keys   []lake.Column // the partition's columns
	Values []string      // and their raw values
	Bytes  int64
	Rows   int64
}

// Acquire makes the view of a table's batches, oldest first, which must be all
// that the buffer held of it in the snapshot that was begun at m. known are the
// catalog's columns. The View must be released.
func (c *Cache) Acquire(ctx context.Context, m *Moment, name lake.TableName, known []lake.Column, batches []Batch) (*View, error) {
	t := c.table(name)
	select {
	case t.lock <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-t.lock }()
	c.forget(t, m, batches)
	v := &View{cache: c, Columns: known}
	for _, b := range batches {
		state, err := c.cover(ctx, t, m, b, v.Columns)
		if err != nil {
			v.Release()
			return nil, fmt.Errorf("convert live rows of %s: %w", name, err)
		}
		v.Columns = state.columns
		v.add(state)
	}
	c.mu.Lock()
	c.shrinkLocked(t)
	if c.bytes > c.cfg.MaxBytes {
		// This table alone is too large to keep: it goes with the view.
		for _, b := range t.batches {
			c.killAllLocked(b.chunks)
		}
		clear(t.batches)
	}
	c.mu.Unlock()
	return v, nil
}

func (c *Cache) table(name lake.TableName) *table {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := c.tables[name]
	if t == nil {
		t = &table{lock: make(chan struct{}, 1), batches: make(map[lake.BatchID]*batch)}
		c.tables[name] = t
	}
	c.clock++
	t.used = c.clock
	return t
}

// forget drops the batches that left the buffer. One that the snapshot of m has
// not may be in that of a query which began before and is still to come here, or
// in that of one which began after and came first; so it goes when every query
// that is under way began after it was missed.
func (c *Cache) forget(t *table, m *Moment, batches []Batch) {
	held := make(map[lake.BatchID]bool, len(batches))
	for _, b := range batches {
		held[b.ID] = true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	oldest := c.oldestLocked()
	for id, b := range t.batches {
		if held[id] {
			b.seen, b.missed = max(b.seen, m.number), 0
			continue
		}
		if b.missed == 0 && m.number > b.seen {
			b.missed = m.number
		}
		if b.missed != 0 && oldest >= b.missed {
			c.killAllLocked(b.chunks)
			delete(t.batches, id)
		}
	}
}

// cover converts what is not converted yet of a batch whose columns stand on
// base. The table's lock is held.
func (c *Cache) cover(ctx context.Context, t *table, m *Moment, b Batch, base []lake.Column) (*batch, error) {
	r, err := newRules(b.Stream)
	if err != nil {
		return nil, err
	}
	state := t.batches[b.ID]
	if state != nil {
		columns, ok := join(base, state.columns)
		if ok && state.rules.id == r.id {
			state.columns = columns
		} else {
			c.drop(t, b.ID)
			state = nil
		}
	}
	if state == nil {
		if r.rewrite, err = convert.NewRewrite(b.Stream.Columns, b.Stream.Transform); err != nil {
			return nil, fmt.Errorf("read rules of table %s: %w", b.Stream.Table, err)
		}
		state = &batch{id: b.ID, rules: r, columns: base, seen: m.number}
		c.mu.Lock()
		t.batches[b.ID] = state
		c.mu.Unlock()
	}
	if state.end() >= b.End {
		return state, nil
	}
	i, columns := state.mergeFrom(b.End), state.columns
	if i == 0 {
		columns = base // the whole batch: its types are inferred anew
	}
	rescued, err := c.extend(ctx, state, b, i, columns)
	if err != nil {
		return nil, err
	}
	if rescued && i > 0 && !equal(base, columns) && b.End >= 2*state.settled {
		state.settled = b.End
		if _, err := c.extend(ctx, state, b, 0, base); err != nil {
			return nil, err
		}
	}
	return state, nil
}

func (c *Cache) drop(t *table, id lake.BatchID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.killAllLocked(t.batches[id].chunks)
	delete(t.batches, id)
}

// end is the offset up to which the batch is converted.
func (b *batch) end() int64 {
	if len(b.chunks) == 0 {
		return 0
	}
	return b.chunks[len(b.chunks)-1].to
}

// mergeFrom is the first chunk that is converted again together with what is
// new up to end: those no more than twice as large as what follows them.
func (b *batch) mergeFrom(end int64) int {
	i := len(b.chunks)
	for i > 0 && b.chunks[i-1].to-b.chunks[i-1].from <= 2*(end-b.chunks[i-1].to) {
		i--
	}
	return i
}

// extend converts from the i-th chunk to the batch's end in one piece.
func (c *Cache) extend(ctx context.Context, state *batch, b Batch, i int, columns []lake.Column) (rescued bool, err error) {
	var from int64
	if i > 0 {
		from = state.chunks[i-1].to
	}
	// A conversion takes all the memory that there is for them.
	select {
	case c.converting <- struct{}{}:
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
	defer func() { <-c.converting }()
	dir, err := c.newDir(b.ID, from, b.End)
	if err != nil {
		return false, err
	}
	res, err := c.cfg.Converter.Convert(ctx, convert.Job{
		Seed:   string(b.ID),
		Blocks: b.Blocks(from), Columns: columns, Declared: state.rules.declared,
		Rewrite: state.rules.rewrite, Strict: state.rules.strict, Rules: state.rules.parsed, Dir: dir, Layout: state.rules.layout,
	})
	if err != nil {
		os.RemoveAll(dir)
		return false, err
	}
	k := &chunk{from: from, to: b.End, dir: dir, files: res.Files, rows: res.Rows, failed: res.Failed}
	for _, f := range res.Files {
		k.bytes += f.Bytes
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += k.bytes
	c.killAllLocked(state.chunks[i:])
	state.chunks = append(state.chunks[:i:i], k)
	state.columns = res.Columns
	return res.Rescued > 0, nil
}

// add takes hold of a batch's chunks.
func (v *View) add(b *batch) {
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	keys := b.rules.parsed.Keys()
	for _, k := range b.chunks {
		k.refs++
		v.chunks = append(v.chunks, k)
		v.Rows += k.rows
		for _, f := range k.files {
			v.Files = append(v.Files, File{Path: f.Path, Batch: b.id, Keys: keys, Values: f.Values, Bytes: f.Bytes, Rows: f.Rows})
		}
	}
}

// Release lets go of the files. It may be called more than once.
func (v *View) Release() {
	v.cache.mu.Lock()
	defer v.cache.mu.Unlock()
	for _, k := range v.chunks {
		k.refs--
		if k.dead && k.refs == 0 {
			v.cache.killLocked(k)
		}
	}
	v.chunks = nil
}
