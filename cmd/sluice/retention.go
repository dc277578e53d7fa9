package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"sluice/catalogsync"
	"sluice/catalogsync/moves"
	"sluice/configs"
	"sluice/internal/lake"
	"sluice/internal/upkeep/retention"

	"github.com/spf13/cobra"
)

// retain is what `sluice retention` asks for.
var retain = errand{path: "/v1/tables/retention", what: "drop partitions", status: (*service).retentionStatus}

// A retentionRequest names tables, none for all that have a rule.
type retentionRequest struct {
	Tables []string `json:"tables"`
	DryRun bool     `json:"dry_run"`
}

// A retentionAnswer says what was dropped and deleted, or would be.
type retentionAnswer struct {
	DryRun bool             `json:"dry_run"`
	Tables []retentionTable `json:"tables"`
	// What became of partitions that were dropped before.
	DeletedObjects    int    `json:"deleted_objects"`
	DeletedBytes      int64  `json:"deleted_bytes"`
	WaitingPartitions int    `json:"waiting_partitions"`
	Error             string `json:"error,omitempty"` // what kept objects from being deleted
}

type retentionTable struct {
	Table   string             `json:"table"`
	Cutoff  *time.Time         `json:"cutoff"` // partitions that ended before it are past their time
	Expired []expiredPartition `json:"expired"`
	Dropped int                `json:"dropped"` // of expired
	Kept    int                `json:"kept"`
	Passed  []passedPartition  `json:"passed"` // left alone whatever their age: the first of passed_count
	// PassedCount is how many those are.
	PassedCount int    `json:"passed_count"`
	Error       string `json:"error,omitempty"`
}

type expiredPartition struct {
	Values   []string  `json:"values"`
	Location string    `json:"location"`
	End      time.Time `json:"end"` // of the partition's time
	Objects  int       `json:"objects"`
	Bytes    int64     `json:"bytes"`
}

type passedPartition struct {
	Values   []string `json:"values"`
	Location string   `json:"location"`
	Why      string   `json:"why"`
}

func newRetention(o *options) *cobra.Command {
	var req retentionRequest
	var server, format string
	var quiet bool
	c := &cobra.Command{
		Use:   "retention [[DATABASE.]TABLE …]",
		Short: "Drop the partitions that are past their time",
		Long: `Drops the partitions of tables with a rule (tables.*.retention in the
configuration) that ended longer ago than it says: now from the catalog, and
their objects when retention.grace is over, by the next run or by serve. Only
partitions that can be dated go; others are told of and left alone. With
--dry-run nothing changes: it prints what would go.`,
		Example: `  sluice retention --dry-run
  sluice retention shop.purchases
  sluice retention --dry-run --output json`,
		RunE: func(c *cobra.Command, args []string) error {
			req.Tables = args
			var answer retentionAnswer
			err := retain.watched(o, c, server, quiet, req, &answer, func(ctx context.Context, s *service) (err error) {
				answer, err = s.retain(ctx, req)
				return err
			})
			if err != nil {
				return err
			}
			err = report(c.OutOrStdout(), format, answer, func(w io.Writer) { printRetention(w, answer) })
			return cmp.Or(err, answer.failure())
		},
	}
	o.errandFlags(c, &server, &format)
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "change nothing, print what would go")
	c.Flags().BoolVar(&quiet, "quiet", false, "no progress bar")
	return c
}

// openRetention opens what drops partitions, by the rules of the configuration.
func (s *service) openRetention() (err error) {
	rules := map[lake.TableName]retention.Rule{}
	for name, t := range s.cfg.Tables {
		table, err := lake.ParseTableName(name, s.cfg.Database)
		if err != nil {
			return err
		}
		if r := t.Retention; r.After > 0 {
			if len(r.By) == 0 {
				r.By = []string{configs.DefaultRetentionKey}
			}
			rules[table] = retention.Rule{After: r.After, By: r.By}
		}
	}
	s.retention, err = retention.Open(retention.Config{
		Catalog: s.catalog, NotFound: catalogsync.ErrNotFound, Store: s.deleting(), Rules: rules, Dir: s.cfg.RetentionDir(), Moving: moves.Concerns,
		Every: s.cfg.Retention.Interval, Grace: s.cfg.Retention.Grace, Log: s.log, Registerer: s.registry,
	})
	return err
}

