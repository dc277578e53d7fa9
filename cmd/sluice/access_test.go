package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// The keys of a guarded service. None of the texts may ever be seen in its log or
// in an answer.
const (
	writerKey   = "sluice_writer-xyzzy-0123456789"
	analystKey  = "sluice_analyst-xyzzy-0123456789"
	opsKey      = "sluice_ops-xyzzy-0123456789"
	awsSecret   = "xyzzy/plugh+0123456789"
	adminSecret = "xyzzy/admin+0123456789"
)

// guarded starts a service with keys, a stream that goes to shop.purchases, and
// one that goes to vault.jewels.
func guarded(t *testing.T, env ...string) *child {
	t.Helper()
	keys := fmt.Sprintf(`SLUICE_KEYS={writer: {sha256: %s, write: ["purchases", "slow*"]}, analyst: {sha256: %s, query: [shop]}, ops: {sha256: %s, admin: true}, `+
		`slow: {sha256: %s, write: [slow], bytes_per_second: 1}, `+
		`aws: {access_key_id: AKIDSHOP, secret_env: TEST_SECRET_SHOP, query: [shop]}, awsadmin: {access_key_id: AKIDADMIN, secret_env: TEST_SECRET_ADMIN, admin: true}}`,
		hashOf(writerKey), hashOf(analystKey), hashOf(opsKey), hashOf(slowKey))
	return startServe(t, t.TempDir(), append(env, keys, "TEST_SECRET_SHOP="+awsSecret, "TEST_SECRET_ADMIN="+adminSecret,
		"SLUICE_STREAMS={purchases: {table: shop.purchases}, hidden: {table: vault.jewels}}", "SLUICE_LOG_LEVEL=debug")...)
}

const slowKey = "sluice_slow-xyzzy-0123456789"

