package retention

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/places"

	"github.com/prometheus/client_golang/prometheus"
)

// A Catalog is where tables and partitions are registered.
type Catalog interface {
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]lake.Table, error)
	Table(ctx context.Context, name lake.TableName) (lake.Table, error)
	Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error)
	Find(ctx context.Context, name lake.TableName, values [][]string) ([]lake.Partition, error)
	AddPartitions(ctx context.Context, table lake.Table, parts []lake.Partition) error
	RemovePartitions(ctx context.Context, name lake.TableName, parts []lake.Partition) error
	// RaiseProjection has the table's projection, where Sluice keeps it, begin no earlier
	// than at a time, by keys that are its date.
	RaiseProjection(ctx context.Context, name lake.TableName, keys []string, from time.Time) error
}

// A Store holds the objects.
type Store interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	Remove(ctx context.Context, o store.Object) error
	Now(ctx context.Context) (time.Time, error)
	Key(uri string) (key string, ok bool)
}

// A Rule says when the partitions of a table are past their time.
type Rule struct {
	After time.Duration
	By    []string // the keys that are the date, the largest unit first
}

// A Config is what a Reaper needs.
type Config struct {
	Catalog  Catalog
	NotFound error // what the error is where there is no such table
	Store    Store
	Rules    map[lake.TableName]Rule
	// Moving reports whether compaction is at work on a location of the table, or has files
	// there to delete; nil: nowhere.
	Moving func(t lake.Table, location string) (bool, error)
	Dir    string        // for the journal
	Every  time.Duration // how often Run looks; 0: never
	Grace  time.Duration // from a partition's drop to the deletion of its objects
	// Quiet is how long nothing may have come to a partition that is dropped: longer
	// than an upload takes. 0: 1 h.
	Quiet time.Duration
	Log   *slog.Logger

	Registerer prometheus.Registerer
}

// A Reaper drops what is past its time.
type Reaper struct {
	cfg     Config
	metrics *metrics

	round sync.Mutex // held by whoever drops or deletes

	mu      sync.Mutex
	entries map[string]entry     // dropped, not yet deleted; guarded by mu
	hidden  map[string]time.Time // folders of them: objects modified before are not seen; guarded by mu
	status  Status               // guarded by mu
}

// Open makes a Reaper and reads its journal.
func Open(cfg Config) (*Reaper, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Moving == nil {
		cfg.Moving = func(lake.Table, string) (bool, error) { return false, nil }
	}
	if cfg.Quiet == 0 {
		cfg.Quiet = time.Hour
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open retention: %w", err)
	}
	entries, err := readJournal(cfg.Dir, cfg.Log)
	if err != nil {
		return nil, fmt.Errorf("open retention: %w", err)
	}
	r := &Reaper{cfg: cfg, entries: entries}
	r.hideLocked()
	r.metrics = newMetrics(cfg.Registerer, r)
	return r, nil
}

// Tables are those that have a rule, by name.
func (r *Reaper) Tables() []lake.TableName {
	return slices.SortedFunc(maps.Keys(r.cfg.Rules), func(a, b lake.TableName) int { return strings.Compare(a.String(), b.String()) })
}

// Hides reports whether the object, at its key, is of a partition that was dropped, so
// that no query is to see it although the partition may have been made anew.
func (r *Reaper) Hides(key string, modified time.Time) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.hidden) == 0 {
		return false
	}
	for dir := parent(key); dir != ""; dir = parent(dir) {
		if before, ok := r.hidden[dir]; ok && modified.Before(before) {
			return true
		}
	}
	return false
}

// Waits reports whether the object of that key lies in the folder of a partition that was
// dropped, or is being dropped, whose objects are not deleted yet.
func (r *Reaper) Waits(key string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		for _, p := range e.Parts {
			if f, ok := r.folder(p); ok && places.Within(key, f) {
				return true
			}
		}
	}
	return false
}

func parent(key string) string { return key[:max(strings.LastIndexByte(key, '/'), 0)] }

// hideLocked works out what is hidden by the entries.
func (r *Reaper) hideLocked() {
	r.hidden = map[string]time.Time{}
	for _, e := range r.entries {
		if e.State != stateDropped {
			continue
		}
		for _, p := range e.Parts {
			if f, ok := r.folder(p); ok && e.Before.After(r.hidden[f]) {
				r.hidden[f] = e.Before
			}
		}
	}
}

// folder is the key of a partition's folder.
func (r *Reaper) folder(p lake.Partition) (string, bool) {
	k, ok := r.cfg.Store.Key(p.Location)
	k = strings.Trim(k, "/")
	return k, ok && k != ""
}

// pending is a copy of the entries.
func (r *Reaper) pending() map[string]entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.entries)
}

func (r *Reaper) put(id string, e *entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e == nil {
		delete(r.entries, id)
	} else {
		r.entries[id] = *e
	}
	r.hideLocked()
}

// Run drops and deletes, at the start and every so often, until ctx ends. What goes
// wrong with a table is logged and tried again the next time.
func (r *Reaper) Run(ctx context.Context) error {
	if r.cfg.Every <= 0 || len(r.cfg.Rules) == 0 && len(r.pending()) == 0 {
		return nil
	}
	tick := time.NewTicker(r.cfg.Every)
	defer tick.Stop()
	for {
		r.all(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (r *Reaper) all(ctx context.Context) {
	ok := true
	for _, t := range r.Tables() {
		rep, err := r.Drop(ctx, t)
		if err != nil && ctx.Err() == nil && !errors.Is(err, r.cfg.NotFound) {
			ok = false
			r.cfg.Log.ErrorContext(ctx, "retention did not get through", "table", t.String(), "dropped", rep.Dropped, "error", err)
		}
	}
	if _, err := r.Delete(ctx); err != nil && ctx.Err() == nil {
		ok = false
		r.cfg.Log.ErrorContext(ctx, "objects of dropped partitions are not deleted yet", "error", err)
	}
	r.metrics.ran(ok && ctx.Err() == nil)
}
