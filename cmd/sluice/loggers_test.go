package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// syslog-ng, from Debian's syslog-ng-core and syslog-ng-mod-http, sends 10,000 lines
// with its http destination; one batch is refused with 503 first. SQL finds each once.
func TestSyslogNG(t *testing.T) {
	command, err := exec.LookPath("syslog-ng")
	if err != nil {
		t.Skip("syslog-ng is not installed")
	}
	const lines = 10_000
	c := startServe(t, t.TempDir())
	delivered := make(chan struct{})
	proxy := httptest.NewServer(countLines(t, c.url, lines, delivered))
	defer proxy.Close()
	dir := t.TempDir()
	conf := filepath.Join(dir, "syslog-ng.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `@version: 3.38
options { stats-freq(0); time-reopen(1); };
source s { stdin(flags(no-parse)); };
destination d { http(url("%s/v1/streams/logs/records") method("POST") batch-lines(500) batch-timeout(100) body("$(format-json --scope rfc5424 --key ISODATE)")); };
log { source(s); destination(d); flags(flow-control); };
`, proxy.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command, "-F", "-e", "-f", conf, "--persist-file", filepath.Join(dir, "persist"),
		"--pidfile", filepath.Join(dir, "pid"), "--control", filepath.Join(dir, "ctl"))
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	for i := range lines {
		if _, err := fmt.Fprintf(in, "message \"%d\" é\n", i); err != nil {
			t.Fatalf("%v\n%s", err, &output)
		}
	}
	select {
	case <-delivered:
	case <-time.After(2 * time.Minute):
		t.Error("syslog-ng has not sent all its lines in two minutes")
	}
	in.Close() // it ends at the end of its input, and does not wait for what it has not sent
	cmd.Wait()
	row := c.row(`select count(*) as n, count(distinct message) as messages from logs where message like 'message "%" é'`)
	if want := fmt.Sprintf(`{"n":%d,"messages":%d}`, lines, lines); row != want {
		t.Errorf("%s, want %s\n%s", row, want, &output)
	}
}

// countLines passes requests on, but for the second one, and tells when so many lines
// were taken.
func countLines(t *testing.T, target string, lines int64, done chan struct{}) http.Handler {
	var requests, taken atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if requests.Add(1) == 2 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		resp, err := http.Post(target+r.URL.Path, r.Header.Get("Content-Type"), bytes.NewReader(body))
		if err != nil {
			t.Error(err)
			return
		}
		defer resp.Body.Close()
		var answer struct{ Accepted int64 }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s, %v", resp.Status, err)
		}
		w.WriteHeader(resp.StatusCode)
		if n := taken.Add(answer.Accepted); n >= lines && n-answer.Accepted < lines {
			close(done)
		}
	})
}

// What loggers put on the wire, as their documentation has it.
func TestLoggersOnTheWire(t *testing.T) {
	c := startServe(t, t.TempDir())
	for _, l := range []struct {
		name, typ string
		chunked   bool
		body      string
		records   int
	}{
		{"Fluent Bit, format json", "application/json", false, `[{"date":1769860800.5,"log":"a"},{"date":1769860800.6,"log":"b"}]`, 2},
		{"Fluent Bit, format json_lines", "application/x-ndjson", false, `{"date":1769860800.5,"log":"a"}` + "\n" + `{"date":1769860800.6,"log":"b"}` + "\n", 2},
		{"Fluent Bit, format json_stream", "application/json", false, `{"date":1769860800.5,"log":"a"}{"date":1769860800.6,"log":"b"}`, 2},
		{"syslog-ng, one message", "", false, `{"PROGRAM":"p","PRIORITY":"notice","MESSAGE":"a","ISODATE":"2026-01-31T12:00:00+00:00","HOST":"h"}`, 1},
		{"syslog-ng, no newline at the end", "", false, `{"MESSAGE":"a"}` + "\n" + `{"MESSAGE":"b"}`, 2},
		{"Vector, codec json", "application/json", false, `[{"message":"a","timestamp":"2026-01-31T12:00:00.000000001Z"},{"message":"b"}]`, 2},
		{"Vector, newline_delimited", "application/x-ndjson", true, `{"message":"a"}` + "\n" + `{"message":"b"}` + "\n", 2},
		{"Logstash, format json_batch", "application/json", true, `[{"@timestamp":"2026-01-31T12:00:00.000Z","@version":"1","message":"a","host":{"name":"h"}}]`, 1},
		{"Logstash, format json", "application/json", false, `{"@timestamp":"2026-01-31T12:00:00.000Z","message":"a","agent":{"type":"filebeat"}}`, 1},
	} {
		t.Run(l.name, func(t *testing.T) {
			var body io.Reader = strings.NewReader(l.body)
			if l.chunked {
				body = io.MultiReader(body) // of no known length
			}
			resp, err := http.Post(c.url+"/v1/streams/wire/records", l.typ, body)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			if want := fmt.Sprintf(`{"accepted":%d,"rejected":[]}`+"\n", l.records); resp.StatusCode != 200 || string(text) != want {
				t.Errorf("%s %s", resp.Status, text)
			}
		})
	}
	if row := c.row("select count(*) as n from wire"); row != `{"n":15}` {
		t.Error(row)
	}
}
