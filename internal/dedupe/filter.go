package dedupe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"

	"golang.org/x/sync/semaphore"
)

// A Log is where records go, and where those that are not delivered are found.
type Log interface {
	Append(ctx context.Context, stream string, block lake.Block) error
	Snapshot(stream string) (*buffer.Snapshot, error)
	Streams() []buffer.StreamState
}

// A Filter is an appender that drops duplicates. Its methods may be called from
// any goroutine.
type Filter struct {
	cfg     Config
	fs      buffer.FS
	log     *slog.Logger
	metrics *metrics
	works   sync.Pool           // of *work
	room    *semaphore.Weighted // keys of appends under way, all streams together

	wake chan struct{} // capacity 1: Run looks at the streams

	streams sync.Map // name to *stream, or to nil where a stream needs none unless a request has a key

	mu   sync.Mutex
	made []*stream // every stream of streams, by name; guarded by mu
}

// Open reads what earlier processes remembered, and of the log what is in no key
// file yet. A stream for which that fails takes nothing until Run has repeated it
// with success; Ready says so. The error is for faults that time does not mend.
func Open(cfg Config) (*Filter, error) {
	if cfg.RequestWindow == 0 {
		cfg.RequestWindow = DefaultRequestWindow
	}
	if cfg.MaxKeys == 0 {
		cfg.MaxKeys = DefaultMaxKeys
	}
	if cfg.OpenKeys == 0 {
		cfg.OpenKeys = DefaultOpenKeys
	}
	if cfg.Key == nil {
		cfg.Key = func(string) ([]string, time.Duration) { return nil, 0 }
	}
	f := &Filter{cfg: cfg, fs: cfg.FS, log: cfg.Logger, wake: make(chan struct{}, 1), works: sync.Pool{New: newWork},
		room: semaphore.NewWeighted(maxClaims)}
	if f.fs == nil {
		f.fs = buffer.OS()
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	f.metrics = newMetrics(f)
	names, err := f.names()
	if err != nil {
		return nil, fmt.Errorf("open deduplication %s: %w", cfg.Dir, err)
	}
	for _, name := range names {
		s := newStream(f, name, filepath.Join(cfg.Dir, name))
		f.keep(s)
		var newer *VersionError
		switch err := s.load(context.Background()); {
		case errors.As(err, &newer):
			f.unmap()
			return nil, fmt.Errorf("open deduplication %s: %w", cfg.Dir, err)
		case err != nil:
			f.log.Error("deduplication keys are not read: the stream takes no records until they are", "stream", name, "error", err)
		}
	}
	if err := f.metrics.register(cfg.Registerer); err != nil {
		f.unmap()
		return nil, fmt.Errorf("open deduplication: %w", err)
	}
	return f, nil
}

// names are the streams that are remembered, or have a key and records in the log.
func (f *Filter) names() ([]string, error) {
	entries, err := f.fs.ReadDir(f.cfg.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir && buffer.CheckStream(e.Name) == nil {
			names = append(names, e.Name)
		}
	}
	for _, st := range f.cfg.Log.Streams() {
		if path, _ := f.cfg.Key(st.Name); len(path) > 0 {
			names = append(names, st.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// keep adds a stream. Nobody else adds one of that name.
func (f *Filter) keep(s *stream) {
	f.streams.Store(s.name, s)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.made = append(f.made, s)
	slices.SortFunc(f.made, func(a, b *stream) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
}

// all lists the streams.
func (f *Filter) all() []*stream {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.made)
}

// openLimit is how many keys one stream may hold in memory, about.
func (f *Filter) openLimit() int {
	f.mu.Lock()
	n := len(f.made)
	f.mu.Unlock()
	return max(min(f.cfg.OpenKeys/max(1, n), maxOpen), min(minOpen, f.cfg.OpenKeys))
}

func (f *Filter) now() uint32 { return seconds(time.Now()) }

func (f *Filter) wakeUp() {
	select {
	case f.wake <- struct{}{}:
	default: // it is on its way
	}
}

// Append appends the records of the block that are no duplicates, and returns nil
// when all are on disk: the ones appended, and those that the others repeat. It
// may make more than one append to the log where the block is of a request with a
// key and some of it is there already.
//
// Its errors are the log's and, with the method Full, *CeilingError and
// *StuckError. After an error, records with a key that are sent again are still
// taken once.
func (f *Filter) Append(ctx context.Context, name string, block lake.Block) error {
	_, asked := lake.ParseRequest(block.Attrs)
	s, err := f.stream(name, asked)
	if err != nil {
		return err
	}
	if s == nil || s.field == nil && !asked {
		return f.cfg.Log.Append(ctx, name, block)
	}
	place := min(2*int64(block.Records), maxClaims)
	if err := f.room.Acquire(ctx, place); err != nil {
		return fmt.Errorf("append to %s: wait for other appends: %w", name, err)
	}
	defer f.room.Release(place)
	w := f.works.Get().(*work)
	defer func() {
		w.reset()
		f.works.Put(w)
	}()
	if err := w.identify(s, block); err != nil {
		return fmt.Errorf("append to %s: %w", name, err)
	}
	if len(w.claims) == 0 {
		return f.cfg.Log.Append(ctx, name, block)
	}
	return s.append(ctx, w, block)
}

// stream is what is remembered of a stream; nil if that is nothing, and nobody
// asks that it be something.
func (f *Filter) stream(name string, asked bool) (*stream, error) {
	v, known := f.streams.Load(name)
	if s, _ := v.(*stream); s != nil || known && !asked {
		return s, nil
	}
	if err := buffer.CheckStream(name); err != nil {
		return nil, err
	}
	s := newStream(f, name, filepath.Join(f.cfg.Dir, name))
	if s.field == nil && !asked {
		f.streams.LoadOrStore(name, (*stream)(nil))
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if v, _ := f.streams.Load(name); v != nil && v.(*stream) != nil {
		return v.(*stream), nil
	}
	// The folder is durable before the first record with a key is: by it the next
	// Open knows that the log of this stream is to be read.
	if err := s.makeFolder(); err != nil {
		return nil, &StuckError{name, err}
	}
	f.made = append(f.made, s)
	f.streams.Store(name, s)
	return s, nil
}

// Sync makes every key of the records that are in the stream's log durable in
// files, so that the log is not needed for them any more. Delivery calls it before
// it releases a batch.
//
// If we crash before it has returned, the batch is not released, and the next Open
// reads its keys from the log.
func (f *Filter) Sync(ctx context.Context, name string) error {
	v, _ := f.streams.Load(name)
	s, _ := v.(*stream)
	if s == nil {
		return nil
	}
	if err := s.sync(ctx); err != nil {
		return fmt.Errorf("sync deduplication keys of %s: %w", name, err)
	}
	return nil
}

// Run writes keys to files, merges files and drops expired ones, until ctx ends. It
// returns nil.
func (f *Filter) Run(ctx context.Context) error {
	tidy := time.NewTicker(tidyEvery)
	defer tidy.Stop()
	retry := time.NewTicker(retryEvery)
	defer retry.Stop()
	for {
		all := false
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		case <-retry.C:
		case <-tidy.C:
			all = true
		}
		for _, s := range f.all() {
			if ctx.Err() == nil {
				f.look(ctx, s, all)
			}
		}
	}
}

// look does for a stream what is to be done.
func (f *Filter) look(ctx context.Context, s *stream, all bool) {
	s.mu.Lock()
	notLoaded, held := s.notLoaded, s.heldLocked()
	s.mu.Unlock()
	if notLoaded != nil {
		if err := s.load(ctx); err != nil {
			f.log.Warn("deduplication keys are still not read", "stream", s.name, "error", err)
		} else {
			f.log.Info("deduplication keys are read, the stream takes records again", "stream", s.name)
		}
		return
	}
	if all {
		s.prune(f.now())
	}
	if held >= f.openLimit() {
		// Not just written: a start after a kill then need not read all of a backlog.
		if err := s.sync(ctx); err != nil && ctx.Err() == nil {
			f.log.Error("deduplication keys are not written to a file", "stream", s.name, "error", err)
			return
		}
	} else if !all {
		return
	}
	if err := s.tidy(ctx); err != nil && ctx.Err() == nil {
		f.log.Error("deduplication files are not merged", "stream", s.name, "error", err)
	}
}

// Ready is nil when every stream can take records.
func (f *Filter) Ready() error {
	for _, s := range f.all() {
		s.mu.Lock()
		err := s.notLoaded
		s.mu.Unlock()
		if err != nil {
			return &StuckError{s.name, err}
		}
	}
	return nil
}

// Close writes the keys in memory to files. What it cannot write is in the log
// still, and that is said in a warning: nothing is lost. No method may be called
// after it, and the Log must still be open.
func (f *Filter) Close() {
	for _, s := range f.all() {
		s.mu.Lock()
		loaded := s.notLoaded == nil
		s.mu.Unlock()
		if !loaded {
			continue
		}
		if err := s.sync(context.Background()); err != nil {
			f.log.Warn("deduplication keys are not written to a file; the next start reads them from the log", "stream", s.name, "error", err)
		}
	}
	f.metrics.unregister(f.cfg.Registerer)
	f.unmap()
}

func (f *Filter) unmap() {
	for _, s := range f.all() {
		for _, set := range s.sets() {
			set.replace(set.list(), nil)
		}
	}
}
