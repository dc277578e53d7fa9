package compact

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"sluice/catalogsync/moves"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/pace"

	"github.com/prometheus/client_golang/prometheus"
)

// A Catalog is where tables are; *catalogsync.Catalog is one.
type Catalog interface {
	moves.MoverCatalog
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]lake.Table, error)
}

// A Store is where files are.
type Store interface {
	moves.Store
	GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error)
	Put(ctx context.Context, key string, body io.ReaderAt, size int64) error
	URI(key string) string
	LocalPath(key string) (path string, ok bool)
}

// A Converter merges Parquet files.
type Converter interface {
	Merge(ctx context.Context, job convert.MergeJob) (convert.MergeResult, error)
}

// A Config is what a Compactor works with. The functions are told in the package's doc;
// nil ones say that there is no such thing.
type Config struct {
	Catalog   Catalog
	Store     Store
	Converter Converter
	Dir       string // of its own: what is being made, emptied by Open, and the node's name
	Layout    func(table lake.TableName) convert.Layout

	Target   int64 // of a file, in bytes; default 512 MiB
	MinFiles int   // small ones, from which on the schedule compacts a partition; default 8
	// After is for how long a partition has had no new file when the schedule compacts it.
	After time.Duration
	Every time.Duration // between looks of the schedule; 0: never
	// WriteRest is for how long what INSERT wrote is left alone; default 1 h. Of statements of
	// other nodes nothing else tells whether they came to their end.
	WriteRest time.Duration
	Pace      *pace.Pacer   // of the bytes that are read; nil: as fast as can be
	Grace     time.Duration // see moves.Config
	Fence     time.Duration // see moves.Config

	InLog    func(id lake.BatchID) bool
	Together func(table lake.TableName, ids []lake.BatchID) [][]lake.BatchID
	Joining  func(key string) bool
	Dropped  func(key string) bool
	Writing  func(id lake.WriteID) bool
	Planned  func(ctx context.Context) error

	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// A Compactor compacts tables, one partition at a time.
type Compactor struct {
	cfg     Config
	mover   *moves.Mover
	log     *slog.Logger
	metrics *metrics
	board   board
	one     sync.Mutex // held while a partition is compacted
}

// Open makes one, and empties its folder.
func Open(cfg Config) (*Compactor, error) {
	cfg.Target = cmp.Or(cfg.Target, 512<<20)
	cfg.MinFiles = cmp.Or(cfg.MinFiles, 8)
	cfg.WriteRest = cmp.Or(cfg.WriteRest, time.Hour)
	if cfg.Layout == nil {
		cfg.Layout = func(lake.TableName) convert.Layout { return convert.Layout{} }
	}
	if cfg.InLog == nil {
		cfg.InLog = func(lake.BatchID) bool { return false }
	}
	if cfg.Together == nil {
		cfg.Together = func(_ lake.TableName, ids []lake.BatchID) [][]lake.BatchID { return [][]lake.BatchID{ids} }
	}
	if cfg.Joining == nil {
		cfg.Joining = func(string) bool { return false }
	}
	if cfg.Dropped == nil {
		cfg.Dropped = func(string) bool { return false }
	}
	if cfg.Writing == nil {
		cfg.Writing = func(lake.WriteID) bool { return false }
	}
	if cfg.Planned == nil {
		cfg.Planned = func(context.Context) error { return nil }
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	c := &Compactor{cfg: cfg, log: cfg.Log, metrics: newMetrics(cfg.Registerer)}
	c.metrics.current(cfg.Registerer, c.Status)
	owner, err := c.openDir()
	if err != nil {
		return nil, fmt.Errorf("open compaction: %w", err)
	}
	c.mover = moves.New(moves.Config{Catalog: cfg.Catalog, Store: cfg.Store, Owner: owner, Grace: cfg.Grace, Fence: cfg.Fence, Log: cfg.Log})
	return c, nil
}

// openDir empties the folder, and returns the name that this node goes by in ledgers,
// which it keeps.
func (c *Compactor) openDir() (owner string, err error) {
	work := filepath.Join(c.cfg.Dir, "work")
	if err := errors.Join(os.RemoveAll(work), os.MkdirAll(work, 0o755)); err != nil {
		return "", err
	}
	path := filepath.Join(c.cfg.Dir, "node")
	if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
		return string(b), nil
	}
	owner = rand.Text()
	return owner, os.WriteFile(path, []byte(owner), 0o644)
}

// Run compacts what is due, now and then, until ctx ends. What goes wrong with a table
// is logged, and tried again the next time.
func (c *Compactor) Run(ctx context.Context) error {
	if c.cfg.Every <= 0 {
		return nil
	}
	tick := time.NewTicker(c.cfg.Every)
	defer tick.Stop()
	for {
		if err := c.round(ctx); err != nil && ctx.Err() == nil {
			c.metrics.failures.Inc()
			c.log.Error("compaction of tables failed, will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func (c *Compactor) round(ctx context.Context) error {
	tables, err := c.tables(ctx)
	if err != nil {
		return err
	}
	var errs []error
	census := newCensus()
	for _, t := range tables {
		r, err := c.compact(ctx, t, tables, Options{scheduled: true, census: census})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("table %s: %w", t.Name, err))
		}
		for _, p := range r.Partitions {
			if p.Err != nil {
				errs = append(errs, fmt.Errorf("table %s, partition %q: %w", t.Name, p.Values, p.Err))
			}
		}
	}
	c.metrics.round(census)
	return errors.Join(errs...)
}

// tables are all tables of the catalog.
func (c *Compactor) tables(ctx context.Context) ([]lake.Table, error) {
	databases, err := c.cfg.Catalog.Databases(ctx)
	if err != nil {
		return nil, err
	}
	var all []lake.Table
	for _, db := range databases {
		tables, err := c.cfg.Catalog.Tables(ctx, db)
		if err != nil {
			return nil, fmt.Errorf("list tables of %s: %w", db, err)
		}
		all = append(all, tables...)
	}
	return all, nil
}

// Options say what is compacted.
type Options struct {
	// Partition is one by its values; nil: all.
	Partition []string
	// DryRun changes nothing.
	DryRun bool
	// Foreign merges files of other writers too, which must be at rest.
	Foreign bool
	// Rewrite makes all files anew, large ones too, each by the layout that there is now.
	Rewrite bool

	number, of int  // of the partition, for the status
	scheduled  bool // what is small and not at rest can wait
	census     *census
}

// A Report is what was done to a table, or would be.
type Report struct {
	Table      lake.TableName
	Skipped    string // why all of it was left alone
	Partitions []Partition
	Swept      moves.Swept
}

// A Partition is what was done to one, or would be.
type Partition struct {
	Values []string
	// Files and Bytes that there were; Merged of them were, or would be.
	Files, Merged int
	Bytes         int64
	// FilesAfter and BytesAfter there are.
	FilesAfter int
	BytesAfter int64
	Skipped    string // why it was left alone
	Moved      bool
	Err        error
}

// Compact compacts a table.
func (c *Compactor) Compact(ctx context.Context, name lake.TableName, o Options) (Report, error) {
	tables, err := c.tables(ctx)
	if err != nil {
		return Report{Table: name}, err
	}
	t, err := c.cfg.Catalog.Table(ctx, name)
	if err != nil {
		return Report{Table: name}, err
	}
	return c.compact(ctx, t, tables, o)
}

func (c *Compactor) compact(ctx context.Context, t lake.Table, tables []lake.Table, o Options) (Report, error) {
	r := Report{Table: t.Name, Skipped: c.unfit(t, tables)}
	if r.Skipped != "" {
		return r, nil
	}
	var err error
	if !o.DryRun {
		c.one.Lock()
		r.Swept, err = c.mover.Sweep(ctx, t.Name)
		c.one.Unlock()
		c.metrics.deleted.Add(float64(r.Swept.Deleted))
		if err != nil {
			return r, err
		}
	}
	parts := []lake.Partition{{Location: t.Location}}
	if len(t.PartitionKeys) > 0 {
		if parts, err = c.cfg.Catalog.Partitions(ctx, t.Name, ""); err != nil {
			return r, err
		}
	}
	places := map[string]int{}
	for _, p := range parts {
		places[p.Location]++
	}
	o.of = len(parts)
	for i, p := range parts {
		o.number = i + 1
		if len(o.Partition) > 0 && strings.Join(o.Partition, "\x00") != strings.Join(p.Values, "\x00") {
			continue
		}
		if ctx.Err() != nil {
			return r, context.Cause(ctx)
		}
		var report Partition
		if places[p.Location] > 1 {
			report = Partition{Values: p.Values, Skipped: "another partition has the same location"}
		} else {
			report = c.partition(ctx, t, p, o)
		}
		c.metrics.partition(report)
		r.Partitions = append(r.Partitions, report)
	}
	if len(o.Partition) > 0 && len(r.Partitions) == 0 {
		return r, fmt.Errorf("table %s has no partition %q", t.Name, o.Partition)
	}
	return r, nil
}

// unfit says why a table cannot be compacted.
func (c *Compactor) unfit(t lake.Table, tables []lake.Table) string {
	kind := t.Parameters["table_type"]
	switch {
	case t.View != "":
		return "it is a view"
	case !t.Storage.IsParquet():
		return "its files are not Parquet"
	case moves.Held(t) != "":
		return "it is being " + moves.Held(t)
	case kind != "" && !strings.EqualFold(kind, "hive"):
		return "it is a table of type " + kind
	case strings.EqualFold(t.Parameters["projection.enabled"], "true"):
		return "its partitions are projected: Athena computes where they are, and would not find them elsewhere"
	}
	key, ok := c.cfg.Store.Key(t.Location)
	if !ok || key == "" {
		return "it lies outside the lake"
	}
	for _, col := range t.Columns {
		if col.Type.Kind == lake.KindNone {
			return fmt.Sprintf("its column %s has a type that Sluice cannot write", col.Name)
		}
	}
	home, _ := lake.HomeLocation(t.Location)
	for _, other := range tables {
		at, _ := lake.HomeLocation(other.Location)
		if other.Name != t.Name && at != "" && (strings.HasPrefix(at, home) || strings.HasPrefix(home, at)) {
			return fmt.Sprintf("the table %s lies in the same folder", other.Name)
		}
	}
	return ""
}
