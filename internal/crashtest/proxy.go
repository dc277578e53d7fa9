package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"time"
)

// A fault is what a proxy does to requests in a phase.
type fault string

const (
	refuse   fault = "refused"   // nobody listens
	snap     fault = "broken"    // the connection breaks before the request is carried out
	hang     fault = "hanging"   // no answer until the phase is over
	fail     fault = "500"       // an error of the server's
	throttle fault = "throttled" // the service asks for less
	slow     fault = "slow"      //
	drop     fault = "unheard"   // carried out, and the connection breaks before the answer
	late     fault = "late"      // carried out, and no answer until the phase is over
	truncate fault = "truncated" // carried out, and the connection breaks in the answer
	deny     fault = "denied"    // an error that no client tries again
)

var faults = []fault{refuse, snap, hang, fail, throttle, slow, drop, late, truncate}

// replies are the errors of a service: status and body of each.
type replies map[fault]reply

type reply struct {
	status int
	body   string
}

var (
	s3Replies = replies{
		fail:     {http.StatusInternalServerError, "something went wrong"},
		throttle: {http.StatusServiceUnavailable, `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"},
		// Not denied: a server that starts takes that for a wrong configuration.
	}
	glueReplies = replies{
		fail:     {http.StatusInternalServerError, `{"__type":"InternalServiceException","Message":"something went wrong"}`},
		throttle: {http.StatusBadRequest, `{"__type":"ThrottlingException","Message":"Rate exceeded"}`},
		deny:     {http.StatusBadRequest, `{"__type":"AccessDeniedException","Message":"not authorized"}`},
	}
)

// A proxy stands before a service and fails in phases.
type proxy struct {
	name    string // in the report
	says    replies
	forward *httputil.ReverseProxy
	addr    string
	calm    *calm
	rep     *report
	busy    chan struct{} // capacity 1: held by who has it fail

	mu     sync.Mutex
	rng    *rand.Rand // guarded by mu
	server *http.Server
	now    *phase // nil: healthy; guarded by mu
}

type phase struct {
	fault fault
	share float64       // of the requests
	over  chan struct{} // closed at the end
	met   sync.WaitGroup
}

// errDropped has the reverse proxy break the connection.
var errDropped = errors.New("answer dropped")

// newProxy listens on loopback, on a port that no outgoing connection takes while
// the proxy refuses its own.
func newProxy(name, target string, says replies, rng *rand.Rand, c *calm, rep *report) (*proxy, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	p := &proxy{name: name, says: says, calm: c, rep: rep, rng: rng, busy: make(chan struct{}, 1)}
	p.forward = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(u)
			r.Out.Host = r.In.Host // it is signed
		},
		// Accept-Encoding is signed too: nothing may be added.
		Transport:      &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
		ModifyResponse: p.spoil,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		ErrorLog:       log.New(io.Discard, "", 0),
	}
	for range 50 {
		p.addr = fmt.Sprintf("127.0.0.1:%d", 15000+rng.IntN(15000))
		if err = p.listen(); err == nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("start proxy of %s: %w", name, err)
}

func (p *proxy) url() string { return "http://" + p.addr }

// listen begins to accept connections.
func (p *proxy) listen() error {
	l, err := net.Listen("tcp", p.addr)
	if err != nil {
		return err
	}
	p.server = &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	go p.server.Serve(l)
	return nil
}

// close ends the proxy.
func (p *proxy) close() { p.server.Close() }

// run goes through phases, with health in between, until ctx ends; then all is
// healthy.
func (p *proxy) run(ctx context.Context, rng *rand.Rand, length time.Duration) error {
	for sleep(ctx, between(rng, length/20, length)) {
		kinds := faults
		if _, ok := p.says[deny]; ok {
			kinds = append(slices.Clone(faults), deny, deny)
		}
		ph := &phase{fault: kinds[rng.IntN(len(kinds))], share: []float64{1, 1, 0.5, 0.2}[rng.IntN(4)], over: make(chan struct{})}
		if ph.fault == refuse {
			ph.share = 1
		}
		took := between(rng, length/20, length*5/4)
		if !p.take(ctx) {
			return nil
		}
		p.rep.phase(p.name + " " + string(ph.fault))
		p.rep.tell("%s %s for %v, %.0f %% of the requests", p.name, ph.fault, took.Round(time.Millisecond), 100*ph.share)
		err := p.fail(ctx, ph, took)
		p.give()
		if err != nil {
			return err
		}
	}
	return nil
}

// fail is one phase, to its end; the proxy is taken.
func (p *proxy) fail(ctx context.Context, ph *phase, took time.Duration) error {
	healed := p.calm.disturb()
	p.set(ph)
	if ph.fault == refuse {
		p.server.Close()
	}
	sleep(ctx, took)
	p.set(nil)
	close(ph.over)
	// A request that met the phase breaks now at the latest: who shares its fate is
	// not undisturbed.
	ph.met.Wait()
	if ph.fault == refuse {
		if err := p.relisten(); err != nil {
			return err
		}
	}
	healed()
	return nil
}

// take waits until nobody has the proxy fail; false when ctx ends before.
func (p *proxy) take(ctx context.Context) bool {
	select {
	case p.busy <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *proxy) give() { <-p.busy }

// relisten takes the port again, which the kernel may not give at once.
func (p *proxy) relisten() (err error) {
	for range 50 {
		if err = p.listen(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("bring the proxy of %s back: %w", p.name, err)
}

func (p *proxy) set(ph *phase) {
	p.mu.Lock()
	p.now = ph
	p.mu.Unlock()
}

// draw is the phase whose fault a request meets; nil for none. The caller says when
// the request is over (met).
func (p *proxy) draw() *phase {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now == nil || p.rng.Float64() >= p.now.share {
		return nil
	}
	p.now.met.Add(1)
	return p.now
}

// dice is a random number below n.
func (p *proxy) dice(n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rng.IntN(n)
}

type phaseKey struct{}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The whole body first: were it passed on while it comes, an answer that comes
	// before its end was seen would break the connection, in healthy times too.
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(bytes.NewReader(body)), int64(len(body)), nil
	ph := p.draw()
	if ph == nil {
		p.forward.ServeHTTP(w, r)
		return
	}
	defer ph.met.Done()
	switch ph.fault {
	case refuse, snap:
		panic(http.ErrAbortHandler)
	case hang:
		wait(r.Context(), ph.over)
		panic(http.ErrAbortHandler)
	case fail, throttle, deny:
		w.WriteHeader(p.says[ph.fault].status)
		io.WriteString(w, p.says[ph.fault].body)
		return
	case slow:
		sleep(r.Context(), time.Duration(20+p.dice(700))*time.Millisecond)
	}
	p.forward.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), phaseKey{}, ph)))
}

// spoil is what happens to the answer of a request that was carried out.
func (p *proxy) spoil(resp *http.Response) error {
	ph, _ := resp.Request.Context().Value(phaseKey{}).(*phase)
	if ph == nil {
		return nil
	}
	switch ph.fault {
	case drop, late:
		io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if ph.fault == late {
			wait(resp.Request.Context(), ph.over)
		}
		return errDropped
	case truncate:
		if resp.ContentLength <= 1 {
			return errDropped
		}
		resp.Body = &shortBody{resp.Body, int64(p.dice(int(min(resp.ContentLength, 1<<30))))}
	}
	return nil
}

// shortBody breaks after some bytes.
type shortBody struct {
	io.ReadCloser
	left int64
}

func (b *shortBody) Read(buf []byte) (int, error) {
	if b.left == 0 {
		return 0, errDropped
	}
	n, err := b.ReadCloser.Read(buf[:min(int64(len(buf)), b.left)])
	b.left -= int64(n)
	return n, err
}

// wait waits for either.
func wait(ctx context.Context, over <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-over:
	}
}

// sleep waits for d; false if ctx ended before.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
