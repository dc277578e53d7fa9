package sigv4_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"sluice/ingest/sigv4"
)

// A received request is one that came over HTTP, and its body.
type received struct {
	r    *http.Request
	hash [32]byte
}

// receiver is a server that gives what it receives to the test.
func receiver(t *testing.T) (url string, got chan received) {
	t.Helper()
	got = make(chan received, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var b bytes.Buffer
		b.ReadFrom(r.Body)
		got <- received{r, sha256.Sum256(b.Bytes())}
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

const alphabet = "abcXYZ019-._~!$&'()*+,;=:@/%? ä\"#[]|^`{}<>\\"

func word(rnd *rand.Rand, from string) string {
	var b strings.Builder
	runes := []rune(from)
	for range 1 + rnd.IntN(12) {
		b.WriteRune(runes[rnd.IntN(len(runes))])
	}
	return b.String()
}

// TestAgainstGoSigner holds the verifier against the signer of aws-sdk-go-v2, for
// requests of any method, path, query, headers and body, over HTTP.
func TestAgainstGoSigner(t *testing.T) {
	base, got := receiver(t)
	rnd := rand.New(rand.NewPCG(1, 2))
	signer := v4.NewSigner()
	now := time.Now()
	for i := range 300 {
		u, err := url.Parse(base)
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + strings.ReplaceAll(word(rnd, strings.ReplaceAll(alphabet, ".", "")), "//", "/x/")
		u.Path = strings.ReplaceAll(u.Path, "//", "/x/")
		q := url.Values{}
		for range rnd.IntN(4) {
			q.Add(word(rnd, alphabet), word(rnd, alphabet))
		}
		u.RawQuery = q.Encode()
		body := []byte(word(rnd, alphabet))
		r, err := http.NewRequest([]string{"POST", "PUT", "DELETE"}[rnd.IntN(3)], u.String(), bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for j := range rnd.IntN(4) {
			r.Header.Add(fmt.Sprintf("X-Amz-Header-%d", j%2), strings.TrimSpace("v  "+word(rnd, "ab c  d")))
		}
		sum := sha256.Sum256(body)
		hash := hex.EncodeToString(sum[:])
		secret := word(rnd, alphabet)
		creds := aws.Credentials{AccessKeyID: "AKID" + fmt.Sprint(i), SecretAccessKey: secret}
		if i%4 == 0 {
			u, header, err := signer.PresignHTTP(context.Background(), creds, r, hash, "firehose", "eu-central-1", now)
			if err != nil {
				t.Fatal(err)
			}
			if r, err = http.NewRequest(r.Method, u, bytes.NewReader(body)); err != nil {
				t.Fatal(err)
			}
			header.Del("Host")
			header.Del("Content-Length")
			r.Header = header
		} else if err := signer.SignHTTP(context.Background(), creds, r, hash, "firehose", "eu-central-1", now); err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		g := <-got
		if err := verify(g.r, g.hash, "firehose", secret, now); err != nil {
			t.Fatalf("request %d: %v\n%s %s\n%v", i, err, g.r.Method, g.r.RequestURI, g.r.Header)
		}
		// Any change is noticed.
		if err := verify(g.r, sha256.Sum256(append(body, 'x')), "firehose", secret, now); err == nil {
			t.Fatalf("request %d: another body passed", i)
		}
		g.r.Host = "other.example.com"
		if err := verify(g.r, g.hash, "firehose", secret, now); err == nil {
			t.Fatalf("request %d: another host passed", i)
		}
	}
}

const botocoreScript = `
import json, random
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
random.seed(3)
for i in range(100):
    body = bytes(random.randrange(256) for _ in range(random.randrange(40)))
    headers = {"X-Amz-Target": "Firehose_20150804.PutRecord", "Content-Type": "application/x-amz-json-1.1"}
    for j in range(random.randrange(3)):
        headers["My-Header%d" % j] = random.choice(["a", " a  b ", '"c   d"', "é".encode().decode("latin-1")])
    secret = "secret%d" % i
    request = AWSRequest(method="POST", url="https://firehose.example.com/", data=body, headers=headers)
    SigV4Auth(Credentials("AKID", secret), "firehose", "us-east-1").add_auth(request)
    print(json.dumps({"body": list(body), "headers": dict(request.headers.items()), "secret": secret}))
`

// TestAgainstBotocore holds it against the signer of boto3 and the AWS CLI, which
// sends no x-amz-content-sha256.
func TestAgainstBotocore(t *testing.T) {
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import botocore").CombinedOutput(); err != nil {
		t.Skipf("%s has no botocore (pip install boto3, or point TEST_PYTHON at one that has): %v %s", python, err, out)
	}
	out, err := exec.Command(python, "-c", botocoreScript).Output()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for line := range bytes.Lines(out) {
		var doc struct {
			Body    []int
			Headers map[string]string
			Secret  string
		}
		if err := json.Unmarshal(line, &doc); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, len(doc.Body))
		for i, b := range doc.Body {
			body[i] = byte(b)
		}
		r, err := http.NewRequest("POST", "https://firehose.example.com/", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for k, v := range doc.Headers {
			r.Header.Set(k, v)
		}
		if r.Header.Get("X-Amz-Content-Sha256") != "" {
			t.Error("botocore sends the hash now: this test no longer covers its absence")
		}
		if err := verify(r, sha256.Sum256(body), "firehose", doc.Secret, time.Now()); err != nil {
			t.Errorf("request %d: %v\n%s", n, err, line)
		}
		if err := verify(r, sha256.Sum256(append(body, 0)), "firehose", doc.Secret, time.Now()); err == nil || err.Code != sigv4.CodeInvalid {
			t.Errorf("request %d with another body: %v", n, err)
		}
		n++
	}
	if n != 100 {
		t.Errorf("%d requests", n)
	}
}
