package natsjs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/lake"

	"github.com/nats-io/nats.go/jetstream"
)

// workers is how many batches of a source are under way at once: while two wait for
// their fsync, another is claimed and a fourth is taken apart.
const workers = 4

// A source is one JetStream consumer.
type source struct {
	r   *Receiver
	sub Subscription
	m   *mapping // nil for what Publishers published
	log *slog.Logger

	// unsure is set when it is open whether something is in the log: until the log is
	// opened again, this node cannot say what it has stored.
	unsure atomic.Bool
	owns   atomic.Bool

	claim  *claim // of the last time; used by run alone
	flight flight
}

// target is the stream of a message, and the attribute of the request that it is of;
// ok is false if it has no valid one.
func (s *source) target(it *item) (stream string, request []byte, ok bool) {
	if s.m == nil {
		return publishedTarget(it)
	}
	stream, ok = s.m.stream(it.subject)
	return stream, nil, ok
}

// sourceID names what the sequences of a consumer are of: a stream that is made anew
// counts from 1 again.
func sourceID(stream *jetstream.StreamInfo, consumer string) lake.SourceID {
	sum := sha256.Sum256([]byte(stream.Config.Name + "\x00" + strconv.FormatInt(stream.Created.UnixNano(), 10) + "\x00" + consumer))
	return lake.SourceID(sum[:8])
}

// run owns the consumer whenever it can, until ctx ends.
func (s *source) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		err := s.once(ctx)
		if ctx.Err() != nil {
			return
		}
		wait := s.r.cfg.Lease / 5
		if err != nil {
			failures++
			wait = min(200*time.Millisecond<<min(failures, 10), s.r.cfg.Lease)
			if failures == 3 || failures%60 == 0 { // elections and restarts are not worth a line
				s.log.Warn("messages cannot be taken; it is tried again", "error", err)
			}
		} else {
			failures = 0
		}
		if !sleep(ctx, wait) {
			return
		}
	}
}

// once looks whether the consumer can be owned, and if so owns it as long as it can.
func (s *source) once(ctx context.Context) error {
	asking, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	cons, id, err := s.consumer(asking)
	if err != nil {
		return err
	}
	c, err := s.r.claimOf(asking, s, id)
	if err != nil {
		return err
	}
	mine, err := c.try(asking, func(waited time.Duration) bool { return s.r.shares.mayTake(s, waited) })
	if err != nil || !mine {
		return err
	}
	cancel()
	return s.own(ctx, cons, c)
}

// consumer finds the durable consumer, or makes it.
func (s *source) consumer(ctx context.Context) (jetstream.Consumer, lake.SourceID, error) {
	var none lake.SourceID
	js := s.r.js
	stream, err := js.Stream(ctx, s.sub.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) && s.sub.published {
		stream, err = s.r.makeStream(ctx)
	}
	if err != nil {
		return nil, none, fmt.Errorf("look up the stream: %w", err)
	}
	cons, err := stream.Consumer(ctx, s.sub.Consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		cons, err = stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
			Durable: s.sub.Consumer, FilterSubject: s.sub.Subject, AckPolicy: jetstream.AckExplicitPolicy,
			AckWait: s.r.cfg.AckWait, MaxAckPending: maxAckPending, MaxDeliver: -1, Description: "made by sluice",
		})
	}
	if errors.Is(err, jetstream.ErrConsumerExists) { // another node, configured otherwise, was first
		cons, err = stream.Consumer(ctx, s.sub.Consumer)
	}
	if err != nil {
		return nil, none, fmt.Errorf("look up the consumer: %w", err)
	}
	return cons, sourceID(stream.CachedInfo(), s.sub.Consumer), s.suits(cons.CachedInfo().Config)
}

// suits says what is wrong with a consumer that others made.
func (s *source) suits(c jetstream.ConsumerConfig) error {
	switch {
	case c.DeliverSubject != "":
		return errors.New("it is a push consumer: name another, or delete it and let it be made")
	case c.AckPolicy != jetstream.AckExplicitPolicy:
		return fmt.Errorf("its acknowledgement policy is %s: messages could be lost; want explicit", c.AckPolicy)
	case c.MaxDeliver > 0:
		return fmt.Errorf("it gives a message %d times at most (max_deliver): after that it would be lost; want -1", c.MaxDeliver)
	case s.sub.Subject != "" && c.FilterSubject != s.sub.Subject:
		return fmt.Errorf("its filter is %q, the configuration says %q", c.FilterSubject, s.sub.Subject)
	}
	return nil
}

