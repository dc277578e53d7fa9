package write

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/query/checkpoint"
)

// madeBy is the parameter of a table that says which statement made it.
const madeBy = "sluice.write"

// An upload is a staged file and the object that it becomes. Late ones are put
// last: they are seen by other engines as soon as they are there.
type upload struct {
	piece
	key  string
	late bool
}

// publish puts the objects and registers them, all or nothing as far as this node
// sees, and moves the job's checkpoint with them. From the first late object on it does
// not end with ctx: a statement that is nearly done is better finished than undone.
//
// If we crash before the entry is in the journal, nothing was put, and the checkpoint is
// where the statement found it. If we crash after it and before it says register, what
// was put is deleted by Sweep, and the checkpoint stays. If we crash after that, Sweep
// registers what is not, and settles the pledge: the checkpoint is where it was, or
// already where the run takes it. If we crash after the pledge was settled and before
// the entry is struck, Sweep finds both as they should be. The entry is struck last, and
// only then may the next run of the checkpoint begin: no other can have moved it.
func (w *Writer) publish(ctx context.Context, job Job, id lake.WriteID, uploads []upload, e entry) error {
	for _, u := range uploads {
		e.Keys = append(e.Keys, u.key)
	}
	if job.Pledge != nil {
		p, ok, err := job.Pledge()
		if err != nil {
			return err
		}
		if ok {
			e.Pledge = &p
		}
	}
	e.State = stateUpload
	w.begin(id)
	if err := w.note(id, e); err != nil {
		return errors.Join(err, w.abandon(ctx, id, e))
	}
	err := w.put(ctx, uploads, false)
	if err == nil {
		err = context.Cause(ctx) // the last moment to turn back
	}
	if err == nil {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.Finish)
		defer cancel()
		err = w.finish(late, id, uploads, &e)
	}
	if err != nil {
		return errors.Join(err, w.abandon(ctx, id, e))
	}
	w.commit(id)
	return nil
}

// finish sets the entry's state to what the journal may say by now.
func (w *Writer) finish(ctx context.Context, id lake.WriteID, uploads []upload, e *entry) error {
	if err := w.put(ctx, uploads, true); err != nil {
		return err
	}
	e.State = stateRegister
	if err := w.note(id, *e); err != nil {
		return err
	}
	if err := w.register(ctx, id, *e); err != nil {
		return err
	}
	return w.conclude(id, *e, true)
}

// conclude settles the pledge, if there is one, and strikes the entry, or has it say that
// what was written is kept.
func (w *Writer) conclude(id lake.WriteID, e entry, kept bool) error {
	if e.Pledge != nil {
		if w.cfg.Checkpoints == nil {
			return fmt.Errorf("settle the checkpoint %s: there are no checkpoints here", e.Pledge.After.Name)
		}
		if err := w.cfg.Checkpoints.Settle(*e.Pledge, kept); err != nil {
			return err
		}
	}
	end := w.strike
	if kept && e.Keep {
		end = w.keep
	}
	if err := end(id); err != nil {
		return err
	}
	if e.Pledge != nil {
		w.cfg.Checkpoints.Release(*e.Pledge)
	}
	return nil
}

// put puts the objects that are late, or those that are not.
func (w *Writer) put(ctx context.Context, uploads []upload, late bool) error {
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(w.cfg.Uploads)
	for _, u := range uploads {
		if u.late != late {
			continue
		}
		g.Go(func() error {
			f, err := os.Open(u.path)
			if err != nil {
				return fmt.Errorf("put %s: %w", u.key, err)
			}
			defer f.Close()
			return w.cfg.Store.Put(gctx, u.key, f, u.bytes)
		})
	}
	err := g.Wait()
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// register makes the table, if the statement does, and its partitions. It may be
// repeated.
func (w *Writer) register(ctx context.Context, id lake.WriteID, e entry) error {
	if e.Make {
		err := w.cfg.Catalog.Create(ctx, e.Table)
		if errors.Is(err, catalogsync.ErrExists) {
			// It may be ours, of an attempt whose answer was lost.
			have, tableErr := w.cfg.Catalog.Table(ctx, e.Table.Name)
			if tableErr == nil && have.Parameters[madeBy] != string(id) {
				return &Error{Message: fmt.Sprintf("there is a table %s already", e.Table.Name), Position: -1, Exists: true}
			}
			err = tableErr
		}
		if err != nil {
			return err
		}
	}
	if len(e.Into) > 0 {
		return w.land(ctx, id, e)
	}
	if len(e.Partitions) == 0 {
		return nil
	}
	return w.cfg.Catalog.AddPartitions(ctx, e.Table, e.Partitions)
}

// abandon undoes a statement that failed, whatever became of ctx. What cannot be
// undone now is left to Sweep, hidden meanwhile.
func (w *Writer) abandon(ctx context.Context, id lake.WriteID, e entry) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), w.cfg.Finish)
	defer cancel()
	e.failed = true
	err := w.undo(ctx, id, e)
	if err == nil {
		return nil
	}
	w.mu.Lock()
	w.pending[id] = e
	w.mu.Unlock()
	w.cfg.Log.Error("what a failed statement wrote is not undone yet; it is tried again with the next one that writes", "write", string(id), "err", err)
	return nil // what made it fail says more to the one who asked
}

