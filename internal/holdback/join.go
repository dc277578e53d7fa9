package holdback

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
)

const (
	joinPending = "pending"
	joinDone    = "done"
)

// A Join is pieces that become one object.
type Join struct {
	ID        string         `json:"-"`
	State     string         `json:"state"`
	Stream    string         `json:"stream"`
	Table     lake.TableName `json:"table"`
	Key       string         `json:"key"` // of the object
	Partition lake.Partition `json:"partition"`
	Rows      int64          `json:"rows"`
	Members   []Member       `json:"members"`

	pieces []*piece
}

// A Member is a piece of a join.
type Member struct {
	Batch lake.BatchID `json:"batch"`
	File  string       `json:"file"`
}

// Begin reserves pieces for a join; nothing is written yet. It is Pending from now on.
func (s *Shelf) Begin(pieces []Piece) (*Join, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j := &Join{ID: "join-" + string(lake.NewBatchID(time.Now())), State: joinPending}
	for _, want := range pieces {
		p := s.findLocked(want)
		if p == nil || p.join != "" || p.damaged || p.batch.bound {
			return nil, fmt.Errorf("join held rows: a piece of batch %s is not there to be joined any more", want.Batch)
		}
		j.Stream, j.Table = want.Stream, want.Table
		j.Rows += p.rows
		j.Members = append(j.Members, Member{p.batch.id, p.file})
		j.pieces = append(j.pieces, p)
	}
	for _, p := range j.pieces {
		p.join = j.ID
	}
	s.joins[j.ID] = j
	return j, nil
}

// Note writes down at which key the join's object is about to be put, and which
// partition that is. If it was noted at another key, the caller has deleted what may be
// there.
//
// If we crash before it, the pieces are free again; after it, the join is pending.
func (s *Shelf) Note(j *Join, key string, partition lake.Partition) error {
	s.write.Lock()
	defer s.write.Unlock()
	next := *j
	next.Key, next.Partition = key, partition
	s.mu.Lock()
	s.keys[home(key)] = 0 // hidden before it can be there
	s.mu.Unlock()
	if err := s.writeFile(j.ID+joinExt, &next); err != nil {
		return fmt.Errorf("note a join of held rows: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if home(j.Key) != home(key) {
		delete(s.keys, home(j.Key))
	}
	j.Key, j.Partition = key, partition
	return nil
}

// findLocked is the piece that was described.
func (s *Shelf) findLocked(want Piece) *piece {
	b := s.batches[want.Batch]
	if b == nil {
		return nil
	}
	for _, p := range b.pieces {
		if s.path(p.file) == want.Path {
			return p
		}
	}
	return nil
}

// Pending are the joins that were begun and are not committed.
func (s *Shelf) Pending() (list []*Join) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, j := range s.joins {
		list = append(list, j)
	}
	slices.SortFunc(list, func(a, b *Join) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Pieces are those of a join. One whose bytes are not what was put is an error, and is
// in no other join.
func (s *Shelf) Pieces(j *Join) (list []Piece, err error) {
	for _, p := range j.pieces {
		crc, size, sumErr := sum(s.path(p.file))
		if sumErr == nil && (crc != p.crc || size != p.bytes) {
			sumErr = errors.New("its bytes are not those that were held")
		}
		if sumErr != nil {
			err = errors.Join(err, fmt.Errorf("%d rows of batch %s are lost or damaged: %s: %w", p.rows, p.batch.id, s.path(p.file), sumErr))
			s.mu.Lock()
			p.damaged = true
			s.mu.Unlock()
			continue
		}
		list = append(list, s.describe(p))
	}
	return list, err
}

// Dissolve gives up a join of which no object is in the lake: its pieces are free again.
//
// If we crash before its file is gone, it is pending, and dissolved or done then.
func (s *Shelf) Dissolve(j *Join) error {
	s.write.Lock()
	defer s.write.Unlock()
	if err := os.Remove(s.path(j.ID + joinExt)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("give up a join of held rows: %w", err)
	}
	if err := syncFile(s.cfg.Dir); err != nil {
		return fmt.Errorf("give up a join of held rows: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.joins, j.ID)
	delete(s.keys, home(j.Key))
	for _, p := range j.pieces {
		p.join = ""
	}
	return nil
}

// Commit says that the join's object is in the lake, registered and counted. When it
// returns nil that is durable, and who begins to read sees the object in place of the
// pieces. After an error it can be repeated.
//
// If we crash before the join says that it is done, it is pending and done again. After
// it, Open does the rest.
func (s *Shelf) Commit(j *Join) error {
	s.write.Lock()
	defer s.write.Unlock()
	done := *j
	done.State = joinDone
	if err := s.writeFile(j.ID+joinExt, &done); err != nil {
		return fmt.Errorf("commit a join of held rows: %w", err)
	}
	s.mu.Lock()
	if s.joins[j.ID] != nil {
		delete(s.joins, j.ID)
		s.commits++
		s.keys[home(j.Key)] = s.commits
		for _, p := range j.pieces {
			p.commit = s.commits
			s.gone = append(s.gone, p)
			s.bytes -= p.bytes
			s.files--
		}
		s.take(j)
		s.metrics.joined(len(j.pieces))
	}
	s.forgetLocked()
	s.mu.Unlock()
	if err := s.settle(j); err != nil {
		return fmt.Errorf("take joined rows off the shelf: %w", err)
	}
	return nil
}

// members finds the join's pieces; those that are not there are left out.
func (s *Shelf) members(j *Join) (pieces []*piece) {
	for _, m := range j.Members {
		if b := s.batches[m.Batch]; b != nil {
			for _, p := range b.pieces {
				if p.file == m.File {
					pieces = append(pieces, p)
				}
			}
		}
	}
	return pieces
}

// take takes the join's pieces out of their batches. s.mu is held, or nobody else there.
func (s *Shelf) take(j *Join) {
	for _, p := range j.pieces {
		b := p.batch
		b.pieces = slices.DeleteFunc(slices.Clone(b.pieces), func(q *piece) bool { return q == p })
		if len(b.pieces) == 0 && s.batches[b.id] == b {
			delete(s.batches, b.id)
		}
	}
}

// settle writes the manifests without the join's pieces, and then takes its file away.
func (s *Shelf) settle(j *Join) error {
	seen := map[*batch]bool{}
	for _, p := range j.pieces {
		if seen[p.batch] {
			continue
		}
		seen[p.batch] = true
		if err := s.writeBatch(p.batch); err != nil {
			return err
		}
	}
	if err := os.Remove(s.path(j.ID + joinExt)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncFile(s.cfg.Dir)
}
