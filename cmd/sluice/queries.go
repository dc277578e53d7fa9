package main

import (
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"sluice/query/httpapi"

	"github.com/spf13/cobra"
)

func newQueries(o *options) *cobra.Command {
	var output, cancel string
	c := &cobra.Command{
		Use:   "queries",
		Short: "Show the queries that run and wait, or cancel one",
		Example: `  sluice queries
  sluice queries --cancel q7mz3rdskc2ab
  sluice queries --output json`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.NoArgs(c, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error {
			h, err := o.httpClient()
			if err != nil {
				return err
			}
			cl := &httpapi.Client{Server: o.server, HTTP: h}
			if cancel != "" {
				return cl.Cancel(c.Context(), cancel)
			}
			queries, err := cl.Queries(c.Context())
			if err != nil {
				return err
			}
			if output == "json" {
				enc := json.NewEncoder(c.OutOrStdout())
				enc.SetIndent("", "  ")
				return enc.Encode(queries)
			}
			w := tabwriter.NewWriter(c.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "ID\tWHO\tSTATE\tTIME\tSQL")
			for _, q := range queries {
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%q\n", q.ID, q.Who, q.State, (time.Duration(q.ElapsedMillis) * time.Millisecond).Round(100*time.Millisecond), q.SQL)
			}
			return w.Flush()
		},
	}
	o.serverFlag(c)
	reportFlag(c.Flags(), &output, "how to report")
	c.Flags().StringVar(&cancel, "cancel", "", "cancel the query with the `ID`")
	return c
}
