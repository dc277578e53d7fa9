package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"

	"sluice/configs"
	"sluice/internal/client"
	"sluice/query"

	"github.com/spf13/cobra"
)

// clientFlags are those of commands that call a service. The key itself is no
// flag: other users of the machine can read a command line.
func (o *options) clientFlags(c *cobra.Command) {
	c.Flags().StringVar(&o.keyFile, "key-file", "", "bring the API key in `FILE` (default: the variable SLUICE_KEY)")
	c.Flags().StringVar(&o.credentials.CAFile, "ca-file", "", "trust the authorities in `FILE`, PEM, for https (default: the variable SLUICE_CA_FILE, or the system's)")
	c.Flags().StringVar(&o.credentials.CertFile, "cert-file", "", "show the client certificate in `FILE`, PEM")
	c.Flags().StringVar(&o.credentials.CertKeyFile, "cert-key-file", "", "private key of --cert-file, in `FILE`, PEM")
}

// httpClient brings what the flags and variables say.
func (o *options) httpClient() (*http.Client, error) {
	cred := o.credentials
	if cred.CAFile == "" {
		cred.CAFile = os.Getenv(configs.EnvPrefix + "CA_FILE")
	}
	if (cred.CertFile == "") != (cred.CertKeyFile == "") {
		return nil, usageError{errors.New("--cert-file and --cert-key-file go together")}
	}
	cred.Key = strings.TrimSpace(os.Getenv(configs.EnvPrefix + "KEY"))
	if o.keyFile != "" {
		text, err := os.ReadFile(o.keyFile)
		if err != nil {
			return nil, fmt.Errorf("read key: %w", err)
		}
		if cred.Key = strings.TrimSpace(string(text)); cred.Key == "" {
			return nil, fmt.Errorf("read key: %s is empty", o.keyFile)
		}
	}
	if strings.ContainsFunc(cred.Key, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("read key: want one API key and nothing else")
	}
	return cred.HTTP()
}

// client calls the service that --server names.
func (o *options) client() (*client.Client, error) {
	h, err := o.httpClient()
	if err != nil {
		return nil, err
	}
	return client.NewWith(o.server, h), nil
}

// schemeOf is how the service is called.
func schemeOf(cfg configs.Config) string {
	if cfg.TLS.Cert != "" {
		return "https"
	}
	return "http"
}

// ownURL is where this machine finds a service of the configuration.
func ownURL(cfg configs.Config) string {
	host, port, err := net.SplitHostPort(cfg.Listen)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		host = "localhost"
	}
	return schemeOf(cfg) + "://" + net.JoinHostPort(host, port)
}

// advice is what to do about an error that a service answered.
func advice(err error) string {
	var answer *client.Error
	var fault *query.Error
	if errors.As(err, &answer) && answer.Status == http.StatusUnauthorized || errors.As(err, &fault) && fault.Code == "unauthorized" {
		return "\nbring a key: --key-file FILE, or the variable SLUICE_KEY"
	}
	return ""
}
