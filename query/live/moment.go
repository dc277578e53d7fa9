package live

// A Moment is the place of a query's snapshot of the buffer among those of other
// queries.
type Moment struct {
	cache  *Cache
	number uint64
}

// Begin is called before a snapshot is taken, and the Moment's End when nothing
// will be acquired for it any more.
func (c *Cache) Begin() *Moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.latest++
	c.open[c.latest] = struct{}{}
	return &Moment{cache: c, number: c.latest}
}

// End may be called more than once.
func (m *Moment) End() {
	m.cache.mu.Lock()
	defer m.cache.mu.Unlock()
	delete(m.cache.open, m.number)
}

// oldestLocked is the number of the oldest moment that is not over, or more than
// any if all are.
func (c *Cache) oldestLocked() uint64 {
	oldest := c.latest + 1
	for n := range c.open {
		oldest = min(oldest, n)
	}
	return oldest
}
