package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
)

// A recorder stands between an engine and the catalog and keeps what is asked.
type recorder struct {
	*httptest.Server

	mu    sync.Mutex // guards what follows
	calls map[string]int
	asked []string // the expressions of GetPartitions, of those with one
}

// record forwards to the server at target, with the header Host as it was, which is
// signed.
func record(target string) (*recorder, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	r := &recorder{calls: map[string]int{}}
	proxy := &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(u)
		p.Out.Host = p.In.Host
	}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		q.Body = io.NopCloser(bytes.NewReader(body))
		r.note(strings.TrimPrefix(q.Header.Get("X-Amz-Target"), "AWSGlue."), body)
		proxy.ServeHTTP(w, q)
	}))
	return r, nil
}

func (r *recorder) note(operation string, body []byte) {
	var in struct{ Expression string }
	json.Unmarshal(body, &in)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls[operation]++
	if operation == "GetPartitions" && in.Expression != "" {
		r.asked = append(r.asked, in.Expression)
	}
}

// expressions are those since the last call.
func (r *recorder) expressions() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.asked
	r.asked = nil
	return out
}
