package main

import (
	"bufio"
	"fmt"
	"strings"

	"sluice/configs"
	"sluice/internal/sample"

	"github.com/spf13/cobra"
)

func newGenerate() *cobra.Command {
	var count int64
	var size string
	var seed uint64
	c := &cobra.Command{
		Use:       "generate " + strings.Join(sample.Kinds(), "|"),
		Short:     "Write sample events as NDJSON to standard output, the same for the same seed",
		ValidArgs: sample.Kinds(),
		Example: `  sluice generate purchases --count 1000
  sluice generate segment --size 1GB --seed 7 > segment.ndjson`,
		Args: exactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			g, err := sample.New(args[0], seed)
			if err != nil {
				return usageError{err}
			}
			var limit configs.Bytes
			if size != "" {
				if limit, err = configs.ParseBytes(size); err != nil {
					return usageError{fmt.Errorf("--size: %w", err)}
				}
				if c.Flags().Changed("count") {
					return usageError{fmt.Errorf("--count and --size cannot both be given")}
				}
			}
			w := bufio.NewWriterSize(c.OutOrStdout(), 1<<18)
			var event []byte
			for n, written := int64(0), configs.Bytes(0); ; n++ {
				event = g.AppendEvent(event[:0])
				written += configs.Bytes(len(event))
				if size == "" && n == count || size != "" && written > limit {
					return w.Flush()
				}
				if _, err := w.Write(event); err != nil {
					return fmt.Errorf("write events: %w", err)
				}
				if n&0xfff == 0 && c.Context().Err() != nil {
					return c.Context().Err()
				}
			}
		},
	}
	c.Flags().Int64Var(&count, "count", 10_000, "how many events")
	c.Flags().StringVar(&size, "size", "", "as many events as fit `BYTES`, such as 1GB or 64MiB, instead of --count")
	c.Flags().Uint64Var(&seed, "seed", 1, "another seed gives other events")
	return c
}
