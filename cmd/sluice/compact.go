package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sluice/buffer"
	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/progress"
	"sluice/internal/upkeep/compact"
	"sluice/internal/upkeep/pace"
	"sluice/partitioner"

	"github.com/spf13/cobra"
)

// compactTable is what `sluice compact` and `sluice rewrite` ask for.
var compactTable = errand{path: "/v1/tables/compact", what: "compact tables", status: (*service).compactStatus}

// A compactRequest names a table, and a partition by its path, or none for all.
type compactRequest struct {
	Table     string `json:"table"`
	Partition string `json:"partition"`
	DryRun    bool   `json:"dry_run"`
	Foreign   bool   `json:"foreign"`
	Rewrite   bool   `json:"rewrite"`
}

// A compactAnswer says what was done, or would be.
type compactAnswer struct {
	Table      string               `json:"table"`
	DryRun     bool                 `json:"dry_run"`
	Skipped    string               `json:"skipped,omitempty"` // why the table was left alone
	Partitions []compactedPartition `json:"partitions"`
	// DeletedObjects lay where partitions had been; WaitingLocations are to be emptied.
	DeletedObjects   int `json:"deleted_objects"`
	WaitingLocations int `json:"waiting_locations"`
}

type compactedPartition struct {
	Partition   string `json:"partition"`
	Files       int    `json:"files"`
	Bytes       int64  `json:"bytes"`
	MergedFiles int    `json:"merged_files"` // of files
	Compacted   bool   `json:"compacted"`
	FilesAfter  int    `json:"files_after"`
	BytesAfter  int64  `json:"bytes_after"`
	Skipped     string `json:"skipped,omitempty"`
	Error       string `json:"error,omitempty"`
}

func newCompact(o *options) *cobra.Command {
	req := &compactRequest{}
	c := &cobra.Command{
		Use:   "compact [DATABASE.]TABLE [PARTITION]",
		Short: "Make large files of a table's small ones",
		Long: `Merges the small files of a table's partitions into files of compaction.target,
sorted and encoded by the layout of the table's stream. The new files lie in a folder
of their own, the catalog points there in one step, and the old ones are deleted when
compaction.grace is over: every reader that asks the catalog sees each row once at
every moment. Partitions with files of other writers are left alone, unless --foreign
says that nobody adds to them any more. With --dry-run nothing changes.`,
		Example: `  sluice compact shop.purchases --dry-run
  sluice compact shop.purchases dt=2026-01-31
  sluice compact purchases --output json`,
		Args: cobra.RangeArgs(1, 2),
	}
	return compactCommand(o, c, req)
}

func newRewrite(o *options) *cobra.Command {
	req := &compactRequest{Rewrite: true}
	c := &cobra.Command{
		Use:   "rewrite [DATABASE.]TABLE [PARTITION]",
		Short: "Bring a table's old files to the layout, or the partitions, that its stream has now",
		Long: `Makes all files of a table's partitions anew by the layout of its stream as it is
configured now (sort, compression, Bloom filters, timestamps), and merges small ones
on the way, as sluice compact does.

A table cannot change its partition keys. For other partitions let the stream go to a
new table, with the new partition_by, and bring the old rows there by --into: each
once, whatever interrupts it. Run it again for what was delivered meanwhile. The old
table stays as it is until you drop it; it is not compacted until then, or until
--forget gives it free again.`,
		Example: `  sluice rewrite shop.purchases --dry-run
  sluice rewrite shop.purchases dt=2026-01-31
  sluice rewrite shop.purchases --into shop.purchases_by_country`,
		Args: cobra.RangeArgs(1, 2),
	}
	return compactCommand(o, c, req)
}

func compactCommand(o *options, c *cobra.Command, req *compactRequest) *cobra.Command {
	var server, format, into string
	var forget, quiet bool
	c.RunE = func(c *cobra.Command, args []string) error {
		req.Table = args[0]
		if into != "" {
			if len(args) > 1 || req.Foreign {
				return usageError{errors.New("--into brings over the whole table, whoever wrote its files: give no partition and no --foreign")}
			}
			return repartitionRequest{Table: req.Table, Into: into, DryRun: req.DryRun, Forget: forget}.run(o, c, server, format, quiet)
		}
		if forget {
			return usageError{errors.New("--forget goes with --into, the table that rows were brought into")}
		}
		if len(args) > 1 {
			req.Partition = args[1]
		}
		var answer compactAnswer
		err := compactTable.watched(o, c, server, quiet || req.DryRun, *req, &answer, func(ctx context.Context, s *service) (err error) {
			answer, err = s.compact(ctx, *req)
			return err
		})
		if err != nil {
			return err
		}
		err = report(c.OutOrStdout(), format, answer, func(w io.Writer) { printCompacted(w, answer) })
		return cmp.Or(err, answer.failure())
	}
	o.errandFlags(c, &server, &format)
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "change nothing, print what would be done")
	if req.Rewrite {
		c.Flags().StringVar(&into, "into", "", "bring the rows into `TABLE`, which has other partitions")
		c.Flags().BoolVar(&forget, "forget", false, "with --into: give the old table free, and forget what was brought over")
	}
	c.Flags().BoolVar(&quiet, "quiet", false, "no progress bar")
	c.Flags().BoolVar(&req.Foreign, "foreign", false, "take files of other writers too; nobody may be adding to the table")
	return c
}

