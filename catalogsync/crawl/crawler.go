package crawl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A Lake is where the files are.
type Lake interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error)
	URI(key string) string
}

// A Config says what is crawled, and into what.
type Config struct {
	Catalog *catalogsync.Catalog
	Lake    Lake
	// Columns are those of a Parquet file.
	Columns func(ctx context.Context, o store.Object) ([]lake.Column, error)
	// Infer tells the columns of JSON records.
	Infer func(ctx context.Context, blocks lake.Blocks) ([]lake.Column, error)

	Root     string // key of the folder; "" is the lake's root
	Database string
	Table    string // all files are of this table; "": see the package's doc
	// DateKeys are the names of year, month, day and hour; nil: these.
	DateKeys []string
	// Header says whether CSV has one: "yes", "no", or "" to find out.
	Header      string
	Sample      int   // files of text that are looked at, of a folder; default 2
	SampleBytes int64 // of one, as it is when it is decompressed; default 1 MiB
	Footers     int   // of Parquet that are read, of a folder; 0: all
	MaxFiles    int   // default 1,000,000
	// Progress is called with how many files were listed and looked at; nil: not.
	Progress func(listed, read int)
}

// A Conflict is what could not be taken as it is.
type Conflict struct {
	File   string `json:"file,omitempty"`   // or folder; its location
	Column string `json:"column,omitempty"` // or the path of a field
	Have   string `json:"have,omitempty"`   // the type that the table has
	Found  string `json:"found,omitempty"`  // the one in the file
	Text   string `json:"text"`             // what is wrong, and what was done
}

// maxConflicts is how many conflicts of a table are told.
const maxConflicts = 100

// A Table is what was found of one table, and done unless it was a dry run.
type Table struct {
	Name     lake.TableName
	Location string
	Format   string // parquet, json or csv
	Files    int
	Bytes    int64
	Read     int // files that were looked at
	New      bool
	Keys     []string
	Columns  []lake.Column // that it lacked; of structs the new whole
	// Partitions that it lacked.
	Partitions []lake.Partition
	Conflicts  []Conflict
	More       int   // conflicts that are not told
	Err        error // what kept it from being registered
}

// Changes reports whether the table was, or would be, changed.
func (t *Table) Changes() bool { return t.New || len(t.Columns)+len(t.Partitions) > 0 }

func (t *Table) conflict(c Conflict) {
	if len(t.Conflicts) >= maxConflicts {
		t.More++
		return
	}
	t.Conflicts = append(t.Conflicts, c)
}

// A Result is what a crawl found.
type Result struct {
	Tables    []Table
	Conflicts []Conflict // of no table
	Files     int        // listed
	Read      int        // looked at
}

// A Crawler crawls one place, again and again: what did not change since the last time
// is not read again.
type Crawler struct {
	cfg Config

	mu   sync.Mutex
	seen map[string]uint64 // fingerprints of folders; guarded by mu
}

// New checks the configuration.
func New(cfg Config) (*Crawler, error) {
	if cfg.DateKeys == nil {
		cfg.DateKeys = []string{"year", "month", "day", "hour"}
	}
	if cfg.Sample == 0 {
		cfg.Sample = 2
	}
	if cfg.SampleBytes == 0 {
		cfg.SampleBytes = 1 << 20
	}
	if cfg.MaxFiles == 0 {
		cfg.MaxFiles = 1_000_000
	}
	if cfg.Progress == nil {
		cfg.Progress = func(int, int) {}
	}
	var faults []error
	fault := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	fault(cfg.Database != "" && cfg.Database == lake.CleanName(cfg.Database), "database %q: want a name of a–z, 0–9 and _", cfg.Database)
	fault(cfg.Table == "" || cfg.Table == lake.CleanName(cfg.Table), "table %q: want a name of a–z, 0–9 and _", cfg.Table)
	fault(slices.Contains([]string{"", "yes", "no"}, cfg.Header), "header %q: want yes, no or nothing", cfg.Header)
	fault(cfg.Sample > 0 && cfg.SampleBytes > 0 && cfg.Footers >= 0 && cfg.MaxFiles > 0, "a number below 0")
	names := map[string]bool{}
	for _, name := range cfg.DateKeys {
		fault(name == lake.CleanName(name) && !names[name], "date keys %q: want different names of a–z, 0–9 and _", cfg.DateKeys)
		names[name] = true
	}
	fault(len(cfg.DateKeys) == 4, "date keys %q: want four names, of year, month, day and hour", cfg.DateKeys)
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("crawl: %w", err)
	}
	return &Crawler{cfg: cfg, seen: map[string]uint64{}}, nil
}

// Run crawls once. With dry nothing is changed.
func (c *Crawler) Run(ctx context.Context, dry bool) (Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := &scan{cfg: c.cfg, folders: map[string]*folder{}}
	if err := s.list(ctx); err != nil {
		return Result{}, err
	}
	known, err := c.known(ctx)
	if err != nil {
		return Result{}, err
	}
	res := Result{Files: s.files}
	groups := s.tables()
	taken := names(known)
	for _, g := range groups {
		t := Table{Location: c.folder(g.root), Files: g.files, Bytes: g.bytes}
		have, exists := known[t.Location]
		if g.around != "" {
			res.Conflicts = append(res.Conflicts, Conflict{File: t.Location, Text: fmt.Sprintf("%d files lie here, around the table at %s: no table was made of them, as engines would read that one's files too", g.files, c.folder(g.around))})
			continue
		}
		if exists {
			t.Name = have.Name
		} else {
			t.Name = lake.TableName{Database: c.cfg.Database, Table: c.name(g, taken)}
			taken[t.Name.Table] = true
		}
		w := &work{c: c, g: g, t: &t, have: have, exists: exists, dry: dry}
		if err := w.run(ctx); err != nil {
			if ctx.Err() != nil {
				return res, context.Cause(ctx)
			}
			t.Err = err
		}
		res.Read += t.Read
		c.cfg.Progress(s.files, res.Read)
		if !w.exists && !t.New && t.Err == nil { // none was made
			delete(taken, t.Name.Table)
			res.Conflicts = append(res.Conflicts, t.Conflicts...)
			continue
		}
		res.Tables = append(res.Tables, t)
	}
	return res, nil
}

// folder is the URI of a folder, with one slash at its end, which the store's own has.
func (c *Crawler) folder(key string) string { return slashed(c.cfg.Lake.URI(key)) }

func slashed(uri string) string { return strings.TrimRight(uri, "/") + "/" }

// known are the tables of the database, by location, with one slash at its end.
func (c *Crawler) known(ctx context.Context) (map[string]lake.Table, error) {
	tables, err := c.cfg.Catalog.Tables(ctx, c.cfg.Database)
	if errors.Is(err, catalogsync.ErrNotFound) {
		return map[string]lake.Table{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list tables of %s: %w", c.cfg.Database, err)
	}
	out := make(map[string]lake.Table, len(tables))
	for i, t := range tables {
		at := slashed(t.Location)
		if t.View != "" || t.Location == "" {
			at = fmt.Sprintf("no place %d", i) // its name is taken all the same
		}
		if _, twice := out[at]; twice {
			at = fmt.Sprintf("%s of another %d", at, i)
		}
		out[at] = t
	}
	return out, nil
}

func names(known map[string]lake.Table) map[string]bool {
	taken := make(map[string]bool, len(known))
	for _, t := range known {
		taken[t.Name.Table] = true
	}
	return taken
}
