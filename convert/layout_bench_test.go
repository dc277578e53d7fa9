package convert_test

import (
	"context"
	"runtime"
	"testing"

	"sluice/convert"
	"sluice/internal/sample"
)

// BenchmarkLayout measures what each part of a layout costs: CPU and size of a
// layout beside those of the default one, in the same run, on one thread.
// segment's messageId is a UUID of its own in each event, purchases' userId one
// of 300,000.
func BenchmarkLayout(b *testing.B) {
	sorts := map[string][]string{"purchases": {"userCountry", "purchaseTimestamp desc"}, "segment": {"type", "timestamp desc"}, "nasa": {"host", "timestamp"}}
	ids := map[string]string{"purchases": "userId", "segment": "messageId", "nasa": "host"}
	for _, kind := range sample.Kinds() {
		b.Run(kind, func(b *testing.B) {
			in := makeInput(b, kind, benchMB(b))
			var base benchCost
			for _, tc := range []struct {
				name   string
				layout convert.Layout
			}{
				{"default", convert.Layout{}},
				{"sort=1", convert.Layout{Sort: sortKeys(b, sorts[kind][:1]...)}},
				{"sort=2", convert.Layout{Sort: sortKeys(b, sorts[kind]...)}},
				{"sort=id", convert.Layout{Sort: sortKeys(b, ids[kind])}},
				{"bloom", convert.Layout{Bloom: []string{ids[kind]}}},
				{"int96", convert.Layout{Timestamp: "int96"}},
				{"zstd=1", convert.Layout{Compression: "zstd", CompressionLevel: 1}},
				{"zstd=3", convert.Layout{Compression: "zstd", CompressionLevel: 3}},
				{"zstd=9", convert.Layout{Compression: "zstd", CompressionLevel: 9}},
				{"zstd=19", convert.Layout{Compression: "zstd", CompressionLevel: 19}},
				{"gzip", convert.Layout{Compression: "gzip"}},
				{"snappy", convert.Layout{Compression: "snappy"}},
				{"none", convert.Layout{Compression: "none"}},
			} {
				b.Run(tc.name, func(b *testing.B) {
					cost := benchLayout(b, in, tc.layout)
					if tc.name == "default" {
						base = cost
					}
					if base.cpu > 0 {
						b.ReportMetric(cost.cpu/base.cpu, "xdefault-cpu")
						b.ReportMetric(cost.bytes/base.bytes, "xdefault-size")
					}
				})
			}
		})
	}
}

// A benchCost is what one conversion took.
type benchCost struct{ cpu, bytes float64 }

func benchLayout(b *testing.B, in benchInput, layout convert.Layout) (cost benchCost) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c, err := convert.New(convert.Config{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(in.bytes)
	resetPeak()
	before := cpuSeconds(b)
	for b.Loop() {
		res, err := c.Convert(context.Background(), convert.Job{Blocks: in.blocks(), Dir: b.TempDir(), Layout: layout})
		if err != nil {
			b.Fatal(err)
		}
		if res.Rows != in.events {
			b.Fatalf("result %+v", res)
		}
		cost.bytes = float64(res.Files[0].Bytes)
	}
	cost.cpu = (cpuSeconds(b) - before) / float64(b.N)
	b.ReportMetric(cost.cpu/float64(in.bytes)*1e9, "cpu-s/GB")
	reportPeak(b)
	return cost
}
