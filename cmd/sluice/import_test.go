package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// writeRecords writes n records with ids from from on, as Segment's S3 destination does.
func writeRecords(t *testing.T, dir string, day int64, name string, from, n int) {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for i := range n {
		fmt.Fprintf(w, "{\"id\":%d,\"type\":\"track\",\"k\":%d,\"text\":%q}\n", from+i, (from+i)%5, strings.Repeat("x", 150))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "segment-logs", "web", fmt.Sprint(day), name+".gz")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

const firstDay = 1769817600000 // 2026-01-31

// The import is killed at random moments, beside a service that takes records for the same
// table all the while. At the end every record is there once.
func TestImportKill(t *testing.T) {
	from, dir := t.TempDir(), t.TempDir()
	n := 0
	for i := range 24 {
		writeRecords(t, from, firstDay+int64(i%3)*86400000, fmt.Sprint(i), n, 8000)
		n += 8000
	}
	env := []string{`SLUICE_STREAMS={events: {partition_by: ["dt=day(ingest)"]}}`}
	service := startServe(t, dir, env...)
	service.send("events", `{"id":-1,"type":"track","k":0,"text":"live"}`)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "import", "--quiet", "--data-dir", dir, "--batch-size", "1MiB", "--output", "json", "--stream", "events", filepath.Join(from, "segment-logs"))
		cmd.Env = append(os.Environ(), append(env, asSluice+"=1")...)
		return cmd
	}
	kills := 0
	for range 20 {
		cmd := start()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(30+rng.IntN(150))*time.Millisecond, func() { cmd.Process.Kill() })
		err := cmd.Wait()
		timer.Stop()
		if err == nil {
			break // it was faster
		}
		kills++
	}
	out, err := start().Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var report struct{ Delivered, Unread int64 }
	if err := json.Unmarshal(out, &report); err != nil || report.Delivered != int64(n) || report.Unread != 0 {
		t.Errorf("report %s, %v", out, err)
	}
	for _, sql := range []string{"select count(*) as n, count(distinct id) as d, min(id) as lo, max(id) as hi from events"} {
		if got, want := service.row(sql), fmt.Sprintf(`{"n":%d,"d":%d,"lo":-1,"hi":%d}`, n+1, n+1, n-1); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	if got, want := service.row("select count(distinct dt) as n from lake.default.events"), `{"n":3}`; got != want {
		t.Errorf("days: %s, want %s", got, want)
	}
	t.Logf("%d kills", kills)
}

func TestImportCommand(t *testing.T) {
	from, dir := t.TempDir(), t.TempDir()
	writeRecords(t, from, firstDay, "a", 0, 100)
	writeRecords(t, from, firstDay+86400000, "b", 100, 50)
	t.Setenv("SLUICE_DATA_DIR", dir)
	t.Setenv("SLUICE_STREAMS", `{track: {table: shop.events, partition_by: ["k=k"], transform: "select(.id != 7)", dedupe: {key: nonce}}}`)

	out, stderr, code := command(t, "", "import", "--dry-run", "--table", "shop.events", from)
	for _, want := range []string{"2 objects", "2026-01-31 to 2026-02-01", "source web: 2 objects", "nothing was changed"} {
		if code != exitOK || !strings.Contains(out, want) {
			t.Fatalf("dry run without %q: %d %s%s", want, code, out, stderr)
		}
	}
	if want := "the stream track knows repeated records by nonce; an import does not"; !strings.Contains(stderr, want) {
		t.Errorf("without %q: %s", want, stderr)
	}
	out, stderr, code = command(t, "", "import", "--quiet", "--table", "shop.events", "--since", "2026-02-01", from)
	if code != exitOK || !strings.Contains(out, "1 objects") {
		t.Fatalf("%d %s%s", code, out, stderr)
	}
	// By the rules of the stream that fills the table; one file by itself; again.
	out, stderr, code = command(t, "", "import", "--quiet", "--stream", "track", filepath.Join(from, "segment-logs", "web", fmt.Sprint(firstDay), "a.gz"))
	if code != exitOK || !strings.Contains(out, "149 rows in shop.events") || !strings.Contains(out, "1 left out by the transform") {
		t.Fatalf("%d %s%s", code, out, stderr)
	}
	out, stderr, code = command(t, "", "import", "--quiet", "--stream", "track", from)
	if code != exitOK || !strings.Contains(out, "2 objects were in shop.events already") {
		t.Fatalf("%d %s%s", code, out, stderr)
	}
	out, stderr, code = command(t, "", "query", "--output", "csv", "select k, count(*) from shop.events group by k order by k")
	if want := "k,_col1\r\n0,30\r\n1,30\r\n2,29\r\n3,30\r\n4,30\r\n"; code != exitOK || out != want {
		t.Errorf("%d %q %s", code, out, stderr)
	}
	for _, args := range [][]string{{from}, {"--table", "t", filepath.Join(from, "nowhere")}, {"--table", "t", "--since", "yesterday", from}, {"--stream", "track", "--partition-by", "x=x", from}, {"--table", "t", "--batch-size", "1kB", from}} {
		if out, stderr, code := command(t, "", append([]string{"import"}, args...)...); code != exitUsage {
			t.Errorf("%v: %d %s%s", args, code, out, stderr)
		}
	}
}
