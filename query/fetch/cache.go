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
	GetVersion(ctx context.Context, o store.Object, off, length int64) (io.ReadCloser, error)
}

// A Config is what a Cache needs and its bounds.
type Config struct {
	Dir    string // of its own: Open deletes what lies in it
	Source Source
	Limit  func() int64 // bytes that may be kept in Dir; asked again each time
	// Memory bounds the metadata kept in memory, in bytes; Parallel the requests under
	// way at once, of all queries.
	Memory   int64
	Parallel int
	Log      *slog.Logger // nil: silent
}

// A Cache keeps objects as files.
type Cache struct {
	dir    string
	source Source
	limit  func() int64 // bytes that may be kept
	log    *slog.Logger
	memory *memory
	slots  chan struct{} // holds one element for each request under way

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

// Open makes a Cache over an empty folder.
func Open(cfg Config) (*Cache, error) {
	if err := os.RemoveAll(cfg.Dir); err != nil {
		return nil, fmt.Errorf("wipe object cache: %w", err)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("open object cache: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Cache{
		dir: cfg.Dir, source: cfg.Source, limit: cfg.Limit, log: cfg.Log, memory: newMemory(cfg.Memory),
		slots: make(chan struct{}, max(cfg.Parallel, 1)), files: make(map[string]*file), order: list.New(),
	}, nil
}

// Get is the path of a file with the object's bytes, all of them, which stays until
// release. u may be nil.
func (c *Cache) Get(ctx context.Context, o store.Object, u *Usage) (path string, release func(), err error) {
	sum := sha256.Sum256([]byte(version(o)))
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
			if err := c.fetch(ctx, o, f, u); err != nil {
				release()
				return "", nil, err
			}
			return f.path, release, nil
		}
		select {
		case <-f.ready:
		case <-ctx.Done():
			release()
			return "", nil, context.Cause(ctx)
		}
		if f.err == nil {
			u.hit(o.Size)
			return f.path, release, nil
		}
		// The other one failed, maybe because its query was cancelled.
		release()
		if err := ctx.Err(); err != nil {
			return "", nil, context.Cause(ctx)
		}
	}
}

// fetch fills the file and tells those who wait.
func (c *Cache) fetch(ctx context.Context, o store.Object, f *file, u *Usage) error {
	err := c.download(ctx, o, f.path, u)
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

func (c *Cache) download(ctx context.Context, o store.Object, path string, u *Usage) (err error) {
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
	err = c.request(ctx, o, 0, o.Size, u, func(body io.Reader) error {
		n, err := io.Copy(aside, body)
		if err == nil && n != o.Size {
			err = fmt.Errorf("it has %d bytes where the listing said %d", n, o.Size)
		}
		return err
	})
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
