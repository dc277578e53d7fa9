package natsjs

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"sluice/ingest"
	"sluice/internal/lake"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// subjectPrefix begins the subjects that Publishers publish on:
	// sluice.records.{partition}.{stream}.
	subjectPrefix = "sluice.records."
	// headerStream and headerRequest are the stream of a message's records, and the
	// attribute of the request that they are of, in base64.
	headerStream  = "Sluice-Stream"
	headerRequest = "Sluice-Request"
	// headerRoom is what is left free of the largest message for its headers.
	headerRoom = 2 << 10
	// publishWait is how long one attempt to publish may take, and publishFor all.
	publishWait = 5 * time.Second
	publishFor  = 20 * time.Second
	// duplicates is for how long JetStream knows a message again by its id: longer
	// than publishFor, so that an attempt whose answer was lost is stored once.
	duplicates = 2 * time.Minute
)

// subscriptions are the consumers of what Publishers publish, one a partition.
func (p *Publish) subscriptions() []Subscription {
	subs := make([]Subscription, p.Partitions)
	for i := range subs {
		subs[i] = Subscription{
			Stream: p.Stream, Consumer: "sluice-" + strconv.Itoa(i), Subject: subjectPrefix + strconv.Itoa(i) + ".>", published: true,
		}
	}
	return subs
}

// makeStream makes the stream that Publishers publish to. A message leaves it when
// it is acknowledged, so it holds what no node has stored yet.
func (r *Receiver) makeStream(ctx context.Context) (jetstream.Stream, error) {
	return r.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: r.cfg.Publish.Stream, Subjects: []string{subjectPrefix + ">"}, Retention: jetstream.WorkQueuePolicy,
		Discard: jetstream.DiscardNew, MaxBytes: r.cfg.Publish.MaxBytes, Replicas: r.cfg.Replicas, Storage: jetstream.FileStorage,
		Duplicates: duplicates, Description: "records that sluice receivers took and no node has stored yet",
	})
}

// A Publisher is an appender that publishes to a JetStream stream, from which any
// number of nodes store. Append returns when JetStream has acknowledged.
type Publisher struct {
	r    *Receiver
	keep func(stream string) bool // all records of the stream go to one partition
	made atomic.Bool
	next atomic.Uint64
}

// Publisher makes one; Config.Publish must be set. The records of a stream for which
// together is true all go to one partition, and so to one node at a time: that is
// what knows duplicates.
func (r *Receiver) Publisher(together func(stream string) bool) *Publisher {
	if r.cfg.Publish == nil {
		panic("BUG: a publisher without Config.Publish")
	}
	return &Publisher{r: r, keep: together}
}

// An UnreachableError says that JetStream did not acknowledge. What was published
// may be there or not.
type UnreachableError struct{ Err error }

func (e *UnreachableError) Error() string { return "publish to JetStream: " + e.Err.Error() }

func (e *UnreachableError) Unwrap() error { return e.Err }

// Full says what to tell clients.
func (e *UnreachableError) Full() (reason string, retryAfter time.Duration) {
	return "JetStream does not take them at the moment; the server's log says why", 2 * time.Second
}

// Append publishes a block, cut into messages as large as the server takes. It
// returns nil when JetStream has all of them. An attempt that gets no answer is
// repeated under the same id.
func (p *Publisher) Append(ctx context.Context, stream string, block lake.Block) error {
	if err := p.prepare(ctx); err != nil {
		p.r.tell("the stream that receivers publish to cannot be had", "stream", p.r.cfg.Publish.Stream, "error", err)
		return &UnreachableError{err}
	}
	ctx, cancel := context.WithTimeout(ctx, publishFor)
	defer cancel()
	msgs, err := p.cut(stream, block)
	if err != nil {
		return fmt.Errorf("publish to %s: %w", stream, err)
	}
	futures := make([]jetstream.PubAckFuture, len(msgs))
	for i, m := range msgs[:len(msgs)-1] {
		m.Data = bytes.Clone(m.Data) // an attempt may outlive this call
		if futures[i], err = p.r.js.PublishMsgAsync(m); err != nil {
			break
		}
	}
	for i, m := range msgs {
		if err := p.await(ctx, futures[i], m); err != nil {
			return err
		}
		p.r.metrics.published.Inc()
		p.r.metrics.publishedB.Add(float64(len(m.Data)))
	}
	return nil
}

