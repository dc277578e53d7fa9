package store_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
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
	return p.answer != nil && p.answer(w, r)
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

func TestGetTakesUpABrokenConnection(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	data := random(1 << 20)
	put(t, s, "a", data)
	for _, r := range [][2]int64{{0, -1}, {0, 1 << 20}, {1000, -1}, {1000, 900_000}} {
		want := data[r[0]:]
		if r[1] >= 0 {
			want = want[:r[1]]
		}
		p.set(nil, cutBody(300_000))
		got, err := get(t, s, "a", r[0], r[1])
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes, %v", r, len(got), err)
		}
		if n := p.count("get"); n < 4 { // a proxy loses some of what it read
			t.Errorf("%v: %d requests", r, n)
		}
	}
	p.set(nil, cutBody(0))
	if got, err := get(t, s, "a", 0, -1); err == nil || !store.Retryable(err) || len(got) != 0 {
		t.Errorf("no byte ever comes: %d bytes, %v", len(got), err)
	}
}

func TestGetNeverMixesVersions(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	put(t, s, "a", bytes.Repeat([]byte("1"), 1<<20))
	p.set(nil, cutBody(100_000))
	body, err := s.Get(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", bytes.Repeat([]byte("2"), 1<<20))
	rest, err := io.ReadAll(body)
	if err == nil || !store.Retryable(err) || bytes.Contains(rest, []byte("2")) || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

// A server or a cache between that ignores or bends the range is found out.
func TestGetChecksTheRange(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	put(t, s, "a", random(1000))
	for _, header := range []string{"", "bytes 0-9/1000", "bytes 11-20/1000", "garbage"} {
		p.set(nil, func(r *http.Response) error {
			r.Header.Set("Content-Range", header)
			return nil
		})
		if got, err := get(t, s, "a", 10, 10); err == nil {
			t.Errorf("%q: %d bytes", header, len(got))
		}
	}
}

func TestFailedUploadIsAborted(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	put(t, s, "a", []byte("before"))
	data := random(40 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		answer func(w http.ResponseWriter, r *http.Request) bool
		aborts int
		passes bool
	}{
		{"create refused", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "create" && fail(w, 403, "AccessDenied")
		}, 0, false},
		{"part refused", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "part 2" && fail(w, 403, "AccessDenied")
		}, 1, false},
		{"completion refused", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "complete" && fail(w, 400, "InvalidPart")
		}, 1, false},
		{"completion fails within a 200", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "complete" && fail(w, 200, "InternalError")
		}, 1, true},
		{"caller goes away", ctx, func(w http.ResponseWriter, r *http.Request) bool {
			if operation(r) == "part 2" {
				cancel()
			}
			return false
		}, 1, false},
	} {
		p.set(tc.answer, nil)
		if err := s.Put(tc.ctx, "a", bytes.NewReader(data), int64(len(data))); err == nil || store.Retryable(err) != tc.passes {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n := p.count("abort"); n != tc.aborts {
			t.Errorf("%s: %d aborts", tc.name, n)
		}
		if n := p.unfinished(t); n != 0 && tc.ctx != ctx { // what is broken off on its way may arrive
			t.Errorf("%s: %d unfinished uploads", tc.name, n)
		}
	}
	p.set(nil, nil)
	if got, err := get(t, s, "a", 0, -1); err != nil || string(got) != "before" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What passes is tried again, the body from its beginning.
func TestPassingFaults(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	for name, size := range map[string]int{"small": 1000, "parts": 20 << 20} {
		failed := map[string]bool{}
		p.set(func(w http.ResponseWriter, r *http.Request) bool {
			op := operation(r)
			if failed[op] {
				return false
			}
			failed[op] = true
			if op == "part 2" || op == "put" { // the body is half way
				io.CopyN(io.Discard, r.Body, 500)
				panic(http.ErrAbortHandler)
			}
			return fail(w, 503, "SlowDown")
		}, nil)
		data := random(size)
		put(t, s, name, data)
		if got, err := get(t, s, name, 0, -1); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if len(list(t, s, "")) == 0 || len(failed) < 3 {
			t.Errorf("%s: failed %v", name, failed)
		}
	}
}

// A completion that the server carried out but whose answer was lost leaves the
// object whole; the caller who hears of a failure stores it again.
func TestLostAnswer(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	data := random(20 << 20)
	p.set(nil, func(r *http.Response) error {
		if operation(r.Request) == "complete" && r.StatusCode == http.StatusOK {
			return errors.New("lost")
		}
		return nil
	})
	err := s.Put(t.Context(), "a", bytes.NewReader(data), int64(len(data)))
	if err != nil && !store.Retryable(err) {
		t.Errorf("put: %v", err)
	}
	p.set(nil, nil)
	if got, err := get(t, s, "a", 0, -1); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	put(t, s, "a", data)
	if n := p.unfinished(t); n != 0 {
		t.Errorf("%d unfinished uploads", n)
	}
}

// A configuration that cannot work is an error of Open that says what to do.
func TestOpenSaysWhatIsWrong(t *testing.T) {
	server := s3test.Run(t)
	good := store.S3{Endpoint: server.Endpoint, PathStyle: true}
	for name, tc := range map[string]struct {
		root string
		s3   store.S3
		env  map[string]string
		want string
	}{
		"no bucket":      {"s3://no-such-bucket/x", good, nil, "create the bucket no-such-bucket"},
		"wrong secret":   {"s3://lake", good, map[string]string{"AWS_SECRET_ACCESS_KEY": "wrong"}, "AWS_SECRET_ACCESS_KEY"},
		"no credentials": {"s3://lake", good, map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "AWS_ACCESS_KEY_ID"},
		"wrong region":   {"s3://lake", store.S3{Endpoint: server.Endpoint, PathStyle: true, Region: "eu-west-1"}, nil, "s3.region"},
		"bad endpoint":   {"s3://lake", store.S3{Endpoint: "127.0.0.1:9000"}, nil, "http://host:port"},
		"no name":        {"s3:///x", good, nil, "has no bucket"},
		"scheme":         {"gs://x/y", good, nil, "unknown scheme"},
		"empty":          {"", good, nil, "no location"},
		"relative file":  {"file://lake/x", good, nil, "not absolute"},
		"dots":           {"file:///lake/../x", good, nil, `".."`},
		"whole disk":     {"file:///", good, nil, "root folder"},
	} {
		t.Run(name, func(t *testing.T) {
			for key, value := range tc.env {
				t.Setenv(key, value)
			}
			_, err := store.Open(t.Context(), tc.root, store.Config{S3: tc.s3})
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

// What AWS answers, by its error reference, and what a web server that is no
// object store does.
func TestAdvice(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	var status int
	var code string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if operation(r) == "list" {
			fmt.Fprint(w, "<ListBucketResult></ListBucketResult>")
			return
		}
		w.Header().Set("X-Amz-Bucket-Region", "eu-central-1")
		fail(w, status, code)
	}))
	defer server.Close()
	s := open(t, "s3://lake", store.Config{S3: store.S3{Endpoint: server.URL, PathStyle: true}})
	for _, tc := range []struct {
		status    int
		code      string
		advice    string
		retryable bool
		absent    bool
	}{
		{404, "NoSuchKey", "", false, true},
		{404, "NoSuchBucket", "create the bucket lake", false, false},
		{404, "Whatever", "", false, false},
		{403, "AccessDenied", "s3:PutObject", false, false},
		{403, "Whatever", "s3:PutObject", false, false},
		{403, "InvalidAccessKeyId", "AWS_ACCESS_KEY_ID", false, false},
		{403, "SignatureDoesNotMatch", "AWS_SECRET_ACCESS_KEY", false, false},
		{401, "Whatever", "AWS_SECRET_ACCESS_KEY", false, false},
		{400, "ExpiredToken", "renew", true, false},
		{403, "RequestTimeTooSkewed", "clock", false, false},
		{301, "PermanentRedirect", "set s3.region to eu-central-1", false, false},
		{400, "AuthorizationHeaderMalformed", "set s3.region to eu-central-1", false, false},
		{400, "InvalidRequest", "", false, false},
		{400, "RequestTimeout", "", true, false},
		{409, "OperationAborted", "", true, false},
		{429, "TooManyRequests", "", true, false},
		{503, "SlowDown", "", true, false},
		{500, "InternalError", "", true, false},
		{502, "Whatever", "", true, false},
	} {
		status, code = tc.status, tc.code
		_, err := s.Get(t.Context(), "a", 0, -1)
		if err == nil || !strings.Contains(err.Error(), tc.advice) || store.Retryable(err) != tc.retryable || errors.Is(err, fs.ErrNotExist) != tc.absent {
			t.Errorf("%d %s: %v; retryable %v", tc.status, tc.code, err, store.Retryable(err))
		}
	}
}

// A service that is down at the start keeps nobody from opening.
func TestOpenWithoutAService(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	down := httptest.NewServer(nil)
	down.Close()
	var log bytes.Buffer
	s := open(t, "s3://lake", store.Config{
		S3: store.S3{Endpoint: down.URL, PathStyle: true}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if !strings.Contains(log.String(), "does not answer") {
		t.Errorf("logged %q", log.String())
	}
	err := s.Put(t.Context(), "a", strings.NewReader("x"), 1)
	if !store.Retryable(err) || !strings.HasPrefix(err.Error(), "put object s3://lake/a: ") {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Stat(t.Context(), "a"); !store.Retryable(err) || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat: %v", err)
	}
}

// What others put into the bucket and no key can name stays out of lists.
func TestListLeavesOutForeignNames(t *testing.T) {
	server := s3test.Run(t)
	s := open(t, "s3://lake/p", store.Config{S3: store.S3{Endpoint: server.Endpoint, PathStyle: true}})
	put(t, s, "t/a", []byte("x"))
	cfg, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(cfg, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(server.Endpoint), true })
	if _, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("lake"), Key: aws.String("p/t/marker/")}); err != nil {
		t.Fatal(err)
	}
	if keys := list(t, s, ""); len(keys) != 1 || keys[0] != "t/a" {
		t.Errorf("listed %q", keys)
	}
	if _, err := os.Stat(server.File("p/t/a")); err != nil {
		t.Error(err)
	}
}
