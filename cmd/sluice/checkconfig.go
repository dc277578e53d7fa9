package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/configs"
	"sluice/convert"
	"sluice/partitioner"

	"github.com/spf13/cobra"
)

func newCheckConfig(o *options) *cobra.Command {
	var output string
	var sampleFile bool
	c := &cobra.Command{
		Use:   "check-config",
		Short: "Check the configuration and show what is in force",
		Example: `  sluice check-config --config sluice.yaml
  sluice check-config --sample > sluice.yaml   # every setting, explained
  sluice check-config --output json            # every setting with type, default and variable`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			out := c.OutOrStdout()
			if sampleFile {
				_, err := fmt.Fprint(out, configs.Sample)
				return err
			}
			cfg, err := o.load()
			if err != nil {
				return err
			}
			if output == "json" {
				enc := json.NewEncoder(out)
				enc.SetIndent("", "  ")
				return enc.Encode(configs.Settings())
			}
			lake, err := cfg.LakeURI()
			if err != nil {
				return usageError{err}
			}
			fmt.Fprintf(out, "The configuration is good.\nlisten   %s\ndata     %s\nlake     %s\ncatalog  %s\n", cfg.Listen, cfg.DataDir, lake, cfg.Catalog)
			if err := checkAccess(cfg); err != nil {
				return usageError{err}
			}
			printAccess(out, cfg)
			for _, name := range slices.Sorted(maps.Keys(cfg.Streams)) {
				s := cfg.Stream(name)
				fmt.Fprintf(out, "stream   %s: table %s, by %v, sealed at %v or %v", name, s.Table, partitionsOf(s), s.Size, s.Interval)
				if s.Dedupe.Key != "" {
					fmt.Fprintf(out, ", once per %s in %v", s.Dedupe.Key, s.Dedupe.Window)
				}
				fmt.Fprintln(out)
			}
			return nil
		},
	}
	o.serviceFlags(c)
	reportFlag(c.Flags(), &output, "text, or json: a list of all settings")
	c.Flags().BoolVar(&sampleFile, "sample", false, "print the sample configuration file")
	return c
}

func partitionsOf(s configs.Stream) any {
	if s.Prefix != "" {
		return s.Prefix
	}
	return s.PartitionBy
}

// checkStreams checks what configs does not know of: partition expressions and
// queries, column
// types, where columns are filled from, and transforms.
func checkStreams(cfg configs.Config) error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(cfg.Streams)) {
		s := cfg.Stream(name)
		rules, err := specOf(s).Parse()
		if err != nil {
			setting := "partition_by"
			if s.Prefix != "" {
				setting = "prefix"
			}
			errs = append(errs, fmt.Errorf("streams.%s.%s: %w", name, setting, err))
		} else if err := convert.CheckRules(rules); err != nil {
			errs = append(errs, fmt.Errorf("streams.%s.partition_query: %w", name, err))
		}
		if s.ErrorPrefix != "" {
			if _, err := partitioner.ParseErrorPrefix(s.ErrorPrefix, s.TimeZone); err != nil {
				errs = append(errs, fmt.Errorf("streams.%s.error_prefix: %w", name, err))
			}
		}
		if err := checkRewrite(s, rules); err != nil {
			errs = append(errs, fmt.Errorf("streams.%s: %w", name, err))
		}
		if _, err := dedupePath(s.Dedupe.Key); err != nil {
			errs = append(errs, fmt.Errorf("streams.%s.dedupe.key: %w", name, err))
		}
		if _, err := convert.ParseColumns(s.Columns); err != nil {
			errs = append(errs, fmt.Errorf("streams.%s.columns: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// checkRewrite checks what is made of records before they are converted.
func checkRewrite(s configs.Stream, rules *partitioner.Rules) error {
	rewrite, err := convert.NewRewrite(s.Columns, s.Transform)
	if err != nil || rules == nil {
		return err
	}
	for _, path := range rules.Fields() {
		if column, ok := rewrite.Moved(path); ok {
			err = errors.Join(err, fmt.Errorf("partitions: the field %s is moved to the column %s before the record is partitioned: write %s", strings.Join(path, "."), column, column))
		}
	}
	return err
}
