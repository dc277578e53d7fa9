package configs

import (
	"time"

	"sluice/internal/lake"
)

// A Config is everything that can be set. Load makes one; its zero value is not
// useful, Default's is.
type Config struct {
	Listen   string `yaml:"listen"`   // host:port of the one listener
	DataDir  string `yaml:"data_dir"` // the log, the embedded catalog, caches
	Lake     string `yaml:"lake"`     // root of the tables, file:// or s3:// URI; empty: DataDir/lake
	Catalog  string `yaml:"catalog"`  // "embedded" or "glue"
	Database string `yaml:"database"` // of tables named without one
	// AutoCreate lets a stream that is not configured come to be on first use.
	AutoCreate bool `yaml:"auto_create"`
	// MaxStreams bounds the streams that come to be so: each keeps a file open.
	MaxStreams int            `yaml:"max_streams"`
	HTTP       HTTP           `yaml:"http"`
	Segment    Segment        `yaml:"segment"`
	OTLP       OTLP           `yaml:"otlp"`
	Buffer     Buffer         `yaml:"buffer"`
	Convert    Convert        `yaml:"convert"`
	Delivery   Delivery       `yaml:"delivery"`
	Raw        Raw            `yaml:"raw"`
	Dedupe     Dedupe         `yaml:"dedupe"`
	Query      Query          `yaml:"query"`
	S3         S3             `yaml:"s3"`
	Glue       Glue           `yaml:"glue"`
	Athena     Athena         `yaml:"athena"`
	Trino      Trino          `yaml:"trino"`
	Reconcile  Reconcile      `yaml:"reconcile"`
	Retention  Retention      `yaml:"retention"`
	Vacuum     Vacuum         `yaml:"vacuum"`
	Compaction Compaction     `yaml:"compaction"`
	Log        Log            `yaml:"log"`
	Admin      Admin          `yaml:"admin"`
	TLS        TLS            `yaml:"tls"`
	Access     Access         `yaml:"access"`
	NATS       NATS           `yaml:"nats"`
	Keys       map[string]Key `yaml:"keys"`
	// Tables are by database.table, or table.
	Tables map[string]Table `yaml:"tables"`
	// Subscriptions are by name: the stream that their messages go to.
	Subscriptions map[string]Subscription `yaml:"subscriptions"`
	Streams       map[string]Stream       `yaml:"streams"`
}

// HTTP bounds what the listener takes.
type HTTP struct {
	MaxBody Bytes `yaml:"max_body"` // of one request, after decompression
	// MaxInFlight bounds the bytes that requests being read hold in memory.
	MaxInFlight Bytes `yaml:"max_in_flight"`
	// IdempotencyWindow is for how long a request is known again by its
	// Idempotency-Key.
	IdempotencyWindow time.Duration `yaml:"idempotency_window"`
	MaxConnections    int           `yaml:"max_connections"` // past it, one that idles goes, or 503
}

// Segment shapes the tracking API of Segment's SDKs.
type Segment struct {
	Tables string `yaml:"tables"` // one of SegmentTables
	Stream string `yaml:"stream"` // the stream, or what the streams' names begin with
	Source string `yaml:"source"` // of calls that come without a key and a source in their path
	// DedupeWindow is for how long a messageId is remembered; 0: not at all.
	DedupeWindow time.Duration `yaml:"dedupe_window"`
	MaxEvent     Bytes         `yaml:"max_event"`  // of one call
	MaxBatch     Bytes         `yaml:"max_batch"`  // of one batch, after decompression
	MaxEvents    int           `yaml:"max_events"` // calls in one batch
	Origins      string        `yaml:"origins"`    // Access-Control-Allow-Origin; empty: none
}

// OTLP shapes the logs of OpenTelemetry.
type OTLP struct {
	Stream     string `yaml:"stream"`     // that they go to
	Attributes string `yaml:"attributes"` // AttributesMap or AttributesStruct
	MaxBody    Bytes  `yaml:"max_body"`   // of one request, after decompression
}

// Buffer says when a batch is sealed and how much the log may hold.
type Buffer struct {
	Size     Bytes         `yaml:"size"`      // seal at this many bytes of JSON, 1 MiB to 1 GiB
	Interval time.Duration `yaml:"interval"`  // seal at this age
	MaxBytes Bytes         `yaml:"max_bytes"` // of all logs on disk; past it intake answers 503
	MinFree  Bytes         `yaml:"min_free"`  // of the disk, held back; past it intake answers 503
	Reuse    Bytes         `yaml:"reuse"`     // of delivered batches' files, kept to be written again
}

