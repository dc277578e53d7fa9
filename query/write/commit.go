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
// sees. From the first late object on it does not end with ctx: a statement that
// is nearly done is better finished than undone.
//
// If we crash before the entry is in the journal, nothing was put. If we crash
// after it and before it says register, what was put is deleted by Sweep. If we crash
// after that, Sweep registers what is not. The entry is struck last.
func (w *Writer) publish(ctx context.Context, id lake.WriteID, uploads []upload, e entry) error {
	for _, u := range uploads {
		e.Keys = append(e.Keys, u.key)
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
		err = w.finish(late, id, uploads, e)
	}
	if err != nil {
		return errors.Join(err, w.abandon(ctx, id, e))
	}
	w.commit(id)
	return nil
}

func (w *Writer) finish(ctx context.Context, id lake.WriteID, uploads []upload, e entry) error {
	if err := w.put(ctx, uploads, true); err != nil {
		return err
	}
	e.State = stateRegister
	if err := w.note(id, e); err != nil {
		return err
	}
	if err := w.register(ctx, id, e); err != nil {
		return err
	}
	return w.end(id, e)
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
	e.State = stateUpload
	noteErr := w.note(id, e) // that it is to be undone, also by the next process
	err := w.undo(ctx, id, e)
	if err == nil {
		return nil
	}
	err = errors.Join(noteErr, err)
	w.mu.Lock()
	w.pending[id] = e
	w.mu.Unlock()
	w.cfg.Log.Error("what a failed statement wrote is not undone yet; it is tried again with the next one that writes", "write", string(id), "err", err)
	return nil // what made it fail says more to the one who asked
}

// undo takes away what a statement may have put and registered. Partitions may stay
// in the catalog; they are without files.
func (w *Writer) undo(ctx context.Context, id lake.WriteID, e entry) error {
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
	if err := w.strike(id); err != nil {
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
		if err := w.settle(ctx, id, todo[id]); err != nil {
			errs = append(errs, fmt.Errorf("settle %s: %w", id, err))
			w.mu.Lock()
			w.pending[id] = todo[id]
			w.mu.Unlock()
		}
	}
	return errors.Join(errs...)
}

func (w *Writer) settle(ctx context.Context, id lake.WriteID, e entry) error {
	if e.State != stateRegister {
		w.cfg.Log.Info("what a statement left that did not come to its end is deleted", "write", string(id), "table", e.Table.Name.String(), "objects", len(e.Keys))
		return w.undo(ctx, id, e)
	}
	lost, err := w.lost(ctx, e)
	if err != nil {
		return err
	}
	if lost {
		w.cfg.Log.Warn("objects of a statement that a crash interrupted are not there any more: what is left of it is deleted", "write", string(id), "table", e.Table.Name.String(), "objects", len(e.Keys))
		return w.undo(ctx, id, e)
	}
	err = w.register(ctx, id, e)
	var taken *Error
	var elsewhere *catalogsync.PartitionElsewhereError
	if errors.As(err, &taken) || errors.As(err, &elsewhere) || errors.Is(err, catalogsync.ErrNotFound) {
		return w.undo(ctx, id, e) // somebody else was first, or has dropped the table
	}
	if err == nil {
		err = w.end(id, e)
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