// own takes messages until ctx ends or another node has the consumer.
func (s *source) own(ctx context.Context, cons jetstream.Consumer, c *claim) error {
	s.log.Info("this node takes the consumer's messages", "epoch", c.now().Epoch)
	s.owns.Store(true)
	s.r.metrics.owned.WithLabelValues(s.sub.name()).Set(1)
	defer func() {
		s.owns.Store(false)
		s.r.metrics.owned.WithLabelValues(s.sub.name()).Set(0)
	}()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	// What the server may send before we have asked for more is held in memory.
	prefetch := s.r.prefetch()
	if p := s.r.cfg.Memory.Reserve(ctx, prefetch); p != nil {
		return fmt.Errorf("make room for messages: %w", p)
	}
	defer s.r.cfg.Memory.Release(prefetch)

	q := newQueue(prefetch / 2)
	intake, err := cons.Consume(func(m jetstream.Msg) {
		it := item{reply: m.Reply(), subject: m.Subject(), header: m.Headers(), data: m.Data()}
		if it.parseReply() {
			c.want(it.seq)
			q.put(it)
		}
	}, jetstream.PullMaxBytes(int(prefetch)), jetstream.PullExpiry(10*time.Second), jetstream.PullHeartbeat(3*time.Second),
		jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
			s.log.Debug("the consumer reports", "error", err)
			if errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) {
				cancel(err)
			}
		}))
	if err != nil {
		return fmt.Errorf("ask for messages: %w", err)
	}
	// What is under way when ctx ends is stored, if that does not take too long: it is
	// claimed already.
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() { s.newWorker(c, q).run(work, cancel) })
	}
	wg.Go(func() {
		if err := c.runAhead(ctx); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	})
	wg.Go(func() { s.tend(ctx, cons, c, cancel) })

	<-ctx.Done()
	intake.Stop()
	for _, it := range q.close() {
		s.r.nak(it.reply, 0)
	}
	grace := time.AfterFunc(stopGrace, stopWork)
	wg.Wait()
	grace.Stop()
	return s.let(c, context.Cause(ctx))
}

// let ends owning: nothing is under way any more.
func (s *source) let(c *claim, cause error) error {
	if errors.Is(cause, errLost) {
		s.log.Warn("another node took the consumer over; messages that this one has stored are told to it")
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	err := c.release(ctx, s.unsure.Load())
	if err != nil && !errors.Is(err, errLost) {
		s.log.Warn("the consumer could not be given up: other nodes take it over when the lease is over", "error", err)
	}
	s.r.nc.FlushWithContext(ctx) // acknowledgements; what is lost of them comes again and is known
	if errors.Is(cause, errShare) || errors.Is(cause, context.Canceled) {
		return nil
	}
	return cause
}

// errShare says that others own less than this node.
var errShare = errors.New("others own fewer consumers")

// tend shows life, settles what is acknowledged for good, and measures.
func (s *source) tend(ctx context.Context, cons jetstream.Consumer, c *claim, cancel context.CancelCauseFunc) {
	var floor uint64 // acknowledged since
	var since time.Time
	for sleep(ctx, s.r.cfg.Lease/3) {
		asking, done := context.WithTimeout(ctx, 5*time.Second)
		info, err := cons.Info(asking)
		done()
		settled := uint64(0)
		switch {
		case errors.Is(err, jetstream.ErrConsumerNotFound):
			cancel(err)
			return
		case err == nil:
			s.measure(info)
			// An acknowledgement is believed when it is still there after a while: it
			// may have been told by a leader that loses it with its office.
			if now := info.AckFloor.Stream; now < floor || since.IsZero() {
				floor, since = now, time.Now()
			} else if time.Since(since) >= s.r.cfg.Settle {
				settled = floor
				floor, since = now, time.Now()
			}
		}
		if err := c.beat(ctx, settled); err != nil && ctx.Err() == nil {
			cancel(err)
			return
		}
		if settled > 0 {
			s.r.cfg.Ledger.Settle(c.source, settled)
		}
		if s.r.shares.mayLet(s) {
			s.log.Info("the consumer is given up: other nodes own fewer")
			cancel(errShare)
			return
		}
	}
}

func (s *source) measure(info *jetstream.ConsumerInfo) {
	m, name := s.r.metrics, s.sub.name()
	m.pending.WithLabelValues(name).Set(float64(info.NumPending))
	m.unacked.WithLabelValues(name).Set(float64(info.NumAckPending))
	if info.NumPending == 0 && info.NumAckPending == 0 {
		m.lag.WithLabelValues(name).Set(0)
	}
}

// A flight is the messages of a source that are under way, so that one that comes
// again meanwhile is not stored beside itself.
type flight struct {
	mu      sync.Mutex
	batches map[*[]item]struct{} // each in order; guarded by mu
}

// enter adds a batch, without the items that are under way already.
func (f *flight) enter(items []item) *[]item {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.batches == nil {
		f.batches = map[*[]item]struct{}{}
	}
	for other := range f.batches {
		items = without(items, *other)
	}
	batch := &items
	f.batches[batch] = struct{}{}
	return batch
}

func (f *flight) leave(batch *[]item) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.batches, batch)
}

// without is items without those in other; both are in order.
func without(items, other []item) []item {
	if len(items) == 0 || len(other) == 0 || items[len(items)-1].seq < other[0].seq || other[len(other)-1].seq < items[0].seq {
		return items
	}
	kept := items[:0]
	j := 0
	for _, it := range items {
		for j < len(other) && other[j].seq < it.seq {
			j++
		}
		if j == len(other) || other[j].seq != it.seq {
			kept = append(kept, it)
		}
	}
	return kept
}
