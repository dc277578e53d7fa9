package main

import (
	"context"
	"net/http"
	"net/http/pprof"
	"strings"

	"sluice/configs"
	"sluice/ingest"
	"sluice/ingest/firehose"
	"sluice/ingest/otlp"
	"sluice/ingest/records"
	"sluice/ingest/segment"
	"sluice/query/httpapi"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// handler is everything that the one port serves.
func (s *service) handler() http.Handler {
	if s.guard == nil {
		panic("BUG: a service without a guard: receivers take that for an open one")
	}
	mux := http.NewServeMux()
	api, err := records.New(records.Config{
		Access: s.guard, Appender: s.appender, Policy: s, Flusher: s, Streams: s, Memory: s.memory, Metrics: s.metrics,
		MaxBody: int64(s.cfg.HTTP.MaxBody), Log: s.log,
	})
	if err != nil {
		panic("BUG: records API: " + err.Error())
	}
	api.Register(mux)
	if s.firehose, err = firehose.New(firehose.Config{
		Access: s.guard, Appender: s.appender, Policy: s, Memory: s.memory, Metrics: s.metrics,
		MaxBody: int64(s.cfg.HTTP.MaxBody), Log: s.log,
		Definitions: s.definitions, Streams: deliveryStreams{s}, Bucket: s.bucket(), MaxStreams: s.cfg.MaxStreams,
	}); err != nil {
		panic("BUG: Firehose API: " + err.Error())
	}
	s.firehose.Register(mux)
	s.segment().Register(mux)
	s.otlp().Register(mux)
	ingest.RegisterHealth(mux, s)
	mux.Handle("GET /metrics", s.metricsHandler(promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{})))
	asked := httpapi.Config{Querier: s.engine, Log: s.log, Authorize: s.authorizeQuery}
	mux.Handle("/v1/query", httpapi.New(asked))
	mux.Handle("/v1/queries", httpapi.NewQueries(asked))
	mux.Handle("/v1/queries/{id}", httpapi.NewQueries(asked))
	mux.Handle("POST "+vacuumLake.path, vacuumLake.serve(s, func(ctx context.Context, decode func(any) error) (any, error) {
		var req vacuumRequest
		if err := decode(&req); err != nil {
			return nil, err
		}
		return s.vacuumLake(ctx, req)
	}))
	mux.Handle("POST "+retain.path, retain.serve(s, func(ctx context.Context, decode func(any) error) (any, error) {
		var req retentionRequest
		if err := decode(&req); err != nil {
			return nil, err
		}
		return s.retain(ctx, req)
	}))
	for _, e := range []errand{compactTable, repartitionTable, retain, vacuumLake} {
		mux.Handle("GET "+e.path, e.serveStatus(s))
	}
	mux.Handle("POST "+compactTable.path, compactTable.serve(s, func(ctx context.Context, decode func(any) error) (any, error) {
		var req compactRequest
		if err := decode(&req); err != nil {
			return nil, err
		}
		return s.compact(ctx, req)
	}))
	mux.Handle("POST "+repartitionTable.path, repartitionTable.serve(s, func(ctx context.Context, decode func(any) error) (any, error) {
		var req repartitionRequest
		if err := decode(&req); err != nil {
			return nil, err
		}
		return s.repartition(ctx, req)
	}))
	mux.Handle("POST "+reconcileTables.path, reconcileTables.serve(s, func(ctx context.Context, decode func(any) error) (any, error) {
		var req reconcileRequest
		if err := decode(&req); err != nil {
			return nil, err
		}
		return s.reconcile(ctx, req)
	}))
	mux.Handle("POST "+crawlTables.path, crawlTables.serve(s, func(ctx context.Context, decode func(any) error) (any, error) {
		var req crawlRequest
		if err := decode(&req); err != nil {
			return nil, err
		}
		return s.crawl(ctx, req)
	}))
	mux.HandleFunc("/", s.target)
	return mux
}

// segment makes the tracking API.
func (s *service) segment() *segment.Handler {
	c := s.cfg.Segment
	h, err := segment.New(segment.Config{
		Appender: s.appender, Policy: s, Memory: s.memory, Metrics: s.metrics,
		Access: s.guard, Source: c.Source, Stream: c.Stream, Tables: segment.Tables(c.Tables),
		MaxEvent: int64(c.MaxEvent), MaxBatch: int64(c.MaxBatch), MaxEvents: c.MaxEvents, Origins: c.Origins, Log: s.log,
	})
	if err != nil {
		panic("BUG: tracking API: " + err.Error())
	}
	return h
}

// otlp makes the logs API of OpenTelemetry.
func (s *service) otlp() *otlp.Handler {
	c := s.cfg.OTLP
	h, err := otlp.New(otlp.Config{
		Access: s.guard, Appender: s.dedupe, Policy: s, Memory: s.memory, Metrics: s.metrics,
		Stream: c.Stream, Mapped: c.Attributes == configs.AttributesMap, Log: s.log,
		// A body that is read grows: what it has and what it moves to are held together.
		MaxBody: int64(min(c.MaxBody, s.cfg.HTTP.MaxInFlight/4)),
	})
	if err != nil {
		panic("BUG: OTLP: " + err.Error())
	}
	return h
}

// target serves the AWS protocols, which all come to POST / and differ in a
// header.
func (s *service) target(w http.ResponseWriter, r *http.Request) {
	if firehose.Serves(r) {
		s.firehose.ServeHTTP(w, r)
		return
	}
	if r.URL.Path == "/" && s.glue != nil && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "AWSGlue.") {
		s.serveGlue(w, r)
		return
	}
	ingest.NotFound(w, r)
}

// pprofHandler serves profiles; configs allows it on loopback only.
func pprofHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
