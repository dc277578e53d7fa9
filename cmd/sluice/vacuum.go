package main

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/buffer"
	"sluice/catalogsync"
	"sluice/catalogsync/moves"
	"sluice/internal/lake"
	"sluice/internal/upkeep/vacuum"

	"github.com/spf13/cobra"
)

// vacuumLake is what `sluice vacuum` asks for.
var vacuumLake = errand{path: "/v1/tables/vacuum", what: "vacuum the lake", status: (*service).vacuumStatus}

// A vacuumRequest names tables; none for the whole lake.
type vacuumRequest struct {
	Tables       []string `json:"tables"`
	DryRun       bool     `json:"dry_run"`
	Unregistered bool     `json:"unregistered"`
	Grace        string   `json:"grace"` // a duration, such as 24h; empty: as configured
}

// A vacuumAnswer says what was found, and removed unless it was a dry run.
type vacuumAnswer struct {
	DryRun  bool             `json:"dry_run"`
	Uploads []unfinishedInfo `json:"unfinished_uploads"`   // the first of upload_count
	Folders []folderInfo     `json:"unregistered_folders"` // the first of folder_count
	// Of all that was found.
	UploadCount int   `json:"upload_count"`
	FolderCount int   `json:"folder_count"`
	ObjectCount int   `json:"object_count"`
	Bytes       int64 `json:"bytes"`
	// Of what was removed.
	UploadsRemoved int      `json:"uploads_removed"`
	ObjectsRemoved int      `json:"objects_removed"`
	BytesRemoved   int64    `json:"bytes_removed"`
	Errors         []string `json:"errors"`
}

type unfinishedInfo struct {
	Key     string    `json:"key,omitempty"`
	ID      string    `json:"id"`
	Begun   time.Time `json:"begun"`
	Due     bool      `json:"due"` // the grace period is over
	Removed bool      `json:"removed"`
}

type folderInfo struct {
	Table    string    `json:"table"`
	Values   []string  `json:"values"`
	Location string    `json:"location"`
	Objects  int       `json:"objects"`
	Bytes    int64     `json:"bytes"`
	Since    time.Time `json:"since"` // it was found unregistered
	Due      bool      `json:"due"`
	Why      string    `json:"why,omitempty"` // it stays
	Removed  int       `json:"removed"`       // objects
}

func newVacuum(o *options) *cobra.Command {
	var req vacuumRequest
	var server, format string
	var quiet bool
	c := &cobra.Command{
		Use:   "vacuum [[DATABASE.]TABLE …]",
		Short: "Remove what crashes and lost nodes left in the lake",
		Long: `Removes uploads that were begun before the grace period and never completed, and
tells of files of tables that lie in folders of partitions which the catalog does
not have: 'sluice tables reconcile' registers those. With --unregistered they are
removed too, once a run finds them unregistered that comes a grace period after the
first that did. Only what has a name that Sluice makes is ever removed. With tables
named, unfinished uploads are left. With --dry-run nothing changes.`,
		Example: `  sluice vacuum --dry-run
  sluice vacuum --grace 48h
  sluice vacuum shop.purchases --unregistered
  sluice vacuum --dry-run --output json`,
		RunE: func(c *cobra.Command, args []string) error {
			req.Tables = args
			var answer vacuumAnswer
			err := vacuumLake.watched(o, c, server, quiet, req, &answer, func(ctx context.Context, s *service) (err error) {
				answer, err = s.vacuumLake(ctx, req)
				return err
			})
			if err != nil {
				return err
			}
			if err := report(c.OutOrStdout(), format, answer, func(w io.Writer) { printVacuum(w, answer) }); err != nil {
				return err
			}
			if n := len(answer.Errors); n > 0 {
				return fmt.Errorf("vacuum did not get through: %d errors", n)
			}
			return nil
		},
	}
	o.errandFlags(c, &server, &format)
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "change nothing, print what was found")
	c.Flags().BoolVar(&req.Unregistered, "unregistered", false, "remove files in unregistered folders of partitions too")
	c.Flags().StringVar(&req.Grace, "grace", "", "for how long everything stays, at least 1h (default vacuum.grace, 24h)")
	c.Flags().BoolVar(&quiet, "quiet", false, "no progress bar")
	return c
}

