package store_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/lake/store"
	"sluice/internal/s3test"
)

// A faultyPath is a proxy before a real server. The hooks may be nil.
type faultyPath struct {
	server *s3test.Server
	url    string

	mu       sync.Mutex // guards what follows
	requests []string
	// answer may answer a request itself: true keeps it from the server.
	answer func(w http.ResponseWriter, r *http.Request) bool
	// spoil may change what the server answered.
	spoil func(*http.Response) error
}

func startFaultyPath(t *testing.T) *faultyPath {
	t.Helper()
	p := &faultyPath{server: s3test.Run(t)}
	t.Setenv("AWS_MAX_ATTEMPTS", "2") // the pauses between attempts are long
	target, err := url.Parse(p.server.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(r *http.Response) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.spoil == nil {
				return nil
			}
			return p.spoil(r)
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	front := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.intercept(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	front.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	front.Start()
	t.Cleanup(front.Close)
	p.url = front.URL
	return p
}

func (p *faultyPath) intercept(w http.ResponseWriter, r *http.Request) (answered bool) {
	p.mu.Lock()
	defer p.mu.Unlock() // also where answer panics to break the connection
	p.requests = append(p.requests, operation(r))
	answered = p.answer != nil && p.answer(w, r)
	if answered {
		io.Copy(io.Discard, r.Body) // a connection closed with some of it unread may lose the answer
	}
	return answered
}

// operation names an S3 request.
func operation(r *http.Request) string {
	q := r.URL.Query()
	switch {
	case q.Has("list-type"):
		return "list"
	case q.Has("uploads"):
		return "create"
	case q.Has("partNumber"):
		return "part " + q.Get("partNumber")
	case q.Has("uploadId") && r.Method == http.MethodPost:
		return "complete"
	case q.Has("uploadId") && r.Method == http.MethodDelete:
		return "abort"
	}
	return strings.ToLower(r.Method)
}

func (p *faultyPath) set(answer func(http.ResponseWriter, *http.Request) bool, spoil func(*http.Response) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer, p.spoil, p.requests = answer, spoil, nil
}

func (p *faultyPath) count(op string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.requests {
		if r == op {
			n++
		}
	}
	return n
}

func (p *faultyPath) open(t *testing.T) store.Store {
	t.Helper()
	return open(t, "s3://"+s3test.Bucket, store.Config{S3: store.S3{Endpoint: p.url, PathStyle: true}})
}

// unfinished counts the multipart uploads that the server holds.
func (p *faultyPath) unfinished(t *testing.T) int {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(p.server.Endpoint), true })
	out, err := client.ListMultipartUploads(t.Context(), &s3.ListMultipartUploadsInput{Bucket: aws.String(s3test.Bucket)})
	if err != nil {
		t.Fatal(err)
	}
	return len(out.Uploads)
}

// cutBody breaks off after some bytes of a body.
func cutBody(after int64) func(*http.Response) error {
	return func(r *http.Response) error {
		if r.Request.Method == http.MethodGet && r.StatusCode < 300 && !r.Request.URL.Query().Has("list-type") {
			r.Body = &cutReader{r.Body, after}
		}
		return nil
	}
}

type cutReader struct {
	io.ReadCloser
	left int64
}

func (c *cutReader) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errors.New("cut")
	}
	n, err := c.ReadCloser.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}

func fail(w http.ResponseWriter, status int, code string) bool {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>injected</Message></Error>", code)
	return true
}
