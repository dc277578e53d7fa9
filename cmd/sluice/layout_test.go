package main

import (
	"encoding/json"
	"testing"

	"sluice/configs"
	"sluice/internal/delivery"

	"github.com/google/go-cmp/cmp"
)

// A batch is sealed with all that its files' bytes depend on.
func TestSealedLayout(t *testing.T) {
	cfg := configs.Default()
	cfg.Convert.Memory, cfg.Delivery.Batches = 300*configs.MiB, 2
	cfg.Convert.Timestamp = "int96"
	cfg.Streams = map[string]configs.Stream{"s": {Layout: configs.Layout{Sort: []string{"a desc"}, Bloom: []string{"b"}, Compression: "gzip"}}}
	var rules delivery.Rules
	if err := json.Unmarshal((&service{cfg: cfg}).rules("s"), &rules); err != nil {
		t.Fatal(err)
	}
	want := configs.Layout{Compression: "gzip", RowGroup: 64 * configs.MiB, Sort: []string{"a desc"}, Bloom: []string{"b"}, BloomFPP: 0.01, Timestamp: "int96"}
	if diff := cmp.Diff(want, rules.Layout); diff != "" {
		t.Error(diff)
	}
	if want := int64(100 * configs.MiB); rules.Memory != want {
		t.Errorf("memory %d, want %d", rules.Memory, want)
	}
}
