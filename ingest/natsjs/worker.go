package natsjs

import (
	"context"
	"errors"
	"time"

	"sluice/ingest"
	"sluice/internal/lake"

	"golang.org/x/sync/errgroup"
)

const (
	// blockBytes is when a block is large enough.
	blockBytes = 4 << 20
	// appends is how many blocks of a batch are appended at once, if they are of
	// different streams.
	appends = 8
	// After these times JetStream gives a message again that has no place now.
	unknownDelay = time.Minute
	failedDelay  = 5 * time.Second
)

// A worker stores batches of a source's messages, one at a time.
type worker struct {
	s      *source
	c      *claim
	q      *queue
	parse  *parser
	items  []item
	blocks []*block
	open   map[string]*block // by stream
	spare  []*block
}

// A block is gathered from messages of one stream.
type block struct {
	stream  string
	data    []byte
	records int
	list    lake.SequenceList
	request []byte   // the attribute of the request that a Publisher took it from
	acks    []string // where its messages are acknowledged
	last    int64    // time of its last message
	err     error
}

func (s *source) newWorker(c *claim, q *queue) *worker {
	return &worker{s: s, c: c, q: q, parse: newParser(s.sub.SubjectColumn), open: map[string]*block{}}
}

// run stores batches until the queue is closed.
func (w *worker) run(ctx context.Context, cancel context.CancelCauseFunc) {
	for {
		var size int64
		if w.items, size = w.q.take(w.items[:0]); len(w.items) == 0 {
			return
		}
		// The messages, and the blocks made of them.
		held := 2 * size
		for w.s.r.cfg.Memory.Reserve(ctx, held) != nil {
			if ctx.Err() != nil {
				return
			}
		}
		wait, err := w.batch(ctx)
		w.s.r.cfg.Memory.Release(held)
		clear(w.items) // lets go of the messages
		if err != nil {
			cancel(err)
			return
		}
		if wait > 0 && !sleep(ctx, wait) {
			return
		}
	}
}

// batch stores the messages that were taken, and acknowledges them. wait is how long
// to take no more, since there is no room; the error is errLost or ctx's.
func (w *worker) batch(ctx context.Context) (wait time.Duration, err error) {
	under := w.s.flight.enter(inOrder(w.items))
	defer w.s.flight.leave(under)
	defer w.recycle()
	last := w.sort(*under)
	if len(w.blocks) == 0 {
		return 0, nil
	}
	// Nothing is appended that is not claimed. If we crash before the append, the
	// messages come again, to us or, once we have said that we do not have them, to
	// others.
	if err := w.c.extend(ctx, last); err != nil {
		return 0, err
	}
	w.append(ctx)
	for _, b := range w.blocks {
		wait = max(wait, w.settle(ctx, b))
	}
	return wait, nil
}

// sort makes blocks of the messages that are to be stored, and sees to the others. It
// returns the last sequence that is in a block.
func (w *worker) sort(items []item) (last uint64) {
	doc := w.c.now()
	for i := range items {
		it := &items[i]
		if it.times > 1 {
			w.s.r.metrics.redelivered.WithLabelValues(w.s.sub.name()).Inc()
		}
		switch doc.fate(it.seq, it.at) {
		case stored:
			w.known(it)
			continue
		case doubtful:
			w.delay(it, w.s.r.cfg.Lease/3)
			continue
		}
		stream, request, ok := w.s.target(it)
		switch {
		case ok && w.s.r.cfg.Ledger.Known(stream, w.c.source, it.seq, it.at),
			w.s.r.cfg.Ledger.Known(w.s.r.cfg.Rejected, w.c.source, it.seq, it.at):
			w.known(it)
		case !ok:
			w.reject(it, &rejection{ingest.Malformed, "its subject makes no stream's name"})
			last = it.seq
		case !w.s.r.cfg.Policy.Known(stream):
			w.s.r.unknown(stream)
			w.delay(it, unknownDelay)
		default:
			w.add(it, stream, request)
			last = it.seq
		}
	}
	return last
}

// known acknowledges a message that is stored: its acknowledgement was lost.
func (w *worker) known(it *item) {
	w.s.r.ack(it.reply)
	w.s.r.metrics.messages.WithLabelValues(w.s.sub.name(), resultKnown).Inc()
}

func (w *worker) delay(it *item, d time.Duration) {
	w.s.r.nak(it.reply, d)
	w.s.r.metrics.messages.WithLabelValues(w.s.sub.name(), resultDelayed).Inc()
}

