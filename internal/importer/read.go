package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/buffer"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

const (
	// blockBytes is about how large the blocks are that are appended: each costs its share
	// of an fsync.
	blockBytes = 2 << 20
	// attempts is how often an object is read on whose store does not answer.
	attempts = 5
)

// read reads all objects of the selection that are not in.
func (m *Importer) read(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	next := make(chan Object)
	g.Go(func() error {
		defer close(next)
		for o, err := range m.cfg.Select.list(ctx, m.cfg.Source) {
			if err != nil {
				return err
			}
			switch p, changed := m.journal.of(o.id); {
			case changed:
				m.problem(o, errors.New("it was replaced since it was imported, or begun to be: its records would be in twice; give it another name to import it all the same"))
				m.cfg.Read(o.Size)
				continue
			case p.done:
				m.known.Add(1)
				m.cfg.Read(o.Size)
				continue
			}
			select {
			case next <- o:
			case <-ctx.Done():
				return context.Cause(ctx)
			}
		}
		return nil
	})
	for range m.cfg.Workers {
		g.Go(func() error {
			for o := range next {
				if err := m.object(ctx, o); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// object reads one object. What is wrong with it is no error, but a problem of the
// report.
func (m *Importer) object(ctx context.Context, o Object) error {
	for n := 1; ; n++ {
		at, err := m.readOn(ctx, o)
		var fault *readError
		switch {
		case err == nil:
			m.objects.Add(1)
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !errors.As(err, &fault):
			return err
		case n < attempts && store.Retryable(fault.err):
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(time.Duration(n) * time.Second):
			}
			continue
		}
		m.problem(o, fmt.Errorf("record %d and what follows: %w", at+1, fault.err))
		return nil
	}
}

// counted counts what is read of a body.
type counted struct {
	in   io.Reader
	tell func(int64)
	n    int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	c.n += int64(n)
	c.tell(int64(n))
	return n, err
}

// readOn reads an object from where it stands to its end. An error that is the object's
// own, or its store's, is a *readError.
func (m *Importer) readOn(ctx context.Context, o Object) (at int64, err error) {
	p, _ := m.journal.of(o.id)
	body, err := m.cfg.Source.GetVersion(ctx, o.Object, 0, -1)
	if err != nil {
		return p.records, &readError{err}
	}
	defer body.Close()
	in := &counted{in: body, tell: m.cfg.Read}
	defer func() {
		if err != nil {
			m.cfg.Read(-in.n) // it is read again
		}
	}()
	text, free, err := decompress(in)
	if err != nil {
		return p.records, &readError{err}
	}
	defer free()
	r := &reading{m: m, o: o, split: newSplitter(text), stamp: newStamp(m.cfg.SourceColumn, o.Source), known: p.records}
	if err := r.run(ctx); err != nil {
		return max(r.read, r.known), err
	}
	m.bytes.Add(o.Size)
	if r.split.open != 0 {
		m.warn(o.Location + ": it ends within an array, or has brackets too many; the records are taken")
	}
	return r.read, nil
}

// A reading is one object being read.
type reading struct {
	m     *Importer
	o     Object
	split *splitter
	stamp *stamp
	known int64 // records that are in
	read  int64 // records found
	bad   int64 // of them, told to the report
	block []byte
	count int // records in block
}

func (r *reading) run(ctx context.Context) error {
	for {
		before := len(r.block)
		var ok bool
		var err error
		bad := r.split.bad
		r.block, ok, err = r.split.next(r.block)
		if err != nil {
			if err := r.flush(ctx); err != nil {
				return err
			}
			return &readError{err}
		}
		if !ok {
			break
		}
		if r.read++; r.read <= r.known {
			r.block = r.block[:before]
			continue
		}
		r.block = r.stamp.add(r.block, before)
		r.count++
		r.bad += r.split.bad - bad
		if len(r.block) >= blockBytes {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := r.flush(ctx); err != nil {
		return err
	}
	r.m.journal.advance(r.o, r.read, true)
	return nil
}

// flush appends the block, as soon as there is room, and notes how far the object is
// in.
func (r *reading) flush(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if r.count == 0 {
		return nil
	}
	first := r.read - int64(r.count)
	attrs := lake.AppendSource(lake.AppendRequest(nil, r.o.id[:], uint64(first)), r.o.Location)
	block := lake.Block{Data: r.block, Records: r.count, Arrival: r.o.Arrival, Attrs: attrs}
	for {
		err := r.append(ctx, block)
		var full *buffer.FullError
		var blocked *buffer.BlockedError
		if err == nil {
			break
		}
		if !errors.As(err, &full) && !errors.As(err, &blocked) {
			return fmt.Errorf("import %s: %w", r.o.Location, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond): // batches are on their way out
		}
	}
	r.m.records.Add(int64(r.count))
	r.m.bad.Add(r.bad)
	r.block, r.count, r.bad = r.block[:0], 0, 0
	return nil
}

// append makes the block durable and notes it, with no release in between.
func (r *reading) append(ctx context.Context, block lake.Block) error {
	r.m.appending.RLock()
	defer r.m.appending.RUnlock()
	if err := r.m.buffer.Append(ctx, r.m.cfg.Stream, block); err != nil {
		return err
	}
	r.m.journal.advance(r.o, r.read, false)
	return nil
}
