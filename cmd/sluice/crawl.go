package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"sluice/catalogsync/crawl"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/lake/store"

	"github.com/spf13/cobra"
)

// crawlTables is what `sluice crawl --server` asks for.
var crawlTables = errand{path: "/v1/tables/crawl", what: "crawl"}

// A crawlRequest says what is crawled. What it leaves out is as in crawl.Config.
type crawlRequest struct {
	Location string   `json:"location"`
	Database string   `json:"database,omitempty"`
	Table    string   `json:"table,omitempty"`
	DateKeys []string `json:"date_keys,omitempty"`
	Header   string   `json:"header,omitempty"`
	Sample   int      `json:"sample,omitempty"`
	Footers  int      `json:"footers,omitempty"`
	DryRun   bool     `json:"dry_run,omitempty"`
	Watch    bool     `json:"watch,omitempty"` // what did not change since the last time is not read
}

// A crawled is what was found.
type crawled struct {
	Files     int              `json:"files"` // listed
	Read      int              `json:"read"`  // looked at
	DryRun    bool             `json:"dry_run"`
	Tables    []crawledTable   `json:"tables"`
	Conflicts []crawl.Conflict `json:"conflicts"` // of no table
}

type crawledTable struct {
	Table      string           `json:"table"`
	Location   string           `json:"location"`
	Format     string           `json:"format"`
	Files      int              `json:"files"`
	Bytes      int64            `json:"bytes"`
	New        bool             `json:"new"`
	Keys       []string         `json:"partition_keys"`
	Columns    []columnInfo     `json:"columns"`          // that it lacked
	Added      int              `json:"partitions_added"` // or that would be
	Partitions []partitionInfo  `json:"partitions"`       // of those, the first
	Conflicts  []crawl.Conflict `json:"conflicts"`
	More       int              `json:"more_conflicts,omitempty"`
	Error      string           `json:"error,omitempty"`
}

// maxCrawled is how many of a table's new partitions are listed.
const maxCrawled = 1000

func newCrawl(o *options) *cobra.Command {
	var req crawlRequest
	var server, format string
	var watch time.Duration
	c := &cobra.Command{
		Use:   "crawl [flags] s3://BUCKET/PREFIX | FOLDER",
		Short: "Make tables of files that are there already, and register their partitions",
		Long: `Finds tables and partitions in files of Parquet, JSON lines or CSV (plain, .gz, .zst) and
registers them in the catalog. A folder is a table; name=value folders and dates
(2026/01/31, 2026-01-31, with an hour behind it) are partitions. It only adds: no column is
removed or retyped, and no partition or file touched; what does not fit is reported, with
file, column and types. A second run changes nothing.

With --watch it looks again and again, and reads only what is new. It runs beside a service,
with its configuration; with --server the service does it, below its lake, for a key with
admin: it looks into the folders of every table. Tables outside the
lake are for other engines on the same catalog: Sluice's own queries read the lake alone.`,
		Example: `  sluice crawl --dry-run s3://my-bucket/lake/exports/
  sluice crawl --database exports s3://my-bucket/lake/exports/
  sluice crawl --database logs --table events --watch 5m s3://my-bucket/lake/segment-logs/
  sluice crawl --output json --date-keys y,m,d,h ./lake/logs`,
		Args: exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			req.Location, req.Watch = args[0], watch > 0
			return o.crawlAgain(c, server, req, watch, format)
		},
	}
	o.serviceFlags(c)
	c.Flags().MarkHidden("listen")
	f := c.Flags()
	f.StringVar(&server, "server", "", "let the service at `URL` do it (default: here)")
	o.clientFlags(c)
	f.StringVar(&req.Database, "database", "", "`NAME` of the tables' database, made if it is not there (default: as configured)")
	f.StringVar(&req.Table, "table", "", "take all files for the table `NAME`; folders that are neither name=value nor dates become partition_0 …")
	f.StringSliceVar(&req.DateKeys, "date-keys", nil, "`NAMES` of the partition keys of date folders (default year,month,day,hour)")
	f.StringVar(&req.Header, "csv-header", "", "whether CSV has a header: yes, no (default: find out)")
	f.IntVar(&req.Sample, "sample", 2, "look at `N` files of text, the newest, of a folder")
	f.IntVar(&req.Footers, "footers", 0, "read the footers of `N` files of Parquet, the newest, of a folder; 0: of all")
	f.DurationVar(&watch, "watch", 0, "crawl again every `TIME`, such as 5m, until interrupted")
	f.BoolVar(&req.DryRun, "dry-run", false, "change nothing, print what would be changed")
	reportFlag(f, &format, "how to report")
	return c
}