// undo takes away what a statement may have put and registered. Partitions may stay
// in the catalog; they are without files.
//
// If we crash before the journal says upload, nothing was taken away yet, and Sweep goes
// by what it says. If we crash after that, Sweep undoes it. The checkpoint is taken back
// when nothing is left that its next run would write again.
func (w *Writer) undo(ctx context.Context, id lake.WriteID, e entry) error {
	if e.State != stateUpload {
		e.State = stateUpload
		if err := w.note(id, e); err != nil {
			return err
		}
	}
	if e.Make {
		err := w.cfg.Catalog.Drop(ctx, e.Table.Name, func(t lake.Table) bool { return t.Parameters[madeBy] == string(id) })
		if err != nil && !errors.Is(err, catalogsync.ErrNotFound) {
			return err
		}
	}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(w.cfg.Uploads)
	for _, key := range e.Keys {
		g.Go(func() error { return w.cfg.Store.Delete(gctx, key) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := w.withdraw(ctx, e); err != nil && !errors.Is(err, catalogsync.ErrNotFound) {
		return err
	}
	if err := w.conclude(id, e, false); err != nil {
		return err
	}
	w.dropped(id)
	return nil
}

// Sweep brings to an end what crashes and failures left, as far as the store and
// the catalog answer.
func (w *Writer) Sweep(ctx context.Context) error {
	w.mu.Lock()
	todo := maps.Clone(w.pending)
	clear(w.pending) // it is ours now
	w.mu.Unlock()
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(todo)) {
		e := todo[id]
		if err := w.settle(ctx, id, &e); err != nil {
			errs = append(errs, fmt.Errorf("settle %s: %w", id, err))
			w.mu.Lock()
			w.pending[id] = e
			w.mu.Unlock()
		}
	}
	return errors.Join(errs...)
}

// settle sets the entry's failed once it is decided that it is to be undone.
func (w *Writer) settle(ctx context.Context, id lake.WriteID, e *entry) error {
	if e.State != stateRegister || e.failed {
		w.cfg.Log.Info("what a statement left that did not come to its end is deleted", "write", string(id), "table", e.Table.Name.String(), "objects", len(e.Keys))
		return w.undo(ctx, id, *e)
	}
	lost, err := w.lost(ctx, *e)
	if err != nil {
		return err
	}
	if lost {
		w.cfg.Log.Warn("objects of a statement that a crash interrupted are not there any more: what is left of it is deleted", "write", string(id), "table", e.Table.Name.String(), "objects", len(e.Keys))
		e.failed = true
		return w.undo(ctx, id, *e)
	}
	if err = w.register(ctx, id, *e); err == nil {
		err = w.conclude(id, *e, true)
	}
	var taken *Error
	var elsewhere *catalogsync.PartitionElsewhereError
	if errors.As(err, &taken) || errors.As(err, &elsewhere) || errors.Is(err, catalogsync.ErrNotFound) {
		e.failed = true
		return w.undo(ctx, id, *e) // somebody else was first, or has dropped the table
	}
	if errors.Is(err, checkpoint.ErrElsewhere) {
		// Its file was put there by hand: its next run reads on from there.
		w.cfg.Log.Error("what a statement wrote with a checkpoint, before a crash interrupted it, is deleted", "write", string(id), "table", e.Table.Name.String(), "err", err)
		e.failed = true
		return w.undo(ctx, id, *e)
	}
	if err == nil {
		w.cfg.Log.Info("a statement that a crash interrupted is finished", "write", string(id), "table", e.Table.Name.String(), "objects", len(e.Keys))
		w.commit(id)
	}
	return err
}

// lost reports whether objects that are yet to be registered are gone: another node's
// vacuum takes those of a statement for orphans whose node was away for long. Of
// partitions that are registered nobody takes any.
func (w *Writer) lost(ctx context.Context, e entry) (bool, error) {
	open := map[string]bool{} // folders of partitions that are not registered
	if !e.Make {
		values := make([][]string, len(e.Partitions))
		for i, p := range e.Partitions {
			values[i] = p.Values
		}
		have, err := w.cfg.Catalog.Find(ctx, e.Table.Name, values)
		if err != nil && !errors.Is(err, catalogsync.ErrNotFound) {
			return false, err
		}
		for _, p := range e.Partitions {
			key, ok := w.cfg.Store.Key(p.Location)
			registered := slices.ContainsFunc(have, func(h lake.Partition) bool { return slices.Equal(h.Values, p.Values) })
			open[strings.TrimSuffix(key, "/")] = ok && !registered
		}
	}
	for _, key := range e.Keys {
		if !e.Make && !open[path.Dir(key)] {
			continue
		}
		_, err := w.cfg.Store.Stat(ctx, key)
		if errors.Is(err, fs.ErrNotExist) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}