// add puts a message into its stream's block.
func (w *worker) add(it *item, stream string, request []byte) {
	b := w.room(stream, it, len(request) > 0)
	data, n, err := w.parse.records(b.data, it.data, it.subject)
	if err != nil {
		w.reject(it, err)
		return
	}
	if n == 0 { // an empty array: there is nothing to store, and nothing to forget
		w.s.r.ack(it.reply)
		return
	}
	b.data = data
	b.records += n
	b.request = request
	w.note(b, it)
	if len(request) > 0 {
		delete(w.open, stream) // nothing else may be in it
	}
}

// note adds a message to a block that holds its records and has room for its number.
func (w *worker) note(b *block, it *item) {
	b.list.Add(it.seq, it.at)
	b.acks = append(b.acks, it.reply)
	b.last = it.at
}

// room is a block for one message more of a stream; alone wants it empty.
func (w *worker) room(stream string, it *item, alone bool) *block {
	b := w.open[stream]
	if b != nil && !alone && len(b.data)+len(it.data) <= blockBytes && b.list.Room() {
		return b
	}
	b = w.newBlock(stream)
	w.open[stream] = b
	return b
}

func (w *worker) newBlock(stream string) *block {
	var b *block
	if n := len(w.spare); n > 0 {
		b, w.spare = w.spare[n-1], w.spare[:n-1]
	} else {
		b = &block{}
	}
	b.stream = stream
	w.blocks = append(w.blocks, b)
	return b
}

// append appends the blocks, those of one stream one after another.
func (w *worker) append(ctx context.Context) {
	byStream := map[string][]*block{}
	for _, b := range w.blocks {
		byStream[b.stream] = append(byStream[b.stream], b)
	}
	var g errgroup.Group
	g.SetLimit(appends)
	now := time.Now().UTC().Truncate(time.Millisecond)
	for _, list := range byStream {
		g.Go(func() error {
			for _, b := range list {
				if b.records == 0 {
					continue
				}
				attrs := b.request
				if len(b.acks) > 0 {
					attrs = lake.AppendSequences(attrs, w.c.source, &b.list)
				}
				b.err = w.s.r.cfg.Ledger.Append(ctx, b.stream, lake.Block{Data: b.data, Records: b.records, Arrival: now, Attrs: attrs})
				if b.err != nil {
					break // a message's last part must not be there without its first
				}
			}
			return nil
		})
	}
	g.Wait()
}

// settle acknowledges the messages of a block that is on disk. Those of one that is
// not are given again by JetStream; wait is how long there is no room.
//
// If we crash before the acknowledgement has reached JetStream, the messages come
// again and the ledger knows them.
func (w *worker) settle(ctx context.Context, b *block) (wait time.Duration) {
	r, name := w.s.r, w.s.sub.name()
	n := float64(len(b.acks))
	if b.err == nil && b.stored(w.blocks) {
		for _, reply := range b.acks {
			r.ack(reply)
		}
		if b.records > 0 {
			r.cfg.Metrics.Accepted(b.stream, int64(b.records), int64(len(b.data)))
		}
		result := resultStored
		if b.stream == r.cfg.Rejected {
			result = resultRejected
		}
		r.metrics.messages.WithLabelValues(name, result).Add(n)
		if b.last > 0 {
			r.metrics.lag.WithLabelValues(name).Set(max(0, time.Since(time.Unix(0, b.last)).Seconds()))
		}
		return 0
	}
	delay := failedDelay
	var full interface {
		Full() (reason string, retryAfter time.Duration)
	}
	switch {
	case b.err == nil: // an earlier block of its stream failed
	case errors.As(b.err, &full):
		var reason string
		reason, delay = full.Full()
		wait = delay
		r.full(reason)
	case ctx.Err() != nil && errors.Is(b.err, ctx.Err()):
		delay = 0
	default:
		// What is on disk of it is open. This node finds out when it opens the log.
		w.s.unsure.Store(true)
		w.s.log.Error("messages could not be stored; JetStream gives them again", "stream", b.stream, "error", b.err)
	}
	for _, reply := range b.acks {
		r.nak(reply, delay)
	}
	r.metrics.messages.WithLabelValues(name, resultDelayed).Add(n)
	return wait
}

// stored reports whether every block of the stream before b is on disk.
func (b *block) stored(all []*block) bool {
	for _, other := range all {
		if other == b {
			return true
		}
		if other.stream == b.stream && other.err != nil {
			return false
		}
	}
	return true
}

// recycle keeps the blocks for the next batch, unless they are large.
func (w *worker) recycle() {
	for _, b := range w.blocks {
		if cap(b.data) <= 2*blockBytes && len(w.spare) < 4 {
			b.list.Reset()
			clear(b.acks)
			*b = block{data: b.data[:0], list: b.list, acks: b.acks[:0]}
			w.spare = append(w.spare, b)
		}
	}
	clear(w.blocks)
	w.blocks = w.blocks[:0]
	clear(w.open)
}
