package write

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"sync"
	"time"

	"sluice/catalogsync/moves"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/checkpoint"
)

// A Catalog is where tables and views are registered.
type Catalog interface {
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]lake.Table, error)
	Create(ctx context.Context, t lake.Table) error
	Drop(ctx context.Context, name lake.TableName, same func(lake.Table) bool) error
	moves.Catalog
	AddPartitions(ctx context.Context, t lake.Table, parts []lake.Partition) error
	PutView(ctx context.Context, t lake.Table, replace bool) error
}

// A Store holds the objects.
type Store interface {
	Put(ctx context.Context, key string, body io.ReaderAt, size int64) error
	Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error)
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	Delete(ctx context.Context, key string) error
	Stat(ctx context.Context, key string) (store.Object, error)
	Key(uri string) (key string, ok bool)
	URI(key string) string
}

// Checkpoints move with what statements write: see package checkpoint.
type Checkpoints interface {
	Hold(p checkpoint.Pledge) error
	Settle(p checkpoint.Pledge, kept bool) error
	Release(p checkpoint.Pledge)
}

// A Config is what a Writer needs and its bounds.
type Config struct {
	Catalog Catalog
	Store   Store
	// Database is one whose tables lie in the lake's folder of that name although the
	// catalog may not know it yet; "default" if empty.
	Database string
	// Journal is a folder of the writer's own that stays; see the package.
	Journal       string
	MaxBytes      int64 // of a statement's files; 0: 4 GiB
	MaxPartitions int   // that a statement writes to; 0: 100, at most 1000
	Uploads       int   // at once; 0: 4
	// Finish bounds how long a statement that began to put objects may go on after
	// its own time is over; 0: 5 min.
	Finish time.Duration
	// Prefixed reports whether a stream lays out the folders of the table's partitions
	// by a rule of its own, which a statement does not know. Nil: none does.
	Prefixed func(name lake.TableName) bool
	// Checkpoints are those that jobs may have pledges of; nil: none do.
	Checkpoints Checkpoints
	// Reserved are keys of folders where no statement writes.
	Reserved []string
	Log      *slog.Logger
}

// A Writer brings what statements wrote into the lake. Its methods may be called at
// the same time.
type Writer struct {
	cfg Config

	mu      sync.Mutex
	seq     uint64                  // of commits
	writes  map[lake.WriteID]uint64 // that not every reader sees: the commit's number, 0 where none was yet
	looks   map[*Look]struct{}      // that have not ended
	places  map[string]bool         // keys of the folders that statements are writing to
	pending map[lake.WriteID]entry  // of the journal, which nobody is at work on
	kept    map[lake.WriteID]bool   // that came to their end, which somebody will ask for
}

// Open makes a Writer. What the journal holds is not seen by any reader until Sweep
// has brought it to an end.
func Open(cfg Config) (*Writer, error) {
	switch {
	case cfg.Catalog == nil || cfg.Store == nil || cfg.Journal == "":
		return nil, errors.New("open writer: Catalog, Store and Journal are needed")
	case cfg.MaxBytes < 0 || cfg.MaxPartitions < 0 || cfg.MaxPartitions > 1000 || cfg.Uploads < 0:
		return nil, errors.New("open writer: MaxBytes, MaxPartitions (at most 1000) and Uploads must not be negative")
	}
	if cfg.Database == "" {
		cfg.Database = "default"
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 4 << 30
	}
	if cfg.MaxPartitions == 0 {
		cfg.MaxPartitions = 100
	}
	if cfg.Uploads == 0 {
		cfg.Uploads = 4
	}
	if cfg.Finish == 0 {
		cfg.Finish = 5 * time.Minute
	}
	if cfg.Prefixed == nil {
		cfg.Prefixed = func(lake.TableName) bool { return false }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	w := &Writer{cfg: cfg, writes: make(map[lake.WriteID]uint64), looks: make(map[*Look]struct{}), places: make(map[string]bool), kept: make(map[lake.WriteID]bool)}
	if err := os.MkdirAll(cfg.Journal, 0o755); err != nil {
		return nil, fmt.Errorf("open writer: %w", err)
	}
	var err error
	if w.pending, err = readJournal(cfg.Journal, cfg.Log); err != nil {
		return nil, fmt.Errorf("open writer: %w", err)
	}
	for id, e := range w.pending {
		if e.State == stateDone {
			w.kept[id] = true
			delete(w.pending, id)
			continue
		}
		w.writes[id] = 0
		if e.Pledge == nil || cfg.Checkpoints == nil {
			continue
		}
		if err := cfg.Checkpoints.Hold(*e.Pledge); err != nil {
			cfg.Log.Error("what a statement wrote with a checkpoint cannot be brought to an end", "write", string(id), "err", err)
		}
	}
	return w, nil
}

// A Look is the moment at which a reader began: what was committed before is seen,
// and nothing else of what this writer writes.
type Look struct {
	w   *Writer
	seq uint64
}

// Look begins one. It must be ended.
func (w *Writer) Look() *Look {
	if w == nil {
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	l := &Look{w: w, seq: w.seq}
	w.looks[l] = struct{}{}
	return l
}

// Hides reports whether the file of that name is of a statement that is not seen.
func (l *Look) Hides(name string) bool {
	if l == nil {
		return false
	}
	id, ok := lake.WriteOf(name)
	return ok && l.hides(id)
}

// HidesTable reports whether the table was made by a statement that is not seen.
func (l *Look) HidesTable(t lake.Table) bool {
	return l != nil && t.Parameters[madeBy] != "" && l.hides(lake.WriteID(t.Parameters[madeBy]))
}

func (l *Look) hides(id lake.WriteID) bool {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	committed, ok := l.w.writes[id]
	return ok && (committed == 0 || committed > l.seq)
}

// Busy reports whether the statement is under way, or waits for Sweep.
func (w *Writer) Busy(id lake.WriteID) bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	committed, ok := w.writes[id]
	return ok && committed == 0
}

// End ends the look.
func (l *Look) End() {
	if l == nil {
		return
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	delete(l.w.looks, l)
	l.w.forgetLocked()
}

// forgetLocked drops the statements that every reader sees.
func (w *Writer) forgetLocked() {
	oldest := w.seq
	for l := range w.looks {
		oldest = min(oldest, l.seq)
	}
	for id, committed := range w.writes {
		if committed > 0 && committed <= oldest {
			delete(w.writes, id)
		}
	}
}

// begin hides what the statement is about to write.
func (w *Writer) begin(id lake.WriteID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.writes[id] = 0
}

// commit shows what the statement wrote to those who begin to read from now on.
func (w *Writer) commit(id lake.WriteID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seq++
	w.writes[id] = w.seq
	w.forgetLocked()
}

// dropped forgets a statement of which nothing is left.
func (w *Writer) dropped(id lake.WriteID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.writes, id)
}
