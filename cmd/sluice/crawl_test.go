package main

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// What the crawler makes of files is answered by the engine.
func TestCrawlCommand(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "lake", "ext")
	writeFile(t, filepath.Join(at, "events", "2026", "01", "31", "a.json"), `{"id":1,"user-id":"ann","Tags":["x"],"at":"2026-01-31T00:00:00Z","price":1}`+"\n"+`{"id":2,"price":2.5}`+"\n")
	writeFile(t, filepath.Join(at, "names", "country=DE", "a.csv"), "id,name,zip\n1,Ann,00501\n2,Bob,10001\n")
	writeFile(t, filepath.Join(at, "quoted", "a.tsv"), "id\tname\n1\t\"a\tb\"\n")
	t.Setenv("SLUICE_DATA_DIR", dir)
	// The service runs: the crawl needs nothing of it.
	service := startServe(t, dir)
	out, stderr, code := command(t, "", "crawl", "--database", "ext", "--output", "json", at)
	var found crawled
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != exitOK || len(found.Tables) != 3 || !found.Tables[0].New || found.Tables[0].Added != 1 {
		t.Fatalf("%d %s%s %v", code, out, stderr, err)
	}
	for sql, want := range map[string]string{
		"select count(*) as n, sum(price) as p, max(user_id) as u, max(cardinality(tags)) as t, max(at) as at, max(year || month || day) as d from ext.events": `{"n":2,"p":3.5,"u":"ann","t":1,"at":"2026-01-31T00:00:00Z","d":"20260131"}`,
		"select sum(id) as n, min(zip) as z, max(name) as m, min(country) as c from ext.names":                                                                 `{"n":3,"z":"00501","m":"Bob","c":"DE"}`,
		"select id, name from ext.quoted": `{"id":"1","name":"a\tb"}`,
	} {
		if got := service.row(sql); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	out, stderr, code = command(t, "", "crawl", "--database", "ext", at)
	if code != exitOK || out != "3 files, 3 of them read; 3 of 3 tables are as the files are\n" {
		t.Errorf("again: %d %q %s", code, out, stderr)
	}

	// By the service: only below its lake, and, without keys, dry runs only.
	if out, stderr, code = command(t, "", "crawl", "--server", service.url, "--dry-run", "--database", "ext", "file://"+at); code != exitOK || !strings.Contains(out, "3 of 3 tables are as the files are") {
		t.Errorf("by the service: %d %s%s", code, out, stderr)
	}
	if out, stderr, code = command(t, "", "crawl", "--server", service.url, "--database", "ext", "file://"+at); code != exitFailed || !strings.Contains(stderr, "query.write.who") {
		t.Errorf("without keys: %d %s%s", code, out, stderr)
	}
	if out, stderr, code = command(t, "", "crawl", "--server", service.url, "--dry-run", "file:///"); code != exitFailed || !strings.Contains(stderr, "is not below the lake") {
		t.Errorf("outside the lake: %d %s%s", code, out, stderr)
	}
	for _, args := range [][]string{{filepath.Join(dir, "nowhere")}, {"--database", "A B", at}, {"--watch", "1ms", at}, {"--output", "xml", at}, {filepath.Join(at, "quoted", "a.tsv")}} {
		if out, stderr, code := command(t, "", append([]string{"crawl"}, args...)...); code != exitUsage {
			t.Errorf("%v: %d %s%s", args, code, out, stderr)
		}
	}
}

// crawl --watch finds a new partition, and ends by a signal, with success.
func TestCrawlWatch(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "lake", "ext")
	writeFile(t, filepath.Join(at, "t", "dt=1", "a.json"), `{"id":1}`)
	cmd := exec.Command(os.Args[0], "crawl", "--watch", "1s", "--data-dir", dir, at)
	cmd.Env = append(os.Environ(), asSluice+"=1")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(stdout)
	wait := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("no %q", want)
	}
	wait(`+ partition ["1"]`)
	writeFile(t, filepath.Join(at, "t", "dt=2", "a.json"), `{"id":2}`)
	wait(`+ partition ["2"]`)
	cmd.Process.Signal(syscall.SIGINT)
	for lines.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
