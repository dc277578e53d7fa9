package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"sluice/catalogsync"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/importer"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/progress"
	"sluice/partitioner"

	"github.com/spf13/cobra"
)

// importOptions are the flags of the command.
type importOptions struct {
	stream, table, source, since, until string
	sourceColumn                        string
	partitionBy                         []string
	size                                byteFlag
	workers                             int
	dryRun, quiet                       bool
	output                              string
}

func newImport(o *options) *cobra.Command {
	var in importOptions
	c := &cobra.Command{
		Use:   "import [flags] s3://BUCKET/PREFIX | FOLDER | FILE",
		Short: "Read JSON that is in S3 or a folder already into a table, once",
		Long: `Reads objects of JSON (a line an object, arrays, plain, gzip or zstd) into a table, as
the service would have: through its rules, conversion and delivery. So a year of raw
copies, Segment's (segment-logs/SOURCE/DAY/…) or Sluice's (raw-logs/STREAM/DAY/…),
becomes partitioned Parquet.

Each record comes to be in the table once, whatever interrupts the import: run the
same command again and it goes on; when all is in, it reads what came new. What is in
is remembered in the data folder, per table. It runs beside a service, with its
configuration and data folder; the service need not run. A stream's deduplication key is
not looked at: its window is one of arrival, and an import has a past of any length.

What cannot become a row goes to the error prefix, with the reason and the object.
Sources are never changed. Exit code 1 when an object could not be read.`,
		Example: `  sluice import --dry-run --stream events s3://segment-bucket/segment-logs/
  sluice import --stream events s3://segment-bucket/segment-logs/
  sluice import --stream events --source web --since 2026-01-01 --until 2026-01-31 s3://segment-bucket/segment-logs/
  sluice import --table shop.purchases --partition-by 'dt=day(purchaseTimestamp)' ./exports/`,
		Args: exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return o.importFrom(c, args[0], in) },
	}
	o.serviceFlags(c)
	c.Flags().MarkHidden("listen")
	f := c.Flags()
	f.StringVar(&in.stream, "stream", "", "use the rules of the stream `NAME`: its table, partitions, columns, transform")
	f.StringVar(&in.table, "table", "", "read into `[DATABASE.]TABLE` (default: the stream's), by the rules of the stream that fills it")
	f.StringArrayVar(&in.partitionBy, "partition-by", nil, "`NAME=EXPRESSION`, once for each partition column (default: the stream's)")
	f.StringVar(&in.source, "source", "", "read only the source `NAME`: the folder before that of the day")
	f.StringVar(&in.sourceColumn, "source-column", "", "put the source into the field `NAME` of records without one, such as sourceid")
	f.StringVar(&in.since, "since", "", "read only from the `DAY` on, such as 2026-01-31")
	f.StringVar(&in.until, "until", "", "read only up to the `DAY`, included")
	f.Var(&in.size, "batch-size", "convert `SIZE` of JSON at once, 1MiB to 1GiB: larger ones make larger files (default 512MiB)")
	f.IntVar(&in.workers, "workers", 4, "read `N` objects at once")
	f.BoolVar(&in.dryRun, "dry-run", false, "say what would be read, with an estimate by a sample, and change nothing")
	reportFlag(f, &in.output, "how to report")
	f.BoolVar(&in.quiet, "quiet", false, "no progress bar")
	return c
}

func (o *options) importFrom(c *cobra.Command, where string, in importOptions) (err error) {
	cfg, err := o.load()
	if err != nil {
		return err
	}
	cfg.Log.Level = "warn"
	s, err := openLakeOnly(c, cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	ic, job, err := s.importConfig(in)
	if err != nil {
		return err
	}
	if key := s.stream(ic.Stream).Dedupe.Key; key != "" {
		fmt.Fprintf(c.ErrOrStderr(), "the stream %s knows repeated records by %s; an import does not: what the objects have twice, or the stream received itself, is there twice\n", ic.Stream, key)
	}
	if err := s.checkPartitions(c.Context(), ic.Table, job.Rules); err != nil {
		return err
	}
	from, file, err := s.openSource(c.Context(), where)
	if err != nil {
		return err
	}
	if ic.Source = importer.Source(from); file != "" {
		ic.Source = oneFile{from, file}
	}
	if in.dryRun {
		conv, err := s.converter(nil)
		if err != nil {
			return err
		}
		f, err := importer.Predict(c.Context(), ic, conv, job)
		if err != nil {
			return err
		}
		return printForecast(c.OutOrStdout(), f, ic.Table, in.output)
	}
	return s.runImport(c, ic, in)
}

// oneFile is the source of one of a folder's files.
type oneFile struct {
	store.Store
	key string
}

func (o oneFile) List(ctx context.Context, _ string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) { yield(o.Stat(ctx, o.key)) }
}

