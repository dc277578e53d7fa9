package compact

import (
	"context"
	"sync"
	"time"

	"sluice/internal/lake"
)

// A Status is the partition that is being compacted.
type Status struct {
	Table     lake.TableName
	Partition []string
	// Number is the partition's among those of the table that are looked at, from 1, and Of
	// how many these are.
	Number, Of int
	// Done are the bytes of its files that are done, of Total. Of files that are sorted in
	// two passes half of the bytes are done after each.
	Done, Total int64
	Since       time.Time
}

// A board is where the status stands.
type board struct {
	mu  sync.Mutex
	now Status // Of is 0: nothing is being compacted; guarded by mu
}

// Status is what is being compacted; ok is false where nothing is.
func (c *Compactor) Status() (s Status, ok bool) {
	c.board.mu.Lock()
	defer c.board.mu.Unlock()
	return c.board.now, c.board.now.Of > 0
}

func (b *board) set(s Status) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = s
}

func (b *board) add(bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now.Done = min(b.now.Done+bytes, b.now.Total)
}

// A meter has work paced, and its progress told.
type meter struct {
	c    *Compactor
	wait func(done int64)
	done int64
}

func (c *Compactor) meter(ctx context.Context) *meter {
	return &meter{c: c, wait: c.cfg.Pace.Start(ctx)}
}

// to says how many bytes are done.
func (m *meter) to(done int64) {
	m.c.board.add(done - m.done)
	m.done = done
	m.wait(done)
}

// undo says that it has to be done again.
func (m *meter) undo() { m.c.board.add(-m.done) }
