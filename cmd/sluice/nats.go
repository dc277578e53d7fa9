package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"sluice/configs"
	"sluice/ingest/natsjs"
	"sluice/internal/lake"
	"sluice/internal/natsserver"
)

// A natsLink is what the service has of NATS; nil for nothing.
type natsLink struct {
	server   *natsserver.Server // nil with the servers of others
	receiver *natsjs.Receiver
	publish  bool
}

// openNATS starts the embedded server, if there is to be one, and begins to connect.
func (s *service) openNATS() error {
	n := s.cfg.NATS
	if n.URL == "" {
		return nil
	}
	node, err := nodeName(s.cfg.NodeFile())
	if err != nil {
		return err
	}
	conn := natsjs.Connection{
		URL: n.URL, Credentials: n.Credentials, NKey: n.NKey, User: n.User, Password: n.Password, PasswordFile: n.PasswordFile,
		Token: n.Token, TokenFile: n.TokenFile, CA: n.CA, Cert: n.Cert, Key: n.Key,
	}
	s.nats = &natsLink{publish: n.Publish.Enabled}
	if n.URL == configs.NATSEmbeddedURL {
		if err := s.startNATS(); err != nil {
			return err
		}
		conn.URL, conn.InProcess = "", s.nats.server
	}
	cfg := natsjs.Config{
		Connection: conn, Node: node, Bucket: n.Bucket, Replicas: n.Replicas, Rejected: n.Rejected,
		Ledger: s.sequences, Policy: s, Memory: s.memory, Metrics: s.metrics, Registerer: s.registry, Log: s.log,
	}
	if n.Publish.Enabled {
		cfg.Publish = &natsjs.Publish{
			Stream: n.Publish.Stream, Partitions: n.Publish.Partitions, MaxBytes: int64(n.Publish.MaxBytes), Consume: n.Publish.Consume,
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.cfg.Subscriptions)) {
		sub := s.cfg.Subscription(name)
		cfg.Subscriptions = append(cfg.Subscriptions, natsjs.Subscription{
			Stream: sub.JetStream, Consumer: sub.Consumer, Subject: sub.Subject, Queue: sub.Queue, Into: sub.Into, SubjectColumn: sub.SubjectColumn,
		})
	}
	if s.nats.receiver, err = natsjs.Open(cfg); err != nil {
		return usageError{err}
	}
	if n.Publish.Enabled {
		s.appender = s.nats.receiver.Publisher(func(stream string) bool { return s.cfg.Stream(stream).Dedupe.Key != "" })
	}
	return nil
}

func (s *service) startNATS() (err error) {
	n, e := s.cfg.NATS, s.cfg.NATS.Embedded
	token := n.Token
	if n.TokenFile != "" {
		b, err := os.ReadFile(n.TokenFile)
		if err != nil {
			return fmt.Errorf("read the token of NATS: %w", err)
		}
		token = strings.TrimRight(string(b), "\r\n")
	}
	s.nats.server, err = natsserver.Start(natsserver.Config{
		Listen: e.Listen, Token: token, Dir: s.cfg.NATSDir(), Memory: int64(e.Memory), Disk: int64(e.Disk), Sync: e.Sync,
		MaxPayload: int32(e.MaxPayload), Name: e.Name, Cluster: e.Cluster, ClusterListen: e.ClusterListen, Routes: e.Routes,
		Logger: s.log,
	})
	if err == nil {
		s.log.Info("NATS server is running", "at", s.nats.server.URL(), "token", token != "")
	}
	return err
}

var nodePattern = regexp.MustCompile(`^[A-Z2-7]{26}$`)

// nodeName is the name of this node, which is made once and stays with the data
// folder: it stands for what the log and its ledger hold.
func nodeName(path string) (string, error) {
	b, err := os.ReadFile(path)
	switch name := strings.TrimSpace(string(b)); {
	case err == nil && nodePattern.MatchString(name):
		return name, nil
	case err == nil:
		return "", fmt.Errorf("%s does not hold the name of a node (26 of A-Z and 2-7): restore it", path)
	case !errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("read the name of this node: %w", err)
	}
	name := rand.Text()
	if err := writeDurable(path, name+"\n"); err != nil {
		return "", fmt.Errorf("write the name of this node: %w", err)
	}
	return name, nil
}

// writeDurable writes a small file that is there as a whole or not at all.
func writeDurable(path, text string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".node-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err == nil {
			err = lake.SyncDir(d)
		}
	}
	return err
}

// run takes messages until stop is called, which returns when none is under way.
func (n *natsLink) run(ctx context.Context) (stop func()) {
	if n == nil {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.receiver.Run(ctx)
	}()
	return func() {
		cancel()
		<-done
	}
}

// ready is nil unless receivers publish and cannot.
func (n *natsLink) ready() error {
	if n == nil || !n.publish {
		return nil
	}
	return n.receiver.Ready()
}

// close ends the connection, and then the server.
func (n *natsLink) close(timeout time.Duration) error {
	if n == nil {
		return nil
	}
	if n.receiver != nil {
		n.receiver.Close()
	}
	if n.server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return n.server.Stop(ctx)
}