// call makes a request with a key and returns the status and the answer.
func (c *child) call(method, path, key, body string) (int, string, http.Header) {
	c.t.Helper()
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	for prefix, target := range map[string]string{"/?glue=": "AWSGlue.", "/?firehose=": "Firehose_20150804."} {
		if op, ok := strings.CutPrefix(path, prefix); ok {
			r.URL.RawQuery = ""
			r.Header.Set("X-Amz-Target", target+op)
		}
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return resp.StatusCode, string(text), resp.Header
}

// wantQuiet wants that nothing secret was logged.
func (c *child) wantQuiet() {
	c.t.Helper()
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	if c.log.leak != "" {
		c.t.Errorf("a secret is in the log: %s", c.log.leak)
	}
}

// Every call of every kind of caller, to every endpoint, has the status that it
// should have.
func TestEveryEndpointIsGuarded(t *testing.T) {
	c := guarded(t)
	record := `{"id":1}`
	for _, stream := range []string{"purchases", "hidden"} {
		if status, text, _ := c.call("POST", "/v1/streams/"+stream+"/records", opsKey, record); status != http.StatusOK {
			t.Fatal(status, text)
		}
		if status, text, _ := c.call("POST", "/v1/streams/"+stream+"/flush", opsKey, ""); status != http.StatusOK {
			t.Fatal(status, text)
		}
	}
	query := func(sql string) string { return `{"sql":"` + sql + `"}` }
	for _, tc := range []struct {
		method, path, body string
		// status for: nobody, a wrong key, the writer, the analyst, ops
		nobody, wrong, writer, analyst, ops int
	}{
		{"POST", "/v1/streams/purchases/records", record, 401, 401, 200, 403, 200},
		{"POST", "/v1/streams/hidden/records", record, 401, 401, 403, 403, 200},
		{"POST", "/v1/streams/no%20name/records", record, 401, 401, 403, 403, 400},
		{"POST", "/v1/streams/purchases/flush", "", 401, 401, 200, 403, 200},
		{"POST", "/v1/streams/hidden/flush", "", 401, 401, 403, 403, 200},
		{"GET", "/v1/streams", "", 401, 401, 200, 200, 200},
		{"GET", "/v1/streams/purchases", "", 401, 401, 200, 403, 200},
		{"GET", "/v1/streams/hidden", "", 401, 401, 403, 403, 200},
		{"GET", "/v1/streams/nosuch", "", 401, 401, 403, 403, 404},
		{"POST", "/v1/query", query("select count(*) from shop.purchases"), 401, 401, 403, 200, 200},
		{"POST", "/v1/query", query("select * from vault.jewels"), 401, 401, 403, 404, 200},
		{"POST", "/v1/query", query("select 1"), 401, 401, 403, 200, 200},
		{"POST", "/v1/query", "junk", 401, 401, 403, 400, 400},
		{"POST", "/?glue=GetDatabases", "{}", 403, 403, 403, 200, 200},
		{"POST", "/?glue=GetTable", `{"DatabaseName":"shop","Name":"purchases"}`, 403, 403, 403, 200, 200},
		{"POST", "/?glue=GetTable", `{"DatabaseName":"vault","Name":"jewels"}`, 403, 403, 403, 400, 200},
		{"POST", "/?glue=CreateDatabase", `{"DatabaseInput":{"Name":"new"}}`, 403, 403, 403, 400, 200},
		{"POST", "/?firehose=PutRecord", `{"DeliveryStreamName":"purchases","Record":{"Data":"e30="}}`, 403, 403, 200, 403, 200},
		{"POST", "/?firehose=PutRecord", `{"DeliveryStreamName":"hidden","Record":{"Data":"e30="}}`, 403, 403, 403, 403, 200},
		{"POST", "/?firehose=ListDeliveryStreams", `{}`, 403, 403, 200, 200, 200},
		{"POST", "/?firehose=DeleteDeliveryStream", `{"DeliveryStreamName":"nosuch"}`, 403, 403, 403, 403, 400},
		{"POST", "/v1/track", `{"userId":"u","event":"e"}`, 401, 401, 401, 401, 401}, // wants a write key
		{"POST", "/v1/logs", `{"resourceLogs":[]}`, 401, 401, 403, 403, 200},
		{"GET", "/metrics", "", 401, 401, 403, 403, 200},
		{"GET", "/healthz", "", 200, 200, 200, 200, 200},
		{"GET", "/readyz", "", 200, 200, 200, 200, 200},
	} {
		for _, caller := range []struct {
			name, key string
			want      int
		}{{"nobody", "", tc.nobody}, {"a wrong key", "sluice_wrong-xyzzy", tc.wrong}, {"writer", writerKey, tc.writer}, {"analyst", analystKey, tc.analyst}, {"ops", opsKey, tc.ops}} {
			status, text, header := c.call(tc.method, tc.path, caller.key, tc.body)
			if status != caller.want {
				t.Errorf("%s %s %s by %s: %d, want %d: %s", tc.method, tc.path, tc.body, caller.name, status, caller.want, text)
			}
			if strings.Contains(text, "xyzzy") {
				t.Errorf("%s by %s: a secret is in %s", tc.path, caller.name, text)
			}
			if status == http.StatusUnauthorized && header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: 401 without WWW-Authenticate", tc.path)
			}
		}
	}
	if _, text, _ := c.call("GET", "/v1/streams", writerKey, ""); !strings.Contains(text, "purchases") || strings.Contains(text, "hidden") {
		t.Errorf("the writer sees the streams %s", text)
	}
	for _, sql := range []string{"show databases", "show tables in vault", "select * from vault.jewel", "select * from information_schema.tables"} {
		_, text, _ := c.call("POST", "/v1/query", analystKey, query(sql))
		if strings.Contains(text, "jewels") || !strings.Contains(sql, "vault") && strings.Contains(text, "vault") {
			t.Errorf("%s tells the analyst %s", sql, text)
		}
	}
	if _, text, _ := c.call("POST", "/?glue=GetDatabases", analystKey, "{}"); strings.Contains(text, "vault") || !strings.Contains(text, "shop") {
		t.Errorf("the catalog tells the analyst %s", text)
	}
	c.wantQuiet()
}

func TestMetricsMayBeOpen(t *testing.T) {
	c := guarded(t, "SLUICE_ACCESS_METRICS=open")
	if status, text, _ := c.call("GET", "/metrics", "", ""); status != http.StatusOK || !strings.Contains(text, `sluice_access_limited_total{key="writer"} 0`) {
		t.Error(status, text)
	}
}

// A key over its rate waits, and its next request passes; others are not held up.
func TestRateOverHTTP(t *testing.T) {
	c := guarded(t)
	send := func(key string) (int, http.Header) {
		status, _, header := c.call("POST", "/v1/streams/slow/records", key, `{"id":"`+strings.Repeat("x", 200)+`"}`)
		return status, header
	}
	if status, _ := send(slowKey); status != http.StatusOK {
		t.Fatal(status)
	}
	if status, header := send(slowKey); status != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
		t.Errorf("past the rate: %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	if status, _ := send(writerKey); status != http.StatusOK {
		t.Errorf("another key: %d", status)
	}
}

