package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"sluice/buffer"
	"sluice/catalogsync"
	"sluice/configs"
	"sluice/ingest/firehose"
	"sluice/internal/lake"
	"sluice/partitioner"
)

// openDefinitions reads the streams that were created by the Firehose API.
func (s *service) openDefinitions() (err error) {
	s.definitions, err = firehose.OpenDefinitions(filepath.Join(s.cfg.DataDir, "delivery-streams.json"))
	return err
}

// stream is how a stream's records become rows. The configuration comes before what
// was created by the Firehose API, and that before the defaults.
func (s *service) stream(name string) configs.Stream {
	if _, ok := s.cfg.Streams[name]; !ok {
		if created, ok := s.definitions.Stream(name); ok {
			return s.cfg.Complete(name, created)
		}
	}
	return s.cfg.Stream(name)
}

// raw is whether the stream's JSON is kept as it was received.
func (s *service) raw(name string) configs.Raw {
	raw := s.cfg.Raw
	raw.Enabled = raw.Enabled || s.stream(name).KeepRaw
	return raw
}

// deliveryStreams are the service's streams as the Firehose API asks about them.
type deliveryStreams struct{ *service }

func (d deliveryStreams) Configured(stream string) bool {
	_, ok := d.cfg.Streams[stream]
	return ok
}

func (d deliveryStreams) Describe(stream string) (configs.Stream, bool) {
	if !slices.Contains(d.Names(), stream) {
		return configs.Stream{}, false
	}
	return d.stream(stream), true
}

func (d deliveryStreams) Names() []string {
	names := append(slices.Collect(maps.Keys(d.cfg.Streams)), d.definitions.Names()...)
	for _, st := range d.buffer.Streams() {
		names = append(names, st.Name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Check checks the stream as if it were in the configuration beside all others, and
// that its table can take its records.
func (d deliveryStreams) Check(ctx context.Context, stream string, s configs.Stream) error {
	cfg := d.cfg
	cfg.Streams = maps.Clone(d.cfg.Streams)
	if cfg.Streams == nil {
		cfg.Streams = map[string]configs.Stream{}
	}
	for _, name := range d.definitions.Names() {
		if _, ok := cfg.Streams[name]; !ok {
			cfg.Streams[name], _ = d.definitions.Stream(name)
		}
	}
	cfg.Streams[stream] = s
	if err := cfg.Validate(); err != nil {
		return err
	}
	if err := checkStreams(cfg); err != nil {
		return err
	}
	return d.checkTable(ctx, cfg.Stream(stream))
}

// checkTable checks that the stream's partitions are those of its table.
func (d deliveryStreams) checkTable(ctx context.Context, s configs.Stream) error {
	name, err := lake.ParseTableName(s.Table, d.cfg.Database)
	if err != nil {
		return err
	}
	table, err := d.catalog.Table(ctx, name)
	switch {
	case errors.Is(err, catalogsync.ErrNotFound):
		return nil
	case err != nil:
		return fmt.Errorf("the catalog cannot be asked about the table %s now: try again", name)
	}
	rules, err := specOf(s).Parse()
	if err != nil {
		return err
	}
	same := func(a, b lake.Column) bool { return a.Name == b.Name }
	if !slices.EqualFunc(rules.Keys(), table.PartitionKeys, same) {
		return fmt.Errorf("the table %s has the partitions %q in the catalog, the stream would have %q: name another table, or partitions like the table's",
			name, columnNames(table.PartitionKeys), columnNames(rules.Keys()))
	}
	return nil
}

func columnNames(columns []lake.Column) (names []string) {
	for _, c := range columns {
		names = append(names, c.Name)
	}
	return names
}

// specOf is how a stream is partitioned.
func specOf(s configs.Stream) partitioner.Spec {
	return partitioner.Spec{PartitionBy: s.PartitionBy, Prefix: s.Prefix, Keys: s.PartitionKeys, Query: s.PartitionQuery, TimeZone: s.TimeZone}
}

func (d deliveryStreams) Drain(ctx context.Context, stream string) error {
	if !slices.ContainsFunc(d.buffer.Streams(), func(st buffer.StreamState) bool { return st.Name == stream }) {
		return nil
	}
	_, err := d.deliverer.Flush(ctx, stream)
	return err
}

// bucket is that of the lake, empty where it is in a folder.
func (s *service) bucket() string {
	rest, ok := strings.CutPrefix(s.cfg.Lake, "s3://")
	if !ok {
		return ""
	}
	bucket, _, _ := strings.Cut(rest, "/")
	return bucket
}
