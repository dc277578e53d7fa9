package dedupe

import (
	"context"
	"errors"
	"time"
)

// settled waits until every append that is under way now has its outcome.
func (s *stream) settled(ctx context.Context) error {
	s.mu.Lock()
	var under []*op
	for o := range s.ops {
		under = append(under, o)
	}
	s.mu.Unlock()
	for _, o := range under {
		select {
		case <-o.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// acquire takes a place in a channel of capacity 1.
func acquire(ctx context.Context, place chan struct{}) error {
	select {
	case place <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flush writes the keys in memory to files.
func (s *stream) flush(ctx context.Context) error {
	if err := acquire(ctx, s.flushing); err != nil {
		return err
	}
	defer func() { <-s.flushing }()
	return s.flushHeld()
}

// flushHeld is flush where flushing is held.
func (s *stream) flushHeld() error {
	for _, set := range s.sets() {
		s.mu.Lock()
		keys := set.open
		if len(keys) > 0 {
			set.frozen, set.open = keys, make(map[Key]uint32, len(keys)/8)
		}
		s.mu.Unlock()
		if len(keys) == 0 {
			continue
		}
		err := set.write(keys, s.f.now())
		s.mu.Lock()
		set.frozen = nil
		if err != nil { // they stay in memory
			for k, at := range keys {
				set.remember(k, at)
			}
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// prune forgets the keys in memory that have expired.
func (s *stream) prune(now uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, set := range s.sets() {
		expired := set.expired(now)
		for k, at := range set.open {
			if at < expired {
				delete(set.open, k)
			}
		}
	}
}

// tidy merges files and removes those that have expired.
func (s *stream) tidy(ctx context.Context) error {
	if err := acquire(ctx, s.merging); err != nil {
		return err
	}
	var err error
	for _, set := range s.sets() {
		err = errors.Join(err, set.tidy(s.f.now))
	}
	<-s.merging
	var damage *DamageError
	if errors.As(err, &damage) {
		err = s.damaged(ctx, damage)
	}
	s.mu.Lock()
	s.mergeErr = err
	s.mu.Unlock()
	return err
}

// damaged puts a damaged file into quarantine, and what can be read of it into
// another. Intake goes on: what was lost of the file is counted and said.
func (s *stream) damaged(ctx context.Context, damage *DamageError) error {
	if err := acquire(ctx, s.merging); err != nil {
		return err
	}
	defer func() { <-s.merging }()
	return s.damagedHeld(damage)
}

// damagedHeld is damaged where merging is held.
func (s *stream) damagedHeld(damage *DamageError) error {
	for _, set := range s.sets() {
		for _, f := range set.list() {
			if f.path != damage.Path {
				continue
			}
			newest := f.head.newest
			lost, err := set.salvage(f, s.f.now())
			if err != nil {
				return err
			}
			s.lostKeys(lost, time.Unix(int64(newest)+int64(set.window), 0), damage)
			return nil
		}
	}
	return nil // somebody else did
}

func (s *stream) lostKeys(n uint64, until time.Time, damage error) {
	s.mu.Lock()
	s.lost += n
	if until.After(s.lostUntil) {
		s.lostUntil = until
	}
	s.mu.Unlock()
	s.f.metrics.lost.Add(float64(n))
	s.f.log.Error("key file is damaged: moved to quarantine, what can be read is kept; records with the keys lost may be taken twice",
		"stream", s.name, "keys_lost", n, "error", damage)
}
