package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"sluice/configs"
	"sluice/query"
	"sluice/query/athena"
	"sluice/query/output"
	"sluice/query/result"
	"sluice/query/trino"

	"github.com/spf13/cobra"
)

// The engines that a statement can be sent to.
const (
	engineSluice = "sluice"
	engineAthena = "athena"
	engineTrino  = "trino"
)

// engineOptions are the flags of other engines; they win over the configuration.
type engineOptions struct {
	name   string
	athena configs.Athena
	trino  configs.Trino
}

func (e *engineOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&e.name, "engine", engineSluice, "who answers: sluice, athena or trino; the statement goes there as it is")
	f.StringVar(&e.athena.Workgroup, "athena-workgroup", "", "run in the workgroup `NAME` (default: athena.workgroup, or primary)")
	f.StringVar(&e.athena.Output, "athena-output", "", "let Athena put answers at `URI`, s3://bucket/prefix/ (default: athena.output, or as the workgroup says)")
	f.StringVar(&e.athena.Catalog, "athena-catalog", "", "ask the data source `NAME` (default: athena.catalog, or AwsDataCatalog)")
	f.StringVar(&e.trino.Server, "trino-server", "", "ask Trino at `URL` (default: trino.server)")
	f.StringVar(&e.trino.User, "trino-user", "", "be the user `NAME` (default: trino.user, or that of the operating system)")
	f.StringVar(&e.trino.Catalog, "trino-catalog", "", "ask the catalog `NAME` for tables named without one (default: trino.catalog)")
	f.StringVar(&e.trino.PasswordFile, "trino-password-file", "", "bring the password in `FILE` (default: trino.password_file, or the variable SLUICE_TRINO_PASSWORD)")
}

// ours are flags of the bundled engine, which others do not understand.
var ours = []string{"server", "dialect", "memory", "max-scanned", "max-rows", "max-result", "checkpoint", "replay"}

// withEngine calls do with what sends statements to another engine.
func (o *options) withEngine(c *cobra.Command, e engineOptions, req query.Request, do func(asker) error) error {
	for _, name := range ours {
		if c.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s is for Sluice's own engine, not for %s", name, e.name)}
		}
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	var ask func(ctx context.Context, sql string) (result.Rows, error)
	switch e.name {
	case engineAthena:
		client, err := athena.New(c.Context(), athenaConfig(cfg, e, req.Database))
		if err != nil {
			return err
		}
		ask = client.Query
	case engineTrino:
		tc, err := o.trinoConfig(cfg, e, req.Database)
		if err != nil {
			return err
		}
		client, err := trino.New(tc)
		if err != nil {
			return usageError{err}
		}
		defer client.Close()
		ask = client.Query
	default:
		return usageError{fmt.Errorf("--engine %q is none; there are sluice, athena and trino", e.name)}
	}
	if req.Limits.Timeout > 0 {
		ask = within(ask, req)
	}
	return do(asker{query: ask, copy: func(ctx context.Context, sql string, f output.Format, w io.Writer) (stats result.Stats, err error) {
		rows, err := ask(ctx, sql)
		if err != nil {
			return stats, err
		}
		err = output.Write(w, f, rows)
		if closeErr := rows.Close(); err == nil {
			err = closeErr
		}
		return rows.Stats(), err
	}})
}

// within ends each statement that takes longer than the request allows.
func within(ask func(context.Context, string) (result.Rows, error), req query.Request) func(context.Context, string) (result.Rows, error) {
	return func(ctx context.Context, sql string) (result.Rows, error) {
		cause := &query.Error{Code: query.CodeTimeout, Message: fmt.Sprintf("the query took longer than %v (--timeout)", req.Limits.Timeout)}
		ctx, cancel := context.WithTimeoutCause(ctx, req.Limits.Timeout, cause)
		rows, err := ask(ctx, sql)
		if err != nil {
			cancel()
			return nil, err
		}
		return timed{rows, cancel}, nil
	}
}

// timed rows let go of their timer when they are closed.
type timed struct {
	result.Rows
	cancel context.CancelFunc
}

func (t timed) Close() error {
	defer t.cancel()
	return t.Rows.Close()
}

func athenaConfig(cfg configs.Config, e engineOptions, database string) athena.Config {
	return athena.Config{
		Workgroup: cmp.Or(e.athena.Workgroup, cfg.Athena.Workgroup), Output: cmp.Or(e.athena.Output, cfg.Athena.Output), Catalog: cmp.Or(e.athena.Catalog, cfg.Athena.Catalog),
		Database: cmp.Or(database, cfg.Database), Region: cmp.Or(cfg.Athena.Region, cfg.Glue.Region, cfg.S3.Region), Endpoint: cfg.Athena.Endpoint, PricePerTB: cfg.Query.PricePerTB,
	}
}

func (o *options) trinoConfig(cfg configs.Config, e engineOptions, database string) (trino.Config, error) {
	tc := trino.Config{
		Server: cmp.Or(e.trino.Server, cfg.Trino.Server), User: cmp.Or(e.trino.User, cfg.Trino.User), Catalog: cmp.Or(e.trino.Catalog, cfg.Trino.Catalog), Schema: cmp.Or(database, cfg.Database),
		Password: os.Getenv(configs.EnvPrefix + "TRINO_PASSWORD"),
		CAFile:   cmp.Or(o.credentials.CAFile, os.Getenv(configs.EnvPrefix+"CA_FILE")), CertFile: o.credentials.CertFile, KeyFile: o.credentials.CertKeyFile,
	}
	if tc.Server == "" {
		return tc, usageError{errors.New("where is Trino? Say --trino-server https://host:port, or set trino.server")}
	}
	if tc.User == "" {
		u, err := user.Current()
		if err != nil {
			return tc, usageError{fmt.Errorf("who are you at Trino? Say --trino-user NAME: %w", err)}
		}
		tc.User = u.Username
	}
	if file := cmp.Or(e.trino.PasswordFile, cfg.Trino.PasswordFile); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return tc, fmt.Errorf("read Trino's password: %w", err)
		}
		if tc.Password = strings.TrimRight(string(text), "\r\n"); tc.Password == "" {
			return tc, fmt.Errorf("read Trino's password: %s is empty", file)
		}
	}
	return tc, nil
}
