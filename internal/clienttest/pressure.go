package clienttest

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"sync"
	"testing"
)

// A Pressure is a proxy that refuses some of what comes, each batch once: in turn it
// says that there is no room (503), that it is too fast (429), and it passes a batch
// on and loses the answer (502), so that it is stored and sent again.
type Pressure struct {
	URL string
	// Statuses are the answers it gives in turn; change them before anything is sent.
	Statuses []int

	t        testing.TB
	target   string
	identity *regexp.Regexp
	from, to int

	mu      sync.Mutex // guards what follows
	batches map[string]bool
	refused map[int]int // by status
}

// NewPressure stands before the server at target. identity matches what a batch that
// is sent again has in common with the first time; of the batches, those from from
// (counted from 0) up to before to are refused.
func NewPressure(t testing.TB, target, identity string, from, to int) *Pressure {
	t.Helper()
	p := &Pressure{t: t, target: target, identity: regexp.MustCompile(identity), from: from, to: to,
		Statuses: []int{http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusBadGateway},
		batches:  map[string]bool{}, refused: map[int]int{}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.URL = s.URL
	return p
}

// Refused is how many batches were answered with a status.
func (p *Pressure) Refused(status int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused[status]
}

func (p *Pressure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		p.t.Errorf("read a request: %v", err)
	}
	status := p.verdict(body)
	if status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(status)
		return
	}
	out, err := http.NewRequestWithContext(r.Context(), r.Method, p.target+r.URL.RequestURI(), bytes.NewReader(body))
	if err != nil {
		p.t.Errorf("pass a request on: %v", err)
		return
	}
	out.Header = r.Header.Clone()
	resp, err := http.DefaultTransport.RoundTrip(out)
	if err != nil {
		p.t.Errorf("pass a request on: %v", err)
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	defer resp.Body.Close()
	if status != http.StatusOK {
		w.WriteHeader(status)
		return
	}
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		p.t.Errorf("%s %s was answered %s: %s", r.Method, r.URL.Path, resp.Status, text)
	}
	for name, values := range resp.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(resp.StatusCode)
	io.Copy(w, resp.Body)
}

// verdict is the status to refuse a batch with, 200 for none.
func (p *Pressure) verdict(body []byte) int {
	text := body
	if len(body) > 2 && body[0] == 0x1f && body[1] == 0x8b {
		z, err := gzip.NewReader(bytes.NewReader(body))
		if err == nil {
			text, err = io.ReadAll(z)
		}
		if err != nil {
			p.t.Errorf("a body that is no gzip: %v", err)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	id := string(p.identity.Find(text))
	if id == "" {
		id = strconv.Itoa(len(p.batches))
	}
	if p.batches[id] {
		return http.StatusOK
	}
	n := len(p.batches)
	p.batches[id] = true
	if n < p.from || n >= p.to {
		return http.StatusOK
	}
	status := p.Statuses[n%len(p.Statuses)]
	p.refused[status]++
	return status
}