// crawlAgain crawls once, or every so often until it is interrupted.
func (o *options) crawlAgain(c *cobra.Command, server string, req crawlRequest, every time.Duration, format string) error {
	if every != 0 && every < time.Second {
		return usageError{errors.New("--watch: want a second at least, such as 5m")}
	}
	ask, closeAll, err := o.crawler(c, server, req)
	if err != nil {
		return err
	}
	defer closeAll()
	for {
		found, err := ask(c.Context())
		if every > 0 && c.Context().Err() != nil {
			return nil // that is how watching ends
		}
		if err == nil {
			if every == 0 || found.interesting() {
				err = found.print(c.OutOrStdout(), format)
			}
			err = errors.Join(err, found.failures())
		}
		if every == 0 || errors.As(err, new(usageError)) {
			return err
		}
		if err != nil {
			fmt.Fprintln(c.ErrOrStderr(), "sluice: "+err.Error()+"; it is tried again")
		}
		select {
		case <-c.Context().Done():
			return nil
		case <-time.After(every):
		}
	}
}

// crawler is what crawls: the server, or this process.
func (o *options) crawler(c *cobra.Command, server string, req crawlRequest) (ask func(context.Context) (crawled, error), closeAll func(), err error) {
	if server != "" {
		return func(ctx context.Context) (found crawled, err error) {
			err = crawlTables.ask(ctx, o, server, req, &found)
			return found, err
		}, func() {}, nil
	}
	cfg, err := o.load()
	if err != nil {
		return nil, nil, err
	}
	cfg.Log.Level = "warn"
	s, err := openLakeOnly(c, cfg)
	if err != nil {
		return nil, nil, err
	}
	from, file, err := s.openSource(c.Context(), req.Location)
	if err == nil && file != "" {
		err = usageError{fmt.Errorf("%s is a file: name its folder, which is a table", req.Location)}
	}
	if err != nil {
		s.close()
		return nil, nil, err
	}
	var listed, read atomic.Int64
	crawler, err := s.newCrawler(from, "", req, func(l, r int) { listed.Store(max(listed.Load(), int64(l))); read.Store(int64(r)) })
	if err != nil {
		s.close()
		return nil, nil, usageError{err}
	}
	if _, within := s.store.Key(from.URI("")); !within {
		fmt.Fprintf(c.ErrOrStderr(), "%s is not below the lake %s: other engines can read the tables, Sluice's own cannot\n", from.URI(""), s.store.URI(""))
	}
	return func(ctx context.Context) (crawled, error) {
		stop := tell(c.ErrOrStderr(), func() string { return fmt.Sprintf("crawl: %d files listed, %d read", listed.Load(), read.Load()) })
		defer stop()
		return runCrawl(ctx, crawler, req)
	}, func() { s.close() }, nil
}

// tell writes a line every few seconds until it is stopped.
func tell(w io.Writer, line func() string) (stop func()) {
	tick, quit, gone := time.NewTicker(3*time.Second), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				fmt.Fprintln(w, line())
			case <-quit:
				return
			}
		}
	}()
	return func() { close(quit); <-gone }
}

func (s *service) newCrawler(from store.Store, root string, req crawlRequest, progress func(listed, read int)) (*crawl.Crawler, error) {
	return crawl.New(crawl.Config{
		Catalog: s.catalog, Lake: from, Infer: convert.Infer,
		Columns: func(ctx context.Context, o store.Object) ([]lake.Column, error) { return columnsOf(ctx, from, o) },
		Root:    root, Database: cmp.Or(req.Database, s.cfg.Database), Table: req.Table, DateKeys: req.DateKeys, Header: req.Header,
		Sample: req.Sample, Footers: req.Footers, Progress: progress,
	})
}

func runCrawl(ctx context.Context, c *crawl.Crawler, req crawlRequest) (crawled, error) {
	res, err := c.Run(ctx, req.DryRun)
	out := crawled{Files: res.Files, Read: res.Read, DryRun: req.DryRun, Tables: []crawledTable{}, Conflicts: append([]crawl.Conflict{}, res.Conflicts...)}
	for _, t := range res.Tables {
		info := crawledTable{
			Table: t.Name.String(), Location: t.Location, Format: t.Format, Files: t.Files, Bytes: t.Bytes, New: t.New,
			Keys: append([]string{}, t.Keys...), Columns: []columnInfo{}, Added: len(t.Partitions), Partitions: []partitionInfo{},
			Conflicts: append([]crawl.Conflict{}, t.Conflicts...), More: t.More,
		}
		for _, col := range t.Columns {
			info.Columns = append(info.Columns, columnInfo{col.Name, col.Type.String()})
		}
		for _, p := range t.Partitions[:min(len(t.Partitions), maxCrawled)] {
			info.Partitions = append(info.Partitions, partitionInfo{p.Values, p.Location})
		}
		if t.Err != nil {
			info.Error = t.Err.Error()
		}
		out.Tables = append(out.Tables, info)
	}
	return out, err
}

