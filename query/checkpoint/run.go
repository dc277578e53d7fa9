package checkpoint

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
)

// A Run is one use of a checkpoint. It must be abandoned, committed or confirmed.
type Run struct {
	book   *Book
	entry  *entry
	number int64
	token  string
	replay bool

	// planned is the end of the run's ranges once it is fixed, unless it is a replay;
	// guarded by book.mu.
	planned uint64

	ranges map[string]Range
	sets   map[lake.TableName]map[key]struct{}

	phase phase       // guarded by book.mu
	timer *time.Timer // while it is sent
}

type phase uint8

const (
	begun      phase = iota
	sent             // it waits for its confirmation
	pledged          // its end is what its pledge comes to
	committing       // nobody else may end it
	over
)

// Begin begins a run of the name, whose first it may be, when no other is under
// way. It waits as long as ctx allows. A replay has the number of the latest
// committed run, another run that and one more.
func (b *Book) Begin(ctx context.Context, name string, replay bool) (*Run, error) {
	e, err := b.use(name, !replay)
	if err != nil {
		return nil, err
	}
	if err := e.acquire(ctx); err != nil {
		b.unuse(e)
		return nil, err
	}
	r := &Run{book: b, entry: e, token: rand.Text(), replay: replay}
	err = b.settle(e)
	b.mu.Lock()
	e.run = r
	if err == nil {
		err = e.state.Err
	}
	if err == nil && replay && e.state.Run == 0 { // it was dropped meanwhile
		err = fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if r.number = e.state.Run; !replay {
		r.number++
	}
	b.mu.Unlock()
	if err != nil {
		r.release()
		return nil, err
	}
	return r, nil
}

// Number is the run's; the first is 1.
func (r *Run) Number() int64 { return r.number }

// Token is what a confirmation has to name.
func (r *Run) Token() string { return r.token }

// Tables are those that the checkpoint was used with, as database.table.
func (r *Run) Tables() []string {
	r.book.mu.Lock()
	defer r.book.mu.Unlock()
	var names []string
	for name := range r.entry.state.Tables {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Plan fixes the run's ranges of the tables. snapshot takes the snapshot of the log
// from which live rows will be read, and returns the batches in it that are sealed.
// Before Plan, every open batch that goes to one of the tables is sealed; after it,
// and not before, the catalog is read and files are listed.
func (r *Run) Plan(ctx context.Context, tables []lake.TableName, snapshot func() ([]lake.BatchID, error)) error {
	if len(tables) == 0 {
		return fmt.Errorf("%w: the statement reads no table, so there is nothing that a checkpoint could be of", ErrInvalid)
	}
	b := r.book
	b.mu.Lock()
	state := r.entry.state.clone()
	b.mu.Unlock()
	var end uint64
	if r.replay {
		if _, err := snapshot(); err != nil {
			return err
		}
	} else {
		var err error
		if end, err = b.number(ctx, r, snapshot); err != nil {
			return err
		}
	}
	r.ranges = make(map[string]Range, len(tables))
	r.sets = make(map[lake.TableName]map[key]struct{}, len(tables))
	for _, t := range tables {
		old, known := state.Tables[t.String()]
		next := Range{From: old.To, To: end, Run: r.number}
		if r.replay {
			if !known || old.Run != state.Run {
				return fmt.Errorf("%w: the latest run of the checkpoint %s, number %d, did not read %s: a replay is of what it read: %s",
					ErrInvalid, state.Name, state.Run, t, strings.Join(latest(state), ", "))
			}
			next = old
		}
		set, missing := b.journal.span(next.From, next.To)
		switch {
		case missing > 0 && next.From > 0:
			return fmt.Errorf("%w: %d of the %d batches that the checkpoint %s has to read next are not remembered any more (query.checkpoints.batches says how many are): DROP CHECKPOINT %s lets its next run begin anew",
				ErrExpired, missing, next.To-next.From, state.Name, state.Name)
		case missing > 0:
			b.log.Warn("the first run of a checkpoint begins with the oldest batch that is remembered", "checkpoint", state.Name, "table", t, "earlier_batches", missing)
		}
		r.ranges[t.String()], r.sets[t] = next, set
	}
	return nil
}

// latest are the tables that the latest run read.
func latest(s State) []string {
	var names []string
	for name, r := range s.Tables {
		if r.Run == s.Run {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// number takes the snapshot, numbers what is sealed in it, and returns the latest
// number: as one, see the package's doc.
func (b *Book) number(ctx context.Context, r *Run, snapshot func() ([]lake.BatchID, error)) (uint64, error) {
	select {
	case b.planning <- struct{}{}:
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
	defer func() { <-b.planning }()
	sealed, err := snapshot()
	if err != nil {
		return 0, err
	}
	end, err := b.journal.note(sealed...)
	b.mu.Lock()
	r.planned = end
	b.mu.Unlock()
	return end, err
}

// Reads reports whether the run was planned with the table.
func (r *Run) Reads(table lake.TableName) bool {
	_, ok := r.ranges[table.String()]
	return ok
}

// Covers reports whether the batch is in the run's range of the table.
func (r *Run) Covers(table lake.TableName, id lake.BatchID) bool {
	k, err := keyOf(id)
	if err != nil {
		return false
	}
	_, ok := r.sets[table][k]
	return ok
}

// Commit ends a run whose answer was delivered: the next begins where it ended.
// When it returns nil that is durable. After an error the run counts as not
// committed; the checkpoint is made to say so before the next one begins.
func (r *Run) Commit() error {
	b := r.book
	b.mu.Lock()
	if r.phase > sent {
		b.mu.Unlock()
		return fmt.Errorf("%w: run %d of the checkpoint %s is over", ErrExpired, r.number, r.entry.name)
	}
	if len(r.ranges) == 0 {
		b.mu.Unlock()
		return fmt.Errorf("%w: run %d of the checkpoint %s was never planned", ErrInvalid, r.number, r.entry.name)
	}
	r.end(committing)
	state := r.next(r.entry.state)
	b.mu.Unlock()
	outcome := "committed"
	defer func() {
		b.runs.WithLabelValues(outcome).Inc()
		r.release()
	}()
	if r.replay {
		return nil
	}
	err := b.put(state)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		outcome = "failed"
		r.entry.dirty = true
		return fmt.Errorf("commit run %d of checkpoint %s, which counts as not committed: %w", r.number, state.Name, err)
	}
	r.entry.state = state
	return nil
}

// end moves the run on; book.mu is held.
func (r *Run) end(next phase) {
	r.phase = next
	if r.timer != nil {
		r.timer.Stop()
	}
}

// Sent says that the answer was sent and that its receiver will confirm it.
func (r *Run) Sent() {
	b := r.book
	b.mu.Lock()
	defer b.mu.Unlock()
	if r.phase != begun {
		return
	}
	r.phase = sent
	r.timer = time.AfterFunc(b.cfg.Confirm, func() { r.Revoke() })
}

// Confirm commits the run of the name that was sent with the token. It may be
// repeated, until the next run is committed.
func (b *Book) Confirm(name, token string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	b.mu.Lock()
	r := b.runLocked(name, token)
	if r != nil && r.phase != sent {
		r = nil
	}
	e := b.names[name]
	committed := r == nil && e != nil && e.pledge == nil && token != "" && e.state.Token == token
	b.mu.Unlock()
	if committed {
		return nil
	}
	if r == nil {
		return fmt.Errorf("%w: no run of the checkpoint %s waits for a confirmation with this token: it came too late, or the service was restarted; the run counts as not delivered, and the next one repeats it", ErrExpired, name)
	}
	return r.Commit()
}

// Revoke ends the run of the name with the token, whose receiver does not have the
// answer and will not confirm it. If there is none, it does nothing.
func (b *Book) Revoke(name, token string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	b.mu.Lock()
	r := b.runLocked(name, token)
	b.mu.Unlock()
	if r != nil {
		r.Revoke()
	}
	return nil
}

// runLocked is the run of the name that is under way, if it has the token.
func (b *Book) runLocked(name, token string) *Run {
	if e := b.names[name]; e != nil && e.run != nil && e.run.token == token {
		return e.run
	}
	return nil
}

// Abandon ends a run that was neither committed nor sent; otherwise it does
// nothing.
func (r *Run) Abandon() { r.giveUp(begun) }

// Revoke ends a run also if it was sent.
func (r *Run) Revoke() { r.giveUp(sent) }

func (r *Run) giveUp(upTo phase) {
	b := r.book
	b.mu.Lock()
	if r.phase > upTo {
		b.mu.Unlock()
		return
	}
	r.end(over)
	b.mu.Unlock()
	b.count(false)
	r.release()
}

// release lets the next run begin.
func (r *Run) release() {
	r.book.mu.Lock()
	r.phase, r.entry.run = over, nil
	r.book.mu.Unlock()
	<-r.entry.busy
	r.book.unuse(r.entry)
}
