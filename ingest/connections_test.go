package ingest_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"sluice/ingest"
)

// A bound is a server of few connections, whose handler of /wait answers when it is
// told to.
type bound struct {
	addr    string
	waiting chan struct{} // receives for each request that waits
	answer  chan struct{} // each receive answers one
	idle    chan struct{} // receives, up to its capacity, when a connection begins to idle
	reg     *prometheus.Registry
}

func serveBound(t *testing.T, limit int, secure *tls.Config) *bound {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &bound{addr: l.Addr().String(), waiting: make(chan struct{}), answer: make(chan struct{}), idle: make(chan struct{}, 100), reg: prometheus.NewRegistry()}
	mux := http.NewServeMux()
	mux.HandleFunc("/wait", func(http.ResponseWriter, *http.Request) { b.waiting <- struct{}{}; <-b.answer })
	mux.HandleFunc("/", func(http.ResponseWriter, *http.Request) {})
	server := ingest.NewServer(mux, slog.New(slog.DiscardHandler))
	c := ingest.NewConnections(limit, b.reg)
	c.Bound(server)
	note := server.ConnState
	server.ConnState = func(conn net.Conn, state http.ConnState) {
		note(conn, state)
		if state == http.StateIdle {
			select {
			case b.idle <- struct{}{}:
			default:
			}
		}
	}
	l = c.Listener(l)
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	var served sync.WaitGroup
	served.Go(func() { server.Serve(l) })
	t.Cleanup(func() { server.Close(); served.Wait() })
	return b
}

// A caller is one connection.
type caller struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (b *bound) dial(t *testing.T) *caller {
	t.Helper()
	conn, err := net.Dial("tcp", b.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &caller{t, conn, bufio.NewReader(conn)}
}

func (c *caller) ask(path string) {
	c.t.Helper()
	if _, err := io.WriteString(c.conn, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		c.t.Fatal(err)
	}
}

func (c *caller) hear() *http.Response {
	c.t.Helper()
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp
}

func (c *caller) expect(path string, status int) *http.Response {
	c.t.Helper()
	c.ask(path)
	resp := c.hear()
	if resp.StatusCode != status {
		c.t.Errorf("%s: %s, want %d", path, resp.Status, status)
	}
	return resp
}

// Past the limit, with all connections busy, requests get 503 and a time, and health
// is still told; with one busy no more, the next connection is as good as any.
func TestTooManyConnections(t *testing.T) {
	b := serveBound(t, 2, nil)
	one, two := b.dial(t), b.dial(t)
	for _, c := range []*caller{one, two} {
		c.ask("/wait")
		<-b.waiting
	}
	resp := b.dial(t).expect("/", 503)
	if !resp.Close || resp.Header.Get("Retry-After") == "" {
		t.Errorf("refused with %v, close %v", resp.Header, resp.Close)
	}
	if resp := b.dial(t).expect("/healthz", 200); !resp.Close {
		t.Error("the connection stays")
	}
	b.answer <- struct{}{}
	b.answer <- struct{}{}
	one.hear()
	two.hear()
	two.expect("/", 200)
	if n := gathered(t, b.reg, "sluice_ingest_connections_refused_total"); n != 1 {
		t.Errorf("%v refused", n)
	}
}

// The connection that idles for longest makes room for a new one.
func TestIdleConnectionGivesWay(t *testing.T) {
	b := serveBound(t, 2, nil)
	one, two := b.dial(t), b.dial(t)
	for _, c := range []*caller{one, two, one} { // two idles for longer then
		c.expect("/", 200)
		<-b.idle
	}
	third := b.dial(t)
	third.ask("/wait")
	<-b.waiting
	if _, err := two.in.ReadByte(); err == nil {
		t.Error("the connection that idled for longest is still there")
	}
	one.expect("/", 200)
	b.answer <- struct{}{}
	if resp := third.hear(); resp.StatusCode != 200 || resp.Close {
		t.Errorf("the new connection: %s, close %v", resp.Status, resp.Close)
	}
}

// Past the spare ones, connections wait until another one is closed; a listener that
// is closed does not.
func TestConnectionsWait(t *testing.T) {
	b := serveBound(t, 1, nil)
	var silent []*caller
	for range 1 + ingest.SpareConnections {
		silent = append(silent, b.dial(t))
	}
	last := b.dial(t)
	last.ask("/healthz")
	silent[7].conn.Close()
	if resp := last.hear(); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := ingest.NewConnections(1, nil)
	l = c.Listener(l)
	for range 1 + ingest.SpareConnections {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		accepted, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer accepted.Close()
	}
	ended := make(chan error)
	go func() { _, err := l.Accept(); ended <- err }()
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// It is all the same with TLS.
func TestTooManyConnectionsWithTLS(t *testing.T) {
	donor := httptest.NewTLSServer(nil)
	defer donor.Close()
	b := serveBound(t, 1, &tls.Config{Certificates: donor.TLS.Certificates})
	dial := func() *caller {
		conn, err := tls.Dial("tcp", b.addr, donor.Client().Transport.(*http.Transport).TLSClientConfig)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		return &caller{t, conn, bufio.NewReader(conn)}
	}
	one := dial()
	one.ask("/wait")
	<-b.waiting
	dial().expect("/", 503)
	b.answer <- struct{}{}
	one.hear()
}

func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("no %s", name)
	return 0
}
