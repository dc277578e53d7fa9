package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/convert"
	"sluice/internal/holdback"
	"sluice/internal/lake"
)

// runJoins delivers held rows as they become due, until ctx ends.
func (d *Deliverer) runJoins(ctx context.Context) {
	if d.cfg.Held == nil {
		return
	}
	failures := 0
	for {
		next, err := d.joinDue(ctx)
		pause := idle
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			failures++
			pause = min(d.cfg.MaxRetry, d.cfg.Retry<<min(failures-1, 20))
			d.metrics.failures.Inc()
			d.log.Error("held rows not delivered, will be tried again", "attempt", failures, "retry_in", pause, "error", err)
		default:
			failures = 0
			if !next.IsZero() {
				pause = max(0, time.Until(next))
			}
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-changedUnless(failures > 0, d.cfg.Held):
		}
		timer.Stop()
	}
}

// changedUnless is the shelf's signal, but after a failure the pause is kept.
func changedUnless(failed bool, s *holdback.Shelf) <-chan struct{} {
	if failed {
		return nil
	}
	return s.Changed()
}

// joinDue delivers what is due; next is when more will be.
func (d *Deliverer) joinDue(ctx context.Context) (next time.Time, err error) {
	if err := d.startJoining(ctx); err != nil {
		return next, err
	}
	defer d.stopJoining()
	if err := d.finishJoins(ctx, ""); err != nil {
		return next, err
	}
	groups, next := d.cfg.Held.Groups(time.Now(), "")
	_, err = d.joinGroups(ctx, groups)
	return next, err
}

