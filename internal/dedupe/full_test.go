package dedupe_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/buffer"
	"sluice/internal/lake"
)

// A disk that is full for a while, from operation i on, for every i, refuses
// records so that they are sent again, and is the end of nothing: when there is
// room, all streams take records again by themselves, and each is there once.
func TestFullForAWhile(t *testing.T) {
	step := 1
	if testing.Short() {
		step = 7
	}
	for _, length := range []int{1, 4, 30, 1 << 40} {
		t.Run(fmt.Sprintf("%d operations", length), func(t *testing.T) {
			t.Parallel()
			for i := 0; !t.Failed(); i += step {
				ops := 0
				synctest.Test(t, func(t *testing.T) { ops = fullAt(t, i, length) })
				if i >= ops {
					t.Logf("%d operations", ops)
					return
				}
			}
		})
	}
}

func fullAt(t *testing.T, i, length int) (ops int) {
	what := fmt.Sprintf("full from operation %d for %d", i, length)
	w := newWorld(t)
	made := map[string]bool{"/": true, "/data": true, "/data/buffer": true}
	full := func(op, path string) error {
		ops++
		room := ops <= i || ops > i+length
		w.fs.SetCapacity(map[bool]int64{true: 1 << 40, false: 0}[room])
		switch op {
		case "mkdir":
			if room || made[path] {
				made[path] = true
				return nil
			}
			fallthrough
		case "create", "rename", "link":
			if !room {
				return fmt.Errorf("%s %s: %w", op, path, buffer.ErrNoSpace)
			}
		}
		return nil
	}
	if err := w.open(); err != nil {
		t.Fatal(err)
	}
	w.fs.SetHook(full)
	for k := range 24 {
		data, attrs := fmt.Sprintf("{\"id\":\"%d\"}\n{\"id\":\"x%d\"}\n", k, k/2), []byte(nil)
		if k%3 == 0 {
			attrs = lake.AppendRequest(nil, fmt.Sprint(k), 0)
			data += fmt.Sprintf("{\"none\":%d}\n", k)
		}
		w.sent = append(w.sent, data+"\x00"+string(attrs))
		var again interface {
			Full() (reason string, retryAfter time.Duration)
		}
		if err := w.append(data, attrs); err != nil && !errors.As(err, &again) {
			t.Errorf("%s: a full disk is answered with %v", what, err)
		}
		if k%4 == 3 {
			w.deliver()
		}
		if k == 12 { // what an earlier process left is read while the disk is full
			w.f.Close()
			w.log.Close()
			if err := w.open(); err != nil {
				t.Fatalf("%s: no start: %v", what, err)
			}
		}
	}
	n := ops
	w.fs.SetHook(nil)
	w.fs.SetCapacity(1 << 40)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- w.f.Run(ctx) }()
	time.Sleep(time.Minute)
	cancel()
	<-done
	if err := errors.Join(w.log.Ready(), w.f.Ready()); err != nil {
		t.Errorf("%s: when there is room: %v", what, err)
	}
	for range 2 {
		for _, s := range w.sent {
			data, attrs, _ := strings.Cut(s, "\x00")
			if err := w.append(data, []byte(attrs)); err != nil {
				t.Errorf("%s: not taken when there is room: %v", what, err)
			}
		}
	}
	w.f.Close()
	w.log.Close()
	w.resend(t, what)
	return n
}
