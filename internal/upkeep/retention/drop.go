package retention

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/internal/lake"
)

// group is how many partitions share an entry of the journal.
const group = 100

// Drop takes what is past its time of a table out of the catalog, and notes its objects
// for Delete. After an error some may be dropped; the call can be repeated.
func (r *Reaper) Drop(ctx context.Context, name lake.TableName) (rep Report, err error) {
	r.round.Lock()
	defer r.round.Unlock()
	defer func() {
		if err != nil {
			err = fmt.Errorf("retention of %s: %w", name, err)
		}
	}()
	r.tell(Status{Table: name})
	defer r.tell(Status{})
	if err := r.recover(ctx, name); err != nil {
		return rep, err
	}
	rep, table, err := r.plan(ctx, name)
	if err != nil {
		return rep, err
	}
	r.metrics.passed.WithLabelValues(name.String()).Set(float64(rep.PassedCount))
	if len(rep.Expired) == 0 {
		return rep, nil
	}
	from := rep.Cutoff
	if !rep.oldest.IsZero() && rep.oldest.Before(from) {
		from = rep.oldest
	}
	if err := r.cfg.Catalog.RaiseProjection(ctx, name, r.cfg.Rules[name].By, from); err != nil {
		return rep, err
	}
	r.tell(Status{Table: name, Of: len(rep.Expired)})
	for some := range slices.Chunk(rep.Expired, group) {
		n, err := r.drop(ctx, table, some)
		r.told(func(s *Status) { s.Partitions += len(some) })
		rep.Dropped += n
		if err != nil {
			return rep, err
		}
	}
	return rep, nil
}

// drop is steps 1 to 4 for a group.
func (r *Reaper) drop(ctx context.Context, table lake.Table, some []Expired) (int, error) {
	some, err := r.still(ctx, table.Name, some)
	if err != nil || len(some) == 0 {
		return 0, err
	}
	now, err := r.cfg.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	e := entry{State: stateDropping, Table: table.Name, Before: now.Add(-r.cfg.Quiet), Due: now.Add(r.cfg.Grace)}
	objects, bytes := 0, int64(0)
	for _, x := range some {
		e.Parts = append(e.Parts, x.Partition)
		objects += x.Objects
		bytes += x.Bytes
	}
	id := string(lake.NewBatchID(now))
	if err := r.note(id, e); err != nil {
		return 0, err
	}
	r.put(id, &e)
	if err := r.cfg.Catalog.RemovePartitions(ctx, table.Name, e.Parts); err != nil {
		return 0, err
	}
	n, err := r.settle(ctx, id, e)
	if err == nil {
		r.cfg.Log.InfoContext(ctx, "partitions past their time were dropped", "table", table.Name.String(), "partitions", n, "of", len(some),
			"first", some[0].Partition.Values, "last", some[len(some)-1].Partition.Values, "objects", objects, "bytes", bytes, "deleted_after", e.Due)
	}
	return n, err
}

// still are those that are where they were when they were looked at: compaction may have
// begun to move some since.
func (r *Reaper) still(ctx context.Context, name lake.TableName, some []Expired) (rest []Expired, err error) {
	table, err := r.cfg.Catalog.Table(ctx, name)
	if err != nil {
		return nil, err
	}
	values := make([][]string, len(some))
	for i, e := range some {
		values[i] = e.Partition.Values
	}
	have, err := r.cfg.Catalog.Find(ctx, name, values)
	if err != nil {
		return nil, err
	}
	for _, e := range some {
		there := slices.ContainsFunc(have, func(h lake.Partition) bool {
			return slices.Equal(h.Values, e.Partition.Values) && h.Location == e.Partition.Location
		})
		moving, err := r.cfg.Moving(table, e.Partition.Location)
		if err != nil {
			return nil, err
		}
		if there && !moving {
			rest = append(rest, e)
		}
	}
	return rest, nil
}

// recover settles what an error or a crash left of a table's entries.
func (r *Reaper) recover(ctx context.Context, name lake.TableName) error {
	for id, e := range r.pending() {
		if e.State == stateDropping && e.Table == name {
			if _, err := r.settle(ctx, id, e); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle is steps 3 and 4; it returns how many are dropped.
func (r *Reaper) settle(ctx context.Context, id string, e entry) (int, error) {
	gone, err := r.unregistered(ctx, e)
	if err != nil {
		return 0, err
	}
	var late []lake.Partition
	e.Parts = nil
	for _, p := range gone {
		n, err := r.late(ctx, p, e.Before)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			late = append(late, p)
		} else {
			e.Parts = append(e.Parts, p)
		}
	}
	if len(late) > 0 {
		table, err := r.cfg.Catalog.Table(ctx, e.Table)
		if err == nil {
			err = r.cfg.Catalog.AddPartitions(ctx, table, late)
		}
		switch {
		case errors.Is(err, r.cfg.NotFound): // the table is gone too: nobody waits for them
			e.Parts = gone
		case err != nil:
			return 0, fmt.Errorf("register %d partitions again, to which objects came while they were dropped: %w", len(late), err)
		default:
			r.metrics.late.Add(float64(len(late)))
			r.cfg.Log.WarnContext(ctx, "objects came to partitions while they were dropped: they are registered again until the next round", "table", e.Table.String(), "partitions", len(late), "first", late[0].Values)
		}
	}
	if len(e.Parts) == 0 {
		if err := r.strike(id); err != nil {
			return 0, err
		}
		r.put(id, nil)
		return 0, nil
	}
	now, err := r.cfg.Store.Now(ctx)
	if err != nil {
		return 0, err
	}
	e.State, e.Due = stateDropped, now.Add(r.cfg.Grace)
	if err := r.note(id, e); err != nil {
		return 0, err
	}
	r.put(id, &e)
	r.metrics.dropped.Add(float64(len(e.Parts)))
	return len(e.Parts), nil
}

// unregistered are the entry's partitions that the catalog does not have.
func (r *Reaper) unregistered(ctx context.Context, e entry) ([]lake.Partition, error) {
	values := make([][]string, len(e.Parts))
	for i, p := range e.Parts {
		values[i] = p.Values
	}
	have, err := r.cfg.Catalog.Find(ctx, e.Table, values)
	if err != nil && !errors.Is(err, r.cfg.NotFound) {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(e.Parts), func(p lake.Partition) bool {
		return slices.ContainsFunc(have, func(h lake.Partition) bool { return slices.Equal(h.Values, p.Values) })
	}), nil
}

// late is how many objects came to a partition from that time on.
func (r *Reaper) late(ctx context.Context, p lake.Partition, since time.Time) (n int, err error) {
	folder, ok := r.folder(p)
	if !ok {
		return 0, fmt.Errorf("partition %q lies at %s, outside the lake", p.Values, p.Location)
	}
	for o, err := range r.cfg.Store.List(ctx, folder) {
		if err != nil {
			return 0, err
		}
		if !o.Modified.Before(since) {
			n++
		}
	}
	return n, nil
}
