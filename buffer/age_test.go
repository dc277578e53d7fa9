package buffer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sluice/buffer"
	"sluice/buffer/faultfs"
)

// TestAge seals by age, by the stream's own interval, and nothing that is empty.
func TestAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := faultConfig(faultfs.New())
		cfg.Interval = func(stream string) time.Duration {
			return map[string]time.Duration{"fast": time.Second, "slow": time.Hour}[stream]
		}
		b := mustOpen(t, cfg)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		time.Sleep(30 * time.Minute) // all of this is the bubble's clock
		mustAppend(t, b, "slow", block(0, 1))
		mustAppend(t, b, "fast", block(1, 1))
		time.Sleep(999 * time.Millisecond)
		synctest.Wait()
		if got := b.Sealed(); len(got) != 0 {
			t.Errorf("sealed early: %+v", got[0])
		}
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		if got := b.Sealed(); len(got) != 1 || got[0].Stream != "fast" || got[0].Reason != buffer.SealAge {
			t.Errorf("sealed by age: %v", got)
		}
		select {
		case <-b.Changed():
		default:
			t.Error("Changed does not say that a batch was sealed")
		}
		time.Sleep(59 * time.Minute)
		synctest.Wait()
		if got := b.Sealed(); len(got) != 1 {
			t.Errorf("%d sealed, want still 1", len(got))
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := b.Sealed(); len(got) != 2 {
			t.Errorf("%d sealed, want 2", len(got))
		}
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// TestAgeGoesOnOverRestarts has a recovered batch sealed when its first record
// is old enough, and at once where the clock says it is from the future.
func TestAgeGoesOnOverRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fs := faultfs.New()
		cfg := faultConfig(fs)
		cfg.Interval = func(string) time.Duration { return time.Minute }
		b := mustOpen(t, cfg)
		now, future := block(0, 1), block(1, 1)
		now.Arrival, future.Arrival = time.Now(), time.Now().Add(24*time.Hour)
		mustAppend(t, b, "now", now)
		mustAppend(t, b, "future", future)
		b.Close()
		time.Sleep(40 * time.Second)
		b = mustOpen(t, cfg)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		done := make(chan error)
		go func() { done <- b.Run(ctx) }()
		time.Sleep(21 * time.Second)
		synctest.Wait()
		if got := b.Sealed(); len(got) != 1 || got[0].Stream != "now" {
			t.Errorf("sealed after a minute: %v", got)
		}
		time.Sleep(40 * time.Second)
		synctest.Wait()
		if got := b.Sealed(); len(got) != 2 {
			t.Errorf("sealed a minute after the restart: %v", got)
		}
		cancel()
		<-done
	})
}
