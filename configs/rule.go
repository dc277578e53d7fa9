package configs

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A rule is what one setting may be by itself: one of the values, or a number
// from min to max.
type rule struct {
	values    []string
	min, max  int64   // of a whole number; both 0: no bounds
	low, high float64 // of a fraction; both 0: no bounds
}

func between[T ~int | ~int64](lo, hi T) rule { return rule{min: int64(lo), max: int64(hi)} }

func oneOf(values ...string) rule { return rule{values: values} }

// The log seals a batch of a single record at the earliest, and a batch past
// 1 GiB makes a conversion too long to repeat.
var (
	batchSize     = between(1*MiB, 1*GiB)
	batchInterval = between(100*time.Millisecond, 24*time.Hour)
	keyWindow     = between(time.Minute, 30*24*time.Hour)
	compression   = oneOf("zstd", "snappy", "gzip", "none")
	rowGroup      = between(1*MiB, 1*GiB)
	// A filter of one value in a million takes 29 bits a value, one of half 4.
	falsePositives = rule{low: 0.000001, high: 0.5}
	timestamp      = oneOf("micros", "millis", "int96")
	patience       = between(100*time.Millisecond, 1*time.Hour)
)

// rules holds the settings that have one, by path. 0 stands for the default in
// the settings of a stream and is allowed there.
var rules = map[string]rule{
	"nats.replicas":              between(1, 5),
	"nats.publish.partitions":    between(1, 256),
	"nats.publish.max_bytes":     between(1*MiB, 1<<20*GiB),
	"nats.embedded.memory":       between(1*MiB, 1024*GiB),
	"nats.embedded.disk":         between(1*MiB, 1<<20*GiB),
	"nats.embedded.max_payload":  between(512*KiB, 64*MiB),
	"catalog":                    oneOf(CatalogEmbedded, CatalogGlue),
	"max_streams":                between(1, 100_000),
	"http.max_body":              between(1*MiB, 1024*GiB),
	"http.max_in_flight":         between(16*MiB, 1024*GiB),
	"http.idempotency_window":    keyWindow,
	"http.max_connections":       between(1, 1_000_000),
	"otlp.attributes":            oneOf(AttributesMap, AttributesStruct),
	"otlp.max_body":              between(64*KiB, 1*GiB),
	"segment.tables":             oneOf(OneTable, TablesPerSource, TablesPerEvent),
	"segment.max_event":          between(1*KiB, 1000*KiB),
	"segment.max_batch":          between(1*KiB, 1000*KiB), // a record's limit, and what one buffer holds
	"segment.max_events":         between(1, 100_000),
	"dedupe.max_keys":            between(1000, 1_000_000_000),
	"buffer.size":                batchSize,
	"buffer.interval":            batchInterval,
	"buffer.max_bytes":           between(1*MiB, 1<<20*GiB),
	"buffer.min_free":            between(0, 1<<20*GiB),
	"buffer.reuse":               between(0, 1<<20*GiB),
	"convert.memory":             between(16*MiB, 1024*GiB),
	"convert.threads":            between(0, 1024),
	"delivery.batches":           between(1, 64),
	"delivery.uploads":           between(1, 256),
	"delivery.held_bytes":        between(0, 1<<20*GiB),
	"delivery.held_files":        between(0, 1_000_000),
	"delivery.stop_timeout":      between(1*time.Second, 1*time.Hour),
	"raw.compression":            oneOf("gzip", "zstd"),
	"query.memory":               between(64*MiB, 1024*GiB),
	"query.threads":              between(0, 1024),
	"query.concurrent":           between(1, 1024),
	"query.timeout":              between(1*time.Second, 24*time.Hour),
	"query.footers":              between(1*MiB, 64*GiB),
	"query.listings":             between(0, 24*time.Hour),
	"query.queue":                between(1, 100_000),
	"query.cache":                between(16*MiB, 1<<20*GiB),
	"query.spill":                between(16*MiB, 1<<20*GiB),
	"query.max_scanned":          between(0, 1<<20*GiB),
	"query.max_rows":             between(0, math.MaxInt64),
	"query.max_result":           between(0, 1<<20*GiB),
	"query.price_per_tb":         {low: 0, high: 1_000_000},
	"query.write.who":            oneOf(WriteKeys, WriteAnyone, WriteOff),
	"query.write.max_bytes":      between(1*MiB, 1<<20*GiB),
	"query.write.max_partitions": between(1, 1000),
	"query.checkpoints.max":      between(1, 1_000_000),
	"query.checkpoints.batches":  between(1000, 100_000_000),
	"query.checkpoints.confirm":  between(1*time.Second, 1*time.Hour),
	"tls.min_version":            oneOf("1.2", "1.3"),
	"tls.client_auth":            oneOf(ClientAuthRequire, ClientAuthOptional),
	"access.metrics":             oneOf(MetricsAdmin, MetricsOpen),
	"keys.*.records_per_second":  between(0, math.MaxInt32),
	"keys.*.bytes_per_second":    between(0, 1024*GiB),
	"keys.*.bytes_per_day":       between(0, 1<<20*GiB),
	"s3.timeout":                 patience,
	"glue.timeout":               patience,
	"reconcile.interval":         between(0, 366*24*time.Hour),
	"reconcile.files":            between(0, 1_000_000),
	"retention.interval":         between(0, 366*24*time.Hour),
	"vacuum.interval":            between(0, 366*24*time.Hour),
	"vacuum.grace":               between(1*time.Hour, 366*24*time.Hour),
	"compaction.interval":        between(0, 366*24*time.Hour),
	"compaction.target":          between(1*MiB, 64*GiB),
	"compaction.min_files":       between(2, 1_000_000),
	"compaction.after":           between(0, 366*24*time.Hour),
	"compaction.rate":            between(0, 1024*GiB),
	"compaction.grace":           between(1*time.Minute, 366*24*time.Hour),
	"retention.grace":            between(1*time.Hour, 366*24*time.Hour),
	"glue.cache":                 between(0, 24*time.Hour),
	"glue.known_partitions":      between(1, 100_000_000),
	"log.level":                  oneOf("debug", "info", "warn", "error"),
	"log.format":                 oneOf("text", "json"),
	"streams.*.size":             batchSize,
	"streams.*.interval":         batchInterval,
	"streams.*.dedupe.window":    keyWindow,
	"streams.*.hold.under":       between(1*KiB, 1*GiB),
	"streams.*.hold.for":         between(1*time.Second, 7*24*time.Hour),

	"convert.compression":       compression,
	"convert.compression_level": between(0, 22),
	"convert.row_group":         rowGroup,
	"convert.bloom_fpp":         falsePositives,
	"convert.timestamp":         timestamp,

	"streams.*.layout.compression":       compression,
	"streams.*.layout.compression_level": between(1, 22),
	"streams.*.layout.row_group":         rowGroup,
	"streams.*.layout.bloom_fpp":         falsePositives,
	"streams.*.layout.timestamp":         timestamp,
}

