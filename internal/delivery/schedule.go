package delivery

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"
)

// Run delivers batches as they are sealed until ctx ends; then it waits for the
// attempts under way, which end with ctx too.
func (d *Deliverer) Run(ctx context.Context) error {
	var attempts sync.WaitGroup
	defer attempts.Wait()
	attempts.Go(func() { d.runJoins(ctx) })
	for {
		pause := d.dispatch(ctx, &attempts)
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-d.cfg.Log.Changed():
		case <-d.wake:
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			return nil
		}
	}
}

// idle is how long Run sleeps when nothing waits for time.
const idle = time.Hour

// dispatch starts the attempts that are due and returns in how long to look
// again.
func (d *Deliverer) dispatch(ctx context.Context, attempts *sync.WaitGroup) time.Duration {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	// Listed under mu: an attempt that has released its batch cannot be
	// forgotten between the list and the look at it, so no batch is begun anew.
	sealed := d.cfg.Log.Sealed()
	running := 0
	for _, a := range d.attempts {
		if a.running {
			running++
		}
	}
	next := idle
	for _, b := range sealed {
		a := d.attempts[b.ID]
		if a == nil {
			a = &attempt{stream: b.Stream}
			d.attempts[b.ID] = a
		}
		if a.running || running >= d.cfg.Batches {
			continue
		}
		if wait := a.next.Sub(now); wait > 0 {
			next = min(next, wait)
			continue
		}
		a.running = true
		running++
		attempts.Go(func() { d.attempt(ctx, b) })
	}
	return next
}

// attempt delivers a batch once and notes how that went.
func (d *Deliverer) attempt(ctx context.Context, b *buffer.Batch) {
	out, err := d.deliver(ctx, b)
	d.mu.Lock()
	a := d.attempts[b.ID]
	a.running = false
	a.err = err
	if err == nil {
		delete(d.attempts, b.ID)
		delete(d.errs, b.Stream)
		if d.awaited[b.ID] > 0 {
			d.done[b.ID] = out
		}
	} else if ctx.Err() == nil {
		a.failures++
		pause := min(d.cfg.MaxRetry, d.cfg.Retry<<min(a.failures-1, 20))
		pause = pause/2 + rand.N(pause/2+1)
		a.next = time.Now().Add(pause)
		d.errs[b.Stream] = err
		d.metrics.failures.Inc()
		d.log.Error("batch not delivered, will be tried again", "batch", b.ID, "stream", b.Stream, "attempt", a.failures, "retry_in", pause.Round(time.Millisecond), "error", err)
	}
	close(d.progress)
	d.progress = make(chan struct{})
	d.mu.Unlock()
	d.look()
}

func (d *Deliverer) look() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// A Flushed is what a flush delivered.
type Flushed struct {
	Batches int
	Records int64
	Files   int
	Table   lake.TableName // of the last batch
}

// Flush seals what the stream has buffered and returns when all of it is in the
// lake and registered. The error is that of the first attempt that failed after
// the call; the batches stay in the log and are tried again all the same.
func (d *Deliverer) Flush(ctx context.Context, stream string) (Flushed, error) {
	if err := d.cfg.Log.Seal(ctx, stream); err != nil {
		return Flushed{}, fmt.Errorf("flush %s: %w", stream, err)
	}
	ids, failures := d.await(stream)
	defer d.forget(ids)
	d.look()
	var flushed Flushed
	for _, id := range ids {
		out, err := d.waitFor(ctx, id, failures[id])
		if err != nil {
			return flushed, fmt.Errorf("flush %s: %w", stream, err)
		}
		flushed.Batches++
		flushed.Records += out.records
		flushed.Files += out.files
		if out.files > 0 {
			flushed.Table = out.table
		}
	}
	if err := d.flushHeld(ctx, stream, &flushed); err != nil {
		return flushed, fmt.Errorf("flush %s: %w", stream, err)
	}
	return flushed, nil
}

// await names the stream's sealed batches as awaited, and those whose log is gone but
// whose delivery is not at its end, makes those in a pause due, and tells how often each
// has failed.
func (d *Deliverer) await(stream string) ([]lake.BatchID, map[lake.BatchID]int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var ids []lake.BatchID
	failures := map[lake.BatchID]int{}
	// Under mu no attempt can end, so what is sealed and released between
	// these lines is either listed here, or running, or was delivered already.
	for _, b := range d.cfg.Log.Sealed() {
		if b.Stream != stream {
			continue
		}
		ids = append(ids, b.ID)
		d.awaited[b.ID]++
		if a := d.attempts[b.ID]; a == nil {
			d.attempts[b.ID] = &attempt{stream: stream}
		} else {
			failures[b.ID] = a.failures
			a.next = time.Time{}
		}
	}
	for id, a := range d.attempts {
		if a.running && a.stream == stream && !slices.Contains(ids, id) {
			ids = append(ids, id)
			d.awaited[id]++
			failures[id] = a.failures
		}
	}
	return ids, failures
}

func (d *Deliverer) forget(ids []lake.BatchID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if d.awaited[id]--; d.awaited[id] <= 0 {
			delete(d.awaited, id)
			delete(d.done, id)
		}
	}
}

// waitFor waits for a batch, at most until it has failed more often than before.
func (d *Deliverer) waitFor(ctx context.Context, id lake.BatchID, before int) (outcome, error) {
	for {
		d.mu.Lock()
		out, done := d.done[id]
		a, progress := d.attempts[id], d.progress
		var err error
		if a != nil && a.failures > before {
			err = a.err
		}
		d.mu.Unlock()
		switch {
		case done:
			return out, nil
		case err != nil:
			return outcome{}, err
		case a == nil:
			// Its log was released while the list of batches was made.
			return outcome{}, nil
		}
		select {
		case <-progress:
		case <-ctx.Done():
			return outcome{}, fmt.Errorf("batch %s is sealed but not delivered yet: %w", id, context.Cause(ctx))
		}
	}
}
