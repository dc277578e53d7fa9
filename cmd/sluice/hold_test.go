package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/internal/client"
)

// Rows that are held back are seen once in every way to ask, whatever becomes of them,
// and checkpoints read each once.
func TestHeldRows(t *testing.T) {
	dir := t.TempDir()
	env := []string{`SLUICE_STREAMS={sales: {partition_by: ["dt=day(at)"], hold: {under: 16MiB}}}`, "SLUICE_BUFFER_INTERVAL=100ms"}
	c := startServe(t, dir, env...)
	state := func() client.StreamState {
		t.Helper()
		st, err := c.client().Stream(t.Context(), "sales")
		if err != nil {
			t.Fatal(err)
		}
		return st
	}
	sent := 0
	send := func(n int) {
		t.Helper()
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, `{"id":%d,"at":"2026-01-%02dT10:00:00Z"}`+"\n", sent, 1+sent%3)
			sent++
		}
		c.send("sales", b.String())
	}
	checkpoint := func() string {
		t.Helper()
		out, stderr, code := command(t, "", "query", "--server", c.url, "--checkpoint", "hourly", "--output", "csv", "select id from sales order by id")
		if code != 0 {
			t.Fatalf("checkpoint: %d %s", code, stderr)
		}
		return strings.Join(strings.Fields(out)[1:], " ")
	}
	send(3)
	// A run of a checkpoint seals, so what was sent is held soon.
	first := checkpoint()
	send(3)
	for st := state(); st.HeldRecords != 6; st = state() {
		if st.Accepted < 6 || st.Delivered != 0 {
			t.Fatalf("state: %+v", st)
		}
	}
	is := func(sql, want string) {
		t.Helper()
		if got := c.row(sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	is("select count(*) as n, count(distinct id) as d from sales", `{"n":6,"d":6}`)
	is("select count(*) as n from live.default.sales", `{"n":6}`)
	is("select count(*) as n from lake.default.sales", `{"n":0}`)
	is("select count(*) as n from sales where dt = '2026-01-02'", `{"n":2}`)
	is(`select count(*) as n from "sales$partitions"`, `{"n":3}`)
	is(`select count(distinct "$path") as n from sales`, `{"n":1}`)
	if st := state(); st.Accepted != 6 || st.BufferedRecords != 6 || st.HeldBytes == 0 {
		t.Errorf("state: %+v", st)
	}
	// They are on disk.
	c.kill()
	c = startServe(t, dir, env...)
	is("select count(*) as n, count(distinct id) as d from sales", `{"n":6,"d":6}`)
	second := checkpoint()

	// Whoever counts while they are delivered counts right.
	var wg sync.WaitGroup
	stop := make(chan struct{})
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			is("select count(*) = count(distinct id) as same, count(*) >= 6 as all_there from sales", `{"same":true,"all_there":true}`)
		}
	})
	send(3)
	c.flush("sales")
	close(stop)
	wg.Wait()
	is("select count(*) as n, count(distinct id) as d from lake.default.sales", `{"n":9,"d":9}`)
	if st := state(); st.Accepted != 9 || st.Delivered != 9 || st.BufferedRecords != 0 || st.HeldRecords != 0 {
		t.Errorf("state: %+v", st)
	}
	third := checkpoint()
	if got, want := strings.Join([]string{first, second, third}, "|"), "0 1 2|3 4 5|6 7 8"; got != want {
		t.Errorf("checkpoints read %s, want %s", got, want)
	}
	// Three partitions, and of each one object for each side of the checkpoints' ends.
	if files, _ := filepath.Glob(filepath.Join(dir, "lake/default/sales/*/*.parquet")); len(files) != 9 {
		t.Errorf("%d files: %v", len(files), files)
	}
}
