package retention

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/places"
)

// deletions is how many objects are deleted at once.
const deletions = 4

// A Deleted is what became of the objects of dropped partitions.
type Deleted struct {
	Objects int
	Bytes   int64
	Waiting int // partitions whose grace period is not over, or whose folder somebody else has
}

// Delete deletes the objects of partitions that were dropped before the grace period.
func (r *Reaper) Delete(ctx context.Context) (d Deleted, err error) {
	r.round.Lock()
	defer r.round.Unlock()
	if len(r.pending()) == 0 {
		return d, nil
	}
	now, err := r.cfg.Store.Now(ctx)
	if err != nil {
		return d, err
	}
	due := map[string]entry{}
	var folders []string
	for id, e := range r.pending() {
		if e.State != stateDropped || now.Before(e.Due) {
			d.Waiting += len(e.Parts)
			continue
		}
		due[id] = e
		for _, p := range e.Parts {
			if f, ok := r.folder(p); ok {
				folders = append(folders, f)
			}
		}
	}
	if len(due) == 0 {
		return d, nil
	}
	over, err := places.Over(ctx, r.cfg.Catalog, r.cfg.Store.Key, folders)
	if err != nil {
		return d, err
	}
	defer r.tell(Status{})
	for _, id := range slices.Sorted(maps.Keys(due)) {
		r.tell(Status{Table: due[id].Table, Of: len(due[id].Parts)})
		if err := r.empty(ctx, id, due[id], over, &d); err != nil {
			return d, fmt.Errorf("delete objects of dropped partitions of %s: %w", due[id].Table, err)
		}
	}
	return d, nil
}

// empty deletes what is due of an entry, and keeps of it what has to wait.
func (r *Reaper) empty(ctx context.Context, id string, e entry, over map[string][]places.Ref, d *Deleted) error {
	var stay, again []lake.Partition
	before := *d
	for _, p := range e.Parts {
		folder, ok := r.folder(p)
		if !ok {
			continue
		}
		if other, ok := shared(over[folder], e.Table, p.Values); ok {
			r.cfg.Log.WarnContext(ctx, "objects of a dropped partition stay: somebody else has come to lie there", "table", e.Table.String(), "partition", p.Values, "other", other.String())
			stay = append(stay, p)
			continue
		}
		late, err := r.clear(ctx, folder, e, d)
		if err != nil {
			return err
		}
		r.told(func(s *Status) { s.Partitions++ })
		// Whoever put them relied on a catalog that he remembered. The partition is past
		// its time, and nobody sees them: they go the way of the others.
		anew := slices.ContainsFunc(over[folder], func(ref places.Ref) bool { return ref.Values != nil })
		if late > 0 && !anew {
			r.metrics.late.Add(float64(late))
			r.cfg.Log.WarnContext(ctx, "objects came to a partition after it was dropped, and it was not registered: they are deleted later, as it is past its time", "table", e.Table.String(), "partition", p.Values, "objects", late)
			again = append(again, p)
		}
	}
	r.cfg.Log.InfoContext(ctx, "objects of dropped partitions were deleted", "table", e.Table.String(), "partitions", len(e.Parts)-len(stay), "objects", d.Objects-before.Objects, "bytes", d.Bytes-before.Bytes)
	d.Waiting += len(stay) + len(again)
	return r.conclude(ctx, id, e, stay, again)
}

// conclude replaces the entry by what is left of it. First comes what is new: a crash
// in between deletes twice, and nothing is forgotten.
func (r *Reaper) conclude(ctx context.Context, id string, e entry, stay, again []lake.Partition) error {
	if len(again) > 0 {
		now, err := r.cfg.Store.Now(ctx)
		if err != nil {
			return err
		}
		next := entry{State: stateDropped, Table: e.Table, Parts: again, Before: now.Add(-r.cfg.Quiet), Due: now.Add(r.cfg.Grace)}
		nextID := string(lake.NewBatchID(now))
		if err := r.note(nextID, next); err != nil {
			return err
		}
		r.put(nextID, &next)
	}
	if len(stay) > 0 {
		e.Parts = stay
		if err := r.note(id, e); err != nil {
			return err
		}
		r.put(id, &e)
		return nil
	}
	if err := r.strike(id); err != nil {
		return err
	}
	r.put(id, nil)
	return nil
}

// clear deletes the objects of a folder that the entry means, and returns how many
// others there are.
func (r *Reaper) clear(ctx context.Context, folder string, e entry, d *Deleted) (late int, err error) {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(deletions)
	for o, err := range r.cfg.Store.List(ctx, folder) {
		if err != nil {
			return 0, errors.Join(err, g.Wait())
		}
		if !o.Modified.Before(e.Before) {
			late++
			continue
		}
		d.Objects++
		d.Bytes += o.Size
		g.Go(func() error {
			err := r.cfg.Store.Remove(gctx, o)
			if errors.Is(err, store.ErrChanged) { // put anew since it was listed
				return nil
			}
			if err == nil {
				r.metrics.deleted(o.Size)
				r.told(func(s *Status) { s.Objects, s.Bytes = s.Objects+1, s.Bytes+o.Size })
			}
			return err
		})
	}
	return late, g.Wait()
}
