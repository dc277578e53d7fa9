package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Checkpoints over the command line, over plain HTTP and over a kill: each run
// reads what came since the one before it, delivered or not.
func TestCheckpoints(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir)
	ids := func(args ...string) string {
		t.Helper()
		args = append([]string{"query", "--checkpoint", "hourly", "--output", "csv"}, args...)
		out, stderr, code := command(t, "", append(args, "select count(*) as n, min(id) as least from s")...)
		if code != 0 {
			t.Fatalf("%v: %d %s", args, code, stderr)
		}
		return strings.TrimSpace(strings.TrimPrefix(out, "n,least\r\n"))
	}
	want := func(got, want string) {
		t.Helper()
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
	c.send("s", numbered(0, 10))
	c.flush("s")
	c.send("s", numbered(10, 10))
	want(ids("--server", c.url), "20,0")
	want(ids("--server", c.url), "0,")
	c.send("s", numbered(20, 5))
	if _, stderr, code := failing("query", "--server", c.url, "--checkpoint", "hourly", "select id from s"); code != 1 || !strings.Contains(stderr, "disk full") {
		t.Errorf("output that fails: %d %s", code, stderr)
	}
	c.flush("s")
	want(ids("--server", c.url), "5,20")
	want(ids("--server", c.url, "--replay"), "5,20")
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	c.cmd.Wait()
	// The data folder itself, without a service.
	want(ids("--data-dir", dir), "0,")
	want(ids("--data-dir", dir, "--replay"), "0,")

	c = startServe(t, dir)
	c.send("s", numbered(25, 3))
	answer, header := postQuery(t, c, `{"sql":"select count(*) as n from s","checkpoint":"hourly","format":"csv"}`)
	want(answer, "n\r\n3\r\n")
	want(header.Get("Sluice-Checkpoint-Run"), "5")
	// Not confirmed: the same again, and then it is.
	answer, _ = postQuery(t, c, `{"sql":"select count(*) as n from s","checkpoint":"other","confirm":true,"format":"csv"}`)
	want(answer, "n\r\n28\r\n")
	answer, header = postQuery(t, c, `{"sql":"select count(*) as n from s","checkpoint":"another","confirm":true,"format":"csv"}`)
	want(answer, "n\r\n28\r\n")
	postQuery(t, c, fmt.Sprintf(`{"sql":"commit checkpoint another %s"}`, header.Get("Sluice-Checkpoint-Token")))
	answer, _ = postQuery(t, c, `{"sql":"select count(*) as n from s","checkpoint":"another","format":"csv"}`)
	want(answer, "n\r\n0\r\n")
	out, _, _ := command(t, "", "query", "--server", c.url, "--output", "csv", "show checkpoints")
	if !strings.Contains(out, "hourly,5,") || !strings.Contains(out, "another,2,") || strings.Contains(out, "other,1") {
		t.Errorf("listed: %s", out)
	}
	if out, stderr, code := command(t, "", "query", "--server", c.url, "drop checkpoint hourly"); code != 0 {
		t.Errorf("drop: %s%s", out, stderr)
	}
	want(ids("--server", c.url), "28,0")
	if _, stderr, code := command(t, "", "query", "--server", c.url, "--replay", "select 1"); code != 1 || !strings.Contains(stderr, "none is named") {
		t.Errorf("replay of nothing: %d %s", code, stderr)
	}
}

// full is an output that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

// failing runs the command line with an output that fails.
func failing(args ...string) (stdout, stderr string, code int) {
	var errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(""), full{}, &errs)
	return "", errs.String(), code
}

func postQuery(t *testing.T, c *child, body string) (string, http.Header) {
	t.Helper()
	resp, err := http.Post(c.url+"/v1/query", "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", body, resp.Status, text, err)
	}
	return string(text), resp.Header
}

