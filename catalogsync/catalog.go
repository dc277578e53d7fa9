package catalogsync

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/prometheus/client_golang/prometheus"

	"sluice/internal/lake"
)

// Config says which catalog is meant and how it is reached. The zero Config is
// AWS Glue as the environment and the shared AWS files describe it.
type Config struct {
	Endpoint  string // base URL of a server with Glue's API; empty: AWS
	Region    string // empty: from the environment
	CatalogID string // the account whose catalog it is; empty: that of the credentials
	// Timeout ends an attempt that the catalog does not answer; 0: DefaultTimeout.
	Timeout time.Duration
	// Cache is for how long what the catalog said of tables and partitions may be
	// relied on when something is registered; 0: not at all. Reads always ask.
	Cache time.Duration
	// KnownPartitions bounds how many are remembered; 0: DefaultKnownPartitions.
	KnownPartitions int

	// Transport carries the requests; nil: the network. With a Transport and no
	// Endpoint the catalog is in this process (an embedded.Server's Transport):
	// neither the environment nor the shared AWS files are read then.
	Transport http.RoundTripper
	// AccessKeyID and SecretAccessKey sign the requests; empty: the standard AWS
	// chain, or for a catalog in this process any.
	AccessKeyID, SecretAccessKey string

	Logger     *slog.Logger          // nil: discard
	Registerer prometheus.Registerer // nil: metrics are kept, not shown
}

// inProcess is the base URL of a catalog that no socket leads to.
const inProcess = "http://embedded.invalid"

// DefaultTimeout is that of a Config.
const DefaultTimeout = time.Minute

// A Catalog is a client of one catalog. It is safe for concurrent use.
type Catalog struct {
	glue      *glue.Client
	catalogID *string // nil: that of the credentials
	log       *slog.Logger
	metrics   *metrics
	cache     *cache
}

// New makes a client. It does not reach for the catalog yet.
func New(ctx context.Context, cfg Config) (*Catalog, error) {
	m, err := newMetrics(cfg.Registerer)
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	awsCfg, err := cfg.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("open catalog: %w", err)
	}
	next := cfg.Transport
	if next == nil {
		next = http.DefaultTransport.(*http.Transport).Clone()
	}
	client := glue.NewFromConfig(awsCfg, func(o *glue.Options) {
		o.HTTPClient = &http.Client{Transport: meter{next, m}, Timeout: cmp.Or(cfg.Timeout, DefaultTimeout)}
		o.Retryer = newRetryer()
	})
	c := &Catalog{glue: client, log: cfg.Logger, metrics: m, cache: newCache(cfg.Cache, cmp.Or(cfg.KnownPartitions, DefaultKnownPartitions))}
	if cfg.CatalogID != "" {
		c.catalogID = &cfg.CatalogID
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// load makes the SDK's configuration.
func (cfg Config) load(ctx context.Context) (aws.Config, error) {
	local := cfg.Transport != nil && cfg.Endpoint == ""
	if local && cfg.AccessKeyID == "" {
		cfg.AccessKeyID, cfg.SecretAccessKey = "embedded", "embedded"
	}
	keys := credentials.NewStaticCredentialsProvider(cfg.AccessKeyID, cfg.SecretAccessKey, "")
	if local {
		region := cfg.Region
		if region == "" {
			region = "us-east-1"
		}
		return aws.Config{Region: region, Credentials: keys, BaseEndpoint: aws.String(inProcess)}, nil
	}
	var opts []func(*config.LoadOptions) error
	if cfg.Region != "" {
		opts = append(opts, config.WithRegion(cfg.Region))
	}
	if cfg.AccessKeyID != "" {
		opts = append(opts, config.WithCredentialsProvider(keys))
	}
	awsCfg, err := config.LoadDefaultConfig(ctx, opts...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("load AWS configuration: %w", err)
	}
	if cfg.Endpoint != "" {
		awsCfg.BaseEndpoint = &cfg.Endpoint
		if awsCfg.Region == "" {
			awsCfg.Region = "us-east-1" // signs the requests; no server of ours minds
		}
	}
	if awsCfg.Region == "" {
		return aws.Config{}, fmt.Errorf("no AWS region: set glue.region or AWS_REGION")
	}
	return awsCfg, nil
}

// Table is the table as the catalog has it now. The error is ErrNotFound when
// the table or its database is not there, and a *ColumnTypeError when a column's
// type cannot be read.
func (c *Catalog) Table(ctx context.Context, name lake.TableName) (lake.Table, error) {
	t, err := c.getTable(ctx, name)
	if err != nil {
		return lake.Table{}, err
	}
	return decodeTable(*t, true)
}

// Databases are the names of the catalog's databases.
func (c *Catalog) Databases(ctx context.Context) ([]string, error) {
	var names []string
	pages := glue.NewGetDatabasesPaginator(c.glue, &glue.GetDatabasesInput{CatalogId: c.catalogID})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list databases: %w", err)
		}
		for _, db := range page.DatabaseList {
			names = append(names, aws.ToString(db.Name))
		}
	}
	return names, nil
}

// Tables are the database's tables. A column whose type cannot be read has the
// type lake.KindNone. The error is ErrNotFound when there is no such database.
func (c *Catalog) Tables(ctx context.Context, database string) ([]lake.Table, error) {
	var tables []lake.Table
	pages := glue.NewGetTablesPaginator(c.glue, &glue.GetTablesInput{
		CatalogId: c.catalogID, DatabaseName: &database,
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list tables of %s: %w", database, orNotFound(err))
		}
		for _, t := range page.TableList {
			table, err := decodeTable(t, false)
			if err != nil {
				return nil, err
			}
			tables = append(tables, table)
		}
	}
	return tables, nil
}
