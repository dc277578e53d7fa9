package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Each fault is seen by the client, and the request is carried out or is not, as
// the fault says; when the phase is over all is well.
func TestProxy(t *testing.T) {
	var applied atomic.Int64
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		applied.Add(1)
		io.WriteString(w, strings.Repeat("well ", 100))
	}))
	defer target.Close()
	rep := newReport(config{})
	p, err := newProxy("test", target.URL, s3Replies, rand.New(rand.NewPCG(1, 1)), &calm{}, rep)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	for f, want := range map[fault]struct {
		applied int64
		status  int // 0: no whole answer
	}{
		snap: {0, 0}, hang: {0, 0}, fail: {0, 500}, throttle: {0, 503}, slow: {1, 200}, drop: {1, 0}, late: {1, 0}, truncate: {1, 0},
	} {
		applied.Store(0)
		ph := &phase{fault: f, share: 1, over: make(chan struct{})}
		p.set(ph)
		status := make(chan int, 1)
		go func() { status <- call(t.Context(), p.url()) }()
		if f == hang || f == late {
			select {
			case <-status:
				t.Errorf("%s: an answer before the phase was over", f)
			case <-time.After(50 * time.Millisecond):
			}
			close(ph.over)
		}
		if got := <-status; got != want.status || applied.Load() != want.applied {
			t.Errorf("%s: status %d, carried out %d times; want %d, %d", f, got, applied.Load(), want.status, want.applied)
		}
		p.set(nil)
		if got := call(t.Context(), p.url()); got != 200 {
			t.Errorf("after %s: %d", f, got)
		}
	}
}

// A phase is over, and all is calm, only when the requests that met it are.
func TestPhaseEnds(t *testing.T) {
	reached, release := make(chan struct{}), make(chan struct{})
	target := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(reached)
		<-release
	}))
	defer target.Close()
	c := &calm{}
	p, err := newProxy("test", target.URL, s3Replies, rand.New(rand.NewPCG(1, 1)), c, newReport(config{}))
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ctx, end := context.WithCancel(t.Context())
	ph := &phase{fault: drop, share: 1, over: make(chan struct{})}
	p.set(ph)
	go call(t.Context(), p.url())
	<-reached
	failed := make(chan error, 1)
	go func() { failed <- p.fail(ctx, ph, time.Hour) }()
	end()
	<-ph.over
	select {
	case <-failed:
		close(release)
		t.Fatal("over while a request that met it is under way")
	case <-time.After(50 * time.Millisecond):
		if c.watch(&instance{})() {
			t.Error("calm while a request that met it is under way")
		}
	}
	close(release)
	if err := <-failed; err != nil || !c.watch(&instance{})() {
		t.Errorf("afterwards: %v, calm %t", err, c.watch(&instance{})())
	}
}

// A proxy that refuses comes back, and is well when its run has ended.
func TestProxyRun(t *testing.T) {
	target := httptest.NewServer(http.NotFoundHandler())
	defer target.Close()
	c, rep := &calm{}, newReport(config{})
	p, err := newProxy("test", target.URL, glueReplies, rand.New(rand.NewPCG(2, 2)), c, rep)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := p.run(ctx, rand.New(rand.NewPCG(3, 3)), 20*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if got := call(t.Context(), p.url()); got != 404 || len(rep.phases) < 3 {
		t.Errorf("after phases %v: %d", rep.phases, got)
	}
	if !c.watch(&instance{})() {
		t.Error("still disturbed")
	}
}

// call is the status of a whole answer, 0 for none.
func call(ctx context.Context, url string) int {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader("body"))
	if err != nil {
		return 0
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0
	}
	return resp.StatusCode
}
