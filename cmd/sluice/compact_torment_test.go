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

	"sluice/internal/rowcheck"
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
	rows   rowcheck.Rows
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
	w := &compactionWorld{t: t, late: late}
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
	sent, _ := w.rows.Count()
	t.Logf("%d compactions, %d kills, %d reads, %d rows", w.moved.Load(), w.kills.Load(), w.reads.Load(), sent)
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
			// Other partitions from time to time: one whose mover is killed between commit and
			// close is not moved for as long as his request may be under way (moves.Config.Fence).
			p := int(w.moved.Load()/40) + rand.IntN(4)
			var body strings.Builder
			for i := range 10 {
				fmt.Fprintf(&body, `{"id":%d,"p":"%d"}`+"\n", from+i, p)
			}
			w.rows.Sent(from, 10)
			if _, err := c.client().Send(ctx, "events", strings.NewReader(body.String())); err != nil {
				return
			}
			if _, err := c.client().Flush(ctx, "events"); err != nil {
				return
			}
			if c == w.home || !w.late {
				w.rows.Landed(from, 10)
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

// read asks the engine for all rows.
func (w *compactionWorld) read(ctx context.Context) {
	if _, landed := w.rows.Count(); landed == 0 {
		return
	}
	if err := w.rows.Check(func() ([]int, error) { return w.ids(ctx) }); err == nil {
		w.reads.Add(1)
	} else if ctx.Err() == nil {
		w.t.Errorf("read: %v", err)
	}
}

func (w *compactionWorld) ids(ctx context.Context) (seen []int, err error) {
	body, err := w.home.client().Query(ctx, "select id from events", "ndjson")
	if err != nil {
		return nil, err
	}
	defer body.Close()
	for dec := json.NewDecoder(body); ; {
		var row struct{ ID int }
		if err := dec.Decode(&row); errors.Is(err, io.EOF) {
			return seen, nil
		} else if err != nil {
			return nil, err
		}
		seen = append(seen, row.ID)
	}
}
