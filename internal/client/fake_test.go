package client_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"sluice/internal/client"
)

// A fake is a server in memory, so that a test can run in a bubble of its own
// time (testing/synctest).
type fake struct {
	client *client.Client
	down   atomic.Bool // no one listens
	conns  chan net.Conn
	closed chan struct{}

	mu       sync.Mutex
	requests int
	stored   []byte // every body that was stored, one after the other
}

// newFake answers posts of records with answer, which is told the number of the
// request, from 0, and its body. /healthz is answered 200.
func newFake(t *testing.T, answer func(f *fake, w http.ResponseWriter, n int, body []byte)) *fake {
	f := &fake{conns: make(chan net.Conn), closed: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /v1/streams/s/records", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		f.mu.Lock()
		n := f.requests
		f.requests++
		f.mu.Unlock()
		answer(f, w, n, body)
	})
	f.serve(t, mux)
	return f
}

func (f *fake) serve(t *testing.T, h http.Handler) {
	srv := &http.Server{Handler: h}
	go srv.Serve(f)
	f.client = client.New("http://sluice.test")
	f.client.SetDial(f.dial)
	t.Cleanup(func() {
		srv.Close()
		f.client.CloseIdle()
	})
}

func (f *fake) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if f.down.Load() {
		return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
	}
	ours, theirs := net.Pipe()
	select {
	case f.conns <- theirs:
		return ours, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *fake) Accept() (net.Conn, error) {
	select {
	case c := <-f.conns:
		return c, nil
	case <-f.closed:
		return nil, net.ErrClosed
	}
}

func (f *fake) Close() error   { close(f.closed); return nil }
func (f *fake) Addr() net.Addr { return &net.TCPAddr{} }

// store keeps records and answers how many they are.
func (f *fake) store(w http.ResponseWriter, body []byte) {
	f.keep(body)
	io.WriteString(w, `{"accepted":`+itoa(bytes.Count(body, []byte("\n")))+`,"rejected":[]}`)
}

func (f *fake) keep(body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stored = append(f.stored, body...)
}

func (f *fake) lines() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Split(strings.TrimSuffix(string(f.stored), "\n"), "\n")
}
