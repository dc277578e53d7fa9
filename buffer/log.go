package buffer

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"sluice/internal/lake"
)

// A log is one stream's: a queue of what waits to be committed, the open batch
// and the sealed ones.
//
// Appends and seals queue as requests. Whoever finds nobody leading leads:
// takes a run of requests from the head of the queue, commits them with one
// write and one fsync, wakes those who wait for them, and hands the lead to the
// head of what queued meanwhile. So there is no goroutine of the log's own, and
// everything that is written to a segment is written by one leader at a time.
type log struct {
	b    *Buffer
	name string
	dir  string
	room *semaphore.Weighted // bytes of the queue, those being committed included

	mu      sync.Mutex
	idle    sync.Cond  // signalled when leading ends
	queue   []*request // waiting, in order
	leading bool       // somebody leads
	closed  bool
	failed  *FailedError  // the first failed write or fsync; nothing is accepted after it
	blocked *BlockedError // why nothing is taken for now, or nil
	tryAt   time.Time     // when to see whether that is over
	open    *segment      // the batch being filled, or nil
	sealed  []*segment    // oldest first
	seq     uint64        // of the latest segment
	made    bool          // dir exists, durably
	aside   []error       // segments that recovery could not make use of, for now

	// Used by the leader alone.
	w        *writer // of open; nil before the first append to a recovered one
	group    []*request
	payloads []payload

	metrics streamMetrics
}

// A request is an append or a seal that waits for its turn.
type request struct {
	payload
	seal bool // takes its turn alone
	try  bool // of those, one that seals nothing and gets ready to write
	why  SealReason
	only *segment // seal this one or nothing; nil for any
	wake chan signal
}

// A signal ends a request's wait: it leads now, or it is done.
type signal struct {
	lead bool
	err  error
}

func newRequest() any { return &request{wake: make(chan signal, 1)} }

func newLog(b *Buffer, name string, dir string) *log {
	l := &log{b: b, name: name, dir: dir, room: semaphore.NewWeighted(b.queueBytes), metrics: b.metrics.stream(name)}
	l.idle.L = &l.mu
	return l
}

// append waits for a place in the queue, as long as ctx allows, and then for
// the commit.
func (l *log) append(ctx context.Context, block lake.Block) error {
	place := min(int64(len(block.Data)+len(block.Attrs))+frameHeaderLen, l.b.queueBytes)
	if !l.room.TryAcquire(place) { // ctx's channel is made when it is first asked for
		if err := l.room.Acquire(ctx, place); err != nil {
			return fmt.Errorf("append to %s: wait for a place in the queue: %w", l.name, err)
		}
	}
	defer l.room.Release(place)
	r := l.b.requests.Get().(*request)
	r.payload = newPayload(block)
	err := l.submit(r)
	r.payload = payload{}
	l.b.requests.Put(r)
	return err
}

// sealNow seals the open batch behind everything that is queued. Where only is
// not nil, no other batch is sealed.
func (l *log) sealNow(why SealReason, only *segment) error {
	r := l.b.requests.Get().(*request)
	r.seal, r.why, r.only = true, why, only
	err := l.submit(r)
	r.seal, r.only = false, nil
	l.b.requests.Put(r)
	return err
}

// submit queues r and returns its result.
func (l *log) submit(r *request) error {
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return ErrClosed
	case l.failed != nil:
		defer l.mu.Unlock()
		return l.failed
	}
	l.queue = append(l.queue, r)
	if l.leading {
		l.mu.Unlock()
		if s := <-r.wake; !s.lead {
			return s.err
		}
	} else {
		l.leading = true
		l.mu.Unlock()
	}
	return l.lead(r)
}

// lead commits a run of requests, of which own is the first, and hands over.
func (l *log) lead(own *request) error {
	limit := l.b.sizeOf(l.name)
	l.mu.Lock()
	l.takeLocked(limit)
	var err error
	if l.failed != nil {
		err = l.failed
	}
	l.mu.Unlock()

	switch {
	case err != nil:
	case own.try:
		l.payloads = l.payloads[:0]
		err = l.ready()
	case own.seal:
		err = l.sealOpen(own.why, own.only)
	default:
		err = l.commit()
	}
	for i, r := range l.group {
		if r != own {
			r.wake <- signal{err: err}
		}
		l.group[i] = nil
	}
	if !own.seal && err == nil && l.open.bytes >= limit {
		// Everybody has his answer; if sealing fails, that is the next one's to hear.
		if serr := l.sealOpen(SealSize, nil); serr != nil {
			l.b.log.Warn("batch reached its size but was not sealed", "stream", l.name, "error", serr)
		}
	}

	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) > 0 {
		l.queue[0].wake <- signal{lead: true}
	} else {
		l.leading = false
		l.idle.Broadcast()
	}
	return err
}

// takeLocked moves to l.group the requests that the next commit takes: a seal
// alone, or the appends up to the next seal or up to the batch's size.
func (l *log) takeLocked(limit int64) {
	var held int64
	if l.open != nil {
		held = l.open.bytes
	}
	n := 0
	for n < len(l.queue) && (n == 0 || !l.queue[n].seal && held < limit) {
		held += int64(len(l.queue[n].data))
		n++
		if l.queue[0].seal {
			break
		}
	}
	l.group = append(l.group[:0], l.queue[:n]...)
	rest := copy(l.queue, l.queue[n:])
	clear(l.queue[rest:])
	l.queue = l.queue[:rest]
}

// commit makes the group durable, or fails it as a whole.
func (l *log) commit() error {
	l.payloads = l.payloads[:0]
	for _, r := range l.group {
		l.payloads = append(l.payloads, r.payload)
	}
	defer clear(l.payloads)
	if err := l.ready(); err != nil {
		return err
	}
	before := l.w.tally
	if err := l.w.write(l.payloads); err != nil {
		return l.fail("write", err)
	}
	began := time.Now()
	if err := l.w.sync(); err != nil {
		return l.fail("fsync", err)
	}
	l.b.metrics.fsync.Observe(time.Since(began).Seconds())

	l.mu.Lock()
	first := l.open.records == 0
	if first {
		l.open.begun = began
	}
	l.open.tally, l.open.end, l.open.disk = l.w.tally, l.w.off, l.w.disk
	l.mu.Unlock()
	l.metrics.appends.Add(float64(len(l.group)))
	l.metrics.records.Add(float64(l.w.records - before.records))
	l.metrics.bytes.Add(float64(l.w.bytes - before.bytes))
	if first {
		notify(l.b.begun)
	}
	return nil
}

// ready sees to it that l.w can take the payloads: that there is a segment and
// that it has room. Nothing is written to the segment, so what fails here can be
// tried again.
func (l *log) ready() error { return l.noted(l.prepare()) }

func (l *log) prepare() error {
	if err := l.writable(); err != nil {
		return err
	}
	if l.w == nil {
		return l.begin()
	}
	err := l.w.grow(l.b.space, l.w.need(l.payloads), false)
	if err != nil {
		return l.refused(err)
	}
	return nil
}

// writable opens the segment that recovery left open, if that is yet to be done.
func (l *log) writable() error {
	if l.w != nil || l.open == nil {
		return nil
	}
	f, err := l.b.fs.OpenWrite(l.open.path)
	if err != nil {
		return fmt.Errorf("open segment %s: %w", l.open.path, err)
	}
	s := l.open
	l.w = &writer{file: f, salt: saltOf(s.id), off: s.end, durable: s.end, disk: s.disk, tally: s.tally}
	return nil
}

// notify sends on a channel of capacity 1 unless it holds a signal already.
func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
