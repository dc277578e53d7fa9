package client

import (
	"math/bits"
	"time"
)

// A histogram counts durations in buckets that are 1/32 of their value wide or
// less, from a microsecond on, so that percentiles of any number of requests
// take 15 kB and are right to 3 %.
type histogram struct {
	buckets [60 * 32]int64
	count   int64
	most    time.Duration
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(uint64(max(d.Microseconds(), 0)))]++
	h.count++
	h.most = max(h.most, d)
}

// bucketOf: values under 64 have a bucket each; above, each power of two has 32.
func bucketOf(v uint64) int {
	if v < 64 {
		return int(v)
	}
	e := bits.Len64(v) - 6
	return e*32 + int(v>>e)
}

// endOf is the largest value in a bucket.
func endOf(bucket int) uint64 {
	if bucket < 64 {
		return uint64(bucket)
	}
	e := bucket/32 - 1
	return (uint64(bucket-e*32)+1)<<e - 1
}

// quantile is a duration that the share q of the others does not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := int64(q*float64(h.count) + 0.5)
	var seen int64
	for i, n := range h.buckets {
		if seen += n; seen >= rank && n > 0 {
			return min(time.Duration(endOf(i))*time.Microsecond, h.most)
		}
	}
	return h.most
}
