package dedupe

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"
)

// makeFolder makes the stream's folder durable.
func (s *stream) makeFolder() error {
	root := filepath.Dir(s.dir)
	for _, dir := range []string{root, s.dir} {
		if err := s.f.fs.Mkdir(dir); err != nil {
			return fmt.Errorf("make folder %s: %w", dir, err)
		}
		if err := s.f.fs.SyncDir(filepath.Dir(dir)); err != nil {
			return fmt.Errorf("fsync folder %s: %w", filepath.Dir(dir), err)
		}
	}
	return nil
}

// load reads the stream's files and, of the log, what is in none of them. It can
// be repeated; until it succeeds, nothing is taken.
func (s *stream) load(ctx context.Context) error {
	for _, place := range []chan struct{}{s.flushing, s.merging} {
		if err := acquire(ctx, place); err != nil {
			return err
		}
		defer func() { <-place }()
	}
	err := s.loadHeld(ctx)
	s.mu.Lock()
	s.notLoaded = err
	s.mu.Unlock()
	return err
}

func (s *stream) loadHeld(ctx context.Context) error {
	if err := s.makeFolder(); err != nil {
		return err
	}
	for _, set := range s.sets() {
		set.replace(set.list(), nil) // of an attempt that failed
		s.mu.Lock()
		set.open = map[Key]uint32{}
		s.mu.Unlock()
	}
	damaged, err := s.loadFiles()
	if err != nil {
		return err
	}
	state, err := s.loadState()
	if err != nil {
		return err
	}
	if damaged { // the log may still have what was lost
		state.Covered = nil
	}
	return s.scan(ctx, state)
}

// loadFiles opens the key files; damaged is true if one was, and keys were lost.
func (s *stream) loadFiles() (damaged bool, err error) {
	// First of all: what we see must not be taken back by a crash.
	if err := s.f.fs.SyncDir(s.dir); err != nil {
		return false, err
	}
	entries, err := s.f.fs.ReadDir(s.dir)
	if err != nil {
		return false, err
	}
	s.mu.Lock()
	lost := s.lost
	s.mu.Unlock()
	for _, e := range entries {
		path := filepath.Join(s.dir, e.Name)
		switch {
		case e.IsDir:
		case strings.HasSuffix(e.Name, asideExt):
			if err := s.f.fs.Remove(path); err != nil {
				return false, fmt.Errorf("remove unfinished file: %w", err)
			}
		case strings.HasSuffix(e.Name, fileExt):
			if err := s.loadFile(path); err != nil {
				return false, err
			}
		}
	}
	if s.field == nil {
		// The stream has no key any more: what is there goes when its time is over.
		for _, f := range s.fields.list() {
			s.fields.window = max(s.fields.window, f.head.window)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost > lost, nil
}

func (s *stream) loadFile(path string) error {
	f, err := openKeyFile(s.f.fs, path)
	var damage *DamageError
	switch {
	case errors.As(err, &damage) && f == nil:
		// Both its headers are gone, and with them where the entries are.
		if err := quarantine(s.f.fs, path); err != nil {
			return err
		}
		const each = entryLen + bucketLen/perBucket + 1 // bytes of a key, about
		s.lostKeys(uint64(damage.Bytes/each+1), time.Now().Add(time.Duration(max(s.fields.window, s.requests.window))*time.Second), damage)
		return nil
	case err != nil && f == nil:
		return err
	}
	for _, set := range s.sets() {
		if set.kind == f.head.kind {
			set.replace(nil, f)
			if damage != nil {
				return s.damagedHeld(damage)
			}
			return nil
		}
	}
	defer f.close()
	return &VersionError{path, formatVersion + 1} // a kind of keys that we do not know
}

// scan reads the keys of the log that are in no file. It holds as many in memory as
// an append would.
func (s *stream) scan(ctx context.Context, known savedState) error {
	snap, err := s.f.cfg.Log.Snapshot(s.name)
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", s.name, err)
	}
	defer snap.Close()
	w := s.f.works.Get().(*work)
	defer s.f.works.Put(w)
	for i := range snap.Batches {
		b := &snap.Batches[i]
		if known.covers(s, b) {
			continue
		}
		for block, err := range b.Blocks(0)() {
			if err == nil {
				err = ctx.Err()
			}
			if err == nil {
				err = s.learn(w, block)
			}
			if err != nil {
				return fmt.Errorf("read the log of %s: %w", s.name, err)
			}
		}
	}
	return nil
}

// learn remembers the keys of a block of the log.
func (s *stream) learn(w *work, block lake.Block) error {
	if err := w.identify(s, block); err != nil {
		return err
	}
	at, now := seconds(block.Arrival), s.f.now()
	for i := range w.claims {
		c := &w.claims[i]
		if !c.set.within(at, now) {
			continue
		}
		known, err := s.inFile(c)
		if err != nil {
			return err
		}
		if known < at {
			s.mu.Lock()
			c.set.remember(c.key, at)
			s.mu.Unlock()
		}
	}
	s.mu.Lock()
	held := s.heldLocked()
	s.mu.Unlock()
	if held < s.f.openLimit() {
		return nil
	}
	if err := s.flushHeld(); err != nil {
		return err
	}
	for _, set := range s.sets() { // a backlog without end makes no files without end
		if err := set.tidy(s.f.now); err != nil {
			return err
		}
	}
	return nil
}

// inFile is the latest arrival under a key in the files, 0 for none.
func (s *stream) inFile(c *claim) (then uint32, err error) {
	for {
		err := guarded(s.dir, func() (err error) {
			c.set.filesMu.RLock()
			defer c.set.filesMu.RUnlock()
			then, _, err = c.set.inFiles(&c.key, 0)
			return err
		})
		var damage *DamageError
		if !errors.As(err, &damage) {
			return then, err
		}
		if err := s.damagedHeld(damage); err != nil {
			return 0, err
		}
	}
}

// sync writes every key of the log to files, and then how far that goes.
func (s *stream) sync(ctx context.Context) error {
	s.mu.Lock()
	err := s.notLoaded
	s.mu.Unlock()
	if err != nil {
		return err
	}
	batches, err := s.extents()
	if err != nil {
		return err
	}
	// What the log had then was appended by an op that is over or under way now.
	if err := s.settled(ctx); err != nil {
		return err
	}
	if err := acquire(ctx, s.flushing); err != nil {
		return err
	}
	defer func() { <-s.flushing }()
	if err := s.flushHeld(); err != nil {
		return err
	}
	return s.saveState(batches)
}

// extents is how far each batch of the log goes now.
func (s *stream) extents() (map[lake.BatchID]extent, error) {
	snap, err := s.f.cfg.Log.Snapshot(s.name)
	if err != nil {
		return nil, err
	}
	defer snap.Close()
	list := map[lake.BatchID]extent{}
	for i := range snap.Batches {
		b := &snap.Batches[i]
		list[b.ID] = extent{b.End, b.Records}
	}
	return list, nil
}

var _ Log = (*buffer.Buffer)(nil)