// The catalog speaks to an SDK that signs; what is wrong has AWS's codes and 403.
func TestSignedCatalog(t *testing.T) {
	c := guarded(t)
	c.call("POST", "/v1/streams/purchases/records", opsKey, `{"id":1}`)
	c.call("POST", "/v1/streams/purchases/flush", opsKey, "")
	client := func(id, secret string) *glue.Client {
		return glue.New(glue.Options{BaseEndpoint: &c.url, Region: "eu-central-1", RetryMaxAttempts: 1, Credentials: credentials.NewStaticCredentialsProvider(id, secret, "")})
	}
	ctx := context.Background()
	if out, err := client("AKIDSHOP", awsSecret).GetDatabases(ctx, &glue.GetDatabasesInput{}); err != nil || len(out.DatabaseList) != 1 || *out.DatabaseList[0].Name != "shop" {
		t.Errorf("%+v %v", out, err)
	}
	if _, err := client("AKIDADMIN", adminSecret).DeleteDatabase(ctx, &glue.DeleteDatabaseInput{Name: aws.String("nosuch")}); err == nil || !strings.Contains(err.Error(), "EntityNotFoundException") {
		t.Error(err)
	}
	for _, tc := range []struct{ id, secret, code string }{
		{"AKIDSHOP", "wrong", "InvalidSignatureException"}, {"AKIDSHOP", adminSecret, "InvalidSignatureException"}, {"AKIDX", awsSecret, "UnrecognizedClientException"},
	} {
		_, err := client(tc.id, tc.secret).GetDatabases(ctx, &glue.GetDatabasesInput{})
		var api smithy.APIError
		var resp *smithyhttp.ResponseError
		if !errors.As(err, &api) || api.ErrorCode() != tc.code || !errors.As(err, &resp) || resp.HTTPStatusCode() != http.StatusForbidden {
			t.Errorf("%s: %v", tc.id, err)
		}
	}
	signed := func(body, sent string, at time.Time) (int, string) {
		r, err := http.NewRequest("POST", c.url+"/", strings.NewReader(sent))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "AWSGlue.GetDatabases")
		sum := sha256.Sum256([]byte(body))
		creds := aws.Credentials{AccessKeyID: "AKIDSHOP", SecretAccessKey: awsSecret}
		if err := v4.NewSigner().SignHTTP(ctx, creds, r, hex.EncodeToString(sum[:]), "glue", "us-east-1", at); err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var text bytes.Buffer
		text.ReadFrom(resp.Body)
		return resp.StatusCode, text.String()
	}
	if status, text := signed("{}", "{}", time.Now()); status != http.StatusOK {
		t.Error(status, text)
	}
	for name, got := range map[string]func() (int, string){
		"a changed body": func() (int, string) { return signed("{}", "{ }", time.Now()) },
		"an old date":    func() (int, string) { return signed("{}", "{}", time.Now().Add(-time.Hour)) },
		"a future date":  func() (int, string) { return signed("{}", "{}", time.Now().Add(time.Hour)) },
	} {
		if status, text := got(); status != http.StatusForbidden || !strings.Contains(text, `"__type":"InvalidSignatureException"`) {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
	c.wantQuiet()
}

const boto3Signed = `
import sys, boto3
from botocore.exceptions import ClientError
def glue(key, secret):
    return boto3.client("glue", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id=key, aws_secret_access_key=secret)
assert [d["Name"] for d in glue("AKIDADMIN", sys.argv[2]).get_databases()["DatabaseList"]] != None
try:
    glue("AKIDADMIN", "wrong").get_databases()
    assert False
except ClientError as e:
    assert e.response["Error"]["Code"] == "InvalidSignatureException" and e.response["ResponseMetadata"]["HTTPStatusCode"] == 403, e.response
print("signed")
`

// boto3 sends no x-amz-content-sha256.
func TestSignedByBoto3(t *testing.T) {
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import boto3").CombinedOutput(); err != nil {
		t.Skipf("%s has no boto3 (pip install boto3, or point TEST_PYTHON at one that has): %v %s", python, err, out)
	}
	c := guarded(t)
	cmd := exec.Command(python, "-c", boto3Signed, c.url, adminSecret)
	cmd.Env = append(os.Environ(), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull, "AWS_MAX_ATTEMPTS=1", "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "signed\n" {
		t.Errorf("%v\n%s", err, out)
	}
}
