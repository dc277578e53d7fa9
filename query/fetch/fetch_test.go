package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/lake/store"
	"sluice/query/fetch"
)

// A source serves objects of its own making.
type source struct {
	gets atomic.Int64
	body func(key string) (io.ReadCloser, error)
}

func (s *source) GetVersion(_ context.Context, o store.Object, off, length int64) (io.ReadCloser, error) {
	s.gets.Add(1)
	if off != 0 || length != o.Size {
		return nil, fmt.Errorf("range %d+%d", off, length)
	}
	if s.body != nil {
		return s.body(o.Key)
	}
	return io.NopCloser(strings.NewReader("bytes of " + o.Key)), nil
}

func object(key, etag string) store.Object {
	return store.Object{Key: key, ETag: etag, Size: int64(len("bytes of " + key))}
}

func open(t *testing.T, s *source, limit int64) (*fetch.Cache, string) {
	t.Helper()
	dir := t.TempDir()
	os.WriteFile(dir+"/old", nil, 0o600)
	c, err := fetch.Open(fetch.Config{Dir: dir, Source: s, Limit: func() int64 { return limit }, Memory: 1 << 20, Parallel: 8})
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestFetchedOnce(t *testing.T) {
	s := &source{}
	c, dir := open(t, s, 1000)
	var group sync.WaitGroup
	var total atomic.Int64
	for range 10 {
		group.Go(func() {
			var u fetch.Usage
			path, release, err := c.Get(t.Context(), object("a/1", "x"), &u)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			total.Add(u.Fetched())
			if u.Fetched()+u.Cached() != 12 {
				t.Errorf("%d bytes fetched, %d cached", u.Fetched(), u.Cached())
			}
			if text, _ := os.ReadFile(path); string(text) != "bytes of a/1" {
				t.Errorf("%q", text)
			}
		})
	}
	group.Wait()
	if s.gets.Load() != 1 || total.Load() != 12 {
		t.Errorf("%d reads, %d bytes", s.gets.Load(), total.Load())
	}
	// A replaced object is another file.
	var u fetch.Usage
	_, release, err := c.Get(t.Context(), object("a/1", "y"), &u)
	if err != nil || u.Fetched() != 12 {
		t.Error(u.Fetched(), err)
	}
	release()
	if entries, _ := os.ReadDir(dir); len(entries) != 2 || c.Bytes() != 24 {
		t.Errorf("%v, %d bytes", entries, c.Bytes())
	}
}

func TestBound(t *testing.T) {
	s := &source{}
	c, dir := open(t, s, 25)
	get := func(key string) func() {
		t.Helper()
		path, release, err := c.Get(t.Context(), object(key, "x"), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); err != nil {
			t.Fatal(err)
		}
		return release
	}
	held := get("k/1")
	get("k/2")()
	get("k/3")() // drops 2: 1 is in use
	get("k/1")()
	if s.gets.Load() != 3 {
		t.Errorf("%d reads, want 3", s.gets.Load())
	}
	get("k/2")() // drops 3
	get("k/3")()
	if s.gets.Load() != 5 || c.Bytes() > 25 {
		t.Errorf("%d reads, want 5; %d bytes", s.gets.Load(), c.Bytes())
	}
	held()
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("%v", entries)
	}
}

func TestFailuresLeaveNothing(t *testing.T) {
	boom := errors.New("reset")
	for name, body := range map[string]func(string) (io.ReadCloser, error){
		"get fails": func(string) (io.ReadCloser, error) { return nil, boom },
		"read fails": func(string) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(strings.NewReader("by"), failing{boom})), nil
		},
		"too short": func(string) (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("by")), nil },
		"too long": func(string) (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("bytes of a/1 and more")), nil
		},
	} {
		s := &source{body: body}
		c, dir := open(t, s, 1000)
		if _, _, err := c.Get(t.Context(), object("a/1", "x"), nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 0 || c.Bytes() != 0 {
			t.Errorf("%s: left %v", name, entries)
		}
		s.body = nil
		_, release, err := c.Get(t.Context(), object("a/1", "x"), nil)
		if err != nil {
			t.Errorf("%s: afterwards %v", name, err)
			continue
		}
		release()
	}
}

// One who waits for a fetch that is cancelled does it himself.
func TestCancelledFetchIsTakenOver(t *testing.T) {
	first := make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	s := &source{}
	var calls atomic.Int64
	s.body = func(key string) (io.ReadCloser, error) {
		if calls.Add(1) == 1 {
			close(first)
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return io.NopCloser(strings.NewReader("bytes of " + key)), nil
	}
	c, _ := open(t, s, 1000)
	done := make(chan error, 1)
	go func() {
		_, _, err := c.Get(ctx, object("a/1", "x"), nil)
		done <- err
	}()
	<-first
	second := make(chan error, 1)
	go func() {
		_, release, err := c.Get(t.Context(), object("a/1", "x"), nil)
		if err == nil {
			release()
		}
		second <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
