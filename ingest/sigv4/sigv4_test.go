package sigv4_test

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"testing"
	"time"

	"sluice/ingest/sigv4"
)

// The example of the AWS documentation: ListUsers of IAM, 30 August 2015.
func TestDocumentedExample(t *testing.T) {
	r, err := http.NewRequest(http.MethodGet, "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "+
		"SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	s, bad := sigv4.Parse(r)
	if bad != nil {
		t.Fatal(bad)
	}
	if s.AccessKeyID != "AKIDEXAMPLE" || s.Region != "us-east-1" || s.Service != "iam" {
		t.Errorf("parsed %+v", s)
	}
	if bad := s.Check(r, "iam", time.Date(2015, 8, 30, 12, 40, 0, 0, time.UTC)); bad != nil {
		t.Error(bad)
	}
	secret := sigv4.NewSecret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	if bad := s.Verify(r, sha256.Sum256(nil), secret); bad != nil {
		t.Error(bad)
	}
	if bad := s.Verify(r, sha256.Sum256([]byte{0}), secret); bad == nil || bad.Code != sigv4.CodeInvalid || strings.Contains(bad.Error(), "wJalr") {
		t.Error(bad)
	}
}
