package natsjs

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// nodesPrefix begins the keys by which nodes show that they live.
const nodesPrefix = "nodes."

// shares spreads the consumers over the nodes that live. It decides about comfort
// only: whatever it says, a consumer has one owner.
type shares struct {
	r *Receiver

	mu    sync.Mutex
	seen  map[string]life // other nodes; guarded by mu
	given time.Time       // when a consumer was last given up; guarded by mu
	let   map[*source]time.Time
}

// A life is what was last seen of a node.
type life struct {
	rev uint64
	at  time.Time
}

func newShares(r *Receiver) *shares {
	return &shares{r: r, seen: map[string]life{}, let: map[*source]time.Time{}}
}

// run shows that this node lives, and looks who else does.
func (h *shares) run(ctx context.Context) {
	for {
		h.look(ctx)
		if !sleep(ctx, h.r.cfg.Lease/3) {
			return
		}
	}
}

func (h *shares) look(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	kv, err := h.r.keyValue(asking)
	if err != nil {
		return // the sources say so
	}
	if _, err := kv.Put(asking, nodesPrefix+h.r.cfg.Node, []byte(time.Now().UTC().Format(time.RFC3339))); err != nil {
		return
	}
	watch, err := kv.Watch(asking, nodesPrefix+"*", jetstream.MetaOnly())
	if err != nil {
		return
	}
	defer watch.Stop()
	for {
		select {
		case e, ok := <-watch.Updates():
			if !ok || e == nil { // that was all
				h.forget()
				return
			}
			h.note(strings.TrimPrefix(e.Key(), nodesPrefix), e.Revision())
		case <-asking.Done():
			return
		}
	}
}

func (h *shares) note(node string, rev uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if node != h.r.cfg.Node && h.seen[node].rev != rev {
		h.seen[node] = life{rev, time.Now()}
	}
}

func (h *shares) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for node, l := range h.seen {
		if time.Since(l.at) > 10*h.r.cfg.Lease {
			delete(h.seen, node)
		}
	}
}

// fairLocked is how many consumers each living node should own.
func (h *shares) fairLocked() int {
	nodes := 1
	for _, l := range h.seen {
		if time.Since(l.at) < h.r.cfg.Lease {
			nodes++
		}
	}
	return (len(h.r.sources) + nodes - 1) / nodes
}

// mayTake says whether this node should take a consumer that nobody has, after it was
// seen so for a while. One that nobody wants goes to whoever sees it longest.
func (h *shares) mayTake(s *source, waited time.Duration) bool {
	owned := len(h.r.Owned())
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.r.sources) < 2 {
		return true
	}
	patience := 2 * h.r.cfg.Lease
	if at, ok := h.let[s]; ok && time.Since(at) < patience {
		return false
	}
	return owned < h.fairLocked() || waited > patience
}

// mayLet says whether the owner of a consumer should give it up for others: one at a
// time, so that they can take it.
func (h *shares) mayLet(s *source) bool {
	owned := len(h.r.Owned())
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.r.sources) < 2 || owned <= h.fairLocked() || time.Since(h.given) < h.r.cfg.Lease {
		return false
	}
	h.given = time.Now()
	h.let[s] = h.given
	return true
}