// bounds are the bounds as values of v's type would be printed; "" where there
// are none.
func (r rule) bounds(v reflect.Value) (low, high string) {
	b := reflect.New(v.Type()).Elem()
	switch {
	case r.low != 0 || r.high != 0:
		b.SetFloat(r.low)
		low = format(b)
		b.SetFloat(r.high)
	case r.min != 0 || r.max != 0:
		b.SetInt(r.min)
		low = format(b)
		b.SetInt(r.max)
	default:
		return "", ""
	}
	return low, format(b)
}

// outside reports whether the value v is out of the bounds. NaN is.
func (r rule) outside(v reflect.Value) bool {
	switch {
	case r.low != 0 || r.high != 0:
		return !(r.low <= v.Float() && v.Float() <= r.high)
	case r.min != 0 || r.max != 0:
		return v.Int() < r.min || v.Int() > r.max
	}
	return false
}

// check is what is wrong with the value v; "" when nothing is.
func (r rule) check(v reflect.Value) string {
	if r.values != nil {
		if s := v.String(); !slices.Contains(r.values, s) {
			list := strings.Join(r.values, ", ")
			if near := nearest(s, r.values); near != "" {
				list += "; did you mean " + near + "?"
			}
			return fmt.Sprintf("found %q, want one of %s", shorten(s), list)
		}
	}
	if r.outside(v) {
		low, high := r.bounds(v)
		return fmt.Sprintf("found %s, want %s to %s", format(v), low, high)
	}
	return ""
}
