package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A party has a certificate; one that is its own authority signs others.
type party struct {
	cert              *x509.Certificate
	key               *ecdsa.PrivateKey
	certFile, keyFile string
}

func newParty(t *testing.T, name string, by *party) *party {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent := &party{cert: template, key: key}
	if by != nil {
		parent = by
	} else {
		template.IsCA, template.BasicConstraintsValid = true, true
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.cert, &key.PublicKey, parent.key)
	if err != nil {
		t.Fatal(err)
	}
	p := &party{key: key, certFile: filepath.Join(t.TempDir(), "cert.pem"), keyFile: filepath.Join(t.TempDir(), "key.pem")}
	if p.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{p.certFile: {Type: "CERTIFICATE", Bytes: der}, p.keyFile: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func keyFile(t *testing.T, key string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The commands bring keys, over TLS, from a file or a variable; without one they
// say what to do.
func TestCommandsBringKeys(t *testing.T) {
	ca := newParty(t, "authority", nil)
	server := newParty(t, "sluice.example.com", ca)
	c := guarded(t, "SLUICE_TLS_CERT="+server.certFile, "SLUICE_TLS_KEY="+server.keyFile)
	if !strings.HasPrefix(c.url, "https://") {
		t.Fatalf("the service is at %s", c.url)
	}
	at := []string{"--server", c.url, "--ca-file", ca.certFile}
	with := func(key string, args ...string) (string, string, int) {
		t.Helper()
		return command(t, `{"id":1}`+"\n", append(append(args, at...), "--key-file", keyFile(t, key))...)
	}
	for _, tc := range []struct {
		key  string
		args []string
		part string // of standard output
	}{
		{writerKey, []string{"send", "--stream", "purchases", "--quiet"}, "1 records accepted"},
		{writerKey, []string{"streams", "purchases", "--flush"}, "shop.purchases"},
		{analystKey, []string{"query", "select count(*) as n from shop.purchases"}, "1"},
		{analystKey, []string{"tables"}, "shop.purchases"},
	} {
		if stdout, stderr, code := with(tc.key, tc.args...); code != exitOK || !strings.Contains(stdout, tc.part) {
			t.Errorf("%v: %d\n%s%s", tc.args, code, stdout, stderr)
		}
	}
	for _, args := range [][]string{{"send", "--stream", "purchases", "--quiet"}, {"streams"}, {"query", "select 1"}, {"tables"}} {
		if stdout, stderr, code := command(t, `{"id":1}`+"\n", append(args, at...)...); code != exitFailed || !strings.Contains(stderr, "--key-file") {
			t.Errorf("%v without a key: %d\n%s%s", args, code, stdout, stderr)
		}
	}
	t.Setenv("SLUICE_KEY", analystKey)
	t.Setenv("SLUICE_CA_FILE", ca.certFile)
	if stdout, stderr, code := command(t, "", "query", "--server", c.url, "select 41 + 1"); code != exitOK || !strings.Contains(stdout, "42") {
		t.Errorf("by variables: %d\n%s%s", code, stdout, stderr)
	}
	t.Setenv("SLUICE_CA_FILE", "")
	if stdout, stderr, code := command(t, "", "query", "--server", c.url, "select 41 + 1"); code != exitFailed || !strings.Contains(stderr, "certificate") {
		t.Errorf("an authority that is not trusted: %d\n%s%s", code, stdout, stderr)
	}
	c.wantQuiet()
}

// A client certificate stands for a key; one of another authority does not even
// connect.
func TestClientCertificate(t *testing.T) {
	ca := newParty(t, "authority", nil)
	server, machine, unknown := newParty(t, "sluice.example.com", ca), newParty(t, "machine.example.com", ca), newParty(t, "unknown.example.com", ca)
	stranger := newParty(t, "machine.example.com", nil)
	c := startServe(t, t.TempDir(), "SLUICE_TLS_CERT="+server.certFile, "SLUICE_TLS_KEY="+server.keyFile, "SLUICE_TLS_CLIENT_CA="+ca.certFile,
		"SLUICE_KEYS={machine: {certificate: machine.example.com, write: [s], query: [default]}}")
	as := func(p *party) (string, int) {
		stdout, stderr, code := command(t, "", "query", "--server", c.url, "--ca-file", ca.certFile, "--cert-file", p.certFile, "--cert-key-file", p.keyFile, "select 41 + 1")
		return stdout + stderr, code
	}
	if text, code := as(machine); code != exitOK || !strings.Contains(text, "42") {
		t.Error(code, text)
	}
	if text, code := as(unknown); code != exitFailed || !strings.Contains(text, "no key has the name") {
		t.Error(code, text)
	}
	if text, code := as(stranger); code != exitFailed || !strings.Contains(text, "certificate") {
		t.Error(code, text)
	}
	if stdout, stderr, code := command(t, "", "query", "--server", c.url, "--ca-file", ca.certFile, "select 1"); code != exitFailed || !strings.Contains(stderr, "certificate required") {
		t.Errorf("without a certificate: %d %s%s", code, stdout, stderr)
	}
}

// What must not start does not, and says why; no message holds a secret.
func TestRefusedStarts(t *testing.T) {
	secret := keyFile(t, awsSecret)
	if err := os.Chmod(secret, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		args []string
		env  map[string]string
		part string
	}{
		{[]string{"serve", "--listen", ":0"}, nil, "nobody is authenticated"},
		{[]string{"check-config"}, map[string]string{"SLUICE_LISTEN": "0.0.0.0:8080"}, "access.insecure: true"},
		{[]string{"check-config"}, map[string]string{"SLUICE_KEYS": "{shop: {access_key_id: AKID, secret_file: " + secret + "}}"}, "chmod 600"},
		{[]string{"serve", "--listen", "127.0.0.1:0"}, map[string]string{"SLUICE_KEYS": "{shop: {access_key_id: AKID, secret_file: " + secret + "}}"}, "chmod 600"},
		{[]string{"check-config"}, map[string]string{"SLUICE_KEYS": "{shop: {access_key_id: AKID, secret_env: " + awsSecret + "}}"}, "not the name of a variable"},
		{[]string{"check-config"}, map[string]string{"SLUICE_KEYS": "{shop: {sha256: " + writerKey + "}}"}, "64 hexadecimal"},
		{[]string{"serve", "--listen", "127.0.0.1:0"}, map[string]string{"SLUICE_TLS_CERT": "/nowhere", "SLUICE_TLS_KEY": "/nowhere"}, "tls.cert: open /nowhere"},
	} {
		t.Run(strings.Join(tc.args, " ")+" "+tc.part, func(t *testing.T) {
			for name, value := range tc.env {
				t.Setenv(name, value)
			}
			stdout, stderr, code := command(t, "", append(tc.args, "--data-dir", t.TempDir())...)
			if code != exitUsage || !strings.Contains(stderr, tc.part) || strings.Contains(stdout+stderr, "xyzzy") {
				t.Errorf("%d\n%s%s", code, stdout, stderr)
			}
		})
	}
}

// What check-config shows has no secret in it, and no hash.
func TestCheckConfigShowsNoSecret(t *testing.T) {
	t.Setenv("TEST_SECRET_SHOP", awsSecret)
	t.Setenv("SLUICE_KEYS", "{shop: {sha256: "+hashOf(writerKey)+", access_key_id: AKID, secret_env: TEST_SECRET_SHOP, write: [purchases]}, ops: {sha256: "+hashOf(opsKey)+", admin: true}}")
	for _, output := range []string{"text", "json"} {
		stdout, stderr, code := command(t, "", "check-config", "--output", output)
		if code != exitOK || strings.Contains(stdout+stderr, "xyzzy") || strings.Contains(stdout+stderr, hashOf(writerKey)) {
			t.Errorf("%d\n%s%s", code, stdout, stderr)
		}
		if output == "text" && (!strings.Contains(stdout, "shop: write [purchases]") || !strings.Contains(stdout, "admin")) {
			t.Errorf("the keys are not shown:\n%s", stdout)
		}
	}
}

// What sluice keys prints makes a key that works.
func TestKeysCommand(t *testing.T) {
	key, entry, code := command(t, "", "keys", "new", "shop", "--write", "purchases,web-*", "--query", "shop")
	if code != exitOK || !strings.HasPrefix(key, keyPrefix) || len(strings.TrimSpace(key)) < 50 || strings.Contains(entry, strings.TrimSpace(key)) {
		t.Fatalf("%d %q\n%s", code, key, entry)
	}
	config := filepath.Join(t.TempDir(), "sluice.yaml")
	if err := os.WriteFile(config, []byte(entry), 0o600); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := command(t, "", "check-config", "--config", config); code != exitOK || !strings.Contains(stdout, "shop: write [purchases web-*], query [shop]") {
		t.Errorf("%d\n%s%s", code, stdout, stderr)
	}
	hash, stderr, code := command(t, key, "keys", "hash")
	if code != exitOK || !strings.Contains(entry, strings.TrimSpace(hash)) {
		t.Errorf("%d %s %s", code, hash, stderr)
	}
	if again, _, _ := command(t, "", "keys", "new", "shop", "--admin"); again == key {
		t.Error("the same key twice")
	}
	secret, entry, code := command(t, "", "keys", "new", "lambda", "--aws", "--write", "purchases")
	if code != exitOK || strings.Contains(entry, strings.TrimSpace(secret)) || !strings.Contains(entry, "access_key_id: SLUI") {
		t.Errorf("%d %s", code, entry)
	}
	for _, args := range [][]string{{"keys", "new"}, {"keys", "new", "a b", "--admin"}, {"keys", "new", "web", "--source", "web", "--admin"}} {
		if stdout, _, code := command(t, "", args...); code != exitUsage || stdout != "" {
			t.Errorf("%v: %d %s", args, code, stdout)
		}
	}
	if _, stderr, code := command(t, "xyzzy", "keys", "hash"); code != exitFailed || strings.Contains(stderr, "xyzzy") {
		t.Errorf("a short key: %d %s", code, stderr)
	}
}
