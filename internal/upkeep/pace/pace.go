// Package pace has upkeep take as long as its rate says, and give way to what is more
// urgent.
package pace

import (
	"context"
	"sync"
	"time"
)

// A Pacer has work take as long as its rate says, and gives way to what is more urgent. All
// work that has the same one shares the rate. Its methods may be called on nil, where
// nothing waits.
type Pacer struct {
	rate int64       // bytes a second; 0: no bound
	busy func() bool // there is something more urgent; nil: never

	mu   sync.Mutex
	next time.Time // when what was done so far is paid for; guarded by mu
}

const (
	// giveWay is how many times as long as it worked work waits while there is something
	// more urgent: it has a fifth of a core then.
	giveWay = 4
	// lookAgain is between looks whether there still is.
	lookAgain = 50 * time.Millisecond
)

// New makes one for so many bytes a second, 0 for no bound; busy reports whether there is
// something more urgent, nil that there never is.
func New(rate int64, busy func() bool) *Pacer { return &Pacer{rate: rate, busy: busy} }

// Start returns what is called with the bytes done since; it waits while they are more
// than the rate allows and while it is to give way, or until ctx ends.
func (p *Pacer) Start(ctx context.Context) func(done int64) {
	if p == nil {
		return func(int64) {}
	}
	var before int64
	began := time.Now()
	return func(done int64) {
		worked := time.Since(began)
		p.pay(ctx, done-before)
		p.yield(ctx, giveWay*worked)
		before, began = done, time.Now()
	}
}

// pay waits until the rate allows for so many more bytes.
func (p *Pacer) pay(ctx context.Context, bytes int64) {
	if p.rate <= 0 {
		return
	}
	p.mu.Lock()
	if now := time.Now(); p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(float64(bytes) / float64(p.rate) * float64(time.Second)))
	wait := time.Until(p.next)
	p.mu.Unlock()
	sleep(ctx, wait)
}

// yield waits while there is something more urgent, for so long at most.
func (p *Pacer) yield(ctx context.Context, most time.Duration) {
	end := time.Now().Add(most)
	for p.busy != nil && ctx.Err() == nil {
		left := time.Until(end)
		if left <= 0 || !p.busy() {
			return
		}
		sleep(ctx, min(left, lookAgain))
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
