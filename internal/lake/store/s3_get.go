package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

const (
	// resumes is how often a body is taken up again without any progress between.
	resumes = 5
	// resumeDelay stands before the second of them, and is doubled from there.
	resumeDelay = 100 * time.Millisecond
)

// ErrChanged: the object was replaced between two requests for one body, or is
// not the version that was asked for.
var ErrChanged = errors.New("the object was replaced meanwhile")

func (b *bucket) get(ctx context.Context, key string, off, length int64, etag string) (io.ReadCloser, int64, error) {
	if length == 0 {
		return b.getNothing(ctx, key, off, length, etag)
	}
	quoted := ""
	if etag != "" {
		quoted = `"` + etag + `"`
	}
	first, err := b.request(ctx, key, off, length, quoted)
	if status(err) == http.StatusRequestedRangeNotSatisfiable {
		return b.getNothing(ctx, key, off, length, etag)
	}
	if err != nil {
		return nil, 0, err
	}
	n := first.n
	if length > 0 && n != length {
		first.body.Close()
		return nil, 0, fmt.Errorf("%w: %d bytes from %d reach past the end, %d", errArgument, length, off, off+n)
	}
	body := &resumedBody{body: first.body, left: n, wait: func(d time.Duration) error { return wait(ctx, d) }}
	body.resume = func(left int64) (io.ReadCloser, error) {
		next, err := b.request(ctx, key, off+n-left, left, first.etag)
		if err != nil {
			return nil, err
		}
		if next.n != left {
			next.body.Close()
			return nil, ErrChanged
		}
		return next.body, nil
	}
	return body, n, nil
}

// getNothing answers the empty range, which S3 has no words for.
func (b *bucket) getNothing(ctx context.Context, key string, off, length int64, etag string) (io.ReadCloser, int64, error) {
	object, err := b.stat(ctx, key)
	if err != nil {
		return nil, 0, err
	}
	if etag != "" && object.ETag != etag {
		return nil, 0, ErrChanged
	}
	n, err := rangeWithin(off, length, object.Size)
	if err == nil && n != 0 {
		err = ErrChanged
	}
	return http.NoBody, 0, err
}

// An answer is the response to one GET.
type answer struct {
	body io.ReadCloser
	n    int64 // bytes that it says it has
	etag string
}

// request gets a range, of that version only if etag is not empty.
func (b *bucket) request(ctx context.Context, key string, off, length int64, etag string) (answer, error) {
	in := &s3.GetObjectInput{Bucket: b.name, Key: b.key(key)}
	ranged := off > 0 || length >= 0
	switch {
	case length >= 0:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-%d", off, off+length-1))
	case ranged:
		in.Range = aws.String(fmt.Sprintf("bytes=%d-", off))
	}
	if etag != "" {
		in.IfMatch = aws.String(etag)
	}
	out, err := b.client.GetObject(ctx, in)
	if status(err) == http.StatusPreconditionFailed {
		return answer{}, fmt.Errorf("%w: %w", ErrChanged, err)
	}
	if err != nil {
		return answer{}, notFound(err)
	}
	a := answer{body: out.Body, n: aws.ToInt64(out.ContentLength), etag: aws.ToString(out.ETag)}
	if etag != "" && a.etag != "" && a.etag != etag {
		err = ErrChanged // the service does not know If-Match
	} else if out.ContentLength == nil {
		err = errors.New("the service does not say how long the body is")
	} else if ranged {
		err = checkRange(aws.ToString(out.ContentRange), off, a.n)
	}
	if err != nil {
		out.Body.Close()
		return answer{}, err
	}
	return a, nil
}

// checkRange finds a service that sends other bytes than those asked for.
func checkRange(header string, off, n int64) error {
	span, _, ok := strings.Cut(strings.TrimPrefix(header, "bytes "), "/")
	from, to, ok2 := strings.Cut(span, "-")
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	if !ok || !ok2 || err1 != nil || err2 != nil || first != off || last != off+n-1 {
		return fmt.Errorf("the service answers a request for bytes from %d with Content-Range %q and %d bytes", off, header, n)
	}
	return nil
}

// resumedBody reads one version of an object over as many connections as it
// takes.
type resumedBody struct {
	body   io.ReadCloser // nil after it broke
	left   int64
	tries  int // since the last byte
	resume func(left int64) (io.ReadCloser, error)
	wait   func(time.Duration) error
}

func (r *resumedBody) Read(p []byte) (int, error) {
	for r.left > 0 {
		if r.body == nil {
			body, err := r.resume(r.left)
			if err != nil {
				return 0, err
			}
			r.body = body
		}
		n, err := r.body.Read(p[:min(int64(len(p)), r.left)])
		r.left -= int64(n)
		if n > 0 || err == nil {
			r.tries = 0
			return n, nil // an error comes again
		}
		r.body.Close()
		r.body = nil
		if r.tries++; r.tries > resumes {
			return 0, fmt.Errorf("the body broke %d times: %w", r.tries, err)
		}
		if r.tries == 1 {
			continue
		}
		if err := r.wait(resumeDelay << (r.tries - 2)); err != nil {
			return 0, err
		}
	}
	return 0, io.EOF
}

func (r *resumedBody) Close() error {
	r.resume = func(int64) (io.ReadCloser, error) { return nil, fs.ErrClosed }
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// notFound makes the service's words for an absent object ours: NoSuchKey, and
// NotFound for HEAD, whose answer has no words. Any other 404, of a missing
// bucket or of a web server that is no object store, says nothing about the object.
func notFound(err error) error {
	switch errorCode(err) {
	case "NoSuchKey", "NotFound":
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	}
	return err
}
