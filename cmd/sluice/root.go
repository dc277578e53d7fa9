package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"sluice/configs"
	"sluice/internal/client"

	"github.com/spf13/cobra"
)

// The exit codes.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// A usageError is a wrong command line or configuration.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func exitCode(ctx context.Context, err error) int {
	var usage usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		return exitInterrupted
	}
	return exitFailed
}

// options are the flags that several commands have.
type options struct {
	config  string
	listen  string
	dataDir string
	lake    string
	catalog string
	server  string

	keyFile     string
	credentials client.Credentials
}

func newRoot() *cobra.Command {
	o := &options{}
	root := &cobra.Command{
		Use:   "sluice",
		Short: "JSON events in, partitioned Parquet and a Glue table out, SQL over it",
		Long: `Sluice takes JSON events over HTTP, keeps them durably, turns them into
partitioned Parquet on S3 or a local folder, registers tables and partitions in
AWS Glue or its own Glue-compatible catalog, and answers SQL over all of it, the
events that are still buffered included.

Every setting is a line in a YAML file (--config), or an environment variable:
SLUICE_ and its path in capitals, such as SLUICE_BUFFER_SIZE.`,
		Example: `  sluice demo                                    # see it work, with nothing set up
  sluice serve                                   # everything embedded, data in ./sluice-data
  sluice query "select count(*) from purchases"  # ask the running service`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return c.Help()
			}
			return usageError{fmt.Errorf("unknown command %q; see: sluice --help", args[0])}
		},
	}
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{errors.New(err.Error() + "\nsee: " + c.CommandPath() + " --help")}
	})
	root.AddCommand(
		newServe(o), newDemo(o), newQuery(o), newQueries(o), newSend(o), newGenerate(), newConvert(o), newStreams(o), newTables(o), newCrawl(o), newImport(o), newRetention(o), newVacuum(o), newCompact(o), newRewrite(o), newKeys(), newCheckConfig(o),
	)
	return root
}

// serviceFlags are those of commands that hold a data folder themselves.
func (o *options) serviceFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.config, "config", "", "configuration `FILE` (YAML); without it: defaults and environment")
	c.Flags().StringVar(&o.listen, "listen", "", "listen on `HOST:PORT` (default 127.0.0.1:8080)")
	c.Flags().StringVar(&o.dataDir, "data-dir", "", "keep the log, the catalog and caches in `DIR` (default ./sluice-data)")
	c.Flags().StringVar(&o.lake, "lake", "", "root of the tables: `URI`, file:///dir or s3://bucket/prefix (default: in the data folder)")
	c.Flags().StringVar(&o.catalog, "catalog", "", "embedded or glue (default embedded)")
}

func (o *options) serverFlag(c *cobra.Command) {
	c.Flags().StringVar(&o.server, "server", "http://127.0.0.1:8080", "`URL` of the running service")
	o.clientFlags(c)
}

// load reads the configuration; flags win over all else.
func (o *options) load() (configs.Config, error) {
	cfg, err := configs.Load(o.config, os.Environ())
	if err != nil {
		return cfg, usageError{err}
	}
	for _, f := range []struct {
		value string
		to    *string
	}{{o.listen, &cfg.Listen}, {o.dataDir, &cfg.DataDir}, {o.lake, &cfg.Lake}, {o.catalog, &cfg.Catalog}} {
		if f.value != "" {
			*f.to = f.value
		}
	}
	if cfg.DataDir, err = filepath.Abs(cfg.DataDir); err != nil {
		return cfg, usageError{err}
	}
	if err := cfg.Validate(); err != nil {
		return cfg, usageError{err}
	}
	if err := checkStreams(cfg); err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

func logger(cfg configs.Config, c *cobra.Command) *slog.Logger {
	var level slog.Level
	level.UnmarshalText([]byte(cfg.Log.Level)) // validated
	opts := &slog.HandlerOptions{Level: level}
	if cfg.Log.Format == "json" {
		return slog.New(slog.NewJSONHandler(c.ErrOrStderr(), opts))
	}
	return slog.New(slog.NewTextHandler(c.ErrOrStderr(), opts))
}
