package dedupe

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"sluice/internal/lake"
)

// An op is an append under way.
type op struct{ done chan struct{} } // closed when its outcome is known

// A stream is what is remembered of one stream.
type stream struct {
	f        *Filter
	name     string
	dir      string
	field    *fieldKey // nil: only requests count
	fields   *set
	requests *set

	flushing chan struct{} // capacity 1: held by who writes keys to a file
	merging  chan struct{} // capacity 1: held by who takes files away

	mu         sync.Mutex
	notLoaded  error       // why nothing can be taken yet; guarded by mu
	pending    map[Key]*op // keys of appends under way; guarded by mu
	ops        map[*op]struct{}
	duplicates int64      // since the stream began; guarded by mu
	saved      savedState // what the state file says; guarded by flushing
	lost       uint64     // keys lost to damage; guarded by mu
	lostUntil  time.Time  // when they would be forgotten anyway; guarded by mu
	mergeErr   error      // of the last merge; guarded by mu

	tallyMu     sync.Mutex // taken before mu
	tallied     int64      // what the tally file has; guarded by tallyMu
	tallyFailed bool       // the last write of it; guarded by tallyMu
}

func newStream(f *Filter, name, dir string) *stream {
	s := &stream{
		f: f, name: name, dir: dir, flushing: make(chan struct{}, 1), merging: make(chan struct{}, 1),
		pending: map[Key]*op{}, ops: map[*op]struct{}{},
	}
	path, window := f.cfg.Key(name)
	if len(path) > 0 {
		s.field = newFieldKey(path)
	}
	s.fields = s.newSet(kindField, window)
	s.requests = s.newSet(kindRequest, f.cfg.RequestWindow)
	return s
}

func (s *stream) newSet(k kind, window time.Duration) *set {
	return &set{kind: k, dir: s.dir, fs: s.f.fs, window: uint32(window / time.Second), open: map[Key]uint32{}}
}

func (s *stream) sets() []*set { return []*set{s.fields, s.requests} }

// append appends the records of a block that are no duplicates.
func (s *stream) append(ctx context.Context, w *work, block lake.Block) (err error) {
	if err := s.admit(ctx); err != nil {
		return err
	}
	now := seconds(block.Arrival)
	o := &op{done: make(chan struct{})}
	for {
		other := s.claim(w, o, now)
		if other == nil {
			break
		}
		// Nothing is claimed while we wait, so that no two wait for one another.
		select {
		case <-other.done:
		case <-ctx.Done():
			return fmt.Errorf("append to %s: wait for a record with the same key: %w", s.name, ctx.Err())
		}
	}
	durable := 0 // records up to here are on disk, or were before
	defer func() {
		if s.settle(w, o, now, durable, err) {
			s.tally()
		}
	}()
	if err := s.lookUp(ctx, w, now); err != nil {
		return err
	}
	if err := s.ceiling(w); err != nil {
		return err
	}
	kept := w.kept()
	if kept == len(w.drop) {
		if err := s.f.cfg.Log.Append(ctx, s.name, block); err != nil {
			return err
		}
		durable = kept
		return nil
	}
	for durable < len(w.drop) {
		out, to := w.next(block, durable)
		if out.Records > 0 {
			if err := s.f.cfg.Log.Append(ctx, s.name, out); err != nil {
				return err
			}
		}
		durable = to
	}
	return nil
}

// admit says whether the stream can take keys. Where too many are in memory
// because nobody else writes them to a file, it does.
func (s *stream) admit(ctx context.Context) error {
	s.mu.Lock()
	err, held := s.notLoaded, s.heldLocked()
	s.mu.Unlock()
	switch {
	case err != nil:
		return &StuckError{s.name, err}
	case held >= hardFactor*s.f.openLimit():
		if err := s.flush(ctx); err != nil {
			return &StuckError{s.name, err}
		}
	case held >= s.f.openLimit():
		s.f.wakeUp()
	}
	return nil
}

