package buffer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/buffer"
	"sluice/internal/lake"
)

// block makes a block of records {"n":from} … {"n":from+n-1}.
func block(from, n int) lake.Block {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d}\n", from+i)
	}
	return lake.Block{Data: []byte(b.String()), Records: n, Arrival: time.UnixMilli(1_700_000_000_000 + int64(from)).UTC()}
}

// loadBlock is a block of that many bytes and records.
func loadBlock(size, records int) lake.Block {
	line := append(bytes.Repeat([]byte("x"), size/records-1), '\n')
	return lake.Block{Data: bytes.Repeat(line, records), Records: records, Arrival: time.Now()}
}

func mustOpen(t testing.TB, cfg buffer.Config) *buffer.Buffer {
	t.Helper()
	b, err := buffer.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func mustAppend(t testing.TB, b *buffer.Buffer, stream string, blocks ...lake.Block) {
	t.Helper()
	for _, bl := range blocks {
		if err := b.Append(context.Background(), stream, bl); err != nil {
			t.Error(err) // it may run beside the test's goroutine
		}
	}
}

func mustSeal(t testing.TB, b *buffer.Buffer, stream string) {
	t.Helper()
	if err := b.Seal(context.Background(), stream); err != nil {
		t.Error(err)
	}
}

// read is all records of a run of blocks, and checks its counts.
func read(t testing.TB, blocks lake.Blocks) []string {
	t.Helper()
	var lines []string
	for b, err := range blocks() {
		if err != nil {
			t.Fatal(err)
		}
		got := strings.SplitAfter(string(b.Data), "\n")
		if len(got)-1 != b.Records || got[len(got)-1] != "" {
			t.Fatalf("block of %d records holds %q", b.Records, b.Data)
		}
		lines = append(lines, got[:len(got)-1]...)
	}
	return lines
}

// held is all records that a stream's snapshot shows.
func held(t testing.TB, b *buffer.Buffer, stream string) []string {
	t.Helper()
	snap, err := b.Snapshot(stream)
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	var lines []string
	for i := range snap.Batches {
		got := read(t, snap.Batches[i].Blocks(0))
		if int64(len(got)) != snap.Batches[i].Records {
			t.Fatalf("batch %s counts %d records, holds %d", snap.Batches[i].ID, snap.Batches[i].Records, len(got))
		}
		lines = append(lines, got...)
	}
	return lines
}

// metric is the value of the counter, gauge or histogram's count of that name
// and those label values, by label.
func metric(t testing.TB, g prometheus.Gatherer, name string, labels ...string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	t.Fatalf("no metric %s%v", name, labels)
	return 0
}

func TestAppendSealReadRelease(t *testing.T) {
	dir := t.TempDir()
	b := mustOpen(t, buffer.Config{Dir: dir, Rules: func(s string) []byte { return []byte("rules of " + s) }})
	mustAppend(t, b, "s", block(0, 3), block(3, 1))
	if got := b.Sealed(); len(got) != 0 {
		t.Fatalf("sealed before sealing: %v", got)
	}
	if got, want := strings.Join(held(t, b, "s"), ""), string(block(0, 4).Data); got != want {
		t.Fatalf("snapshot of the open batch: %q, want %q", got, want)
	}
	mustSeal(t, b, "s")
	mustSeal(t, b, "s") // nothing to seal
	mustAppend(t, b, "s", block(4, 2))

	sealed := b.Sealed()
	if len(sealed) != 1 {
		t.Fatalf("%d batches sealed, want 1", len(sealed))
	}
	batch := sealed[0]
	if batch.Records != 4 || batch.Bytes != int64(len(block(0, 4).Data)) || string(batch.Rules) != "rules of s" || batch.Stream != "s" {
		t.Fatalf("batch: %+v", batch)
	}
	if !batch.First.Equal(block(0, 1).Arrival) || !batch.Last.Equal(block(3, 1).Arrival) {
		t.Fatalf("batch from %v to %v", batch.First, batch.Last)
	}
	if got, want := strings.Join(read(t, batch.Blocks()), ""), string(block(0, 4).Data); got != want {
		t.Fatalf("batch: %q, want %q", got, want)
	}
	if err := b.Release(context.Background(), batch); err != nil {
		t.Fatal(err)
	}
	if err := b.Release(context.Background(), batch); !errors.Is(err, buffer.ErrReleased) {
		t.Fatalf("second release: %v", err)
	}
	if got, want := strings.Join(held(t, b, "s"), ""), string(block(4, 2).Data); got != want {
		t.Fatalf("after release: %q, want %q", got, want)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = mustOpen(t, buffer.Config{Dir: dir})
	mustAppend(t, b, "s", block(6, 1))
	if got, want := strings.Join(held(t, b, "s"), ""), string(block(4, 3).Data); got != want {
		t.Fatalf("after reopening: %q, want %q", got, want)
	}
}
