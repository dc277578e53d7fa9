package query_test

import (
	"os"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/sample"
	"sluice/partitioner"
	"sluice/query"
)

const liveBytes = 256_000_000

// fill appends about n bytes of purchases in blocks of about 1 MB.
func fill(b *testing.B, h *house, g *sample.Generator, n int) {
	var block []byte
	records, last := 0, 0
	for n > 0 {
		before := len(block)
		block = g.AppendEvent(block)
		records++
		if last += len(block) - before; last >= min(n, 1<<20) {
			check(b, h.buffer.Append(b.Context(), "purchases", lake.Block{Data: block, Records: records, Arrival: time.Unix(1769860800, 0)}))
			n -= last
			block, records, last = block[:0], 0, 0
		}
	}
}

// A query over 256 MB in the buffer: beside the conversion alone of the same bytes,
// again when they are converted, after one more MB, and over the same records
// delivered. Figures in ms; x_convert is the first query's time in that of the
// conversion, added_ms what the live rows cost beside the delivered ones.
func BenchmarkLive256MB(b *testing.B) {
	conv := &conversions{}
	h := newHouse(b, nil, counted(conv), func(c *query.Config) { c.Cache = 1 << 30 })
	g, err := sample.New("purchases", 1)
	check(b, err)
	fill(b, h, g, liveBytes)
	const sql = "SELECT count(*) FROM purchases WHERE userage > 40"
	ms := func(do func()) float64 {
		start := time.Now()
		do()
		return float64(time.Since(start).Microseconds()) / 1000
	}
	ask := func() { drain(b, h, sql) }
	best := func() float64 {
		least := ms(ask)
		for range 20 {
			least = min(least, ms(ask))
		}
		return least
	}
	for b.Loop() {
		alone := ms(func() { convertAlone(b, h) })
		first := ms(ask)
		b.ReportMetric(alone, "convert_ms")
		b.ReportMetric(first, "first_ms")
		b.ReportMetric(first/alone, "x_convert")
	}
	conv.take()
	warm := best()
	fill(b, h, g, 1<<20)
	b.ReportMetric(ms(ask), "grown_ms")
	_, converted := conv.take()
	b.ReportMetric(float64(converted)/1e6, "grown_MB_converted")
	h.deliver("purchases")
	delivered := best()
	b.ReportMetric(warm, "warm_ms")
	b.ReportMetric(delivered, "delivered_ms")
	b.ReportMetric(warm-delivered, "added_ms")
}

// convertAlone converts what the buffer holds with the converter of the house, as
// the first query will.
func convertAlone(b *testing.B, h *house) {
	snap, err := h.buffer.Snapshot("purchases")
	check(b, err)
	defer snap.Close()
	rules, err := partitioner.Spec{PartitionBy: h.stream("purchases").PartitionBy}.Parse()
	check(b, err)
	dir, err := os.MkdirTemp(b.TempDir(), "alone")
	check(b, err)
	for i := range snap.Batches {
		_, err := h.convert.Convert(b.Context(), convert.Job{Blocks: snap.Batches[i].Blocks(0), Rules: rules, Dir: dir})
		check(b, err)
	}
}