// heldLocked is how many keys are in memory alone.
func (s *stream) heldLocked() int {
	n := 0
	for _, set := range s.sets() {
		n += len(set.open)
	}
	return n
}

// claim marks the records that are known to be duplicates and makes the keys of
// the others ours; or, where another append has one of them, returns that and
// claims nothing.
func (s *stream) claim(w *work, o *op, now uint32) (other *op) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(w.drop)
	for i := range w.claims {
		if c := &w.claims[i]; c.set.inMemory(&c.key, now) {
			w.drop[c.record] = true
		}
	}
	if len(s.pending) > 0 {
		for i := range w.claims {
			if c := &w.claims[i]; !w.drop[c.record] {
				if other := s.pending[c.key]; other != nil {
					return other
				}
			}
		}
	}
	s.ops[o] = struct{}{}
	for i := 0; i < len(w.claims); {
		record, n := w.claims[i].record, i
		for n < len(w.claims) && w.claims[n].record == record {
			// Within a block, all other keys in pending are gone: this is ours.
			w.drop[record] = w.drop[record] || s.pending[w.claims[n].key] != nil
			n++
		}
		for ; i < n; i++ {
			if c := &w.claims[i]; !w.drop[record] {
				c.held = true
				s.pending[c.key] = o
			}
		}
	}
	return nil
}

// lookUp marks the records whose keys are in files. Nobody adds a key that we have
// claimed, so what is not there now will not be.
func (s *stream) lookUp(ctx context.Context, w *work, now uint32) error {
	for {
		err := guarded(s.dir, func() error { return s.inFiles(w, now) })
		if err == nil {
			return nil
		}
		var damage *DamageError
		if errors.As(err, &damage) {
			err = s.damaged(ctx, damage)
		}
		if err != nil {
			return &StuckError{s.name, err}
		}
	}
}

func (s *stream) inFiles(w *work, now uint32) error {
	for _, set := range s.sets() {
		if err := set.markDuplicates(w, now); err != nil {
			return err
		}
	}
	return nil
}

func (s *set) markDuplicates(w *work, now uint32) error {
	s.filesMu.RLock()
	defer s.filesMu.RUnlock()
	if len(s.files) == 0 {
		return nil
	}
	for i := range w.claims {
		c := &w.claims[i]
		if c.set != s || w.drop[c.record] {
			continue
		}
		then, ok, err := s.inFiles(&c.key, now)
		if err != nil {
			return err
		}
		if ok && s.within(then, now) {
			w.drop[c.record] = true
		}
	}
	return nil
}

// settle gives back what was claimed. The keys of records that are on disk are
// remembered, before anybody who waits for them is told. It reports whether
// duplicates were counted.
func (s *stream) settle(w *work, o *op, now uint32, durable int, err error) (counted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range w.claims {
		c := &w.claims[i]
		if !c.held {
			continue
		}
		delete(s.pending, c.key)
		if !w.drop[c.record] && int(c.record) < durable {
			c.set.remember(c.key, now)
		}
	}
	if n := len(w.drop) - w.kept(); err == nil && n > 0 {
		s.duplicates += int64(n)
		counted = true
	}
	delete(s.ops, o)
	close(o.done)
	return counted
}

// ceiling refuses keys past the most that a stream may remember.
func (s *stream) ceiling(w *work) error {
	news := 0
	for i := range w.claims {
		if !w.drop[w.claims[i].record] {
			news++
		}
	}
	if news == 0 {
		return nil
	}
	s.mu.Lock()
	n := int64(len(s.pending)) // ours are among them
	for _, set := range s.sets() {
		n += int64(len(set.open) + len(set.frozen))
	}
	s.mu.Unlock()
	for _, set := range s.sets() {
		entries, _, _ := set.stored()
		n += int64(entries)
	}
	if n <= s.f.cfg.MaxKeys {
		return nil
	}
	s.f.wakeUp() // some may have expired
	s.f.metrics.full.Inc()
	return &CeilingError{Stream: s.name, MaxKeys: s.f.cfg.MaxKeys, Field: s.field != nil}
}
