package store_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"sluice/internal/lake/store"
	"sluice/internal/s3test"
)

// A version that was replaced after it was listed is not removed.
func TestRemove(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a/b", []byte("one"))
		old, err := s.Stat(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, "a/b", []byte("another"))
		if err := s.Remove(t.Context(), old); !errors.Is(err, store.ErrChanged) {
			t.Errorf("remove of a version that is gone: %v, want ErrChanged", err)
		}
		if got, err := get(t, s, "a/b", 0, -1); err != nil || string(got) != "another" {
			t.Errorf("after it: %q, %v", got, err)
		}
		now, err := s.Stat(t.Context(), "a/b")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second finds nothing
			if err := s.Remove(t.Context(), now); err != nil {
				t.Errorf("remove: %v", err)
			}
		}
		if keys := list(t, s, ""); len(keys) != 0 {
			t.Errorf("left: %v", keys)
		}
	})
}

// The store's time is that of the objects it keeps.
func TestNow(t *testing.T) {
	each(t, func(t *testing.T, s store.Store) {
		put(t, s, "a", []byte("x"))
		o, err := s.Stat(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		now, err := s.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d := now.Sub(o.Modified); d < -time.Second || d > time.Hour {
			t.Errorf("an object just put was modified %v ago", d)
		}
		if keys := list(t, s, ""); len(keys) != 1 {
			t.Errorf("asking left something: %v", keys)
		}
	})
}

func unfinished(t *testing.T, s store.Store) (list []store.Unfinished) {
	t.Helper()
	for u, err := range s.Unfinished(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, u)
	}
	return list
}

// What a killed upload left is found and discarded, and not what others are about to
// put elsewhere in the bucket.
func TestUnfinishedUploads(t *testing.T) {
	endpoint, bucket := s3test.Start(t)
	s := open(t, "s3://"+bucket+"/some/prefix", store.Config{S3: store.S3{Endpoint: endpoint, PathStyle: true}})
	loaded, err := config.LoadDefaultConfig(t.Context(), config.WithDefaultRegion("us-east-1"))
	if err != nil {
		t.Fatal(err)
	}
	client := s3.NewFromConfig(loaded, func(o *s3.Options) { o.BaseEndpoint, o.UsePathStyle = aws.String(endpoint), true })
	for _, key := range []string{"some/prefix/t/x.parquet", "some/prefixed/y.parquet"} {
		if _, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: aws.String(key)}); err != nil {
			t.Fatal(err)
		}
	}
	found := unfinished(t, s)
	if len(found) != 1 || found[0].Key != "t/x.parquet" || found[0].Begun.IsZero() {
		t.Fatalf("unfinished: %+v, want that of t/x.parquet", found)
	}
	for range 2 {
		if err := s.Discard(t.Context(), found[0]); err != nil {
			t.Errorf("discard: %v", err)
		}
	}
	if found := unfinished(t, s); len(found) != 0 {
		t.Errorf("after it was discarded: %+v", found)
	}
}

// slowBody stops a put in the middle.
type slowBody struct {
	reached, resume chan struct{}
}

func (b slowBody) ReadAt(p []byte, off int64) (int, error) {
	if off == 0 {
		close(b.reached)
		<-b.resume
	}
	clear(p)
	return len(p), nil
}

// A staged file whose writer lives is not discarded, one of a crash is.
func TestUnfinishedFiles(t *testing.T) {
	root := t.TempDir()
	s := open(t, root, store.Config{})
	crashed := filepath.Join(root, ".sluice-tmp", "0123456789abcdef01234567")
	if err := os.WriteFile(crashed, []byte("half"), 0o644); err != nil {
		t.Fatal(err)
	}
	body := slowBody{make(chan struct{}), make(chan struct{})}
	done := make(chan error, 1)
	go func() { done <- s.Put(context.WithoutCancel(t.Context()), "a", body, 10) }()
	<-body.reached
	found := unfinished(t, s)
	if len(found) != 2 {
		t.Errorf("unfinished: %+v, want 2", found)
	}
	for _, u := range found {
		if err := s.Discard(t.Context(), u); err != nil {
			t.Errorf("discard %+v: %v", u, err)
		}
	}
	close(body.resume)
	if err := <-done; err != nil {
		t.Errorf("a put under way was disturbed: %v", err)
	}
	if _, err := os.Stat(crashed); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file of a crash is still there: %v", err)
	}
}
