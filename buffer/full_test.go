package buffer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/buffer"
	"sluice/buffer/faultfs"
)

// fullFor makes the disk full from its operation from to before operation to: no
// file grows, and no folder takes a name. The result counts them.
func fullFor(fs *faultfs.FS, from, to int) (ops *int) {
	n := 0
	made := map[string]bool{}
	fs.SetHook(func(op, path string) error {
		n++
		full := from < n && n <= to
		switch {
		case full:
			fs.SetCapacity(0)
		default:
			fs.SetCapacity(1 << 40)
		}
		switch op {
		case "mkdir":
			if made[path] || !full {
				made[path] = true
				return nil // it is there
			}
			fallthrough
		case "create", "rename", "link":
			if full {
				return fmt.Errorf("%s %s: %w", op, path, buffer.ErrNoSpace)
			}
		}
		return nil
	})
	return &n
}

// checkRefusal fails unless err is nil or says that the append may be tried again.
func checkRefusal(t *testing.T, what string, err error) {
	t.Helper()
	var full interface {
		Full() (reason string, retryAfter time.Duration)
	}
	if err == nil {
		return
	}
	if !errors.As(err, &full) {
		t.Errorf("%s: a full disk is answered with %v", what, err)
		return
	}
	if reason, after := full.Full(); reason == "" || after <= 0 {
		t.Errorf("%s: %q, %v", what, reason, after)
	}
}

// A disk that is full for a while, from operation i on, for every i, refuses
// appends and is no end of the log: when there is room again every stream takes
// records, without a restart, and nothing that was acknowledged is missing.
func TestFullForAWhile(t *testing.T) {
	for _, length := range []int{1, 3, 10, 40, 1 << 40} {
		t.Run(fmt.Sprintf("%d operations", length), func(t *testing.T) {
			t.Parallel()
			for i := 0; !t.Failed(); i++ {
				if ops := fullAt(t, i, length); i >= ops {
					t.Logf("%d operations", ops)
					return
				}
			}
		})
	}
}

func fullAt(t *testing.T, i, length int) (ops int) {
	what := fmt.Sprintf("full from operation %d for %d", i, length)
	fs := faultfs.New()
	n := fullFor(fs, i, i+length)
	g := newLedger()
	g.undamaged = true
	b, err := buffer.Open(faultConfig(fs))
	if err != nil {
		if length == 1 && !errors.Is(err, buffer.ErrNoSpace) {
			t.Errorf("%s: open: %v", what, err)
		}
		return *n + 1 // a first start needs room
	}
	for range 2 {
		for _, stream := range []string{"a", "c", "b", "c"} {
			for range 5 {
				checkRefusal(t, what, g.append(b, stream, 22))
			}
			b.Seal(context.Background(), stream)
			for range len(b.Sealed()) {
				if err := g.deliver(b, true); err != nil { // it makes room, and takes none
					t.Errorf("%s: release: %v", what, err)
				}
			}
		}
	}
	ops = *n
	fs.SetHook(nil)
	fs.SetCapacity(1 << 40)
	if err := b.Ready(); err != nil {
		t.Errorf("%s: not ready when there is room: %v", what, err)
	}
	for _, stream := range []string{"a", "b", "c"} {
		if err := g.append(b, stream, 3); err != nil {
			t.Errorf("%s: not taken when there is room: %v", what, err)
		}
	}
	g.check(t, b, "a", "b", "c")
	b.Close()
	b = mustOpen(t, faultConfig(fs))
	g.check(t, b, "a", "b", "c")
	b.Close()
	return ops
}

// A log whose files cannot be made, for another reason than a full disk, refuses
// appends so that they are tried again, says that it is not ready and why, and
// notices by itself when that is over, though nobody appends.
func TestBlocked(t *testing.T) {
	for _, op := range []string{"mkdir", "create", "openwrite", "allocate"} {
		t.Run(op, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { blocked(t, op) }) })
	}
}

func blocked(t *testing.T, op string) {
	fs := faultfs.New()
	b := mustOpen(t, faultConfig(fs))
	if op == "openwrite" { // only what recovery left open is opened to be written
		mustAppend(t, b, "s", block(0, 1))
		b.Close()
		b = mustOpen(t, faultConfig(fs))
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	fault := errors.New("too many open files")
	failing := func(o, path string) error {
		if o == op {
			return fault
		}
		return nil
	}
	fs.SetHook(failing)
	for range 2 {
		err := b.Append(ctx, "s", block(1, 1))
		checkRefusal(t, op, err)
		var blocked *buffer.BlockedError
		if !errors.As(err, &blocked) || !errors.Is(err, fault) || blocked.Stream != "s" {
			t.Fatalf("append: %v", err)
		}
		if reason, _ := blocked.Full(); strings.Contains(reason, "files:") || !strings.Contains(reason, "stream s") {
			t.Errorf("what clients are told: %s", reason)
		}
		time.Sleep(10 * time.Second)
	}
	if err := b.Ready(); !errors.Is(err, fault) {
		t.Errorf("ready: %v", err)
	}
	if err := b.Streams()[0].Err; !errors.Is(err, fault) {
		t.Errorf("the stream's error: %v", err)
	}
	other := b.Append(ctx, "t", block(1, 1))
	fs.SetHook(nil)
	time.Sleep(3 * time.Second)
	if err := b.Ready(); err != nil {
		t.Errorf("ready, when it is over: %v", err)
	}
	if op == "openwrite" && other != nil {
		t.Errorf("another stream: %v", other)
	}
	mustAppend(t, b, "s", block(1, 1))
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
	b.Close()
}
