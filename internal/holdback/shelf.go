package holdback

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/lake"

	"github.com/prometheus/client_golang/prometheus"
)

// A Piece is the rows of one batch and one partition.
type Piece struct {
	Batch     lake.BatchID
	Stream    string
	Table     lake.TableName
	Partition string   // relative path, escaped, such as dt=2026-01-31
	Values    []string // of the partition, raw
	Keys      []lake.Column
	Path      string // of the Parquet file
	Rows      int64
	Bytes     int64
	Rules     json.RawMessage // that the batch was sealed with
	Columns   []lake.Column   // of the file, and others of its table

	// Enough is the size of a file that is large enough; Wait how long to wait for it.
	Enough int64
	Wait   time.Duration
}

// A Config is where pieces are kept, and how many.
type Config struct {
	Dir      string
	MaxBytes int64
	MaxFiles int
	// Table says which table a batch of the stream goes to under the rules, and what the
	// keys of its partitions are.
	Table func(stream string, rules json.RawMessage) (lake.TableName, []lake.Column, error)
	// InLog reports whether a batch is in the log.
	InLog func(stream string, id lake.BatchID) bool
	// Aside reports whether segments of the stream were set aside at this start, so that
	// batches may be back in the log at the next. Nil: none were.
	Aside func(stream string) bool

	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// A Shelf keeps pieces. Its methods may be called from any goroutine. A nil *Shelf
// holds nothing.
type Shelf struct {
	cfg     Config
	metrics *metrics
	changed chan struct{} // capacity 1

	write sync.Mutex // held by whoever changes files; before mu

	mu      sync.Mutex
	batches map[lake.BatchID]*batch // guarded by mu
	joins   map[string]*Join        // pending ones; guarded by mu
	keys    map[string]uint64       // objects of joins that not every look sees: the commit's number, 0 before it; guarded by mu
	gone    []*piece                // of committed joins, that an old look may still see; guarded by mu
	looks   map[*Look]struct{}      // guarded by mu
	commits uint64                  // guarded by mu
	bytes   int64                   // of pieces that are not gone; guarded by mu
	files   int                     // likewise
	faults  []error                 // what Open found that cannot be read
	stuck   bool                    // a join cannot be read: no piece is joined
}

// A batch is what is held of one.
type batch struct {
	id      lake.BatchID
	stream  string
	table   lake.TableName
	keys    []lake.Column
	rules   json.RawMessage
	columns []lake.Column
	bound   bool // its log may be there
	pieces  []*piece
}

type piece struct {
	batch     *batch
	file      string // name in the folder
	partition string
	values    []string
	rows      int64
	bytes     int64
	crc       uint32
	due       time.Time
	wait      time.Duration
	enough    int64
	join      string // that takes it; "" while it waits
	commit    uint64 // of its join
	damaged   bool
}

// Room reports whether so much more can be held.
func (s *Shelf) Room(bytes int64, files int) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes+bytes <= s.cfg.MaxBytes && s.files+files <= s.cfg.MaxFiles
}

// Holds reports whether there are pieces of the batch.
func (s *Shelf) Holds(id lake.BatchID) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches[id] != nil
}

// Held is what a stream has on the shelf.
type Held struct {
	Rows, Bytes int64
	Files       int
	Oldest      time.Time // when the piece that waits longest was put; zero if none does
	Err         error     // pieces that cannot be read
}

// Stream says what is held of a stream.
func (s *Shelf) Stream(name string) (h Held) {
	if s == nil {
		return h
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		if b.stream != name || b.bound && s.cfg.InLog(name, b.id) {
			continue // the log's to count
		}
		for _, p := range b.pieces {
			h.Rows += p.rows
			h.Bytes += p.bytes
			h.Files++
			if put := p.due.Add(-p.wait); h.Oldest.IsZero() || put.Before(h.Oldest) {
				h.Oldest = put
			}
			if p.damaged {
				h.Err = errors.Join(h.Err, fmt.Errorf("rows of batch %s are held in %s, which is damaged: they are not delivered", b.id, p.file))
			}
		}
	}
	return h
}

