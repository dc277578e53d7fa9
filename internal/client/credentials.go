package client

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// Credentials are what a client brings, and what it trusts.
type Credentials struct {
	Key    string // API key; "": none
	CAFile string // authorities (PEM) that the server's certificate is from; "": the system's
	// CertFile and CertKeyFile are a client certificate (PEM); "": none.
	CertFile, CertKeyFile string
}

// HTTP makes the http.Client that brings the credentials with every request.
func (c Credentials) HTTP() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = 1024 // as many as there are senders
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.CAFile != "" {
		text, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		transport.TLSClientConfig.RootCAs = x509.NewCertPool()
		if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("read authorities: %s holds no certificate (PEM)", c.CAFile)
		}
	}
	if c.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(c.CertFile, c.CertKeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		transport.TLSClientConfig.Certificates = []tls.Certificate{pair}
	}
	var rt http.RoundTripper = transport
	if c.Key != "" {
		rt = bearer{key: c.Key, next: transport}
	}
	return &http.Client{
		Transport: rt,
		// No call of the API redirects; what does is not Sluice, and gets no key.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// bearer brings a key with every request.
type bearer struct {
	key  string
	next http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.key)
	return b.next.RoundTrip(r)
}
