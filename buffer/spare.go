package buffer

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"sluice/internal/lake"
)

const (
	// spareExt names the file of a released segment: nothing in it counts.
	spareExt = ".spare"
	// maxLives bounds how many batches one file holds in turn.
	maxLives = 64
	// shrinkStep is how much of a file is freed at once. To free a large file in
	// one go holds up every other commit of the file system's journal meanwhile.
	shrinkStep = 8 << 20
)

// A spare is the file of a released segment that is kept to be written again:
// writing over blocks that a file has costs the file system no journal entry, so
// an fsync of it is cheaper and steadier, and nothing need be freed.
type spare struct {
	stream string
	path   string
	disk   int64
	salts  []uint32 // of every batch that was in it
}

func sparePath(dir string, id lake.BatchID) string {
	return filepath.Join(dir, string(id)+spareExt)
}

// reusable says that the segment's file is worth keeping: the stream fills its
// batches, and all that was ever written to the file is known.
func (l *log) reusable(s *segment) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.reason == SealSize && len(s.salts) > 0 && len(s.salts) < maxLives && s.disk <= l.b.space.spareMax && l.failed == nil
}

// keepOrDiscard is the end of a released segment, whose name was changed durably.
func (l *log) keepOrDiscard(s *segment, reuse bool) {
	sp := spare{stream: l.name, path: sparePath(l.dir, s.id), disk: s.disk, salts: s.salts}
	if !reuse {
		l.b.discard(sp)
		return
	}
	for _, old := range l.b.space.keep(sp) {
		l.b.discard(old)
	}
}

// discard deletes a spare. What fails leaves a file to the next Open, no more.
func (b *Buffer) discard(sp spare) {
	err := b.shrink(sp)
	if err == nil {
		err = b.fs.Remove(sp.path)
	}
	if err != nil {
		b.log.Warn("a released segment's file stays until the next start", "path", sp.path, "error", err)
		return
	}
	b.space.give(sp.disk)
}

// shrink frees all but the last step of a large file.
func (b *Buffer) shrink(sp spare) error {
	if sp.disk <= shrinkStep {
		return nil
	}
	f, err := b.fs.OpenWrite(sp.path)
	if err != nil {
		return err
	}
	defer f.Close()
	return truncate(f, sp.disk, shrinkStep)
}

// truncate shortens a file step by step.
func truncate(f File, from, to int64) error {
	for from > to {
		from = max(from-shrinkStep, to)
		if err := f.Truncate(from); err != nil {
			return err
		}
	}
	return nil
}

// beginIn makes a segment of a spare. ok is false if it was of no use, and a new
// file is to be made.
func (l *log) beginIn(sp spare) (ok bool, err error) {
	now := time.Now()
	id := lake.NewBatchID(now)
	for slices.Contains(sp.salts, saltOf(id)) { // then its old frames would count as ours
		id = lake.NewBatchID(now)
	}
	f, err := l.b.fs.OpenWrite(sp.path)
	if err != nil {
		l.b.log.Warn("a released segment cannot be written again", "path", sp.path, "error", err)
		l.b.discard(sp)
		return false, nil
	}
	w := &writer{file: f, salt: saltOf(id), disk: sp.disk, reused: sp.disk}
	if err := w.grow(l.b.space, fileHeaderLen+w.need(l.payloads), false); err != nil {
		f.Close()
		l.b.discard(sp)
		return false, nil
	}
	// If we crash before the new name is durable, the file is a spare, and
	// recovery removes it, or it is a segment with its own header and no frame.
	header := fileHeader{id: id, stream: l.name, seq: l.seq + 1, begun: now.UnixMilli(), reused: sp.disk}
	path := segmentPath(l.dir, id)
	switch err := l.rename(w, &header, sp.path, path); {
	case errors.Is(err, ErrNoSpace): // it is a spare still, and nothing in it counts
		f.Close()
		sp.disk = w.disk
		l.b.discard(sp)
		return false, nil
	case err != nil:
		f.Close()
		return false, l.fail("begin segment in", err)
	}
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		f.Close()
		return false, l.fail("fsync folder", err)
	}
	l.start(w, &segment{id: id, path: path, seq: header.seq, disk: w.disk, salts: append(sp.salts, w.salt)})
	return true, nil
}

// rename makes the spare a segment without frames; the name is not durable yet.
func (l *log) rename(w *writer, header *fileHeader, from, to string) error {
	if err := w.begin(header); err != nil {
		return err
	}
	if err := w.sync(); err != nil {
		return err
	}
	if err := l.b.fs.Rename(from, to); err != nil {
		return fmt.Errorf("rename %s: %w", from, err)
	}
	return nil
}

// removeSpares deletes what an earlier process kept.
func (l *log) removeSpares() error {
	entries, err := l.b.fs.ReadDir(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if filepath.Ext(e.Name) != spareExt || e.IsDir {
			continue
		}
		if err := l.b.fs.Remove(filepath.Join(l.dir, e.Name)); err != nil {
			l.b.log.Warn("a released segment's file stays until the next start", "stream", l.name, "error", err)
		}
	}
	return nil
}
