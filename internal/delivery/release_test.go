package delivery_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"

	"sluice/buffer"
	"sluice/internal/delivery"
)

// A batch is not released, nor counted, before what others need of its log is
// durable elsewhere; then it is, once.
func TestBeforeRelease(t *testing.T) {
	r := newRig(t)
	r.append("s", record(0), record(1))
	var calls atomic.Int64
	d := r.deliverer(func(cfg *delivery.Config) {
		cfg.BeforeRelease = func(_ context.Context, b *buffer.Batch) error {
			if len(r.buffer.Sealed()) != 1 || b.Stream != "s" {
				t.Errorf("asked for %s with %d batches in the log", b.Stream, len(r.buffer.Sealed()))
			}
			if calls.Add(1) == 1 {
				return errInjected
			}
			return nil
		}
	})
	defer start(t, d)()
	if _, err := d.Flush(context.Background(), "s"); !errors.Is(err, errInjected) {
		t.Fatalf("got %v", err)
	}
	if _, err := d.Flush(context.Background(), "s"); err != nil {
		t.Fatal(err)
	}
	if totals := d.Totals("s"); totals.Delivered != 2 || totals.Batches != 1 || len(r.buffer.Sealed()) != 0 {
		t.Errorf("totals %+v, %d batches left", totals, len(r.buffer.Sealed()))
	}
	if ids := r.ids("s"); !slices.Equal(ids, upTo(2)) {
		t.Errorf("in the lake: %v", ids)
	}
}
