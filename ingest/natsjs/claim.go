package natsjs

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/internal/lake"

	"github.com/nats-io/nats.go/jetstream"
)

// errLost says that another node owns the consumer now.
var errLost = errors.New("another node took the consumer over")

// maxStored bounds the ranges that a claim tells; where there are more, the messages
// stay in doubt until the node that has them owns the consumer again.
const maxStored = 4096

// A claimDoc is who may store the messages of a consumer: the value of its key in
// the bucket. It changes by compare-and-set only. See doc.go for what follows from it.
type claimDoc struct {
	Source string `json:"source"`          // what the sequences are of, in hexadecimal
	Owner  string `json:"owner,omitempty"` // node; empty: nobody
	Epoch  uint64 `json:"epoch"`           // counts owners
	Beat   uint64 `json:"beat"`            // counts changes, so that a watcher sees a life
	// From: every message up to here is acknowledged for good. To: the owner may have
	// stored messages up to here, and none after it.
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	// Doubts are what nodes that owned the consumer may have stored.
	Doubts []doubt `json:"doubts,omitempty"`
	// Stored are messages that such nodes have stored: from, to, and the earliest and
	// latest of their times in ns.
	Stored [][4]int64 `json:"stored,omitempty"`
}

// A doubt is messages, after From up to To, that Node may have stored.
type doubt struct {
	Node string `json:"node"`
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

func (d *claimDoc) clone() claimDoc {
	c := *d
	c.Doubts, c.Stored = slices.Clone(d.Doubts), slices.Clone(d.Stored)
	return c
}

// settle drops what is of messages up to from.
func (d *claimDoc) settle(from uint64) {
	d.From = max(d.From, from)
	d.To = max(d.To, d.From)
	d.Doubts = slices.DeleteFunc(d.Doubts, func(x doubt) bool { return x.To <= d.From })
	d.Stored = slices.DeleteFunc(d.Stored, func(r [4]int64) bool { return uint64(r[1]) <= d.From })
}

// A fate is what is to be done with a message that is not known here.
type fate uint8

const (
	free     fate = iota // nobody else has it
	stored               // another node has stored it
	doubtful             // another node may have stored it
)

// fate of a message, for the owner.
func (d *claimDoc) fate(seq uint64, at int64) fate {
	for _, x := range d.Doubts {
		if x.From < seq && seq <= x.To {
			return doubtful
		}
	}
	for _, r := range d.Stored {
		if uint64(r[0]) <= seq && seq <= uint64(r[1]) && r[2] <= at && at <= r[3] {
			return stored
		}
	}
	return free
}

// within is what is in one node's ledger.
type within interface {
	Within(id lake.SourceID, from, to uint64) []lake.SequenceRange
}

// tell replaces a doubt about messages by what the ledger says of them. It reports
// false where that is too long to tell.
func (d *claimDoc) tell(known within, id lake.SourceID, from, to uint64) bool {
	ranges := known.Within(id, from+1, to)
	if len(ranges)+len(d.Stored) > maxStored {
		return false
	}
	for _, r := range ranges {
		d.Stored = append(d.Stored, [4]int64{int64(r.From), int64(r.To), r.First, r.Last})
	}
	return true
}

// A claim is one node's hold on a consumer.
type claim struct {
	kv     jetstream.KeyValue
	key    string
	node   string
	source lake.SourceID
	known  within
	lease  time.Duration

	seen  uint64    // revision last seen of another's; used by try alone
	since time.Time // when it was first seen

	wanted  atomic.Uint64 // the last message that was received: claimed with the next batch
	claimed atomic.Uint64 // doc.To, for want
	ahead   chan struct{} // capacity 1: many are wanted that are not claimed

	changing sync.Mutex // held by who changes the document
	mu       sync.Mutex
	doc      claimDoc // guarded by mu, changed with changing held
	rev      uint64   // guarded by changing
}

// try takes the consumer if nobody owns it, if the owner is this node, or if the owner
// has shown no life for a lease. hold may say no to the first and last of these. It
// also tells what this node has stored of messages that are in doubt because of it,
// so nothing of this claim may be under way.
func (c *claim) try(ctx context.Context, hold func(waited time.Duration) bool) (bool, error) {
	entry, err := c.kv.Get(ctx, c.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) || errors.Is(err, jetstream.ErrKeyDeleted) {
		if !hold(0) {
			return false, nil
		}
		return c.create(ctx)
	}
	if err != nil {
		return false, fmt.Errorf("read who owns %s: %w", c.key, err)
	}
	var doc claimDoc
	if err := json.Unmarshal(entry.Value(), &doc); err != nil {
		return false, fmt.Errorf("read who owns %s: revision %d of the key is not a claim: %w", c.key, entry.Revision(), err)
	}
	if entry.Revision() != c.seen {
		c.seen, c.since = entry.Revision(), time.Now()
	}
	waited := time.Since(c.since)
	next := doc.clone()
	if doc.Source != c.sourceName() {
		// Of a stream or consumer that is gone, with all that was claimed of it.
		next = claimDoc{Source: c.sourceName(), Epoch: doc.Epoch}
	}
	switch {
	case doc.Owner == c.node:
	case doc.Owner != "" && waited < c.lease, !hold(waited):
		return false, c.resolve(ctx, entry.Revision(), next)
	default:
		if next.Owner != "" && next.To > next.From {
			next.Doubts = append(next.Doubts, doubt{next.Owner, next.From, next.To})
		}
		next.To = next.From
	}
	// What this node may have stored it finds in its own ledger; others must go on
	// leaving it to this node.
	next.Doubts = slices.DeleteFunc(next.Doubts, func(x doubt) bool {
		if x.Node == c.node {
			next.To = max(next.To, x.To)
		}
		return x.Node == c.node
	})
	next.Owner = c.node
	next.Epoch++
	rev, err := c.put(ctx, next, entry.Revision())
	if err != nil {
		return false, err // another was faster, or we will see next time
	}
	c.set(next, rev)
	return true, nil
}

func (c *claim) create(ctx context.Context) (bool, error) {
	doc := claimDoc{Source: c.sourceName(), Owner: c.node, Epoch: 1}
	rev, err := c.kv.Create(ctx, c.key, encode(doc))
	if err != nil {
		return false, fmt.Errorf("claim %s: %w", c.key, err)
	}
	c.set(doc, rev)
	return true, nil
}

// resolve takes away the doubts that are because of this node.
func (c *claim) resolve(ctx context.Context, rev uint64, doc claimDoc) error {
	changed := false
	doc.Doubts = slices.DeleteFunc(doc.Doubts, func(x doubt) bool {
		if x.Node != c.node || !doc.tell(c.known, c.source, x.From, x.To) {
			return false
		}
		changed = true
		return true
	})
	if !changed {
		return nil
	}
	_, err := c.put(ctx, doc, rev)
	return err
}

func (c *claim) sourceName() string { return hex.EncodeToString(c.source[:]) }

func encode(doc claimDoc) []byte {
	b, err := json.Marshal(doc)
	if err != nil {
		panic("BUG: a claim does not marshal: " + err.Error())
	}
	return b
}

func (c *claim) put(ctx context.Context, doc claimDoc, rev uint64) (uint64, error) {
	doc.Beat++
	rev, err := c.kv.Update(ctx, c.key, encode(doc), rev)
	if err != nil {
		return 0, fmt.Errorf("claim %s: %w", c.key, err)
	}
	return rev, nil
}

func (c *claim) set(doc claimDoc, rev uint64) {
	c.changing.Lock()
	defer c.changing.Unlock()
	c.mu.Lock()
	c.doc, c.rev = doc, rev
	c.mu.Unlock()
	c.wanted.Store(doc.To)
	c.claimed.Store(doc.To)
}

// now is the document as this owner last saw it.
func (c *claim) now() claimDoc {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doc
}

// want says that a message was received, so that it is claimed with others.
func (c *claim) want(seq uint64) {
	for {
		old := c.wanted.Load()
		if old >= seq || c.wanted.CompareAndSwap(old, seq) {
			break
		}
	}
	if seq > c.claimed.Load()+claimAhead {
		select {
		case c.ahead <- struct{}{}:
		default: // it is on its way
		}
	}
}

// claimAhead is how many messages are received until they are claimed before a batch
// of them is taken, so that the batch need not wait.
const claimAhead = 512

// runAhead claims what is received, until ctx ends.
func (c *claim) runAhead(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-c.ahead:
			if err := c.extend(ctx, c.wanted.Load()); err != nil {
				return err
			}
		}
	}
}

