package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"sluice/configs"
	"sluice/internal/client"
	"sluice/internal/progress"

	"github.com/spf13/cobra"
)

func newSend(o *options) *cobra.Command {
	s := client.Sender{}
	var size, output string
	var quiet, flush bool
	c := &cobra.Command{
		Use:   "send --stream STREAM [FILE]",
		Short: "Send a file of NDJSON (or standard input) to a stream, as fast as it is taken",
		Long: `Sends lines in requests over several connections, waits where the service asks
for it (429, 503), and reports rate and latency. It is a load tool too. Exits with 1
when a line was rejected.

What is sent again because an answer was lost is not stored twice: every request has
an Idempotency-Key. The service remembers each record for that, as long as its
http.idempotency_window says, and at most dedupe.max_keys of a stream; --once=false
does without.`,
		Example: `  sluice send --stream purchases purchases.ndjson
  sluice generate purchases --count 100000 | sluice send --stream purchases --flush
  sluice send --stream clicks --connections 8 --records 500 --output json clicks.ndjson`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(c, args); err != nil {
				return usageError{err}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			if s.Stream == "" {
				return usageError{fmt.Errorf("which stream? give --stream NAME")}
			}
			bytes, err := configs.ParseBytes(size)
			if err != nil {
				return usageError{fmt.Errorf("--bytes: %w", err)}
			}
			s.Bytes = int(bytes)
			if s.Client, err = o.client(); err != nil {
				return err
			}
			in, total, err := input(c, args)
			if err != nil {
				return err
			}
			defer in.Close()
			s.Bar = progress.New(os.Stderr, progress.Config{Label: "send", Total: total, Quiet: quiet})
			stop := s.Bar.Start()
			summary, err := s.Run(c.Context(), in)
			stop()
			if printErr := printSummary(c, summary, output); err == nil {
				err = printErr
			}
			if err == nil && flush {
				err = flushStream(c.Context(), s.Client, s.Stream, c)
			}
			if err == nil && summary.Rejected > 0 {
				err = fmt.Errorf("%d of %d lines were rejected", summary.Rejected, summary.Rejected+summary.Accepted)
			}
			return err
		},
	}
	o.serverFlag(c)
	c.Flags().StringVar(&s.Stream, "stream", "", "the stream's `NAME`")
	c.Flags().IntVar(&s.Connections, "connections", 4, "requests under way at once")
	c.Flags().IntVar(&s.Records, "records", 10_000, "lines of a request, at most")
	c.Flags().StringVar(&size, "bytes", "1MiB", "`BYTES` of a request, about, at most")
	c.Flags().BoolVar(&s.Once, "once", true, "give requests an Idempotency-Key, so that nothing is stored twice")
	reportFlag(c.Flags(), &output, "how to report")
	c.Flags().BoolVar(&quiet, "quiet", false, "no progress bar")
	c.Flags().BoolVar(&flush, "flush", false, "have everything delivered before returning")
	return c
}

// input opens the file that was named, or standard input; total is 0 where it is
// not known.
func input(c *cobra.Command, args []string) (in io.ReadCloser, total int64, err error) {
	if len(args) == 0 || args[0] == "-" {
		return io.NopCloser(c.InOrStdin()), 0, nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil, 0, fmt.Errorf("read records: %w", err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		total = info.Size()
	}
	return f, total, nil
}

func printSummary(c *cobra.Command, s client.Summary, output string) error {
	if output == "json" {
		enc := json.NewEncoder(c.OutOrStdout())
		enc.SetIndent("", "  ")
		return enc.Encode(s)
	}
	_, err := fmt.Fprintln(c.OutOrStdout(), s)
	return err
}

func flushStream(ctx context.Context, cl *client.Client, stream string, c *cobra.Command) error {
	f, err := cl.Flush(ctx, stream)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "delivered %d records in %d files to %s\n", f.Records, f.Files, f.Table)
	return nil
}
