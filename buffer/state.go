package buffer

import (
	"errors"
	"time"
)

// A StreamState says what a stream's log holds.
type StreamState struct {
	Name          string
	OpenBatches   int // with records: 0 or 1
	SealedBatches int // not released
	Records       int64
	Bytes         int64     // of records, newlines included
	DiskBytes     int64     // of segments, preallocated space included
	Oldest        time.Time // earliest arrival of a record that is held; zero if none is
	// Age is for how long the log has held a record, at most; 0 if it holds none. A
	// wall clock that is set meanwhile does not change it.
	Age time.Duration
	// Err is what keeps the log from accepting more, or segments that recovery
	// could not make use of; nil when all is well.
	Err error
}

// Streams says what each stream's log holds, by name. Streams are known from
// their first Append on, over restarts too.
func (b *Buffer) Streams() []StreamState {
	logs := b.all()
	list := make([]StreamState, len(logs))
	for i, l := range logs {
		list[i] = l.state()
	}
	return list
}

func (l *log) state() StreamState {
	l.mu.Lock()
	defer l.mu.Unlock()
	st := StreamState{Name: l.name, SealedBatches: len(l.sealed), Err: errors.Join(l.aside...)}
	switch {
	case l.failed != nil:
		st.Err = errors.Join(append([]error{l.failed}, l.aside...)...)
	case l.blocked != nil:
		st.Err = errors.Join(append([]error{l.blocked}, l.aside...)...)
	}
	add := func(s *segment) {
		st.Records += s.records
		st.Bytes += s.bytes
		st.DiskBytes += s.disk
		if first := milli(s.first); st.Oldest.IsZero() || first.Before(st.Oldest) {
			st.Oldest = first
		}
		st.Age = max(st.Age, time.Since(s.begun))
	}
	for _, s := range l.sealed {
		add(s)
	}
	if l.open != nil && l.open.records > 0 {
		st.OpenBatches = 1
		add(l.open)
	}
	return st
}

// Ready is nil when the log can grow: otherwise the *FailedError or *BlockedError
// of a stream, or the *FullError that the next segment would meet.
func (b *Buffer) Ready() error {
	for _, l := range b.all() {
		l.mu.Lock()
		failed, blocked := l.failed, l.blocked
		l.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case blocked != nil:
			return blocked
		}
	}
	return b.space.check()
}
