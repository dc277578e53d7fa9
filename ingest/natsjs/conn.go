package natsjs

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

// connect begins to connect and returns at once: the connection is made, and made
// again, in the background, for ever, with growing pauses. Errors are those of the
// settings. m is nil for a connection beside the first.
func connect(c Connection, m *metrics, log *slog.Logger) (*nats.Conn, error) {
	opts := []nats.Option{
		nats.Name("sluice"), nats.MaxReconnects(-1), nats.RetryOnFailedConnect(true), nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(pause), nats.Timeout(5 * time.Second), nats.PingInterval(5 * time.Second), nats.MaxPingsOutstanding(2),
		nats.ConnectHandler(func(nc *nats.Conn) {
			m.connection(true, false)
			log.Info("connected to NATS", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			m.connection(true, true)
			log.Info("connected to NATS again", "server", nc.ConnectedUrlRedacted())
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			m.connection(false, false)
			if err != nil {
				log.Warn("the connection to NATS is gone; it is made again", "error", err)
			}
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) {
			log.Debug("NATS cannot be reached yet", "error", err)
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if sub != nil {
				log.Warn("NATS reports an error", "subject", sub.Subject, "error", err)
				return
			}
			log.Warn("NATS reports an error", "error", err)
		}),
	}
	auth, err := authentication(c)
	if err != nil {
		return nil, err
	}
	opts = append(opts, auth...)
	if c.InProcess != nil {
		opts = append(opts, nats.InProcessServer(c.InProcess))
	}
	nc, err := nats.Connect(c.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("connect to NATS: %w", err)
	}
	return nc, nil
}

// pause grows from 100 ms to 5 s, with a random part so that nodes do not come back
// all at once.
func pause(attempts int) time.Duration {
	d := min(100*time.Millisecond<<min(attempts, 10), 5*time.Second)
	return d/2 + rand.N(d/2)
}

func authentication(c Connection) (opts []nats.Option, err error) {
	if c.Credentials != "" {
		if err := readable(c.Credentials); err != nil {
			return nil, err
		}
		opts = append(opts, nats.UserCredentials(c.Credentials))
	}
	if c.NKey != "" {
		o, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("read the NKey seed %s: %w", c.NKey, err)
		}
		opts = append(opts, o)
	}
	if c.User != "" {
		if _, err := secret(c.Password, c.PasswordFile); err != nil {
			return nil, err
		}
		opts = append(opts, nats.UserInfoHandler(func() (string, string) {
			p, _ := secret(c.Password, c.PasswordFile) // an unreadable file is refused by the server
			return c.User, p
		}))
	}
	if c.Token != "" || c.TokenFile != "" {
		if _, err := secret(c.Token, c.TokenFile); err != nil {
			return nil, err
		}
		opts = append(opts, nats.TokenHandler(func() string {
			t, _ := secret(c.Token, c.TokenFile)
			return t
		}))
	}
	if c.CA != "" {
		if err := readable(c.CA); err != nil {
			return nil, err
		}
		opts = append(opts, nats.RootCAs(c.CA))
	}
	if c.Cert != "" {
		if err := errors.Join(readable(c.Cert), readable(c.Key)); err != nil {
			return nil, err
		}
		opts = append(opts, nats.ClientCert(c.Cert, c.Key))
	}
	return opts, nil
}

// secret is what a setting or the file named in its place holds.
func secret(text, file string) (string, error) {
	if file == "" {
		return text, nil
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("read a secret for NATS: %w", err)
	}
	return strings.TrimRight(string(b), "\r\n"), nil
}

func readable(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("read a file for NATS: %w", err)
	}
	return f.Close()
}
