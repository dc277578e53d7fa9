package buffer

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// sealOpen seals the open batch, if it holds records. Only the leader calls it.
//
// Every frame before the seal is durable already: a commit is over before the
// leader does anything else.
func (l *log) sealOpen(why SealReason, only *segment) error {
	s := l.open
	if s == nil || s.records == 0 || only != nil && only != s {
		return nil
	}
	if err := l.writable(); err != nil {
		return err
	}
	rec := &sealRecord{tally: s.tally, sealed: time.Now().UnixMilli(), reason: why, rules: l.b.rulesOf(l.name)}
	if len(rec.rules) > MaxBlock-sealHeaderLen {
		return fmt.Errorf("seal batch %s: its rules take %d bytes, more than %d", s.id, len(rec.rules), MaxBlock-sealHeaderLen)
	}
	if err := l.w.grow(l.b.space, sealSize(rec.rules), true); err != nil {
		return l.refused(err)
	}
	// If we crash from here on, the batch is open or sealed, whichever recovery
	// finds. Nobody has seen it sealed, so nothing has been delivered.
	if err := l.w.seal(rec); err != nil {
		return l.fail("seal", err)
	}
	// The seal is durable. If we crash here, the batch is sealed and what was
	// preallocated behind it is cut off by recovery.
	l.trim()
	l.mu.Lock()
	s.sealed, s.at, s.reason, s.rules = true, milli(rec.sealed), why, rec.rules
	l.sealed = append(l.sealed, s)
	l.open = nil
	l.mu.Unlock()
	l.b.metrics.sealed.WithLabelValues(why.String()).Inc()
	l.b.log.Info("batch sealed", "stream", l.name, "batch", s.id, "reason", why.String(),
		"records", s.records, "bytes", s.bytes, "age", time.Since(s.begun).Round(time.Millisecond))
	notify(l.b.changed)
	return nil
}

// trim gives back what was preallocated behind the last frame and closes the
// writer. What fails here costs disk space until the segment goes, no more.
func (l *log) trim() {
	w := l.w
	l.w = nil
	if w.disk > w.off {
		if err := truncate(w.file, w.disk, w.off); err != nil {
			l.b.log.Warn("segment keeps its preallocated space", "segment", l.open.path, "error", err)
		} else {
			l.b.space.give(w.disk - w.off)
			w.disk = w.off
		}
	}
	w.file.Close()
	l.mu.Lock()
	l.open.disk = w.disk
	l.mu.Unlock()
}

// release deletes a sealed segment, delivered for good. A log that failed
// still releases: what was sealed before is delivered as ever.
func (l *log) release(ctx context.Context, s *segment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := l.detach(s); err != nil {
		return fmt.Errorf("release batch %s: %w", s.id, err)
	}
	reuse, aside := l.reusable(s), ""
	if reuse || s.disk > shrinkStep {
		aside = sparePath(l.dir, s.id)
	}
	renamed, err := s.handle.remove(aside)
	if err != nil {
		l.attach(s)
		return fmt.Errorf("release batch %s: %w", s.id, err)
	}
	if !renamed {
		l.b.space.give(s.disk)
	}
	// If we crash here, the segment may be there again, and whole: nothing was
	// done to its content. It is delivered again, under the same object names.
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		return l.stick(fmt.Errorf("fsync folder %s: %w", l.dir, err))
	}
	if renamed {
		l.keepOrDiscard(s, reuse)
	}
	l.b.log.Info("batch released", "stream", l.name, "batch", s.id)
	return nil
}

// detach takes a segment off the list before it is unlinked: no snapshot may
// count on a segment that is about to go.
func (l *log) detach(s *segment) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	i := slices.Index(l.sealed, s)
	if i < 0 {
		return ErrReleased
	}
	l.sealed = slices.Delete(l.sealed, i, i+1)
	return nil
}

// attach puts a segment into its place on the list.
func (l *log) attach(s *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i := 0
	for i < len(l.sealed) && l.sealed[i].seq < s.seq {
		i++
	}
	l.sealed = slices.Insert(l.sealed, i, s)
}
