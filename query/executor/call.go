package executor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// grace is how long a call whose query has ended is waited for: what an interrupt
// reaches has returned by then.
const grace = time.Second

// Calls are those that DuckDB is at for a query. One call of a function can be deaf to
// interrupts: then the query is told that it has ended, and the call goes on by itself,
// with the memory, files and threads that it has.
type Calls struct {
	mu    sync.Mutex // guards what follows
	open  int        // that were left and have not returned
	after []func()
}

type callsKey struct{}

// WithCalls has what is done with the context for a query counted.
func WithCalls(ctx context.Context) (context.Context, *Calls) {
	c := &Calls{}
	return context.WithValue(ctx, callsKey{}, c), c
}

// After runs f when no call goes on that was left: now, or when the last one returns.
func (c *Calls) After(f func()) {
	c.mu.Lock()
	if c.open > 0 {
		c.after = append(c.after, f)
		f = func() {}
	}
	c.mu.Unlock()
	f()
}

// leave counts a call that is left.
func (c *Calls) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open++
}

// returned is called when a call that was left has returned.
func (c *Calls) returned() {
	c.mu.Lock()
	var after []func()
	if c.open--; c.open == 0 {
		after, c.after = c.after, nil
	}
	c.mu.Unlock()
	for _, f := range after {
		f()
	}
}

// call runs f, which is at DuckDB. Where ctx ends and f does not return, it is left:
// nothing that f uses may be touched any more, and behind it, clean frees that. The
// error is then why ctx ended.
func (e *Executor) call(ctx context.Context, f, clean func()) error {
	calls, _ := ctx.Value(callsKey{}).(*Calls)
	if calls == nil {
		calls = &Calls{}
	}
	var settled atomic.Bool // f returned, or was left: whichever was first
	var panicked any
	done := make(chan struct{})
	go func() {
		defer func() {
			panicked = recover()
			if settled.CompareAndSwap(false, true) {
				close(done)
				return
			}
			clean()
			e.left.Add(-1)
			calls.returned()
		}()
		f()
	}()
	if !finished(ctx, done) {
		e.left.Add(1)
		calls.leave()
		if settled.CompareAndSwap(false, true) {
			return context.Cause(ctx)
		}
		e.left.Add(-1)
		calls.returned()
		<-done
	}
	if panicked != nil {
		panic(panicked)
	}
	return nil
}

// finished waits until done, or for as long as a query's end is waited for.
func finished(ctx context.Context, done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	case <-ctx.Done():
	}
	wait := time.NewTimer(grace)
	defer wait.Stop()
	select {
	case <-done:
		return true
	case <-wait.C:
		return false
	}
}

// ended is a context that has ended already.
func ended(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
