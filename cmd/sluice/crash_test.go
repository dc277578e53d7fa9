package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"sluice/internal/client"
	"strings"
)

// The server is killed ten times in the middle of a stream of posts, while
// batches are sealed and delivered and queries run. Every record that was
// acknowledged is found by SQL exactly once; one that was not, at most once.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	env := []string{"SLUICE_BUFFER_SIZE=1MiB", "SLUICE_BUFFER_INTERVAL=1s", `SLUICE_STREAMS={s: {partition_by: ["k=k"]}}`}
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	w := &writers{acked: map[int]bool{}}
	for range 10 {
		c := startServe(t, dir, env...)
		w.postUntilKilled(c, 100+rng.IntN(1500))
	}
	c := startServe(t, dir, env...)
	w.check(t, c, "before the last delivery")
	c.flush("s")
	w.check(t, c, "after it")
	state, err := c.client().Stream(context.Background(), "s")
	if err != nil {
		t.Fatal(err)
	}
	if state.Accepted != state.Delivered+state.Failed+state.Deduplicated+state.BufferedRecords || state.BufferedRecords != 0 || state.Delivered < int64(len(w.acked)) {
		t.Errorf("counters do not add up: %+v, %d acknowledged", state, len(w.acked))
	}
	if err := c.stop(); err != nil {
		t.Errorf("sluice serve ended with %v\n%s", err, c.log)
	}
	t.Logf("%d records acknowledged of %d sent", len(w.acked), w.next.Load())
}

// writers post records with ids that are used once.
type writers struct {
	next  atomic.Int64
	mu    sync.Mutex
	acked map[int]bool // guarded by mu
}

// postUntilKilled posts from several clients and kills the server after so many
// more requests have been acknowledged, with others under way.
func (w *writers) postUntilKilled(c *child, acks int) {
	var left atomic.Int64
	left.Store(int64(acks))
	var wg sync.WaitGroup
	var once sync.Once
	for k := range 6 {
		wg.Go(func() {
			for w.post(c.client(), 1+k*20) {
				if left.Add(-1) == 0 {
					once.Do(c.kill)
				}
			}
		})
	}
	wg.Go(func() { // deliveries are under way too
		for {
			if _, err := c.client().Flush(context.Background(), "s"); err != nil {
				return
			}
		}
	})
	wg.Wait()
}

// post sends n records in one request; false when the server is gone.
func (w *writers) post(cl *client.Client, n int) bool {
	from := int(w.next.Add(int64(n))) - n
	res, err := cl.Send(context.Background(), "s", strings.NewReader(numbered(from, n)))
	if err != nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range int(res.Accepted) {
		w.acked[from+i] = true
	}
	return true
}

func (w *writers) check(t *testing.T, c *child, when string) {
	t.Helper()
	found := map[int]int{}
	for _, row := range c.rows("select id, count(*) as n from s group by id") {
		var r struct{ ID, N int }
		if err := json.Unmarshal([]byte(row), &r); err != nil {
			t.Fatal(err)
		}
		found[r.ID] = r.N
	}
	var lost, doubled []string
	for id := range w.acked {
		if found[id] == 0 {
			lost = append(lost, fmt.Sprint(id))
		}
	}
	for id, n := range found {
		if n > 1 {
			doubled = append(doubled, fmt.Sprintf("%d (%d times)", id, n))
		}
	}
	if len(lost)+len(doubled) > 0 {
		t.Errorf("%s: of %d acknowledged records, %d are lost: %.200s; %d are doubled: %.200s",
			when, len(w.acked), len(lost), strings.Join(lost, " "), len(doubled), strings.Join(doubled, " "))
	}
}
