package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"sluice/configs"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/progress"
	"sluice/internal/upkeep/repartition"
	"sluice/query"
	"sluice/query/write"

	"github.com/spf13/cobra"
)

// repartitionTable is what `sluice rewrite --into` asks for.
var repartitionTable = errand{path: "/v1/tables/rewrite", what: "rewrite tables", status: (*service).repartitionStatus}

// A repartitionRequest names a table and the one that its rows are brought into.
type repartitionRequest struct {
	Table  string `json:"table"`
	Into   string `json:"into"`
	DryRun bool   `json:"dry_run"`
	Forget bool   `json:"forget"`
}

// A repartitionAnswer says what was brought over, or would be.
type repartitionAnswer struct {
	Table  string `json:"table"`
	Into   string `json:"into"`
	DryRun bool   `json:"dry_run"`
	Forgot bool   `json:"forgot,omitempty"`
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"`
	Rows   int64  `json:"rows"`
	// FilesBefore were brought over by earlier runs.
	FilesBefore int `json:"files_before"`
	// Waiting are rows of the old table that are not delivered yet, Streams those that still
	// go there.
	Waiting int64    `json:"waiting_rows"`
	Streams []string `json:"streams"`
	Lost    []string `json:"lost_keys"`
	Select  string   `json:"select,omitempty"`
}

func (req repartitionRequest) run(o *options, c *cobra.Command, server, format string, quiet bool) error {
	var answer repartitionAnswer
	err := repartitionTable.watched(o, c, server, quiet || req.DryRun || req.Forget, req, &answer, func(ctx context.Context, s *service) (err error) {
		answer, err = s.repartition(ctx, req)
		return err
	})
	if err != nil {
		return err
	}
	return report(c.OutOrStdout(), format, answer, func(w io.Writer) { printRepartitioned(w, answer) })
}

func printRepartitioned(w io.Writer, a repartitionAnswer) {
	if a.Forgot {
		fmt.Fprintf(w, "%s is free again, and what was brought into %s is forgotten\n", a.Table, a.Into)
		return
	}
	verb := "were brought"
	if a.DryRun {
		fmt.Fprintf(w, "rows are %s\n", a.Select)
		verb = "would be brought"
	}
	fmt.Fprintf(w, "%d files, %s, %d rows of %s %s into %s", a.Files, progress.Bytes(a.Bytes), a.Rows, a.Table, verb, a.Into)
	if a.FilesBefore > 0 {
		fmt.Fprintf(w, "; %d files had been", a.FilesBefore)
	}
	fmt.Fprintln(w)
	if len(a.Lost) > 0 {
		fmt.Fprintf(w, "the values of %s of the old table are not kept: the new one has another key of that name\n", strings.Join(a.Lost, ", "))
	}
	if len(a.Streams) > 0 {
		fmt.Fprintf(w, "the stream %s still goes to %s: when it goes to %s, run this again for what came meanwhile\n", strings.Join(a.Streams, ", "), a.Table, a.Into)
	}
	if a.Waiting > 0 {
		fmt.Fprintf(w, "%d rows of %s are not delivered yet: run this again when they are\n", a.Waiting, a.Table)
	}
}

// openRepartition opens what brings rows into tables with other partitions.
func (s *service) openRepartition() (err error) {
	s.repartitions, err = repartition.New(repartition.Config{Catalog: s.catalog, Engine: rewriteEngine{s.engine}, Dir: s.cfg.RewritesDir(), Bytes: int64(s.cfg.Compaction.Target), Pace: s.pace, Log: s.log, Registerer: s.registry})
	return err
}

// A rewriteEngine has the engine answer for a rewriting.
type rewriteEngine struct{ *query.Engine }

func (e rewriteEngine) Query(ctx context.Context, sql string) ([][]string, error) {
	return e.run(ctx, query.Request{SQL: sql, Who: "rewrite"})
}

