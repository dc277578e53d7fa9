package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/lake/store"
	"sluice/internal/s3test"
)

// each runs a test on both kinds of store.
func each(t *testing.T, test func(t *testing.T, s store.Store)) {
	t.Run("file", func(t *testing.T) { test(t, open(t, t.TempDir(), store.Config{})) })
	t.Run("s3", func(t *testing.T) {
		endpoint, bucket := s3test.Start(t)
		test(t, open(t, "s3://"+bucket+"/some/prefix", store.Config{S3: store.S3{Endpoint: endpoint, PathStyle: true}}))
	})
}

func open(t testing.TB, root string, cfg store.Config) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), root, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s store.Store, key string, data []byte) {
	t.Helper()
	if err := s.Put(t.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
}

func get(t testing.TB, s store.Store, key string, off, length int64) ([]byte, error) {
	t.Helper()
	body, err := s.Get(t.Context(), key, off, length)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(body)
	return data, errors.Join(err, body.Close())
}

func list(t testing.TB, s store.Store, prefix string) (keys []string) {
	t.Helper()
	for object, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, object.Key)
	}
	return keys
}

func random(n int) []byte {
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data)
	return data
}

func TestPutGet(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		for name, data := range map[string][]byte{"empty": {}, "one": {1}, "small": random(100_000), "at-part": random(16 << 20), "parts": random(33<<20 + 7)} {
			key := "db/t/dt=2026-01-31/c=a%2Fb é +&?#/" + name
			put(t, s, key, data)
			got, err := get(t, s, key, 0, -1)
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
			object, err := s.Stat(t.Context(), key)
			if err != nil || object.Key != key || object.Size != int64(len(data)) || object.ETag == "" || object.Modified.IsZero() {
				t.Errorf("%s: %+v, %v", name, object, err)
			}
			for listed, err := range s.List(t.Context(), "db/t") {
				if err != nil || (listed.Key == key && (listed.Size != object.Size || listed.ETag != object.ETag)) {
					t.Errorf("%s: listed %+v, %v; want %+v", name, listed, err, object)
				}
			}
			if path, ok := s.LocalPath(key); ok {
				if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, data) {
					t.Errorf("%s: file of %d bytes, %v", name, len(got), err)
				}
			}
		}
	})
}

func TestOverwriteChangesETag(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a", []byte("first"))
		before, err := s.Stat(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		old, err := s.Get(t.Context(), "a", 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer old.Close()
		put(t, s, "a", []byte("other"))
		after, err := s.Stat(t.Context(), "a")
		if err != nil || after.ETag == before.ETag {
			t.Errorf("before %+v, after %+v, %v", before, after, err)
		}
		if got, err := io.ReadAll(old); err == nil && string(got) != "first" {
			t.Errorf("an old reader got %q", got)
		}
		if got, err := get(t, s, "a", 0, -1); err != nil || string(got) != "other" {
			t.Errorf("got %q, %v", got, err)
		}
		if keys := list(t, s, ""); len(keys) != 1 {
			t.Errorf("listed %q", keys)
		}
	})
}

func TestRanges(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		data := random(1000)
		put(t, s, "a", data)
		put(t, s, "empty", nil)
		for _, r := range [][2]int64{{0, -1}, {0, 1000}, {0, 1}, {0, 0}, {999, 1}, {999, -1}, {1000, -1}, {1000, 0}, {500, 0}, {123, 456}} {
			want := data[r[0]:]
			if r[1] >= 0 {
				want = want[:r[1]]
			}
			got, err := get(t, s, "a", r[0], r[1])
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: %d bytes, %v", r, len(got), err)
			}
		}
		for _, r := range [][2]int64{{0, 1001}, {1000, 1}, {1001, -1}, {1001, 0}, {2000, 5}, {-1, 5}, {0, -2}, {1, 1<<63 - 1}} {
			if got, err := get(t, s, "a", r[0], r[1]); err == nil || errors.Is(err, fs.ErrNotExist) || store.Retryable(err) {
				t.Errorf("%v: %d bytes, %v", r, len(got), err)
			}
		}
		for _, r := range [][2]int64{{0, -1}, {0, 0}} {
			if got, err := get(t, s, "empty", r[0], r[1]); err != nil || len(got) != 0 {
				t.Errorf("empty %v: %d bytes, %v", r, len(got), err)
			}
		}
		if _, err := get(t, s, "empty", 0, 1); err == nil {
			t.Error("a byte of nothing")
		}
	})
}

