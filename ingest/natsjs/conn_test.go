package natsjs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
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

	"sluice/buffer"
	"sluice/ingest"
	"sluice/ingest/natsjs"
	"sluice/internal/sequences"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

func file(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// strict is a server that wants to know its clients.
func strict(t *testing.T, opts server.Options) string {
	t.Helper()
	opts.Host, opts.Port, opts.NoSigs, opts.NoLog = "127.0.0.1", server.RANDOM_PORT, true, true
	s, err := server.NewServer(&opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Shutdown)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server takes no connections")
	}
	return s.ClientURL()
}

// connects reports whether a connection is made, and what is wrong with its settings.
func connects(t *testing.T, c natsjs.Connection) (bool, error) {
	t.Helper()
	log, err := buffer.Open(buffer.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	ledger, err := sequences.Open(sequences.Config{Dir: filepath.Join(t.TempDir(), "m"), Log: log, Appender: log})
	if err != nil {
		t.Fatal(err)
	}
	mem, err := ingest.NewMemory(16<<20, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	r, err := natsjs.Open(natsjs.Config{
		Connection: c, Node: "N", Bucket: "b", Rejected: "r", Ledger: ledger, Policy: everyStream{}, Memory: mem, Metrics: ingest.NewMetrics(nil, nil),
	})
	if err != nil {
		return false, err
	}
	defer r.Close()
	for deadline := time.Now().Add(2 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if r.Ready() == nil {
			return true, nil
		}
	}
	return false, nil
}

func TestCredentials(t *testing.T) {
	user, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, _ := user.PublicKey()
	seed, _ := user.Seed()
	byPassword := strict(t, server.Options{Username: "sluice", Password: "s3cret"})
	byToken := strict(t, server.Options{Authorization: "s3cret"})
	byNKey := strict(t, server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}})
	for name, c := range map[string]struct {
		conn natsjs.Connection
		want bool
	}{
		"password":      {natsjs.Connection{URL: byPassword, User: "sluice", Password: "s3cret"}, true},
		"password file": {natsjs.Connection{URL: byPassword, User: "sluice", PasswordFile: file(t, "p", "s3cret\n")}, true},
		"wrong":         {natsjs.Connection{URL: byPassword, User: "sluice", Password: "other"}, false},
		"none":          {natsjs.Connection{URL: byPassword}, false},
		"token":         {natsjs.Connection{URL: byToken, Token: "s3cret"}, true},
		"token file":    {natsjs.Connection{URL: byToken, TokenFile: file(t, "t", "s3cret\n")}, true},
		"nkey":          {natsjs.Connection{URL: byNKey, NKey: file(t, "n", string(seed))}, true},
		"no nkey":       {natsjs.Connection{URL: byNKey}, false},
	} {
		if got, err := connects(t, c.conn); err != nil || got != c.want {
			t.Errorf("%s: connected %v, %v", name, got, err)
		}
	}
	for name, c := range map[string]natsjs.Connection{
		"no creds file": {URL: byToken, Credentials: "/nowhere"}, "no nkey file": {URL: byToken, NKey: "/nowhere"},
		"no token file": {URL: byToken, TokenFile: "/nowhere"}, "no password file": {URL: byToken, User: "u", PasswordFile: "/nowhere"},
		"no ca": {URL: byToken, CA: "/nowhere"}, "no key of a certificate": {URL: byToken, Cert: "/nowhere", Key: "/nowhere"},
	} {
		if _, err := connects(t, c); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTLS(t *testing.T) {
	cert, key, pair := certificate(t)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte(cert))
	url := strict(t, server.Options{TLS: true, TLSVerify: true, TLSTimeout: 5,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}})
	url = strings.Replace(url, "nats://", "tls://", 1)
	ca, certFile, keyFile := file(t, "ca.pem", cert), file(t, "cert.pem", cert), file(t, "key.pem", key)
	for name, c := range map[string]struct {
		conn natsjs.Connection
		want bool
	}{
		"all":               {natsjs.Connection{URL: url, CA: ca, Cert: certFile, Key: keyFile}, true},
		"no certificate":    {natsjs.Connection{URL: url, CA: ca}, false},
		"unknown authority": {natsjs.Connection{URL: url, Cert: certFile, Key: keyFile}, false},
	} {
		if got, err := connects(t, c.conn); err != nil || got != c.want {
			t.Errorf("%s: connected %v, %v", name, got, err)
		}
	}
}

// certificate is one that signs itself, of 127.0.0.1, for both sides.
func certificate(t *testing.T) (cert, key string, pair tls.Certificate) {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	key = string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	if pair, err = tls.X509KeyPair([]byte(cert), []byte(key)); err != nil {
		t.Fatal(err)
	}
	return cert, key, pair
}
