package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/internal/s3test"
)

// Records are in the answer from the moment they are acknowledged, once, while
// they move from the buffer to the lake; live. and lake. tell the halves apart.
func TestReadYourWrites(t *testing.T) {
	c := startServe(t, t.TempDir())
	for i := range 20 {
		c.send("s", numbered(i*10, 10))
		if got, want := c.row("select count(*) as n, count(distinct id) as ids from s"), fmt.Sprintf(`{"n":%d,"ids":%[1]d}`, i*10+10); got != want {
			t.Fatalf("after %d: %s, want %s", i, got, want)
		}
		if i%3 == 2 {
			c.flush("s")
			if got, want := c.row("select (select count(*) from lake.default.s) as lake, (select count(*) from live.default.s) as live"), fmt.Sprintf(`{"lake":%d,"live":0}`, i*10+10); got != want {
				t.Fatalf("after %d: %s, want %s", i, got, want)
			}
		}
	}
}

// While one goroutine sends and another delivers without pause, a query never
// sees fewer records than were acknowledged before it, nor one twice.
func TestReadWhileMoving(t *testing.T) {
	c := startServe(t, t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	flushed := make(chan struct{})
	go func() {
		defer close(flushed)
		for ctx.Err() == nil {
			c.client().Flush(ctx, "s")
		}
	}()
	for i := range 60 {
		c.send("s", numbered(i*25, 25))
		if got, want := c.row("select count(*) as n, count(distinct id) as ids, sum(id) as total from s"), fmt.Sprintf(`{"n":%d,"ids":%[1]d,"total":%d}`, i*25+25, (i*25+25)*(i*25+24)/2); got != want {
			t.Fatalf("after %d: %s, want %s\n%s", i, got, want, c.log)
		}
	}
	cancel()
	<-flushed
}

// The same over a real S3-compatible server.
func TestServeOverS3(t *testing.T) {
	endpoint, bucket := s3test.Start(t)
	c := startServe(t, t.TempDir(), "SLUICE_LAKE=s3://"+bucket+"/lake", "SLUICE_S3_ENDPOINT="+endpoint, "SLUICE_S3_PATH_STYLE=true",
		`SLUICE_STREAMS={s: {partition_by: ["k=k"]}}`)
	c.send("s", numbered(0, 700))
	c.flush("s")
	c.send("s", numbered(700, 300))
	if got, want := c.row("select count(*) as n, sum(id) as total from s"), `{"n":1000,"total":499500}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := c.row("select count(*) as n from s where k = 'k3'"), `{"n":143}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// After SIGTERM and a new start everything acknowledged is there.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir)
	c.send("s", numbered(0, 100))
	if err := c.stop(); err != nil {
		t.Fatalf("stop: %v\n%s", err, c.log)
	}
	c = startServe(t, dir, "SLUICE_DELIVERY_DRAIN_ON_STOP=true")
	if got, want := c.row("select count(*) as n from live.default.s"), `{"n":100}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := c.stop(); err != nil {
		t.Fatalf("stop: %v\n%s", err, c.log)
	}
	files, err := filepath.Glob(filepath.Join(dir, "lake", "default", "s", "dt=*", "*.parquet"))
	if err != nil || len(files) != 1 {
		t.Errorf("drained into %v, %v", files, err)
	}
	out, stderr, code := command(t, "", "query", "--data-dir", dir, "--output", "csv", "select count(*) as n from s")
	if code != 0 || out != "n\r\n100\r\n" {
		t.Errorf("query without a service: %d, %q, %q", code, out, stderr)
	}
}

func TestCommandLine(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(bad, []byte("listen: 127.0.0.1:8080\nbufer:\n  size: 3TB\nstreams:\n  s:\n    partition_by: [\"dt=dya(at)\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		code int
		want string // in stdout or stderr
	}{
		{[]string{"--help"}, 0, "sluice demo"},
		{[]string{"serve", "--help"}, 0, "--data-dir"},
		{[]string{"nonsense"}, 2, "unknown command"},
		{[]string{"serve", "--nonsense"}, 2, "unknown flag"},
		{[]string{"generate"}, 2, "usage"},
		{[]string{"generate", "nonsense"}, 2, "purchases"},
		{[]string{"generate", "nasa", "--count", "2"}, 0, `"host"`},
		{[]string{"check-config"}, 0, "good"},
		{[]string{"check-config", "--config", bad}, 2, "did you mean"},
		{[]string{"check-config", "--sample"}, 0, "buffer:"},
		{[]string{"streams", "--server", "http://127.0.0.1:1"}, 1, "sluice serve"},
		{[]string{"send", "--server", "http://127.0.0.1:1"}, 2, "--stream"},
	} {
		out, stderr, code := command(t, "", tc.args...)
		if code != tc.code || !strings.Contains(out+stderr, tc.want) {
			t.Errorf("sluice %s: code %d, want %d; output %q lacks %q", strings.Join(tc.args, " "), code, tc.code, out+stderr, tc.want)
		}
	}
}

func TestConvertCommand(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.ndjson")
	if err := os.WriteFile(in, []byte(numbered(0, 1000)+"nonsense\n"+`{"id":1000,"k":"last"}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		flags []string
		files string
		n     int
	}{{nil, "*.parquet", 1}, {[]string{"--partition-by", "k=k"}, "k=*/*.parquet", 8}} {
		out := filepath.Join(dir, fmt.Sprint("out", tc.n))
		stdout, stderr, code := command(t, "", append([]string{"convert", in, out}, tc.flags...)...)
		if code != 0 || !strings.Contains(stdout, "1001 rows") || !strings.Contains(stdout, "1 lines are no JSON objects") {
			t.Errorf("convert: %d\n%s%s", code, stdout, stderr)
		}
		files, err := filepath.Glob(filepath.Join(out, tc.files))
		if err != nil || len(files) != tc.n {
			t.Errorf("convert made %v, want %d", files, tc.n)
		}
	}
}

// A client cannot make streams, and so open files, without end.
func TestMaxStreams(t *testing.T) {
	c := startServe(t, t.TempDir(), "SLUICE_MAX_STREAMS=3", "SLUICE_STREAMS={named: {}}")
	for i := range 3 {
		c.send(fmt.Sprint("s", i), `{"id":1}`)
	}
	_, err := c.client().Send(context.Background(), "s3", strings.NewReader(`{"id":1}`))
	if err == nil || !strings.Contains(err.Error(), "max_streams") {
		t.Errorf("the fourth stream: %v", err)
	}
	c.send("s0", `{"id":2}`)
	c.send("named", `{"id":1}`) // what is configured is not counted out
}