func TestAbsent(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a/b", []byte("x"))
		for _, key := range []string{"nothing", "a", "a/b/c", "a/nothing"} {
			_, statErr := s.Stat(t.Context(), key)
			_, getErr := s.Get(t.Context(), key, 0, -1)
			_, rangeErr := s.Get(t.Context(), key, 3, 4)
			_, emptyErr := s.Get(t.Context(), key, 0, 0)
			for _, err := range []error{statErr, getErr, rangeErr, emptyErr} {
				if !errors.Is(err, fs.ErrNotExist) || store.Retryable(err) {
					t.Errorf("%s: %v", key, err)
				}
			}
			if err := s.Delete(t.Context(), key); err != nil {
				t.Errorf("delete %s: %v", key, err)
			}
			if keys := list(t, s, key); key != "a" && len(keys) != 0 {
				t.Errorf("list %s: %q", key, keys)
			}
		}
		if got, err := get(t, s, "a/b", 0, -1); err != nil || string(got) != "x" {
			t.Errorf("a/b after all: %q, %v", got, err)
		}
	})
}

func TestDelete(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a/b", []byte("x"))
		put(t, s, "a/c", []byte("y"))
		for range 2 {
			if err := s.Delete(t.Context(), "a/b"); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"a/c"}, list(t, s, "")); diff != "" {
			t.Error(diff)
		}
	})
}

// Who remembers what was listed hears of each change before its caller does, of one
// that failed too.
func TestChanged(t *testing.T) {
	var told []string
	s := open(t, t.TempDir(), store.Config{Changed: func(key string) { told = append(told, key) }})
	put(t, s, "a/b", []byte("x"))
	object, err := s.Stat(t.Context(), "a/b")
	if err != nil {
		t.Fatal(err)
	}
	object.ETag += "?"
	if err := s.Remove(t.Context(), object); err == nil {
		t.Error("another version was removed")
	}
	if err := s.Delete(t.Context(), "a/b"); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(t.Context(), "c", bytes.NewReader(nil), 1); err == nil {
		t.Error("a body that is too short was stored")
	}
	if want := []string{"a/b", "a/b", "a/b", "c"}; !slices.Equal(told, want) {
		t.Errorf("told %q, want %q", told, want)
	}
}

func TestList(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		keys := []string{"a", "a!b", "t/x=1/f", "t/x=1.5/f", "t/x=10/f", "t/x=1/g/h", "t-2/f", "t.txt", "t0", "é/ü", "u/_hidden", "u/.dot"}
		for _, key := range keys {
			if key == "a" {
				put(t, s, "a", nil)
				continue
			}
			put(t, s, key, []byte(key))
		}
		slices.Sort(keys)
		for prefix, below := range map[string]string{"": "", "t": "t/", "t/": "t/", "t/x=1": "t/x=1/", "u": "u/", "nothing": "nothing/", "a": "a/", "é": "é/"} {
			var want []string
			for _, key := range keys {
				if strings.HasPrefix(key, below) {
					want = append(want, key)
				}
			}
			if diff := cmp.Diff(want, list(t, s, prefix)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", prefix, diff)
			}
		}
		n := 0
		for range s.List(t.Context(), "") {
			if n++; n == 3 {
				break
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var last error
		for _, err := range s.List(ctx, "") {
			last = err
		}
		if !errors.Is(last, context.Canceled) {
			t.Errorf("list with a context that ended: %v", last)
		}
	})
}

// More keys than a page of S3 holds.
func TestListPages(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		var want []string
		for i := range 1050 {
			key := fmt.Sprintf("p/%04d", i)
			want = append(want, key)
			if path, ok := s.LocalPath(key); ok { // no need to sync a thousand files
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
					t.Fatal(err)
				}
				continue
			}
			put(t, s, key, nil)
		}
		if diff := cmp.Diff(want, list(t, s, "p")); diff != "" {
			t.Error(diff)
		}
	})
}

func TestKeysAreChecked(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		for _, key := range []string{
			"", "/", "/a", "a/", "a//b", ".", "..", "../a", "a/..", "a/../b", "a/./b", "a\x00b", "a\nb", "a\\b", "\xff", strings.Repeat("k", 901),
			".sluice-tmp/a", ".sluice-tmp",
		} {
			_, statErr := s.Stat(t.Context(), key)
			_, getErr := s.Get(t.Context(), key, 0, -1)
			putErr := s.Put(t.Context(), key, strings.NewReader("x"), 1)
			for _, err := range []error{statErr, getErr, putErr, s.Delete(t.Context(), key)} {
				if err == nil || errors.Is(err, fs.ErrNotExist) || store.Retryable(err) {
					t.Errorf("%q: %v", key, err)
				}
			}
			if _, ok := s.LocalPath(key); ok {
				t.Errorf("%q has a local path", key)
			}
		}
		if keys := list(t, s, ""); len(keys) != 0 {
			t.Errorf("listed %q", keys)
		}
		for _, prefix := range []string{"//", "..", "a//", "/a"} {
			var last error
			for _, err := range s.List(t.Context(), prefix) {
				last = err
			}
			if last == nil {
				t.Errorf("list %q: no error", prefix)
			}
		}
	})
}