// While the service is killed again and again, a reader that asks as the doc of
// query/httpapi says gets every record that was acknowledged, and knows which of
// them it has had.
func TestCheckpointsOverKills(t *testing.T) {
	dir := t.TempDir()
	seen := map[string]int{}
	var runs, sent int
	take := func(out string) {
		for _, line := range strings.Fields(out)[1:] {
			seen[line]++
		}
		runs++
	}
	read := func(c *child, args ...string) (string, int) {
		out, _, code := command(t, "", append([]string{"query", "--server", c.url, "--output", "csv"}, args...)...)
		return out, code
	}
	failed := false // the latest run, and whether it was committed is not known
	settle := func(c *child) {
		t.Helper()
		if !failed {
			return
		}
		failed = false
		out, code := read(c, "show checkpoints")
		if code != 0 {
			t.Fatalf("show checkpoints: %s", c.log)
		}
		if strings.Contains(out, fmt.Sprintf("all,%d,", runs+1)) {
			if out, code = read(c, "--checkpoint", "all", "--replay", "select id from s"); code != 0 {
				t.Fatalf("replay: %s", c.log)
			}
			take(out)
		}
	}
	for round := range 4 {
		c := startServe(t, dir, "SLUICE_BUFFER_INTERVAL=1s")
		settle(c)
		// The kill comes in the middle of what the reader does, whatever that is.
		stop, killed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(killed)
			<-stop
			c.cmd.Process.Kill()
		}()
		kill := sync.OnceFunc(func() { close(stop) })
		for i := 0; ; i++ {
			if i < 3 || round == 3 && i < 6 {
				c.send("s", numbered(sent, 10))
				sent += 10
			}
			if i == 2 && round < 3 {
				kill()
			}
			out, code := read(c, "--checkpoint", "all", "select id from s")
			if code != 0 {
				failed = true
				break
			}
			take(out)
			if round == 3 && i == 6 {
				break
			}
		}
		kill()
		<-killed
		c.cmd.Wait()
	}
	for i := range sent {
		if n := seen[fmt.Sprint(i)]; n != 1 {
			t.Errorf("record %d was read %d times", i, n)
		}
	}
	if len(seen) != sent {
		t.Errorf("%d records were read, %d sent", len(seen), sent)
	}
}

// The service is killed again and again while it writes what is new into a table: each
// record is there once, although nobody ever asks what became of a statement.
func TestCheckpointedInsertsOverKills(t *testing.T) {
	dir := t.TempDir()
	start := func() *child {
		return startServe(t, dir, "SLUICE_BUFFER_INTERVAL=1s", "SLUICE_QUERY_WRITE_WHO=anyone")
	}
	c := start()
	sent := 0
	send := func() {
		c.send("s", numbered(sent, 10))
		sent += 10
	}
	ask := func(args ...string) (string, string, int) {
		return command(t, "", append([]string{"query", "--server", c.url, "--output", "csv"}, args...)...)
	}
	insert := func() (string, int) {
		_, stderr, code := ask("--checkpoint", "copy", "insert into copies select id from s")
		return stderr, code
	}
	send()
	if out, stderr, code := ask("create table copies as select id from s with no data"); code != 0 {
		t.Fatalf("%s%s", out, stderr)
	}
	journal := filepath.Join(dir, "writes", "*.json")
	moments := []func() bool{ // at which the kill comes
		func() bool { entries, _ := filepath.Glob(journal); return len(entries) > 0 },
		func() bool {
			entries, _ := filepath.Glob(journal)
			return slices.ContainsFunc(entries, func(e string) bool {
				text, _ := os.ReadFile(e)
				return bytes.Contains(text, []byte(`"register"`))
			})
		},
	}
	left := 0
	for round := range 6 {
		for hit := false; !hit; {
			send()
			stop, killed := make(chan struct{}), make(chan bool)
			go func() {
				for !moments[round%len(moments)]() {
					select {
					case <-stop:
						killed <- false
						return
					default:
						runtime.Gosched()
					}
				}
				c.cmd.Process.Kill()
				killed <- true
			}()
			insert()
			close(stop)
			hit = <-killed
		}
		c.cmd.Wait()
		entries, err := filepath.Glob(journal)
		if err != nil {
			t.Fatal(err)
		}
		left += len(entries)
		c = start()
	}
	if left == 0 {
		t.Error("no kill came while a statement wrote")
	}
	send()
	if stderr, code := insert(); code != 0 {
		t.Fatalf("insert: %s%s", stderr, c.log)
	}
	out, stderr, _ := ask("select count(*) as n, count(distinct id) as ids, min(id) as least, max(id) as most from copies")
	if want := fmt.Sprintf("%d,%d,0,%d", sent, sent, sent-1); strings.TrimSpace(strings.TrimPrefix(out, "n,ids,least,most\r\n")) != want {
		t.Errorf("there is %q, want %s: %s", out, want, stderr)
	}
	t.Logf("%d statements were interrupted", left)
}
