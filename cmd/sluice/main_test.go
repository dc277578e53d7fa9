package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"sluice/internal/client"
)

// asSluice, set in the environment, makes the test binary act as the command.
const asSluice = "TEST_RUN_AS_SLUICE"

func TestMain(m *testing.M) {
	if os.Getenv(asSluice) == "1" {
		os.Unsetenv(asSluice)
		main()
		return
	}
	os.Exit(m.Run())
}

// command runs the command line in this process.
func command(t *testing.T, stdin string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(context.Background(), args, strings.NewReader(stdin), &out, &errs)
	return out.String(), errs.String(), code
}

// A child is a real sluice process.
type child struct {
	t   testing.TB
	cmd *exec.Cmd
	url string
	log *tail
}

// startServe starts `sluice serve` on a free port and returns when it serves.
func startServe(t testing.TB, dir string, env ...string) *child {
	t.Helper()
	cmd := exec.Command(os.Args[0], "serve", "--data-dir", dir, "--listen", "127.0.0.1:0")
	cmd.Env = append(os.Environ(), append(env, asSluice+"=1", "SLUICE_LOG_FORMAT=json")...)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c := &child{t: t, cmd: cmd, log: &tail{}}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	lines := bufio.NewScanner(stderr)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		c.log.add(lines.Text())
		var line struct{ Msg, At string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			c.url = line.At
			go func() {
				for lines.Scan() {
					c.log.add(lines.Text())
				}
			}()
			return c
		}
	}
	t.Fatalf("sluice serve did not come up:\n%s", c.log)
	return nil
}

func (c *child) client() *client.Client { return client.New(c.url) }

// kill ends the process as a power cut would.
func (c *child) kill() {
	c.cmd.Process.Signal(syscall.SIGKILL)
	c.cmd.Wait()
}

// stop ends the process as an operator would.
func (c *child) stop() error {
	c.cmd.Process.Signal(syscall.SIGTERM)
	return c.cmd.Wait()
}

// rows asks and returns the rows as NDJSON lines.
func (c *child) rows(sql string) []string {
	c.t.Helper()
	body, err := c.client().Query(context.Background(), sql, "ndjson")
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", sql, err, c.log)
	}
	defer body.Close()
	all, err := io.ReadAll(body)
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", sql, err, c.log)
	}
	if len(all) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
}

func (c *child) row(sql string) string {
	c.t.Helper()
	rows := c.rows(sql)
	if len(rows) != 1 {
		c.t.Fatalf("%s: %d rows", sql, len(rows))
	}
	return rows[0]
}

func (c *child) send(stream, body string) client.Result {
	c.t.Helper()
	res, err := c.client().Send(context.Background(), stream, strings.NewReader(body))
	if err != nil {
		c.t.Fatalf("send: %v\n%s", err, c.log)
	}
	return res
}

func (c *child) flush(stream string) {
	c.t.Helper()
	if _, err := c.client().Flush(context.Background(), stream); err != nil {
		c.t.Fatalf("flush: %v\n%s", err, c.log)
	}
}

// A tail keeps the last lines of a log.
type tail struct {
	mu    sync.Mutex
	lines []string
	leak  string // the first line with xyzzy, which is in every secret of the tests
}

func (l *tail) add(line string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.leak == "" && strings.Contains(line, "xyzzy") {
		l.leak = line
	}
	l.lines = append(l.lines, line)
	if len(l.lines) > 40 {
		l.lines = l.lines[1:]
	}
}

func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.lines, "\n")
}

func numbered(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "{\"id\":%d,\"k\":\"k%d\"}\n", i, i%7)
	}
	return b.String()
}

func (c *child) sender(stream string) client.Sender {
	return client.Sender{Client: c.client(), Stream: stream}
}
