package buffer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/lake"
)

// What a Config leaves out.
const (
	DefaultSize       = 256 << 20
	DefaultInterval   = 5 * time.Minute
	DefaultQueueBytes = 16 << 20
	maxQueueBytes     = 64 << 20
)

// A Config says where the log lives and what its bounds are.
type Config struct {
	Dir string // made if it is not there; one folder a stream below it
	// Size is the payload bytes at which a stream's batch is sealed; nil or a
	// result of 0 or less means DefaultSize. It and the other functions are
	// called often and must not call back into the Buffer.
	Size func(stream string) int64
	// Interval is the age of its first record at which a batch is sealed; nil or
	// a result of 0 or less means DefaultInterval.
	Interval func(stream string) time.Duration
	// MaxBytes bounds the segments on disk, preallocated space and spares included, but not
	// what is in quarantine or set aside; 0: no ceiling.
	MaxBytes int64
	MinFree  int64 // of the file system, held back; 0: none
	// Reuse bounds the bytes of released segments whose files are kept to be
	// written again; they count towards MaxBytes, and go when their room is
	// needed. 0: none are kept.
	Reuse int64
	// QueueBytes bounds what waits in one stream's queue; default and 0:
	// DefaultQueueBytes, at most 64 MiB.
	QueueBytes int64
	// Rules gives the opaque bytes stored with a batch when it is sealed; nil for none.
	Rules      func(stream string) []byte
	Logger     *slog.Logger          // nil discards
	Registerer prometheus.Registerer // nil: metrics are not exported
	FS         FS                    // nil: the operating system's
}

// validate reports every fault at once.
func (c *Config) validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("the folder (Dir) is empty"))
	}
	if c.MaxBytes < 0 || c.MinFree < 0 || c.Reuse < 0 {
		errs = append(errs, fmt.Errorf("MaxBytes %d, MinFree %d or Reuse %d is negative", c.MaxBytes, c.MinFree, c.Reuse))
	}
	if c.QueueBytes < 0 || c.QueueBytes > maxQueueBytes {
		errs = append(errs, fmt.Errorf("QueueBytes %d is not within 0 and %d", c.QueueBytes, maxQueueBytes))
	}
	return errors.Join(errs...)
}

// A Buffer is the durable log of all streams. Its methods may be called from
// any goroutine.
type Buffer struct {
	cfg        Config
	fs         FS
	log        *slog.Logger
	metrics    *metrics
	space      *space
	queueBytes int64
	lock       io.Closer
	requests   sync.Pool // of *request

	changed  chan struct{}     // something was sealed
	begun    chan struct{}     // a batch got its first record; Run receives
	pressure chan struct{}     // something was refused for want of space; Run receives
	failure  chan *FailedError // the first failure; Run receives

	mu     sync.RWMutex
	logs   map[string]*log
	closed bool
}