// extend claims all messages up to to, and those that are wanted meanwhile. When it
// returns nil, the claim is kept by JetStream; with errLost, this node may store no
// more.
func (c *claim) extend(ctx context.Context, to uint64) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	if c.now().To >= to { // another batch's claim was for this one too
		return nil
	}
	return c.changeHeld(ctx, func(doc *claimDoc) { doc.To = max(doc.To, to, c.wanted.Load()) })
}

// beat shows that this node lives, and settles the messages up to from.
func (c *claim) beat(ctx context.Context, from uint64) error {
	return c.change(ctx, func(doc *claimDoc) { doc.settle(from) })
}

// release gives the consumer up. Nothing of the claim is under way any more. What this
// node has stored is told, unless unsure: then it stays in doubt.
func (c *claim) release(ctx context.Context, unsure bool) error {
	return c.change(ctx, func(doc *claimDoc) {
		if unsure || !doc.tell(c.known, c.source, doc.From, doc.To) {
			doc.Doubts = append(doc.Doubts, doubt{c.node, doc.From, doc.To})
		}
		doc.Owner, doc.To = "", doc.From
	})
}

// retryUpdate is how long a change waits before it is tried again.
const retryUpdate = 200 * time.Millisecond

// change changes the document until that has succeeded, the consumer is lost, or ctx
// ends. edit may be called more than once.
func (c *claim) change(ctx context.Context, edit func(*claimDoc)) error {
	c.changing.Lock()
	defer c.changing.Unlock()
	return c.changeHeld(ctx, edit)
}