// openCompactor opens what makes large files of small ones.
func (s *service) openCompactor() (err error) {
	cfg := s.cfg.Compaction
	converter, err := convert.New(convert.Config{
		Memory: s.convertMemory(), Threads: 1, // beside deliveries and queries, not before them
		Compression: s.cfg.Convert.Compression, RowGroup: min(int64(s.cfg.Convert.RowGroup), s.convertMemory()/2), Logger: s.log,
	})
	if err != nil {
		return err
	}
	s.compactor, err = compact.Open(compact.Config{
		Catalog: s.catalog, Store: s.deleting(), Converter: converter, Dir: s.cfg.CompactionDir(), Layout: s.layoutOf,
		Target: int64(cfg.Target), MinFiles: cfg.MinFiles, After: cfg.After, Every: cfg.Interval, Pace: s.pace, Grace: max(cfg.Grace, 2*s.cfg.Query.Timeout),
		InLog: s.inLog, Together: s.checkpoints.Together, Joining: s.held.Joining, Dropped: s.retention.Waits, Writing: s.engine.Writing, Planned: s.engine.Planned,
		Log: s.log, Registerer: s.registry,
	})
	return err
}

// taking reports whether records are coming in, or batches wait to be delivered.
func (s *service) taking() bool {
	return s.memory.InUse() > 0 || len(s.buffer.Sealed()) > 0
}

// deleting is the store for upkeep, whose deletions give way to intake.
func (s *service) deleting() pace.Store { return pace.Store{Store: s.store, Pacer: s.pace} }

// inLog reports whether a batch has not left the log. One that is open has no files.
func (s *service) inLog(id lake.BatchID) bool {
	return slices.ContainsFunc(s.buffer.Sealed(), func(b *buffer.Batch) bool { return b.ID == id })
}

// layoutOf is the layout of the stream that fills a table, else the one that all have.
func (s *service) layoutOf(name lake.TableName) convert.Layout {
	layout := s.cfg.Stream("").Layout
	for _, stream := range append(slices.Sorted(maps.Keys(s.cfg.Streams)), s.definitions.Names()...) {
		st := s.stream(stream)
		if t, err := delivery.TableOf(st, stream, s.cfg.Database); err == nil && t == name {
			layout = st.Layout
			break
		}
	}
	l, err := delivery.LayoutOf(layout)
	if err != nil {
		return convert.Layout{} // the configuration was checked
	}
	return l
}

func (s *service) compact(ctx context.Context, req compactRequest) (compactAnswer, error) {
	answer := compactAnswer{Table: req.Table, DryRun: req.DryRun, Partitions: []compactedPartition{}}
	name, err := lake.ParseTableName(req.Table, s.cfg.Database)
	if err != nil {
		return answer, usageError{err}
	}
	table, err := s.catalog.Table(ctx, name)
	if err != nil {
		return answer, err
	}
	o := compact.Options{DryRun: req.DryRun, Foreign: req.Foreign, Rewrite: req.Rewrite}
	if req.Partition != "" {
		if o.Partition, err = partitioner.ParsePath(table.PartitionKeys, strings.Trim(req.Partition, "/")); err != nil {
			return answer, usageError{fmt.Errorf("partition %s of %s: %w", req.Partition, name, err)}
		}
	}
	report, err := s.compactor.Compact(ctx, name, o)
	if err != nil {
		return answer, err
	}
	answer.Table, answer.Skipped = name.String(), report.Skipped
	answer.DeletedObjects, answer.WaitingLocations = report.Swept.Deleted, report.Swept.Waiting
	for _, p := range report.Partitions {
		c := compactedPartition{
			Partition: partitioner.Path(table.PartitionKeys, p.Values), Files: p.Files, Bytes: p.Bytes, MergedFiles: p.Merged,
			Compacted: p.Moved, FilesAfter: p.FilesAfter, BytesAfter: p.BytesAfter, Skipped: p.Skipped,
		}
		if p.Err != nil {
			c.Error = p.Err.Error()
		}
		answer.Partitions = append(answer.Partitions, c)
	}
	return answer, nil
}

func printCompacted(w io.Writer, a compactAnswer) {
	if a.Skipped != "" {
		fmt.Fprintf(w, "%s is left alone: %s\n", a.Table, a.Skipped)
		return
	}
	for _, p := range a.Partitions {
		name := cmp.Or(p.Partition, a.Table)
		switch {
		case p.Error != "":
			fmt.Fprintf(w, "! %s: %s\n", name, p.Error)
		case p.Skipped != "":
			fmt.Fprintf(w, "  %s: %d files, %s: %s\n", name, p.Files, progress.Bytes(p.Bytes), p.Skipped)
		case a.DryRun:
			fmt.Fprintf(w, "~ %s: %d files, %s; %d would be merged\n", name, p.Files, progress.Bytes(p.Bytes), p.MergedFiles)
		default:
			fmt.Fprintf(w, "~ %s: %d files, %s, are %d, %s\n", name, p.Files, progress.Bytes(p.Bytes), p.FilesAfter, progress.Bytes(p.BytesAfter))
		}
	}
	if a.DeletedObjects > 0 {
		fmt.Fprintf(w, "%d old files were deleted\n", a.DeletedObjects)
	}
	if a.WaitingLocations > 0 {
		fmt.Fprintf(w, "the files of %d old locations wait for the end of their grace period\n", a.WaitingLocations)
	}
}

// failure is an error where a partition failed.
func (a compactAnswer) failure() error {
	var errs []error
	for _, p := range a.Partitions {
		if p.Error != "" {
			errs = append(errs, fmt.Errorf("partition %s: %s", p.Partition, p.Error))
		}
	}
	return errors.Join(errs...)
}
