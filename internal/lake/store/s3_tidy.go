package store

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// remove looks first: services that do not know conditional deletes pass over the
// condition.
func (b *bucket) remove(ctx context.Context, o Object) error {
	have, err := b.stat(ctx, o.Key)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case have.ETag != o.ETag:
		return ErrChanged
	}
	_, err = b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: b.name, Key: b.key(o.Key), IfMatch: aws.String(`"` + o.ETag + `"`)})
	if err != nil && errorCode(err) == "PreconditionFailed" {
		return ErrChanged
	}
	if err = notFound(err); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// now is the time of the service's answer.
func (b *bucket) now(ctx context.Context) (time.Time, error) {
	out, err := b.client.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: b.name, Prefix: aws.String(b.prefix), MaxKeys: aws.Int32(1)})
	if err != nil {
		return time.Time{}, err
	}
	now, ok := middleware.GetServerTime(out.ResultMetadata)
	if !ok {
		return time.Time{}, errors.New("the service does not say what time it is")
	}
	return now, nil
}

func (b *bucket) unfinished(ctx context.Context) iter.Seq2[Unfinished, error] {
	return func(yield func(Unfinished, error) bool) {
		pages := s3.NewListMultipartUploadsPaginator(b.client, &s3.ListMultipartUploadsInput{Bucket: b.name, Prefix: aws.String(b.prefix)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(Unfinished{}, err)
				return
			}
			for _, u := range page.Uploads {
				key, ok := strings.CutPrefix(aws.ToString(u.Key), b.prefix)
				if !ok || checkKey(key) != nil || u.Initiated == nil {
					continue
				}
				if !yield(Unfinished{Key: key, ID: aws.ToString(u.UploadId), Size: -1, Begun: u.Initiated.UTC()}, nil) {
					return
				}
			}
		}
	}
}

func (b *bucket) discard(ctx context.Context, u Unfinished) error {
	_, err := b.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: b.name, Key: b.key(u.Key), UploadId: aws.String(u.ID)})
	if err != nil && (errorCode(err) == "NoSuchUpload" || errors.Is(notFound(err), fs.ErrNotExist)) {
		return nil
	}
	return err
}
