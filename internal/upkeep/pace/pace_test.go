package pace_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sluice/internal/upkeep/pace"
)

// Work takes as long as its rate says, and waits four times as long as it took while there
// is something more urgent, but no longer than that is there.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		took := func(want time.Duration) {
			t.Helper()
			if got := time.Since(begun); got != want {
				t.Errorf("took %v, want %v", got, want)
			}
			begun = time.Now()
		}
		did := pace.New(100, nil).Start(t.Context())
		did(100)
		did(150)
		took(1500 * time.Millisecond)

		until := time.Now().Add(time.Hour)
		did = pace.New(0, func() bool { return time.Now().Before(until) }).Start(t.Context())
		time.Sleep(time.Second)
		did(1)
		took(5 * time.Second)
		time.Sleep(2 * time.Second)
		until = time.Now().Add(time.Second)
		did(2)
		took(3 * time.Second)
		time.Sleep(2 * time.Second)
		did(3)
		took(2 * time.Second)
	})
}
