package buffer_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"sluice/buffer"
	"sluice/buffer/faultfs"

	"github.com/prometheus/client_golang/prometheus"
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

// TestAgeUnderAJumpingClock has the metric tell for how long records wait, whatever
// became of the wall clock since they were stamped: it may have been set in between.
func TestAgeUnderAJumpingClock(t *testing.T) {
	for name, jumped := range map[string]time.Duration{"set back": 24 * time.Hour, "set ahead": -24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := faultConfig(faultfs.New())
				registry := prometheus.NewRegistry()
				cfg.Registerer = registry
				b := mustOpen(t, cfg)
				defer b.Close()
				stamped := block(0, 1)
				stamped.Arrival = time.Now().Add(jumped)
				mustAppend(t, b, "events", stamped)
				time.Sleep(40 * time.Second)
				if got := oldest(t, registry); got != 40 {
					t.Errorf("oldest_seconds of an open batch %v, want 40", got)
				}
				if err := b.Seal(t.Context(), "events"); err != nil {
					t.Fatal(err)
				}
				mustAppend(t, b, "events", block(1, 1))
				time.Sleep(2 * time.Second)
				if got := oldest(t, registry); got != 42 {
					t.Errorf("oldest_seconds of a sealed batch and an open one %v, want 42", got)
				}
			})
		})
	}
}

func oldest(t *testing.T, registry *prometheus.Registry) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "sluice_buffer_oldest_seconds" {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatal("no sluice_buffer_oldest_seconds")
	return 0
}
