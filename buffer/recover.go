package buffer

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
)

// recover reads what an earlier process left, stream by stream.
func (b *Buffer) recover() error {
	entries, err := b.fs.ReadDir(b.cfg.Dir)
	if err != nil {
		return err
	}
	// The earlier process may have ended between making a folder and this.
	if err := b.fs.SyncDir(b.cfg.Dir); err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir || CheckStream(e.Name) != nil {
			b.log.Warn("ignored: not a stream's folder", "path", filepath.Join(b.cfg.Dir, e.Name))
			continue
		}
		l := newLog(b, e.Name, filepath.Join(b.cfg.Dir, e.Name))
		l.made = true
		if err := l.recover(); err != nil {
			return err
		}
		b.logs[e.Name] = l
	}
	return nil
}

// recover reads a stream's folder. What fails for one segment sets that segment
// aside until the next Open and no more; the folder itself must work.
func (l *log) recover() error {
	// First of all: what we see must not be taken back by a crash.
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		return err
	}
	if err := l.finishSalvages(); err != nil {
		return err
	}
	if err := l.removeSpares(); err != nil {
		return err
	}
	ids, err := l.segments()
	if err != nil {
		return err
	}
	var open []*segment
	for _, id := range ids {
		s, err := l.recoverSegment(id)
		var newer *VersionError
		switch {
		case errors.As(err, &newer):
			return err
		case err != nil:
			l.setAside(err)
		case s == nil:
		case s.sealed:
			l.sealed = append(l.sealed, s)
		default:
			open = append(open, s)
		}
		if s != nil {
			l.counted(s)
		}
	}
	slices.SortFunc(open, bySequence)
	for i, s := range open {
		l.open = s
		if i == len(open)-1 {
			break
		}
		if err := l.sealOpen(SealRecovery, nil); err != nil {
			l.abandon()
			l.setAside(err)
		}
	}
	slices.SortFunc(l.sealed, bySequence)
	if len(l.sealed) > 0 {
		notify(l.b.changed)
	}
	return nil
}

// abandon forgets the open batch, whose file stays.
func (l *log) abandon() {
	if l.w != nil {
		l.w.file.Close() // it is not acknowledged anything by
		l.w = nil
	}
	l.open = nil
}

// bySequence is the order of a stream's batches. The id settles it where a
// damaged header lost the position.
func bySequence(x, y *segment) int {
	return cmp.Or(cmp.Compare(x.seq, y.seq), cmp.Compare(x.id, y.id))
}

// setAside keeps a segment that could not be made use of where it is.
func (l *log) setAside(err error) {
	l.aside = append(l.aside, fmt.Errorf("set aside until the next start: %w", err))
	l.b.metrics.quarantined.WithLabelValues("unusable").Inc()
	l.b.log.Error("segment set aside until the next start", "stream", l.name, "error", err)
}

// counted says what was recovered.
func (l *log) counted(s *segment) {
	m := l.b.metrics.recovered
	m.WithLabelValues("batches").Inc()
	m.WithLabelValues("records").Add(float64(s.records))
	m.WithLabelValues("bytes").Add(float64(s.bytes))
	l.b.log.Info("batch recovered", "stream", l.name, "batch", s.id, "sealed", s.sealed, "records", s.records, "bytes", s.bytes)
}