// Open takes the folder for this process and recovers every stream in it. Its
// error is ErrLocked where another process has it.
func Open(cfg Config) (*Buffer, error) {
	if err := cfg.validate(); err != nil {
		return nil, fmt.Errorf("open buffer: %w", err)
	}
	b := &Buffer{
		cfg: cfg, fs: cfg.FS, log: cfg.Logger, queueBytes: cfg.QueueBytes, logs: map[string]*log{},
		changed: make(chan struct{}, 1), begun: make(chan struct{}, 1), pressure: make(chan struct{}, 1),
		failure: make(chan *FailedError, 1), requests: sync.Pool{New: newRequest},
	}
	if b.fs == nil {
		b.fs = osFS{}
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if b.queueBytes == 0 {
		b.queueBytes = DefaultQueueBytes
	}
	b.space = &space{fs: b.fs, dir: cfg.Dir, max: cfg.MaxBytes, minFree: cfg.MinFree, spareMax: cfg.Reuse}
	b.metrics = newMetrics(b)
	if err := b.open(); err != nil {
		if b.lock != nil {
			b.lock.Close()
		}
		return nil, fmt.Errorf("open buffer %s: %w", cfg.Dir, err)
	}
	return b, nil
}

func (b *Buffer) open() (err error) {
	if err := makeDir(b.fs, b.cfg.Dir); err != nil {
		return err
	}
	if b.lock, err = b.fs.Lock(b.cfg.Dir); err != nil {
		return err
	}
	if err := b.recover(); err != nil {
		return err
	}
	return b.metrics.register(b.cfg.Registerer)
}

// makeDir makes a folder and those above it, durably. It syncs all of them also
// where they were there: whoever made them may have crashed before he did.
func makeDir(fsys FS, dir string) error {
	if err := mkdirAll(fsys, dir); err != nil {
		return err
	}
	for parent := filepath.Dir(dir); parent != dir; dir, parent = parent, filepath.Dir(parent) {
		// A folder that we may not even read is not one that we made.
		if err := fsys.SyncDir(parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	return nil
}

func mkdirAll(fsys FS, dir string) error {
	err := fsys.Mkdir(dir)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(dir) != dir {
		if err = mkdirAll(fsys, filepath.Dir(dir)); err == nil {
			err = fsys.Mkdir(dir)
		}
	}
	return err
}

// Close waits for the commits under way and closes the log. Open batches stay
// open; the next Open goes on with them.
func (b *Buffer) Close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	logs := b.sortedLocked()
	b.mu.Unlock()
	for _, l := range logs {
		l.close()
	}
	b.metrics.unregister(b.cfg.Registerer)
	return b.lock.Close()
}

// close waits until nobody leads.
func (l *log) close() {
	l.mu.Lock()
	l.closed = true
	for l.leading {
		l.idle.Wait()
	}
	l.mu.Unlock()
	if l.w != nil {
		l.trim()
	}
}

// Append adds the block to the stream's open batch and returns when it is on
// disk, fsynced. It is then kept whatever happens. ctx counts while the block
// waits for a place in the queue; once queued, the result is the commit's.
//
// Errors: *FullError and *BlockedError (nothing was written; retry later),
// *FailedError (the stream's log failed; the block may or may not be kept),
// ErrClosed, ctx's, and others for a stream name or a block that is not acceptable
// (nothing was written).
func (b *Buffer) Append(ctx context.Context, stream string, block lake.Block) error {
	if err := checkBlock(block); err != nil {
		return fmt.Errorf("append to %s: %w", stream, err)
	}
	l, err := b.logOf(stream)
	if err != nil {
		return err
	}
	return l.append(ctx, block)
}

// Seal seals the stream's open batch, everything in it whose Append had begun
// to wait for its commit; without records in it there is nothing to do.
func (b *Buffer) Seal(ctx context.Context, stream string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if l := b.existing(stream); l != nil {
		return l.sealNow(SealRequest, nil)
	}
	return CheckStream(stream)
}

// Sealed lists the batches that are sealed and not released, stream by stream,
// each stream's oldest first.
func (b *Buffer) Sealed() []*Batch {
	var list []*Batch
	for _, l := range b.all() {
		l.mu.Lock()
		for _, s := range l.sealed {
			list = append(list, newBatch(s))
		}
		l.mu.Unlock()
	}
	return list
}

// Changed receives after something was sealed, once for any number of batches,
// and after an Open that found sealed ones.
func (b *Buffer) Changed() <-chan struct{} { return b.changed }

// Release deletes a batch that is delivered for good. Snapshots that hold it
// stay readable.
func (b *Buffer) Release(ctx context.Context, batch *Batch) error {
	l := b.existing(batch.Stream)
	if l == nil {
		return fmt.Errorf("release batch %s: stream %s is unknown", batch.ID, batch.Stream)
	}
	return l.release(ctx, batch.seg)
}

// Snapshot fixes what the stream's log holds now: every record acknowledged
// before the call whose batch is not released. A stream that does not exist has
// an empty one. The caller closes it.
func (b *Buffer) Snapshot(stream string) (*Snapshot, error) {
	if err := CheckStream(stream); err != nil {
		return nil, err
	}
	l := b.existing(stream)
	if l == nil {
		return &Snapshot{}, nil
	}
	snap, err := l.snapshot()
	if err != nil {
		return nil, fmt.Errorf("snapshot of %s: %w", stream, err)
	}
	return snap, nil
}

// logOf is the stream's log, which comes to be if it is not there.
func (b *Buffer) logOf(stream string) (*log, error) {
	if l := b.existing(stream); l != nil {
		return l, nil
	}
	if err := CheckStream(stream); err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, ErrClosed
	}
	l, ok := b.logs[stream]
	if !ok {
		l = newLog(b, stream, filepath.Join(b.cfg.Dir, stream))
		b.logs[stream] = l
	}
	return l, nil
}

func (b *Buffer) existing(stream string) *log {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.logs[stream]
}

// all lists the logs by name.
func (b *Buffer) all() []*log {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.sortedLocked()
}

func (b *Buffer) sortedLocked() []*log {
	list := make([]*log, 0, len(b.logs))
	for _, l := range b.logs {
		list = append(list, l)
	}
	slices.SortFunc(list, func(x, y *log) int { return cmp.Compare(x.name, y.name) })
	return list
}

func (b *Buffer) sizeOf(stream string) int64 {
	if b.cfg.Size != nil {
		if n := b.cfg.Size(stream); n > 0 {
			return n
		}
	}
	return DefaultSize
}

func (b *Buffer) intervalOf(stream string) time.Duration {
	if b.cfg.Interval != nil {
		if d := b.cfg.Interval(stream); d > 0 {
			return d
		}
	}
	return DefaultInterval
}

func (b *Buffer) rulesOf(stream string) []byte {
	if b.cfg.Rules != nil {
		if r := b.cfg.Rules(stream); len(r) > 0 {
			return slices.Clone(r)
		}
	}
	return nil
}
