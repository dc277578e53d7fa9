package natsjs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"sluice/internal/lake"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// receiver names this package in metrics.
const receiver = "nats"

// A Receiver takes messages from NATS and stores them.
type Receiver struct {
	cfg     Config
	nc      *nats.Conn
	js      jetstream.JetStream
	control *nats.Conn // for what must not wait behind messages: claims, and questions
	asking  jetstream.JetStream
	metrics *metrics
	log     *slog.Logger
	sources []*source
	core    []*coreSource
	shares  *shares

	mu     sync.Mutex
	bucket jetstream.KeyValue   // nil until it was found; guarded by mu
	told   map[string]time.Time // what was logged, and when; guarded by mu
}

// Open begins to connect; it does not wait for NATS. Close ends it.
func Open(cfg Config) (*Receiver, error) {
	if cfg.Lease == 0 {
		cfg.Lease = defaultLease
	}
	if cfg.Settle == 0 {
		cfg.Settle = defaultSettle
	}
	if cfg.AckWait == 0 {
		cfg.AckWait = defaultAckWait
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Replicas = max(1, cfg.Replicas)
	if err := cfg.check(); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	r := &Receiver{cfg: cfg, metrics: newMetrics(cfg.Registerer), log: cfg.Log, told: map[string]time.Time{}}
	subs := cfg.Subscriptions
	if cfg.Publish != nil && cfg.Publish.Consume {
		subs = append(append([]Subscription{}, subs...), cfg.Publish.subscriptions()...)
	}
	for _, sub := range subs {
		r.add(sub)
	}
	r.shares = newShares(r)
	var err error
	if r.nc, err = connect(cfg.Connection, r.metrics, cfg.Log); err != nil {
		return nil, fmt.Errorf("nats: %w", err)
	}
	if r.control, err = connect(cfg.Connection, nil, cfg.Log); err == nil {
		r.asking, err = jetstream.New(r.control)
	}
	if err == nil {
		r.js, err = jetstream.New(r.nc, jetstream.WithPublishAsyncMaxPending(1024))
	}
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("nats: %w", err)
	}
	return r, nil
}

func (r *Receiver) add(sub Subscription) {
	var m *mapping
	if !sub.published {
		m, _ = newMapping(sub.Subject, sub.Into) // check has seen it
	}
	r.metrics.show(&sub)
	log := r.log.With("subscription", sub.name())
	if sub.Stream == "" {
		r.core = append(r.core, &coreSource{r: r, sub: sub, m: m, log: log})
		return
	}
	r.sources = append(r.sources, &source{r: r, sub: sub, m: m, log: log})
}

// Run takes messages until ctx ends; it returns when none is under way any more.
func (r *Receiver) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	for _, s := range r.sources {
		wg.Go(func() { s.run(ctx) })
	}
	for _, s := range r.core {
		wg.Go(func() { s.run(ctx) })
	}
	if len(r.sources) > 1 {
		wg.Go(func() { r.shares.run(ctx) })
	}
	wg.Wait()
	return nil
}

// Close ends the connections. Run has returned.
func (r *Receiver) Close() {
	r.nc.Close()
	if r.control != nil {
		r.control.Close()
	}
}

// Ready is nil when there is a connection.
func (r *Receiver) Ready() error {
	if r.nc.IsConnected() {
		return nil
	}
	return errors.New("there is no connection to NATS")
}

// Owned are the subscriptions whose consumers this node owns now.
func (r *Receiver) Owned() (names []string) {
	for _, s := range r.sources {
		if s.owns.Load() {
			names = append(names, s.sub.name())
		}
	}
	return names
}

// prefetch is how many bytes a source asks for at once: a share of the memory, and
// room for the largest message in any case.
func (r *Receiver) prefetch() int64 {
	share := r.cfg.Memory.Limit() / 4 / int64(len(r.sources))
	return max(min(maxPrefetch, share), 2*r.nc.MaxPayload())
}

// keyValue is the bucket that says who owns what; it is made if it is not there.
func (r *Receiver) keyValue(ctx context.Context) (jetstream.KeyValue, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bucket != nil {
		return r.bucket, nil
	}
	kv, err := r.asking.KeyValue(ctx, r.cfg.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = r.asking.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: r.cfg.Bucket, Description: "which sluice node owns which consumer", Replicas: r.cfg.Replicas, History: 1,
			MaxBytes: 64 << 20,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open the bucket %s: %w", r.cfg.Bucket, err)
	}
	r.bucket = kv
	return kv, nil
}

// claimOf is a new claim of this node on a source.
func (r *Receiver) claimOf(ctx context.Context, s *source, id lake.SourceID) (*claim, error) {
	kv, err := r.keyValue(ctx)
	if err != nil {
		return nil, err
	}
	if s.claim == nil || s.claim.source != id {
		s.claim = &claim{kv: kv, key: "claims." + s.sub.Stream + "." + s.sub.Consumer, node: r.cfg.Node, source: id, known: r.cfg.Ledger, lease: r.cfg.Lease,
			ahead: make(chan struct{}, 1)}
	}
	return s.claim, nil
}

var (
	ackText  = []byte("+ACK")
	nakText  = []byte("-NAK")
	nakStart = []byte(`-NAK {"delay":`)
)

// ack tells JetStream that a message is stored. That it arrives is not waited for:
// a message whose acknowledgement is lost comes again and is known.
func (r *Receiver) ack(reply string) { r.nc.Publish(reply, ackText) }

// nak asks JetStream to give a message again, after a while.
func (r *Receiver) nak(reply string, after time.Duration) {
	text := nakText
	if after > 0 {
		text = append(strconv.AppendInt(append([]byte(nil), nakStart...), int64(after), 10), '}')
	}
	r.nc.Publish(reply, text)
}

// tell logs a line at most once a minute.
func (r *Receiver) tell(line string, args ...any) {
	const kinds = 100
	r.mu.Lock()
	last, again := r.told[line]
	quiet := again && time.Since(last) < time.Minute || !again && len(r.told) >= kinds
	if !quiet {
		r.told[line] = time.Now()
	}
	r.mu.Unlock()
	if !quiet {
		r.log.Warn(line, args...)
	}
}

func (r *Receiver) full(reason string) {
	r.tell("there is no room for messages: NATS keeps them until there is", "reason", reason)
}

func (r *Receiver) unknown(stream string) {
	r.tell("messages wait in JetStream: their stream does not exist, and does not come to be (auto_create, max_streams)", "stream", stream)
}

// Check asks NATS for every subscription's stream and consumer, which is made if it
// is not there, and says what is wrong.
func (r *Receiver) Check(ctx context.Context) error {
	var faults []error
	for _, s := range r.sources {
		if _, _, err := s.consumer(ctx); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.sub.name(), err))
		}
	}
	return errors.Join(faults...)
}