func (e rewriteEngine) Insert(ctx context.Context, sql string, id lake.WriteID) (int64, error) {
	rows, err := e.run(ctx, query.Request{SQL: sql, Who: "rewrite", WriteID: id, MayWrite: func(string) bool { return true }})
	var limit *write.LimitError
	var failed *query.Error
	if errors.As(err, &limit) || errors.As(err, &failed) && failed.Code == query.CodeResources {
		return 0, fmt.Errorf("%w: %w", repartition.ErrWide, err)
	}
	if err != nil {
		return 0, err
	}
	var n int64
	_, err = fmt.Sscan(rows[0][0], &n)
	return n, err
}

func (e rewriteEngine) Written(id lake.WriteID) bool { return e.Engine.Written(id) }

func (e rewriteEngine) run(ctx context.Context, req query.Request) (out [][]string, err error) {
	r, err := e.Engine.Query(ctx, req)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for r.Next() {
		var row []string
		for _, v := range r.Values() {
			row = append(row, v.Text)
		}
		out = append(out, row)
	}
	return out, r.Err()
}

func (s *service) repartition(ctx context.Context, req repartitionRequest) (repartitionAnswer, error) {
	answer := repartitionAnswer{DryRun: req.DryRun, Streams: []string{}, Lost: []string{}}
	from, err := lake.ParseTableName(req.Table, s.cfg.Database)
	if err != nil {
		return answer, usageError{err}
	}
	into, err := lake.ParseTableName(req.Into, s.cfg.Database)
	if err != nil {
		return answer, usageError{err}
	}
	answer.Table, answer.Into = from.String(), into.String()
	if req.Forget {
		answer.Forgot = true
		return answer, s.repartitions.Forget(ctx, from, into)
	}
	if s.cfg.Query.Write.Who == configs.WriteOff {
		return answer, errors.New("statements write nothing here (query.write.who: off), and rows are brought over by such ones")
	}
	job, err := s.repartitionJob(from, into)
	if err != nil {
		return answer, usageError{err}
	}
	job.DryRun = req.DryRun
	report, err := s.repartitions.Run(ctx, job)
	answer.Files, answer.Bytes, answer.Rows, answer.FilesBefore = report.Files, report.Bytes, report.Rows, report.Before
	answer.Lost = append(answer.Lost, report.Lost...)
	if req.DryRun {
		answer.Select = report.Select
	}
	if err != nil {
		return answer, err
	}
	answer.Streams = append(answer.Streams, s.streamsInto(from)...)
	rows, err := rewriteEngine{s.engine}.Query(ctx, fmt.Sprintf(`SELECT count(*) FROM live."%s"."%s"`, from.Database, from.Table))
	if err == nil && len(rows) > 0 {
		_, err = fmt.Sscan(rows[0][0], &answer.Waiting)
	}
	return answer, err
}

// streamsInto are the configured streams that go to a table.
func (s *service) streamsInto(name lake.TableName) (out []string) {
	for _, stream := range append(slices.Sorted(maps.Keys(s.cfg.Streams)), s.definitions.Names()...) {
		if t, err := delivery.TableOf(s.stream(stream), stream, s.cfg.Database); err == nil && t == name {
			out = append(out, stream)
		}
	}
	return out
}

// repartitionJob is the new table as its stream would make it.
func (s *service) repartitionJob(from, into lake.TableName) (repartition.Job, error) {
	streams := s.streamsInto(into)
	if len(streams) == 0 {
		return repartition.Job{}, fmt.Errorf("no stream goes to %s: configure one with `table: %[1]s` and the new partition_by", into)
	}
	st := s.stream(streams[0])
	rules, err := specOf(st).Parse()
	if err != nil {
		return repartition.Job{}, err
	}
	want := lake.Table{Name: into, Location: s.store.URI(into.Database+"/"+into.Table) + "/", PartitionKeys: rules.Keys()}
	if st.Projection {
		want.Parameters = rules.Projection(want.Location)
	}
	return repartition.Job{From: from, Into: want, Rules: rules}, nil
}
