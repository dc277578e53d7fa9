package dedupe_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/internal/dedupe"
)

// A clock that is set back forgets no key, in memory, in files or in the log; one that
// is set ahead forgets those whose window is over then, and no other. See "Time" in
// the package's doc.
func TestClockIsSet(t *testing.T) {
	for _, tc := range []struct {
		by     time.Duration
		stored int // of two records that came before the clock was set
	}{
		{-30 * time.Second, 0}, {-48 * time.Hour, 0}, {-10 * 365 * 24 * time.Hour, 0},
		{30 * time.Minute, 0}, {time.Hour, 0}, {2 * time.Hour, 2},
	} {
		for _, where := range []string{"memory", "file", "log"} {
			t.Run(fmt.Sprint(tc.by, " ", where), func(t *testing.T) {
				// The process's own clock is right in the end, or is before the jump: what
				// it does by itself may forget no more.
				b := newBench(t, dedupe.Config{})
				b.append(records("a", "b"), now)
				switch where {
				case "file":
					b.release()
				case "log":
					b.restart(false)
				}
				before := len(b.lines())
				b.append(records("a", "b"), now.Add(tc.by))
				if got := len(b.lines()) - before; got != tc.stored {
					t.Errorf("%d of 2 records are stored again, want %d", got, tc.stored)
				}
				b.append(records("b", "c"), now.Add(tc.by))
				if got := len(b.lines()) - before; got != tc.stored+1 {
					t.Errorf("%d records are stored in the end, want %d", got, tc.stored+1)
				}
			})
		}
	}
}

// Keys that are remembered for much longer than their window, because the clock was
// ahead when they came, are said.
func TestClockWasAhead(t *testing.T) {
	b := newBench(t, dedupe.Config{})
	b.append(records("a"), now.Add(30*time.Minute))
	b.release()
	if err := b.f.State("s").Err; err != nil {
		t.Errorf("half an hour ahead, with a window of an hour: %v", err)
	}
	ahead := now.Add(10 * 365 * 24 * time.Hour)
	b.append(records("x"), ahead)
	b.release()
	b.append(records("x", "y"), now)
	if got := b.lines(); len(got) != 1 {
		t.Errorf("stored: %q", got)
	}
	for range 2 {
		err := b.f.State("s").Err
		if want := ahead.Add(time.Hour).UTC().Format(time.RFC3339); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "clock") {
			t.Errorf("%v; want it to name %s", err, want)
		}
		b.restart(true)
	}
	if err := b.f.Ready(); err != nil {
		t.Error(err)
	}
}
