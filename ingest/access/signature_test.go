package access_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"sluice/configs"
	"sluice/ingest/access"
	"sluice/ingest/sigv4"
)

const secret = "xyzzy/plugh+0123456789"

func signed(t testing.TB, id, secret, service string, body []byte, at time.Time) *http.Request {
	t.Helper()
	r := httptest.NewRequest("POST", "http://sluice.example.com/", bytes.NewReader(body))
	r.RequestURI = "/"
	r.Header.Set("X-Amz-Target", "Firehose_20150804.PutRecord")
	sum := sha256.Sum256(body)
	creds := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hex.EncodeToString(sum[:]), service, "us-east-1", at); err != nil {
		t.Fatal(err)
	}
	return r
}

func signatures(t testing.TB) *access.Guard {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := access.New(access.Config{
		Keys: map[string]configs.Key{
			"shop":  {AccessKeyID: "AKIDSHOP", SecretFile: file, Write: []string{"purchases"}},
			"other": {AccessKeyID: "AKIDOTHER", SecretEnv: "OTHER_SECRET", SHA256: hashOf(shopKey)},
		},
		Env: func(name string) string {
			return map[string]string{"OTHER_SECRET": " another \n"}[name]
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestVerifySigV4(t *testing.T) {
	g := signatures(t)
	body, now := []byte(`{"a":1}`), time.Now()
	for _, tc := range []struct {
		name, id, secret, service string
		body                      []byte
		age                       time.Duration
		code                      string
	}{
		{"file", "AKIDSHOP", secret, "firehose", body, 0, ""},
		{"variable", "AKIDOTHER", "another", "firehose", body, 0, ""},
		{"a little old", "AKIDSHOP", secret, "firehose", body, 14 * time.Minute, ""},
		{"wrong secret", "AKIDSHOP", "another", "firehose", body, 0, sigv4.CodeInvalid},
		{"the other's secret", "AKIDOTHER", secret, "firehose", body, 0, sigv4.CodeInvalid},
		{"unknown", "AKIDX", secret, "firehose", body, 0, sigv4.CodeUnrecognized},
		{"changed body", "AKIDSHOP", secret, "firehose", []byte(`{"a":2}`), 0, sigv4.CodeInvalid},
		{"old", "AKIDSHOP", secret, "firehose", body, 16 * time.Minute, sigv4.CodeInvalid},
		{"of the future", "AKIDSHOP", secret, "firehose", body, -16 * time.Minute, sigv4.CodeInvalid},
		{"other service", "AKIDSHOP", secret, "glue", body, 0, sigv4.CodeInvalid},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := signed(t, tc.id, tc.secret, tc.service, body, now.Add(-tc.age))
			who, err := g.VerifySigV4(r, tc.body, "firehose")
			switch {
			case tc.code == "" && (err != nil || who == nil):
				t.Error(err)
			case tc.code != "" && (err == nil || who != nil || err.Code != tc.code):
				t.Errorf("got %v, %v; want %s", who, err, tc.code)
			case err != nil && strings.Contains(err.Error(), secret):
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

// What does not sign may bring a key; what brings nothing is told so, as AWS does.
func TestAWSCallsWithoutSignature(t *testing.T) {
	g := signatures(t)
	r := httptest.NewRequest("POST", "/", nil)
	if _, err := g.VerifySigV4(r, nil, "glue"); err == nil || err.Code != sigv4.CodeMissing {
		t.Error(err)
	}
	r.Header.Set("Authorization", "Bearer "+shopKey)
	if who, err := g.VerifySigV4(r, nil, "glue"); err != nil || who.Name() != "other" {
		t.Error(who, err)
	}
	r.Header.Set("Authorization", "Bearer wrong")
	if _, err := g.VerifySigV4(r, nil, "glue"); err == nil || err.Code != sigv4.CodeUnrecognized {
		t.Error(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDSHOP")
	if _, err := g.VerifySigV4(r, nil, "glue"); err == nil || err.Code != sigv4.CodeIncomplete {
		t.Error(err)
	}
	// A key beside a signature in the query does not count for it.
	r = httptest.NewRequest("POST", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256", nil)
	r.Header.Set("X-Api-Key", shopKey)
	if _, err := g.VerifySigV4(r, nil, "glue"); err == nil || err.Code != sigv4.CodeIncomplete {
		t.Error(err)
	}
}

func TestSecretFiles(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	open := func(k configs.Key) (string, error) {
		g, err := access.New(access.Config{Keys: map[string]configs.Key{"shop": k}, Env: func(string) string { return "" }})
		return fmt.Sprintf("%v %+v %#v", g, g, *g), err
	}
	for _, tc := range []struct {
		name, content string
		mode          os.FileMode
		key           configs.Key
		part          string // of the error; "" for none
	}{
		{"good", secret, 0o600, configs.Key{SecretFile: file}, ""},
		{"read only", secret, 0o400, configs.Key{SecretFile: file}, ""},
		{"others read", secret, 0o604, configs.Key{SecretFile: file}, "chmod 600"},
		{"group writes", secret, 0o620, configs.Key{SecretFile: file}, "chmod 600"},
		{"empty", " \n", 0o600, configs.Key{SecretFile: file}, "empty"},
		{"two lines", secret + "\n" + secret, 0o600, configs.Key{SecretFile: file}, "nothing else"},
		{"long", strings.Repeat(secret, 100), 0o600, configs.Key{SecretFile: file}, "at most 1024"},
		{"none", secret, 0o600, configs.Key{SecretFile: file + "x"}, "no such file"},
		{"folder", secret, 0o600, configs.Key{SecretFile: dir}, "not a file"},
		{"variable", secret, 0o600, configs.Key{SecretEnv: "NOT_SET"}, "NOT_SET is not set"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			os.Remove(file)
			if err := os.WriteFile(file, []byte(tc.content), tc.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(file, tc.mode); err != nil {
				t.Fatal(err)
			}
			tc.key.AccessKeyID = "AKID"
			printed, err := open(tc.key)
			switch {
			case tc.part == "" && err != nil:
				t.Error(err)
			case tc.part != "" && (err == nil || !strings.Contains(err.Error(), tc.part) || !strings.Contains(err.Error(), "keys.shop")):
				t.Errorf("got %v, want %q", err, tc.part)
			case strings.Contains(fmt.Sprint(printed, err), secret):
				t.Errorf("the secret shows: %v %s", err, printed)
			}
		})
	}
}
