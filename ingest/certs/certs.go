// Package certs keeps the TLS configuration of a listener in step with its files.
//
// It promises that a connection which begins a second after the files were
// replaced is served with the new ones, without a restart, and that files which
// cannot be used change nothing: the last good ones stay, and the log says why.
// HTTP/1.1 alone is offered: what HTTP/2 holds of many requests on one connection
// would not count against the memory of requests being read.
package certs

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
)

// maxFile bounds a file.
const maxFile = 1 << 20

// A Config names the files.
type Config struct {
	Cert, Key string // PEM
	ClientCA  string // PEM; "": clients show no certificate
	Require   bool   // a client without a certificate is turned away
	TLS13     bool   // nothing less; if false, TLS 1.2 will do
	Log       *slog.Logger
}

// Files are the files of a listener.
type Files struct {
	cfg Config

	mu      sync.Mutex // guards what follows
	current *tls.Config
	state   stamps    // of the files that current, or the last failure, is made of
	checked time.Time // when state was last compared with the disk
}

// The stamps tell one state of the files from another; one that is not there has
// none.
type stamps [3]os.FileInfo

// same reports whether the files are what they were: a file that was replaced within
// a tick of the file system's clock is another file, if not another time.
func (s stamps) same(now stamps) bool {
	for i, was := range s {
		is := now[i]
		if (was == nil) != (is == nil) {
			return false
		}
		if is != nil && (is.Size() != was.Size() || !is.ModTime().Equal(was.ModTime()) || !os.SameFile(is, was)) {
			return false
		}
	}
	return true
}

// every is how often the files are looked at, at most.
const every = time.Second

// Open reads the files.
func Open(cfg Config) (*Files, error) {
	f := &Files{cfg: cfg, checked: time.Now()}
	f.state = f.stamps()
	var err error
	f.current, err = cfg.load()
	return f, err
}

// TLS is the configuration to listen with.
func (f *Files) TLS() *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return f.now(), nil },
	}
}

// now is the configuration of the files as they are.
func (f *Files) now() *tls.Config {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Since(f.checked) < every {
		return f.current
	}
	f.checked = time.Now()
	state := f.stamps()
	if state.same(f.state) {
		return f.current
	}
	fresh, err := f.cfg.load()
	f.state = state
	if err != nil {
		// They may be replaced one by one: the next change is looked at again.
		f.cfg.Log.Warn("the changed TLS files cannot be used, the last good ones stay in force", "error", err)
		return f.current
	}
	f.cfg.Log.Info("the TLS files were read again", "cert", f.cfg.Cert)
	f.current = fresh
	return f.current
}

// stamps looks at the files.
func (f *Files) stamps() (s stamps) {
	for i, path := range []string{f.cfg.Cert, f.cfg.Key, f.cfg.ClientCA} {
		if info, err := os.Stat(path); err == nil {
			s[i] = info
		}
	}
	return s
}

// load reads the files.
func (c Config) load() (*tls.Config, error) {
	cert, err := readFile(c.Cert)
	if err != nil {
		return nil, fmt.Errorf("tls.cert: %w", err)
	}
	key, err := readFile(c.Key)
	if err != nil {
		return nil, fmt.Errorf("tls.key: %w", err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("tls.cert %s and tls.key %s: %w", c.Cert, c.Key, err)
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, NextProtos: []string{"http/1.1"}}
	if c.TLS13 {
		out.MinVersion = tls.VersionTLS13
	}
	if c.ClientCA == "" {
		return out, nil
	}
	if out.ClientCAs, err = Pool(c.ClientCA); err != nil {
		return nil, fmt.Errorf("tls.client_ca: %w", err)
	}
	out.ClientAuth = tls.VerifyClientCertIfGiven
	if c.Require {
		out.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return out, nil
}

// Pool reads a file of certificates of authorities.
func Pool(path string) (*x509.CertPool, error) {
	text, err := readFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate (PEM)", path)
	}
	return pool, nil
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = errors.New(path + " is larger than 1 MiB")
	}
	return text, err
}
