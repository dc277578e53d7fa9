package buffer_test

import (
	"context"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer/faultfs"
)

func TestMetrics(t *testing.T) {
	cfg := faultConfig(faultfs.New())
	registry := prometheus.NewPedanticRegistry()
	cfg.Registerer = registry
	b := mustOpen(t, cfg)
	mustAppend(t, b, "a", block(0, 3), block(3, 1))
	mustSeal(t, b, "a")
	mustAppend(t, b, "a", block(4, 2))
	bytes := float64(len(block(0, 6).Data))
	for _, want := range []struct {
		value  float64
		name   string
		labels []string
	}{
		{3, "appends_total", []string{"a"}}, {6, "records_total", []string{"a"}}, {bytes, "bytes_total", []string{"a"}},
		{6, "held_records", []string{"a"}}, {bytes, "held_bytes", []string{"a"}}, {1, "sealed_total", []string{"request"}},
		{1, "batches", []string{"open", "a"}}, {1, "batches", []string{"sealed", "a"}}, {3, "fsync_seconds", nil},
		{0, "full_total", nil}, {0, "failed_total", nil}, {float64(diskBytes(b)), "disk_bytes", nil},
	} {
		if got := metric(t, registry, "sluice_buffer_"+want.name, want.labels...); got != want.value {
			t.Errorf("%s%v is %v, want %v", want.name, want.labels, got, want.value)
		}
	}
	if err := b.Release(context.Background(), b.Sealed()[0]); err != nil {
		t.Fatal(err)
	}
	if got, want := metric(t, registry, "sluice_buffer_disk_bytes"), float64(diskBytes(b)); got != want {
		t.Errorf("%v bytes on disk after a release, want %v", got, want)
	}
	b.Close()
	again := mustOpen(t, cfg) // registers again
	if got := metric(t, registry, "sluice_buffer_recovered_total", "records"); got != 2 {
		t.Errorf("%v records recovered, want 2", got)
	}
	again.Close()
}