func (d *Deliverer) startJoining(ctx context.Context) error {
	select {
	case d.joining <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (d *Deliverer) stopJoining() { <-d.joining }

// flushHeld delivers what is held of a stream.
func (d *Deliverer) flushHeld(ctx context.Context, stream string, flushed *Flushed) error {
	if d.cfg.Held == nil {
		return nil
	}
	if err := d.startJoining(ctx); err != nil {
		return err
	}
	defer d.stopJoining()
	if err := d.finishJoins(ctx, stream); err != nil {
		return err
	}
	groups, _ := d.cfg.Held.Groups(time.Now(), stream)
	groups = slices.DeleteFunc(groups, func(g holdback.Group) bool { return g.Stream != stream })
	files, err := d.joinGroups(ctx, groups)
	flushed.Files += files
	if len(groups) > 0 {
		flushed.Table = groups[len(groups)-1].Table
	}
	return err
}

// finishJoins brings joins to an end that an error or a crash interrupted: of a stream,
// or of all if it is empty.
func (d *Deliverer) finishJoins(ctx context.Context, stream string) error {
	var errs []error
	for _, j := range d.cfg.Held.Pending() {
		if stream == "" || j.Stream == stream {
			errs = append(errs, d.join(ctx, j))
		}
	}
	return errors.Join(errs...)
}

// joinGroups delivers groups, those of which that no checkpoint separates as one object.
func (d *Deliverer) joinGroups(ctx context.Context, groups []holdback.Group) (files int, err error) {
	var errs []error
	for _, g := range groups {
		for _, pieces := range d.together(g) {
			j, err := d.cfg.Held.Begin(pieces)
			if err == nil {
				err = d.join(ctx, j)
			}
			if ctx.Err() != nil {
				return files, context.Cause(ctx)
			}
			if err == nil {
				files++
			}
			errs = append(errs, err)
		}
	}
	return files, errors.Join(errs...)
}

func (d *Deliverer) together(g holdback.Group) (out [][]holdback.Piece) {
	if d.cfg.Together == nil {
		return [][]holdback.Piece{g.Pieces}
	}
	byBatch := map[lake.BatchID]holdback.Piece{}
	var ids []lake.BatchID
	for _, p := range g.Pieces {
		byBatch[p.Batch] = p
		ids = append(ids, p.Batch)
	}
	for _, some := range d.cfg.Together(g.Table, ids) {
		var pieces []holdback.Piece
		for _, id := range some {
			pieces = append(pieces, byBatch[id])
		}
		out = append(out, pieces)
	}
	return out
}

// join delivers one, and notes in the stream's state how that went.
func (d *Deliverer) join(ctx context.Context, j *holdback.Join) error {
	err := d.deliverJoin(ctx, j)
	switch {
	case errors.Is(err, errApart):
		err = nil
	case err != nil:
		err = fmt.Errorf("deliver held rows of %s: %w", j.Stream, err)
	}
	if ctx.Err() == nil {
		d.mu.Lock()
		d.heldErrs[j.Stream] = err
		d.mu.Unlock()
	}
	return err
}

// deliverJoin makes one object of the join's pieces. Its key is noted before it is put:
// see package holdback. What it does may be repeated after any step.
func (d *Deliverer) deliverJoin(ctx context.Context, j *holdback.Join) error {
	begun := time.Now()
	put, err := d.isPut(ctx, j)
	if err != nil {
		return err
	}
	pieces, damage := d.cfg.Held.Pieces(j)
	if damage != nil && !put { // the others are better off without it
		return errors.Join(damage, d.cfg.Held.Dissolve(j))
	}
	if len(pieces) == 0 {
		return fmt.Errorf("the join %s has no pieces that can be read, but its object %s was put: %w", j.ID, j.Key, damage)
	}
	last := pieces[len(pieces)-1]
	r, table, err := d.joinTable(ctx, j, pieces, last)
	if err != nil {
		return err
	}
	// It is put anew, if it can be made: who takes it for an orphan looks at its age.
	if damage == nil {
		where, err := d.joinPlace(ctx, table, last)
		if err != nil {
			return err
		}
		if err := d.putJoin(ctx, j, pieces, r, table, where, put); err != nil {
			return err
		}
	}
	uploaded := time.Now()
	if err := d.landJoin(ctx, j, pieces, r, table, damage); err != nil {
		return fmt.Errorf("register partition of %s: %w", table.Name, err)
	}
	if err := prompt(uploaded); err != nil {
		return err
	}
	if err := d.ledger.count(j.Stream, lake.BatchID(j.ID), Totals{Delivered: j.Rows}, time.Now()); err != nil {
		return err
	}
	if err := d.cfg.Held.Commit(j); err != nil {
		return err
	}
	d.ledger.released(j.Stream, lake.BatchID(j.ID))
	d.metrics.joined(j.Stream, j.Rows)
	d.log.Info("held rows delivered", "stream", j.Stream, "table", table.Name, "partition", last.Partition, "batches", len(j.Members), "rows", j.Rows, "took", since(begun))
	return nil
}

// putJoin makes the object and puts it. A piece that cannot be merged with others, since
// the table's columns were changed by somebody, goes alone, unless they were put as one
// before that.
func (d *Deliverer) putJoin(ctx context.Context, j *holdback.Join, pieces []holdback.Piece, r route, table lake.Table, where lake.Partition, before bool) error {
	folder, ok := d.cfg.Store.Key(where.Location)
	if !ok {
		return fmt.Errorf("partition %q lies at %s, outside the lake %s", where.Values, where.Location, d.cfg.Store.URI(""))
	}
	key := strings.TrimRight(folder, "/") + "/" + pieces[len(pieces)-1].Batch.DataFile()
	if j.Key != "" && j.Key != key && !moved(j.Key, []string{key}) { // the table has come to lie elsewhere
		if err := d.cfg.Store.Delete(ctx, j.Key); err != nil {
			return err
		}
	}
	file := pieces[0].Path
	if len(pieces) > 1 {
		dir := filepath.Join(d.cfg.Staging, j.ID)
		if err := emptyDir(dir); err != nil {
			return fmt.Errorf("make staging folder: %w", err)
		}
		defer os.RemoveAll(dir)
		merged, err := d.merge(ctx, pieces, r, table, dir)
		var source *convert.SourceError
		if errors.As(err, &source) && before {
			return nil
		}
		if errors.As(err, &source) {
			return d.apart(ctx, j, pieces, err)
		}
		if err != nil {
			return err
		}
		file = merged
	}
	if err := d.cfg.Held.Note(j, key, where); err != nil {
		return err
	}
	return d.put(ctx, key, file)
}

// merge makes one file of the pieces.
func (d *Deliverer) merge(ctx context.Context, pieces []holdback.Piece, r route, table lake.Table, dir string) (string, error) {
	job := convert.MergeJob{Layout: r.layout, Dir: dir}
	var rows int64
	for _, p := range pieces {
		job.Sources = append(job.Sources, p.Path)
		rows += p.Rows
	}
	for _, c := range table.Columns {
		key := slices.ContainsFunc(table.PartitionKeys, func(k lake.Column) bool { return k.Name == c.Name })
		if !key && c.Type.Kind != lake.KindNone {
			job.Columns = append(job.Columns, c)
		}
	}
	res, err := d.cfg.Converter.Merge(ctx, job)
	if err != nil {
		return "", err
	}
	if res.Rows != rows || len(res.Files) != 1 {
		return "", fmt.Errorf("BUG: %d held rows became %d in %d files", rows, res.Rows, len(res.Files))
	}
	return res.Files[0].Path, nil
}

// errApart says that a join was given up for joins of one piece each.
var errApart = errors.New("held rows cannot be joined")

func (d *Deliverer) apart(ctx context.Context, j *holdback.Join, pieces []holdback.Piece, why error) error {
	d.log.Warn("held rows go into files of their own, since they cannot be joined", "stream", j.Stream, "error", why)
	if err := d.cfg.Held.Dissolve(j); err != nil {
		return err
	}
	var errs []error
	for _, p := range pieces {
		alone, err := d.cfg.Held.Begin([]holdback.Piece{p})
		if err == nil {
			err = d.deliverJoin(ctx, alone)
		}
		errs = append(errs, err)
	}
	return cmp.Or(errors.Join(errs...), errApart)
}
