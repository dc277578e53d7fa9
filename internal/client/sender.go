package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/internal/progress"
)

// A Sender sends NDJSON to a stream as fast as the server takes it. Zero fields
// have the defaults that stand beside them.
type Sender struct {
	Client *Client
	Stream string
	// Records and Bytes bound a request: 10,000 and 1 MiB. A single line may be
	// larger.
	Records int
	Bytes   int
	// Connections is how many requests are under way at once: 4.
	Connections int
	// Linger is how long lines wait for a request to fill: 200 ms.
	Linger time.Duration
	// Timeout is how long one answer may take: 2 min.
	Timeout time.Duration
	// Outage is how long the server may fail or not be there, on end, before
	// that is an error: 5 min.
	Outage time.Duration
	// Once gives each request an Idempotency-Key, so that what is sent again because
	// no certain answer came is not stored twice. The server remembers every record for
	// that, see http.idempotency_window and dedupe.max_keys.
	Once bool
	// Bar is told of bytes that are done with, and of what a person should know;
	// nil for none.
	Bar *progress.Bar
}

func (s Sender) withDefaults() (Sender, error) {
	if s.Client == nil || s.Records < 0 || s.Bytes < 0 || s.Connections < 0 {
		return s, errors.New("BUG: a Sender needs a Client, and bounds that are not negative")
	}
	setDefault(&s.Records, 10_000)
	setDefault(&s.Bytes, 1<<20)
	setDefault(&s.Connections, 4)
	setDefault(&s.Linger, 200*time.Millisecond)
	setDefault(&s.Timeout, 2*time.Minute)
	setDefault(&s.Outage, 5*time.Minute)
	return s, nil
}

func setDefault[T int | time.Duration](v *T, value T) {
	if *v == 0 {
		*v = value
	}
}

// Run sends what r holds and returns when all of it is answered. With an error,
// the summary tells what was done before. If ctx ends while r.Read blocks, that
// call is left behind.
func (s Sender) Run(ctx context.Context, r io.Reader) (Summary, error) {
	s, err := s.withDefaults()
	if err != nil {
		return Summary{}, err
	}
	begun := time.Now()
	w := &sending{Sender: s}
	if s.Once {
		w.run = rand.Text()
	}
	w.tally.sum.Stream = s.Stream
	// Whether the server is there at all is better known before anything is read.
	var gone *UnreachableError
	if err := s.Client.Health(ctx); s.Client.fault != nil || errors.As(err, &gone) && gone.Unsent {
		return w.tally.summary(0), err
	}
	g, gctx := errgroup.WithContext(ctx)
	blocks, chunks := make(chan block), make(chan chunk)
	go readBlocks(gctx, r, blocks)
	c := &cutter{records: s.Records, bytes: s.Bytes, linger: s.Linger, out: chunks, reject: w.rejectLine}
	// An error of the input lets the requests under way come to their end.
	var inputErr error
	g.Go(func() error {
		inputErr = c.run(gctx, blocks)
		return nil
	})
	for range s.Connections {
		g.Go(func() error {
			for ch := range chunks {
				if err := w.deliver(gctx, ch); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err = g.Wait()
	switch {
	case ctx.Err() != nil:
		err = ctx.Err()
	case err == nil:
		err = inputErr
	}
	return w.tally.summary(time.Since(begun)), err
}

// A sending is one Run.
type sending struct {
	Sender
	run   string // begins the keys of this run's requests; "" for none
	tally tally

	mu    sync.Mutex // guards noted
	noted time.Time
}

func (w *sending) rejectLine(line int64, text string) {
	w.tally.update(func(s *Summary) { s.Rejected++ })
	w.tally.reject(line, text)
}

// note tells a person why it takes longer, not more than once in five seconds.
func (w *sending) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now := time.Now(); w.noted.IsZero() || now.Sub(w.noted) >= 5*time.Second {
		w.noted = now
		w.Bar.Note(fmt.Sprintf(format, args...))
	}
}
