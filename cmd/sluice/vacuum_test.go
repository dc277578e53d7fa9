package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVacuumCommand(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir, `SLUICE_STREAMS={sales: {partition_by: ["k=k"]}}`)
	c.send("sales", `{"id":1,"k":"a"}`+"\n"+`{"id":2,"k":"b"}`)
	c.flush("sales")
	// A lost node's upload and staged file, and somebody drops a partition.
	c.glueCall("DeletePartition", `{"DatabaseName":"default","TableName":"sales","PartitionValues":["b"]}`)
	staged := filepath.Join(dir, "lake", ".sluice-tmp", "0123456789abcdef01234567")
	if err := os.WriteFile(staged, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	age(t, filepath.Join(dir, "lake"), 72*time.Hour)
	run := func(args ...string) (string, int) {
		t.Helper()
		out, stderr, code := command(t, "", append([]string{"vacuum", "--server", c.url}, args...)...)
		return out + stderr, code
	}
	out, code := run("--dry-run")
	for _, want := range []string{"unfinished upload of \"\" (0123456789abcdef01234567), begun ", ": due\n", `default.sales: partition ["b"] is not registered at file://`, "1 objects, ", ": within the grace period\n", "1 unfinished uploads, 0 removed; 1 unregistered folders with 1 objects"} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("dry run: %d, without %q:\n%s", code, want, out)
		}
	}
	var answer vacuumAnswer
	out, code = run("--output", "json", "--unregistered")
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 0 {
		t.Fatal(err, out)
	}
	if answer.UploadsRemoved != 1 || answer.ObjectsRemoved != 0 || answer.FolderCount != 1 {
		t.Errorf("answer: %s", out)
	}
	if _, err := os.Stat(staged); !os.IsNotExist(err) {
		t.Errorf("the staged file: %v", err)
	}
	if out, code := run("--grace", "1m"); code != exitFailed || !strings.Contains(out, "want at least 1h") {
		t.Errorf("a short grace period: %d %s", code, out)
	}
	// A later run, as the file that remembers has it.
	seen := filepath.Join(dir, "vacuum", "seen.json")
	text, err := os.ReadFile(seen)
	if err != nil {
		t.Fatal(err)
	}
	var s struct{ Folders map[string]time.Time }
	if err := json.Unmarshal(text, &s); err != nil || len(s.Folders) != 1 {
		t.Fatalf("remembered: %s, %v", text, err)
	}
	for key := range s.Folders {
		s.Folders[key] = time.Now().Add(-25 * time.Hour)
	}
	if text, err = json.Marshal(map[string]any{"folders": s.Folders}); err == nil {
		err = os.WriteFile(seen, text, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, code := run("default.sales", "--unregistered"); code != 0 || !strings.Contains(out, "1 objects (") || !strings.Contains(out, ": removed\n") {
		t.Errorf("later: %d %s", code, out)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "lake/default/sales/*/*.parquet")); len(files) != 1 {
		t.Errorf("files: %v", files)
	}
	if got := c.rows("select id from sales"); len(got) != 1 || got[0] != `{"id":1}` {
		t.Errorf("rows: %v", got)
	}
}
