package query_test

import (
	"context"
	"errors"
	"fmt"
	"math"
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
	if stats.Files != 1 || stats.Requests != 1 || stats.FetchedBytes == 0 || stats.Bytes == 0 {
		t.Errorf("%+v", stats)
	}
	stats = h.want("SELECT sum(id) FROM shop.purchases", "6")
	if stats.Files != 3 || stats.Requests != 2 || stats.CachedBytes == 0 || stats.CachedBytes >= stats.Bytes {
		t.Errorf("%+v", stats)
	}
	if stats = h.want("SELECT sum(id) FROM shop.purchases", "6"); stats.FetchedBytes != 0 || stats.Requests != 0 || stats.CachedBytes != stats.Bytes {
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
	h := newHouse(t, nil, func(c *query.Config) { c.Concurrent = 1 })
	held, err := h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: "SELECT 1"})
	check(t, err)
	_, err = h.engine.Query(t.Context(), query.Request{Dialect: query.DuckDB, SQL: "SELECT 2", Limits: query.Limits{Timeout: 50 * time.Millisecond}})
	wantFault(t, err, query.CodeTimeout)
	check(t, held.Close())
	h.want("SELECT 2", "2")
}

func TestMemoryIsBounded(t *testing.T) {
	h := newHouse(t, nil, func(c *query.Config) { c.Memory = 1; c.Spill = 1 << 20 })
	_, _, err := h.query("SELECT count(*) FROM (SELECT DISTINCT i, repeat('x', 100) || i FROM range(100000000) t(i))")
	wantFault(t, err, query.CodeResources, "query.spill", "query.concurrent")
	_, _, err = h.query("SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)")
	wantFault(t, err, query.CodeResources, "67.1 MB", "query.memory", "query.concurrent")
}

// wantFault checks an error's code, and that its message has the parts.
func wantFault(t *testing.T, err error, code query.Code, parts ...string) {
	t.Helper()
	var fault *query.Error
	if !errors.As(err, &fault) || fault.Code != code {
		t.Errorf("error %v, want %s", err, code)
		return
	}
	for _, p := range parts {
		if !strings.Contains(fault.Message, p) {
			t.Errorf("the message lacks %q: %s", p, fault.Message)
		}
	}
}

// Each limit is an error that names it, its setting and what to do, whether the
// configuration sets it or a request; a request cannot raise one.
func TestLimits(t *testing.T) {
	h := newHouse(t, shopHouseStreams, func(c *query.Config) { c.Limits = query.Limits{Scanned: 1 << 20, Rows: 100, Result: 1000} })
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 2, "US"))
	h.deliver("purchases")
	ask := func(sql string, l query.Limits) (rows int64, err error) {
		r, err := h.engine.Query(t.Context(), query.Request{SQL: sql, Dialect: query.DuckDB, Limits: l})
		if err != nil {
			return 0, err
		}
		defer r.Close()
		for r.Next() {
		}
		return r.Stats().Rows, r.Err()
	}
	for _, tt := range []struct {
		sql   string
		asked query.Limits
		rows  int64
		parts []string // of the error
	}{
		{"SELECT * FROM range(100)", query.Limits{}, 100, nil},
		{"SELECT * FROM range(101)", query.Limits{}, 100, []string{"100 rows", "query.max_rows", "raise query.max_rows", "LIMIT"}},
		{"SELECT * FROM range(101)", query.Limits{Rows: 500}, 100, []string{"raise query.max_rows"}},
		{"SELECT * FROM range(8)", query.Limits{Rows: 7}, 7, []string{"limits.max_rows of the request"}},
		{"SELECT repeat('x', 500) FROM range(2)", query.Limits{}, 2, nil},
		{"SELECT repeat('x', 501) FROM range(2)", query.Limits{}, 1, []string{"1 kB", "query.max_result"}},
		{"SELECT repeat('x', 5) FROM range(2)", query.Limits{Result: 9}, 1, []string{"9 bytes", "limits.max_result of the request"}},
		{"SELECT count(*) FROM shop.purchases", query.Limits{}, 1, nil},
		{"SELECT sum(id) FROM shop.purchases", query.Limits{Scanned: 10}, 0, []string{"2 files", "10 bytes", "limits.max_scanned of the request", "WHERE"}},
		{"SELECT count(*) FROM shop.purchases WHERE dt = '2020-01-01'", query.Limits{Scanned: 10}, 1, nil},
		{"SELECT 1", query.Limits{Rows: -1}, 0, []string{"negative"}},
	} {
		rows, err := ask(tt.sql, tt.asked)
		if rows != tt.rows {
			t.Errorf("%s, %+v: %d rows, want %d", tt.sql, tt.asked, rows, tt.rows)
		}
		switch {
		case tt.parts == nil && err != nil:
			t.Errorf("%s, %+v: %v", tt.sql, tt.asked, err)
		case tt.asked.Rows < 0:
			wantFault(t, err, query.CodeInvalid, tt.parts...)
		case tt.parts != nil:
			wantFault(t, err, query.CodeLimit, tt.parts...)
		}
	}
	_, err := ask("SELECT count(*) FROM range(100000000000) a(i), range(1000) b(j) WHERE hash(i + j) = 7", query.Limits{Timeout: time.Millisecond})
	wantFault(t, err, query.CodeTimeout, "1ms", "limits.timeout of the request")
	_, err = ask("SELECT length(string_agg(repeat('x', 1000), '')) FROM range(1000000)", query.Limits{Memory: 1})
	wantFault(t, err, query.CodeResources, "67.1 MB", "limits.memory of the request")
}

