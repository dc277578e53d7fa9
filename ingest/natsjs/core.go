package natsjs

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"sluice/internal/lake"

	"github.com/nats-io/nats.go"
)

// coreQueue is what a core subscription holds in memory until it is stored, in bytes.
const coreQueue = 4 << 20

// A coreSource is a core subscription: at most once. What there is no room for is
// dropped and counted, as is what comes while this process is away.
type coreSource struct {
	r   *Receiver
	sub Subscription
	m   *mapping
	log *slog.Logger
}

// run takes messages until ctx ends. What was taken then is stored.
func (s *coreSource) run(ctx context.Context) {
	const held = 3 * coreQueue
	for s.r.cfg.Memory.Reserve(ctx, held) != nil {
		if ctx.Err() != nil {
			return
		}
	}
	defer s.r.cfg.Memory.Release(held)
	q := newQueue(coreQueue)
	sub, err := s.r.nc.QueueSubscribe(s.sub.Subject, s.sub.Queue, func(m *nats.Msg) {
		if !q.offer(item{subject: m.Subject, data: m.Data}) {
			s.dropped(1)
		}
	})
	if err != nil {
		s.log.Error("messages cannot be taken", "error", err)
		return
	}
	done := make(chan struct{})
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	go func() {
		defer close(done)
		s.store(work, q)
	}()
	<-ctx.Done()
	sub.Unsubscribe()
	defer time.AfterFunc(stopGrace, stopWork).Stop()
	q.finish()
	<-done
}

func (s *coreSource) dropped(n int) {
	s.r.metrics.messages.WithLabelValues(s.sub.name(), resultDropped).Add(float64(n))
	s.r.tell("messages of a core subscription are dropped: there is no room for them", "subscription", s.sub.name())
}

// store stores what is in the queue until it is closed and empty.
func (s *coreSource) store(ctx context.Context, q *queue) {
	var items []item
	parse := newParser(s.sub.SubjectColumn)
	for {
		if items, _ = q.take(items[:0]); len(items) == 0 {
			return
		}
		s.batch(ctx, parse, items)
		clear(items)
	}
}

func (s *coreSource) batch(ctx context.Context, parse *parser, items []item) {
	type gathered struct {
		data              []byte
		records, messages int
	}
	blocks := map[string]*gathered{}
	flush := func(stream string, g *gathered) {
		if g.records > 0 && s.append(ctx, stream, lake.Block{Data: g.data, Records: g.records}) {
			result := resultStored
			if stream == s.r.cfg.Rejected {
				result = resultRejected
			}
			s.r.metrics.messages.WithLabelValues(s.sub.name(), result).Add(float64(g.messages))
			s.r.cfg.Metrics.Accepted(stream, int64(g.records), int64(len(g.data)))
		} else if g.records > 0 {
			s.dropped(g.messages)
		}
		*g = gathered{data: g.data[:0]}
	}
	block := func(stream string, more int) *gathered {
		g := blocks[stream]
		if g == nil {
			g = &gathered{}
			blocks[stream] = g
		} else if len(g.data)+more > blockBytes {
			flush(stream, g)
		}
		return g
	}
	for _, it := range items {
		stream, ok := s.m.stream(it.subject)
		var err error = &rejection{message: "its subject makes no stream's name"}
		switch {
		case ok && !s.r.cfg.Policy.Known(stream):
			s.r.unknown(stream)
			s.dropped(1)
			continue
		case ok:
			g := block(stream, len(it.data))
			var n int
			if g.data, n, err = parse.records(g.data, it.data, it.subject); err == nil {
				g.records += n
				g.messages++
				continue
			}
		}
		var why *rejection
		errors.As(err, &why)
		s.r.cfg.Metrics.Rejected(receiver, why.reason, 1)
		about := rejected{subject: it.subject, source: s.sub.name(), at: time.Now(), why: why, data: it.data}
		for part := range about.parts() {
			g := block(s.r.cfg.Rejected, 2*rejectedPart)
			g.data = about.append(g.data, part)
			g.records++
			if part == 0 {
				g.messages++
			}
		}
	}
	for stream, g := range blocks {
		flush(stream, g)
	}
}

// append appends a block, with patience where there is no room: meanwhile the queue
// fills, and then messages are dropped.
func (s *coreSource) append(ctx context.Context, stream string, b lake.Block) bool {
	for {
		b.Arrival = time.Now().UTC().Truncate(time.Millisecond)
		err := s.r.cfg.Ledger.Append(ctx, stream, b)
		if err == nil {
			return true
		}
		var full interface {
			Full() (reason string, retryAfter time.Duration)
		}
		if !errors.As(err, &full) {
			s.log.Error("messages could not be stored and are dropped", "stream", stream, "error", err)
			return false
		}
		reason, after := full.Full()
		s.r.full(reason)
		if !sleep(ctx, after) {
			return false
		}
	}
}
