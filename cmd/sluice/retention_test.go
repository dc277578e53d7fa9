package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// age turns back the time of every file below a folder.
func age(t *testing.T, dir string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return os.Chtimes(path, then, then)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRetentionCommand(t *testing.T) {
	dir := t.TempDir()
	env := []string{
		`SLUICE_STREAMS={sales: {partition_by: ["dt=day(at)"]}}`,
		`SLUICE_TABLES={sales: {retention: {after: 400d}}}`, "SLUICE_RETENTION_INTERVAL=0",
	}
	c := startServe(t, dir, env...)
	c.send("sales", `{"id":1,"at":"2020-01-01T10:00:00Z"}`+"\n"+`{"id":2,"at":"2999-01-01T10:00:00Z"}`+"\n"+`{"id":3}`)
	c.flush("sales")
	run := func(args ...string) string {
		t.Helper()
		out, stderr, code := command(t, "", append([]string{"retention", "--server", c.url}, args...)...)
		if code != 0 {
			t.Fatalf("%v: %d\n%s%s", args, code, out, stderr)
		}
		return out
	}
	if out := run("--dry-run"); !strings.Contains(out, "it goes when it has been quiet for 1h0m0s") || !strings.Contains(out, "0 partitions would be dropped") {
		t.Errorf("right after a delivery:\n%s", out)
	}
	age(t, filepath.Join(dir, "lake"), 2*time.Hour)
	out := run("--dry-run")
	for _, want := range []string{"default.sales\n", `  - partition ["2020-01-01"], ended 2020-01-02T00:00:00Z: 1 objects, `, `? partition ["__HIVE_DEFAULT_PARTITION__"] at `, "1 partitions would be dropped, 1 are not past their time\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("dry run without %q:\n%s", want, out)
		}
	}
	if n := len(c.rows("select id from sales")); n != 3 {
		t.Errorf("after the dry run there are %d rows", n)
	}
	var answer retentionAnswer
	if err := json.Unmarshal([]byte(run("--output", "json")), &answer); err != nil {
		t.Fatal(err)
	}
	if len(answer.Tables) != 1 || answer.Tables[0].Dropped != 1 || answer.WaitingPartitions != 1 || answer.Tables[0].PassedCount != 1 {
		t.Errorf("answer: %+v", answer)
	}
	if n := len(c.rows("select id from sales")); n != 2 {
		t.Errorf("after the drop there are %d rows, want 2", n)
	}
	// A late row makes the partition anew, and does not bring the old one back.
	c.send("sales", `{"id":4,"at":"2020-01-01T11:00:00Z"}`)
	if got := c.rows("select id from sales where dt = '2020-01-01'"); len(got) != 1 {
		t.Errorf("a late row in the buffer: %v", got)
	}
	c.flush("sales")
	if got := c.rows("select id from sales where dt = '2020-01-01'"); len(got) != 1 || got[0] != `{"id":4}` {
		t.Errorf("a late row delivered: %v", got)
	}
	if out, _, code := command(t, "", "retention", "--server", c.url, "--dry-run", "nowhere"); code != exitFailed || !strings.Contains(out, "there is no rule for it") {
		t.Errorf("a table without a rule: %d %s", code, out)
	}
	if err := c.stop(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SLUICE_TABLES", "{sales: {retention: {after: 400d, by: [day]}}}")
	if out, _, code := command(t, "", "retention", "--data-dir", dir); code != exitFailed || !strings.Contains(out, "it has no partition key day") {
		t.Errorf("a rule by another key: %d %s", code, out)
	}
}