// Convert bounds conversion and shapes the files.
type Convert struct {
	Memory  Bytes `yaml:"memory"`  // of the columns being built, all workers together
	Threads int   `yaml:"threads"` // encoders a batch; 0: one a core
	// The rest is the layout of a stream's files that says nothing else.
	Compression      string  `yaml:"compression"`       // zstd, snappy, gzip or none
	CompressionLevel int     `yaml:"compression_level"` // of zstd or gzip; 0: chosen for each column
	RowGroup         Bytes   `yaml:"row_group"`         // uncompressed size of a row group, about
	BloomFPP         float64 `yaml:"bloom_fpp"`         // of Bloom filters, see Layout
	Timestamp        string  `yaml:"timestamp"`         // micros, millis or int96
}

// Delivery bounds the work after sealing.
type Delivery struct {
	Batches int `yaml:"batches"` // converted and uploaded at once
	Uploads int `yaml:"uploads"` // objects of a batch uploaded at once
	// HeldBytes and HeldFiles bound what all streams hold back; past it nothing more is.
	HeldBytes Bytes `yaml:"held_bytes"`
	HeldFiles int   `yaml:"held_files"`
	// DrainOnStop delivers the open batches before the process ends, within
	// StopTimeout; what is not delivered stays in the log.
	DrainOnStop bool          `yaml:"drain_on_stop"`
	StopTimeout time.Duration `yaml:"stop_timeout"`
}

// Raw says whether the JSON of every batch is kept as it was received.
type Raw struct {
	Enabled     bool   `yaml:"enabled" json:"enabled"`
	Prefix      string `yaml:"prefix" json:"prefix"`           // folder of the lake
	Compression string `yaml:"compression" json:"compression"` // gzip or zstd
}

// Dedupe bounds what deduplication remembers.
type Dedupe struct {
	MaxKeys int `yaml:"max_keys"` // of one stream; past it intake of new keys answers 503
}

// Query bounds the scan engine.
type Query struct {
	Memory     Bytes         `yaml:"memory"` // of the executor, all queries together
	Threads    int           `yaml:"threads"`
	Concurrent int           `yaml:"concurrent"` // queries at once; others wait
	Queue      int           `yaml:"queue"`      // queries that may wait
	Timeout    time.Duration `yaml:"timeout"`
	Footers    Bytes         `yaml:"footers"` // of files' metadata kept in memory
	// Listings is for how long at most a folder of the lake is believed to be as it was
	// listed, as far as others change it; 0: not at all.
	Listings time.Duration `yaml:"listings"`
	Cache    Bytes         `yaml:"cache"` // of fetched objects and converted live rows, on disk
	Spill    Bytes         `yaml:"spill"` // of what does not fit into Memory, on disk, all queries together
	// MaxScanned, MaxRows and MaxResult bound one query; 0: no limit.
	MaxScanned Bytes   `yaml:"max_scanned"`
	MaxRows    int     `yaml:"max_rows"`
	MaxResult  Bytes   `yaml:"max_result"`
	PricePerTB float64 `yaml:"price_per_tb"` // what the answers' statistics take for Athena's price
	// Checkpoints are those of incremental queries.
	Checkpoints Checkpoints `yaml:"checkpoints"`
	// Write is of statements that make tables and add rows.
	Write QueryWrite `yaml:"write"`
}

// QueryWrite says who may write by SQL, and how much at once.
type QueryWrite struct {
	Who           string `yaml:"who"`            // WriteKeys, WriteAnyone or WriteOff
	MaxBytes      Bytes  `yaml:"max_bytes"`      // of the files of one statement
	MaxPartitions int    `yaml:"max_partitions"` // that one statement writes to
}

// The values of QueryWrite.Who.
const (
	WriteKeys   = "keys"   // keys with modify or admin, and who opens the data folder himself
	WriteAnyone = "anyone" // also everybody, where nobody is asked who they are
	WriteOff    = "off"    // nobody
)

// S3 reaches an S3-compatible store; credentials come from the AWS chain.
type S3 struct {
	Endpoint  string `yaml:"endpoint"`
	Region    string `yaml:"region"`
	PathStyle bool   `yaml:"path_style"`
	// Timeout is how long a connection may carry nothing before it counts as broken.
	Timeout time.Duration `yaml:"timeout"`
}