// importConfig is what the flags and the configuration say.
func (s *service) importConfig(in importOptions) (ic importer.Config, job convert.Job, err error) {
	stream, rules, err := s.importRules(in)
	if err != nil {
		return ic, job, usageError{err}
	}
	ic = importer.Config{Stream: stream, SourceColumn: in.sourceColumn, Size: int64(in.size), MinFree: int64(s.cfg.Buffer.MinFree), Workers: in.workers, Logger: s.log}
	if ic.Size == 0 {
		ic.Size = 512 << 20
	}
	if ic.Size < 1<<20 || ic.Size > 1<<30 || in.workers < 1 || in.workers > 64 {
		return ic, job, usageError{errors.New("--batch-size is 1MiB to 1GiB, --workers 1 to 64")}
	}
	if ic.Table, err = delivery.TableOf(rules, stream, s.cfg.Database); err != nil {
		return ic, job, usageError{err}
	}
	ic.Dir = filepath.Join(s.cfg.DataDir, "imports", ic.Table.String())
	ic.Select = importer.Selection{Source: in.source}
	for _, day := range []struct {
		flag, text string
		to         *time.Time
	}{{"since", in.since, &ic.Select.Since}, {"until", in.until, &ic.Select.Until}} {
		if day.text == "" {
			continue
		}
		if *day.to, err = time.Parse(time.DateOnly, day.text); err != nil {
			return ic, job, usageError{fmt.Errorf("--%s %q: want a day such as 2026-01-31", day.flag, day.text)}
		}
	}
	sealed, err := json.Marshal(delivery.Rules{Stream: rules, Memory: s.convertMemory(), Lanes: s.convertLanes()})
	if err != nil {
		return ic, job, err
	}
	// The log may hold a batch of an import by another stream's rules: it is all one table.
	ic.Rules = func(string) []byte { return sealed }
	converter, err := s.converter(nil)
	if err != nil {
		return ic, job, err
	}
	ic.Delivery = delivery.Config{
		Catalog: s.catalog, NotFound: catalogsync.ErrNotFound, Store: s.store, Converter: converter, Database: s.cfg.Database,
		Batches: s.cfg.Delivery.Batches, Uploads: s.cfg.Delivery.Uploads,
	}
	job, err = delivery.JobOf(rules)
	return ic, job, err
}

// importRules are those of the stream that is named, or of the one that fills the table
// that is.
func (s *service) importRules(in importOptions) (stream string, rules configs.Stream, err error) {
	if in.stream == "" && in.table == "" {
		return "", rules, errors.New("where to? Say --stream NAME, or --table NAME")
	}
	if stream = in.stream; stream == "" {
		table, err := lake.ParseTableName(in.table, s.cfg.Database)
		if err != nil {
			return "", rules, fmt.Errorf("--table: %w", err)
		}
		var fill []string
		for _, name := range append(slices.Collect(maps.Keys(s.cfg.Streams)), s.definitions.Names()...) {
			if t, err := delivery.TableOf(s.stream(name), name, s.cfg.Database); err == nil && t == table && !slices.Contains(fill, name) {
				fill = append(fill, name)
			}
		}
		slices.Sort(fill)
		switch {
		case len(fill) > 1:
			return "", rules, fmt.Errorf("the streams %q fill the table %s: say by the rules of which, with --stream", fill, table)
		case len(fill) == 1:
			stream = fill[0]
		default:
			stream = table.Table
		}
	}
	if err := configs.CheckStreamName(stream); err != nil {
		return "", rules, fmt.Errorf("--stream: %w", err)
	}
	rules = s.stream(stream)
	if in.table != "" {
		rules.Table = in.table
	}
	if len(in.partitionBy) > 0 {
		rules.PartitionBy, rules.Prefix, rules.PartitionKeys, rules.PartitionQuery = in.partitionBy, "", nil, ""
		if _, err := partitioner.Parse(in.partitionBy); err != nil {
			return "", rules, fmt.Errorf("--partition-by: %w", err)
		}
	}
	return stream, rules, nil
}

