package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer"
	"sluice/configs"
	"sluice/convert"
	"sluice/internal/holdback"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/checkpoint"
	"sluice/query/listing"
	"sluice/query/write"
)

// A Catalog says which tables there are.
type Catalog interface {
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]lake.Table, error)
	Table(ctx context.Context, name lake.TableName) (lake.Table, error)
	Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error)
}

// A Store holds the tables' files.
type Store interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error)
	Key(uri string) (key string, ok bool)
	LocalPath(key string) (path string, ok bool)
}

// A Buffer holds what is not delivered yet.
type Buffer interface {
	Streams() []buffer.StreamState
	Snapshot(stream string) (*buffer.Snapshot, error)
	Seal(ctx context.Context, stream string) error // for checkpoints
}

// A Converter makes Parquet files of records.
type Converter interface {
	Convert(ctx context.Context, job convert.Job) (convert.Result, error)
}

// A Config is what an Engine needs and its bounds.
type Config struct {
	Catalog Catalog
	// CountPartitions says how many partitions a table has, for the statistics; nil
	// where the catalog has no cheap answer.
	CountPartitions func(ctx context.Context, name lake.TableName) (int64, error)
	Store           Store
	// Define is where statements define tables; nil: statements only read.
	Define Definer
	// ReadOnly refuses the statements that write or define tables; those that show how
	// they are defined are answered.
	ReadOnly bool
	// Buffer and Converter may both be nil: then there are no live rows.
	Buffer    Buffer
	Converter Converter
	// Stream is how a stream's records become rows now; batches that are sealed
	// carry their own. Nil only without Buffer.
	Stream   func(name string) configs.Stream
	Database string // of tables named without one; "default" if empty
	// Dropped reports whether an object is of a partition that was dropped, and waits for
	// its deletion, although the partition may have been made anew; nil: none is.
	Dropped func(key string, modified time.Time) bool
	// Held keeps rows that were delivered from the buffer and wait for others; nil: none do.
	Held *holdback.Shelf
	// Checkpoints of incremental queries; nil: there are none.
	Checkpoints *checkpoint.Book

	// Dir is a folder of the engine's own: what lies in it is deleted by Open.
	Dir string
	// Cache bounds the fetched objects and converted live rows kept in Dir.
	Cache      int64
	Listings   *listing.Cache // what is remembered of remote folders; nil: nothing
	Footers    int64          // bytes of files' metadata kept in memory; 0: 64 MiB
	Spill      int64          // bytes in Dir that all queries together may spill; 0: as Cache
	Memory     int64          // of all queries together
	Threads    int            // of one query; 0: one a core
	Concurrent int            // queries at once
	Queue      int            // queries that may wait for their turn; 0: 16 a running one
	Timeout    time.Duration  // of one query, its wait included
	MaxSQL     int            // bytes of a statement; 0: 1 MiB
	// Limits bound each query beyond that; their Timeout and Memory are not used.
	Limits Limits
	// PricePerTB is the dollars that Stats.Cost takes for 10^12 bytes scanned.
	PricePerTB float64

	// Write is what statements that write need; nil: all statements only read.
	Write *write.Config

	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Validate reports every fault of the configuration.
func (c *Config) Validate() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, fmt.Errorf("query configuration: %s", what))
		}
	}
	need(c.Catalog != nil, "Catalog is missing")
	need(c.Store != nil, "Store is missing")
	need((c.Buffer == nil) == (c.Converter == nil), "Buffer and Converter go together")
	need(c.Buffer == nil || c.Stream != nil, "Stream is missing")
	need(c.Dir != "", "Dir is missing")
	need(c.Cache > 0, "Cache must be positive")
	need(c.Memory > 0, "Memory must be positive")
	need(c.Concurrent > 0, "Concurrent must be positive")
	need(c.Timeout > 0, "Timeout must be positive")
	need(c.Threads >= 0 && c.Queue >= 0 && c.MaxSQL >= 0 && c.Spill >= 0 && c.Footers >= 0, "Threads, Queue, MaxSQL, Spill and Footers must not be negative")
	need(c.Limits.valid() && c.PricePerTB >= 0, "Limits and PricePerTB must not be negative")
	return errors.Join(faults...)
}
