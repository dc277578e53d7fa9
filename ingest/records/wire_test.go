package records_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/ingest"
	"sluice/internal/lake"
)

// listen serves the handler on a real port.
func listen(t *testing.T, h http.Handler) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := ingest.NewServer(h, discardLog)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	t.Cleanup(func() {
		srv.Close()
		<-served
	})
	return ln.Addr().String()
}

const head = "POST /v1/streams/s/records HTTP/1.1\r\nHost: sluice\r\n"

// send writes a raw request, ends the sending side, and reads the answer.
func send(t *testing.T, addr, request string) answer {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	if err := c.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return readAnswer(t, resp)
}

// Bodies that end before they said they would: the complete records are kept,
// and the answer says where it ended.
func TestBodyCutOff(t *testing.T) {
	half := strings.Repeat("{\"a\":1}\n", 200_000) // more than a buffer
	for _, c := range []struct {
		name, request string
		stored        int
	}{
		{"inside a record", head + "Content-Length: 100\r\n\r\n{\"a\":1}\n{\"a\":2}\n{\"a\":", 2},
		{"inside the first record", head + "Content-Length: 100\r\n\r\n{\"a\":", 0},
		{"inside a pretty-printed record", head + "Content-Length: 100\r\n\r\n{\n\"a\":[\n{\"b\":1},\n{\"b\":2}", 0},
		{"between records", head + "Content-Length: 100\r\n\r\n{\"a\":1}\n", 1},
		{"after a record", head + "Content-Length: 100\r\n\r\n{\"a\":1}", 1},
		{"inside an array", head + "Content-Length: 100\r\n\r\n[{\"a\":1},{\"a\":2}", 2},
		{"before anything", head + "Content-Length: 100\r\n\r\n", 0},
		{"inside a chunk", head + "Transfer-Encoding: chunked\r\n\r\n40\r\n{\"a\":1}\n{\"a\":2", 1},
		{"after a chunk", head + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1}\n\r\n", 1},
		{"inside a chunk's length", head + "Transfer-Encoding: chunked\r\n\r\n8\r\n{\"a\":1}\n\r\n8", 1},
		{"no chunk at all", head + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}", 0},
		{"after much", head + "Content-Length: 3000000\r\n\r\n" + half + "{\"a\"", 200_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newServer(t)
			a := send(t, listen(t, s), c.request)
			checkAnswer(t, a, s.log.lines())
			if a.status != 400 || a.Error.Code != ingest.CodeCutOff || a.Accepted != c.stored || cmp.Diff([]int{c.stored}, a.indexes()) != "" {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
}

// A client that waits for 100 Continue is refused before it sends a body.
func TestRefusedBeforeTheBody(t *testing.T) {
	s := newServer(t)
	a := send(t, listen(t, s), head+"Expect: 100-continue\r\nContent-Length: 99999999999\r\n\r\n")
	if a.status != 413 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

// A connection serves one request after the other, bad ones among them.
func TestConnectionIsKept(t *testing.T) {
	s := newServer(t)
	c, err := net.Dial("tcp", listen(t, s))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	in := bufio.NewReader(c)
	for i, want := range []int{200, 400, 200, 415, 200} {
		body := []string{"{}", "x", "{}\n{}", "{}", "[]"}[i]
		fmt.Fprintf(c, "%sContent-Length: %d\r\nContent-Encoding: %s\r\n\r\n%s", head, len(body), []string{3: "br", 4: ""}[i], body)
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, resp); a.status != want {
			t.Errorf("request %d: %d %s", i, a.status, a.raw)
		}
		resp.Body.Close()
	}
}

// A client that goes away while its records are being stored gets no answer,
// and the request ends as soon as Append does.
func TestClientGoesAway(t *testing.T) {
	s := newServer(t)
	appending, gone := make(chan struct{}), make(chan error, 1)
	addr := listen(t, newServer(t, func(cfg *recordsConfig) {
		cfg.Memory = s.mem
		cfg.Appender = appenderFunc(func(ctx context.Context, _ string, _ lake.Block) error {
			close(appending)
			<-ctx.Done()
			gone <- ctx.Err()
			return ctx.Err()
		})
	}))
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, head+"Content-Length: 2\r\n\r\n{}")
	<-appending
	c.Close()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("Append's context ended with %v", err)
	}
}

// A client that sends too slowly is answered, what it sent completely is kept;
// one that is slow but steady is served.
func TestSlowBody(t *testing.T) {
	for name, c := range map[string]struct {
		pieces int
		pause  time.Duration
		size   int
		status int
	}{
		"stalls":              {2, 2 * ingest.BodyTimeout, 10, 408},
		"trickles":            {1000, ingest.BodyTimeout / 10, 10, 408},
		"is slow, but steady": {20, ingest.BodyTimeout / 4, 600_000, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, func(cfg *recordsConfig) { cfg.MaxBody = 1 << 30 })
				pipe := newPipeListener()
				srv := ingest.NewServer(s, discardLog)
				go srv.Serve(pipe)
				defer srv.Close()
				client := pipe.dial()
				var sending sync.WaitGroup
				sending.Go(func() {
					io.WriteString(client, head+"Transfer-Encoding: chunked\r\n\r\n")
					for range c.pieces {
						line := record(c.size-1) + "\n"
						if _, err := fmt.Fprintf(client, "%x\r\n%s\r\n", len(line), line); err != nil {
							return
						}
						time.Sleep(c.pause)
					}
					io.WriteString(client, "0\r\n\r\n")
				})
				resp, err := http.ReadResponse(bufio.NewReader(client), nil)
				if err != nil {
					t.Fatal(err)
				}
				a := readAnswer(t, resp)
				resp.Body.Close()
				if a.status != c.status || a.Accepted < 1 || (c.status == 200) != (a.Accepted == c.pieces) {
					t.Errorf("%d %s", a.status, a.raw)
				}
				client.Close()
				sending.Wait()
			})
		})
	}
}

// A client that does not take its answer holds no memory for long.
func TestSlowAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		pipe := newPipeListener()
		srv := ingest.NewServer(s, discardLog)
		go srv.Serve(pipe)
		defer srv.Close()
		client := pipe.dial()
		defer client.Close()
		fmt.Fprintf(client, "%sContent-Length: 20000\r\n\r\n%s", head, strings.Repeat("x\n", 10_000))
		synctest.Wait() // the server writes, nobody reads
		if held := s.mem.InUse(); held == 0 || held > 256<<10 {
			t.Errorf("%d bytes are held for the answer", held)
		}
		time.Sleep(ingest.BodyTimeout + time.Second)
		synctest.Wait()
		if held := s.mem.InUse(); held != 0 {
			t.Errorf("%d bytes are still held", held)
		}
	})
}

// pipeListener accepts connections that need no network, and whose deadlines
// follow the test's clock.
type pipeListener struct {
	conns  chan net.Conn // dial sends, Accept receives
	closed chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{make(chan net.Conn), make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error   { close(l.closed); return nil }
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }
