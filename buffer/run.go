package buffer

import (
	"context"
	"time"
)

const (
	// maxSleep bounds how late Run notices that Config.Interval gives another answer.
	maxSleep = 10 * time.Second
	// retrySeal is how long Run waits after a seal that did not work.
	retrySeal = time.Second
)

// Run seals batches by age, tries logs that are blocked again, and seals early where a ceiling was reached and there is
// nothing sealed whose delivery would make room. It returns nil when ctx ends,
// and a *FailedError when a log has failed for good: only the next Open recovers
// that one. To go on with the others, call Run again.
func (b *Buffer) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		squeeze := false
		select {
		case <-ctx.Done():
			return nil
		case err := <-b.failure:
			return err
		case <-b.begun:
		case <-timer.C:
		case <-b.pressure:
			squeeze = true
		}
		if squeeze {
			b.makeRoom()
		}
		timer.Reset(b.sealDue(ctx))
	}
}

// sealDue seals what has reached its age and says when to look again.
func (b *Buffer) sealDue(ctx context.Context) time.Duration {
	wait := maxSleep
	for _, l := range b.all() {
		if ctx.Err() != nil {
			return wait
		}
		if again := l.unblock(); again > 0 {
			wait = min(wait, again)
		}
		s, begun := l.openSince()
		if s == nil {
			continue
		}
		left := b.intervalOf(l.name) - time.Since(begun)
		if left > 0 {
			wait = min(wait, left)
			continue
		}
		if err := l.sealNow(SealAge, s); err != nil {
			b.log.Warn("batch reached its age but was not sealed", "stream", l.name, "batch", s.id, "error", err)
			wait = min(wait, retrySeal)
		}
	}
	return wait
}

// openSince is the open batch, if it holds records, and since when it does.
func (l *log) openSince() (*segment, time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open == nil || l.open.records == 0 || l.closed || l.failed != nil {
		return nil, time.Time{}
	}
	return l.open, l.open.begun
}

// makeRoom seals the largest open batch if nothing is sealed: otherwise open
// batches could fill the log and wait for their age while all intake stands
// still. While something is sealed its delivery makes room, and cutting batches
// short would only make small files.
func (b *Buffer) makeRoom() {
	var largest *log
	var open *segment
	var most int64
	for _, l := range b.all() {
		l.mu.Lock()
		n := len(l.sealed)
		if l.open != nil && l.open.records > 0 && l.failed == nil && l.open.bytes > most {
			largest, open, most = l, l.open, l.open.bytes
		}
		l.mu.Unlock()
		if n > 0 {
			return
		}
	}
	if largest == nil {
		return
	}
	if err := largest.sealNow(SealSpace, open); err != nil {
		b.log.Warn("batch was not sealed to make room", "stream", largest.name, "batch", open.id, "error", err)
	}
}
