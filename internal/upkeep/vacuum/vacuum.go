package vacuum

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"os"
	"sync"
	"time"

	"sluice/internal/lake"
	"sluice/internal/lake/store"

	"github.com/prometheus/client_golang/prometheus"
)

// A Catalog is where tables and partitions are registered.
type Catalog interface {
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]lake.Table, error)
	Table(ctx context.Context, name lake.TableName) (lake.Table, error)
	Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error)
	Find(ctx context.Context, name lake.TableName, values [][]string) ([]lake.Partition, error)
}

// A Store holds the objects.
type Store interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	Remove(ctx context.Context, o store.Object) error
	Now(ctx context.Context) (time.Time, error)
	Unfinished(ctx context.Context) iter.Seq2[store.Unfinished, error]
	Discard(ctx context.Context, u store.Unfinished) error
	Key(uri string) (key string, ok bool)
	URI(key string) string
}

// A Config is what a Vacuum needs.
type Config struct {
	Catalog  Catalog
	NotFound error // what the error is where there is no such table
	Store    Store
	// Values are the partition values that a folder below the table's has, given without
	// slashes at its ends; an error says that it is no partition's.
	Values func(table lake.Table, folder string) ([]string, error)
	// Moving reports whether compaction is at work on a location of the table, or has files
	// there to delete; nil: nowhere.
	Moving func(t lake.Table, location string) (bool, error)
	// Busy reports whether this node is at work on the object of that key.
	Busy  func(key string) bool
	Dir   string        // for what is remembered
	Every time.Duration // how often Run looks; 0: never
	Grace time.Duration
	// Unregistered says that Run removes unregistered folders' objects too.
	Unregistered bool
	Log          *slog.Logger
	Registerer   prometheus.Registerer
}

// A Vacuum removes what nobody needs.
type Vacuum struct {
	cfg     Config
	metrics *metrics
	running sync.Mutex // held by whoever removes

	mu      sync.Mutex
	looking bool   // guarded by mu
	status  Status // guarded by mu
}

// Open makes a Vacuum.
func Open(cfg Config) (*Vacuum, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Moving == nil {
		cfg.Moving = func(lake.Table, string) (bool, error) { return false, nil }
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open vacuum: %w", err)
	}
	return &Vacuum{cfg: cfg, metrics: newMetrics(cfg.Registerer)}, nil
}

// A Request says what to do.
type Request struct {
	Tables       []lake.TableName // none: all of the lake's, and unfinished uploads
	DryRun       bool             // remove nothing, and remember nothing
	Unregistered bool             // remove unregistered folders' objects too
	Grace        time.Duration    // 0: the Config's
}

// A Report is what was found.
type Report struct {
	Uploads []Upload // unfinished, the first maxListed of them
	Folders []Folder // unregistered, likewise
	// Of all that was found: how many uploads and folders, and their objects.
	UploadCount, FolderCount, ObjectCount int
	Bytes                                 int64 // of the objects
	// Of what was removed.
	UploadsRemoved, ObjectsRemoved int
	BytesRemoved                   int64
	Faults                         []error // tables that could not be looked at, with the reason
}

// maxListed bounds the lists of a Report.
const maxListed = 1000

// An Upload is an unfinished one.
type Upload struct {
	store.Unfinished
	Due     bool // its grace period is over
	Removed bool
}

// A Folder is an unregistered one.
type Folder struct {
	Table   lake.TableName
	Values  []string
	Key     string
	Objects int // with names that Sluice makes
	Bytes   int64
	Since   time.Time // it was found so
	Due     bool      // its grace period is over
	Why     string    // it stays for good, as long as this holds
	Removed int       // objects
}

// Do looks, and removes what the request says.
func (v *Vacuum) Do(ctx context.Context, req Request) (rep Report, err error) {
	v.running.Lock()
	defer v.running.Unlock()
	v.begun(true)
	defer v.begun(false)
	if req.Grace == 0 {
		req.Grace = v.cfg.Grace
	}
	now, err := v.cfg.Store.Now(ctx)
	if err != nil {
		return rep, fmt.Errorf("vacuum: %w", err)
	}
	if len(req.Tables) == 0 {
		if err := v.uploads(ctx, req, now, &rep); err != nil {
			return rep, fmt.Errorf("vacuum: %w", err)
		}
	}
	if err := v.folders(ctx, req, now, &rep); err != nil {
		return rep, fmt.Errorf("vacuum: %w", err)
	}
	return rep, nil
}

// uploads finds unfinished uploads.
func (v *Vacuum) uploads(ctx context.Context, req Request, now time.Time, rep *Report) error {
	var errs []error
	for u, err := range v.cfg.Store.Unfinished(ctx) {
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		if u.Key != "" && (!Ours(u.Key) || v.cfg.Busy(u.Key)) {
			continue
		}
		found := Upload{Unfinished: u, Due: now.Sub(u.Begun) >= req.Grace}
		if found.Due && !req.DryRun {
			if err := v.cfg.Store.Discard(ctx, u); err != nil {
				errs = append(errs, err)
			} else {
				found.Removed = true
				rep.UploadsRemoved++
				v.metrics.uploads.Inc()
				v.cfg.Log.InfoContext(ctx, "an unfinished upload was removed", "key", u.Key, "id", u.ID, "begun", u.Begun)
			}
		}
		if rep.UploadCount++; len(rep.Uploads) < maxListed {
			rep.Uploads = append(rep.Uploads, found)
		}
	}
	return errors.Join(errs...)
}

// Run vacuums now and then until ctx ends.
func (v *Vacuum) Run(ctx context.Context) error {
	if v.cfg.Every <= 0 {
		return nil
	}
	tick := time.NewTicker(v.cfg.Every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		rep, err := v.Do(ctx, Request{Unregistered: v.cfg.Unregistered})
		if ctx.Err() != nil {
			return nil
		}
		err = errors.Join(append(rep.Faults, err)...)
		v.metrics.ran(rep, err == nil)
		if err != nil {
			v.cfg.Log.ErrorContext(ctx, "vacuum did not get through", "error", err)
		}
		if rep.FolderCount > 0 && !v.cfg.Unregistered {
			v.cfg.Log.WarnContext(ctx, "folders with files of tables are not registered: `sluice tables reconcile` registers them, `sluice vacuum --unregistered` removes them", "folders", rep.FolderCount, "objects", rep.ObjectCount, "bytes", rep.Bytes)
		}
	}
}