// What would be scanned is counted before anything is fetched.
func TestScanLimitFetchesNothing(t *testing.T) {
	h := newHouse(t, shopHouseStreams, func(c *query.Config) { c.Store = remoteFiles{c.Store.(*openedFiles)} })
	h.post("purchases", purchase(1, 1, "DE"))
	h.deliver("purchases")
	_, err := h.engine.Query(t.Context(), query.Request{SQL: "SELECT count(id) FROM shop.purchases", Limits: query.Limits{Scanned: 10}})
	wantFault(t, err, query.CodeLimit, "max_scanned")
	if stats := h.want("SELECT count(id) FROM shop.purchases", "1"); stats.CachedBytes != 0 {
		t.Error("the refused query had fetched the file")
	}
}

// A query is in the list until it is closed, waiting or running, and can be
// canceled there in both states, which frees its place.
func TestRunning(t *testing.T) {
	h := newHouse(t, nil, func(c *query.Config) { c.Concurrent = 1 })
	const endless = "SELECT i FROM range(100000000000) t(i)"
	first, err := h.engine.Query(t.Context(), query.Request{SQL: endless, Dialect: query.DuckDB, Who: "ann"})
	check(t, err)
	list := h.engine.Running()
	if len(list) != 1 || list[0].ID != first.ID() || list[0].Who != "ann" || list[0].SQL != endless || list[0].Waiting || list[0].Since.IsZero() {
		t.Errorf("%+v", list)
	}
	second := make(chan error)
	go func() {
		_, err := h.engine.Query(t.Context(), query.Request{SQL: "SELECT 2", Who: "bob"})
		second <- err
	}()
	for len(list) < 2 { // until the other has come
		list = h.engine.Running()
	}
	if !list[1].Waiting || list[1].Who != "bob" {
		t.Errorf("%+v", list)
	}
	if !h.engine.Cancel(list[1].ID, "root") {
		t.Error("not found")
	}
	wantFault(t, <-second, query.CodeCanceled, "by root")
	if !h.engine.Cancel(first.ID(), "") {
		t.Error("not found")
	}
	for first.Next() {
	}
	wantFault(t, first.Err(), query.CodeCanceled, "canceled")
	check(t, first.Close())
	if h.engine.Cancel(first.ID(), "") || len(h.engine.Running()) != 0 {
		t.Errorf("left: %+v", h.engine.Running())
	}
	h.want("SELECT 3", "3")
}

// Athena charges for whole megabytes, ten at least.
func TestCost(t *testing.T) {
	for bytes, want := range map[int64]float64{0: 0, 1: 0.00005, 10_000_000: 0.00005, 10_000_001: 0.000055, 2e12: 10} {
		if got := query.Cost(bytes, 5); math.Abs(got-want) > 1e-12 {
			t.Errorf("%d bytes: %v, want %v", bytes, got, want)
		}
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
