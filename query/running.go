package query

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// A RunningQuery is a query that was asked and is not answered to the end.
type RunningQuery struct {
	ID      string    // unique while the engine is open
	Who     string    // Request.Who
	SQL     string    // shortened
	Since   time.Time // when it was asked
	Waiting bool      // for its turn
	// Ending: it has its answer or error, and the executor is at a call of a function
	// that cannot be interrupted.
	Ending bool
}

// running is a query in the engine's list of those.
type running struct {
	id, who, sql string
	since        time.Time
	begun        atomic.Bool // it had its turn
	over         atomic.Bool // it has its answer or error
	cancel       context.CancelCauseFunc
}

// enlist notes a query as running; the function takes it off the list.
func (e *Engine) enlist(req Request, since time.Time, cancel context.CancelCauseFunc) (*running, func()) {
	q := &running{id: strings.ToLower(rand.Text()[:13]), who: req.Who, sql: shorten(req.SQL), since: since, cancel: cancel}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running[q.id] = q
	return q, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.running, q.id)
	}
}

// Running lists the queries that wait or run, the oldest first.
func (e *Engine) Running() []RunningQuery {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := make([]RunningQuery, 0, len(e.running))
	for _, q := range e.running {
		list = append(list, RunningQuery{ID: q.id, Who: q.who, SQL: q.sql, Since: q.since, Waiting: !q.begun.Load(), Ending: q.over.Load()})
	}
	slices.SortFunc(list, func(a, b RunningQuery) int {
		if n := a.Since.Compare(b.Since); n != 0 {
			return n
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Cancel ends the query with the id, which then fails with CodeCanceled; by is who
// wanted that. It reports whether there is such a query.
func (e *Engine) Cancel(id, by string) bool {
	e.mu.Lock()
	q := e.running[id]
	e.mu.Unlock()
	if q == nil {
		return false
	}
	message := "the query was canceled"
	if by != "" {
		message += " by " + by
	}
	q.cancel(fault(CodeCanceled, "%s", message))
	return true
}
