package fetch

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"sluice/internal/lake/store"
)

// A Source reads objects.
type Source interface {
	Get(ctx context.Context, key string, off, length int64) (io.ReadCloser, error)
}

// A Cache keeps objects as files.
type Cache struct {
	dir    string
	source Source
	limit  func() int64 // bytes that may be kept
	log    *slog.Logger

	mu    sync.Mutex // guards all below
	files map[string]*file
	order *list.List // of *file that are complete, the least recently used first
	bytes int64      // of complete files
}

// A file is one object, being fetched or complete.
type file struct {
	name  string
	path  string
	size  int64
	refs  int
	ready chan struct{} // closed when it is complete or failed
	err   error         // set before ready is closed
	place *list.Element // nil until complete
}

// Open makes a Cache over an empty folder. limit is asked again each time.
func Open(dir string, source Source, limit func() int64, log *slog.Logger) (*Cache, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("wipe object cache: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("open object cache: %w", err)
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Cache{dir: dir, source: source, limit: limit, log: log, files: make(map[string]*file), order: list.New()}, nil
}

// Get is the path of a file with the object's bytes, which stays until release.
// fetched is how many bytes this call has read from the source.
func (c *Cache) Get(ctx context.Context, o store.Object) (path string, fetched int64, release func(), err error) {
	sum := sha256.Sum256([]byte(o.Key + "\x00" + o.ETag))
	name := hex.EncodeToString(sum[:16]) + ".parquet"
	for {
		c.mu.Lock()
		f, found := c.files[name]
		if !found {
			f = &file{name: name, path: filepath.Join(c.dir, name), size: o.Size, ready: make(chan struct{})}
			c.files[name] = f
		}
		f.refs++
		if f.place != nil {
			c.order.MoveToBack(f.place)
		}
		c.mu.Unlock()
		release = sync.OnceFunc(func() { c.release(f) })
		if !found {
			err := c.fetch(ctx, o, f)
			if err != nil {
				release()
				return "", 0, nil, err
			}
			return f.path, o.Size, release, nil
		}
		select {
		case <-f.ready:
		case <-ctx.Done():
			release()
			return "", 0, nil, context.Cause(ctx)
		}
		if f.err == nil {
			return f.path, 0, release, nil
		}
		// The other one failed, maybe because its query was cancelled.
		release()
		if err := ctx.Err(); err != nil {
			return "", 0, nil, context.Cause(ctx)
		}
	}
}

// fetch fills the file and tells those who wait.
func (c *Cache) fetch(ctx context.Context, o store.Object, f *file) error {
	err := c.download(ctx, o, f.path)
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.err = err; err != nil {
		delete(c.files, f.name)
	} else {
		f.place = c.order.PushBack(f)
		c.bytes += f.size
		c.shrinkLocked()
	}
	close(f.ready)
	return err
}

func (c *Cache) download(ctx context.Context, o store.Object, path string) (err error) {
	body, err := c.source.Get(ctx, o.Key, 0, -1)
	if err != nil {
		return fmt.Errorf("fetch object %s: %w", o.Key, err)
	}
	defer body.Close()
	aside, err := os.CreateTemp(c.dir, "fetching-*")
	if err != nil {
		return fmt.Errorf("fetch object %s: %w", o.Key, err)
	}
	defer func() {
		aside.Close()
		if err != nil {
			os.Remove(aside.Name())
		}
	}()
	n, err := io.Copy(aside, body)
	if err == nil && n != o.Size {
		err = fmt.Errorf("it has %d bytes where the listing said %d; it was replaced meanwhile", n, o.Size)
	}
	if err == nil {
		err = aside.Close()
	}
	if err == nil {
		err = os.Rename(aside.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("fetch object %s: %w", o.Key, err)
	}
	return nil
}

func (c *Cache) release(f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.refs--
	c.shrinkLocked()
}

// shrinkLocked deletes what is not in use until the rest fits.
func (c *Cache) shrinkLocked() {
	limit := c.limit()
	for e := c.order.Front(); e != nil && c.bytes > limit; {
		f, next := e.Value.(*file), e.Next()
		if f.refs == 0 {
			c.order.Remove(e)
			delete(c.files, f.name)
			c.bytes -= f.size
			if err := os.Remove(f.path); err != nil {
				c.log.Warn("delete cached object", "path", f.path, "err", err)
			}
		}
		e = next
	}
}

// Bytes is how much is kept.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}
