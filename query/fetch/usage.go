package fetch

import "sync/atomic"

// Usage counts what was done for one query. Its methods may be called at the same
// time, and of a nil Usage.
type Usage struct {
	requests, bytes, cached atomic.Int64
}

func (u *Usage) fetched(n int64) {
	if u != nil {
		u.requests.Add(1)
		u.bytes.Add(n)
	}
}

func (u *Usage) hit(n int64) {
	if u != nil {
		u.cached.Add(n)
	}
}

// Requests is how many requests for data the store answered.
func (u *Usage) Requests() int64 { return u.requests.Load() }

// Fetched is how many bytes were read from the store.
func (u *Usage) Fetched() int64 { return u.bytes.Load() }

// Cached is how many bytes of column chunks were in the cache already.
func (u *Usage) Cached() int64 { return u.cached.Load() }
