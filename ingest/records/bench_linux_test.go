package records_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"sluice/ingest"
	"sluice/internal/intaketest"
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
	load := func(conns, events int) intaketest.Load {
		body := []byte(strings.Repeat(benchEvent+"\n", events))
		return intaketest.Load{Connections: conns, Request: intaketest.Post("/v1/streams/s/records", "", body), Size: len(body)}
	}
	measured, warm := load(conns, events), load(8, 500)
	b.Run("floor", func(b *testing.B) { intaketest.Drive(b, floorServer{newGroupLog(b)}, measured, &warm) })
	b.Run("receiver", func(b *testing.B) { intaketest.Drive(b, benchHandler(b, newGroupLog(b)), measured, &warm) })
	b.Run("sluice", func(b *testing.B) { intaketest.Drive(b, benchHandler(b, intaketest.Log(b)), measured, &warm) })
}

const benchEvent = `{"bookId":"9780140449136","title":"Crime and Punishment","author":"Fyodor Dostoevsky","genre":"Classics",` +
	`"userId":"u-000184467","userCountry":"DE","userAge":42,"purchaseTimestamp":"2026-01-31T23:59:59.123Z","price":12.99,"currency":"EUR"}`

func benchHandler(b *testing.B, log ingest.Appender) http.Handler {
	mem, err := ingest.NewMemory(256<<20, 0)
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	intaketest.Records(b, mux, log, mem)
	return mux
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
