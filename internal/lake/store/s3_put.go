package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"golang.org/x/sync/errgroup"
)

const (
	// partSize is also the size up to which an object is sent at once. S3 wants
	// parts of 5 MiB at least and 10,000 of them at most.
	partSize = 16 << 20
	maxParts = 10_000
	// partsAtOnce bounds the requests of one object.
	partsAtOnce = 4
	// abortTimeout bounds the tidying up after a failed upload.
	abortTimeout = 30 * time.Second
)

func (b *bucket) put(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	if err := checkSize(body, size); err != nil {
		return err
	}
	if size > partSize {
		return b.putParts(ctx, key, body, size)
	}
	if err := b.acquire(ctx); err != nil {
		return err
	}
	defer b.release()
	_, err := b.client.PutObject(ctx, &s3.PutObjectInput{
		Bucket: b.name, Key: b.key(key), Body: section(body, 0, size), ContentLength: aws.Int64(size),
	})
	return err
}

// checkSize finds a body that is too short before the service does, who would
// wait for the rest.
func checkSize(body io.ReaderAt, size int64) error {
	if size == 0 {
		return nil
	}
	if n, err := body.ReadAt(make([]byte, 1), size-1); n == 0 {
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%w: the body is shorter than %d bytes", errArgument, size)
		}
		return err
	}
	return nil
}

// putParts uploads an object in parts. The object changes when the last request
// succeeds. If we crash before, the parts stay, seen by nobody, until a
// lifecycle rule of the bucket removes them; every other failure aborts.
func (b *bucket) putParts(ctx context.Context, key string, body io.ReaderAt, size int64) error {
	begun, err := b.client.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: b.name, Key: b.key(key)})
	if err != nil {
		return fmt.Errorf("begin multipart upload: %w", err)
	}
	u := &upload{bucket: b, key: b.key(key), id: begun.UploadId, body: body, size: size}
	err = u.run(ctx)
	if err != nil {
		// All requests for parts have ended: none adds to what is removed here, unless
		// the caller's context broke it off on the way.
		return errors.Join(err, u.abort(ctx))
	}
	return nil
}

// An upload is one multipart upload under way.
type upload struct {
	bucket *bucket
	key    *string
	id     *string
	body   io.ReaderAt
	size   int64
}

// run lets the requests under way end where one has failed: a service may store
// a part whose request was broken off after the upload was aborted.
func (u *upload) run(ctx context.Context) error {
	part := partSizeFor(u.size)
	parts := make([]types.CompletedPart, (u.size+part-1)/part)
	var group errgroup.Group
	var failed atomic.Bool
	group.SetLimit(partsAtOnce)
	for i := range parts {
		group.Go(func() error {
			if failed.Load() {
				return nil // Wait has the error
			}
			off := int64(i) * part
			etag, err := u.send(ctx, int32(i+1), off, min(part, u.size-off))
			if err != nil {
				failed.Store(true)
				return fmt.Errorf("upload part %d of %d: %w", i+1, len(parts), err)
			}
			parts[i] = types.CompletedPart{ETag: etag, PartNumber: aws.Int32(int32(i + 1))}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	_, err := u.bucket.client.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{
		Bucket: u.bucket.name, Key: u.key, UploadId: u.id,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: parts},
	})
	if err != nil {
		return fmt.Errorf("complete multipart upload: %w", err)
	}
	return nil
}

func partSizeFor(size int64) int64 {
	const unit = 1 << 20
	part := (size + maxParts - 1) / maxParts
	return max(partSize, (part+unit-1)/unit*unit)
}

func (u *upload) send(ctx context.Context, number int32, off, n int64) (etag *string, err error) {
	if err := u.bucket.acquire(ctx); err != nil {
		return nil, err
	}
	defer u.bucket.release()
	sent, err := u.bucket.client.UploadPart(ctx, &s3.UploadPartInput{
		Bucket: u.bucket.name, Key: u.key, UploadId: u.id, PartNumber: aws.Int32(number),
		Body: section(u.body, off, n), ContentLength: aws.Int64(n),
	})
	if err != nil {
		return nil, err
	}
	return sent.ETag, nil
}

// abort gives the parts back, also when the caller's context has ended. That the
// upload is gone already is fine: a completion whose answer was lost.
func (u *upload) abort(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), abortTimeout)
	defer cancel()
	_, err := u.bucket.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{
		Bucket: u.bucket.name, Key: u.key, UploadId: u.id,
	})
	if err == nil || errorCode(err) == "NoSuchUpload" {
		return nil
	}
	return fmt.Errorf("abort multipart upload (its parts stay until a lifecycle rule removes them): %w", err)
}
