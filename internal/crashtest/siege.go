package main

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// clientTimeout is what the servers are given as s3.timeout and glue.timeout.
	clientTimeout = 2 * time.Second
	// siegeAttempts is how often the clients try a request during a siege.
	siegeAttempts = 2
	// patience is how long a client stays with a request at most: its attempts, and
	// the pause between them.
	patience = siegeAttempts*clientTimeout + time.Second
	// siegeLength is longer than that by what it takes until there is a request.
	siegeLength = patience + 3*time.Second
)

// siegeFaults are those that make a client wait, or give up at once.
var siegeFaults = []fault{hang, hang, late, late, refuse, throttle}

// siege is an outage of one service, or of all, that outlasts the clients: nobody
// kills the server meanwhile, so that it must give up and begin anew by itself, and
// deliver when all is well again. It reports whether it did.
func (r *round) siege(ctx context.Context, rng *rand.Rand, i *instance) bool {
	for _, p := range r.place.proxies { // always in the same order; nobody else takes two
		if !p.take(ctx) {
			return false
		}
		defer p.give()
	}
	kind := siegeFaults[rng.IntN(len(siegeFaults))]
	hit := r.place.proxies
	if rng.IntN(2) == 0 {
		hit = hit[rng.IntN(len(hit)):][:1]
	}
	before := i.givenUp.Load()
	over := make(chan error, len(hit)) // each sends once
	for _, p := range hit {
		ph := &phase{fault: kind, share: 1, over: make(chan struct{})}
		r.rep.phase("long outage: " + p.name + " " + string(kind))
		r.rep.tell("%s %s for %v, longer than the clients wait", p.name, kind, siegeLength)
		go func() { over <- p.fail(ctx, ph, siegeLength) }()
	}
	for range hit {
		if err := <-over; err != nil {
			r.rep.violate("BUG in the test: %v", err)
			return false
		}
	}
	r.rep.sieges.Add(1)
	r.rep.givenUp.Add(i.givenUp.Load() - before)
	return r.awaitDelivery(ctx, i)
}

// awaitDelivery waits until the server has delivered a batch of its own accord.
func (r *round) awaitDelivery(ctx context.Context, i *instance) bool {
	limit := time.After(healLimit)
	for {
		select {
		case <-ctx.Done():
			return false
		case <-i.exited:
			r.rep.violate("the server ended by itself: %v", i.err)
			return false
		case <-limit:
			r.rep.violate("nothing was delivered within %v of the end of an outage", healLimit)
			return false
		case msg := <-i.steps:
			if msg == "batch delivered" {
				return true
			}
		}
	}
}
