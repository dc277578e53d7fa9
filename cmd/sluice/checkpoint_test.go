package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
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
