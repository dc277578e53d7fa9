package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sluice/convert"
	"sluice/internal/delivery"
	"sluice/internal/lake"
	"sluice/internal/ndjson"
	"sluice/internal/progress"
	"sluice/partitioner"

	"github.com/spf13/cobra"
)

func newConvert(o *options) *cobra.Command {
	var partitionBy []string
	var output string
	var quiet bool
	c := &cobra.Command{
		Use:   "convert [flags] IN.ndjson OUTDIR",
		Short: "Turn a file of JSON records into Parquet, without a service",
		Long: `Converts as the service does: the columns are inferred from the whole file, a value
that does not fit goes to the column _rescued, and a line that is no JSON object
to OUTDIR/_errors. Without --partition-by one file is made.`,
		Example: `  sluice convert purchases.ndjson out/
  sluice convert --partition-by 'dt=day(purchaseTimestamp)' --partition-by country=userCountry purchases.ndjson out/`,
		Args: exactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			rules := &partitioner.Rules{}
			var err error
			if len(partitionBy) > 0 {
				if rules, err = partitioner.Parse(partitionBy); err != nil {
					return usageError{fmt.Errorf("--partition-by: %w", err)}
				}
			}
			cfg, err := o.load()
			if err != nil {
				return err
			}
			converter, err := (&service{cfg: cfg, log: logger(cfg, c)}).converter(nil)
			if err != nil {
				return usageError{err}
			}
			layout, err := delivery.LayoutOf(cfg.Stream("").Layout) // that of convert
			if err != nil {
				return usageError{err}
			}
			job := convert.Job{Rules: rules, Layout: layout}
			return convertFile(c, converter, job, args[0], args[1], quiet, output)
		},
	}
	o.serviceFlags(c)
	for _, name := range []string{"listen", "data-dir", "lake", "catalog"} {
		c.Flags().MarkHidden(name)
	}
	c.Flags().StringArrayVar(&partitionBy, "partition-by", nil, "`NAME=EXPRESSION`, once for each partition column")
	reportFlag(c.Flags(), &output, "how to report")
	c.Flags().BoolVar(&quiet, "quiet", false, "no progress bar")
	return c
}

// A converted is what the command reports.
type converted struct {
	Rows     int64        `json:"rows"`
	Failed   int64        `json:"failed"`
	Rescued  int64        `json:"rescued_values"`
	JSON     int64        `json:"json_bytes"`
	Parquet  int64        `json:"parquet_bytes"`
	Files    []string     `json:"files"`
	Columns  []columnInfo `json:"columns"`
	Failures string       `json:"failures,omitempty"`
	Seconds  float64      `json:"seconds"`
}

type columnInfo struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

func convertFile(c *cobra.Command, converter *convert.Converter, job convert.Job, in, out string, quiet bool, output string) error {
	start := time.Now()
	info, err := os.Stat(in)
	if err != nil {
		return fmt.Errorf("read input: %w", err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	staging, err := os.MkdirTemp(out, ".sluice-")
	if err != nil {
		return fmt.Errorf("make staging folder: %w", err)
	}
	defer os.RemoveAll(staging)
	bar := progress.New(os.Stderr, progress.Config{Label: "convert", Total: info.Size(), Quiet: quiet})
	stop := bar.Start()
	last := int64(0) // a conversion that begins again counts from 0
	job.Blocks, job.Dir = ndjson.File(in, start), staging
	job.Progress = func(n int64) { bar.Add(n - last); last = n }
	res, err := converter.Convert(c.Context(), job)
	stop()
	if err != nil {
		return err
	}
	id := lake.NewBatchID(start)
	report := converted{Rows: res.Rows, Failed: res.Failed, Rescued: res.Rescued, JSON: res.Bytes, Seconds: time.Since(start).Seconds()}
	for _, f := range res.Files {
		path := filepath.Join(out, filepath.FromSlash(f.Partition), id.DataFile())
		if err := move(f.Path, path); err != nil {
			return err
		}
		report.Files = append(report.Files, path)
		report.Parquet += f.Bytes
	}
	if res.Failures != "" {
		report.Failures = filepath.Join(out, "_errors", string(id)+".ndjson")
		if err := move(res.Failures, report.Failures); err != nil {
			return err
		}
	}
	for _, col := range res.Columns {
		report.Columns = append(report.Columns, columnInfo{col.Name, col.Type.String()})
	}
	return report.print(c, output)
}

func move(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return fmt.Errorf("make output folder: %w", err)
	}
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("place output file: %w", err)
	}
	return nil
}

func (r converted) print(c *cobra.Command, output string) error {
	w := c.OutOrStdout()
	if output == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	fmt.Fprintf(w, "%d rows in %d files: %s of JSON became %s of Parquet in %v (%s/s)\n",
		r.Rows, len(r.Files), progress.Bytes(r.JSON), progress.Bytes(r.Parquet), time.Duration(r.Seconds*float64(time.Second)).Round(time.Millisecond), progress.Bytes(int64(float64(r.JSON)/max(r.Seconds, 1e-3))))
	for _, col := range r.Columns {
		fmt.Fprintf(w, "  %-24s %s\n", col.Name, col.Type)
	}
	if r.Rescued > 0 {
		fmt.Fprintf(w, "%d values did not fit their column: see the column _rescued\n", r.Rescued)
	}
	if r.Failed > 0 {
		fmt.Fprintf(w, "%d lines are no JSON objects: see %s\n", r.Failed, r.Failures)
	}
	return nil
}