// crawl does what a client asks for, below the lake. What is not a dry run makes tables, so
// that it is for who may do that by SQL.
func (s *service) crawl(ctx context.Context, req crawlRequest) (crawled, error) {
	who := s.cfg.Query.Write.Who
	if !req.DryRun && (who == configs.WriteOff || s.guard.IsOpen() && who != configs.WriteAnyone) {
		return crawled{}, usageError{errors.New("crawling makes tables: it needs keys, or query.write.who: anyone (a dry run does not)")}
	}
	key, within := s.store.Key(req.Location)
	if !within {
		return crawled{}, usageError{fmt.Errorf("%s is not below the lake %s", req.Location, s.store.URI(""))}
	}
	crawler, err := s.crawlerFor(strings.Trim(key, "/"), req)
	if err != nil {
		return crawled{}, usageError{err}
	}
	return runCrawl(ctx, crawler, req)
}

// maxWatches is how many crawlers are kept that watch, each with what it has seen.
const maxWatches = 16

// crawlerFor is the one that has done the same before, if it watches.
func (s *service) crawlerFor(key string, req crawlRequest) (*crawl.Crawler, error) {
	if !req.Watch {
		return s.newCrawler(s.store, key, req, nil)
	}
	name, err := json.Marshal(req)
	if err != nil {
		return nil, err
	}
	s.watchesMu.Lock()
	defer s.watchesMu.Unlock()
	if c := s.watches[string(name)]; c != nil {
		return c, nil
	}
	c, err := s.newCrawler(s.store, key, req, nil)
	if err != nil {
		return nil, err
	}
	if s.watches == nil || len(s.watches) >= maxWatches {
		s.watches = map[string]*crawl.Crawler{}
	}
	s.watches[string(name)] = c
	return c, nil
}

// interesting reports whether there is something to tell.
func (f crawled) interesting() bool {
	for _, t := range f.Tables {
		if t.New || len(t.Columns)+t.Added+len(t.Conflicts) > 0 || t.Error != "" {
			return true
		}
	}
	return len(f.Conflicts) > 0
}

// failures is the error that some table could not be registered.
func (f crawled) failures() error {
	n := 0
	for _, t := range f.Tables {
		if t.Error != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d tables could not be registered", n, len(f.Tables))
}

func (f crawled) print(w io.Writer, format string) error {
	if format == "json" {
		return printJSON(w, f)
	}
	same := 0
	for _, t := range f.Tables {
		if !t.New && len(t.Columns)+t.Added+len(t.Conflicts) == 0 && t.Error == "" {
			same++
			continue
		}
		t.print(w)
	}
	for _, c := range f.Conflicts {
		printConflict(w, c)
	}
	fmt.Fprintf(w, "%d files, %d of them read; %d of %d tables are as the files are", f.Files, f.Read, same, len(f.Tables))
	if f.DryRun {
		fmt.Fprint(w, "; nothing was changed")
	}
	_, err := fmt.Fprintln(w)
	return err
}

// shown is how many partitions a report shows of a table.
const shown = 10

func (t crawledTable) print(w io.Writer) {
	sign := " "
	if t.New {
		sign = "+"
	}
	fmt.Fprintf(w, "%s %s  %s, %d files at %s\n", sign, t.Table, cmp.Or(t.Format, "no known format"), t.Files, t.Location)
	if t.New && len(t.Keys) > 0 {
		fmt.Fprintf(w, "  partitioned by %s\n", strings.Join(t.Keys, ", "))
	}
	for _, c := range t.Columns {
		fmt.Fprintf(w, "  + column %s %s\n", c.Name, c.Type)
	}
	for _, p := range t.Partitions[:min(len(t.Partitions), shown)] {
		fmt.Fprintf(w, "  + partition %q at %s\n", p.Values, p.Location)
	}
	if t.Added > shown {
		fmt.Fprintf(w, "  + %d more partitions\n", t.Added-shown)
	}
	for _, c := range t.Conflicts {
		printConflict(w, c)
	}
	if t.More > 0 {
		fmt.Fprintf(w, "  ? %d more conflicts\n", t.More)
	}
	if t.Error != "" {
		fmt.Fprintf(w, "  ! %s\n", t.Error)
	}
}

func printConflict(w io.Writer, c crawl.Conflict) {
	fmt.Fprint(w, "  ?")
	if c.Column != "" {
		fmt.Fprintf(w, " column %s", c.Column)
	}
	switch {
	case c.Have != "" && c.Found != "":
		fmt.Fprintf(w, " %s, here %s", c.Have, c.Found)
	case c.Found != "":
		fmt.Fprintf(w, " %s", c.Found)
	}
	fmt.Fprintf(w, " %s: %s\n", c.File, c.Text)
}
