package ingest

import (
	"container/list"
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
)

// SpareConnections are had beyond the limit of a Connections, to answer 503 on them,
// and to answer those who ask whether the process lives.
const SpareConnections = 32

// Connections bounds how many connections a server has. One more than the limit
// takes the place of the one that has idled for longest; where none idles, its
// requests are answered 503, but for those of health and metrics, and it is closed.
// Connections beyond these wait in the system's queue.
type Connections struct {
	limit   int
	slots   chan struct{} // one element a connection
	refused prometheus.Counter

	mu   sync.Mutex
	idle list.List // of *connection, that idles for longest first; guarded by mu
}

// NewConnections allows so many connections, and registers their metrics; nil for
// none.
func NewConnections(limit int, reg prometheus.Registerer) *Connections {
	c := &Connections{limit: limit, slots: make(chan struct{}, limit+SpareConnections)}
	f := promauto.With(reg)
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "sluice_ingest_connections", Help: "Connections of the listener that are open."},
		func() float64 { return float64(len(c.slots)) })
	f.NewGaugeFunc(prometheus.GaugeOpts{Name: "sluice_ingest_connections_limit", Help: "Connections that may be open (http.max_connections, or what the limit of open files allows)."},
		func() float64 { return float64(limit) })
	c.refused = f.NewCounter(prometheus.CounterOpts{Name: "sluice_ingest_connections_refused_total", Help: "Requests answered 503 because there were too many connections."})
	return c
}

// A connection holds a slot until it is closed.
type connection struct {
	net.Conn
	from *Connections
	over bool          // there were too many when it came
	once sync.Once     // guards giving the slot back
	at   *list.Element // its place among the idle ones, or nil; guarded by from.mu
}

// Close closes the connection and gives its slot back.
func (c *connection) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.from.mu.Lock()
		c.from.restLocked(c, false)
		c.from.mu.Unlock()
		<-c.from.slots
	})
	return err
}

// restLocked notes whether a connection idles.
func (c *Connections) restLocked(conn *connection, idle bool) {
	switch {
	case idle && conn.at == nil:
		conn.at = c.idle.PushBack(conn)
	case !idle && conn.at != nil:
		c.idle.Remove(conn.at)
		conn.at = nil
	}
}

// Listener takes l's connections. It stands below TLS.
func (c *Connections) Listener(l net.Listener) net.Listener {
	return &boundListener{Listener: l, from: c, closed: make(chan struct{})}
}

type boundListener struct {
	net.Listener
	from   *Connections
	once   sync.Once
	closed chan struct{} // closed by Close
}

func (l *boundListener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// Accept waits for a slot first, so that what has none waits where it is.
func (l *boundListener) Accept() (net.Conn, error) {
	select {
	case l.from.slots <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	conn, err := l.Listener.Accept()
	if err != nil {
		<-l.from.slots
		return nil, err
	}
	n := &connection{Conn: conn, from: l.from}
	n.over = len(l.from.slots) > l.from.limit && !l.from.evict()
	return n, nil
}

// evict closes the connection that has idled for longest, if one idles. Whoever
// has it sees what he sees when it idled for too long.
func (c *Connections) evict() bool {
	c.mu.Lock()
	var oldest *connection
	if e := c.idle.Front(); e != nil {
		oldest = e.Value.(*connection)
		c.restLocked(oldest, false)
	}
	c.mu.Unlock()
	if oldest == nil {
		return false
	}
	oldest.Close()
	return true
}

type connectionKey struct{}

// Bound has the server answer on its connections as Connections says.
func (c *Connections) Bound(s *http.Server) {
	s.ConnContext = func(ctx context.Context, conn net.Conn) context.Context {
		return context.WithValue(ctx, connectionKey{}, bare(conn))
	}
	s.ConnState = func(conn net.Conn, state http.ConnState) {
		if n := bare(conn); n != nil && (state == http.StateIdle || state == http.StateActive) {
			c.mu.Lock()
			c.restLocked(n, state == http.StateIdle)
			c.mu.Unlock()
		}
	}
	next := s.Handler
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n, _ := r.Context().Value(connectionKey{}).(*connection)
		if n == nil || !n.over {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		switch r.URL.Path {
		case "/healthz", "/readyz", "/metrics":
			next.ServeHTTP(w, r)
			return
		}
		c.refused.Inc()
		p := &Problem{Status: http.StatusServiceUnavailable, Code: CodeOverloaded, RetryAfter: time.Second,
			Message: fmt.Sprintf("the service has %d connections, and all are busy (http.max_connections)", c.limit)}
		p.Write(w)
	})
}

// bare is the connection below TLS; nil if it is none of a Connections.
func bare(conn net.Conn) *connection {
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = t.NetConn()
	}
	n, _ := conn.(*connection)
	return n
}
