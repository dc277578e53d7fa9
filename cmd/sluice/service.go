package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sluice/buffer"
	"sluice/catalogsync"
	"sluice/catalogsync/crawl"
	"sluice/catalogsync/embedded"
	"sluice/configs"
	"sluice/convert"
	"sluice/ingest"
	"sluice/ingest/access"
	"sluice/ingest/certs"
	"sluice/ingest/firehose"
	"sluice/internal/dedupe"
	"sluice/internal/delivery"
	"sluice/internal/holdback"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/sequences"
	"sluice/internal/upkeep/compact"
	"sluice/internal/upkeep/pace"
	"sluice/internal/upkeep/repartition"
	"sluice/internal/upkeep/retention"
	"sluice/internal/upkeep/vacuum"
	"sluice/query"
	"sluice/query/checkpoint"
	"sluice/query/listing"
	"sluice/query/write"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"
)

// A service is all rooms, wired.
type service struct {
	cfg       configs.Config
	log       *slog.Logger
	registry  *prometheus.Registry
	buffer    *buffer.Buffer
	dedupe    *dedupe.Filter
	glue      *embedded.Server // nil with the catalog of AWS
	catalog   *catalogsync.Catalog
	store     store.Store
	listings  *listing.Cache // of store, which tells it of changes
	deliverer *delivery.Deliverer
	held      *holdback.Shelf
	engine    *query.Engine
	retention *retention.Reaper
	vacuum    *vacuum.Vacuum
	compactor *compact.Compactor
	pace      *pace.Pacer // of upkeep, which gives way to intake
	// repartitions bring rows into tables with other partitions.
	repartitions *repartition.Rewriter
	// checkpoints are those of incremental queries.
	checkpoints *checkpoint.Book
	memory      *ingest.Memory
	metrics     *ingest.Metrics
	sequences   *sequences.Ledger
	nats        *natsLink       // nil without
	appender    ingest.Appender // of the HTTP receivers
	guard       *access.Guard   // nil until the service is to serve
	firehose    *firehose.Handler
	// definitions are the streams that were created by the Firehose API.
	definitions *firehose.Definitions
	certs       *certs.Files        // nil without TLS
	conns       *ingest.Connections // nil until the service listens
	stopping    atomic.Bool
	watchesMu   sync.Mutex
	watches     map[string]*crawl.Crawler // those of crawls that watch; guarded by watchesMu
	known       sync.Map                  // names of streams that were let in, to true
}

