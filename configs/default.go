package configs

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
)

// Default is the configuration that holds where nothing else is said: a whole
// embedded set-up under ./sluice-data, sized for 2 cores and 4 GiB of memory.
func Default() Config {
	return Config{
		Listen:     "127.0.0.1:8080",
		DataDir:    "./sluice-data",
		Catalog:    CatalogEmbedded,
		Database:   "default",
		AutoCreate: true,
		MaxStreams: 1000,
		HTTP:       HTTP{MaxBody: 256 * MiB, MaxInFlight: 256 * MiB, IdempotencyWindow: 24 * time.Hour, MaxConnections: 2000},
		Segment:    defaultSegment,
		OTLP:       defaultOTLP,
		Buffer:     Buffer{Size: 256 * MiB, Interval: 5 * time.Minute, MaxBytes: 10 * GiB, MinFree: 512 * MiB, Reuse: 512 * MiB},
		Convert:    Convert{Memory: 256 * MiB, Threads: 0, Compression: "zstd", RowGroup: 64 * MiB, BloomFPP: 0.01, Timestamp: "micros"},
		Raw:        Raw{Prefix: "raw-logs", Compression: "gzip"},
		Dedupe:     Dedupe{MaxKeys: 50_000_000},
		Delivery:   Delivery{Batches: 2, Uploads: 4, HeldBytes: 1 * GiB, HeldFiles: 10_000, DrainOnStop: false, StopTimeout: 30 * time.Second},
		Query: Query{
			Memory: 1 * GiB, Threads: 0, Concurrent: 4, Queue: 64, Timeout: 5 * time.Minute, Cache: 4 * GiB, Footers: 64 * MiB, Listings: time.Minute, Spill: 4 * GiB, PricePerTB: 5,
			Checkpoints: defaultCheckpoints(),
			Write:       QueryWrite{Who: WriteKeys, MaxBytes: 4 * GiB, MaxPartitions: 100},
		},
		TLS:        TLS{MinVersion: "1.2", ClientAuth: ClientAuthRequire},
		Access:     Access{Metrics: MetricsAdmin},
		S3:         S3{Timeout: 2 * time.Minute},
		Reconcile:  Reconcile{Register: true, Files: 100},
		Retention:  defaultRetention(),
		Vacuum:     Vacuum{Grace: 24 * time.Hour},
		Compaction: defaultCompaction(),
		Glue:       Glue{Timeout: time.Minute, Cache: 15 * time.Minute, KnownPartitions: 200_000},
		NATS:       defaultNATS(),
		Log:        Log{Level: "info", Format: "text"},
	}
}

// The values of Config.Catalog.
const (
	CatalogEmbedded = "embedded"
	CatalogGlue     = "glue"
)

// DefaultPartition partitions a stream that says nothing else.
const DefaultPartition = "dt=day(ingest)"

// DefaultDedupeWindow is the window of a stream that gives a key and no window.
const DefaultDedupeWindow = 24 * time.Hour

// Stream is how the records of a stream become rows: what is configured for it,
// with everything left out filled in. Table is then database.table, and Size,
// Interval and Layout are set. A stream that is not configured gets the table of its
// cleaned name; whether it may come to be is AutoCreate's to say.
func (c Config) Stream(name string) Stream { return c.Complete(name, c.Streams[name]) }

// Complete fills in what a stream of that name leaves out.
func (c Config) Complete(name string, s Stream) Stream {
	s.Table = c.tableOf(name, s)
	s.Columns = maps.Clone(s.Columns)
	s.PartitionBy = slices.Clone(s.PartitionBy)
	s.PartitionKeys = maps.Clone(s.PartitionKeys)
	if len(s.PartitionBy) == 0 && s.Prefix == "" {
		s.PartitionBy = []string{DefaultPartition}
	}
	if s.Size == 0 {
		s.Size = c.Buffer.Size
	}
	if s.Interval == 0 {
		s.Interval = c.Buffer.Interval
	}
	s.Layout = c.layout(s.Layout)
	if s.Hold.Under > 0 && s.Hold.For == 0 {
		s.Hold.For = DefaultHoldFor
	}
	if name == c.OTLP.Stream {
		s.Columns = c.OTLP.columns(s.Columns, partitionNames(s))
	}
	if segment := c.Segment.owns(name); segment && s.Dedupe.Key == "" && c.Segment.DedupeWindow > 0 {
		s.Dedupe = StreamDedupe{Key: "messageId", Window: c.Segment.DedupeWindow}
	}
	if s.Dedupe.Key != "" && s.Dedupe.Window == 0 {
		s.Dedupe.Window = DefaultDedupeWindow
	}
	return s
}

func (c Config) tableOf(name string, s Stream) string {
	table := s.Table
	if table == "" {
		table = c.Segment.table(name)
	}
	if table == "" {
		table = lake.CleanName(name)
	}
	if !strings.Contains(table, ".") {
		table = c.Database + "." + table
	}
	return table
}

// LakeURI is the root of the tables without a slash at its end: Lake, or the
// file:// URI of the folder lake in the data folder. The path in a file:// URI
// is absolute and not escaped, as in Hadoop.
func (c Config) LakeURI() (string, error) {
	if c.Lake != "" {
		return strings.TrimRight(c.Lake, "/"), nil
	}
	dir, err := filepath.Abs(filepath.Join(c.DataDir, "lake"))
	if err != nil {
		return "", fmt.Errorf("resolve data_dir %s: %w", c.DataDir, err)
	}
	return "file://" + filepath.ToSlash(dir), nil
}

// BufferDir holds the logs of the streams, one folder each.
func (c Config) BufferDir() string { return filepath.Join(c.DataDir, "buffer") }

// CatalogFile is the embedded catalog's database.
func (c Config) CatalogFile() string { return filepath.Join(c.DataDir, "catalog.db") }

// StagingDir holds the files of batches on their way to the lake.
func (c Config) StagingDir() string { return filepath.Join(c.DataDir, "staging") }

// DedupeDir holds the keys that deduplication remembers, one folder a stream.
func (c Config) DedupeDir() string { return filepath.Join(c.DataDir, "dedupe") }

// HeldDir holds rows that wait for others of their partition.
func (c Config) HeldDir() string { return filepath.Join(c.DataDir, "held") }

// WritesDir holds the journal of what SQL statements write.
func (c Config) WritesDir() string { return filepath.Join(c.DataDir, "writes") }

// CacheDir holds what queries fetched from the lake.
func (c Config) CacheDir() string { return filepath.Join(c.DataDir, "cache") }
