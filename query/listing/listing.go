// Package listing remembers which objects lie in folders of the lake, so that a
// query need not ask the store again for partitions that do not change.
//
// # What it promises
//
//   - What this process stores or removes shows in the next listing: the store tells
//     Changed of each key before the call that changed it returns, and a listing that
//     was under way meanwhile is not kept where the key is below its folder.
//   - What others store or remove shows at the latest after Config.MaxAge, and sooner
//     in a folder that changed lately: a listing is believed for a tenth of the time
//     that its newest object had been there when it was made (the rule of HTTP caches,
//     RFC 9111, 4.2.2), and never longer than MaxAge. A folder without objects is not
//     remembered.
//   - It does not say that the objects are still there or still the same. Whoever reads
//     them asks for the version that was listed, and lists anew where that is gone.
//
// What is remembered is bounded in bytes; what was not asked for the longest goes first.
package listing

import (
	"container/list"
	"path"
	"strings"
	"sync"
	"time"

	"sluice/internal/lake/store"
)

// share is the part of a folder's quiet time for which its listing is believed.
const share = 10

// A Config bounds a Cache.
type Config struct {
	MaxAge time.Duration // 0: nothing is remembered
	Memory int64         // bytes of what is remembered, about
}

// A Cache remembers listings. Its methods may be called at the same time, and of a nil
// Cache, which remembers nothing.
type Cache struct {
	cfg Config

	mu      sync.Mutex // guards all below
	folders map[string]*folder
	order   *list.List // of *folder, the least recently asked for first
	bytes   int64
	pending map[*Pending]bool
}

// A folder is a listing that is remembered.
type folder struct {
	key     string
	objects []store.Object
	until   time.Time // when it is believed no more
	cost    int64
	place   *list.Element
}

// New makes a Cache.
func New(cfg Config) *Cache {
	return &Cache{cfg: cfg, folders: make(map[string]*folder), order: list.New(), pending: make(map[*Pending]bool)}
}

// Get is what lies in the folder, at any depth, by its key without a slash at its end,
// if that is remembered. The objects must not be changed.
func (c *Cache) Get(key string) (objects []store.Object, ok bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	f := c.folders[key]
	if f == nil {
		return nil, false
	}
	if !time.Now().Before(f.until) {
		c.forgetLocked(f)
		return nil, false
	}
	c.order.MoveToBack(f.place)
	return f.objects, true
}

// A Pending is a listing that is under way.
type Pending struct {
	cache   *Cache
	root    string
	changed map[string]bool // folders in which something changed meanwhile; guarded by cache.mu
}

// Begin says that what lies below the folder is about to be listed. End must follow.
func (c *Cache) Begin(root string) *Pending {
	if c == nil || c.cfg.MaxAge <= 0 {
		return nil
	}
	p := &Pending{cache: c, root: root, changed: make(map[string]bool)}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending[p] = true
	return p
}

// Keep remembers what was found in a folder that is the root or below it, unless that
// may be no longer true. Of a nil Pending it does nothing.
func (p *Pending) Keep(key string, objects []store.Object) {
	if p == nil {
		return
	}
	c := p.cache
	f := &folder{key: key, objects: objects, cost: int64(len(key)) + 256}
	var newest time.Time
	for _, o := range objects {
		f.cost += int64(len(o.Key)+len(o.ETag)) + 96
		if o.Modified.After(newest) {
			newest = o.Modified
		}
	}
	now := time.Now()
	f.until = now.Add(min(now.Sub(newest)/share, c.cfg.MaxAge))
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.folders[key]; old != nil {
		c.forgetLocked(old)
	}
	if len(objects) == 0 || p.changed[key] || !now.Before(f.until) || f.cost > c.cfg.Memory {
		return
	}
	c.folders[key] = f
	f.place = c.order.PushBack(f)
	c.bytes += f.cost
	for c.bytes > c.cfg.Memory {
		c.forgetLocked(c.order.Front().Value.(*folder))
	}
}

// End says that the listing is over, whatever came of it.
func (p *Pending) End() {
	if p == nil {
		return
	}
	p.cache.mu.Lock()
	defer p.cache.mu.Unlock()
	delete(p.cache.pending, p)
}

// Changed says that an object was stored or removed, or may have been.
func (c *Cache) Changed(key string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for dir := path.Dir(key); ; dir = path.Dir(dir) {
		if dir == "." || dir == "/" {
			dir = "" // the root
		}
		if f := c.folders[dir]; f != nil {
			c.forgetLocked(f)
		}
		for p := range c.pending {
			if dir == p.root || p.root == "" || strings.HasPrefix(dir, p.root+"/") {
				p.changed[dir] = true
			}
		}
		if dir == "" {
			return
		}
	}
}

func (c *Cache) forgetLocked(f *folder) {
	delete(c.folders, f.key)
	c.order.Remove(f.place)
	c.bytes -= f.cost
}
