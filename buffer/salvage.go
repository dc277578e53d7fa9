package buffer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
	"time"

	"sluice/internal/lake"
)

const (
	// quarantineDir, in a stream's folder, keeps damaged segments as they were found.
	quarantineDir = "quarantine"
	// salvageMark stands between the ids in the name of a salvage under way:
	// {new id}.from-{damaged segment's id}.
	salvageMark = ".from-"
	// salvageGroup is about how many bytes salvage writes at once.
	salvageGroup = 1 << 20
)

// salvage makes a new segment of all that can be read of a damaged one, and
// moves the damaged one to quarantine. It returns the new segment's batch id,
// "" if nothing could be read.
//
// A batch that was sealed may be half delivered: it keeps its id, so that
// delivering it again overwrites the same objects. So does one of which that
// cannot be ruled out. An open one was never delivered and gets a new id, since
// offsets into it that others remember are void.
func (l *log) salvage(path string, id lake.BatchID, sc *scan) (lake.BatchID, error) {
	newID := id
	if !sc.maybeSealed() {
		newID = lake.NewBatchID(time.Now())
	}
	aside := filepath.Join(l.dir, string(newID)+salvageMark+string(id))
	if sc.good.records > 0 {
		if err := l.copyGood(path, id, aside, newID, sc); err != nil {
			l.b.fs.Remove(aside) // if that fails, the next Open does it
			return "", fmt.Errorf("salvage segment %s: %w", path, err)
		}
	}
	kept, err := l.quarantine(path, id) // syncs l.dir, with the copy's name
	if err != nil {
		return "", fmt.Errorf("quarantine segment %s: %w", path, err)
	}
	// The salvaged copy and the damaged segment's second name are durable. If we
	// crash before the damaged one is gone from here, all is done again from it;
	// after that, the next Open finds the copy without its origin and goes on.
	if err := l.b.fs.Remove(path); err != nil {
		return "", fmt.Errorf("quarantine segment %s: %w", path, err)
	}
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		return "", fmt.Errorf("quarantine segment %s: %w", path, err)
	}
	l.b.metrics.quarantined.WithLabelValues("segments").Inc()
	l.b.metrics.quarantined.WithLabelValues("records").Add(float64(sc.lost()))
	l.b.log.Error("segment is damaged: moved to quarantine, what can be read is kept", "stream", l.name, "batch", id,
		"quarantine", kept, "new_batch", newID, "sealed", sc.seal != nil, "at", sc.gap.Offset, "reason", sc.gap.Reason,
		"records_kept", sc.good.records, "records_known_lost", sc.lost())
	if sc.good.records == 0 {
		return "", nil
	}
	return newID, l.promote(aside, newID)
}

// promote gives a salvaged segment its name.
func (l *log) promote(aside string, id lake.BatchID) error {
	if err := l.b.fs.Rename(aside, segmentPath(l.dir, id)); err != nil {
		return fmt.Errorf("name salvaged segment: %w", err)
	}
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		return fmt.Errorf("name salvaged segment: %w", err)
	}
	return nil
}

// finishSalvages ends what an earlier process had begun: a copy whose origin is
// still there may be incomplete and goes; one whose origin is gone is complete.
func (l *log) finishSalvages() error {
	entries, err := l.b.fs.ReadDir(l.dir)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, e := range entries {
		there[e.Name] = true
	}
	for _, e := range entries {
		to, from, ok := strings.Cut(e.Name, salvageMark)
		id, err := lake.ParseBatchID(to)
		if !ok || err != nil {
			continue
		}
		path := filepath.Join(l.dir, e.Name)
		if there[from+segmentExt] {
			err = l.b.fs.Remove(path)
		} else {
			err = l.promote(path, id)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// copyGood writes every frame of a damaged segment that can be read to a new
// segment, durable; its name, aside, is yet to be.
func (l *log) copyGood(path string, id lake.BatchID, aside string, newID lake.BatchID, sc *scan) error {
	src, err := l.b.fs.Open(path)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := l.b.fs.Create(aside)
	if err != nil {
		return err
	}
	defer dst.Close()
	header := sc.header
	header.id, header.stream, header.reused = newID, l.name, 0
	c := &copier{w: &writer{file: dst, salt: saltOf(newID), header: &header}, space: l.b.space}
	defer func() { l.b.space.give(c.w.disk) }() // recoverSegment counts it when it is in place
	r := &frameReader{src: src, path: path, salt: saltOf(id), pos: fileHeaderLen, end: sc.size}
	err = r.hunt(func(h frameHeader, f *frame) error {
		if f == nil || h.kind != kindRecords {
			return nil
		}
		return c.add(f)
	})
	if err != nil {
		return err
	}
	return c.finish(sc.seal)
}

// A copier writes frames to a new segment in groups.
type copier struct {
	w     *writer
	space *space
	group []payload
	bytes int
}

func (c *copier) add(f *frame) error {
	body := bytes.Clone(f.body)
	c.group = append(c.group, payload{body[:f.attrs], body[f.attrs:], int64(f.records), f.arrival, f.sum})
	c.bytes += len(body)
	if c.bytes < salvageGroup {
		return nil
	}
	return c.flush()
}

func (c *copier) flush() error {
	if len(c.group) == 0 {
		return nil
	}
	if err := c.w.grow(c.space, c.w.need(c.group), true); err != nil {
		return err
	}
	if err := c.w.write(c.group); err != nil {
		return err
	}
	c.group, c.bytes = c.group[:0], 0
	return c.w.sync()
}

// finish seals the copy as its origin was, with its own counts.
func (c *copier) finish(seal *sealRecord) error {
	if err := c.flush(); err != nil {
		return err
	}
	if seal == nil {
		return nil
	}
	again := *seal
	again.tally = c.w.tally
	if err := c.w.grow(c.space, sealSize(again.rules), true); err != nil {
		return err
	}
	return c.w.seal(&again)
}

// quarantine gives the damaged segment a second, durable name in the quarantine
// folder and returns that. It makes every name in the stream's folder durable too.
func (l *log) quarantine(path string, id lake.BatchID) (string, error) {
	dir := filepath.Join(l.dir, quarantineDir)
	if err := l.b.fs.Mkdir(dir); err != nil {
		return "", err
	}
	if err := l.b.fs.SyncDir(l.dir); err != nil {
		return "", err
	}
	to := segmentPath(dir, id)
	for n := 1; ; n++ {
		err := l.b.fs.Link(path, to)
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		to = fmt.Sprintf("%s.%d", segmentPath(dir, id), n)
	}
	return to, l.b.fs.SyncDir(dir)
}
