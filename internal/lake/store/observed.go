package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
)

// observed is the Store over a backend: it checks arguments, measures, holds
// bodies to their length, and says in errors what was done to what.
type observed struct {
	backend backend
	root    location
	metrics *metrics
	changed func(key string) // Config.Changed, or nothing
}

func (o *observed) Put(ctx context.Context, key string, body io.ReaderAt, size int64) (err error) {
	defer o.metrics.observe("put", time.Now(), &err)
	if err := checkKey(key); err != nil {
		return o.fail("put", key, fmt.Errorf("%w: %w", errArgument, err))
	}
	if size < 0 {
		return o.fail("put", key, fmt.Errorf("%w: size %d", errArgument, size))
	}
	defer o.changed(key)
	if err := o.backend.put(ctx, key, body, size); err != nil {
		return o.fail("put", key, err)
	}
	o.metrics.addBytes("put", size)
	return nil
}

func (o *observed) Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error) {
	return o.get(ctx, key, off, length, "")
}

func (o *observed) GetVersion(ctx context.Context, v Object, off, length int64) (io.ReadCloser, error) {
	if v.ETag == "" {
		return nil, o.fail("get", v.Key, fmt.Errorf("%w: no ETag says which version", errArgument))
	}
	return o.get(ctx, v.Key, off, length, v.ETag)
}

// get reads the version of that ETag, any if it is empty.
func (o *observed) get(ctx context.Context, key string, off, length int64, etag string) (_ io.ReadCloser, err error) {
	defer o.metrics.observe("get", time.Now(), &err)
	if err := checkKey(key); err != nil {
		return nil, o.fail("get", key, fmt.Errorf("%w: %w", errArgument, err))
	}
	if off < 0 || length < -1 || off+length < -1 {
		return nil, o.fail("get", key, fmt.Errorf("%w: range of %d bytes from %d", errArgument, length, off))
	}
	body, n, err := o.backend.get(ctx, key, off, length, etag)
	if err != nil {
		return nil, o.failVersion("get", key, etag, err)
	}
	return &exactBody{body: body, left: n, store: o, key: key, etag: etag}, nil
}

func (o *observed) Stat(ctx context.Context, key string) (_ Object, err error) {
	defer o.metrics.observe("stat", time.Now(), &err)
	if err := checkKey(key); err != nil {
		return Object{}, o.fail("stat", key, fmt.Errorf("%w: %w", errArgument, err))
	}
	object, err := o.backend.stat(ctx, key)
	return object, o.fail("stat", key, err)
}

func (o *observed) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		var err error
		defer o.metrics.observe("list", time.Now(), &err)
		folder := strings.TrimSuffix(prefix, "/")
		if folder != "" {
			if bad := checkKey(folder); bad != nil {
				err = o.fail("list", prefix, fmt.Errorf("%w: %w", errArgument, bad))
				yield(Object{}, err)
				return
			}
		}
		for object, bad := range o.backend.list(ctx, folder) {
			if bad != nil {
				err = o.fail("list", prefix, bad)
				yield(Object{}, err)
				return
			}
			if !yield(object, nil) {
				return
			}
		}
	}
}

func (o *observed) Delete(ctx context.Context, key string) (err error) {
	defer o.metrics.observe("delete", time.Now(), &err)
	if err := checkKey(key); err != nil {
		return o.fail("delete", key, fmt.Errorf("%w: %w", errArgument, err))
	}
	defer o.changed(key)
	return o.fail("delete", key, o.backend.delete(ctx, key))
}

func (o *observed) Remove(ctx context.Context, v Object) (err error) {
	defer o.metrics.observe("delete", time.Now(), &err)
	if err := checkKey(v.Key); err != nil {
		return o.fail("delete", v.Key, fmt.Errorf("%w: %w", errArgument, err))
	}
	if v.ETag == "" {
		return o.fail("delete", v.Key, fmt.Errorf("%w: no ETag says which version", errArgument))
	}
	defer o.changed(v.Key)
	return o.failVersion("delete", v.Key, v.ETag, o.backend.remove(ctx, v))
}

func (o *observed) Now(ctx context.Context) (_ time.Time, err error) {
	defer o.metrics.observe("now", time.Now(), &err)
	now, err := o.backend.now(ctx)
	return now.UTC(), classify("ask the time of", o.root.uri(""), err, o.backend.advise)
}

func (o *observed) Unfinished(ctx context.Context) iter.Seq2[Unfinished, error] {
	return func(yield func(Unfinished, error) bool) {
		var err error
		defer o.metrics.observe("unfinished", time.Now(), &err)
		for u, bad := range o.backend.unfinished(ctx) {
			if bad != nil {
				err = classify("list unfinished uploads to", o.root.uri(""), bad, o.backend.advise)
				yield(Unfinished{}, err)
				return
			}
			if !yield(u, nil) {
				return
			}
		}
	}
}

func (o *observed) Discard(ctx context.Context, u Unfinished) (err error) {
	defer o.metrics.observe("discard", time.Now(), &err)
	return classify("discard unfinished upload to", o.root.uri(u.Key), o.backend.discard(ctx, u), o.backend.advise)
}

func (o *observed) URI(key string) string { return o.root.uri(key) }

func (o *observed) Key(uri string) (string, bool) { return o.root.key(uri) }

func (o *observed) LocalPath(key string) (string, bool) {
	if checkKey(key) != nil {
		return "", false
	}
	return o.backend.localPath(key)
}

func (o *observed) fail(op, key string, err error) error {
	return classify(op+" object", o.root.uri(key), err, o.backend.advise)
}

// failVersion is fail for a read of the version of that ETag: one that was
// replaced does not come back.
func (o *observed) failVersion(op, key, etag string, err error) error {
	if etag != "" && errors.Is(err, ErrChanged) {
		return &failure{op: op + " object", uri: o.root.uri(key), err: ErrChanged}
	}
	return o.fail(op, key, err)
}

// exactBody yields as many bytes as were promised, or an error.
type exactBody struct {
	body  io.ReadCloser
	left  int64
	store *observed
	key   string
	etag  string // of the version that was asked for, empty for any
}

func (b *exactBody) Read(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	n, err := b.body.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	b.store.metrics.addBytes("get", int64(n))
	switch {
	case err == nil, b.left == 0:
		return n, nil
	case err == io.EOF: // itself: one deep in another error is that error's affair
		err = fmt.Errorf("%w, %d bytes before the end", io.ErrUnexpectedEOF, b.left)
	}
	return n, b.store.failVersion("read", b.key, b.etag, err)
}

func (b *exactBody) Close() error { return b.body.Close() }
