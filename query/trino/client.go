package trino

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/trinodb/trino-go-client/trino"

	"sluice/query/result"
)

// A Config says where statements go.
type Config struct {
	Server   string // http(s)://host[:port]
	User     string
	Password string // needs https
	Catalog  string
	Schema   string // of tables named without one
	CAFile   string // PEM, for https; empty: the system's authorities
	CertFile string // PEM, of a client certificate; empty: none
	KeyFile  string // PEM, of its key
	// Retry is for how long a request is repeated that Trino did not get or refuses for
	// the moment; 0: 15 s.
	Retry time.Duration
}

// source is what Trino shows as the client.
const source = "sluice"

// A Client asks one Trino server.
type Client struct {
	db *sql.DB
}

// New makes a client; the server is not asked yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.Server)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the server of Trino must be http://host:port or https://host:port, without a user, a password or a path")
	}
	if cfg.Password != "" && u.Scheme != "https" {
		return nil, errors.New("a password is sent to Trino over https only: name the server as https://…")
	}
	if u.User = url.User(cfg.User); cfg.Password != "" {
		u.User = url.UserPassword(cfg.User, cfg.Password)
	}
	if cfg.Retry == 0 {
		cfg.Retry = 15 * time.Second
	}
	connector, err := trino.NewConnector(&trino.Config{
		ServerURI: u.String(), Source: source, Catalog: cfg.Catalog, Schema: cfg.Schema, TimeZone: "UTC",
		SSLCertPath: cfg.CAFile, SSLClientCertPath: cfg.CertFile, SSLClientKeyPath: cfg.KeyFile,
		RequestRetryTimeout: &cfg.Retry,
	})
	if err != nil {
		return nil, fmt.Errorf("ask Trino: %w", err)
	}
	return &Client{db: sql.OpenDB(connector)}, nil
}

// Close lets go of the connections.
func (c *Client) Close() error { return c.db.Close() }

// Query runs a statement. The rows must be closed.
func (c *Client) Query(ctx context.Context, statement string) (result.Rows, error) {
	r := &rows{ctx: ctx, started: time.Now()}
	var err error
	r.rows, err = c.db.QueryContext(ctx, statement,
		sql.Named("X-Trino-Progress-Callback", trino.ProgressUpdater(&r.progress)),
		sql.Named("X-Trino-Progress-Callback-Period", 100*time.Millisecond))
	if err != nil {
		return nil, explain(ctx, err)
	}
	if err := r.head(); err != nil {
		return nil, errors.Join(explain(ctx, err), r.rows.Close())
	}
	return r, nil
}

// explain says what Trino says, or why the question was given up.
func explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var fault *trino.ErrTrino
	if errors.As(err, &fault) {
		return faultOf(*fault)
	}
	var value trino.ErrTrino
	if errors.As(err, &value) {
		return faultOf(value)
	}
	return fmt.Errorf("ask Trino: %w", err)
}

func faultOf(e trino.ErrTrino) error {
	return &Error{Name: e.ErrorName, Message: e.Message}
}

// An Error is what Trino says of a query that failed.
type Error struct {
	Name    string // such as SYNTAX_ERROR
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("Trino: %s (%s)", e.Message, e.Name) }

// progress keeps the newest statistics.
type progress struct {
	mu    sync.Mutex
	bytes int64 // guarded by mu
}

// Update is called by the client library, from goroutines of its own.
func (p *progress) Update(info trino.QueryProgressInfo) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.bytes = info.QueryStats.PhysicalInputBytes
	if p.bytes == 0 {
		p.bytes = info.QueryStats.ProcessedBytes
	}
}

func (p *progress) scanned() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.bytes
}
