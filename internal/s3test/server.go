// Package s3test starts a real S3-compatible server, versitygw, for tests. It
// keeps objects as plain files, so that a test can look at them, spoil them or
// take them away.
//
// The program is found through $TEST_VERSITYGW, in PATH, or where
// "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0" puts it. A test
// is skipped, with the reason, where it is in none of these places.
package s3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const (
	program = "versitygw"
	install = "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0"

	accessKey = "sluice-test"
	secretKey = "sluice-test-secret"

	// Region is the server's.
	Region = "us-east-1"
	// Bucket is there from the start.
	Bucket = "lake"

	startTimeout = 30 * time.Second
	startTries   = 3 // another process may take the port between our look and the server's
)

// A Server is a running server on a loopback port. It has path-style addresses
// only.
type Server struct {
	Endpoint string // http://127.0.0.1:port
	Dir      string // a folder for each bucket, a file for each object
}

// Start runs a server until the test ends and returns its endpoint and a bucket.
// It points the AWS environment, credentials and region, at the server, which is
// why the test cannot be parallel.
func Start(t testing.TB) (endpoint, bucket string) {
	t.Helper()
	return Run(t).Endpoint, Bucket
}

// Run is Start for a test that also looks into the server's folder.
func Run(t testing.TB) *Server {
	t.Helper()
	path, err := Find()
	if errors.Is(err, ErrNotFound) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
	for key, value := range Environment() {
		t.Setenv(key, value)
	}
	s, stop, err := Launch(path, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if output := stop(); t.Failed() {
			t.Logf("%s said:\n%s", program, output)
		}
	})
	return s
}

// Launch runs the server at path with folders of its own in dir, which is empty
// or an earlier server's, until stop is called; that returns the end of what the
// server said. The caller gives clients the Environment.
func Launch(path, dir string) (s *Server, stop func() (output string), err error) {
	s = &Server{Dir: filepath.Join(dir, "buckets")}
	sidecar := filepath.Join(dir, "sidecar") // the folder's file system need not have extended attributes
	for _, folder := range []string{filepath.Join(s.Dir, Bucket), sidecar} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return nil, nil, err
		}
	}
	for range startTries {
		if s.Endpoint, stop, err = launch(path, s.Dir, sidecar); err == nil {
			return s, stop, nil
		}
	}
	return nil, nil, fmt.Errorf("start %s: %w", path, err)
}

// File is where the server keeps the object of that key.
func (s *Server) File(key string) string {
	return filepath.Join(s.Dir, Bucket, filepath.FromSlash(key))
}

// ErrNotFound is what Find's error wraps when the program is not installed.
var ErrNotFound = errors.New("no " + program + " in $TEST_VERSITYGW, PATH or GOPATH/bin: " + install)

// Find is the path of the server's program.
func Find() (string, error) {
	if path := os.Getenv("TEST_VERSITYGW"); path != "" {
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("TEST_VERSITYGW: %w", err)
		}
		return path, nil
	}
	if path, err := exec.LookPath(program); err == nil {
		return path, nil
	}
	if out, err := exec.Command("go", "env", "GOPATH").Output(); err == nil {
		path := filepath.Join(string(bytes.TrimSpace(out)), "bin", program)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", ErrNotFound
}

// Environment is what a process needs in order to reach the server: its
// credentials and region, and nothing that this machine knows of AWS.
func Environment() map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID":           accessKey,
		"AWS_SECRET_ACCESS_KEY":       secretKey,
		"AWS_SESSION_TOKEN":           "",
		"AWS_REGION":                  Region,
		"AWS_PROFILE":                 "",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_ENDPOINT_URL":            "",
		"AWS_ENDPOINT_URL_S3":         "",
		"AWS_EC2_METADATA_DISABLED":   "true",
	}
}

func launch(path, dir, sidecar string) (endpoint string, stop func() string, err error) {
	addr, err := freeAddress()
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	var output lockedBuffer
	cmd := exec.Command(path, "--port", addr, "--region", Region, "--keep-alive", "posix", "--sidecar", sidecar, dir)
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+accessKey, "ROOT_SECRET_KEY="+secretKey)
	cmd.Stdout, cmd.Stderr = &output, &output
	endWithUs(cmd)
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait() // how it ended, its output says
		close(exited)
	}()
	stop = func() string {
		cmd.Process.Kill()
		<-exited
		return output.tail(8 << 10)
	}
	if err := awaitAnswer(ctx, "http://"+addr, exited); err != nil {
		return "", nil, fmt.Errorf("%w; it said:\n%s", err, stop())
	}
	return "http://" + addr, stop, nil
}

// freeAddress is a loopback address that nobody listened on a moment ago.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// awaitAnswer asks until the server answers anything at all.
func awaitAnswer(ctx context.Context, url string, exited <-chan struct{}) error {
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			return resp.Body.Close()
		}
		select {
		case <-exited:
			return errors.New("the server ended")
		case <-ctx.Done():
			return fmt.Errorf("no answer in %v", startTimeout)
		case <-ticker.C:
		}
	}
}

// A lockedBuffer takes the server's output while the test may read it.
type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) tail(n int) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.b.Bytes()
	return string(all[max(0, len(all)-n):])
}