// Glue reaches AWS Glue or a server with its API.
type Glue struct {
	Endpoint  string `yaml:"endpoint"`
	Region    string `yaml:"region"`
	CatalogID string `yaml:"catalog_id"`
	// Timeout is how long one attempt at a request may take.
	Timeout time.Duration `yaml:"timeout"`
	// Cache is for how long deliveries rely on what the catalog said; 0: not at all.
	Cache time.Duration `yaml:"cache"`
	// KnownPartitions bounds how many partitions are remembered as registered.
	KnownPartitions int `yaml:"known_partitions"`
}

// Reconcile says how often the catalog is compared with the lake.
type Reconcile struct {
	Interval time.Duration `yaml:"interval"` // 0: never
	Register bool          `yaml:"register"` // columns and partitions that are missing
	Remove   bool          `yaml:"remove"`   // partitions without files
	Files    int           `yaml:"files"`    // of a table, the newest, whose columns are compared
}

// Log shapes the log lines.
type Log struct {
	Level  string `yaml:"level"`  // debug, info, warn, error
	Format string `yaml:"format"` // text or json
}

// Admin opens what only an operator should see.
type Admin struct {
	Pprof string `yaml:"pprof"` // loopback host:port for net/http/pprof; empty: off
}

// A Stream is how one stream's records become rows. Its JSON form is kept with
// every sealed batch, so that a later change of the configuration does not
// change where a batch goes.
type Stream struct {
	Table       string   `yaml:"table" json:"table"`               // [database.]table; empty: the stream's name
	PartitionBy []string `yaml:"partition_by" json:"partition_by"` // name=expression; empty: dt=day(ingest)
	// Prefix, a custom prefix of Amazon Data Firehose below the table's folder, is
	// there instead of PartitionBy.
	Prefix string `yaml:"prefix" json:"prefix,omitempty"`
	// PartitionKeys are the fields that !{partitionKeyFromQuery:name} means in it.
	PartitionKeys map[string]string `yaml:"partition_keys" json:"partition_keys,omitempty"`
	// PartitionQuery is a jq query in place of them, whose result is an object of the
	// keys. A record that lacks one goes to the error prefix.
	PartitionQuery string `yaml:"partition_query" json:"partition_query,omitempty"`
	TimeZone       string `yaml:"time_zone" json:"time_zone,omitempty"`       // of !{timestamp:…}; empty: UTC
	ErrorPrefix    string `yaml:"error_prefix" json:"error_prefix,omitempty"` // below the lake's folder of errors
	// Projection keeps the properties of Athena's partition projection at the table.
	Projection bool `yaml:"projection" json:"projection,omitempty"`
	// KeepRaw is raw.enabled of this stream alone.
	KeepRaw bool `yaml:"raw" json:"-"`
	// Transform is a jq program that makes of each record the one to be converted.
	Transform string `yaml:"transform" json:"transform,omitempty"`
	// Columns declares columns by name (or dotted path).
	Columns map[string]lake.ColumnSpec `yaml:"columns" json:"columns,omitempty"`
	// Strict sends a record with a value that does not fit to the error prefix.
	Strict bool `yaml:"strict" json:"strict,omitempty"`
	// Layout is how the files are written. A batch keeps the whole of it, so that a
	// repeated delivery gives the same bytes.
	Layout Layout `yaml:"layout" json:"layout"`
	// Hold is which rows wait for others of their partition.
	Hold     Hold          `yaml:"hold" json:"hold,omitzero"`
	Size     Bytes         `yaml:"size" json:"-"`     // overrides buffer.size
	Interval time.Duration `yaml:"interval" json:"-"` // overrides buffer.interval
	// Dedupe works at intake, before a record is in any batch.
	Dedupe StreamDedupe `yaml:"dedupe" json:"-"`
}

// Hold says which rows of a delivered batch are held back, durably, until others of
// their partition join them. The zero value is none.
type Hold struct {
	Under Bytes         `yaml:"under" json:"under,omitempty"` // files smaller than this wait; 0: none
	For   time.Duration `yaml:"for" json:"for,omitempty"`     // how long; 0: DefaultHoldFor
}

// DefaultHoldFor is how long rows wait where a stream does not say.
const DefaultHoldFor = time.Hour

// StreamDedupe says which records of a stream are the same.
type StreamDedupe struct {
	Key    string        `yaml:"key"`    // path of the field that tells; empty: off
	Window time.Duration `yaml:"window"` // for how long a key is remembered; 0: DefaultDedupeWindow
}

// Bytes is a size: a number with an optional unit, as in 256MiB, 1GB or 4096.
type Bytes int64

// The binary units.
const (
	KiB Bytes = 1 << 10
	MiB Bytes = 1 << 20
	GiB Bytes = 1 << 30
)
