package main

import (
	"context"
	"errors"
	"net"

	"sluice/ingest"

	"github.com/spf13/cobra"
)

func newServe(o *options) *cobra.Command {
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the service: receive, buffer, deliver, catalog and query",
		Long: `Runs until SIGINT or SIGTERM. Then it takes no more records, finishes what it has
acknowledged, and ends; what is not delivered yet stays in the data folder and is
delivered after the next start.`,
		Example: `  sluice serve
  sluice serve --config sluice.yaml --listen 127.0.0.1:9000
  SLUICE_LAKE=s3://bucket/lake SLUICE_CATALOG=glue sluice serve`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.serve(c) },
	}
	o.serviceFlags(c)
	return c
}

func (o *options) serve(c *cobra.Command) (err error) {
	cfg, err := o.load()
	if err != nil {
		return err
	}
	ctx := c.Context()
	log := logger(cfg, c)
	s, err := openService(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.openAccess(); err != nil {
		return err
	}
	if err := s.openNATS(); err != nil {
		return err
	}
	l, err := s.listen()
	if err != nil {
		return err
	}
	if cfg.Admin.Pprof != "" {
		stop, err := servePprof(cfg.Admin.Pprof)
		if err != nil {
			return err
		}
		defer stop()
		log.Info("profiles are served", "at", "http://"+cfg.Admin.Pprof+"/debug/pprof/")
	}
	log.Info("serving", "at", schemeOf(cfg)+"://"+l.Addr().String(), "lake", s.store.URI(""), "catalog", cfg.Catalog, "data", cfg.DataDir)
	err = s.serve(ctx, l)
	log.Info("stopped", "cause", context.Cause(ctx))
	return err
}

func servePprof(addr string) (stop func(), err error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, err
	}
	server := ingest.NewServer(pprofHandler(), nil)
	go server.Serve(l)
	return func() { server.Close() }, nil
}

// noArgs refuses arguments as a wrong command line.
func noArgs(c *cobra.Command, args []string) error {
	if err := cobra.NoArgs(c, args); err != nil {
		return usageError{err}
	}
	return nil
}

// exactArgs wants n arguments.
func exactArgs(n int) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if err := cobra.ExactArgs(n)(c, args); err != nil {
			return usageError{errors.New(err.Error() + "\nusage: " + c.UseLine())}
		}
		return nil
	}
}
