// Package natsserver runs a NATS server with JetStream inside this process: what
// nats.url: embedded stands for. It is the only importer of nats-server outside of
// tests.
//
// It listens on the loopback unless it is told otherwise, and beyond the loopback
// only with a token. Memory and disk of JetStream have ceilings; past them the server
// refuses to store messages, and their publishers are told. With Sync, a message is
// on disk before its publisher has the acknowledgement; without it, JetStream syncs
// every two minutes, which is for clusters whose nodes do not fail together.
package natsserver

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A Config says where the server listens and what it may use.
type Config struct {
	Listen string // host:port; port 0 lets the kernel choose
	Token  string // asked of every client; empty: none, on the loopback only
	Dir    string // of JetStream's files
	Memory int64  // bytes of streams kept in memory, at most
	Disk   int64  // bytes of streams kept on disk, at most
	Sync   bool   // every message before it is acknowledged
	// MaxPayload is the largest message in bytes; 0: 1 MiB.
	MaxPayload int32

	// Name, Cluster, ClusterListen and Routes make it one node of a cluster, whose
	// nodes know one another by the token.
	Name          string   // of this node, unique in the cluster
	Cluster       string   // name of the cluster
	ClusterListen string   // host:port for the other nodes; empty: a single server
	Routes        []string // host:port of the other nodes

	Logger *slog.Logger `json:"-"`
}

// A Server is running.
type Server struct {
	s *server.Server
}

// startTimeout bounds how long a server may take until clients can connect.
const startTimeout = 30 * time.Second

// Start starts a server and returns when clients can connect.
func Start(cfg Config) (*Server, error) {
	opts, err := options(cfg)
	if err != nil {
		return nil, fmt.Errorf("start the embedded NATS server: %w", err)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("start the embedded NATS server: %w", err)
	}
	log := cfg.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s.SetLoggerV2(logger{log}, false, false, false)
	s.Start()
	if !s.ReadyForConnections(startTimeout) {
		s.Shutdown()
		return nil, fmt.Errorf("start the embedded NATS server: it takes no connections on %s after %v; is the port taken? its log says more", cfg.Listen, startTimeout)
	}
	if !s.JetStreamEnabled() {
		s.Shutdown()
		return nil, fmt.Errorf("start the embedded NATS server: JetStream is not running in %s; its log says why", cfg.Dir)
	}
	return &Server{s}, nil
}

// routeUser is who the nodes of a cluster are to one another.
const routeUser = "sluice"

func options(cfg Config) (*server.Options, error) {
	host, port, err := split(cfg.Listen)
	if err != nil {
		return nil, err
	}
	if cfg.Token == "" && !loopback(host) {
		return nil, fmt.Errorf("%s is not on the loopback, and there is no token: anybody could read and write", cfg.Listen)
	}
	opts := &server.Options{
		ServerName: cfg.Name, Host: host, Port: port, Authorization: cfg.Token, MaxPayload: cfg.MaxPayload,
		JetStream: true, StoreDir: cfg.Dir, JetStreamMaxMemory: cfg.Memory, JetStreamMaxStore: cfg.Disk, SyncAlways: cfg.Sync,
		NoSigs: true, NoLog: true,
	}
	if cfg.ClusterListen == "" {
		return opts, nil
	}
	opts.Cluster.Name = cfg.Cluster
	if opts.Cluster.Host, opts.Cluster.Port, err = split(cfg.ClusterListen); err != nil {
		return nil, err
	}
	if opts.Cluster.Port == 0 {
		opts.Cluster.Port = server.RANDOM_PORT
	}
	if cfg.Token == "" && !loopback(opts.Cluster.Host) {
		return nil, fmt.Errorf("%s is not on the loopback, and there is no token: anybody could join the cluster", cfg.ClusterListen)
	}
	for _, r := range cfg.Routes {
		u := &url.URL{Scheme: "nats-route", Host: r}
		if cfg.Token != "" {
			u.User = url.UserPassword(routeUser, cfg.Token)
		}
		opts.Routes = append(opts.Routes, u)
	}
	if cfg.Token != "" {
		opts.Cluster.Username, opts.Cluster.Password = routeUser, cfg.Token
	}
	return opts, nil
}

func split(addr string) (host string, port int, err error) {
	host, p, err := net.SplitHostPort(addr)
	if err == nil {
		port, err = strconv.Atoi(p)
	}
	if err != nil {
		return "", 0, fmt.Errorf("listen on %q: want host:port", addr)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// URL is where clients connect.
func (s *Server) URL() string { return s.s.ClientURL() }

// InProcessConn connects without the network: what nats.InProcessServer asks for.
func (s *Server) InProcessConn() (net.Conn, error) { return s.s.InProcessConn() }

// ClusterAddr is where the other nodes connect; nil for a single server.
func (s *Server) ClusterAddr() net.Addr {
	if a := s.s.ClusterAddr(); a != nil {
		return a
	}
	return nil
}

// Stop ends the server and returns when its files are closed, or ctx is over.
func (s *Server) Stop(ctx context.Context) error {
	s.s.Shutdown()
	done := make(chan struct{})
	go func() {
		s.s.WaitForShutdown()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop the embedded NATS server: %w", ctx.Err())
	}
}

// A logger passes the server's lines on; its notices are details to us.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(format string, v ...any) { l.log.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l logger) Warnf(format string, v ...any)   { l.log.Warn("nats: " + fmt.Sprintf(format, v...)) }
func (l logger) Fatalf(format string, v ...any)  { l.log.Error("nats: " + fmt.Sprintf(format, v...)) }
func (l logger) Errorf(format string, v ...any)  { l.log.Error("nats: " + fmt.Sprintf(format, v...)) }
func (l logger) Debugf(format string, v ...any)  {}
func (l logger) Tracef(format string, v ...any)  {}
