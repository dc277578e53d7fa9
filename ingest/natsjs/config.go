package natsjs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"time"

	"sluice/ingest"
	"sluice/internal/lake"

	"github.com/prometheus/client_golang/prometheus"
)

// A Ledger stores messages and knows which are stored: see package
// internal/sequences.
type Ledger interface {
	ingest.Appender
	// Known reports whether a message is in the stream, stored or delivered; at is
	// its time in the source, in ns since 1970.
	Known(stream string, source lake.SourceID, seq uint64, at int64) bool
	// Within is what is known of a source in [from, to], in all streams together.
	Within(source lake.SourceID, from, to uint64) []lake.SequenceRange
	// Settle says that no message of the source up to floor will come again.
	Settle(source lake.SourceID, floor uint64)
}

// A Subscription is one JetStream consumer, or one core subscription.
type Subscription struct {
	// Stream is the JetStream stream; empty: a core subscription, at most once.
	Stream string
	// Consumer is the durable consumer; made if it is not there.
	Consumer string
	// Subject filters, with wildcards. Of a consumer that is there it may be empty:
	// all that the consumer gives.
	Subject string
	// Queue is the queue group of a core subscription.
	Queue string
	// Into is the stream that the messages go to; $1, $2, … stand for what the
	// wildcards of Subject match.
	Into string
	// SubjectColumn, if not empty, is a field added to each record: the subject.
	SubjectColumn string

	published bool // what Publishers published
}

// name is what logs and metrics call it.
func (s *Subscription) name() string {
	if s.Stream == "" {
		return s.Subject
	}
	return s.Stream + "/" + s.Consumer
}

// Connection says how to reach NATS. Secrets are read from files when a connection is
// made, so that they may be replaced.
type Connection struct {
	URL string // nats:// or tls://, several parted by commas
	// InProcess, if not nil, is a server in this process, used in place of URL.
	InProcess interface{ InProcessConn() (net.Conn, error) }

	Credentials  string // .creds file (JWT and seed)
	NKey         string // file with an NKey seed
	User         string
	Password     string
	PasswordFile string // in place of Password
	Token        string
	TokenFile    string // in place of Token

	CA, Cert, Key string // PEM files for TLS
}

// Config is what a Receiver works with.
type Config struct {
	Connection    Connection
	Subscriptions []Subscription
	// Node names this process for ever: it goes with the data folder, since what it
	// says it has stored is there.
	Node string
	// Bucket is the key-value bucket that holds who owns which consumer.
	Bucket string
	// Replicas of the bucket, and of a stream that is made.
	Replicas int
	// Rejected is the stream for messages that are no records.
	Rejected string
	// Lease is how long an owner may show no life until another takes over; 0: 15 s.
	Lease time.Duration
	// Settle is how long JetStream must have held messages for acknowledged until
	// they are settled; 0: 30 s.
	Settle time.Duration
	// AckWait is how long JetStream waits for an acknowledgement until it gives a
	// message again, of consumers that are made; 0: 30 s.
	AckWait time.Duration
	// Publish, if not nil, makes a JetStream stream for a Publisher.
	Publish *Publish

	Ledger     Ledger
	Policy     ingest.Policy
	Memory     *ingest.Memory
	Metrics    *ingest.Metrics
	Registerer prometheus.Registerer
	Log        *slog.Logger
}

// Publish says where a Publisher publishes.
type Publish struct {
	Stream     string // JetStream stream; made if it is not there
	Partitions int    // each with its consumer, the unit that nodes share the load by
	MaxBytes   int64  // of the stream; past it, receivers answer 503
	Consume    bool   // whether this node also stores what was published
}

const (
	defaultLease   = 15 * time.Second
	defaultSettle  = 30 * time.Second
	defaultAckWait = 30 * time.Second
	// maxAckPending bounds what JetStream has delivered and not seen acknowledged.
	maxAckPending = 65_536
	// maxPrefetch is what a source asks of JetStream at once, in bytes.
	maxPrefetch = 8 << 20
	// stopGrace is how long what is under way at the end may take.
	stopGrace = 10 * time.Second
)

// serverName is what a stream or a consumer may be called, and still be part of a key.
var serverName = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)

func (c *Config) check() error {
	var faults []error
	add := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for i := range c.Subscriptions {
		s := &c.Subscriptions[i]
		if _, err := newMapping(s.Subject, s.Into); err != nil && s.Subject != "" {
			add("subscription %d: %w", i, err)
		}
		switch {
		case s.Stream == "" && s.Subject == "":
			add("subscription %d has no subject", i)
		case s.Stream != "" && (!serverName.MatchString(s.Stream) || !serverName.MatchString(s.Consumer)):
			add("subscription %d: stream %.80q and consumer %.80q: want letters, digits, _ and -", i, s.Stream, s.Consumer)
		}
	}
	if c.Ledger == nil || c.Policy == nil || c.Memory == nil || c.Metrics == nil || c.Node == "" || c.Bucket == "" {
		panic("BUG: natsjs.Config is incomplete")
	}
	if !ingest.ValidStream(c.Rejected) {
		add("%.80q cannot name the stream of rejected messages", c.Rejected)
	}
	return errors.Join(faults...)
}

// sleep waits, and reports false if ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
