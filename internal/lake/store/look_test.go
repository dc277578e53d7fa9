package store

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// A service that does not answer is an outage, which Open goes on without: a
// process that starts meanwhile receives. A context that ends is none.
func TestLookIsPatientOnlyForAWhile(t *testing.T) {
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(over)
	t.Setenv("AWS_ACCESS_KEY_ID", "a")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "b")
	client, err := newClient(t.Context(), S3{Endpoint: server.URL, PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	b := &bucket{client: client, name: aws.String("lake")}
	if err := classify("list", "s3://lake", b.look(t.Context(), 20*time.Millisecond), b.advise); !Retryable(err) {
		t.Errorf("no answer in time: %v; want an error that passes", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := classify("list", "s3://lake", b.look(ended, time.Hour), b.advise); Retryable(err) || !errors.Is(err, context.Canceled) {
		t.Errorf("an ended context: %v", err)
	}
}
