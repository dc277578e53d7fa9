package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/buffer"
	"sluice/internal/delivery"
	"sluice/internal/lake"
)

// A Config says what an import works with.
type Config struct {
	Source Source
	Select Selection
	Table  lake.TableName // that the records go to
	Stream string         // the name under which they are in the log
	// SourceColumn gets the source that an object's path names, in records without such a
	// field; "": none does.
	SourceColumn string
	Dir          string // of journal, log and staging; one import has it at a time

	// Delivery is what batches are delivered with; Log, BeforeRelease, the folders and the
	// Logger are filled in here.
	Delivery delivery.Config
	Rules    func(stream string) []byte // as buffer.Config has them
	Size     int64                      // of a batch, in bytes of JSON
	MaxBytes int64                      // of the log; 0: four batches
	MinFree  int64                      // of the disk
	Workers  int                        // objects that are read at once; default 4
	// GiveUp is for how long batches may fail to be delivered before the import ends with
	// the reason; default 10 min.
	GiveUp time.Duration

	Read   func(bytes int64) // called with bytes of objects as they are read; nil: not
	Logger *slog.Logger
}

// maxNamed is how many objects are named in a report.
const maxNamed = 100

// A Report is what an import did.
type Report struct {
	Objects int64 `json:"objects"` // read to their end
	Known   int64 `json:"known"`   // that were in already
	Bytes   int64 `json:"bytes"`   // of the objects read
	Records int64 `json:"records"` // taken from them, bad ones included
	Bad     int64 `json:"bad"`     // of the records: no JSON objects
	// Totals of all imports into the table so far.
	Delivered int64 `json:"delivered"`
	Failed    int64 `json:"failed"`
	Filtered  int64 `json:"filtered"`
	// Problems are of objects that were not read to their end, or not at all, the first
	// of them; Unread counts all.
	Unread   int64    `json:"unread"`
	Problems []string `json:"problems"`
	Warnings []string `json:"warnings"`
}

// An Importer reads objects into a table.
type Importer struct {
	cfg       Config
	log       *slog.Logger
	journal   *journal
	buffer    *buffer.Buffer
	deliverer *delivery.Deliverer

	// appending is held for reading while a block is appended and its position noted, and
	// by BeforeRelease.
	appending sync.RWMutex

	objects, known, bytes, records, bad, unread atomic.Int64

	mu                 sync.Mutex
	problems, warnings []string // guarded by mu
}

// ErrRunning is what errors.Is finds when another import into the table runs.
var ErrRunning = errors.New("another import into this table runs in this data folder")

// Open takes up the import where it stands.
func Open(cfg Config) (_ *Importer, err error) {
	if cfg.Workers == 0 {
		cfg.Workers = 4
	}
	if cfg.GiveUp == 0 {
		cfg.GiveUp = 10 * time.Minute
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 4*cfg.Size + 64<<20
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Read == nil {
		cfg.Read = func(int64) {}
	}
	m := &Importer{cfg: cfg, log: cfg.Logger}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open import: %w", err)
	}
	m.buffer, err = buffer.Open(buffer.Config{
		Dir: filepath.Join(cfg.Dir, "buffer"), Size: func(string) int64 { return cfg.Size }, Interval: func(string) time.Duration { return 365 * 24 * time.Hour },
		MaxBytes: cfg.MaxBytes, MinFree: cfg.MinFree, Rules: cfg.Rules, Logger: cfg.Logger,
	})
	if errors.Is(err, buffer.ErrLocked) {
		return nil, fmt.Errorf("open import into %s: %w", cfg.Table, ErrRunning)
	}
	if err != nil {
		return nil, fmt.Errorf("open import: %w", err)
	}
	defer func() {
		if err != nil {
			m.Close()
		}
	}()
	if m.journal, err = openJournal(cfg.Dir, cfg.Table); err != nil {
		return nil, err
	}
	if err = m.replay(); err != nil {
		return nil, err
	}
	d := cfg.Delivery
	d.Log, d.BeforeRelease, d.Logger = m.buffer, m.beforeRelease, cfg.Logger
	d.Staging, d.Ledger, d.Plans = filepath.Join(cfg.Dir, "staging"), filepath.Join(cfg.Dir, "delivery"), filepath.Join(cfg.Dir, "delivery", "plans")
	if m.deliverer, err = delivery.Open(d); err != nil {
		return nil, err
	}
	return m, nil
}