func (s *service) retain(ctx context.Context, req retentionRequest) (retentionAnswer, error) {
	answer := retentionAnswer{DryRun: req.DryRun, Tables: []retentionTable{}}
	names := s.retention.Tables()
	if len(req.Tables) > 0 {
		names = nil
	}
	for _, text := range req.Tables {
		name, err := lake.ParseTableName(text, s.cfg.Database)
		if err != nil {
			return answer, usageError{err}
		}
		names = append(names, name)
	}
	for _, name := range names {
		do := s.retention.Drop
		if req.DryRun {
			do = s.retention.Plan
		}
		report, err := do(ctx, name)
		if ctx.Err() != nil {
			return answer, context.Cause(ctx)
		}
		answer.Tables = append(answer.Tables, describeRetention(name, report, err))
	}
	if req.DryRun {
		return answer, nil
	}
	deleted, err := s.retention.Delete(ctx)
	if ctx.Err() != nil {
		return answer, context.Cause(ctx)
	}
	answer.DeletedObjects, answer.DeletedBytes, answer.WaitingPartitions = deleted.Objects, deleted.Bytes, deleted.Waiting
	if err != nil {
		answer.Error = err.Error()
	}
	return answer, nil
}

func describeRetention(name lake.TableName, r retention.Report, err error) retentionTable {
	t := retentionTable{
		Table: name.String(), Expired: []expiredPartition{}, Passed: []passedPartition{},
		Dropped: r.Dropped, Kept: r.Kept, PassedCount: r.PassedCount,
	}
	if !r.Cutoff.IsZero() {
		t.Cutoff = &r.Cutoff
	}
	for _, e := range r.Expired {
		t.Expired = append(t.Expired, expiredPartition{e.Partition.Values, e.Partition.Location, e.End, e.Objects, e.Bytes})
	}
	for _, p := range r.Passed {
		t.Passed = append(t.Passed, passedPartition{p.Partition.Values, p.Partition.Location, p.Why})
	}
	if err != nil {
		t.Error = err.Error()
	}
	return t
}

func printRetention(w io.Writer, a retentionAnswer) {
	if len(a.Tables) == 0 {
		fmt.Fprintln(w, "no table has a rule: see tables.*.retention in the configuration")
	}
	for _, t := range a.Tables {
		fmt.Fprintln(w, t.Table)
		for _, e := range t.Expired {
			fmt.Fprintf(w, "  - partition %q, ended %s: %d objects, %d bytes\n", e.Values, e.End.Format(time.RFC3339), e.Objects, e.Bytes)
		}
		for _, p := range t.Passed {
			fmt.Fprintf(w, "  ? partition %q at %s is left alone: %s\n", p.Values, p.Location, p.Why)
		}
		if more := t.PassedCount - len(t.Passed); more > 0 {
			fmt.Fprintf(w, "  ? and %d more\n", more)
		}
		if t.Error != "" {
			fmt.Fprintf(w, "  ! %s\n", t.Error)
			continue
		}
		verb, n := "dropped", t.Dropped
		if a.DryRun {
			verb, n = "would be dropped", len(t.Expired)
		}
		fmt.Fprintf(w, "  %d partitions %s, %d are not past their time\n", n, verb, t.Kept)
	}
	if a.Error != "" {
		fmt.Fprintf(w, "! %s\n", a.Error)
	}
	if !a.DryRun && a.DeletedObjects+a.WaitingPartitions > 0 {
		fmt.Fprintf(w, "%d objects (%d bytes) of partitions dropped before were deleted; those of %d partitions wait\n", a.DeletedObjects, a.DeletedBytes, a.WaitingPartitions)
	}
}

// failure is the error that something did not get through.
func (a retentionAnswer) failure() error {
	n := 0
	for _, t := range a.Tables {
		if t.Error != "" {
			n++
		}
	}
	switch {
	case n > 0:
		return fmt.Errorf("retention did not get through %d of %d tables", n, len(a.Tables))
	case a.Error != "":
		return errors.New("not all objects that are due could be deleted")
	}
	return nil
}
