package intaketest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/ingest"
)

// A Load is what clients do: they post Request, whose events have Size bytes, over
// Connections at once, each after the answer to the one before.
type Load struct {
	Connections int
	Request     []byte // head and body
	Size        int
}

// Post is a request as HTTP/1.1 has it on the wire; header lines end in \r\n.
func Post(path, headers string, body []byte) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: sluice\r\n%sContent-Length: %d\r\n\r\n%s", path, headers, len(body), body)
}

// Drive serves h and measures b.N requests. It reports the events' bytes a second,
// the CPU time of the process, clients and all, and the 99th percentile of the time
// that a request took. Before that it posts warm, if it is not nil, until some
// batches are full: the log then writes files again, as it does for all but the
// first batches of a process.
func Drive(b *testing.B, h http.Handler, load Load, warm *Load) {
	b.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := ingest.NewServer(h, slog.New(slog.DiscardHandler))
	go srv.Serve(ln)
	defer srv.Close()
	if warm != nil {
		warm.post(b, ln.Addr().String(), 3*BatchSize/warm.Size)
	}
	b.SetBytes(int64(load.Size))
	b.ReportAllocs()
	b.ResetTimer()
	begun := cpuTime(b)
	took := load.post(b, ln.Addr().String(), b.N)
	b.ReportMetric((cpuTime(b)-begun).Seconds()/float64(b.N*load.Size)*1e9, "cpu-s/GB")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// post sends the request n times and returns how long each took, sorted.
func (l Load) post(b *testing.B, addr string, n int) []time.Duration {
	jobs := make(chan struct{}, l.Connections)
	var clients sync.WaitGroup
	took := make([][]time.Duration, l.Connections)
	for k := range took {
		took[k] = make([]time.Duration, 0, n/l.Connections*2+16)
		clients.Go(func() {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				b.Error(err)
				return
			}
			defer c.Close()
			in := bufio.NewReader(c)
			for range jobs {
				start := time.Now()
				if err := exchange(c, in, l.Request); err != nil {
					b.Error(err)
					return
				}
				took[k] = append(took[k], time.Since(start))
			}
		})
	}
	for range n {
		jobs <- struct{}{}
	}
	close(jobs)
	clients.Wait()
	return slices.Sorted(slices.Values(slices.Concat(took...)))
}

// cpuTime is what the process has used: steadier than the time of the clock where
// the machine has other work.
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
	length, chunked := 0, false
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
		chunked = chunked || bytes.HasPrefix(line, []byte("Transfer-Encoding: chunked"))
	}
	for chunked {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return err
		}
		if _, err := in.Discard(int(n) + 2); err != nil || n == 0 {
			return err
		}
	}
	_, err := io.CopyN(io.Discard, in, int64(length))
	return err
}
