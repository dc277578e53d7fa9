package convert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"slices"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
)

// A record that becomes no row names the object that it came from, also where the
// records are sorted by partition first.
func TestSourceOfFailures(t *testing.T) {
	for _, n := range []int{10, 500} { // partitions; these many have the records sorted
		blocks := func() iter.Seq2[lake.Block, error] {
			return func(yield func(lake.Block, error) bool) {
				for i, group := range slices.Collect(slices.Chunk(manyPartitions(20_000, n), 1000)) {
					lines := append([]string{fmt.Sprintf("bad %d", i)}, group...)
					var data []byte
					for _, line := range lines {
						data = append(append(data, line...), '\n')
					}
					b := lake.Block{Data: data, Records: len(lines), Arrival: time.UnixMilli(1).UTC()}
					if i > 0 { // the first came from nowhere
						b.Attrs = lake.AppendSource(nil, fmt.Sprintf("s3://bucket/%d", i))
					}
					if !yield(b, nil) {
						return
					}
				}
			}
		}
		res := convertJob(t, convert.Config{Threads: 2}, convert.Job{Blocks: blocks, Rules: rulesOf(t, "p=p"), Layout: convert.Layout{Memory: 2 << 20, RowGroup: 1 << 20}})
		text, err := os.ReadFile(res.Failures)
		if err != nil {
			t.Fatal(err)
		}
		seen := 0
		for line := range bytes.Lines(text) {
			var doc struct {
				RawData      []byte
				SourceObject string
			}
			if err := json.Unmarshal(line, &doc); err != nil {
				t.Fatal(err)
			}
			var i int
			fmt.Sscanf(string(doc.RawData), "bad %d", &i)
			want := fmt.Sprintf("s3://bucket/%d", i)
			if i == 0 {
				want = ""
			}
			if doc.SourceObject != want {
				t.Errorf("%d partitions: %q came from %q", n, doc.RawData, doc.SourceObject)
			}
			seen++
		}
		if seen != 20 {
			t.Errorf("%d partitions: %d failures", n, seen)
		}
	}
}
