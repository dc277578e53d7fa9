package fetch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sluice/internal/lake/store"
	"sluice/internal/s3test"
	"sluice/query/fetch"
)

// A counter counts what is read of a store.
type counter struct {
	store.Store
	requests, bytes atomic.Int64
}

func (c *counter) GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error) {
	c.requests.Add(1)
	c.bytes.Add(length)
	return c.Store.GetVersion(ctx, o, off, length)
}

func (c *counter) put(t testing.TB, key string, data []byte) store.Object {
	t.Helper()
	if err := c.Put(t.Context(), key, bytes.NewReader(data), int64(len(data))); err != nil {
		t.Fatal(err)
	}
	for o, err := range c.List(t.Context(), "") {
		if err == nil && o.Key == key {
			return o
		}
	}
	t.Fatal("not listed")
	return store.Object{}
}

// each runs a test on both kinds of store.
func each(t *testing.T, test func(t *testing.T, s *counter)) {
	run := func(root string, cfg store.Config) func(t *testing.T) {
		return func(t *testing.T) {
			s, err := store.Open(t.Context(), root, cfg)
			if err != nil {
				t.Fatal(err)
			}
			test(t, &counter{Store: s})
		}
	}
	t.Run("file", run(t.TempDir(), store.Config{}))
	endpoint, bucket := s3test.Start(t)
	t.Run("s3", run("s3://"+bucket+"/p", store.Config{S3: store.S3{Endpoint: endpoint, PathStyle: true}}))
}

func openCache(t testing.TB, s fetch.Source, limit int64) *fetch.Cache {
	t.Helper()
	c, err := fetch.Open(fetch.Config{Dir: t.TempDir(), Source: s, Limit: func() int64 { return limit }, Memory: 8 << 20, Parallel: 8})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

type event struct {
	ID   int64  `parquet:"id"`
	Kind string `parquet:"kind,dict"`
	Text string `parquet:"text"`
}

// events is a file of some row groups, whose texts do not compress.
func events(t testing.TB, groups, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[event](&b)
	seed := uint64(1)
	for g := range groups {
		for i := range rows {
			var text [24]byte
			for j := range text {
				seed = seed*6364136223846793005 + 1442695040888963407
				text[j] = 'a' + byte(seed>>40)%26
			}
			if _, err := w.Write([]event{{ID: int64(g*rows + i), Kind: strings.Repeat("k", i%5), Text: string(text[:])}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFooter(t *testing.T) {
	each(t, func(t *testing.T, s *counter) {
		o := s.put(t, "db/t/a.parquet", events(t, 3, 4_000))
		c := openCache(t, s, 1<<20)
		var group sync.WaitGroup
		var u fetch.Usage
		for range 5 {
			group.Go(func() {
				f, err := c.Footer(t.Context(), o, &u)
				if err != nil || f.Meta.NumRows != 12_000 || len(f.Meta.RowGroups) != 3 {
					t.Errorf("%+v, %v", f, err)
				}
			})
		}
		group.Wait()
		if s.requests.Load() != 1 || u.Requests() != 1 || s.bytes.Load() != u.Fetched() || u.Fetched() > 64<<10 {
			t.Errorf("%d requests, %d bytes; counted %d, %d", s.requests.Load(), s.bytes.Load(), u.Requests(), u.Fetched())
		}
		if _, err := c.Footer(t.Context(), o, nil); err != nil || s.requests.Load() != 1 {
			t.Errorf("read again: %v", err)
		}
		// More metadata than the first request brings.
		o = s.put(t, "db/t/many.parquet", events(t, 200, 10))
		if f, err := c.Footer(t.Context(), o, nil); err != nil || len(f.Meta.RowGroups) != 200 || s.requests.Load() != 3 {
			t.Errorf("%v, %d requests", err, s.requests.Load())
		}
	})
}

func TestFooterFaults(t *testing.T) {
	each(t, func(t *testing.T, s *counter) {
		c := openCache(t, s, 1<<20)
		for key, data := range map[string]string{"tiny": "PAR1", "text": strings.Repeat("{}\n", 30_000), "broken": strings.Repeat("x", 40_000) + "\x10\x00\x00\x00PAR1",
			"encrypted": "PAR1 and more \x10\x00\x00\x00PARE"} {
			o := s.put(t, key, []byte(data))
			if _, err := c.Footer(t.Context(), o, nil); err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", key, err)
			}
		}
		o := s.put(t, "a", events(t, 1, 10))
		s.put(t, "a", events(t, 1, 11))
		if _, err := c.Footer(t.Context(), o, nil); !errors.Is(err, store.ErrChanged) || store.Retryable(err) || !strings.Contains(err.Error(), "metadata of a:") {
			t.Errorf("replaced: %v", err)
		}
		if err := s.Delete(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Footer(t.Context(), o, nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("deleted: %v", err)
		}
	})
}
