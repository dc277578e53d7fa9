package natsjs

import (
	"sync"
)

const (
	// A batch that is stored at once is at most so much.
	maxBatchBytes = 4 << 20
	maxBatchItems = 8 << 10
)

// A queue holds messages between the connection and the workers. Its bytes are
// bounded: past them put waits, and so the connection's reader of this consumer.
type queue struct {
	mu     sync.Mutex
	more   sync.Cond // there is something, or it is closed
	room   sync.Cond // there is room, or it is closed
	items  []item    // guarded by mu
	bytes  int64     // of items
	limit  int64
	closed bool
	ending bool // nothing is added any more; what is there is taken
}

func newQueue(limit int64) *queue {
	q := &queue{limit: limit}
	q.more.L, q.room.L = &q.mu, &q.mu
	return q
}

// put adds an item; false if the queue is closed.
func (q *queue) put(it item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.bytes >= q.limit && !q.closed {
		q.room.Wait()
	}
	if q.closed {
		return false
	}
	q.items = append(q.items, it)
	q.bytes += it.size()
	q.more.Signal()
	return true
}

// offer is put that does not wait: false if there is no room.
func (q *queue) offer(it item) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.bytes >= q.limit || q.closed || q.ending {
		return false
	}
	q.items = append(q.items, it)
	q.bytes += it.size()
	q.more.Signal()
	return true
}

// finish ends adding; take gives what is there, and then nothing.
func (q *queue) finish() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ending = true
	q.more.Broadcast()
}

// take appends what there is to dst, one batch at most; nothing when the queue is
// closed.
func (q *queue) take(dst []item) (items []item, bytes int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed && !q.ending {
		q.more.Wait()
	}
	if q.closed {
		return dst, 0
	}
	n := 0
	for n < len(q.items) && n < maxBatchItems && (n == 0 || bytes < maxBatchBytes) {
		bytes += q.items[n].size()
		n++
	}
	dst = append(dst, q.items[:n]...)
	left := copy(q.items, q.items[n:])
	clear(q.items[left:]) // lets go of the messages
	q.items = q.items[:left]
	q.bytes -= bytes
	if left > 0 {
		q.more.Signal()
	}
	q.room.Broadcast()
	return dst, bytes
}

// close ends waiting and returns what is left.
func (q *queue) close() []item {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	left := q.items
	q.items, q.bytes = nil, 0
	q.more.Broadcast()
	q.room.Broadcast()
	return left
}
