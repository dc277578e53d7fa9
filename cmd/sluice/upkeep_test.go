package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A partition that retention dropped and a late row made anew is not compacted as long as
// its old files lie there: they would come back.
func TestCompactAfterRetention(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir, `SLUICE_STREAMS={sales: {partition_by: ["dt=day(at)"]}}`, `SLUICE_TABLES={sales: {retention: {after: 400d}}}`, "SLUICE_RETENTION_INTERVAL=0")
	for range 2 {
		c.send("sales", `{"id":1,"at":"2020-01-01T10:00:00Z"}`)
		c.flush("sales")
	}
	age(t, filepath.Join(dir, "lake"), 2*time.Hour)
	run := func(args ...string) string {
		t.Helper()
		out, stderr, code := command(t, "", append(args, "--server", c.url)...)
		if code != 0 {
			t.Fatalf("%v: %d\n%s%s", args, code, out, stderr)
		}
		return out
	}
	if out := run("retention"); !strings.Contains(out, "1 partitions dropped") {
		t.Fatalf("retention: %s", out)
	}
	for range 2 {
		c.send("sales", `{"id":2,"at":"2020-01-01T11:00:00Z"}`)
		c.flush("sales")
	}
	is := func(want int) {
		t.Helper()
		if got := c.rows("select id from sales"); len(got) != want {
			t.Errorf("rows: %v, want %d", got, want)
		}
	}
	is(2)
	if out := run("compact", "sales"); !strings.Contains(out, "retention dropped it") {
		t.Errorf("compact: %s", out)
	}
	is(2)
}
