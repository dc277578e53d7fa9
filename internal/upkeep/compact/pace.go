package compact

import (
	"context"
	"sync"
	"time"
)

// A pacer has work take as long as its rate says.
type pacer struct {
	rate int64 // bytes a second; 0: no bound

	mu   sync.Mutex
	next time.Time // when what was done so far is paid for; guarded by mu
}

// start returns what is called with the bytes done since; it waits while they are more
// than the rate allows, or until ctx ends.
func (p *pacer) start(ctx context.Context) func(done int64) {
	var before int64
	return func(done int64) {
		if p.rate <= 0 {
			return
		}
		p.mu.Lock()
		if now := time.Now(); p.next.Before(now) {
			p.next = now
		}
		p.next = p.next.Add(time.Duration(float64(done-before) / float64(p.rate) * float64(time.Second)))
		wait := time.Until(p.next)
		p.mu.Unlock()
		before = done
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
}
