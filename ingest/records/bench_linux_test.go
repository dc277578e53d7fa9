package records_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"sluice/buffer"
	"sluice/configs"
	"sluice/ingest"
	"sluice/ingest/records"
	"sluice/internal/lake"
)

// BenchmarkIntakeNDJSON sends bodies of 500 events of 238 bytes on 8
// connections, BenchmarkIntakeSingle one event a request on 64; client and
// server share the machine. floor is a server that does nothing with a body but
// append it to a file under a group commit; receiver ends in that same file, and
// sluice in the real log.
func BenchmarkIntakeNDJSON(b *testing.B) { benchIntake(b, 8, 500) }

func BenchmarkIntakeSingle(b *testing.B) { benchIntake(b, 64, 1) }

func benchIntake(b *testing.B, conns, events int) {
	body := []byte(strings.Repeat(benchEvent+"\n", events))
	b.Run("floor", func(b *testing.B) { drive(b, floorServer{newGroupLog(b)}, conns, body) })
	b.Run("receiver", func(b *testing.B) { drive(b, benchHandler(b, newGroupLog(b)), conns, body) })
	b.Run("sluice", func(b *testing.B) { drive(b, benchHandler(b, openLog(b)), conns, body) })
}

const benchEvent = `{"bookId":"9780140449136","title":"Crime and Punishment","author":"Fyodor Dostoevsky","genre":"Classics",` +
	`"userId":"u-000184467","userCountry":"DE","userAge":42,"purchaseTimestamp":"2026-01-31T23:59:59.123Z","price":12.99,"currency":"EUR"}`

func benchHandler(b *testing.B, log ingest.Appender) http.Handler {
	mem, err := ingest.NewMemory(256<<20, 0)
	if err != nil {
		b.Fatal(err)
	}
	h, err := records.New(records.Config{Appender: log, Policy: policy(func(string) bool { return true }), Flusher: noStreams{},
		Streams: noStreams{}, Memory: mem, Metrics: ingest.NewMetrics(nil, mem), MaxBody: 64 << 20})
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Register(mux)
	return mux
}

// benchBatch is the size of a batch: a quarter of the default, so that the
// benchmark, short as it is, begins and ends some.
const benchBatch = 64 << 20

// openLog opens the real log, but for the size of its batches with the settings of
// a configuration that sets none, and releases what it seals.
func openLog(b *testing.B) *buffer.Buffer {
	cfg := configs.Default()
	log, err := buffer.Open(buffer.Config{
		Dir: b.TempDir(), MaxBytes: int64(cfg.Buffer.MaxBytes), MinFree: int64(cfg.Buffer.MinFree), Reuse: int64(cfg.Buffer.Reuse),
		Size: func(string) int64 { return benchBatch },
	})
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

// drive posts body b.N times over the connections. Before that it posts some
// batches, whoever serves: the log then writes files again, as it does for all but
// the first batches of a process.
func drive(b *testing.B, h http.Handler, conns int, body []byte) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	srv := ingest.NewServer(h, discardLog)
	go srv.Serve(ln)
	defer srv.Close()
	many := []byte(strings.Repeat(benchEvent+"\n", 500))
	postAll(b, ln.Addr().String(), 8, 3*benchBatch/len(many), many)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	b.ResetTimer()
	begun := cpuTime(b)
	took := postAll(b, ln.Addr().String(), conns, b.N, body)
	b.ReportMetric((cpuTime(b)-begun).Seconds()/float64(b.N*len(body))*1e9, "cpu-s/GB")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}

// postAll posts body n times over the connections and returns how long each took,
// sorted.
func postAll(b *testing.B, addr string, conns, n int, body []byte) []time.Duration {
	request := fmt.Appendf(nil, "POST /v1/streams/s/records HTTP/1.1\r\nHost: sluice\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	jobs := make(chan struct{}, conns)
	var clients sync.WaitGroup
	took := make([][]time.Duration, conns)
	for k := range conns {
		took[k] = make([]time.Duration, 0, n/conns*2+16)
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
				if err := exchange(c, in, request); err != nil {
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

// cpuTime is what the process, clients and all, has used: steadier than the time
// of the clock where the machine has other work.
func cpuTime(b *testing.B) time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// exchange sends a request and reads its answer, at the least cost to the
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
	_, err := in.Discard(length)
	return err
}

// floorServer reads a body whole and appends it.
type floorServer struct{ log ingest.Appender }

var floorBuffers = sync.Pool{New: func() any { b := make([]byte, 1<<20); return &b }}

func (s floorServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	buf := floorBuffers.Get().(*[]byte)
	defer floorBuffers.Put(buf)
	body := (*buf)[:r.ContentLength]
	if _, err := io.ReadFull(r.Body, body); err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	if err := s.log.Append(r.Context(), "s", lake.Block{Data: body, Records: 1}); err != nil {
		http.Error(w, err.Error(), 500)
		return
	}
	io.WriteString(w, `{"accepted":1,"rejected":[]}`)
}

// groupLog appends to one file with one fdatasync for all who wait. The file is
// emptied now and then, so that a long run does not fill the disk; to overwrite it
// round and round would be cheaper than appending, and no log.
type groupLog struct {
	file *os.File
	off  int64

	mu      sync.Mutex
	leading bool
	queue   []*waiter
}

type waiter struct {
	data []byte
	done chan error // of one; the leader sends
}

const groupLogSize = 256 << 20

func newGroupLog(b *testing.B) *groupLog {
	f, err := os.Create(filepath.Join(b.TempDir(), "log"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return &groupLog{file: f}
}

func (l *groupLog) Append(_ context.Context, _ string, block lake.Block) error {
	w := &waiter{block.Data, make(chan error, 1)}
	l.mu.Lock()
	l.queue = append(l.queue, w)
	if l.leading {
		l.mu.Unlock()
		return <-w.done
	}
	l.leading = true
	for len(l.queue) > 0 {
		group := l.queue
		l.queue = nil
		l.mu.Unlock()
		err := l.commit(group)
		for _, w := range group {
			w.done <- err
		}
		l.mu.Lock()
	}
	l.leading = false
	l.mu.Unlock()
	return <-w.done
}

func (l *groupLog) commit(group []*waiter) error {
	var vecs [][]byte
	n := 0
	for _, w := range group {
		vecs = append(vecs, w.data)
		n += len(w.data)
	}
	if l.off+int64(n) > groupLogSize {
		if err := l.file.Truncate(0); err != nil {
			return err
		}
		l.off = 0
	}
	if _, err := unix.Pwritev(int(l.file.Fd()), vecs, l.off); err != nil {
		return err
	}
	l.off += int64(n)
	return unix.Fdatasync(int(l.file.Fd()))
}
