package firehose_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"sluice/configs"
	"sluice/ingest/access"
	"sluice/ingest/firehose"
)

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func guarded(t *testing.T) *server {
	t.Helper()
	g, err := access.New(access.Config{
		Keys: map[string]configs.Key{
			"writer": {AccessKeyID: "AKIAWRITER", SecretEnv: "SECRET", Write: []string{"s"}},
			"aws":    {SHA256: hexSum([]byte("an-api-key-of-aws")), Write: []string{"s"}},
			"slow":   {AccessKeyID: "AKIASLOW", SecretEnv: "SECRET", Write: []string{"*"}, RecordsPerSecond: 1},
		},
		Env: func(string) string { return "the-secret-key" },
	})
	if err != nil {
		t.Fatal(err)
	}
	return newServer(t, func(c *firehose.Config) { c.Access = g })
}

// signed calls with a signature of body for service, and sends what was signed
// after change.
func (s *server) signed(key, secret, service string, body []byte, at time.Time, change func(*http.Request)) answer {
	s.t.Helper()
	r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
	r.Header.Set("X-Amz-Target", "Firehose_20150804.PutRecordBatch")
	err := v4.NewSigner().SignHTTP(context.Background(), aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, r, hexSum(body), service, "eu-central-1", at)
	if err != nil {
		s.t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return s.read(w)
}

func TestSignatures(t *testing.T) {
	body := must(io.ReadAll(batchOf("s", `{"a":1}`)))
	other := must(io.ReadAll(batchOf("t", `{"a":1}`)))
	now := time.Now()
	for name, c := range map[string]struct {
		call func(*server) answer
		kind string
	}{
		"good":           {func(s *server) answer { return s.signed("AKIAWRITER", "the-secret-key", "firehose", body, now, nil) }, ""},
		"a wrong secret": {func(s *server) answer { return s.signed("AKIAWRITER", "a-secret-key", "firehose", body, now, nil) }, "InvalidSignatureException"},
		"an unknown key": {func(s *server) answer { return s.signed("AKIAOTHER", "the-secret-key", "firehose", body, now, nil) }, "UnrecognizedClientException"},
		"an old date": {func(s *server) answer {
			return s.signed("AKIAWRITER", "the-secret-key", "firehose", body, now.Add(-time.Hour), nil)
		}, "InvalidSignatureException"},
		"another service": {func(s *server) answer { return s.signed("AKIAWRITER", "the-secret-key", "glue", body, now, nil) }, "InvalidSignatureException"},
		"another stream":  {func(s *server) answer { return s.signed("AKIAWRITER", "the-secret-key", "firehose", other, now, nil) }, "AccessDeniedException"},
		"no signature":    {func(s *server) answer { return s.call("PutRecordBatch", bytes.NewReader(body)) }, "MissingAuthenticationTokenException"},
		"an unknown API key": {func(s *server) answer {
			return s.call("PutRecordBatch", bytes.NewReader(body), "Authorization", "Bearer nobody")
		}, "UnrecognizedClientException"},
	} {
		t.Run(name, func(t *testing.T) {
			s := guarded(t)
			a := c.call(s)
			if c.kind == "" {
				if a.status != 200 || len(s.log.of("s")) != 1 {
					t.Errorf("%d %s", a.status, a.raw)
				}
				return
			}
			if a.status != 403 || a.Type != c.kind || s.log.appends > 0 || strings.Contains(a.raw, "secret-key") {
				t.Errorf("%d %s", a.status, a.raw)
			}
		})
	}
}

// A changed body that is as good a request as the one signed.
func TestChangedBody(t *testing.T) {
	s := guarded(t)
	body := must(io.ReadAll(batchOf("s", `{"a":1}`)))
	a := s.signed("AKIAWRITER", "the-secret-key", "firehose", body, time.Now(), func(r *http.Request) { r.Body = io.NopCloser(batchOf("s", `{"a":2}`)) })
	if a.status != 403 || a.Type != "InvalidSignatureException" || s.log.appends > 0 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestOverItsRate(t *testing.T) {
	s := guarded(t)
	body := must(io.ReadAll(batchOf("s", strings.Split(strings.Repeat("{} ", 100)[:299], " ")...)))
	var a answer
	for range 3 {
		a = s.signed("AKIASLOW", "the-secret-key", "firehose", body, time.Now(), nil)
	}
	if a.status != 503 || a.Type != "ServiceUnavailableException" || a.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestDeliveryAccessKey(t *testing.T) {
	s := guarded(t)
	body := deliveryOf("id", `{"a":1}`)
	if a := s.deliver(strings.NewReader(body)); a.status != 401 {
		t.Errorf("no key: %d %s", a.status, a.raw)
	}
	if a := s.deliver(strings.NewReader(body), "X-Amz-Firehose-Access-Key", "wrong"); a.status != 401 || s.log.appends > 0 {
		t.Errorf("a wrong key: %d %s", a.status, a.raw)
	}
	if a := s.deliver(strings.NewReader(body), "X-Amz-Firehose-Access-Key", "an-api-key-of-aws"); a.status != 200 || len(s.log.of("s")) != 1 {
		t.Errorf("the key: %d %s", a.status, a.raw)
	}
}
