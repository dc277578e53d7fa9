package query_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"sluice/query"
)

// remoteFiles is a store without local files.
type remoteFiles struct {
	*openedFiles
}

func (remoteFiles) LocalPath(string) (string, bool) { return "", false }

// What is fetched from a remote store is what was not pruned, once.
func TestRemoteStore(t *testing.T) {
	var dir string
	h := newHouse(t, shopHouseStreams, func(c *query.Config) {
		c.Store = remoteFiles{c.Store.(*openedFiles)}
		dir = c.Dir
	})
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 1, "US"), purchase(3, 2, "DE"))
	h.deliver("purchases")
	stats := h.want("SELECT id FROM shop.purchases WHERE dt = '2026-01-02'", "3")
	if stats.Files != 1 || stats.FetchedBytes != stats.Bytes || stats.Bytes == 0 {
		t.Errorf("%+v", stats)
	}
	stats = h.want("SELECT sum(id) FROM shop.purchases", "6")
	if stats.Files != 3 || stats.FetchedBytes == 0 || stats.FetchedBytes >= stats.Bytes {
		t.Errorf("%+v", stats)
	}
	if stats = h.want("SELECT sum(id) FROM shop.purchases", "6"); stats.FetchedBytes != 0 {
		t.Errorf("fetched again: %+v", stats)
	}
	if files, err := os.ReadDir(filepath.Join(dir, "objects")); err != nil || len(files) != 3 {
		t.Errorf("%v, %v", files, err)
	}
}

// Queries at once, while batches are posted, sealed and delivered: each sees at
// least what was acknowledged before it began, and nothing twice.
func TestConcurrentQueries(t *testing.T) {
	h := newHouse(t, shopHouseStreams, func(c *query.Config) { c.Concurrent = 3 })
	var acked atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		defer stop()
		for i := 1; i <= 60; i++ {
			h.post("purchases", purchase(i, i%3+1, "DE"))
			acked.Store(int64(i))
			if i%7 == 0 {
				h.deliver("purchases")
			}
		}
	})
	for range 3 {
		group.Go(func() {
			for ctx.Err() == nil {
				before := acked.Load()
				rows, _, err := h.query(fmt.Sprintf("SELECT count(*), count(DISTINCT id), count(*) FILTER (WHERE id <= %d) FROM shop.purchases", before))
				var fault *query.Error
				if errors.As(err, &fault) && fault.Code == query.CodeNotFound && before == 0 {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				// Later records may be seen, file by file as their batch arrives.
				var n, distinct, old int64
				fmt.Sscanf(rows[0], "%d|%d|%d", &n, &distinct, &old)
				if n != distinct || old != before {
					t.Errorf("%s after %d were acknowledged", rows[0], before)
				}
			}
		})
	}
	group.Wait()
	h.want("SELECT count(*), sum(id) FROM shop.purchases", "60|1830")
}

func TestTimeoutWhileWaiting(t *testing.T) {
	h := newHouse(t, nil, func(c *query.Config) { c.Concurrent = 1; c.Timeout = 200 * time.Millisecond })
	held, err := h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: "SELECT 1"})
	check(t, err)
	_, _, err = h.query("SELECT 2")
	var fault *query.Error
	if !errors.As(err, &fault) || fault.Code != query.CodeTimeout {
		t.Errorf("error %v", err)
	}
	check(t, held.Close())
	h.want("SELECT 2", "2")
}

func TestMemoryIsBounded(t *testing.T) {
	h := newHouse(t, nil, func(c *query.Config) { c.Memory = 1; c.Cache = 1 << 20 })
	_, _, err := h.query("SELECT count(*) FROM (SELECT DISTINCT i, repeat('x', 100) || i FROM range(100000000) t(i))")
	var fault *query.Error
	if !errors.As(err, &fault) || fault.Code != query.CodeResources {
		t.Errorf("error %v", err)
	}
}

// Nothing is left of queries: no place taken, no spilled file, no segment kept
// open.
func TestNothingIsLeft(t *testing.T) {
	var dir string
	metrics := prometheus.NewRegistry()
	h := newHouse(t, shopHouseStreams, func(c *query.Config) { dir = c.Dir; c.Metrics = metrics })
	h.post("purchases", purchase(1, 1, "DE"))
	for _, sql := range []string{"SELECT * FROM shop.purchases", "SELECT nope FROM shop.purchases", "SELECT * FROM nope", "SELEC", "SHOW TABLES", "SELECT getenv('x')", "SELECT CAST('x' AS int)"} {
		h.query(sql)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, err := h.engine.Query(ctx, query.Request{Dialect: query.DuckDB, SQL: "SELECT * FROM shop.purchases, range(1000000000)"})
	check(t, err)
	r.Next()
	cancel()
	for r.Next() {
	}
	var fault *query.Error
	if !errors.As(r.Err(), &fault) || fault.Code != query.CodeCanceled {
		t.Errorf("error %v", r.Err())
	}
	check(t, r.Close())
	check(t, r.Close())
	h.deliver("purchases")
	h.want("SELECT count(*) FROM shop.purchases", "1")
	for _, sub := range []string{"spill", "live"} {
		if entries, err := os.ReadDir(filepath.Join(dir, sub)); err != nil || len(entries) != 0 {
			t.Errorf("%s: %v, %v", sub, entries, err)
		}
	}
	families, err := metrics.Gather()
	check(t, err)
	var got []string
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "sluice_query_queries_total":
				got = append(got, fmt.Sprintf("%s %v", m.GetLabel()[0].GetValue(), m.GetCounter().GetValue()))
			case "sluice_query_running":
				got = append(got, fmt.Sprintf("running %v", m.GetGauge().GetValue()))
			}
		}
	}
	want := []string{"canceled 1", "forbidden 1", "invalid_query 2", "ok 3", "syntax_error 1", "table_not_found 1", "running 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestClose(t *testing.T) {
	h := newHouse(t, nil)
	r, err := h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: "SELECT 1"})
	check(t, err)
	closed := make(chan struct{})
	go func() { h.engine.Close(); close(closed) }()
	for { // new queries are refused while the old one is read
		other, err := h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: "SELECT 2"})
		if err != nil {
			break
		}
		other.Close()
	}
	select {
	case <-closed:
		t.Error("closed under a query")
	default:
	}
	if !r.Next() || r.Values()[0].Text != "1" {
		t.Error(r.Err())
	}
	check(t, r.Close())
	<-closed
}

func TestCatalogFails(t *testing.T) {
	h := shopHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	h.deliver("purchases")
	h.catalog.failure = errors.New("throttled")
	_, _, err := h.query("SELECT * FROM shop.purchases")
	var fault *query.Error
	if !errors.As(err, &fault) || fault.Code != query.CodeInternal || !errors.Is(err, h.catalog.failure) {
		t.Errorf("error %v", err)
	}
}

func TestConfigFaultsAllAtOnce(t *testing.T) {
	_, err := query.Open(query.Config{})
	for _, part := range []string{"Catalog", "Store", "Dir", "Cache", "Memory", "Concurrent", "Timeout"} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %s", err, part)
		}
	}
}
