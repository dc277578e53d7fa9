package query

import (
	"context"
	"sync/atomic"
)

// A queue lets a bounded number of queries run and a bounded number wait.
type queue struct {
	running chan struct{} // one token a running query
	waiting atomic.Int64
	limit   int64 // of waiting
}

func newQueue(concurrent, limit int) *queue {
	return &queue{running: make(chan struct{}, concurrent), limit: int64(limit)}
}

// enter waits for a turn; leave gives it back.
func (q *queue) enter(ctx context.Context) (leave func(), err error) {
	leave = func() { <-q.running }
	select {
	case q.running <- struct{}{}:
		return leave, nil
	default:
	}
	if q.waiting.Add(1) > q.limit {
		q.waiting.Add(-1)
		return nil, fault(CodeQueueFull, "%d queries are running (query.concurrent) and %d waiting (query.queue): try again later, cancel one, or raise these settings", cap(q.running), q.limit)
	}
	defer q.waiting.Add(-1)
	select {
	case q.running <- struct{}{}:
		return leave, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}