// checkPartitions refuses, before anything is read, a table with other partitions.
func (s *service) checkPartitions(ctx context.Context, name lake.TableName, rules *partitioner.Rules) error {
	table, err := s.catalog.Table(ctx, name)
	if errors.Is(err, catalogsync.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	names := func(columns []lake.Column) (out []string) {
		for _, c := range columns {
			out = append(out, c.Name)
		}
		return out
	}
	if have, want := names(table.PartitionKeys), names(rules.Keys()); !slices.Equal(have, want) {
		return usageError{fmt.Errorf("the table %s is partitioned by %q, but the import would do so by %q: say --partition-by, or another --table", name, have, want)}
	}
	return nil
}

func (s *service) runImport(c *cobra.Command, ic importer.Config, in importOptions) error {
	// Listed before it is read, for the estimate of the time that is left.
	total, err := importer.Size(c.Context(), ic)
	if err != nil {
		return err
	}
	var m *importer.Importer
	var opened atomic.Bool
	bar := progress.New(os.Stderr, progress.Config{Label: "import", Total: total, Quiet: in.quiet, Status: func() string {
		if !opened.Load() {
			return ""
		}
		r := m.Report()
		return fmt.Sprintf("%d objects, %d records, %d delivered", r.Objects, r.Records, r.Delivered+r.Failed+r.Filtered)
	}})
	ic.Read = bar.Add
	if m, err = importer.Open(ic); err != nil {
		return err
	}
	opened.Store(true)
	start := time.Now()
	stop := bar.Start()
	report, err := m.Run(c.Context())
	stop()
	err = errors.Join(err, m.Close())
	if printErr := printImport(c.OutOrStdout(), report, ic.Table, time.Since(start), in.output); err == nil {
		err = printErr
	}
	switch {
	case c.Context().Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(c.ErrOrStderr(), "interrupted; nothing is lost: run the same command again, and the import goes on")
	case err != nil:
		err = fmt.Errorf("%w\nrun the same command again, and the import goes on", err)
	case report.Unread > 0:
		err = fmt.Errorf("%d objects could not be read to their end; what they have beyond is in no table", report.Unread)
	}
	return err
}

func printImport(w io.Writer, r importer.Report, table lake.TableName, took time.Duration, output string) error {
	if output == "json" {
		return printJSON(w, struct {
			Table string `json:"table"`
			importer.Report
			Seconds float64 `json:"seconds"`
		}{table.String(), r, took.Seconds()})
	}
	fmt.Fprintf(w, "%d objects (%s) with %d records read in %v (%s/s); %d objects were in %s already\n",
		r.Objects, progress.Bytes(r.Bytes), r.Records, took.Round(time.Millisecond), progress.Bytes(int64(float64(r.Bytes)/max(took.Seconds(), 1e-3))), r.Known, table)
	fmt.Fprintf(w, "all imports so far: %d rows in %s, %d records under %s/, %d left out by the transform\n", r.Delivered, table, r.Failed, delivery.ErrorPrefix, r.Filtered)
	if r.Bad > 0 {
		fmt.Fprintf(w, "%d of the records read are no JSON objects\n", r.Bad)
	}
	for _, text := range append(r.Problems, r.Warnings...) {
		fmt.Fprintf(w, "  ? %s\n", text)
	}
	return nil
}

func printForecast(w io.Writer, f importer.Forecast, table lake.TableName, output string) error {
	if output == "json" {
		columns := []columnInfo{}
		for _, col := range f.Columns {
			columns = append(columns, columnInfo{col.Name, col.Type.String()})
		}
		return printJSON(w, struct {
			Table string `json:"table"`
			importer.Forecast
			Columns []columnInfo `json:"columns"`
		}{table.String(), f, columns})
	}
	fmt.Fprintf(w, "%d objects (%s) would be read into %s; %d are in already\n", f.Objects, progress.Bytes(f.Bytes), table, f.Known)
	if f.Changed > 0 {
		fmt.Fprintf(w, "%d objects were replaced since they were imported, and would not be read\n", f.Changed)
	}
	if f.Objects > 0 {
		fmt.Fprintf(w, "of the days %s to %s\n", f.First, f.Last)
	}
	for _, source := range slices.Sorted(maps.Keys(f.Sources)) {
		fmt.Fprintf(w, "  source %s: %d objects\n", source, f.Sources[source])
	}
	if f.Sampled > 0 {
		fmt.Fprintf(w, "by a sample of %d of them, about: %d records (%d bad), %s of JSON, %s of Parquet, %v of conversion\n", f.Sampled, f.Records, f.Bad,
			progress.Bytes(f.JSON), progress.Bytes(f.Parquet), time.Duration(f.Seconds*float64(time.Second)).Round(time.Second))
	}
	for _, col := range f.Columns {
		fmt.Fprintf(w, "  %-24s %s\n", col.Name, col.Type)
	}
	fmt.Fprintln(w, "nothing was changed")
	return nil
}
