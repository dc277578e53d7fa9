package segment_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/buffer"
	"sluice/ingest"
	"sluice/ingest/records"
	"sluice/ingest/segment"
	"sluice/internal/lake"
	"sluice/internal/sample"
)

// BenchmarkIntake sends 100 calls of 700 bytes or so a request on 8 connections, as
// NDJSON and as a batch, to one stream and to one for each event. Bytes are those of
// the calls. Client and server share the machine. void appends to nothing, which
// leaves the receivers; sluice to the real log.
func BenchmarkIntake(b *testing.B) {
	calls := benchCalls(b, 100)
	ndjson := strings.Join(calls, "\n")
	batch := `{"batch":[` + strings.Join(calls, ",") + `],"writeKey":"KEY","sentAt":"2026-11-21T08:44:48.398Z"}`
	requests := map[string]string{
		"ndjson":  fmt.Sprintf("POST /v1/streams/s/records HTTP/1.1\r\nHost: sluice\r\nContent-Length: %d\r\n\r\n%s", len(ndjson), ndjson),
		"segment": fmt.Sprintf("POST /v1/batch HTTP/1.1\r\nHost: sluice\r\nAuthorization: Basic S0VZOg==\r\nContent-Length: %d\r\n\r\n%s", len(batch), batch),
	}
	requests["events"] = requests["segment"]
	for _, log := range []string{"void", "sluice"} {
		for _, protocol := range []string{"ndjson", "segment", "events"} {
			b.Run(log+"/"+protocol, func(b *testing.B) {
				var store ingest.Appender = void{}
				if log == "sluice" {
					store = openLog(b)
				}
				tables := segment.OneTable
				if protocol == "events" {
					tables = segment.PerEvent
				}
				drive(b, benchHandler(b, store, tables), 8, []byte(requests[protocol]), len(ndjson)+1)
			})
		}
	}
}

// benchCalls are calls as a browser's SDK sends them.
func benchCalls(b *testing.B, n int) []string {
	g, err := sample.New("segment", 1)
	if err != nil {
		b.Fatal(err)
	}
	added := regexp.MustCompile(`"(receivedAt|sentAt|originalTimestamp)":"[^"]*",`)
	var calls []string
	for range n {
		call := string(bytes.TrimSpace(g.AppendEvent(nil)))
		calls = append(calls, added.ReplaceAllString(call, ""))
	}
	return calls
}

type void struct{}

func (void) Append(context.Context, string, lake.Block) error { return nil }

type noStreams struct{}

func (noStreams) Streams() []records.StreamState                { return nil }
func (noStreams) Stream(string) (s records.StreamState, _ bool) { return s, false }
func (noStreams) Flush(context.Context, string) (r records.FlushResult, _ error) {
	return r, errors.New("unused")
}

func benchHandler(b *testing.B, log ingest.Appender, tables segment.Tables) http.Handler {
	mem, err := ingest.NewMemory(256<<20, 0)
	if err != nil {
		b.Fatal(err)
	}
	known := policy(func(string) bool { return true })
	r, err := records.New(records.Config{Appender: log, Policy: known, Flusher: noStreams{}, Streams: noStreams{}, Memory: mem,
		Metrics: ingest.NewMetrics(nil, mem), MaxBody: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	s, err := segment.New(segment.Config{Appender: log, Policy: known, Memory: mem, Metrics: ingest.NewMetrics(nil, nil), Source: "web",
		Stream: "segment", Tables: tables, MaxEvent: 32 << 10, MaxBatch: 500 << 10, MaxEvents: 2500})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	r.Register(mux)
	s.Register(mux)
	return mux
}

// openLog opens the real log and releases what it seals.
func openLog(b *testing.B) *buffer.Buffer {
	log, err := buffer.Open(buffer.Config{Dir: b.TempDir(), Size: func(string) int64 { return 64 << 20 }})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := log.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	running.Go(func() {
		for {
			for _, batch := range log.Sealed() {
				if err := log.Release(context.Background(), batch); err != nil {
					b.Error(err)
				}
			}
			select {
			case <-log.Changed():
			case <-ctx.Done():
				return
			}
		}
	})
	b.Cleanup(func() {
		cancel()
		running.Wait()
		if err := log.Close(); err != nil {
			b.Error(err)
		}
	})
	return log
}

// drive sends the request b.N times over the connections.
func drive(b *testing.B, h http.Handler, conns int, request []byte, size int) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := ingest.NewServer(h, slog.New(slog.DiscardHandler))
	go srv.Serve(ln)
	defer srv.Close()
	jobs := make(chan struct{}, conns)
	var clients sync.WaitGroup
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	begun := cpuTime(b)
	for range conns {
		clients.Go(func() {
			c, err := net.Dial("tcp", ln.Addr().String())
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			for range jobs {
				if err := exchange(c, in, request); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	for range b.N {
		jobs <- struct{}{}
	}
	close(jobs)
	clients.Wait()
	b.ReportMetric((cpuTime(b)-begun).Seconds()/float64(b.N*size)*1e9, "cpu-s/GB")
}

// cpuTime is what the process, clients and all, has used.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// exchange sends a request and passes over its answer, at the least cost to the
// machine that the server shares.
func exchange(c net.Conn, in *bufio.Reader, request []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	length := 0
	for first := true; ; first = false {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("answered %q", line)
		}
		if len(line) == 2 {
			break
		}
		if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(v)))
		}
	}
	_, err := io.CopyN(io.Discard, in, int64(length))
	return err
}
