package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"sluice/configs"
	"sluice/internal/client"
	"sluice/internal/demo"
	"sluice/internal/progress"

	"github.com/spf13/cobra"
)

func newDemo(o *options) *cobra.Command {
	var once bool
	var events int64
	c := &cobra.Command{
		Use:   "demo",
		Short: "See it work: 100,000 purchases in, Parquet out, three queries, all checked",
		Long: `Starts everything embedded in a fresh temporary folder (or in --data-dir), sends
purchases of a bookshop over HTTP, asks for them, delivers them, and asks again.
Every answer is held against what was sent; one that is wrong ends the demo with
exit code 1. Then it keeps serving until Ctrl-C, unless --once is given.`,
		Example: `  sluice demo
  sluice demo --once`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return o.demo(c, once, events) },
	}
	o.serviceFlags(c)
	c.Flags().BoolVar(&once, "once", false, "end after the queries")
	c.Flags().Int64Var(&events, "events", 100_000, "how many purchases")
	return c
}

func (o *options) demo(c *cobra.Command, once bool, events int64) (err error) {
	if o.dataDir == "" {
		dir, err := os.MkdirTemp("", "sluice-demo-")
		if err != nil {
			return fmt.Errorf("make data folder: %w", err)
		}
		defer os.RemoveAll(dir)
		o.dataDir = dir
	}
	cfg, err := o.load()
	if err != nil {
		return err
	}
	cfg.Streams = map[string]configs.Stream{demo.Stream: {PartitionBy: []string{demo.PartitionBy}}}
	cfg.Log.Level = "warn"                 // the demo tells what happens
	cfg.Keys, cfg.TLS = nil, configs.TLS{} // and brings no key, so nobody else gets in
	cfg.Listen = onLoopback(cfg.Listen)
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	s, err := openService(ctx, cfg, logger(cfg, c))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if err := s.openAccess(); err != nil {
		return err
	}
	l, err := s.listen()
	if o.listen == "" && errors.Is(err, syscall.EADDRINUSE) {
		l, err = net.Listen("tcp", "127.0.0.1:0") // any will do for a demo
	}
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- s.serve(ctx, l) }()
	err = s.demo(ctx, c, "http://"+l.Addr().String(), events, once)
	if err == nil && !once {
		<-ctx.Done()
	}
	cancel()
	return errors.Join(err, <-served)
}

// onLoopback is the address with a host that only this machine reaches.
func onLoopback(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err != nil || host == "localhost" || ip != nil && ip.IsLoopback() {
		return addr
	}
	return net.JoinHostPort("127.0.0.1", port)
}

func (s *service) demo(ctx context.Context, c *cobra.Command, url string, events int64, once bool) error {
	out := c.OutOrStdout()
	err := demo.Run(ctx, demo.Config{
		Client: client.New(url), Events: events, Out: out,
		Bar:   progress.New(os.Stderr, progress.Config{Label: "send", Quiet: !progress.IsTerminal(os.Stderr)}),
		Files: s.files,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\nAll answers agree with what was sent.\n")
	if !once {
		fmt.Fprintf(out, "Still serving at %s, data in %s. Try, in another terminal:\n\n", url, s.cfg.DataDir)
		fmt.Fprintf(out, "  sluice query --server %s \"select title, count(*) as sold from purchases group by title order by sold desc limit 5\"\n", url)
		fmt.Fprintf(out, "  curl %s/v1/streams\n\nCtrl-C ends it.\n", url)
	}
	return nil
}

// files are the objects of the lake.
func (s *service) files(ctx context.Context) (map[string]int64, error) {
	files := map[string]int64{}
	for o, err := range s.store.List(ctx, "") {
		if err != nil {
			return nil, err
		}
		files[o.Key] = o.Size
	}
	return files, nil
}
