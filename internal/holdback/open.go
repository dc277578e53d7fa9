package holdback

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"sluice/internal/lake"
)

// Open reads what is held. What cannot be read is no reason not to start: it stays where
// it is, and is said.
func Open(cfg Config) (*Shelf, error) {
	if cfg.Dir == "" || cfg.MaxBytes < 0 || cfg.MaxFiles < 0 || cfg.Table == nil || cfg.InLog == nil {
		return nil, errors.New("open held rows: Dir, Table and InLog are needed, MaxBytes and MaxFiles must not be negative")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Shelf{
		cfg: cfg, changed: make(chan struct{}, 1),
		batches: map[lake.BatchID]*batch{}, joins: map[string]*Join{}, keys: map[string]uint64{}, looks: map[*Look]struct{}{},
	}
	if err := s.open(); err != nil {
		return nil, fmt.Errorf("open held rows in %s: %w", cfg.Dir, err)
	}
	s.metrics = newMetrics(cfg.Registerer, s)
	s.signal()
	return s, nil
}

func (s *Shelf) open() error {
	if err := os.MkdirAll(s.cfg.Dir, 0o755); err != nil {
		return err
	}
	files, err := os.ReadDir(s.cfg.Dir)
	if err != nil {
		return err
	}
	now := time.Now()
	keep := map[lake.BatchID]bool{} // whose manifest cannot be read
	for _, f := range files {
		name := f.Name()
		if strings.HasSuffix(name, newExt) {
			if err := os.Remove(s.path(name)); err != nil {
				return err
			}
			continue
		}
		stem, ok := strings.CutSuffix(name, manifestExt)
		id, err := lake.ParseBatchID(stem)
		if !ok || err != nil {
			continue
		}
		b, err := s.readBatch(id, now)
		if err != nil {
			keep[id] = true
			s.fault("the rows of batch %s that are held cannot be delivered: read %s: %w", id, s.path(name), err)
			continue
		}
		b.bound = s.cfg.InLog(b.stream, id) || s.cfg.Aside != nil && s.cfg.Aside(b.stream)
		s.batches[id] = b
	}
	for _, f := range files {
		if id, ok := strings.CutSuffix(f.Name(), joinExt); ok {
			if err := s.openJoin(id, keep); err != nil {
				return err
			}
		}
	}
	return s.tidy(files, keep)
}

func (s *Shelf) fault(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	s.faults = append(s.faults, err)
	s.cfg.Log.Error("held rows cannot be read", "error", err)
}

// openJoin takes up a join, or ends one that was done.
func (s *Shelf) openJoin(id string, keep map[lake.BatchID]bool) error {
	text, err := os.ReadFile(s.path(id + joinExt))
	j := &Join{ID: id}
	if err == nil {
		err = json.Unmarshal(text, j)
	}
	if err != nil || j.State != joinPending && j.State != joinDone {
		s.fault("held rows are not delivered, since a join of some of them cannot be read, %s: %w (moved aside, it lets them all be delivered, and its own perhaps twice)", s.path(id+joinExt), errors.Join(err, fmt.Errorf("state %q", j.State)))
		// Which pieces it joins is not known, nor whether its object is in the lake.
		s.stuck = true
		return nil
	}
	j.pieces = s.members(j)
	if j.State == joinDone {
		s.take(j)
		return s.settle(j)
	}
	if len(j.pieces) != len(j.Members) {
		s.fault("the join %s has %d members, of which %d are there", id, len(j.Members), len(j.pieces))
		for _, p := range j.pieces {
			p.damaged = true
		}
		return nil
	}
	for _, p := range j.pieces {
		p.join = id
	}
	s.joins[id] = j
	s.keys[home(j.Key)] = 0
	return nil
}

// tidy removes files that no manifest names, and counts the others.
func (s *Shelf) tidy(files []os.DirEntry, keep map[lake.BatchID]bool) error {
	named := map[string]*piece{}
	for _, b := range s.batches {
		for _, p := range b.pieces {
			named[p.file] = p
			p.damaged = p.damaged || s.stuck
			s.bytes += p.bytes
			s.files++
		}
	}
	found := map[string]int64{}
	for _, f := range files {
		name := f.Name()
		if !strings.HasSuffix(name, pieceExt) || len(name) < batchIDLen {
			continue
		}
		if named[name] == nil {
			if keep[lake.BatchID(name[:batchIDLen])] {
				continue
			}
			if err := os.Remove(s.path(name)); err != nil && !errors.Is(err, os.ErrNotExist) {
				return err
			}
			continue
		}
		info, err := f.Info()
		if err != nil {
			return err
		}
		found[name] = info.Size()
	}
	for name, p := range named {
		if size, ok := found[name]; !ok || size != p.bytes {
			p.damaged = true
			s.fault("%d rows of batch %s are lost or damaged: %s has %d bytes, not %d", p.rows, p.batch.id, s.path(name), size, p.bytes)
		}
	}
	return nil
}

const batchIDLen = len("20260131T235959Z-0123456789ab")
