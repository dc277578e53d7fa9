package segment

import (
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/ingest"
	"sluice/internal/lake"
)

// appendsAtOnce bounds the appends of one request that are under way together: each
// waits for an fsync of its own stream.
const appendsAtOnce = 8

// A block is the run of calls to be appended next, of one stream or of several.
type block struct {
	arrival time.Time
	out     *ingest.Buffer
	size    int
	calls   []call
}

// A call is a stored call in a block's buffer.
type call struct {
	stream   int32 // index of its name
	from, to int32
}

func (b *block) free() {
	if b.out != nil {
		b.out.Free()
		b.out = nil
	}
	b.size, b.calls = 0, b.calls[:0]
}

// add takes what has grown out of what room returned.
func (b *block) add(out []byte, stream int) {
	if len(out) > len(b.out.B) {
		panic("BUG: a call is stored larger than was planned")
	}
	b.calls = append(b.calls, call{int32(stream), int32(b.size), int32(len(out))})
	b.size = len(out)
}

// room makes n bytes free behind the block, appending it when it is full.
func (t *post) room(n int) ([]byte, *ingest.Problem) {
	b := &t.block
	if b.out != nil && b.size+n > len(b.out.B) {
		if p := t.flush(); p != nil {
			return nil, p
		}
	}
	if b.out == nil {
		// Calls grow by a fifth or so; a batch that adds much needs several blocks.
		want := len(t.decoder.body) + len(t.decoder.items)*(maxAdded/2)
		var p *ingest.Problem
		if b.out, p = t.h.Memory.Get(t.ctx, min(max(want, n), ingest.MaxBuffer)); p != nil {
			return nil, p
		}
	}
	return b.out.B[:b.size], nil
}

// flush appends the block.
func (t *post) flush() *ingest.Problem {
	b := &t.block
	defer b.free()
	switch {
	case len(b.calls) == 0:
		return nil
	case len(t.streams.names) == 1:
		err := t.h.Appender.Append(t.ctx, t.streams.names[0], lake.Block{Data: b.out.B[:b.size], Records: len(b.calls), Arrival: b.arrival})
		if err != nil {
			return ingest.AppendProblem(err)
		}
		t.accept(0, len(b.calls), b.size)
		return nil
	}
	return t.flushMany()
}

// flushMany appends to each stream what is its own. What one stream has stored
// stays when another fails; the client sends again, and the messageIds tell.
func (t *post) flushMany() *ingest.Problem {
	var mu sync.Mutex    // guards what accept changes
	var g errgroup.Group // one that fails does not end the others: what is stored is not sent again
	g.SetLimit(appendsAtOnce)
	for i := range t.streams.names {
		g.Go(func() error {
			n, size, err := t.appendTo(i)
			if err != nil || n == 0 {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			t.accept(i, n, size)
			return nil
		})
	}
	switch err := g.Wait().(type) {
	case nil:
		return nil
	case *ingest.Problem:
		return err
	default:
		return ingest.AppendProblem(err)
	}
}

// appendTo appends the calls of one stream.
func (t *post) appendTo(stream int) (n, size int, err error) {
	for _, c := range t.block.calls {
		if int(c.stream) == stream {
			size += int(c.to - c.from)
		}
	}
	if size == 0 {
		return 0, 0, nil
	}
	buf, p := t.h.Memory.Get(t.ctx, size)
	if p != nil {
		return 0, 0, p
	}
	defer buf.Free()
	data := buf.B[:0]
	for _, c := range t.block.calls {
		if int(c.stream) == stream {
			data = append(data, t.block.out.B[c.from:c.to]...)
			n++
		}
	}
	return n, size, t.h.Appender.Append(t.ctx, t.streams.names[stream], lake.Block{Data: data, Records: n, Arrival: t.block.arrival})
}

func (t *post) accept(stream, n, size int) {
	t.accepted += int64(n)
	t.bytes += int64(size)
	t.h.Metrics.Accepted(t.streams.names[stream], int64(n), int64(size))
}