// A body that is not as long as it was said to be stores nothing.
func TestPutFaults(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a", []byte("before"))
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		broken := errors.New("broken")
		for name, err := range map[string]error{
			"short":        s.Put(t.Context(), "a", strings.NewReader("x"), 2),
			"empty":        s.Put(t.Context(), "a", strings.NewReader(""), 1),
			"short parts":  s.Put(t.Context(), "a", bytes.NewReader(random(20<<20)), 40<<20),
			"negative":     s.Put(t.Context(), "a", strings.NewReader("x"), -1),
			"broken":       s.Put(t.Context(), "a", brokenBody{err: broken, at: 0}, 100),
			"broken later": s.Put(t.Context(), "a", brokenBody{err: broken, at: 20 << 20}, 40<<20),
			"ended":        s.Put(ended, "a", strings.NewReader("x"), 1),
			"ended parts":  s.Put(ended, "a", bytes.NewReader(random(20<<20)), 20<<20),
		} {
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", name, err)
			}
			if strings.HasPrefix(name, "broken") && !errors.Is(err, broken) {
				t.Errorf("%s: %v does not wrap the body's error", name, err)
			}
			if strings.HasPrefix(name, "ended") && !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if got, err := get(t, s, "a", 0, -1); err != nil || string(got) != "before" {
			t.Errorf("got %q, %v", got, err)
		}
		if keys := list(t, s, ""); len(keys) != 1 {
			t.Errorf("listed %q", keys)
		}
	})
}

// brokenBody has zeros up to at, then its error, and looks whole from its end.
type brokenBody struct {
	err error
	at  int64
}

func (b brokenBody) ReadAt(p []byte, off int64) (int, error) {
	if len(p) == 1 {
		return 1, nil
	}
	if off+int64(len(p)) > b.at {
		return 0, b.err
	}
	clear(p)
	return len(p), nil
}

func TestConcurrentPuts(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				data := bytes.Repeat([]byte{byte(i)}, 1000)
				for _, key := range []string{"same/folder/same", fmt.Sprintf("own/%d/x/y", i)} {
					if err := s.Put(t.Context(), key, bytes.NewReader(data), 1000); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		got, err := get(t, s, "same/folder/same", 0, -1)
		if err != nil || len(got) != 1000 || !bytes.Equal(got, bytes.Repeat(got[:1], 1000)) {
			t.Errorf("a mixture of %d bytes, %v", len(got), err)
		}
		if keys := list(t, s, ""); len(keys) != 17 {
			t.Errorf("listed %q", keys)
		}
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	s := open(t, t.TempDir(), store.Config{Registerer: registry})
	open(t, t.TempDir(), store.Config{Registerer: registry}) // shares them
	put(t, s, "a", []byte("12345"))
	if _, err := get(t, s, "a", 1, 3); err != nil {
		t.Fatal(err)
	}
	s.Stat(t.Context(), "nothing")
	got := map[string]float64{}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			got[name] = m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	want := map[string]float64{
		"sluice_store_bytes_total get":                        3,
		"sluice_store_bytes_total put":                        5,
		"sluice_store_operation_duration_seconds get ok":      1,
		"sluice_store_operation_duration_seconds put ok":      1,
		"sluice_store_operation_duration_seconds stat absent": 1,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("metrics (-want +got):\n%s", diff)
	}
}

// What is asked for of one version is never another's.
func TestGetVersion(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a", random(1000))
		o, err := s.Stat(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		read := func(o store.Object, off, length int64) ([]byte, error) {
			body, err := s.GetVersion(t.Context(), o, off, length)
			if err != nil {
				return nil, err
			}
			data, err := io.ReadAll(body)
			return data, errors.Join(err, body.Close())
		}
		for _, r := range [][2]int64{{0, -1}, {0, 1000}, {10, 20}, {990, -1}, {1000, -1}, {5, 0}} {
			want, err := get(t, s, "a", r[0], r[1])
			if err != nil {
				t.Fatal(err)
			}
			if got, err := read(o, r[0], r[1]); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%v: %d bytes, %v", r, len(got), err)
			}
		}
		put(t, s, "a", random(1001))
		for _, r := range [][2]int64{{0, -1}, {0, 1000}, {10, 20}, {1001, -1}, {2000, 5}, {5, 0}} {
			if got, err := read(o, r[0], r[1]); !errors.Is(err, store.ErrChanged) || store.Retryable(err) || len(got) > 0 {
				t.Errorf("replaced, %v: %d bytes, %v", r, len(got), err)
			}
		}
		if _, err := read(store.Object{Key: "a"}, 0, -1); err == nil || errors.Is(err, store.ErrChanged) {
			t.Errorf("no version: %v", err)
		}
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := read(o, 0, 10); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted: %v", err)
		}
	})
}
