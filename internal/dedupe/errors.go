package dedupe

import (
	"fmt"
	"time"
)

// A CeilingError says that a stream remembers as many keys as it may. Nothing was
// written.
type CeilingError struct {
	Stream  string
	MaxKeys int64
	Field   bool // the stream has a key in its configuration
}

func (e *CeilingError) Error() string {
	reason, _ := e.Full()
	return "deduplication is full: " + reason
}

// Full says why, and when to try again: what receivers tell their clients.
func (e *CeilingError) Full() (reason string, retryAfter time.Duration) {
	window := "http.idempotency_window"
	if e.Field {
		window = "its dedupe.window or " + window
	}
	return fmt.Sprintf("stream %s remembers %d keys, the most it may (dedupe.max_keys): raise that, or shorten %s",
		e.Stream, e.MaxKeys, window), 10 * time.Second
}

// A StuckError says that a stream's keys cannot be read or written for now.
// Nothing was appended.
type StuckError struct {
	Stream string
	Err    error
}

func (e *StuckError) Error() string {
	return fmt.Sprintf("deduplication keys of stream %s: %v", e.Stream, e.Err)
}

func (e *StuckError) Unwrap() error { return e.Err }

// Full says what to tell clients.
func (e *StuckError) Full() (reason string, retryAfter time.Duration) {
	return "the deduplication keys of stream " + e.Stream + " cannot be read or written at the moment; the server's log says why", 5 * time.Second
}