// replay reads from the log how far objects are in.
func (m *Importer) replay() error {
	for _, stream := range m.buffer.Streams() {
		snap, err := m.buffer.Snapshot(stream.Name)
		if err != nil {
			return fmt.Errorf("open import: %w", err)
		}
		for i := range snap.Batches {
			for block, err := range snap.Batches[i].Blocks(0)() {
				if err != nil {
					return errors.Join(fmt.Errorf("open import: read its log: %w", err), snap.Close())
				}
				if r, ok := lake.ParseRequest(block.Attrs); ok && len(r.Key) == len(id{}) {
					m.journal.found(idFrom(r.Key), int64(r.First)+int64(block.Records))
				}
			}
		}
		if err := snap.Close(); err != nil {
			return fmt.Errorf("open import: %w", err)
		}
	}
	return nil
}

// beforeRelease makes durable how far objects are in, all blocks of the batch
// included: an append that is durable and not noted yet is waited for.
func (m *Importer) beforeRelease(context.Context, *buffer.Batch) error {
	m.appending.Lock()
	defer m.appending.Unlock()
	return m.journal.sync()
}

// Close lets go of the folder. What was read and not delivered stays in the log.
func (m *Importer) Close() error {
	var err error
	if m.journal != nil {
		err = errors.Join(m.journal.sync(), m.journal.close())
	}
	return errors.Join(err, m.buffer.Close())
}

// Run imports what the selection has, and returns when all of it is in the table.
// When ctx ends before, Run ends too, and the next import goes on.
func (m *Importer) Run(ctx context.Context) (Report, error) {
	ctx, give := context.WithCancelCause(ctx)
	defer give(nil)
	rooms, stop := context.WithCancel(ctx)
	var room errgroup.Group
	room.Go(func() error { return m.deliverer.Run(rooms) })
	room.Go(func() error {
		err := m.buffer.Run(rooms)
		if err != nil {
			give(err)
		}
		return err
	})
	room.Go(func() error { m.watch(rooms, give); return nil })
	err := m.read(ctx)
	if err == nil {
		err = m.finish(ctx)
	}
	stop()
	if roomErr := room.Wait(); err == nil {
		err = roomErr
	}
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return m.Report(), err
}

// watch ends the import when batches have failed to be delivered for too long.
func (m *Importer) watch(ctx context.Context, give context.CancelCauseFunc) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var since time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var failed error
		for _, st := range m.buffer.Streams() {
			failed = errors.Join(failed, m.deliverer.LastError(st.Name))
		}
		switch {
		case failed == nil:
			since = time.Time{}
		case since.IsZero():
			since = time.Now()
			m.warn("a batch is not delivered and is tried again: " + failed.Error())
		case time.Since(since) > m.cfg.GiveUp:
			give(fmt.Errorf("nothing could be delivered for %v: %w", m.cfg.GiveUp, failed))
		}
	}
}

// finish delivers what is in the log.
func (m *Importer) finish(ctx context.Context) error {
	for _, st := range m.buffer.Streams() {
		for { // an attempt that failed is made again, until watch has had enough
			if _, err := m.deliverer.Flush(ctx, st.Name); err == nil {
				break
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	return m.journal.sync()
}

// Report is what was done so far.
func (m *Importer) Report() Report {
	r := Report{
		Objects: m.objects.Load(), Known: m.known.Load(), Bytes: m.bytes.Load(), Records: m.records.Load(), Bad: m.bad.Load(), Unread: m.unread.Load(),
		Problems: []string{}, Warnings: []string{},
	}
	for _, stream := range m.deliverer.Streams() {
		t := m.deliverer.Totals(stream)
		r.Delivered, r.Failed, r.Filtered = r.Delivered+t.Delivered, r.Failed+t.Failed, r.Filtered+t.Filtered
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r.Problems, r.Warnings = append(r.Problems, m.problems...), append(r.Warnings, m.warnings...)
	return r
}

func (m *Importer) problem(o Object, err error) {
	m.unread.Add(1)
	m.log.Warn("object not read to its end", "object", o.Location, "error", err)
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.problems) < maxNamed {
		m.problems = append(m.problems, o.Location+": "+err.Error())
	}
}

func (m *Importer) warn(text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.warnings) < maxNamed {
		m.warnings = append(m.warnings, text)
	}
}
