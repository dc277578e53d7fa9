package checkpoint

import (
	"errors"
	"fmt"
	"maps"
	"time"
)

// ErrElsewhere: the checkpoint is neither where a pledge found it nor where it takes it.
var ErrElsewhere = errors.New("the checkpoint is elsewhere")

// A Pledge is a run that is committed with something else, in another journal: what a
// statement wrote. Whoever holds it promises to settle it: see the package's doc.
type Pledge struct {
	Before State `json:"before"` // Run is 0 where there was no checkpoint
	After  State `json:"after"`  // with the run's token
}

// name is the checkpoint's.
func (p Pledge) name() string { return p.After.Name }

// at reports whether s is where the pledge takes the checkpoint.
func (p Pledge) at(s State) bool { return p.After.same(s) }

// same reports whether s is of the same run.
func (s State) same(o State) bool {
	return s.Err == nil && o.Err == nil && s.Name == o.Name && s.Run == o.Run && s.Token == o.Token && maps.Equal(s.Tables, o.Tables)
}

// Pledge gives the run away: from now on its end is what the pledge comes to, and
// Commit, Sent, Abandon and Revoke change nothing. The run must be planned. A replay
// has none: ok is false.
func (r *Run) Pledge() (p Pledge, ok bool, err error) {
	if r.replay {
		return p, false, nil
	}
	b := r.book
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.phase != begun:
		return p, false, fmt.Errorf("%w: run %d of the checkpoint %s is over", ErrExpired, r.number, r.entry.name)
	case len(r.ranges) == 0:
		return p, false, fmt.Errorf("%w: run %d of the checkpoint %s was never planned", ErrInvalid, r.number, r.entry.name)
	}
	p = Pledge{Before: r.entry.state.clone(), After: r.next(r.entry.state)}
	r.end(pledged)
	r.entry.pledge = &p
	return p, true, nil
}

// next is the checkpoint when the run is committed.
func (r *Run) next(s State) State {
	s = s.clone()
	maps.Copy(s.Tables, r.ranges)
	s.Run, s.Token, s.Committed = r.number, r.token, time.Now().UTC()
	return s
}

// Hold takes on a pledge of an earlier process: no run of the name begins before it is
// released, and Together goes by its ranges. It is for right after Open.
func (b *Book) Hold(p Pledge) error {
	if err := CheckName(p.name()); err != nil || p.Before.Name != p.name() || p.After.Run < 1 {
		return errors.Join(fmt.Errorf("hold a pledge of the checkpoint %.80q, run %d: it is damaged", p.name(), p.After.Run), err)
	}
	var latest uint64
	for _, r := range p.After.Tables {
		latest = max(latest, r.To)
	}
	// Numbers that the pledge has must not be given again.
	if err := b.journal.reach(latest); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.names[p.name()]
	if e == nil {
		e = newEntry(State{Name: p.name()})
		b.names[p.name()] = e
	}
	select {
	case e.busy <- struct{}{}:
	default:
		return fmt.Errorf("hold a pledge of the checkpoint %s: %w", p.name(), ErrBusy)
	}
	e.users++
	e.pledge = &p
	return nil
}

// Pledged reports whether a run of the name waits for what a statement that writes
// comes to.
func (b *Book) Pledged(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.names[name]
	return e != nil && e.pledge != nil
}

// Settle makes the checkpoint what a pledge says, durably: where the run takes it if
// what was written is there to stay (kept), or where the run found it. It may be
// repeated. ErrElsewhere says that it is at neither, and stays there.
//
// If we crash before the rename is durable, the checkpoint is where it was, and who
// holds the pledge settles it again; so it is when this returns an error, after which
// the file may be either.
func (b *Book) Settle(p Pledge, kept bool) error {
	b.mu.Lock()
	e := b.names[p.name()]
	if e == nil || e.pledge == nil || !e.pledge.at(p.After) {
		b.mu.Unlock()
		return fmt.Errorf("settle run %d of checkpoint %s: it is not held", p.After.Run, p.name())
	}
	state, dirty := e.state, e.dirty
	b.mu.Unlock()
	want := state
	switch {
	case kept && !p.at(state) && !p.Before.same(state):
		return fmt.Errorf("%w: %s is at run %d, and what was written is of run %d", ErrElsewhere, p.name(), state.Run, p.After.Run)
	case kept:
		want = p.After
	case p.at(state):
		want = p.Before
	}
	if want.same(state) && !dirty || want.Err != nil {
		return nil
	}
	err := b.put(want)
	b.mu.Lock()
	defer b.mu.Unlock()
	if e.dirty = err != nil; err != nil {
		return fmt.Errorf("settle run %d of checkpoint %s: %w", p.After.Run, p.name(), err)
	}
	e.state = want
	return nil
}

// Release lets go of a pledge that is settled, and that nobody will settle again: the
// next run of the name may begin.
func (b *Book) Release(p Pledge) {
	b.mu.Lock()
	e := b.names[p.name()]
	if e == nil || e.pledge == nil || !e.pledge.at(p.After) {
		b.mu.Unlock()
		return
	}
	e.pledge = nil
	committed, run := p.at(e.state), e.run
	b.mu.Unlock()
	if run != nil {
		b.count(committed)
		run.release()
		return
	}
	<-e.busy
	b.unuse(e)
}

// count counts a run that ended.
func (b *Book) count(committed bool) {
	outcome := "abandoned"
	if committed {
		outcome = "committed"
	}
	b.runs.WithLabelValues(outcome).Inc()
}
