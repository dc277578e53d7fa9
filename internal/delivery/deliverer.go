package delivery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"sluice/buffer"
	"sluice/catalogsync/moves"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/holdback"
	"sluice/internal/lake"
	"sluice/internal/lake/store"

	"github.com/prometheus/client_golang/prometheus"
)

// A Log is what delivery needs of the buffer.
type Log interface {
	Seal(ctx context.Context, stream string) error
	Sealed() []*buffer.Batch
	Changed() <-chan struct{}
	Release(ctx context.Context, batch *buffer.Batch) error
}

// A Catalog is where tables and partitions are registered.
type Catalog interface {
	moves.Catalog
	Ensure(ctx context.Context, want lake.Table) (lake.Table, error)
}

// A Store is where objects go.
type Store interface {
	Put(ctx context.Context, key string, body io.ReaderAt, size int64) error
	Delete(ctx context.Context, key string) error
	Stat(ctx context.Context, key string) (store.Object, error)
	URI(key string) string
	Key(uri string) (string, bool)
}

// A Converter makes Parquet of a batch.
type Converter interface {
	Convert(ctx context.Context, job convert.Job) (convert.Result, error)
	Merge(ctx context.Context, job convert.MergeJob) (convert.MergeResult, error)
}

// A Config is what a Deliverer works with.
type Config struct {
	Log       Log
	Catalog   Catalog
	NotFound  error // what Catalog.Table's error is when there is no such table
	Store     Store
	Converter Converter
	Database  string // of tables named without one
	Staging   string // folder for files on their way; emptied by Open
	Ledger    string // folder for the streams' totals
	Plans     string // folder for the batches' plans
	Batches   int    // delivered at once; default 2
	Uploads   int    // of one batch at once; default 4
	// Held keeps rows that wait for others of their partition; nil: none do.
	Held *holdback.Shelf
	// Together parts batches of a table into those whose rows may be in one object, each
	// with the one that gives it its name last; nil: all may.
	Together func(table lake.TableName, ids []lake.BatchID) [][]lake.BatchID
	// BeforeRelease makes durable elsewhere what is known only from the log of the
	// batch's stream; it is called when the batch's files are registered, and the
	// batch is not released before it has returned nil. nil: nothing.
	BeforeRelease func(ctx context.Context, b *buffer.Batch) error
	// Retry is the pause before the second attempt; it doubles up to MaxRetry.
	// Defaults: 500 ms and 1 min.
	Retry, MaxRetry time.Duration

	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// A Deliverer delivers batches.
type Deliverer struct {
	cfg     Config
	log     *slog.Logger
	metrics *metrics
	ledger  *ledger

	wake chan struct{} // capacity 1: look at the batches again

	mu       sync.Mutex
	attempts map[lake.BatchID]*attempt // of batches not yet released; guarded by mu
	errs     map[string]error          // last of each stream, nil after a success; guarded by mu
	heldErrs map[string]error          // likewise, of its held rows; guarded by mu
	done     map[lake.BatchID]outcome  // of batches that a flush waits for; guarded by mu
	awaited  map[lake.BatchID]int      // how many flushes wait; guarded by mu
	progress chan struct{}             // closed and made anew when an attempt ends; guarded by mu

	joining chan struct{} // holds a token while somebody joins held rows
}

// An attempt is where a batch stands.
type attempt struct {
	stream   string
	running  bool
	failures int
	next     time.Time // not before
	err      error
}

// An outcome is what a delivered batch became.
type outcome struct {
	table   lake.TableName
	records int64
	files   int
}

// Open makes a Deliverer and removes what crashes left in the staging folder.
func Open(cfg Config) (*Deliverer, error) {
	if cfg.Batches == 0 {
		cfg.Batches = 2
	}
	if cfg.Uploads == 0 {
		cfg.Uploads = 4
	}
	if cfg.Retry == 0 {
		cfg.Retry = 500 * time.Millisecond
	}
	if cfg.MaxRetry == 0 {
		cfg.MaxRetry = time.Minute
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if err := emptyDir(cfg.Staging); err != nil {
		return nil, fmt.Errorf("open delivery: empty staging folder: %w", err)
	}
	l, err := openLedger(cfg.Ledger)
	if err != nil {
		return nil, fmt.Errorf("open delivery: %w", err)
	}
	d := &Deliverer{
		cfg: cfg, log: cfg.Logger, ledger: l, wake: make(chan struct{}, 1),
		attempts: map[lake.BatchID]*attempt{}, errs: map[string]error{}, heldErrs: map[string]error{},
		done: map[lake.BatchID]outcome{}, awaited: map[lake.BatchID]int{}, progress: make(chan struct{}), joining: make(chan struct{}, 1),
	}
	if err := d.dropPlans(); err != nil {
		return nil, fmt.Errorf("open delivery: clear plans: %w", err)
	}
	d.metrics = newMetrics(cfg.Registerer, d)
	return d, nil
}

func emptyDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		err = errors.Join(err, os.RemoveAll(filepath.Join(dir, e.Name())))
	}
	return err
}

// Totals are what has become of the stream's records.
func (d *Deliverer) Totals(stream string) Totals { return d.ledger.totals(stream) }

// Streams are those that have totals.
func (d *Deliverer) Streams() []string { return d.ledger.streams() }

// LastError is why the stream's last attempt failed, nil if it did not.
func (d *Deliverer) LastError(stream string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return cmp.Or(d.errs[stream], d.heldErrs[stream], d.cfg.Held.Stream(stream).Err)
}

// TableOf is the table that a stream's records go to under the rules.
func TableOf(s configs.Stream, stream, database string) (lake.TableName, error) {
	name := s.Table
	if name == "" {
		name = lake.CleanName(stream)
	}
	return lake.ParseTableName(name, database)
}