// openService opens the rooms from the disk upwards; what an error leaves open is
// closed again.
func openService(ctx context.Context, cfg configs.Config, log *slog.Logger) (_ *service, err error) {
	s := &service{cfg: cfg, log: log, registry: prometheus.NewRegistry()}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	if err = s.openDefinitions(); err != nil {
		return nil, err
	}
	s.buffer, err = buffer.Open(buffer.Config{
		Dir:      cfg.BufferDir(),
		Size:     func(stream string) int64 { return int64(s.stream(stream).Size) },
		Interval: func(stream string) time.Duration { return s.stream(stream).Interval },
		MaxBytes: int64(cfg.Buffer.MaxBytes), MinFree: int64(cfg.Buffer.MinFree), Reuse: int64(cfg.Buffer.Reuse),
		Rules:  s.rules,
		Logger: log, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	if err = s.openDedupe(); err != nil {
		return nil, err
	}
	s.appender = s.dedupe
	s.sequences, err = sequences.Open(sequences.Config{Dir: cfg.MessagesDir(), Log: s.buffer, Appender: s.dedupe})
	if err != nil {
		return nil, err
	}
	if err = s.openLake(ctx); err != nil {
		return nil, err
	}
	converter, err := s.converter(s.registry)
	if err != nil {
		return nil, err
	}
	q := cfg.Query.Checkpoints
	s.checkpoints, err = checkpoint.Open(checkpoint.Config{
		Dir: cfg.CheckpointsDir(), Max: q.Max, Batches: q.Batches, Confirm: q.Confirm, Log: log, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	if err = s.openHeld(); err != nil {
		return nil, err
	}
	s.deliverer, err = delivery.Open(delivery.Config{
		Held: s.held, Together: s.checkpoints.Together,
		Log: s.buffer, BeforeRelease: s.beforeRelease, Catalog: s.catalog, NotFound: catalogsync.ErrNotFound, Store: s.store, Converter: converter,
		Database: cfg.Database,
		Staging:  cfg.StagingDir(), Ledger: filepath.Join(cfg.DataDir, "delivery"), Plans: filepath.Join(cfg.DataDir, "delivery", "plans"),
		Batches: cfg.Delivery.Batches, Uploads: cfg.Delivery.Uploads,
		Logger: log, Registerer: s.registry,
	})
	if err != nil {
		return nil, err
	}
	s.pace = pace.New(int64(cfg.Compaction.Rate), s.taking)
	if err = s.openRetention(); err != nil {
		return nil, err
	}
	if s.engine, err = s.openEngine(); err != nil {
		return nil, err
	}
	if err = s.openVacuum(); err != nil {
		return nil, err
	}
	if err = s.openCompactor(); err != nil {
		return nil, err
	}
	if err = s.openRepartition(); err != nil {
		return nil, err
	}
	if s.memory, err = ingest.NewMemory(int64(cfg.HTTP.MaxInFlight), time.Second); err != nil {
		return nil, err
	}
	s.metrics = ingest.NewMetrics(s.registry, s.memory)
	return s, nil
}

// listingsMemory bounds what is remembered of the lake's folders: some 100,000 objects.
const listingsMemory = 32 << 20

// openLake opens the object store and the catalog.
func (s *service) openLake(ctx context.Context) error {
	uri, err := s.cfg.LakeURI()
	if err != nil {
		return err
	}
	s.listings = listing.New(listing.Config{MaxAge: s.cfg.Query.Listings, Memory: listingsMemory})
	s.store, err = store.Open(ctx, uri, store.Config{
		S3:     store.S3{Endpoint: s.cfg.S3.Endpoint, Region: s.cfg.S3.Region, PathStyle: s.cfg.S3.PathStyle, Timeout: s.cfg.S3.Timeout},
		Logger: s.log, Registerer: s.registry, Changed: s.listings.Changed,
	})
	if err != nil {
		return err
	}
	c := catalogsync.Config{
		Endpoint: s.cfg.Glue.Endpoint, Region: s.cfg.Glue.Region, CatalogID: s.cfg.Glue.CatalogID, Timeout: s.cfg.Glue.Timeout,
		Cache: s.cfg.Glue.Cache, KnownPartitions: s.cfg.Glue.KnownPartitions,
		Logger: s.log, Registerer: s.registry,
	}
	if s.cfg.Catalog == configs.CatalogEmbedded {
		if s.glue, err = embedded.Open(s.cfg.CatalogFile()); err != nil {
			return err
		}
		s.glue.Log = s.log
		c = catalogsync.Config{Transport: s.glue.Transport(), Logger: s.log, Registerer: s.registry}
	}
	s.catalog, err = catalogsync.New(ctx, c)
	return err
}

// openHeld opens what keeps rows that wait for others of their partition.
func (s *service) openHeld() (err error) {
	aside := map[string]bool{}
	for _, st := range s.buffer.Streams() {
		aside[st.Name] = st.Err != nil
	}
	s.held, err = holdback.Open(holdback.Config{
		Dir: s.cfg.HeldDir(), MaxBytes: int64(s.cfg.Delivery.HeldBytes), MaxFiles: s.cfg.Delivery.HeldFiles,
		Table: delivery.HeldTable(s.cfg.Database),
		InLog: func(stream string, id lake.BatchID) bool {
			return slices.ContainsFunc(s.buffer.Sealed(), func(b *buffer.Batch) bool { return b.ID == id })
		},
		Aside: func(stream string) bool { return aside[stream] },
		Log:   s.log, Registerer: s.registry,
	})
	return err
}

// schedule compares the catalog with the lake now and then.
func (s *service) schedule() catalogsync.Schedule {
	r := s.cfg.Reconcile
	return catalogsync.Schedule{Comparer: s.comparer(), Every: r.Interval, Register: r.Register, Remove: r.Register && r.Remove}
}

// converter makes one of those that share the memory of all conversions: each
// batch being delivered has a share, and so have the live rows of queries.
func (s *service) converter(reg prometheus.Registerer) (*convert.Converter, error) {
	c, memory := s.cfg.Convert, s.convertMemory()
	return convert.New(convert.Config{
		Memory: memory, Threads: c.Threads, Compression: c.Compression, RowGroup: min(int64(c.RowGroup), memory/2), Logger: s.log, Registerer: reg,
	})
}

// convertMemory is what each of the converters has: one a batch, one for live rows, one
// for compaction, if it is scheduled, and one to join held rows, if a stream holds some.
func (s *service) convertMemory() int64 {
	n := s.cfg.Delivery.Batches + 1
	if s.cfg.Compaction.Interval > 0 {
		n++
	}
	for _, stream := range s.cfg.Streams {
		if stream.Hold.Under > 0 {
			n++
			break
		}
	}
	return int64(s.cfg.Convert.Memory) / int64(n)
}

// convertLanes is how many lanes a batch's conversion has.
func (s *service) convertLanes() int {
	threads := s.cfg.Convert.Threads
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	return convert.LanesFor(threads)
}

// rules is what is stored with a batch when it is sealed: where it goes, and how
// it is written.
func (s *service) rules(stream string) []byte {
	b, err := json.Marshal(delivery.Rules{Stream: s.stream(stream), Raw: s.raw(stream), Memory: s.convertMemory(), Lanes: s.convertLanes()})
	if err != nil {
		panic("BUG: a stream's configuration does not marshal: " + err.Error())
	}
	return b
}

// Ready is nil when records can be taken.
func (s *service) Ready() error {
	if s.stopping.Load() {
		return errors.New("shutting down")
	}
	return errors.Join(s.buffer.Ready(), s.dedupe.Ready(), s.nats.ready())
}

// beforeRelease makes durable what is known only from a stream's log.
func (s *service) beforeRelease(ctx context.Context, b *buffer.Batch) error {
	return errors.Join(s.dedupe.Sync(ctx, b.Stream), s.sequences.Sync(ctx, b.Stream), s.checkpoints.Note(b.ID))
}

// listen opens the port, for as many connections as there may be open files.
func (s *service) listen() (net.Listener, error) {
	if err := limitFiles(&s.cfg, len(s.buffer.Streams()), s.log); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", s.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("listen: %w (is another sluice running? choose another port with --listen)", err)
	}
	s.conns = ingest.NewConnections(s.cfg.HTTP.MaxConnections, s.registry)
	l = s.conns.Listener(l)
	if s.certs != nil {
		l = tls.NewListener(l, s.certs.TLS())
	}
	return l, nil
}

// serve runs the rooms until ctx ends, then stops them in order: first the
// receivers, then, if so configured, what is buffered is delivered, then the
// delivery. What is not delivered stays in the log.
func (s *service) serve(ctx context.Context, l net.Listener) error {
	// Each stage has its own context: the rooms go on while the one above stops.
	rooms, stopRooms := context.WithCancel(context.WithoutCancel(ctx))
	defer stopRooms()
	g, failed := errgroup.WithContext(rooms)
	g.Go(func() error { return s.runBuffer(failed) })
	g.Go(func() error { return s.deliverer.Run(failed) })
	g.Go(func() error { return s.dedupe.Run(failed) })
	g.Go(func() error { return s.schedule().Run(failed) })
	g.Go(func() error { return s.retention.Run(failed) })
	g.Go(func() error { return s.vacuum.Run(failed) })
	g.Go(func() error { return s.compactor.Run(failed) })
	g.Go(func() error {
		if err := s.engine.Sweep(failed); err != nil && failed.Err() == nil {
			s.log.Warn("what SQL statements left that a crash interrupted is not brought to an end; the next one that writes tries again", "error", err)
		}
		return nil
	})

	stopNATS := s.nats.run(rooms)
	server := ingest.NewServer(s.handler(), s.log)
	s.conns.Bound(server)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	var err error
	select {
	case <-ctx.Done():
	case <-failed.Done():
	case err = <-served:
	}
	s.stopping.Store(true)
	timeout, cancel := context.WithTimeout(rooms, s.cfg.Delivery.StopTimeout)
	defer cancel()
	if shutdownErr := server.Shutdown(timeout); shutdownErr != nil {
		server.Close()
	}
	stopNATS()
	if ctx.Err() != nil && s.cfg.Delivery.DrainOnStop {
		s.drain(timeout)
	}
	stopRooms()
	if roomErr := g.Wait(); err == nil {
		err = roomErr
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// runBuffer seals by age until ctx ends. A log that failed for good takes no more
// records, but all others do, and queries and deliveries go on: readiness tells.
func (s *service) runBuffer(ctx context.Context) error {
	for {
		err := s.buffer.Run(ctx)
		var failed *buffer.FailedError
		if !errors.As(err, &failed) {
			return err
		}
		s.log.Error("a log failed: its stream answers 503 until this process is restarted", "stream", failed.Stream, "error", err)
	}
}

// drain delivers what is buffered, as far as it gets.
func (s *service) drain(ctx context.Context) {
	names := s.held.Streams()
	for _, st := range s.buffer.Streams() {
		names = append(names, st.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if _, err := s.deliverer.Flush(ctx, name); err != nil {
			s.log.Warn("not delivered before the end; it stays on this disk", "stream", name, "error", err)
		}
	}
}

func (s *service) close() error {
	var errs []error
	if s.engine != nil {
		errs = append(errs, s.engine.Close())
	}
	errs = append(errs, s.nats.close(s.cfg.Delivery.StopTimeout))
	if s.dedupe != nil {
		s.dedupe.Close()
	}
	if s.checkpoints != nil {
		errs = append(errs, s.checkpoints.Close())
	}
	if s.buffer != nil {
		errs = append(errs, s.buffer.Close())
	}
	if s.glue != nil {
		errs = append(errs, s.glue.Close())
	}
	return errors.Join(errs...)
}

// writing is what SQL that writes needs, also where nobody may: what a statement left
// when somebody might is still brought to an end.
func (s *service) writing() *write.Config {
	w := s.cfg.Query.Write
	return &write.Config{
		Catalog: s.catalog, Store: s.store, Database: s.cfg.Database, Journal: s.cfg.WritesDir(),
		MaxBytes: int64(w.MaxBytes), MaxPartitions: w.MaxPartitions, Prefixed: s.prefixed,
		Reserved: []string{s.cfg.Raw.Prefix, delivery.ErrorPrefix}, Log: s.log,
	}
}

// prefixed reports whether a stream lays out the table's folders by its prefix.
func (s *service) prefixed(name lake.TableName) bool {
	for _, stream := range (deliveryStreams{s}).Names() {
		rules := s.stream(stream)
		table, err := lake.ParseTableName(cmp.Or(rules.Table, lake.CleanName(stream)), s.cfg.Database)
		if err == nil && table == name && rules.Prefix != "" {
			return true
		}
	}
	return false
}

// openEngine opens the scan engine; it converts live rows by itself, so that
// queries and delivery do not share memory or counters.
func (s *service) openEngine() (*query.Engine, error) {
	converter, err := s.converter(nil)
	if err != nil {
		return nil, err
	}
	q := s.cfg.Query
	var count func(context.Context, lake.TableName) (int64, error)
	if s.glue != nil {
		count = s.glue.CountPartitions
	}
	return query.Open(query.Config{
		Catalog: s.catalog, Define: s.catalog, ReadOnly: q.Write.Who == configs.WriteOff, CountPartitions: count, Store: s.store, Buffer: s.buffer, Converter: converter,
		Checkpoints: s.checkpoints, Held: s.held, Dropped: s.retention.Hides,
		Stream: s.stream, Database: s.cfg.Database, Dir: s.cfg.CacheDir(),
		Cache: int64(q.Cache), Listings: s.listings, Footers: int64(q.Footers), Spill: int64(q.Spill), Memory: int64(q.Memory), Threads: q.Threads, Concurrent: q.Concurrent, Queue: q.Queue, Timeout: q.Timeout,
		Limits:     query.Limits{Scanned: int64(q.MaxScanned), Rows: int64(q.MaxRows), Result: int64(q.MaxResult)},
		PricePerTB: q.PricePerTB,
		Write:      s.writing(),
		Log:        s.log, Metrics: s.registry,
	})
}
