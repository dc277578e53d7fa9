package compact_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/rowcheck"
	"sluice/internal/upkeep/compact"
)

// TestMain is the compactor that TestTorment runs as a process of its own and kills.
func TestMain(m *testing.M) {
	if dir := os.Getenv("TEST_COMPACTOR_DIR"); dir != "" {
		if err := compactForEver(dir, os.Getenv("TEST_COMPACTOR_CATALOG"), os.Getenv("TEST_COMPACTOR_NAME")); err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// fence stands for the time after which no request of a killed compactor can arrive any
// more; here it is on the same machine.
const fence = 2 * time.Second

func compactForEver(dir, endpoint, name string) error {
	s, c := openLake(&testing.T{}, dir, endpoint)
	converter, err := convert.New(convert.Config{Threads: 1})
	if err != nil {
		return err
	}
	compactor, err := compact.Open(compact.Config{
		Catalog: c, Store: s, Converter: converter, Dir: filepath.Join(dir, name), Grace: 10 * time.Second, Fence: fence,
		InLog: func(id lake.BatchID) bool {
			_, err := os.Stat(filepath.Join(dir, "released", string(id)))
			return err != nil
		},
	})
	if err != nil {
		return err
	}
	for {
		r, err := compactor.Compact(context.Background(), events, compact.Options{})
		if err != nil {
			return err
		}
		for _, p := range r.Partitions {
			if p.Err != nil {
				return p.Err
			}
			if p.Moved {
				fmt.Println("moved", p.Values)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A torment is deliveries, readers and compactors over one table at once.
type torment struct {
	*house
	rows  rowcheck.Rows
	moved atomic.Int64
	kills atomic.Int64
	reads atomic.Int64
}

// TestTorment has readers loop over a table while two compactors in processes of their
// own, killed at random, compact it TEST_COMPACTIONS times (12; 500 for a claim) and
// deliveries go on: not one row is missed or seen twice.
func TestTorment(t *testing.T) {
	want := int64(12)
	if s := os.Getenv("TEST_COMPACTIONS"); s != "" {
		want, _ = strconv.ParseInt(s, 10, 64)
	}
	h := &torment{house: openHouse(t, dt)}
	check(t, os.Mkdir(filepath.Join(h.dir, "released"), 0o755))
	ctx, cancel := context.WithTimeout(t.Context(), time.Duration(want)*10*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for n := range 2 {
		wg.Go(func() { h.deliverer(ctx, n) })
		wg.Go(func() { h.compactors(ctx, fmt.Sprintf("node%d", n)) })
		wg.Go(func() { h.reader(ctx) })
	}
	for h.moved.Load() < want && ctx.Err() == nil && !t.Failed() {
		time.Sleep(20 * time.Millisecond) // of no meaning: it only looks
	}
	reached := h.moved.Load() >= want
	cancel()
	wg.Wait()
	if !reached && !t.Failed() {
		t.Errorf("only %d compactions of %d", h.moved.Load(), want)
	}
	h.read(t.Context())
	_, landed := h.rows.Count()
	t.Logf("%d compactions, %d kills, %d reads, %d rows", h.moved.Load(), h.kills.Load(), h.reads.Load(), landed)
}

func (h *torment) deliverer(ctx context.Context, n int) {
	for i := 0; ctx.Err() == nil; i++ {
		from := (2*i + n) * 10
		h.rows.Sent(from, 10)
		id, err := h.deliver(ctx, fmt.Sprint(i%3), from, 10)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			h.t.Errorf("deliver: %v", err)
			return
		}
		h.rows.Landed(from, 10)
		if err := os.WriteFile(filepath.Join(h.dir, "released", string(id)), nil, 0o644); err != nil {
			h.t.Error(err)
			return
		}
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond) // so that there is something else to do
	}
}

// compactors runs a compactor again and again, and kills it.
func (h *torment) compactors(ctx context.Context, name string) {
	for ctx.Err() == nil {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "TEST_COMPACTOR_DIR="+h.dir, "TEST_COMPACTOR_CATALOG="+h.endpoint, "TEST_COMPACTOR_NAME="+name)
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			h.t.Error(err)
			return
		}
		life, end := context.WithTimeout(ctx, 300*time.Millisecond+time.Duration(rand.IntN(1500))*time.Millisecond)
		stop := context.AfterFunc(life, func() { cmd.Process.Kill() })
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if strings.HasPrefix(lines.Text(), "moved") {
				h.moved.Add(1)
			} else if strings.HasPrefix(lines.Text(), "error") {
				h.t.Errorf("compactor: %s", lines.Text())
			}
		}
		cmd.Wait()
		stop()
		end()
		h.kills.Add(1)
	}
}

func (h *torment) reader(ctx context.Context) {
	for ctx.Err() == nil && !h.t.Failed() {
		h.read(ctx)
	}
}

// read is one query by somebody who asks the catalog.
func (h *torment) read(ctx context.Context) {
	if _, landed := h.rows.Count(); landed == 0 {
		return
	}
	err := h.rows.Check(func() (seen []int, err error) {
		files, err := h.files(ctx)
		if err != nil {
			return nil, err
		}
		text, err := h.query(ctx, "string_agg(id, ' ')", slices.Concat(mapValues(files)...))
		if err != nil {
			return nil, err
		}
		for _, field := range strings.Fields(text) {
			id, err := strconv.Atoi(field)
			if err != nil {
				return nil, err
			}
			seen = append(seen, id)
		}
		return seen, nil
	})
	if err == nil {
		h.reads.Add(1)
	} else if ctx.Err() == nil {
		h.t.Errorf("read: %v", err)
	}
}

func mapValues(m map[string][]string) (out [][]string) {
	for _, k := range sorted(m) {
		out = append(out, m[k])
	}
	return out
}
