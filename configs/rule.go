package configs

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// A rule is what one setting may be by itself: one of the values, or a number
// from min to max.
type rule struct {
	values   []string
	min, max int64 // of a number; both 0: no bounds
}

func between[T ~int | ~int64](lo, hi T) rule { return rule{min: int64(lo), max: int64(hi)} }

func oneOf(values ...string) rule { return rule{values: values} }

// The log seals a batch of a single record at the earliest, and a batch past
// 1 GiB makes a conversion too long to repeat.
var (
	batchSize     = between(1*MiB, 1*GiB)
	batchInterval = between(100*time.Millisecond, 24*time.Hour)
	keyWindow     = between(time.Minute, 30*24*time.Hour)
	patience      = between(100*time.Millisecond, 1*time.Hour)
)

// rules holds the settings that have one, by path. 0 stands for the default in
// the settings of a stream and is allowed there.
var rules = map[string]rule{
	"catalog":                 oneOf(CatalogEmbedded, CatalogGlue),
	"max_streams":             between(1, 100_000),
	"http.max_body":           between(1*MiB, 1024*GiB),
	"http.max_in_flight":      between(16*MiB, 1024*GiB),
	"http.idempotency_window": keyWindow,
	"dedupe.max_keys":         between(1000, 1_000_000_000),
	"buffer.size":             batchSize,
	"buffer.interval":         batchInterval,
	"buffer.max_bytes":        between(1*MiB, 1<<20*GiB),
	"buffer.min_free":         between(0, 1<<20*GiB),
	"convert.memory":          between(16*MiB, 1024*GiB),
	"convert.threads":         between(0, 1024),
	"convert.compression":     oneOf("zstd", "snappy", "none"),
	"convert.row_group":       between(1*MiB, 1*GiB),
	"delivery.batches":        between(1, 64),
	"delivery.uploads":        between(1, 256),
	"delivery.stop_timeout":   between(1*time.Second, 1*time.Hour),
	"raw.compression":         oneOf("gzip", "zstd"),
	"query.memory":            between(64*MiB, 1024*GiB),
	"query.threads":           between(0, 1024),
	"query.concurrent":        between(1, 1024),
	"query.timeout":           between(1*time.Second, 24*time.Hour),
	"query.cache":             between(16*MiB, 1<<20*GiB),
	"s3.timeout":              patience,
	"glue.timeout":            patience,
	"log.level":               oneOf("debug", "info", "warn", "error"),
	"log.format":              oneOf("text", "json"),
	"streams.*.size":          batchSize,
	"streams.*.interval":      batchInterval,
	"streams.*.dedupe.window": keyWindow,
}

func (r rule) bounded() bool { return r.min != 0 || r.max != 0 }

// print formats a bound as a value of v's type; "" where there is none.
func (r rule) print(v reflect.Value, bound int64) string {
	if !r.bounded() {
		return ""
	}
	b := reflect.New(v.Type()).Elem()
	b.SetInt(bound)
	return format(b)
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
	if r.bounded() && (v.Int() < r.min || v.Int() > r.max) {
		return fmt.Sprintf("found %s, want %s to %s", format(v), r.print(v, r.min), r.print(v, r.max))
	}
	return ""
}
