package client

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	firstWait = 100 * time.Millisecond
	longWait  = 10 * time.Second
	// longestAsked is the longest Retry-After that is honoured.
	longestAsked = 10 * time.Minute
)

// A backoff spaces the attempts of one request.
type backoff struct{ failures int }

// next is how long to wait before the next attempt: longer each time, at least
// as long as the server asked for, and by chance a little more, so that many
// senders do not come back at once.
func (b *backoff) next(asked time.Duration) time.Duration {
	wait := min(firstWait<<min(b.failures, 10), longWait)
	b.failures++
	jittered := wait/2 + rand.N(wait/2+1)
	if asked > 0 {
		return min(asked, longestAsked) + rand.N(firstWait)
	}
	return jittered
}

// sleep waits, or returns ctx's error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
