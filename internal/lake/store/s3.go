package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// defaultRegion is AWS's own default for S3; other services rarely mind.
	defaultRegion = "us-east-1"
	// attempts of the client at one request, with its backoff between them.
	attempts = 5
	// uploads is how many requests with a body a store has under way at once.
	uploads = 16
	// patience is how long Open waits for the service. A process that starts in an
	// outage has other work, such as receiving, that need not wait for its end.
	patience = 5 * time.Second
)

// bucket keeps objects in an S3 bucket, under a prefix.
type bucket struct {
	client *s3.Client
	name   *string
	prefix string        // "" or with a slash at its end
	slots  chan struct{} // holds one element for each upload request under way
}

func openS3(ctx context.Context, loc location, cfg Config) (*bucket, error) {
	client, err := newClient(ctx, cfg.S3)
	if err != nil {
		return nil, err
	}
	b := &bucket{client: client, name: aws.String(loc.bucket), slots: make(chan struct{}, uploads)}
	if loc.path != "" {
		b.prefix = loc.path + "/"
	}
	err = b.look(ctx, patience)
	if err == nil {
		return b, nil
	}
	err = classify("list", loc.String(), err, b.advise)
	if !Retryable(err) || errors.Is(err, errCredentials) {
		return nil, err
	}
	cfg.Logger.Warn("the object store does not answer; going on without", "store", loc.String(), "err", err)
	return b, nil
}

// look asks the service for anything at all, to find what is wrong with the
// configuration. That it does not answer in time passes, as any outage.
func (b *bucket) look(ctx context.Context, patience time.Duration) error {
	looking, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.client.ListObjectsV2(looking, &s3.ListObjectsV2Input{Bucket: b.name, Prefix: aws.String(b.prefix), MaxKeys: aws.Int32(1)})
	if err != nil && looking.Err() != nil && ctx.Err() == nil {
		// Not wrapped: the end of a context of the caller's would be no passing fault.
		return fmt.Errorf("no answer within %v: %v", patience, err)
	}
	return err
}

// errCredentials: no source of the chain has any, or the one that should answer
// does not.
var errCredentials = errors.New("no AWS credentials")

func newClient(ctx context.Context, cfg S3) (*s3.Client, error) {
	transport := awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.DialContext = dialImpatiently(t.DialContext, cmp.Or(cfg.Timeout, DefaultTimeout))
		t.MaxIdleConnsPerHost = 4 * uploads
	})
	options := []func(*config.LoadOptions) error{
		config.WithHTTPClient(transport),
		config.WithDefaultRegion(defaultRegion),
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if cfg.Region != "" {
		options = append(options, config.WithRegion(cfg.Region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if loaded.RetryMaxAttempts == 0 { // AWS_MAX_ATTEMPTS and the profile say nothing
		loaded.RetryMaxAttempts = attempts
	}
	pathStyle := cfg.PathStyle
	if cfg.Endpoint != "" {
		u, err := url.Parse(cfg.Endpoint)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
			return nil, fmt.Errorf("s3.endpoint %q: want http://host:port or https://host", cfg.Endpoint)
		}
		pathStyle = pathStyle || u.Hostname() == "localhost" // bucket.localhost rarely resolves
	}
	chain := loaded.Credentials
	loaded.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		found, err := chain.Retrieve(ctx)
		if err != nil {
			err = fmt.Errorf("%w: %w", errCredentials, err)
		}
		return found, err
	})
	return s3.NewFromConfig(loaded, func(o *s3.Options) {
		o.UsePathStyle = pathStyle
		if cfg.Endpoint != "" {
			o.BaseEndpoint = aws.String(cfg.Endpoint)
		}
	}), nil
}

func (b *bucket) key(key string) *string { return aws.String(b.prefix + key) }

func (b *bucket) localPath(string) (string, bool) { return "", false }

func (b *bucket) stat(ctx context.Context, key string) (Object, error) {
	head, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: b.name, Key: b.key(key)})
	if err != nil {
		return Object{}, notFound(err)
	}
	if head.ContentLength == nil {
		return Object{}, errors.New("the service does not say how large the object is")
	}
	return Object{
		Key: key, Size: *head.ContentLength,
		ETag: trimETag(head.ETag), Modified: aws.ToTime(head.LastModified).UTC(),
	}, nil
}

func trimETag(etag *string) string { return strings.Trim(aws.ToString(etag), `"`) }

func (b *bucket) delete(ctx context.Context, key string) error {
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b.name, Key: b.key(key)})
	if err = notFound(err); errors.Is(err, fs.ErrNotExist) {
		return nil // some services say so
	}
	return err
}

// list leaves out what is no object of a store: the empty "folder/" objects that
// consoles make, and names that no key can have.
func (b *bucket) list(ctx context.Context, folder string) iter.Seq2[Object, error] {
	prefix := b.prefix
	if folder != "" {
		prefix += folder + "/"
	}
	return func(yield func(Object, error) bool) {
		pages := s3.NewListObjectsV2Paginator(b.client, &s3.ListObjectsV2Input{Bucket: b.name, Prefix: aws.String(prefix)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Object{}, err)
				return
			}
			for _, c := range page.Contents {
				key, ok := strings.CutPrefix(aws.ToString(c.Key), b.prefix)
				if !ok || checkKey(key) != nil {
					continue
				}
				object := Object{Key: key, Size: aws.ToInt64(c.Size), ETag: trimETag(c.ETag), Modified: aws.ToTime(c.LastModified).UTC()}
				if !yield(object, nil) {
					return
				}
			}
		}
	}
}

// acquire takes a slot for an upload request.
func (b *bucket) acquire(ctx context.Context) error {
	select {
	case b.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (b *bucket) release() { <-b.slots }

// section is the part of a body that one request sends. The client reads it
// twice, for the signature and for the wire, and again when it retries.
func section(body io.ReaderAt, off, n int64) io.ReadSeeker { return io.NewSectionReader(body, off, n) }
