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
	"sluice/query/fetch/footer"
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

// A Cache keeps objects, or row groups of them, as files.
type Cache struct {
	dir    string
	source Source
	limit  func() int64 // bytes that may be kept
	log    *slog.Logger
	memory *memory
	slots  chan struct{} // holds one element for each request under way
	tails  tails

	mu    sync.Mutex // guards all below
	units map[string]*unit
	order *list.List // of *file that are the newest of their unit, the least recently used first
	bytes int64      // of all files
}

// A unit is what is fetched in one go: an object, or a row group of one.
type unit struct {
	name  string
	busy  chan struct{} // holds an element while somebody fetches
	users int           // who fetch or wait for it
	file  *file         // nil until there is one
}

// A file is complete. It is never changed: where more of a row group is wanted,
// another takes its place.
type file struct {
	unit      *unit
	path      string
	size      int64
	selection footer.Selection // of a row group
	refs      int
	place     *list.Element // nil once another has taken its place
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
		slots: make(chan struct{}, max(cfg.Parallel, 1)), units: make(map[string]*unit), order: list.New(),
	}, nil
}

// Get is the path of a file with the object's bytes, all of them, which stays until
// release. u may be nil.
func (c *Cache) Get(ctx context.Context, o store.Object, u *Usage) (path string, release func(), err error) {
	f, err := c.file(ctx, version(o), func(f *file) bool { u.hit(o.Size); return true }, func(*file) (*file, error) {
		return c.write(o, func(aside *os.File) (int64, error) {
			return o.Size, c.request(ctx, o, 0, o.Size, u, func(body io.Reader) error {
				n, err := io.Copy(aside, body)
				if err == nil && n != o.Size {
					err = fmt.Errorf("it has %d bytes where the listing said %d", n, o.Size)
				}
				return err
			})
		})
	})
	if err != nil {
		return "", nil, err
	}
	return f.path, sync.OnceFunc(func() { c.release(f) }), nil
}

// file is that of a unit, for one who releases it. Where there is none that serves,
// make makes it, out of the one that there is; one at a time, so that those who
// want the same fetch it once. Where one fails, maybe because its query was
// cancelled, the next tries himself.
func (c *Cache) file(ctx context.Context, name string, serves func(*file) bool, make func(base *file) (*file, error)) (*file, error) {
	u := c.enter(name)
	defer c.leave(u)
	if f := c.take(u, serves); f != nil {
		return f, nil
	}
	select {
	case u.busy <- struct{}{}:
		defer func() { <-u.busy }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if f := c.take(u, serves); f != nil {
		return f, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	base := c.take(u, nil)
	if base != nil {
		defer c.release(base)
	}
	f, err := make(base)
	if err != nil {
		return nil, err
	}
	c.put(u, f)
	return f, nil
}

func (c *Cache) enter(name string) *unit {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.units[name]
	if u == nil {
		u = &unit{name: name, busy: make(chan struct{}, 1)}
		c.units[name] = u
	}
	u.users++
	return u
}

func (c *Cache) leave(u *unit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	u.users--
	c.forgetLocked(u)
}

// forgetLocked drops a unit that is nobody's and has nothing.
func (c *Cache) forgetLocked(u *unit) {
	if u.users == 0 && u.file == nil {
		delete(c.units, u.name)
	}
}

// take is the unit's file, held, if there is one and it serves.
func (c *Cache) take(u *unit, serves func(*file) bool) *file {
	c.mu.Lock()
	defer c.mu.Unlock()
	if u.file == nil || serves != nil && !serves(u.file) {
		return nil
	}
	u.file.refs++
	c.order.MoveToBack(u.file.place)
	return u.file
}

// put makes a file, which the caller holds, the unit's.
func (c *Cache) put(u *unit, f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := u.file; old != nil {
		c.order.Remove(old.place)
		old.place = nil
		c.deleteLocked(old)
	}
	f.unit, f.refs, u.file = u, 1, f
	f.place = c.order.PushBack(f)
	c.bytes += f.size
	c.shrinkLocked()
}

func (c *Cache) release(f *file) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f.refs--
	if f.place == nil {
		c.deleteLocked(f)
	}
	c.shrinkLocked()
}

// shrinkLocked deletes what is not in use until the rest fits.
func (c *Cache) shrinkLocked() {
	limit := c.limit()
	for e := c.order.Front(); e != nil && c.bytes > limit; {
		f, next := e.Value.(*file), e.Next()
		if f.refs == 0 {
			c.order.Remove(e)
			f.unit.file = nil
			c.forgetLocked(f.unit)
			c.deleteLocked(f)
		}
		e = next
	}
}

// deleteLocked deletes a file that is no unit's any more, unless a query reads it.
func (c *Cache) deleteLocked(f *file) {
	if f.refs > 0 {
		return
	}
	c.bytes -= f.size
	if err := os.Remove(f.path); err != nil {
		c.log.Warn("delete cached object", "path", f.path, "err", err)
	}
}

// write makes a file, aside until it is complete. fill returns its size.
func (c *Cache) write(o store.Object, fill func(*os.File) (int64, error)) (f *file, err error) {
	aside, err := os.CreateTemp(c.dir, "fetching-*")
	if err != nil {
		return nil, fmt.Errorf("fetch object %s: %w", o.Key, err)
	}
	sum := sha256.Sum256([]byte(version(o) + "\x00" + aside.Name()))
	f = &file{path: filepath.Join(c.dir, hex.EncodeToString(sum[:16])+".parquet")}
	f.size, err = fill(aside)
	if closing := aside.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = os.Rename(aside.Name(), f.path)
	}
	if err != nil {
		os.Remove(aside.Name())
		return nil, fmt.Errorf("fetch object %s: %w", o.Key, err)
	}
	return f, nil
}

// Bytes is how much is kept.
func (c *Cache) Bytes() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.bytes
}
