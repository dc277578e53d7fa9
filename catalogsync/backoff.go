package catalogsync

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
)

const (
	firstDelay = 20 * time.Millisecond
	maxDelay   = 3 * time.Second
	// maxAttempts of one request that the catalog throttles, or does not answer.
	// Their delays add up to about 10 s; whoever calls may come again later.
	maxAttempts = 12
	// maxConflicts bounds how often a change is made anew from the newest
	// version. Each conflict means that another writer got its change in.
	maxConflicts = 40
)

// delay is the pause before attempt n+1, n from 1: exponential, with the upper
// half of it random, so that writers who met do not meet again.
func delay(n int) time.Duration {
	d := maxDelay
	if n < 16 {
		d = min(d, firstDelay<<(n-1))
	}
	return d/2 + rand.N(d/2)
}

// pause waits for delay(n) or until ctx ends.
func pause(ctx context.Context, n int) error {
	t := time.NewTimer(delay(n))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// isCutOff recognises an answer that broke off in the middle, which the SDK takes
// for one that it cannot read.
func isCutOff(err error) aws.Ternary {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return aws.TrueTernary
	}
	return aws.UnknownTernary
}

// newRetryer repeats what may be repeated as it is: throttled requests, those
// that got no answer or half of one, 5xx. Repeating a write that was applied without our
// hearing of it gives AlreadyExists or a conflict, which the callers take for
// the news that it is.
func newRetryer() aws.Retryer {
	std := retry.NewStandard(func(o *retry.StandardOptions) {
		o.MaxAttempts = maxAttempts
		o.Retryables = append(o.Retryables, retry.IsErrorRetryableFunc(isCutOff))
		o.RateLimiter = ratelimit.None // its budget would end the retries of all after a few failures
		o.Backoff = retry.BackoffDelayerFunc(func(n int, _ error) (time.Duration, error) {
			return delay(max(n, 1)), nil
		})
	})
	return retry.AddWithErrorCodes(std, codeTimeout, codeNotReady)
}
