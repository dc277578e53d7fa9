package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/internal/s3test"
)

// A compactionWorld is two services over one lake and catalog: a readers' one, which has
// the catalog and stays, and another that is killed again and again.
type compactionWorld struct {
	t      *testing.T
	home   *child
	moved  atomic.Int64
	kills  atomic.Int64
	reads  atomic.Int64
	mu     sync.Mutex
	must   map[int]bool // ids of rows that every reader must see; guarded by mu
	may    map[int]bool // those that a reader may see; guarded by mu
	nextID atomic.Int64
	// late: the readers' service may see later what the other one delivered.
	late bool
}

// TestCompactionTorment has Sluice's own engine read a table in a loop, while two services
// deliver to it and compact it TEST_COMPACTIONS times (8; 500 for a claim), one of which
// is killed at random: not one row is missed or seen twice.
func TestCompactionTorment(t *testing.T) {
	torment(t, false, "SLUICE_LAKE=file://"+t.TempDir(), "AWS_ACCESS_KEY_ID=k", "AWS_SECRET_ACCESS_KEY=s", "AWS_REGION=us-east-1")
}

// TestCompactionTormentS3 is the same over S3: with listings that are remembered, when what
// the other service delivers is seen later, but never what this one did, and without.
func TestCompactionTormentS3(t *testing.T) {
	for _, listings := range []string{"1m", "0s"} {
		t.Run("listings="+listings, func(t *testing.T) {
			endpoint, bucket := s3test.Start(t)
			torment(t, listings != "0s", "SLUICE_LAKE=s3://"+bucket+"/lake", "SLUICE_S3_ENDPOINT="+endpoint, "SLUICE_S3_PATH_STYLE=true",
				"SLUICE_QUERY_LISTINGS="+listings)
		})
	}
}

func torment(t *testing.T, late bool, lake ...string) {
	want := int64(8)
	if s := os.Getenv("TEST_COMPACTIONS"); s != "" {
		want, _ = strconv.ParseInt(s, 10, 64)
	}
	const stream = `SLUICE_STREAMS={events: {partition_by: ["p=p"]}}`
	common := append(lake, stream, "SLUICE_COMPACTION_GRACE=1m", "SLUICE_QUERY_TIMEOUT=30s", "SLUICE_COMPACTION_RATE=0")
	w := &compactionWorld{t: t, must: map[int]bool{}, may: map[int]bool{}, late: late}
	w.home = startServe(t, t.TempDir(), common...)
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(want+10)*10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	away := append(slices.Clone(common), "SLUICE_CATALOG=glue", "SLUICE_GLUE_ENDPOINT="+w.home.url)
	wg.Go(func() { w.work(ctx, w.home) })
	wg.Go(func() { w.killed(ctx, t.TempDir(), away) })
	for range 2 {
		wg.Go(func() {
			for ctx.Err() == nil && !t.Failed() {
				w.read(ctx)
			}
		})
	}
	for w.moved.Load() < want && ctx.Err() == nil && !t.Failed() {
		time.Sleep(20 * time.Millisecond) // of no meaning: it only looks
	}
	reached := w.moved.Load() >= want
	cancel()
	wg.Wait()
	if !reached && !t.Failed() {
		t.Errorf("only %d compactions of %d", w.moved.Load(), want)
	}
	w.read(t.Context())
	t.Logf("%d compactions, %d kills, %d reads, %d rows", w.moved.Load(), w.kills.Load(), w.reads.Load(), len(w.may))
}

// killed runs a service that delivers and compacts, and kills it.
func (w *compactionWorld) killed(ctx context.Context, dir string, env []string) {
	for ctx.Err() == nil && !w.t.Failed() {
		c := startServe(w.t, dir, env...)
		life, end := context.WithTimeout(ctx, time.Duration(500+rand.IntN(4000))*time.Millisecond)
		stop := context.AfterFunc(life, func() { c.cmd.Process.Kill() })
		w.work(life, c)
		<-life.Done()
		stop()
		end()
		c.cmd.Process.Kill()
		c.cmd.Wait()
		w.kills.Add(1)
	}
}

// work delivers rows and compacts, again and again.
func (w *compactionWorld) work(ctx context.Context, c *child) {
	for ctx.Err() == nil && !w.t.Failed() {
		for range 3 {
			from := int(w.nextID.Add(10)) - 10
			p := rand.IntN(4)
			var body strings.Builder
			for i := range 10 {
				fmt.Fprintf(&body, `{"id":%d,"p":"%d"}`+"\n", from+i, p)
			}
			w.mark(w.may, from)
			if _, err := c.client().Send(ctx, "events", strings.NewReader(body.String())); err != nil {
				return
			}
			if _, err := c.client().Flush(ctx, "events"); err != nil {
				return
			}
			if c == w.home || !w.late {
				w.mark(w.must, from)
			}
		}
		if err := w.compact(ctx, c); err != nil {
			return
		}
	}
}

func (w *compactionWorld) compact(ctx context.Context, c *child) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+compactTable.path, strings.NewReader(`{"table":"events"}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer compactAnswer
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	for _, p := range answer.Partitions {
		if p.Compacted {
			w.moved.Add(1)
		}
	}
	return answer.failure()
}

func (w *compactionWorld) mark(set map[int]bool, from int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range 10 {
		set[from+i] = true
	}
}

// read asks the engine for all rows.
func (w *compactionWorld) read(ctx context.Context) {
	w.mu.Lock()
	var must []int
	for id := range w.must {
		must = append(must, id)
	}
	w.mu.Unlock()
	if len(must) == 0 {
		return
	}
	seen, err := w.ids(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.t.Errorf("read: %v", err)
		}
		return
	}
	for _, id := range must {
		if !seen[id] {
			w.t.Errorf("row %d is not seen", id)
			return
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for id := range seen {
		if !w.may[id] {
			w.t.Errorf("row %d was never sent", id)
			return
		}
	}
	w.reads.Add(1)
}

func (w *compactionWorld) ids(ctx context.Context) (map[int]bool, error) {
	body, err := w.home.client().Query(ctx, "select id from events", "ndjson")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	seen := map[int]bool{}
	for dec := json.NewDecoder(body); ; {
		var row struct{ ID int }
		if err := dec.Decode(&row); errors.Is(err, io.EOF) {
			return seen, nil
		} else if err != nil {
			return nil, err
		}
		if seen[row.ID] {
			return nil, fmt.Errorf("row %d is seen twice", row.ID)
		}
		seen[row.ID] = true
	}
}
