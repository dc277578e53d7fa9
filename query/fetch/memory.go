package fetch

import (
	"container/list"
	"context"
	"sync"
)

// A memory keeps what was read of objects, up to a number of bytes.
type memory struct {
	limit int64

	mu      sync.Mutex // guards all below
	entries map[string]*entry
	order   *list.List // of *entry that are complete, the least recently used first
	bytes   int64      // of complete entries
}

// An entry is being loaded or complete.
type entry struct {
	key   string
	ready chan struct{} // closed when it is complete or failed
	value value         // this and err are set before ready is closed
	err   error
	place *list.Element // nil until complete
}

func newMemory(limit int64) *memory {
	return &memory{limit: limit, entries: make(map[string]*entry), order: list.New()}
}

// get is the value of the key, loaded once for all who want it at the same time.
// Where one fails, maybe because its query was cancelled, the next tries itself.
func (m *memory) get(ctx context.Context, key string, load func() (value, error)) (value, error) {
	for {
		m.mu.Lock()
		e, found := m.entries[key]
		if !found {
			e = &entry{key: key, ready: make(chan struct{})}
			m.entries[key] = e
		}
		if e.place != nil {
			m.order.MoveToBack(e.place)
		}
		m.mu.Unlock()
		if !found {
			e.value, e.err = load()
			m.loaded(e)
			return e.value, e.err
		}
		select {
		case <-e.ready:
		case <-ctx.Done():
			return value{}, context.Cause(ctx)
		}
		if e.err == nil {
			return e.value, nil
		}
		if ctx.Err() != nil {
			return value{}, context.Cause(ctx)
		}
	}
}

func (m *memory) loaded(e *entry) {
	m.mu.Lock()
	defer m.mu.Unlock()
	close(e.ready)
	if e.err != nil || e.value.cost() > m.limit {
		delete(m.entries, e.key)
		return
	}
	e.place = m.order.PushBack(e)
	m.bytes += e.value.cost()
	for m.bytes > m.limit {
		oldest := m.order.Remove(m.order.Front()).(*entry)
		delete(m.entries, oldest.key)
		m.bytes -= oldest.value.cost()
	}
}
