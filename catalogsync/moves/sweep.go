package moves

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
)

// Swept says what a Sweep did.
type Swept struct {
	Canceled, Closed int // moves
	Deleted          int // objects
	Left             int // objects of others in locations whose files were deleted
	// Waiting are moves that are not over, and locations whose grace period is not.
	Moving, Waiting int
}

// Sweep tidies up after the moves of a table: those that crashes left, and the files
// at locations that nothing points to any more, when their grace period is over. It may
// be called at any time, on any node, and repeated.
//
// Only files that Sluice names are deleted, and only where no partition of the table
// lies, nor a table: what else is there stays, and is counted.
func (m *Mover) Sweep(ctx context.Context, name lake.TableName) (Swept, error) {
	var s Swept
	t, err := m.cfg.Catalog.Table(ctx, name)
	if err != nil {
		return s, err
	}
	l, err := read(t)
	if err != nil {
		return s, err
	}
	var errs []error
	for _, mv := range l.Moves {
		if err := m.sweepMove(ctx, name, mv, &s); err != nil {
			errs = append(errs, err)
		}
	}
	var due []old
	for _, o := range l.Old {
		if time.Since(o.At) >= m.cfg.Grace {
			due = append(due, o)
		} else {
			s.Waiting++
		}
	}
	if len(due) > 0 {
		if err := m.deleteOld(ctx, t, due, &s); err != nil {
			errs = append(errs, fmt.Errorf("delete old files of %s: %w", name, err))
		}
	}
	return s, errors.Join(errs...)
}

func (m *Mover) sweepMove(ctx context.Context, name lake.TableName, mv move, s *Swept) error {
	m.mu.Lock()
	alive := m.alive[mv.ID]
	m.mu.Unlock()
	switch {
	case alive:
		s.Moving++
	case mv.State == stateOpen && (mv.Owner == m.cfg.Owner && m.cfg.Owner != "" || time.Since(mv.At) > m.cfg.Lease):
		s.Canceled++
		return m.cancel(ctx, name, mv)
	case mv.State == stateMoved:
		at, err := m.where(ctx, name, mv.Values)
		if err == nil && at != "" && at != mv.To {
			var t lake.Table
			t.Name = name
			err = help(ctx, m.cfg.Catalog, &t, mv)
		}
		if err != nil {
			return fmt.Errorf("bring a move of partition %q of %s to its end: %w", mv.Values, name, err)
		}
		s.Closed++
		return m.close(ctx, name, mv, false)
	default:
		s.Moving++
	}
	return nil
}

// deleteOld deletes the files at old locations. If we crash before the ledger says so,
// it is done again.
func (m *Mover) deleteOld(ctx context.Context, t lake.Table, due []old, s *Swept) error {
	points := map[string]bool{t.Location: true}
	if len(t.PartitionKeys) > 0 {
		parts, err := m.cfg.Catalog.Partitions(ctx, t.Name, "")
		if err != nil {
			return err
		}
		for _, p := range parts {
			points[p.Location] = true
		}
	}
	var done []old
	var errs []error
	for _, o := range due {
		if points[o.Location] {
			m.cfg.Log.Warn("a location from which a partition was moved is a partition's: its files stay", "table", t.Name.String(), "location", o.Location)
		} else if err := m.deleteAt(ctx, o, s); err != nil {
			errs = append(errs, err)
			continue
		}
		done = append(done, o)
	}
	errs = append(errs, m.change(ctx, t.Name, func(_ *lake.Table, l *ledger) error {
		l.Old = slices.DeleteFunc(l.Old, func(o old) bool {
			return slices.ContainsFunc(done, func(d old) bool { return d.Location == o.Location && d.At.Equal(o.At) })
		})
		return nil
	}))
	return errors.Join(errs...)
}

func (m *Mover) deleteAt(ctx context.Context, o old, s *Swept) error {
	key, ok := m.cfg.Store.Key(o.Location)
	if !ok {
		return fmt.Errorf("the location %s is not in the lake", o.Location)
	}
	key = strings.TrimSuffix(key, "/")
	for obj, err := range m.cfg.Store.List(ctx, key) {
		if err != nil {
			return fmt.Errorf("list %s: %w", o.Location, err)
		}
		name := strings.TrimPrefix(obj.Key, key+"/")
		if strings.Contains(name, "/") {
			continue // of a table that was moved: the folder of its moves
		}
		if !Ours(path.Base(name)) {
			s.Left++
			continue
		}
		if err := m.cfg.Store.Delete(ctx, obj.Key); err != nil {
			return err
		}
		s.Deleted++
	}
	return nil
}

// Ours reports whether a file's name is one that Sluice gives: to what deliveries,
// SQL and compaction make.
func Ours(name string) bool {
	_, batch := lake.BatchOf(name)
	_, write := lake.WriteOf(name)
	return batch || write
}
