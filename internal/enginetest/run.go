package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"sluice/internal/s3test"
)

// A run is what the parts share.
type runner struct {
	config
	cache
	report
	dir    string // of this run
	binary string // the sluice command
	env    []string
	s3     string // its address
	node   *node
}

// run does the parts that the configuration names. An error means that there is
// nothing to tell.
func run(ctx context.Context, cfg config) (*report, error) {
	r := &runner{config: cfg, cache: cache{cfg.cache, cfg.say}}
	if err := os.MkdirAll(cfg.cache, 0o755); err != nil {
		return nil, err
	}
	var err error
	if r.dir, err = os.MkdirTemp("", "sluice-engines-"); err != nil {
		return nil, err
	}
	defer func() {
		if cfg.keep {
			cfg.say("the run's folder is %s", r.dir)
			return
		}
		os.RemoveAll(r.dir)
	}()
	r.versions = append(r.versions, [2]string{"Sluice", commit(ctx)})
	if !slices.Equal(cfg.only, []string{"clients"}) { // they have servers of their own
		stop, err := r.serve(ctx)
		defer stop()
		if err != nil {
			return nil, err
		}
	}
	for _, part := range []struct {
		name string
		do   func(ctx context.Context) error
	}{{"presto", r.presto}, {"trino", r.trino}, {"spark", r.spark}, {"pyarrow", r.pyarrow}, {"clients", r.clients}, {"nodes", r.nodes}} {
		if !slices.Contains(cfg.only, part.name) {
			continue
		}
		cfg.say("running %s", part.name)
		if err := part.do(ctx); err != nil {
			r.add(outcome{group: "Engines that could not be run", about: part.name, engine: "all", fault: err.Error()})
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return &r.report, nil
}

// serve starts the server of S3 and the node, and fills the tables.
func (r *runner) serve(ctx context.Context) (stop func(), err error) {
	var stops []func()
	stop = func() {
		for _, s := range slices.Backward(stops) {
			s()
		}
	}
	versity, err := r.versity(ctx)
	if err != nil {
		return stop, err
	}
	if r.binary, err = buildSluice(ctx, r.dir); err != nil {
		return stop, err
	}
	s3, end, err := s3test.Launch(versity, filepath.Join(r.dir, "s3"))
	if err != nil {
		return stop, err
	}
	stops = append(stops, func() { end() })
	listings, err := encodeListings(s3.Endpoint)
	if err != nil {
		return stop, err
	}
	stops = append(stops, listings.Close)
	r.s3 = listings.URL
	for name, value := range s3test.Environment() {
		r.env = append(r.env, name+"="+value)
	}
	if r.node, err = r.startNode(ctx, "node", fmt.Sprintf(streams, r.s3)+guarded); err != nil {
		return stop, err
	}
	stops = append(stops, r.node.stop)
	r.versions = append(r.versions, [2]string{"versitygw (S3)", versityVersion})
	if err := load(ctx, r.node); err != nil {
		return stop, err
	}
	return stop, r.merge(ctx)
}
