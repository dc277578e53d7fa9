package athena

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/athena/types"

	"sluice/query/result"
)

// A Config says where statements go.
type Config struct {
	Workgroup string // empty: primary
	Output    string // s3:// location of answers; empty: as the workgroup says
	Catalog   string // empty: AwsDataCatalog
	Database  string // of tables named without one
	Region    string
	Endpoint  string // empty: AWS
	// PricePerTB is the dollars that Stats.Cost takes for 10^12 bytes.
	PricePerTB float64
}

// The pauses between two looks at a query that runs: the first, and the longest.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 3 * time.Second
	// stopWithin bounds the call that stops a query.
	stopWithin = 5 * time.Second
	// maxAttempts is how often a call is tried that Athena throttles.
	maxAttempts = 8
)

// A Client asks Athena.
type Client struct {
	cfg Config
	api *athena.Client
}

// New makes a client; credentials come from the standard AWS chain.
func New(ctx context.Context, cfg Config) (*Client, error) {
	options := []func(*config.LoadOptions) error{config.WithRetryer(func() aws.Retryer {
		return retry.AddWithMaxAttempts(retry.NewStandard(), maxAttempts)
	})}
	if cfg.Region != "" {
		options = append(options, config.WithRegion(cfg.Region))
	}
	aws, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("ask Athena: %w", err)
	}
	if aws.Region == "" {
		return nil, errors.New("ask Athena: no region is known: set athena.region or AWS_REGION")
	}
	return &Client{cfg: cfg, api: athena.NewFromConfig(aws, func(o *athena.Options) {
		if cfg.Endpoint != "" {
			o.BaseEndpoint = &cfg.Endpoint
		}
	})}, nil
}

// Query runs a statement to its end, and returns its rows, which must be closed.
func (c *Client) Query(ctx context.Context, sql string) (result.Rows, error) {
	started := time.Now()
	in := &athena.StartQueryExecutionInput{QueryString: &sql}
	if c.cfg.Workgroup != "" {
		in.WorkGroup = &c.cfg.Workgroup
	}
	if c.cfg.Output != "" {
		in.ResultConfiguration = &types.ResultConfiguration{OutputLocation: &c.cfg.Output}
	}
	if c.cfg.Catalog != "" || c.cfg.Database != "" {
		in.QueryExecutionContext = &types.QueryExecutionContext{}
		if c.cfg.Catalog != "" {
			in.QueryExecutionContext.Catalog = &c.cfg.Catalog
		}
		if c.cfg.Database != "" {
			in.QueryExecutionContext.Database = &c.cfg.Database
		}
	}
	out, err := c.api.StartQueryExecution(ctx, in)
	if err != nil {
		return nil, fmt.Errorf("start query at Athena: %w", err)
	}
	r := &rows{ctx: ctx, client: c, id: aws.ToString(out.QueryExecutionId), started: started}
	if err := r.wait(); err != nil {
		return nil, err
	}
	if err := r.page(true); err != nil {
		return nil, err
	}
	return r, nil
}

// wait returns when the query has succeeded; if ctx ends before, it is stopped.
func (r *rows) wait() error {
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		out, err := r.client.api.GetQueryExecution(r.ctx, &athena.GetQueryExecutionInput{QueryExecutionId: &r.id})
		if r.ctx.Err() != nil {
			r.stop()
			return context.Cause(r.ctx)
		}
		if err != nil {
			r.stop()
			return fmt.Errorf("ask Athena for query %s: %w", r.id, err)
		}
		if out.QueryExecution == nil || out.QueryExecution.Status == nil {
			r.stop()
			return fmt.Errorf("ask Athena for query %s: the answer has no status", r.id)
		}
		switch q := out.QueryExecution; q.Status.State {
		case types.QueryExecutionStateSucceeded:
			r.note(q)
			return nil
		case types.QueryExecutionStateFailed, types.QueryExecutionStateCancelled:
			return &Error{ID: r.id, State: string(q.Status.State), Reason: aws.ToString(q.Status.StateChangeReason)}
		}
		select {
		case <-r.ctx.Done():
			r.stop()
			return context.Cause(r.ctx)
		case <-time.After(pause):
		}
	}
}

// stop asks Athena to stop the query: what it has scanned is paid for, the rest is
// not. Nothing more can be done where that fails.
func (r *rows) stop() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), stopWithin)
	defer cancel()
	_, _ = r.client.api.StopQueryExecution(ctx, &athena.StopQueryExecutionInput{QueryExecutionId: &r.id})
}

// An Error is what Athena says of a query that did not succeed.
type Error struct {
	ID     string // of the execution
	State  string // FAILED or CANCELLED
	Reason string
}

func (e *Error) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("Athena: query %s %s", e.ID, e.State)
	}
	return "Athena: " + e.Reason + " (query " + e.ID + ")"
}
