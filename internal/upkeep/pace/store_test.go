package pace_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/lake/store"
	"sluice/internal/upkeep/pace"
)

var errSlow = errors.New("slow down")

// slow takes a second to delete, and fails.
type slow struct{ store.Store }

func (slow) Delete(context.Context, string) error { time.Sleep(time.Second); return errSlow }

func (slow) Remove(context.Context, store.Object) error { time.Sleep(time.Second); return errSlow }

func (slow) Discard(context.Context, store.Unfinished) error {
	time.Sleep(time.Second)
	return errSlow
}

// Deletions wait four times as long as they took while there is something more urgent, not
// otherwise, and what became of them is told.
func TestDeletions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy := true
		s := pace.Store{Store: slow{}, Pacer: pace.New(1, func() bool { return busy })}
		for name, do := range map[string]func() error{
			"delete":  func() error { return s.Delete(t.Context(), "a") },
			"remove":  func() error { return s.Remove(t.Context(), store.Object{Key: "a", Size: 1000}) },
			"discard": func() error { return s.Discard(t.Context(), store.Unfinished{}) },
		} {
			for want, is := range map[time.Duration]bool{time.Second: false, 5 * time.Second: true} {
				busy = is
				begun := time.Now()
				if err := do(); !errors.Is(err, errSlow) {
					t.Errorf("%s: %v", name, err)
				}
				if took := time.Since(begun); took != want {
					t.Errorf("%s took %v, want %v", name, took, want)
				}
			}
		}
	})
}

// Without a pacer nothing waits.
func TestNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var none *pace.Pacer
		none.Start(t.Context())(1 << 40)
		if took := time.Since(begun); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}
