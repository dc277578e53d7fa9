package certs_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"sluice/ingest/certs"
)

// An authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t *testing.T, now time.Time) authority {
	t.Helper()
	var a authority
	a.cert, a.key, a.pem, _ = certify(t, "authority", authority{}, now)
	return a
}

// certify makes a certificate; one of an authority if there is no parent.
func certify(t *testing.T, name string, by authority, now time.Time) (cert *x509.Certificate, key *ecdsa.PrivateKey, certPEM, keyPEM []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := by.cert, by.key
	if parent == nil {
		template.IsCA, template.BasicConstraintsValid, template.KeyUsage = true, true, x509.KeyUsageCertSign
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	if cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

// A listener is the files of one, and what is logged of them.
type listener struct {
	t     *testing.T
	cfg   certs.Config
	ca    authority
	files *certs.Files
	log   bytes.Buffer
}

func newListener(t *testing.T, adjust func(*certs.Config)) *listener {
	t.Helper()
	dir := t.TempDir()
	l := &listener{t: t, ca: newAuthority(t, time.Now())}
	l.cfg = certs.Config{Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key"), Log: slog.New(slog.NewTextHandler(&l.log, nil))}
	clientCA := filepath.Join(dir, "ca")
	l.write(clientCA, l.ca.pem)
	l.put("first.example.com")
	l.cfg.ClientCA = clientCA
	adjust(&l.cfg)
	var err error
	if l.files, err = certs.Open(l.cfg); err != nil {
		t.Fatal(err)
	}
	return l
}

// put replaces the certificate and its key.
func (l *listener) put(name string) {
	l.t.Helper()
	_, _, cert, key := certify(l.t, name, l.ca, time.Now())
	l.write(l.cfg.Cert, cert)
	l.write(l.cfg.Key, key)
}

// write replaces a file as tools do: by a rename, with another time.
func (l *listener) write(path string, text []byte) {
	l.t.Helper()
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		l.t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		l.t.Fatal(err)
	}
}

// dial shakes hands and says whose certificate the server showed.
func (l *listener) dial(client *tls.Config) (name, proto string, err error) {
	l.t.Helper()
	port, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		l.t.Fatal(err)
	}
	defer port.Close()
	a, err := net.Dial("tcp", port.Addr().String())
	if err != nil {
		l.t.Fatal(err)
	}
	defer a.Close()
	b, err := port.Accept()
	if err != nil {
		l.t.Fatal(err)
	}
	defer b.Close()
	pool := x509.NewCertPool()
	pool.AddCert(l.ca.cert)
	client.RootCAs = pool
	client.VerifyConnection = func(s tls.ConnectionState) error { name = s.PeerCertificates[0].Subject.CommonName; return nil }
	client.InsecureSkipVerify = true // the name is what is asked for
	client.NextProtos = []string{"h2", "http/1.1"}
	served := make(chan error, 1)
	server := tls.Server(b, l.files.TLS())
	go func() {
		err := server.Handshake()
		if err != nil {
			b.Close()
		}
		served <- err
	}()
	c := tls.Client(a, client)
	err = c.Handshake()
	if err != nil {
		a.Close()
	}
	if serverErr := <-served; err == nil {
		err = serverErr
	}
	return name, c.ConnectionState().NegotiatedProtocol, err
}

func (l *listener) want(name string) {
	l.t.Helper()
	if got, proto, err := l.dial(&tls.Config{}); err != nil || got != name || proto != "http/1.1" {
		l.t.Errorf("the server is %q, %q, %v; want %q", got, proto, err, name)
	}
}

// Files that are replaced are served a second later; broken ones change nothing.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newListener(t, func(c *certs.Config) { c.ClientCA = "" })
		l.want("first.example.com")
		l.put("second.example.com")
		time.Sleep(time.Second)
		l.want("second.example.com")
		// The key does not fit until it is replaced too.
		_, _, cert, key := certify(t, "third.example.com", l.ca, time.Now())
		l.write(l.cfg.Cert, cert)
		time.Sleep(time.Second)
		l.want("second.example.com")
		l.want("second.example.com")
		time.Sleep(time.Second)
		l.want("second.example.com")
		if n := strings.Count(l.log.String(), "cannot be used"); n != 1 {
			t.Errorf("the fault is told %d times:\n%s", n, l.log.String())
		}
		l.write(l.cfg.Key, key)
		time.Sleep(time.Second)
		l.want("third.example.com")
		if err := os.Remove(l.cfg.Cert); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		l.want("third.example.com")
		if log := l.log.String(); strings.Contains(log, "PRIVATE") {
			t.Error(log)
		}
	})
}

func TestClientCertificates(t *testing.T) {
	for _, require := range []bool{false, true} {
		l := newListener(t, func(c *certs.Config) { c.Require = require })
		pair := func(by authority) *tls.Config {
			_, _, cert, key := certify(t, "client.example.com", by, time.Now())
			p, err := tls.X509KeyPair(cert, key)
			if err != nil {
				t.Fatal(err)
			}
			return &tls.Config{Certificates: []tls.Certificate{p}, MaxVersion: tls.VersionTLS12}
		}
		if _, _, err := l.dial(pair(l.ca)); err != nil {
			t.Errorf("required %v, a good certificate: %v", require, err)
		}
		stranger := pair(newAuthority(t, time.Now()))
		// A client would not even show one of an authority that was not asked for.
		stranger.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &stranger.Certificates[0], nil }
		if _, _, err := l.dial(stranger); err == nil {
			t.Errorf("required %v: a certificate of another authority passes", require)
		}
		if _, _, err := l.dial(&tls.Config{MaxVersion: tls.VersionTLS12}); (err != nil) != require {
			t.Errorf("required %v, no certificate: %v", require, err)
		}
	}
}

func TestVersions(t *testing.T) {
	for _, tls13 := range []bool{false, true} {
		l := newListener(t, func(c *certs.Config) { c.ClientCA, c.TLS13 = "", tls13 })
		for version, ok := range map[uint16]bool{tls.VersionTLS11: false, tls.VersionTLS12: !tls13, tls.VersionTLS13: true} {
			if _, _, err := l.dial(&tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: version}); (err == nil) != ok {
				t.Errorf("TLS 1.3 only: %v; %s: %v", tls13, tls.VersionName(version), err)
			}
		}
	}
}

func TestOpenFails(t *testing.T) {
	l := newListener(t, func(*certs.Config) {})
	junk := filepath.Join(t.TempDir(), "junk")
	l.write(junk, []byte("junk"))
	for part, change := range map[string]func(*certs.Config){
		"tls.cert: open /nowhere": func(c *certs.Config) { c.Cert = "/nowhere" },
		"tls.key: open /nowhere":  func(c *certs.Config) { c.Key = "/nowhere" },
		"tls.client_ca: " + junk:  func(c *certs.Config) { c.ClientCA = junk },
		"and tls.key " + junk:     func(c *certs.Config) { c.Key = junk },
	} {
		cfg := l.cfg
		change(&cfg)
		if _, err := certs.Open(cfg); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("got %v, want %q", err, part)
		}
	}
}
