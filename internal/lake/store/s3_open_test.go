package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/lake/store"
	"sluice/internal/s3test"
)

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
		{403, "RequestTimeTooSkewed", "clock", true, false},
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

// A clock that is wrong, as it may be until the network has set it, keeps nobody
// from opening: what is received meanwhile is delivered when it is right.
func TestOpenWithAWrongClock(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	t.Setenv("AWS_MAX_ATTEMPTS", "1")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fail(w, 403, "RequestTimeTooSkewed") }))
	defer server.Close()
	var log bytes.Buffer
	open(t, "s3://lake", store.Config{
		S3: store.S3{Endpoint: server.URL, PathStyle: true}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if !strings.Contains(log.String(), "set this machine's clock") {
		t.Errorf("logged %q", log.String())
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
