package s3test_test

import (
	"net/http"
	"os"
	"testing"

	"sluice/internal/s3test"
)

func TestRun(t *testing.T) {
	s := s3test.Run(t)
	resp, err := http.Get(s.Endpoint + "/" + s3test.Bucket)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusForbidden {
		t.Errorf("an unsigned request: %s", resp.Status)
	}
	if _, err := os.Stat(s.File("")); err != nil {
		t.Error(err)
	}
}
