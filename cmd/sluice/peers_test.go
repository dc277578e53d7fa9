package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"sluice/catalogsync/embedded"
)

// The faults that peers have been seen to have, each with a test by name. Those
// of one room are tested there: TestCorruptTailThatLoops and TestRecoveryIsBounded
// (a backlog loaded whole into memory at start) in buffer,
// TestCrashBetweenUploadAndRegistration and TestReplayOfWhatWasDelivered in
// internal/delivery.

// An outage is a catalog that others run, and that can be gone.
type outage struct {
	*httptest.Server
	down atomic.Bool
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	catalog, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	if err != nil {
		t.Fatal(err)
	}
	o := &outage{}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		catalog.ServeHTTP(w, r)
	}))
	t.Cleanup(func() { o.Close(); catalog.Close() })
	return o
}

// env makes a server use the catalog, and give up on it quickly.
func (o *outage) env(more ...string) []string {
	return append(more, "SLUICE_CATALOG=glue", "SLUICE_GLUE_ENDPOINT="+o.URL, "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=us-east-1")
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// A full queue that returns success while it drops: at the log's ceiling, with
// delivery impossible, the answer is 503 with Retry-After and says how much was
// kept; readiness turns false with the reason, liveness stays; what was
// acknowledged is kept, and intake resumes by itself when delivery does.
func TestFullQueueThatReturnsSuccess(t *testing.T) {
	o := newOutage(t)
	o.down.Store(true)
	c := startServe(t, t.TempDir(), o.env("SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_MAX_BYTES=4MiB", "SLUICE_BUFFER_MIN_FREE=0")...)
	kept := 0
	body := func(from int) string { return numbered(from, 5000) }
	var refused *http.Response
	for refused == nil {
		resp, err := http.Post(c.url+"/v1/streams/s/records", "", strings.NewReader(body(kept)))
		if err != nil {
			t.Fatal(err)
		}
		var answer struct{ Accepted int }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		kept += answer.Accepted
		if resp.StatusCode != http.StatusOK {
			refused = resp
		}
		if kept > 1_000_000 {
			t.Fatal("the ceiling of 4 MiB is not kept")
		}
	}
	if refused.StatusCode != http.StatusServiceUnavailable || refused.Header.Get("Retry-After") == "" {
		t.Errorf("at the ceiling: %d, Retry-After %q", refused.StatusCode, refused.Header.Get("Retry-After"))
	}
	if code, text := get(t, c.url+"/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(text, "max_bytes") && !strings.Contains(text, "ceiling") && !strings.Contains(text, "bytes") {
		t.Errorf("readyz: %d %s", code, text)
	}
	if code, _ := get(t, c.url+"/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d", code)
	}
	o.down.Store(false)
	sent, err := sendAll(c, body(kept))
	if err != nil {
		t.Fatalf("intake did not resume: %v\n%s", err, c.log)
	}
	kept += sent
	c.flush("s")
	c.wantIDs(kept)
}

// sendAll is the load tool's way: it waits where the server asks for it.
func sendAll(c *child, body string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	s := c.sender("s")
	sum, err := s.Run(ctx, strings.NewReader(body))
	return int(sum.Accepted), err
}

// wantIDs wants the ids 0 to n-1, each once.
func (c *child) wantIDs(n int) {
	c.t.Helper()
	var got struct{ N, Ids, Low, High int }
	row := c.row("select count(*) as n, count(distinct id) as ids, min(id) as low, max(id) as high from s")
	if err := json.Unmarshal([]byte(row), &got); err != nil {
		c.t.Fatal(err)
	}
	if got.N != n || got.Ids != n || got.Low != 0 || got.High != n-1 {
		c.t.Errorf("%d records were acknowledged, but there are %+v\n%s", n, got, c.log)
	}
}

// A clean SIGTERM during an outage that deletes the log: it ends within its
// deadline, and all is there after the next start, once.
func TestSIGTERMInAnOutageThatDeletesTheLog(t *testing.T) {
	o := newOutage(t)
	dir := t.TempDir()
	env := o.env("SLUICE_DELIVERY_DRAIN_ON_STOP=true", "SLUICE_DELIVERY_STOP_TIMEOUT=1s")
	c := startServe(t, dir, env...)
	c.send("s", numbered(0, 500))
	c.flush("s")
	o.down.Store(true)
	c.send("s", numbered(500, 500))
	if err := c.stop(); err != nil {
		t.Fatalf("stop: %v\n%s", err, c.log)
	}
	o.down.Store(false)
	c = startServe(t, dir, env...)
	c.wantIDs(1000)
	c.flush("s")
	c.wantIDs(1000)
}

// A disk so full that the server cannot start, after a kill or after it stopped: it
// starts, serves queries, refuses records with 503, and takes them again when there
// is room.
func TestFullDiskThatPreventsTheStart(t *testing.T) {
	t.Run("killed", func(t *testing.T) { startOnFullDisk(t, func(c *child) { c.kill() }) })
	t.Run("stopped", func(t *testing.T) {
		startOnFullDisk(t, func(c *child) {
			if err := c.stop(); err != nil {
				t.Fatal(err)
			}
		})
	})
}

func startOnFullDisk(t *testing.T, end func(*child)) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("a small file system cannot be mounted here: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	lake := "SLUICE_LAKE=file://" + t.TempDir()
	env := []string{lake, "SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_MAX_BYTES=1GiB", "SLUICE_BUFFER_MIN_FREE=4MiB", "SLUICE_QUERY_CACHE=16MiB"}
	data := filepath.Join(dir, "data")
	c := startServe(t, data, env...)
	c.send("s", numbered(0, 1000))
	end(c)
	// Somebody else fills the disk to the last byte.
	ballast := filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	chunk := bytes.Repeat([]byte{1}, 64<<10)
	for err == nil {
		if _, err = f.Write(chunk); err != nil && len(chunk) > 1 {
			chunk, err = chunk[:len(chunk)/2], nil
		}
	}
	f.Close()
	c = startServe(t, data, env...)
	if code, text := get(t, c.url+"/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("readyz on a full disk: %d %s", code, text)
	}
	if _, err := c.client().Send(context.Background(), "s", strings.NewReader(numbered(1000, 1))); err == nil {
		t.Error("a record was taken although the disk is full")
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if sent, err := sendAll(c, numbered(1000, 1000)); err != nil || sent != 1000 {
		t.Fatalf("after there was room: %d, %v\n%s", sent, err, c.log)
	}
	c.flush("s")
	c.wantIDs(2000)
}

// Two servers, each with its own log, fill the same table through one catalog:
// neither loses, doubles or hides what the other one delivered.
func TestSecondNodeOnTheSameTable(t *testing.T) {
	o := newOutage(t)
	env := o.env("SLUICE_LAKE=file://"+t.TempDir(), `SLUICE_STREAMS={s: {partition_by: ["k=k"]}}`)
	a, b := startServe(t, t.TempDir(), env...), startServe(t, t.TempDir(), env...)
	done := make(chan error, 2)
	for node, c := range []*child{a, b} {
		go func() {
			for i := range 10 {
				if _, err := c.client().Send(context.Background(), "s", strings.NewReader(numbered((2*i+node)*100, 100))); err != nil {
					done <- err
					return
				}
				if _, err := c.client().Flush(context.Background(), "s"); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 2 {
		if err := <-done; err != nil {
			t.Fatalf("%v\n%s\n%s", err, a.log, b.log)
		}
	}
	a.wantIDs(2000)
	b.wantIDs(2000)
}
