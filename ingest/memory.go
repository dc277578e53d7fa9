package ingest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// MaxBuffer has room for a record of MaxRecord bytes and the newline after it.
	MaxBuffer = 1 << 20
	// LargeBuffer has room for such a record in base64, or cut into the smallest
	// objects with a newline after each.
	LargeBuffer = 2 << 20
	// MinMemory is the least that NewMemory takes: what the most demanding
	// single request needs (two largest buffers and a zstd window), and some.
	MinMemory = 16 << 20
	// memoryWait is how long a request waits for memory before it is sent away.
	memoryWait = time.Second
)

// bufferSizes are the classes of buffers. A request starts small and moves to
// a larger class as its bytes come in, so a client that sends nothing holds
// little.
var bufferSizes = [...]int{4 << 10, 16 << 10, 64 << 10, 256 << 10, MaxBuffer, LargeBuffer}

// Memory bounds the bytes that all requests being read hold together. Buffers
// that nobody holds are left to the garbage collector.
type Memory struct {
	limit int64
	wait  time.Duration
	sem   *semaphore.Weighted
	used  atomic.Int64
	pools [len(bufferSizes)]sync.Pool // of *Buffer
}

// NewMemory bounds memory at limit bytes. A request that finds it used up waits
// up to a second (wait, if not zero) for others to finish.
func NewMemory(limit int64, wait time.Duration) (*Memory, error) {
	if limit < MinMemory {
		return nil, fmt.Errorf("http.max_in_flight is %d bytes: a single request may need %d (16MiB)", limit, MinMemory)
	}
	if wait == 0 {
		wait = memoryWait
	}
	return &Memory{limit: limit, wait: wait, sem: semaphore.NewWeighted(limit)}, nil
}

// InUse is how many bytes are held now.
func (m *Memory) InUse() int64 { return m.used.Load() }

// Limit is how many bytes may be held.
func (m *Memory) Limit() int64 { return m.limit }

// Reserve holds n bytes until Release, waiting for them for a while.
func (m *Memory) Reserve(ctx context.Context, n int64) *Problem {
	if m.tryReserve(n) {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, m.wait)
	defer cancel()
	if err := m.sem.Acquire(waiting, n); err != nil {
		if ctx.Err() != nil {
			return AppendProblem(ctx.Err())
		}
		return &Problem{Status: http.StatusServiceUnavailable, Code: CodeOverloaded, RetryAfter: time.Second, Err: err,
			Message: "too many requests are being read at once (http.max_in_flight); try again soon"}
	}
	m.used.Add(n)
	return nil
}

func (m *Memory) tryReserve(n int64) bool {
	ok := m.sem.TryAcquire(n)
	if ok {
		m.used.Add(n)
	}
	return ok
}

// Release gives back what Reserve held.
func (m *Memory) Release(n int64) {
	m.used.Add(-n)
	m.sem.Release(n)
}

// A Buffer is a piece of Memory.
type Buffer struct {
	B     []byte // its whole length is the holder's
	class int
	mem   *Memory
}

// Get returns a buffer of at least n bytes, waiting for memory for a while.
func (m *Memory) Get(ctx context.Context, n int) (*Buffer, *Problem) {
	c := bufferClass(n)
	if p := m.Reserve(ctx, int64(bufferSizes[c])); p != nil {
		return nil, p
	}
	return m.take(c), nil
}

// TryGet returns a buffer of at least n bytes, or nil if that would mean to
// wait.
func (m *Memory) TryGet(n int) *Buffer {
	c := bufferClass(n)
	if !m.tryReserve(int64(bufferSizes[c])) {
		return nil
	}
	return m.take(c)
}

func (m *Memory) take(class int) *Buffer {
	if b, ok := m.pools[class].Get().(*Buffer); ok {
		b.mem = m
		return b
	}
	return &Buffer{B: make([]byte, bufferSizes[class]), class: class, mem: m}
}

// Free ends the hold on the buffer, which must not be used again.
func (b *Buffer) Free() {
	m := b.mem
	if m == nil {
		panic("BUG: a buffer was freed twice")
	}
	b.mem = nil
	m.pools[b.class].Put(b)
	m.Release(int64(len(b.B)))
}

func bufferClass(n int) int {
	for c, size := range bufferSizes {
		if n <= size {
			return c
		}
	}
	panic(fmt.Sprintf("BUG: a buffer of %d bytes is larger than any", n))
}