// prepare makes the stream, once.
func (p *Publisher) prepare(ctx context.Context) error {
	if p.made.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishWait)
	defer cancel()
	_, err := p.r.js.Stream(ctx, p.r.cfg.Publish.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = p.r.makeStream(ctx)
	}
	if err == nil {
		p.made.Store(true)
	}
	return err
}

// await waits for the acknowledgement of a message that is under way, or publishes
// it, until it is there.
func (p *Publisher) await(ctx context.Context, future jetstream.PubAckFuture, m *nats.Msg) error {
	if future != nil {
		t := time.NewTimer(publishWait)
		defer t.Stop()
		select {
		case <-future.Ok():
			return nil
		case <-future.Err():
		case <-t.C:
		case <-ctx.Done():
		}
	}
	for {
		once, cancel := context.WithTimeout(ctx, publishWait)
		_, err := p.r.js.PublishMsg(once, m)
		cancel()
		if err == nil {
			return nil
		}
		var api *jetstream.APIError
		refused := errors.As(err, &api) // it is full, say: the client shall try later
		if refused || ctx.Err() != nil || !sleep(ctx, retryUpdate) {
			p.r.tell("records of receivers are not taken by JetStream", "error", err)
			return &UnreachableError{err}
		}
	}
}

// cut makes the messages of a block.
func (p *Publisher) cut(stream string, block lake.Block) ([]*nats.Msg, error) {
	most := int(p.r.nc.MaxPayload())
	if most == 0 { // not connected yet
		most = 1 << 20
	}
	most = min(most, maxMessage) - headerRoom
	if most < ingest.MaxRecord/2 {
		return nil, fmt.Errorf("the server takes messages of %d bytes only (max_payload); records may have %d", p.r.nc.MaxPayload(), ingest.MaxRecord)
	}
	request, asked := lake.ParseRequest(block.Attrs)
	subject := p.subject(stream, request.Key)
	indexes := request.Indexes()
	var msgs []*nats.Msg
	id := rand.Text()
	for data := block.Data; len(data) > 0; {
		n := len(data)
		if n > most {
			if n = bytes.LastIndexByte(data[:most], '\n') + 1; n == 0 {
				return nil, fmt.Errorf("a record has more than %d bytes: raise max_payload of the NATS server", most)
			}
		}
		m := nats.NewMsg(subject)
		m.Data = data[:n:n]
		m.Header[nats.MsgIdHdr] = []string{id + "-" + strconv.Itoa(len(msgs))}
		m.Header[headerStream] = []string{stream}
		if asked {
			m.Header[headerRequest] = []string{base64.StdEncoding.EncodeToString(requestOf(request.Key, &indexes, bytes.Count(m.Data, []byte{'\n'})))}
		}
		msgs = append(msgs, m)
		data = data[n:]
	}
	return msgs, nil
}

// requestOf is the attribute of the next n records of a request.
func requestOf(key []byte, indexes *lake.Indexes, n int) []byte {
	last := indexes.Next()
	attr, run := lake.AppendRequest(nil, key, last), uint64(1)
	for range n - 1 {
		next := indexes.Next()
		if next != last+1 {
			attr, run = lake.AppendGap(attr, 0, run, next-last-1), 0
		}
		last = next
		run++
	}
	return attr
}

// subject spreads messages over the partitions; those that one node must see
// together go to one.
func (p *Publisher) subject(stream string, key []byte) string {
	n := uint64(p.r.cfg.Publish.Partitions)
	var i uint64
	switch {
	case p.keep(stream):
		h := fnv.New64a()
		h.Write([]byte(stream))
		i = h.Sum64() % n
	case len(key) > 0:
		h := fnv.New64a()
		h.Write([]byte(stream))
		h.Write(key)
		i = h.Sum64() % n
	default:
		i = p.next.Add(1) % n
	}
	return subjectPrefix + strconv.FormatUint(i, 10) + "." + strings.ReplaceAll(stream, ".", "_")
}

// publishedTarget reads the headers that a Publisher made.
func publishedTarget(it *item) (stream string, request []byte, ok bool) {
	values := it.header[headerStream]
	if len(values) != 1 || !ingest.ValidStream(values[0]) {
		return "", nil, false
	}
	if values := it.header[headerRequest]; len(values) == 1 {
		b, err := base64.StdEncoding.DecodeString(values[0])
		if err != nil {
			return "", nil, false
		}
		if _, ok := lake.ParseRequest(b); !ok || len(b) > lake.MaxAttrs-lake.MaxSequences+lake.MaxRequestKey {
			return "", nil, false
		}
		request = b
	}
	return values[0], request, true
}
