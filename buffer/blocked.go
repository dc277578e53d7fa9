package buffer

import (
	"errors"
	"fmt"
	"time"
)

// A BlockedError says that a stream's log takes nothing for now, though no
// ceiling is reached: a file of it could not be made, opened or enlarged. Nothing
// was written. Run tries again by itself.
type BlockedError struct {
	Stream string
	Err    error
}

func (e *BlockedError) Error() string {
	return fmt.Sprintf("log of stream %s takes nothing for now: %v; it goes on by itself once that works: "+
		"check that the data folder is there and may be written to, and the limit of open files", e.Stream, e.Err)
}

func (e *BlockedError) Unwrap() error { return e.Err }

// Full says when to try again: what receivers tell their clients.
func (e *BlockedError) Full() (reason string, retryAfter time.Duration) {
	return "the log of stream " + e.Stream + " cannot be written to at the moment; the server's log says why", fullRetry
}

// noted makes the outcome of getting ready to write known to Ready: an error
// that is neither a ceiling's nor the end of the log keeps the log blocked until
// that succeeds.
func (l *log) noted(err error) error {
	var full *FullError
	var failed *FailedError
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case errors.As(err, &full), errors.As(err, &failed):
		return err // it may be blocked still: nobody came as far as to know
	case err == nil:
		if l.blocked != nil {
			l.blocked = nil
			l.b.log.Info("log takes records again", "stream", l.name)
		}
		return nil
	}
	b := &BlockedError{Stream: l.name, Err: err}
	if l.blocked == nil {
		l.tryAt = time.Now().Add(retrySeal)
		l.b.log.Error("log takes nothing for now", "stream", l.name, "error", b)
		notify(l.b.begun) // Run looks when to try
	}
	l.blocked = b
	return b
}

// unblock gets a blocked log ready to write, if it is time to try. Without it one
// that is not ready would be sent nothing, and would never find out that it is. It
// says when to look again, 0 for never.
func (l *log) unblock() time.Duration {
	l.mu.Lock()
	left := time.Until(l.tryAt)
	try := l.blocked != nil && l.failed == nil && !l.closed
	if try && left <= 0 {
		l.tryAt = time.Now().Add(retrySeal)
	}
	l.mu.Unlock()
	switch {
	case !try:
		return 0
	case left > 0:
		return left
	}
	r := l.b.requests.Get().(*request)
	r.seal, r.try = true, true
	l.submit(r) // noted
	r.seal, r.try = false, false
	l.b.requests.Put(r)
	return retrySeal
}