func (c *claim) changeHeld(ctx context.Context, edit func(*claimDoc)) error {
	for {
		next := c.copy()
		edit(&next)
		next.Beat++
		once, cancel := context.WithTimeout(ctx, 5*time.Second)
		rev, err := c.kv.Update(once, c.key, encode(next), c.rev)
		cancel()
		if err == nil {
			c.mu.Lock()
			c.doc, c.rev = next, rev
			c.mu.Unlock()
			c.claimed.Store(next.To)
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// Another node told of its doubts, took over, or the answer was lost.
		if err := c.reload(ctx); err != nil {
			return err
		}
	}
}

// reload reads what the document is now; changing is held.
func (c *claim) reload(ctx context.Context) error {
	once, cancel := context.WithTimeout(ctx, 5*time.Second)
	entry, err := c.kv.Get(once, c.key)
	cancel()
	var doc claimDoc
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound), errors.Is(err, jetstream.ErrKeyDeleted):
		return fmt.Errorf("%w: the key %s is gone", errLost, c.key)
	case err == nil && json.Unmarshal(entry.Value(), &doc) != nil:
		return fmt.Errorf("%w: revision %d of the key %s is not a claim", errLost, entry.Revision(), c.key)
	case err == nil && entry.Revision() > c.rev:
		mine := c.now()
		if doc.Owner != c.node || doc.Epoch != mine.Epoch || doc.Source != mine.Source {
			return errLost
		}
		c.mu.Lock()
		c.doc, c.rev = doc, entry.Revision()
		c.mu.Unlock()
		return nil
	}
	// Not reachable, or an answer from a replica that is behind.
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(retryUpdate):
		return nil
	}
}

// copy is a document to change.
func (c *claim) copy() claimDoc {
	doc := c.now()
	return doc.clone()
}
