package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// The server is killed again and again while clients send everything they are
// not sure of once more, some of it twice at the same time. By SQL, each id is
// there exactly once.
func TestKillWithDeduplication(t *testing.T) {
	dir := t.TempDir()
	env := []string{"SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_INTERVAL=1s", `SLUICE_STREAMS={s: {dedupe: {key: id}}}`}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	var left []string // bodies without an answer
	sent := 0
	for range 8 {
		c := startServe(t, dir, env...)
		bodies := left
		for len(bodies) < 300+rng.IntN(500) {
			n := 1 + rng.IntN(60)
			bodies = append(bodies, numbered(sent, n))
			sent += n
		}
		left = resendAll(c, bodies, len(bodies)-20-rng.IntN(100))
	}
	c := startServe(t, dir, env...)
	if rest := resendAll(c, left, -1); len(rest) > 0 {
		t.Fatalf("%d requests were not answered\n%s", len(rest), c.log)
	}
	once := func(when string) {
		t.Helper()
		var r struct{ N, D, Least, Most int }
		row := c.row("select count(*) as n, count(distinct id) as d, min(id) as least, max(id) as most from s")
		if err := json.Unmarshal([]byte(row), &r); err != nil {
			t.Fatal(err)
		}
		if r.N != sent || r.D != sent || r.Least != 0 || r.Most != sent-1 {
			t.Errorf("%s: %d records of %d ids from %d to %d, want %d once each", when, r.N, r.D, r.Least, r.Most, sent)
		}
	}
	once("before the last delivery")
	c.flush("s")
	once("after it")
	if res := c.send("s", numbered(0, 1000)); res.Accepted != 1000 {
		t.Errorf("%d of 1000 duplicates were accepted", res.Accepted)
	}
	once("after more duplicates")
	st, err := c.client().Stream(context.Background(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if st.Deduplicated < 1000 || st.Delivered != int64(sent) || st.Accepted != st.Delivered+st.Deduplicated {
		t.Errorf("counters do not add up: %+v", st)
	}
	if err := c.stop(); err != nil {
		t.Errorf("sluice serve ended with %v\n%s", err, c.log)
	}
	t.Logf("%d records, %d duplicates", sent, st.Deduplicated)
}

// resendAll sends bodies from several clients, every third twice at once, with
// flushes in between; after so many answers the server is killed, unless the
// number is negative. It returns the bodies that were not acknowledged.
func resendAll(c *child, bodies []string, answers int) (left []string) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	next, answered := 0, 0
	for range 6 {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				mu.Unlock()
				if i >= len(bodies) {
					return
				}
				ok := make(chan bool, 2)
				copies := 1 + (i%3)/2
				for range copies {
					go func() {
						_, err := c.client().Send(context.Background(), "s", strings.NewReader(bodies[i]))
						ok <- err == nil
					}()
				}
				all := true
				for range copies {
					all = <-ok && all
				}
				mu.Lock()
				if !all {
					left = append(left, bodies[i])
				}
				answered++
				if answered == answers {
					c.kill()
				}
				if answered%50 == 0 {
					go c.client().Flush(context.Background(), "s")
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return left
}

func TestDedupeSettings(t *testing.T) {
	for _, bad := range []string{"day(ingest)", "a..b", `"open`, "hour(x)"} {
		if _, err := dedupePath(bad); err == nil {
			t.Errorf("%s was taken for the path of a field", bad)
		}
	}
	if path, err := dedupePath(`context."a.b"`); err != nil || fmt.Sprint(path) != "[context a.b]" {
		t.Errorf("path %q, %v", path, err)
	}
}

// A client that gives its requests keys, and sends each until it is answered, has
// every record stored once, whatever is killed in between: in a stream that has no
// key of its own.
func TestKillWithIdempotencyKeys(t *testing.T) {
	dir := t.TempDir()
	env := []string{"SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_INTERVAL=1s"}
	const bodies, size, clients = 120, 400, 4
	var next, answered atomic.Int64
	var current atomic.Pointer[child]
	current.Store(startServe(t, dir, env...))
	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= bodies {
					return
				}
				for !postKeyed(current.Load().url, fmt.Sprintf("request-%d", i), numbered(i*size, size)) {
					runtime.Gosched() // until the next server is there
				}
				if n := answered.Add(1); n%10 == 0 {
					go current.Load().client().Flush(context.Background(), "s")
				}
			}
		})
	}
	for kills := range 6 {
		for answered.Load() < int64(kills*15+8) {
			runtime.Gosched()
		}
		current.Load().kill()
		current.Store(startServe(t, dir, env...))
	}
	wg.Wait()
	c := current.Load()
	if row := c.row("select count(*) as n, count(distinct id) as d from s"); row != fmt.Sprintf(`{"n":%d,"d":%d}`, bodies*size, bodies*size) {
		t.Errorf("%s, want %d records once each", row, bodies*size)
	}
	c.flush("s")
	for i := range bodies {
		if !postKeyed(c.url, fmt.Sprintf("request-%d", i), numbered(i*size, size)) {
			t.Fatalf("request %d is not answered with success\n%s", i, c.log)
		}
	}
	if row := c.row("select count(*) as n from s"); row != fmt.Sprintf(`{"n":%d}`, bodies*size) {
		t.Errorf("after everything was sent again: %s, want %d", row, bodies*size)
	}
	st, err := c.client().Stream(context.Background(), "s")
	if err != nil || st.Deduplicated < bodies*size || st.Accepted != st.Delivered+st.Deduplicated+st.BufferedRecords {
		t.Errorf("counters: %+v, %v", st, err)
	}
	if err := c.stop(); err != nil {
		t.Errorf("sluice serve ended with %v\n%s", err, c.log)
	}
}

// postKeyed sends one request; true when it was acknowledged.
func postKeyed(url, key, body string) bool {
	r, err := http.NewRequest("POST", url+"/v1/streams/s/records", strings.NewReader(body))
	if err != nil {
		return false
	}
	r.Header.Set("Idempotency-Key", key)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode == http.StatusOK
}
