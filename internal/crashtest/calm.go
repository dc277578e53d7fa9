package main

import "sync"

// A calm tells whether something was broken during a span of time, so that an
// error in undisturbed times is one.
type calm struct {
	mu     sync.Mutex
	broken int // what is broken now; guarded by mu
	change int // grows with each thing that breaks or heals; guarded by mu
}

// disturb says that something breaks now; the function, that it has healed.
func (c *calm) disturb() (healed func()) {
	c.mu.Lock()
	c.broken++
	c.change++
	c.mu.Unlock()
	return func() {
		c.mu.Lock()
		c.broken--
		c.change++
		c.mu.Unlock()
	}
}

// watch begins a span; the function reports whether nothing was broken in it up
// to now, and the instance was left alone.
func (c *calm) watch(i *instance) (undisturbed func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	broken, change := c.broken, c.change
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !i.doomed.Load() && broken == 0 && c.broken == 0 && c.change == change
	}
}
