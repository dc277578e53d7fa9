package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"sluice/buffer"
	"sluice/configs"
	"sluice/internal/progress"
	"sluice/query"
	"sluice/query/httpapi"
	"sluice/query/output"
	"sluice/query/result"
	"sluice/query/terminal"

	"github.com/spf13/cobra"
)

// An asker answers statements, here or over HTTP.
type asker struct {
	query func(ctx context.Context, sql string) (result.Rows, error)
	// copy writes the answer in a binary format.
	copy func(ctx context.Context, sql string, f output.Format, w io.Writer) (result.Stats, error)
}

func newQuery(o *options) *cobra.Command {
	var server, format string
	var req query.Request
	var engine engineOptions
	c := &cobra.Command{
		Use:   "query [SQL]",
		Short: "Ask SQL: the running service, or the data folder itself when none runs",
		Long: `Runs the statement given, or those on standard input, separated by semicolons, or
shows a prompt when there is neither. With --server it asks that service. Without,
it opens the data folder; when a service holds that, it asks the service at
the configured address. With --engine athena or trino the statement goes there
instead, as it is, and the answer is printed in the same forms. The prompt completes
names with Tab and shows long answers with PAGER (default less -S; empty: none).`,
		Example: `  sluice query "select count(*) from purchases"
  sluice query --output csv "select * from lake.default.purchases where dt = '2026-01-15'" > day.csv
  sluice query --output parquet "select * from purchases where dt = '2026-01-15'" > day.parquet
  echo "show tables; describe purchases" | sluice query
  sluice query --checkpoint hourly --output ndjson "select * from purchases" > new.ndjson    # what is new; --replay: once more
  sluice query --engine athena --athena-output s3://my-bucket/answers/ "select count(*) from purchases"
  sluice query --engine trino --trino-server https://trino:8443 --trino-catalog hive "select count(*) from purchases"
  sluice query          # a prompt with history`,
		Args: func(c *cobra.Command, args []string) error {
			if err := cobra.MaximumNArgs(1)(c, args); err != nil {
				return usageError{fmt.Errorf("%w\nput the statement in quotes", err)}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			with := func(ask asker) error { return answer(c, args, ask, format) }
			if engine.name != engineSluice {
				return o.withEngine(c, engine, req, with)
			}
			return o.withAsker(c, server, req, with)
		},
	}
	o.serviceFlags(c)
	c.Flags().MarkHidden("listen")
	c.Flags().StringVar(&server, "server", "", "ask the service at `URL` (default: see above)")
	o.clientFlags(c)
	c.Flags().StringVar(&format, "output", "", "table, csv, json, ndjson, arrow (an IPC stream) or parquet (default table)")
	c.Flags().StringVar(&req.Database, "database", "", "`NAME` of the database of tables named without one (default: as configured)")
	c.Flags().StringVar((*string)(&req.Dialect), "dialect", string(query.Presto), "presto (Athena's too), or duckdb: the statement as the executor takes it")
	engine.flags(c)
	limitFlags(c, &req.Limits)
	c.Flags().StringVar(&req.Checkpoint, "checkpoint", "", "read only what was acknowledged since the last successful query with this `NAME`")
	c.Flags().BoolVar(&req.Replay, "replay", false, "with --checkpoint: read again what that query read")
	return c
}

// limitFlags are those of the limits of a query.
func limitFlags(c *cobra.Command, l *query.Limits) {
	c.Flags().DurationVar(&l.Timeout, "timeout", 0, "end a query that takes longer than `TIME`, such as 30s (default: query.timeout, which is never exceeded; so with the others)")
	c.Flags().Var((*byteFlag)(&l.Memory), "memory", "give a query at most `SIZE` of memory, such as 128MiB")
	c.Flags().Var((*byteFlag)(&l.Scanned), "max-scanned", "refuse a query that would scan more than `SIZE`, such as 10GB")
	c.Flags().Int64Var(&l.Rows, "max-rows", 0, "end a query that answers more than `N` rows")
	c.Flags().Var((*byteFlag)(&l.Result), "max-result", "end a query whose values are longer than `SIZE` together")
}

// A byteFlag is a flag that takes a size.
type byteFlag int64

func (f *byteFlag) Set(s string) error {
	n, err := configs.ParseBytes(s)
	*f = byteFlag(n)
	return err
}

func (f *byteFlag) String() string { return "" }

func (f *byteFlag) Type() string { return "size" }

// withAsker calls do with what answers statements, each asked as req is: the
// server, if one is named.
func (o *options) withAsker(c *cobra.Command, server string, req query.Request, do func(asker) error) (err error) {
	remote := func(url string) error {
		h, err := o.httpClient()
		if err != nil {
			return err
		}
		cl := &httpapi.Client{Server: url, HTTP: h}
		// The prompt asks for names while a query runs: each has a request of its own.
		ask := func(ctx context.Context, sql string) (result.Rows, error) {
			req := req
			req.SQL = sql
			return cl.Query(ctx, req)
		}
		return do(asker{query: ask, copy: func(ctx context.Context, sql string, f output.Format, w io.Writer) (result.Stats, error) {
			req := req
			req.SQL = sql
			return cl.Copy(ctx, req, f, w)
		}})
	}
	if server != "" {
		return remote(server)
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	if _, err := os.Stat(cfg.DataDir); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no data folder %s and no --server was given: run `sluice serve` first, or name the folder with --data-dir", cfg.DataDir)
	}
	cfg.Log.Level = "warn"
	s, err := openService(c.Context(), cfg, logger(cfg, c))
	if errors.Is(err, buffer.ErrLocked) {
		return remote(ownURL(cfg))
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	local := func(ctx context.Context, sql string) (result.Rows, error) {
		req := req
		req.SQL = sql
		req.MayWrite = func(string) bool { return true } // who can open the folder can do anything to it
		rows, err := s.engine.Query(ctx, req)
		if err != nil {
			return nil, err // a nil *query.Rows would not be a nil interface
		}
		return rows, nil
	}
	return do(asker{query: local, copy: func(ctx context.Context, sql string, f output.Format, w io.Writer) (stats result.Stats, err error) {
		rows, err := local(ctx, sql)
		if err != nil {
			return stats, err
		}
		if err = output.Write(w, f, rows); err == nil {
			err = result.Commit(ctx, rows)
		}
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
		return rows.Stats(), err
	}})
}

// answer runs the statements of the command line, of standard input, or of a
// prompt.
func answer(c *cobra.Command, args []string, ask asker, format string) error {
	f := output.Table
	if format != "" {
		var err error
		if f, err = output.ParseFormat(format); err != nil {
			return usageError{fmt.Errorf("--output: %w", err)}
		}
	}
	if out, ok := c.OutOrStdout().(*os.File); ok && f.Binary() && progress.IsTerminal(out) {
		return usageError{fmt.Errorf("--output %s is nothing for a terminal: write it to a file, as in sluice query --output %s \"SELECT …\" > answer.%s", f, f, f)}
	}
	if len(args) == 1 {
		return answerAll(c, args[0], ask, f)
	}
	if in, ok := c.InOrStdin().(*os.File); ok && progress.IsTerminal(in) {
		// Ctrl-C cancels a query, not the prompt; what ends every command by it is left
		// behind here.
		ctx, stop := signal.NotifyContext(context.WithoutCancel(c.Context()), syscall.SIGTERM)
		defer stop()
		return terminal.Run(ctx, terminal.Config{In: in, Out: c.OutOrStdout(), Query: ask.query, HistoryFile: historyFile(), Format: f, Pager: pagerCommand(c.OutOrStdout())})
	}
	text, err := io.ReadAll(io.LimitReader(c.InOrStdin(), maxScript+1))
	if err != nil {
		return fmt.Errorf("read statements: %w", err)
	}
	if len(text) > maxScript {
		return fmt.Errorf("read statements: more than %d bytes", maxScript)
	}
	return answerAll(c, string(text), ask, f)
}

// maxScript bounds what is read from standard input.
const maxScript = 16 << 20

func answerAll(c *cobra.Command, text string, ask asker, f output.Format) error {
	statements, rest := terminal.Split(text + ";")
	if len(statements) == 0 {
		return usageError{fmt.Errorf("there is no statement in %q", rest)}
	}
	if f.Binary() {
		if len(statements) > 1 {
			return usageError{fmt.Errorf("--output %s takes one statement; there are %d", f, len(statements))}
		}
		_, err := ask.copy(c.Context(), statements[0], f, c.OutOrStdout())
		return err
	}
	for _, sql := range statements {
		rows, err := ask.query(c.Context(), sql)
		if err != nil {
			return err
		}
		if err = output.Write(c.OutOrStdout(), f, rows); err == nil {
			err = result.Commit(c.Context(), rows)
		}
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
		if f == output.Table {
			fmt.Fprintln(c.ErrOrStderr(), output.Footer(rows.Stats()))
		}
	}
	return nil
}

// pagerCommand is the program for long answers of the prompt: PAGER, else less; none
// where PAGER is empty, the program is not there, or nobody looks at the output.
func pagerCommand(out io.Writer) string {
	if f, ok := out.(*os.File); !ok || !progress.IsTerminal(f) {
		return ""
	}
	command, named := os.LookupEnv("PAGER")
	if !named {
		command = "less -S"
	}
	words := strings.Fields(command)
	if len(words) == 0 {
		return ""
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return ""
	}
	return command
}

// historyFile is where the prompt keeps its history; empty where the system
// names no place for such.
func historyFile() string {
	dir, err := os.UserConfigDir()
	if err != nil {
		return ""
	}
	dir = filepath.Join(dir, "sluice")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return ""
	}
	return filepath.Join(dir, "history")
}
