package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"sluice/catalogsync"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/partitioner"
	"sluice/query/fetch/footer"

	"github.com/spf13/cobra"
)

// reconcileTables is what `sluice tables reconcile` asks for.
var reconcileTables = errand{path: "/v1/tables/reconcile", what: "reconcile tables"}

// A reconcileRequest names tables, none for all in the lake.
type reconcileRequest struct {
	Tables []string `json:"tables"`
	DryRun bool     `json:"dry_run"`
	Remove bool     `json:"remove"`
}

// A reconciled is what was found of a table, and mended unless it was a dry run.
type reconciled struct {
	Table        string          `json:"table"`
	Unregistered []partitionInfo `json:"unregistered"`
	Empty        []partitionInfo `json:"empty"`
	Elsewhere    []partitionInfo `json:"elsewhere"`
	Columns      []columnInfo    `json:"columns"`
	Strange      []string        `json:"strange"`
	Error        string          `json:"error,omitempty"` // what kept it from being compared or mended
}

type partitionInfo struct {
	Values   []string `json:"values"`
	Location string   `json:"location"`
}

func newReconcile(o *options) *cobra.Command {
	var req reconcileRequest
	var server, format string
	c := &cobra.Command{
		Use:   "reconcile [[DATABASE.]TABLE …]",
		Short: "Compare the catalog with the files in the lake, and register what is missing",
		Long: `Compares tables with their files: partitions that have files and are not
registered (+), partitions that are registered and have no file (-), partitions
that are registered elsewhere (?), and columns that the table lacks. What is
missing is registered. Partitions without files stay, unless --remove is given;
files are never touched. With --dry-run nothing changes: it prints what would.`,
		Example: `  sluice tables reconcile --dry-run
  sluice tables reconcile shop.purchases
  sluice tables reconcile shop.purchases --remove
  sluice tables reconcile --dry-run --output json`,
		RunE: func(c *cobra.Command, args []string) error {
			req.Tables = args
			var found []reconciled
			err := reconcileTables.run(o, c, server, req, &found, func(ctx context.Context, s *service) (err error) {
				found, err = s.reconcile(ctx, req)
				return err
			})
			if err != nil {
				return err
			}
			if err := report(c.OutOrStdout(), format, found, func(w io.Writer) { printReconciled(w, found, req) }); err != nil {
				return err
			}
			return failures(found)
		},
	}
	o.errandFlags(c, &server, &format)
	c.Flags().BoolVar(&req.DryRun, "dry-run", false, "change nothing, print what would be changed")
	c.Flags().BoolVar(&req.Remove, "remove", false, "take partitions without files out of the catalog")
	return c
}

func (s *service) reconcile(ctx context.Context, req reconcileRequest) ([]reconciled, error) {
	c := s.comparer()
	var names []lake.TableName
	for _, text := range req.Tables {
		name, err := lake.ParseTableName(text, s.cfg.Database)
		if err != nil {
			return nil, err
		}
		names = append(names, name)
	}
	if len(names) == 0 {
		var err error
		if names, err = c.Tables(ctx); err != nil {
			return nil, err
		}
	}
	found := []reconciled{}
	for _, name := range names {
		d, err := c.Compare(ctx, name)
		if err == nil && !req.DryRun {
			err = c.Apply(ctx, d, req.Remove)
		}
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		found = append(found, describe(d, err))
	}
	return found, nil
}