// Streams are those that have something on the shelf.
func (s *Shelf) Streams() (names []string) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.batches {
		names = append(names, b.stream)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Err is what was found that cannot be read.
func (s *Shelf) Err() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.faults...)
}

// Changed yields when there may be something to join.
func (s *Shelf) Changed() <-chan struct{} {
	if s == nil {
		return nil
	}
	return s.changed
}

func (s *Shelf) signal() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

// Free says that the batch's log is gone: from now on its pieces can be joined.
func (s *Shelf) Free(id lake.BatchID) {
	if s == nil {
		return
	}
	s.mu.Lock()
	b := s.batches[id]
	if b != nil {
		b.bound = false
	}
	s.mu.Unlock()
	if b != nil {
		s.signal()
	}
}

// describe is a piece as others see it.
func (s *Shelf) describe(p *piece) Piece {
	b := p.batch
	return Piece{
		Batch: b.id, Stream: b.stream, Table: b.table, Partition: p.partition, Values: p.values, Keys: b.keys, Path: s.path(p.file),
		Rows: p.rows, Bytes: p.bytes, Rules: b.rules, Columns: b.columns, Enough: p.enough, Wait: p.wait,
	}
}

// A Group is pieces that may be joined: of one stream, table and partition.
type Group struct {
	Stream    string
	Table     lake.TableName
	Partition string
	Pieces    []Piece // in the order of their batches' ids
	Bytes     int64

	pieces []*piece
	due    time.Time
	enough bool
}

// Groups are the groups that are to be joined now: those with enough bytes, those of
// which a piece has waited for as long as it may, and, where less room is left than a
// quarter, the largest until half is free. With all, every group of the stream. next
// is when to look again; zero: when something changes.
func (s *Shelf) Groups(now time.Time, all string) (ready []Group, next time.Time) {
	if s == nil {
		return nil, next
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	groups := s.groupsLocked()
	bytes, files := s.bytes, s.files
	short := bytes > s.cfg.MaxBytes/4*3 || files > s.cfg.MaxFiles/4*3
	// The largest first: they free the most.
	slices.SortFunc(groups, func(a, b *Group) int {
		if a.Bytes != b.Bytes {
			return int(max(min(b.Bytes-a.Bytes, 1), -1))
		}
		return strings.Compare(a.Partition, b.Partition)
	})
	for _, g := range groups {
		urgent := short && (bytes > s.cfg.MaxBytes/2 || files > s.cfg.MaxFiles/2)
		if g.enough || !now.Before(g.due) || urgent || all != "" && g.Stream == all {
			for _, p := range g.pieces {
				g.Pieces = append(g.Pieces, s.describe(p))
			}
			bytes -= g.Bytes
			files -= len(g.pieces)
			ready = append(ready, *g)
			continue
		}
		if next.IsZero() || g.due.Before(next) {
			next = g.due
		}
	}
	return ready, next
}

func (s *Shelf) groupsLocked() []*Group {
	type place struct {
		stream, partition string
		table             lake.TableName
	}
	found := map[place]*Group{}
	var groups []*Group
	for _, b := range s.batches {
		for _, p := range b.pieces {
			if b.bound || p.join != "" || p.damaged {
				continue
			}
			at := place{b.stream, p.partition, b.table}
			g := found[at]
			if g == nil {
				g = &Group{Stream: b.stream, Table: b.table, Partition: p.partition, due: p.due}
				found[at] = g
				groups = append(groups, g)
			}
			g.pieces = append(g.pieces, p)
			g.Bytes += p.bytes
			if p.due.Before(g.due) {
				g.due = p.due
			}
		}
	}
	for _, g := range groups {
		slices.SortFunc(g.pieces, func(a, b *piece) int { return strings.Compare(string(a.batch.id), string(b.batch.id)) })
		g.enough = g.Bytes >= g.pieces[len(g.pieces)-1].enough
	}
	return groups
}