func (s *service) openVacuum() (err error) {
	v := s.cfg.Vacuum
	s.vacuum, err = vacuum.Open(vacuum.Config{
		Catalog: s.catalog, NotFound: catalogsync.ErrNotFound, Store: s.deleting(), Values: s.comparer().Values, Busy: s.busy, Moving: moves.Concerns,
		Dir: s.cfg.VacuumDir(), Every: v.Interval, Grace: v.Grace, Unregistered: v.Unregistered, Log: s.log, Registerer: s.registry,
	})
	return err
}

// busy reports whether this node is at work on an object: a delivery, a join of held
// rows, a statement that writes, or retention.
func (s *service) busy(key string) bool {
	name := path.Base(key)
	if id, ok := lake.WriteOf(name); ok && s.engine.Writing(id) {
		return true
	}
	stem, _, _ := strings.Cut(name, ".")
	if id, err := lake.ParseBatchID(stem); err == nil && slices.ContainsFunc(s.buffer.Sealed(), func(b *buffer.Batch) bool { return b.ID == id }) {
		return true
	}
	return s.held.Joining(key) || s.retention.Waits(key)
}

func (s *service) vacuumLake(ctx context.Context, req vacuumRequest) (vacuumAnswer, error) {
	answer := vacuumAnswer{DryRun: req.DryRun, Uploads: []unfinishedInfo{}, Folders: []folderInfo{}, Errors: []string{}}
	ask := vacuum.Request{DryRun: req.DryRun, Unregistered: req.Unregistered}
	if req.Grace != "" {
		grace, err := time.ParseDuration(req.Grace)
		if err != nil || grace < time.Hour {
			return answer, usageError{fmt.Errorf("found a grace period of %q, want at least 1h, such as 24h", req.Grace)}
		}
		ask.Grace = grace
	}
	for _, text := range req.Tables {
		name, err := lake.ParseTableName(text, s.cfg.Database)
		if err != nil {
			return answer, usageError{err}
		}
		ask.Tables = append(ask.Tables, name)
	}
	rep, err := s.vacuum.Do(ctx, ask)
	if err != nil {
		return answer, err
	}
	for _, u := range rep.Uploads {
		answer.Uploads = append(answer.Uploads, unfinishedInfo{u.Key, u.ID, u.Begun, u.Due, u.Removed})
	}
	for _, f := range rep.Folders {
		answer.Folders = append(answer.Folders, folderInfo{f.Table.String(), f.Values, s.store.URI(f.Key) + "/", f.Objects, f.Bytes, f.Since, f.Due, f.Why, f.Removed})
	}
	answer.UploadCount, answer.FolderCount, answer.ObjectCount, answer.Bytes = rep.UploadCount, rep.FolderCount, rep.ObjectCount, rep.Bytes
	answer.UploadsRemoved, answer.ObjectsRemoved, answer.BytesRemoved = rep.UploadsRemoved, rep.ObjectsRemoved, rep.BytesRemoved
	for _, err := range rep.Faults {
		answer.Errors = append(answer.Errors, err.Error())
	}
	return answer, nil
}

func printVacuum(w io.Writer, a vacuumAnswer) {
	state := func(due, removed bool) string {
		switch {
		case removed:
			return "removed"
		case due:
			return "due"
		}
		return "within the grace period"
	}
	for _, u := range a.Uploads {
		fmt.Fprintf(w, "unfinished upload of %q (%s), begun %s: %s\n", u.Key, u.ID, u.Begun.Format(time.RFC3339), state(u.Due, u.Removed))
	}
	for _, f := range a.Folders {
		text := state(f.Due, f.Removed > 0)
		if f.Why != "" {
			text = "stays, since " + f.Why
		}
		fmt.Fprintf(w, "%s: partition %q is not registered at %s: %d objects, %d bytes, found %s: %s\n", f.Table, f.Values, f.Location, f.Objects, f.Bytes, f.Since.Format(time.RFC3339), text)
	}
	for _, text := range a.Errors {
		fmt.Fprintf(w, "! %s\n", text)
	}
	fmt.Fprintf(w, "%d unfinished uploads, %d removed; %d unregistered folders with %d objects (%d bytes), %d objects (%d bytes) removed\n",
		a.UploadCount, a.UploadsRemoved, a.FolderCount, a.ObjectCount, a.Bytes, a.ObjectsRemoved, a.BytesRemoved)
}