// segments lists the batches that have a segment.
func (l *log) segments() ([]lake.BatchID, error) {
	entries, err := l.b.fs.ReadDir(l.dir)
	if err != nil {
		return nil, err
	}
	var ids []lake.BatchID
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name, segmentExt)
		id, err := lake.ParseBatchID(name)
		switch {
		case e.IsDir && e.Name == quarantineDir:
		case !ok || err != nil || e.IsDir:
			l.b.log.Warn("ignored: not a segment", "path", filepath.Join(l.dir, e.Name))
		default:
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// recoverSegment makes a segment of a file: as it is, cut where its last commit
// was, or made anew of what can be read. It returns nil for one that held
// nothing, which is deleted.
func (l *log) recoverSegment(id lake.BatchID) (*segment, error) {
	path := segmentPath(l.dir, id)
	sc, err := l.scanFile(path, id)
	if err != nil {
		return nil, err
	}
	l.seq = max(l.seq, sc.header.seq) // also of one that is set aside or removed
	if sc.damaged {
		if id, err = l.salvage(path, id, sc); err != nil || id == "" {
			return nil, err
		}
		path = segmentPath(l.dir, id)
		if sc, err = l.scanFile(path, id); err != nil {
			return nil, err
		}
		if sc.damaged {
			return nil, fmt.Errorf("salvage segment: %w", sc.gap)
		}
	}
	if sc.rest > 0 {
		l.b.metrics.torn.WithLabelValues("segments").Inc()
		l.b.metrics.torn.WithLabelValues("bytes").Add(float64(sc.rest))
		l.b.log.Warn("cut off the rest of a commit that was never acknowledged", "stream", l.name, "batch", id,
			"offset", sc.keep, "bytes", sc.rest, "whole_frames", sc.later, "kept_records", sc.prefix.records)
	}
	if sc.prefix.records == 0 && sc.seal == nil {
		return nil, l.removeEmpty(path)
	}
	if err := l.settle(path, sc); err != nil {
		return nil, err
	}
	l.b.space.take(0, sc.keep, true)
	s := &segment{
		id: id, stream: l.name, path: path, seq: sc.header.seq, begun: since(sc.prefix.first),
		tally: sc.prefix, end: sc.end, disk: sc.keep, handle: handle{fs: l.b.fs, path: path},
	}
	if sc.seal != nil {
		s.sealed, s.at, s.reason, s.rules = true, milli(sc.seal.sealed), sc.seal.reason, sc.seal.rules
	}
	return s, nil
}

// scanFile scans one file.
func (l *log) scanFile(path string, id lake.BatchID) (*scan, error) {
	f, err := l.b.fs.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	return scanSegment(f, path, id, size)
}

// settle cuts a segment behind its last good frame and makes durable what was
// read. Both must be done before anything of it is shown or appended to it. The
// old tail could otherwise come back behind new frames. And what was read may
// be in the page cache alone, either not written yet or, after an fsync that
// failed, never to be: a page that was once marked clean is not written by
// another fsync. So what the last frame does not vouch for is written again.
func (l *log) settle(path string, sc *scan) error {
	f, err := l.b.fs.OpenWrite(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if sc.size != sc.keep {
		if err := f.Truncate(sc.keep); err != nil {
			return fmt.Errorf("cut segment: %w", err)
		}
	}
	buf := make([]byte, min(readAhead, sc.keep-sc.sure))
	for at := sc.sure; at < sc.keep; at += int64(len(buf)) {
		buf = buf[:min(int64(len(buf)), sc.keep-at)]
		if n, err := f.ReadAt(buf, at); n < len(buf) {
			return fmt.Errorf("read segment %s at %d: %w", path, at, err)
		}
		if err := f.WriteVec([][]byte{buf}, at); err != nil {
			return fmt.Errorf("write segment anew: %w", err)
		}
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync segment: %w", err)
	}
	return nil
}

// removeEmpty deletes a segment that never held an acknowledged record. If we
// crash before that is durable, it is deleted again.
func (l *log) removeEmpty(path string) error {
	l.b.log.Debug("removed a segment without records", "stream", l.name, "segment", path)
	if err := l.b.fs.Remove(path); err != nil {
		return fmt.Errorf("remove empty segment: %w", err)
	}
	return nil
}

// since is the time at which something that happened at ms began to age, by
// this process's clock: a wall clock that was set back does not make it younger
// than now.
func since(ms int64) time.Time {
	now := time.Now()
	return now.Add(-max(0, now.Sub(milli(ms))))
}
