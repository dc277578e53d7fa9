package intaketest

import (
	"context"
	"sync"
	"testing"

	"sluice/buffer"
	"sluice/configs"
	"sluice/internal/lake"
)

// BatchSize is the size of a batch of Log: a quarter of the default, so that a
// benchmark, short as it is, begins and ends some.
const BatchSize = 64 << 20

// Log opens the real log, but for the size of its batches with the settings of a
// configuration that sets none, and releases what it seals.
func Log(b *testing.B) *buffer.Buffer {
	cfg := configs.Default()
	log, err := buffer.Open(buffer.Config{
		Dir: b.TempDir(), MaxBytes: int64(cfg.Buffer.MaxBytes), MinFree: int64(cfg.Buffer.MinFree), Reuse: int64(cfg.Buffer.Reuse),
		Size: func(string) int64 { return BatchSize },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := log.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	running.Go(func() {
		for {
			for _, batch := range log.Sealed() {
				if err := log.Release(context.Background(), batch); err != nil {
					b.Error(err)
				}
			}
			select {
			case <-log.Changed():
			case <-ctx.Done():
				return
			}
		}
	})
	b.Cleanup(func() {
		cancel()
		running.Wait()
		if err := log.Close(); err != nil {
			b.Error(err)
		}
	})
	return log
}

// Void is a log that keeps nothing, which leaves the receiver to be measured.
type Void struct{}

// Append is nil at once.
func (Void) Append(context.Context, string, lake.Block) error { return nil }
