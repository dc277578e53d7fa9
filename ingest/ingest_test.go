package ingest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"sluice/ingest"
)

func TestValidStream(t *testing.T) {
	for _, s := range []string{"a", "purchases", "A-b_c.9", "...", ".a", "-", strings.Repeat("x", 64)} {
		if !ingest.ValidStream(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{"", ".", "..", "a/b", "a b", "é", "a\x00", "a\n", strings.Repeat("x", 65), "a%2e", "a:b", "a\\b"} {
		if ingest.ValidStream(s) {
			t.Errorf("%q is allowed", s)
		}
	}
}

func newMemory(t *testing.T, limit int64) *ingest.Memory {
	t.Helper()
	m, err := ingest.NewMemory(limit, time.Nanosecond)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMemoryIsBounded(t *testing.T) {
	if _, err := ingest.NewMemory(ingest.MinMemory-1, 0); err == nil {
		t.Error("too little memory is taken")
	}
	m := newMemory(t, ingest.MinMemory)
	var held []*ingest.Buffer
	for {
		b, p := m.Get(t.Context(), ingest.MaxBuffer)
		if p != nil {
			if p.Status != 503 || p.RetryAfter == 0 || p.Code != ingest.CodeOverloaded {
				t.Errorf("%+v", p)
			}
			break
		}
		held = append(held, b)
	}
	if len(held) != ingest.MinMemory/ingest.MaxBuffer || m.InUse() != m.Limit() || m.TryGet(1) != nil {
		t.Errorf("%d buffers, %d bytes", len(held), m.InUse())
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if p := m.Reserve(gone, 1); p == nil || p.Status != ingest.StatusClientGone {
		t.Errorf("a client that is gone: %+v", p)
	}
	for _, b := range held {
		b.Free()
	}
	if m.InUse() != 0 {
		t.Errorf("%d bytes are still held", m.InUse())
	}
}

// One who waits gets what another frees.
func TestMemoryWaits(t *testing.T) {
	m, err := ingest.NewMemory(ingest.MinMemory, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for range 200 {
		all.Go(func() {
			if p := m.Reserve(context.Background(), ingest.MinMemory/2); p != nil {
				t.Error(p)
				return
			}
			m.Release(ingest.MinMemory / 2)
		})
	}
	all.Wait()
	if m.InUse() != 0 {
		t.Errorf("%d bytes are still held", m.InUse())
	}
}

func TestBufferSizes(t *testing.T) {
	m := newMemory(t, ingest.MinMemory)
	for _, n := range []int{0, 1, 4096, 4097, 100_000, ingest.MaxRecord + 1, ingest.MaxBuffer} {
		b := m.TryGet(n)
		if len(b.B) < n || int64(len(b.B)) != m.InUse() {
			t.Errorf("%d bytes for %d, %d counted", len(b.B), n, m.InUse())
		}
		b.Free()
	}
	defer func() {
		if recover() == nil {
			t.Error("a buffer may be freed twice")
		}
	}()
	b := m.TryGet(1)
	b.Free()
	b.Free()
}

type full struct{ after time.Duration }

func (full) Error() string                       { return "full" }
func (f full) Full() (s string, d time.Duration) { return "no room", f.after }

// broken is a log that failed for good; its cause is for the server's log.
type broken struct{}

func (broken) Error() string       { return "fsync /secret/path" }
func (broken) Unavailable() string { return "restart the server" }

func TestAppendProblem(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		retry  string
	}{
		{fmt.Errorf("x: %w", full{3 * time.Second}), 503, "3"},
		{full{}, 503, "1"},
		{context.Canceled, ingest.StatusClientGone, "1"},
		{fmt.Errorf("x: %w", context.DeadlineExceeded), 503, "1"},
		{fmt.Errorf("x: %w", broken{}), 503, "60"},
		{errors.New("open /secret/path"), 500, ""},
	} {
		p := ingest.AppendProblem(c.err)
		w := httptest.NewRecorder()
		p.Write(w)
		if p.Status != c.status || w.Header().Get("Retry-After") != c.retry || strings.Contains(w.Body.String(), "secret") || !errors.Is(p, c.err) {
			t.Errorf("%v: %d %q %s", c.err, p.Status, w.Header().Get("Retry-After"), w.Body)
		}
		sent := c.status
		if sent == ingest.StatusClientGone {
			sent = 503 // never silence, which would mean 200
		}
		if w.Code != sent || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}

func TestAppendString(t *testing.T) {
	for _, s := range []string{"", "plain", "a\"b\\c\n\x00<&>", "é\xff\u2028"} {
		var back string
		got := ingest.AppendString([]byte("x"), s)
		if err := json.Unmarshal(got[1:], &back); err != nil || back != strings.ToValidUTF8(s, "\ufffd") || got[0] != 'x' {
			t.Errorf("%q: %q %v", s, got, err)
		}
	}
}

type readiness struct{ err error }

func (r *readiness) Ready() error { return r.err }

func TestHealth(t *testing.T) {
	var r readiness
	mux := http.NewServeMux()
	mux.HandleFunc("/", ingest.NotFound)
	ingest.RegisterHealth(mux, &r)
	for _, c := range []struct {
		method, path string
		err          error
		status       int
		body         string
	}{
		{"GET", "/healthz", errors.New("no"), 200, `{"status":"ok"}`},
		{"GET", "/readyz", nil, 200, `{"status":"ready"}`},
		{"HEAD", "/readyz", nil, 200, `{"status":"ready"}`},
		{"GET", "/readyz", errors.New(`the disk is "full"`), 503, `{"status":"not ready","reason":"the disk is \"full\""}`},
		{"POST", "/healthz", nil, 405, `{"error":{"code":"method_not_allowed","message":"/healthz takes GET, not POST"}}`},
		{"GET", "/nowhere", nil, 404, `{"error":{"code":"not_found","message":"nothing is served at /nowhere"}}`},
	} {
		r.err = c.err
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || w.Body.String() != c.body+"\n" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

func TestServerIsHardened(t *testing.T) {
	srv := ingest.NewServer(http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if srv.ReadHeaderTimeout == 0 || srv.IdleTimeout == 0 || srv.MaxHeaderBytes == 0 {
		t.Errorf("%+v", srv)
	}
	if srv.ReadTimeout != 0 || srv.WriteTimeout != 0 {
		t.Error("a long upload or a long query would be cut off")
	}
}

// readBody reads a body as a receiver does.
func readBody(t *testing.T, m *ingest.Memory, r io.Reader, limit int64, header ...string) ([]byte, error) {
	t.Helper()
	req := httptest.NewRequest("POST", "/", r)
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	b, p := ingest.OpenBody(httptest.NewRecorder(), req, m, limit)
	if p != nil {
		return nil, p
	}
	defer b.Close()
	return io.ReadAll(b)
}

func TestBodyIsLimited(t *testing.T) {
	m := newMemory(t, ingest.MinMemory)
	for n, status := range map[int]int{0: 0, 99: 0, 100: 0, 101: 413, 5000: 413} {
		for name, r := range map[string]io.Reader{
			"whole": strings.NewReader(strings.Repeat("x", n)), "unknown": struct{ io.Reader }{strings.NewReader(strings.Repeat("x", n))},
			"bytewise":    iotest.OneByteReader(strings.NewReader(strings.Repeat("x", n))),
			"data at EOF": iotest.DataErrReader(strings.NewReader(strings.Repeat("x", n))),
		} {
			got, err := readBody(t, m, r, 100)
			var p *ingest.Problem
			if errors.As(err, &p) != (status != 0) || p != nil && p.Status != status {
				t.Errorf("%d bytes, %s: %v", n, name, err)
			}
			if want := min(n, 100); len(got) != want && !(name == "whole" && n > 100) {
				t.Errorf("%d bytes, %s: %d read", n, name, len(got))
			}
		}
	}
}

// Frames of all kinds, one after the other, pass through; the memory held is
// that of the largest window among them, and given back.
func TestZstdFrames(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var packed, plain bytes.Buffer
	for range 30 {
		data := make([]byte, rnd.IntN(1<<uint(rnd.IntN(20))+1))
		for i := range data {
			data[i] = byte(rnd.IntN(1 + rnd.IntN(256)))
		}
		if rnd.IntN(3) == 0 {
			data = bytes.Repeat([]byte("x"), len(data)) // blocks of one byte repeated
		}
		plain.Write(data)
		opts := []zstd.EOption{zstd.WithEncoderCRC(rnd.IntN(2) == 0), zstd.WithEncoderLevel(zstd.EncoderLevel(1 + rnd.IntN(3))),
			zstd.WithWindowSize(1 << (10 + rnd.IntN(14)))}
		if rnd.IntN(2) == 0 {
			opts = append(opts, zstd.WithEncoderPadding(1+rnd.IntN(3000))) // a skippable frame
		}
		w, err := zstd.NewWriter(&packed, opts...)
		if err != nil {
			t.Fatal(err)
		}
		for len(data) > 0 {
			n := min(len(data), 1+rnd.IntN(100_000))
			w.Write(data[:n])
			data = data[n:]
			if rnd.IntN(2) == 0 {
				w.Flush()
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	m := newMemory(t, ingest.MinMemory)
	for _, r := range []io.Reader{bytes.NewReader(packed.Bytes()), iotest.HalfReader(bytes.NewReader(packed.Bytes())), iotest.OneByteReader(bytes.NewReader(packed.Bytes()))} {
		got, err := readBody(t, m, r, 1<<30, "Content-Encoding", "zstd")
		if err != nil || !bytes.Equal(got, plain.Bytes()) {
			t.Errorf("%d bytes of %d: %v", len(got), plain.Len(), err)
		}
		if m.InUse() != 0 {
			t.Errorf("%d bytes are still held", m.InUse())
		}
	}
	// No end of the data and no change in it upsets it.
	for range 300 {
		cut := bytes.Clone(packed.Bytes()[:rnd.IntN(packed.Len())])
		if len(cut) > 0 && rnd.IntN(2) == 0 {
			cut[rnd.IntN(len(cut))] ^= 1 << rnd.IntN(8)
		}
		_, err := readBody(t, m, bytes.NewReader(cut), 1<<24, "Content-Encoding", "zstd")
		var p *ingest.Problem
		if err != nil && (!errors.As(err, &p) || p.Status != 400 && p.Status != 413) {
			t.Errorf("%v", err)
		}
	}
	if m.InUse() != 0 {
		t.Errorf("%d bytes are still held", m.InUse())
	}
}

func TestZstdWithoutMemory(t *testing.T) {
	var packed bytes.Buffer
	w, err := zstd.NewWriter(&packed, zstd.WithWindowSize(8<<20))
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("a"))
	w.Flush()
	w.Write([]byte("b"))
	w.Close()
	m := newMemory(t, ingest.MinMemory)
	held := m.Limit() - 4<<20
	if p := m.Reserve(t.Context(), held); p != nil {
		t.Fatal(p)
	}
	_, err = readBody(t, m, bytes.NewReader(packed.Bytes()), 1<<20, "Content-Encoding", "zstd")
	var p *ingest.Problem
	if !errors.As(err, &p) || p.Status != 503 || p.RetryAfter == 0 {
		t.Errorf("%v", err)
	}
	if d := cmp.Diff(held, m.InUse()); d != "" {
		t.Error(d)
	}
}
