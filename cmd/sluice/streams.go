package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"sluice/internal/client"
	"sluice/internal/progress"

	"github.com/spf13/cobra"
)

func newStreams(o *options) *cobra.Command {
	var output string
	var flush bool
	c := &cobra.Command{
		Use:   "streams [STREAM]",
		Short: "Show the streams: what is buffered, what was delivered, what went wrong",
		Example: `  sluice streams
  sluice streams purchases --flush    # seal and deliver now, then show
  sluice streams --output json`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(c, args); err != nil {
				return usageError{err}
			}
			if flush && len(args) == 0 {
				return usageError{fmt.Errorf("flush which stream?")}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			cl, err := o.client()
			if err != nil {
				return err
			}
			if flush {
				if err := flushStream(c.Context(), cl, args[0], c); err != nil {
					return err
				}
			}
			var states []client.StreamState
			if len(args) == 1 {
				states = make([]client.StreamState, 1)
				states[0], err = cl.Stream(c.Context(), args[0])
			} else {
				states, err = cl.Streams(c.Context())
			}
			if err != nil {
				return err
			}
			if output == "json" {
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(states)
			}
			return printStreams(c, states)
		},
	}
	o.serverFlag(c)
	reportFlag(c.Flags(), &output, "how to report")
	c.Flags().BoolVar(&flush, "flush", false, "seal and deliver the stream first")
	return c
}

func printStreams(c *cobra.Command, states []client.StreamState) error {
	w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "STREAM\tTABLE\tACCEPTED\tDELIVERED\tFAILED\tFILTERED\tDUPLICATES\tBUFFERED\tOLDEST\tLAST DELIVERY\tLAST ERROR")
	for _, s := range states {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d (%s)\t%s\t%s\t%s\n", s.Name, s.Table, s.Accepted, s.Delivered, s.Failed, s.Filtered, s.Deduplicated,
			s.BufferedRecords, progress.Bytes(s.BufferedBytes), ago(s.OldestArrival), ago(s.LastDelivery), s.LastError)
	}
	return w.Flush()
}

func ago(t *time.Time) string {
	if t == nil {
		return "-"
	}
	// At least 0: the clock may have been set back since.
	return max(0, time.Since(*t)).Round(time.Second).String() + " ago"
}
