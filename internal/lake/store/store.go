package store

import (
	"context"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// A Store keeps objects under keys. It is safe for concurrent use.
type Store interface {
	// Put stores the size bytes of body, whole or not at all, in place of what the
	// key held, and returns when they are durable.
	Put(ctx context.Context, key string, body io.ReaderAt, size int64) error
	// Get reads length bytes from offset off, to the end where length is -1. A
	// range that reaches past the end is an error. An absent object is
	// fs.ErrNotExist, wrapped.
	Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error)
	// GetVersion is Get of the version that Object describes: where the key holds
	// another by now, or comes to hold one while the body is read, the error is
	// ErrChanged.
	GetVersion(ctx context.Context, o Object, off, length int64) (io.ReadCloser, error)
	// Stat describes an object. An absent one is fs.ErrNotExist, wrapped.
	Stat(ctx context.Context, key string) (Object, error)
	// List yields the objects below a folder, at any depth, in key order; prefix is
	// the folder's key, with or without a slash behind it, and "" the root. An
	// error ends the sequence.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes an object. That it is absent is success.
	Delete(ctx context.Context, key string) error
	// Remove deletes the version that Object describes, as List or Stat gave it. That
	// the key is absent is success; where it holds another version, which stays, the
	// error is ErrChanged. An S3 service that does not know conditional deletes leaves
	// a moment in which a version that was just put may go.
	Remove(ctx context.Context, o Object) error
	// Now is the time by the clock that gives objects their Modified.
	Now(ctx context.Context) (time.Time, error)
	// Unfinished yields what uploads left that were not completed and not undone, and
	// those that are under way. An error ends the sequence.
	Unfinished(ctx context.Context) iter.Seq2[Unfinished, error]
	// Discard gives up an unfinished upload. That it is gone is success; one that this
	// machine knows to be under way stays, and that is no error.
	Discard(ctx context.Context, u Unfinished) error
	// URI is the location of a key.
	URI(key string) string
	// Key is the inverse of URI, also for a folder's location with a slash at its
	// end, and for the spellings file:/, s3a:// and s3n:// that Hive and Spark use.
	// The root's key is "". ok is false for a location that is not below the root.
	Key(uri string) (key string, ok bool)
	// LocalPath is the file in which an object lies; ok is false for stores without
	// files.
	LocalPath(key string) (path string, ok bool)
}

// An Object is what the store says of an object.
type Object struct {
	Key  string
	Size int64
	// ETag changes whenever the object's bytes are replaced. For files it is made
	// of modification time, size and inode.
	ETag     string
	Modified time.Time // to the second at least, UTC
}

// An Unfinished upload takes space that no object shows.
type Unfinished struct {
	Key   string    // of the object that it was to become; "" where that is not known
	ID    string    // the store's name for it
	Size  int64     // in bytes; -1 where the store does not say
	Begun time.Time // of a file, when it was last written to; UTC
}

// S3 reaches an S3-compatible service. Credentials, and what is empty here, come
// from the standard AWS chain: environment, profile, web identity, container,
// instance role.
type S3 struct {
	Endpoint  string // http(s)://host[:port]; empty: AWS
	Region    string
	PathStyle bool // the bucket in the path instead of in the host name
	// Timeout is how long a connection may carry nothing before it counts as broken;
	// 0: DefaultTimeout.
	Timeout time.Duration
}

// Config is what Open needs beside the root. Its zero value is useful.
type Config struct {
	S3         S3
	Logger     *slog.Logger          // nil: silent
	Registerer prometheus.Registerer // nil: no metrics
	// Changed, if set, is told the key of each Put, Delete and Remove before the call
	// returns, whether it succeeded or not: what failed may have been done.
	Changed func(key string)
}

// backend is what a kind of store does itself; observed does the rest. Keys are
// checked before they get here.
type backend interface {
	put(ctx context.Context, key string, body io.ReaderAt, size int64) error
	// get also returns how many bytes the reader has to yield. Where etag is not
	// empty, another version is ErrChanged.
	get(ctx context.Context, key string, off, length int64, etag string) (body io.ReadCloser, n int64, err error)
	stat(ctx context.Context, key string) (Object, error)
	list(ctx context.Context, folder string) iter.Seq2[Object, error]
	delete(ctx context.Context, key string) error
	// remove is ErrChanged where the key holds another version.
	remove(ctx context.Context, o Object) error
	now(ctx context.Context) (time.Time, error)
	unfinished(ctx context.Context) iter.Seq2[Unfinished, error]
	discard(ctx context.Context, u Unfinished) error
	localPath(key string) (string, bool)
	// advise says what an operator can do about an error and whether repeating the
	// call can help.
	advise(err error) (advice string, retryable bool)
}

// Open opens the store at root: file:///absolute/folder, a plain path (made
// absolute, and created where it is missing), or s3://bucket[/prefix]. An S3
// store is asked for its first key, so that a wrong bucket, region or credential
// shows at once; a service that cannot be reached just now is only logged.
func Open(ctx context.Context, root string, cfg Config) (Store, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	loc, err := parseRoot(root)
	if err != nil {
		return nil, fmt.Errorf("open store %q: %w", root, err)
	}
	var b backend
	if loc.scheme == schemeFile {
		b, err = openFiles(loc.path, osDisk{}, cfg.Logger)
	} else {
		b, err = openS3(ctx, loc, cfg)
	}
	if err != nil {
		return nil, fmt.Errorf("open store %s: %w", loc, err)
	}
	o := &observed{backend: b, root: loc, metrics: newMetrics(cfg.Registerer), changed: cfg.Changed}
	if o.changed == nil {
		o.changed = func(string) {}
	}
	return o, nil
}
