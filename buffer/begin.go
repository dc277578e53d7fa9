package buffer

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"sluice/internal/lake"
)

// begin makes the next segment, with room for l.payloads. Nothing in it is
// acknowledged before its name is durable.
func (l *log) begin() error {
	if err := l.mkdir(); err != nil {
		return err
	}
	if sp, ok := l.b.space.spareOf(l.name); ok {
		if done, err := l.beginIn(sp); done || err != nil {
			return err
		}
	}
	return l.beginNew()
}

// beginNew creates a file for the next segment.
func (l *log) beginNew() error {
	// Asked first, lest every append that is refused makes and removes a file.
	if err := l.b.space.check(); err != nil {
		return l.refused(err)
	}
	now := time.Now()
	id := lake.NewBatchID(now)
	w := &writer{salt: saltOf(id), header: &fileHeader{id: id, stream: l.name, seq: l.seq + 1, begun: now.UnixMilli()}}
	path := segmentPath(l.dir, id)
	f, err := l.b.fs.Create(path)
	if err != nil {
		return l.refused(fmt.Errorf("create segment: %w", err))
	}
	w.file = f
	if err := w.grow(l.b.space, w.need(l.payloads), false); err != nil {
		// Nothing was written: if the file stays, recovery takes it for empty.
		f.Close()
		l.b.fs.Remove(path)
		return l.refused(err)
	}
	// If we crash here, the segment may be there or not; either way it holds
	// nothing, and recovery removes it.
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		f.Close()
		l.b.space.give(w.disk)
		return l.fail("fsync folder", err)
	}
	l.start(w, &segment{id: id, path: path, seq: l.seq + 1, disk: w.disk, salts: []uint32{w.salt}})
	return nil
}

// start makes s the open batch.
func (l *log) start(w *writer, s *segment) {
	s.stream, s.handle = l.name, handle{fs: l.b.fs, path: s.path}
	l.mu.Lock()
	l.seq = s.seq
	l.open = s
	l.mu.Unlock()
	l.w = w
	l.b.log.Debug("batch begun", "stream", l.name, "batch", s.id, "reused", w.reused > 0)
}

// mkdir makes the stream's folder durable.
func (l *log) mkdir() error {
	if l.made {
		return nil
	}
	if err := l.b.fs.Mkdir(l.dir); err != nil {
		return l.refused(fmt.Errorf("make folder of stream: %w", err))
	}
	if err := l.b.fs.SyncDir(filepath.Dir(l.dir)); err != nil {
		return l.fail("fsync folder", err)
	}
	l.made = true
	return nil
}

// refused passes on why an append or a seal was not begun. Where the reason is
// a ceiling it asks Run to make room.
func (l *log) refused(err error) error {
	if errors.Is(err, ErrNoSpace) {
		err = diskFull(err)
	}
	var full *FullError
	if errors.As(err, &full) {
		l.b.metrics.full.Inc()
		notify(l.b.pressure)
	}
	return err
}

// fail makes the first failed write or fsync of the log stick. The disk may now
// hold any part of what was not acknowledged, and the page cache may show more
// of it than the disk has: it is the next Open that settles what it is.
func (l *log) fail(verb string, err error) error {
	where := l.dir
	if l.open != nil {
		where = l.open.path
	}
	if l.w != nil {
		l.w.file.Close() // nothing rests on it
		l.w = nil
	}
	return l.stick(fmt.Errorf("%s %s: %w", verb, where, err))
}

// stick makes err the end of the log, unless another came first.
func (l *log) stick(err error) error {
	f := &FailedError{Stream: l.name, Err: err}
	l.mu.Lock()
	if l.failed == nil {
		l.failed = f
	}
	l.mu.Unlock()
	l.b.metrics.failed.Inc()
	l.b.log.Error("log failed for good", "stream", l.name, "error", f)
	select {
	case l.b.failure <- f:
	default: // Run hears of the first
	}
	return f
}
