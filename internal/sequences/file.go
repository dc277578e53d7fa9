package sequences

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"sluice/buffer"
	"sluice/internal/lake"
)

const (
	fileExt  = ".json"
	asideExt = ".tmp"
)

// A savedStream is a stream's file.
type savedStream struct {
	// Covered is up to which offset each batch of the log was read into Sources.
	Covered map[lake.BatchID]int64 `json:"covered"`
	Sources map[string][][4]int64  `json:"sources"` // numbers stay below 2^63
}

// Sync makes durable what is known of the stream's messages, so that the log may
// let go of them. A stream without messages needs nothing.
func (l *Ledger) Sync(ctx context.Context, name string) error {
	s := l.existing(name)
	if s == nil {
		return nil
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	saved, err := l.copy(s)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = l.write(s, saved)
	}
	if err != nil {
		return fmt.Errorf("write message ledger of %s: %w", name, err)
	}
	return nil
}

// copy is what is known, and how far the log went: no append is under way, so that
// every frame of the log is either counted in both or in neither.
func (l *Ledger) copy(s *stream) (savedStream, error) {
	s.appending.Lock()
	defer s.appending.Unlock()
	saved := savedStream{Covered: map[lake.BatchID]int64{}, Sources: map[string][][4]int64{}}
	snap, err := l.cfg.Log.Snapshot(s.name)
	if err != nil {
		return saved, err
	}
	defer snap.Close()
	for i := range snap.Batches {
		saved.Covered[snap.Batches[i].ID] = snap.Batches[i].End
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, src := range s.sources {
		list := make([][4]int64, len(src.known))
		for i, r := range src.known {
			list[i] = [4]int64{int64(r.From), int64(r.To), r.First, r.Last}
		}
		saved.Sources[hex.EncodeToString(id[:])] = list
	}
	return saved, nil
}

// write replaces the stream's file. If we crash, it is the old one or the new one.
func (l *Ledger) write(s *stream, saved savedStream) error {
	b, err := json.Marshal(saved)
	if err != nil {
		return err
	}
	aside := s.path + asideExt
	if err := l.fs.Remove(aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := l.fs.Create(aside)
	if err != nil {
		return err
	}
	err = f.WriteVec([][]byte{b}, 0)
	if err == nil {
		err = f.Sync()
	}
	f.Close() // synced
	if err == nil {
		err = l.fs.Rename(aside, s.path)
	}
	if err != nil {
		l.fs.Remove(aside) // if it stays, the next Open removes it
		return err
	}
	return l.fs.SyncDir(l.cfg.Dir)
}

// makeFolder makes the ledger's folder durable; mu is held.
func (l *Ledger) makeFolder() error {
	if l.made {
		return nil
	}
	if err := l.fs.Mkdir(l.cfg.Dir); err != nil {
		return err
	}
	if err := l.fs.SyncDir(filepath.Dir(l.cfg.Dir)); err != nil {
		return err
	}
	l.made = true
	return nil
}

// load reads a stream's file and the rest of its log. Only Open calls it.
func (l *Ledger) load(name string) error {
	s := l.newStream(name)
	b, err := buffer.ReadFile(l.fs, s.path)
	if err != nil {
		return fmt.Errorf("read %s: %w", s.path, err)
	}
	var saved savedStream
	if err = json.Unmarshal(b, &saved); err == nil {
		err = s.take(saved)
	}
	if err != nil {
		return fmt.Errorf("%s is damaged (%w): without it messages that come again could be stored twice; "+
			"restore it from a backup, or move it away to accept that", s.path, err)
	}
	l.streams[name] = s
	return l.scan(s, saved.Covered)
}

func (s *stream) take(saved savedStream) error {
	for name, list := range saved.Sources {
		var id lake.SourceID
		if n, err := hex.Decode(id[:], []byte(name)); err != nil || n != len(id) || len(name) != 2*len(id) {
			return fmt.Errorf("%.40q names no source", name)
		}
		src := s.sourceLocked(id) // nobody else has it yet
		for _, r := range list {
			if r[0] < 0 || r[1] < r[0] {
				return fmt.Errorf("%d to %d is no range", r[0], r[1])
			}
			src.known = src.known.add(lake.SequenceRange{From: uint64(r[0]), To: uint64(r[1]), First: r[2], Last: r[3]})
		}
	}
	return nil
}

// scan reads the frames of the log that the file does not cover.
func (l *Ledger) scan(s *stream, covered map[lake.BatchID]int64) error {
	snap, err := l.cfg.Log.Snapshot(s.name)
	if err != nil {
		return fmt.Errorf("read the log of %s: %w", s.name, err)
	}
	defer snap.Close()
	for i := range snap.Batches {
		b := &snap.Batches[i]
		from := covered[b.ID]
		if from == b.End {
			continue
		}
		err := s.learn(b.Blocks(from))
		if err != nil && from > 0 {
			// The batch was salvaged since: its frames have moved.
			err = s.learn(b.Blocks(0))
		}
		if err != nil {
			return fmt.Errorf("read the log of %s: %w", s.name, err)
		}
	}
	return nil
}

// learn remembers the messages of blocks of the log.
func (s *stream) learn(blocks lake.Blocks) error {
	var ranges []lake.SequenceRange
	for block, err := range blocks() {
		if err != nil {
			return err
		}
		id, list, ok := lake.ParseSequences(ranges[:0], block.Attrs)
		if ranges = list; ok {
			s.remember(id, list)
		}
	}
	return nil
}