func describe(d catalogsync.Difference, err error) reconciled {
	infos := func(parts []lake.Partition) []partitionInfo {
		out := make([]partitionInfo, 0, len(parts))
		for _, p := range parts {
			out = append(out, partitionInfo{p.Values, p.Location})
		}
		return out
	}
	r := reconciled{
		Table: d.Table.String(), Unregistered: infos(d.Unregistered), Empty: infos(d.Empty), Elsewhere: infos(d.Elsewhere),
		Columns: []columnInfo{}, Strange: append([]string{}, d.Strange...),
	}
	for _, col := range d.Columns {
		r.Columns = append(r.Columns, columnInfo{col.Name, col.Type.String()})
	}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

// comparer compares by the rules of the streams that fill the tables.
func (s *service) comparer() catalogsync.Comparer {
	return catalogsync.Comparer{
		Catalog: s.catalog, Lake: s.store, Files: s.cfg.Reconcile.Files, Columns: s.fileColumns,
		Values: func(table lake.Table, folder string) ([]string, error) {
			if rules := s.rulesOf(table.Name); rules != nil {
				if values, err := rules.ParsePath(folder); err == nil {
					return values, nil
				}
			}
			return partitioner.ParsePath(table.PartitionKeys, folder)
		},
	}
}

// rulesOf are those of the first stream with a custom prefix that fills the table;
// nil where there is none.
func (s *service) rulesOf(name lake.TableName) *partitioner.Rules {
	names := append(slices.Sorted(maps.Keys(s.cfg.Streams)), s.definitions.Names()...)
	for _, stream := range names {
		st := s.stream(stream)
		if st.Prefix == "" {
			continue
		}
		if t, err := delivery.TableOf(st, stream, s.cfg.Database); err != nil || t != name {
			continue
		}
		rules, err := partitioner.Spec{Prefix: st.Prefix, Keys: st.PartitionKeys, Query: st.PartitionQuery, TimeZone: st.TimeZone}.Parse()
		if err == nil {
			return rules
		}
	}
	return nil
}

// fileColumns are the columns of a Parquet file in the lake, by its footer.
func (s *service) fileColumns(ctx context.Context, o store.Object) ([]lake.Column, error) {
	return columnsOf(ctx, s.store, o)
}

func columnsOf(ctx context.Context, from store.Store, o store.Object) ([]lake.Column, error) {
	tail, err := readObject(ctx, from, o, o.Size-min(o.Size, footer.TailSize), min(o.Size, footer.TailSize))
	if err != nil {
		return nil, err
	}
	length, err := footer.Length(tail, o.Size)
	if err != nil {
		return nil, err
	}
	raw, err := readObject(ctx, from, o, o.Size-footer.TailSize-length, length)
	if err != nil {
		return nil, err
	}
	f, err := footer.Parse(raw, o.Size)
	if err != nil {
		return nil, err
	}
	return f.Schema()
}

func readObject(ctx context.Context, from store.Store, o store.Object, off, length int64) (b []byte, err error) {
	body, err := from.GetVersion(ctx, o, off, length)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, body.Close()) }()
	b = make([]byte, length)
	_, err = io.ReadFull(body, b)
	return b, err
}

func printReconciled(w io.Writer, found []reconciled, req reconcileRequest) {
	same := 0
	for _, r := range found {
		if len(r.Unregistered)+len(r.Empty)+len(r.Elsewhere)+len(r.Columns)+len(r.Strange) == 0 && r.Error == "" {
			same++
			continue
		}
		fmt.Fprintf(w, "%s\n", r.Table)
		for _, c := range r.Columns {
			fmt.Fprintf(w, "  + column %s %s\n", c.Name, c.Type)
		}
		for _, p := range r.Unregistered {
			fmt.Fprintf(w, "  + partition %q at %s\n", p.Values, p.Location)
		}
		sign := "  "
		if req.Remove {
			sign = "- "
		}
		for _, p := range r.Empty {
			fmt.Fprintf(w, "  %spartition %q without files at %s\n", sign, p.Values, p.Location)
		}
		for _, p := range r.Elsewhere {
			fmt.Fprintf(w, "  ? partition %q has files in its folder, but is registered at %s\n", p.Values, p.Location)
		}
		for _, text := range r.Strange {
			fmt.Fprintf(w, "  ? %s\n", text)
		}
		if r.Error != "" {
			fmt.Fprintf(w, "  ! %s\n", r.Error)
		}
	}
	fmt.Fprintf(w, "%d of %d tables are as the lake is", same, len(found))
	if req.DryRun && same < len(found) {
		fmt.Fprint(w, "; nothing was changed")
	}
	fmt.Fprintln(w)
}

// failures is the error that some table could not be compared or mended.
func failures(found []reconciled) error {
	n := 0
	for _, r := range found {
		if r.Error != "" {
			n++
		}
	}
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d of %d tables could not be reconciled", n, len(found))
}
