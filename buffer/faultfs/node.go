package faultfs

import (
	"maps"
	"math/rand/v2"
	"slices"
)

// A node is a *dir or an *inode.
type node interface{}

// A dir is a folder: its entries as processes see them, as they would be after
// a power cut that lost everything unsynced, and the changes in between.
type dir struct {
	entries, durable map[string]node
	pending          []entryChange
}

// An entryChange removes one name, adds one, or does both at once.
type entryChange struct {
	remove, add string
	node        node
}

func newDir() *dir { return &dir{entries: map[string]node{}, durable: map[string]node{}} }

func (c entryChange) apply(entries map[string]node) {
	if c.remove != "" {
		delete(entries, c.remove)
	}
	if c.add != "" {
		entries[c.add] = c.node
	}
}

func (d *dir) change(c entryChange) {
	c.apply(d.entries)
	d.pending = append(d.pending, c)
}

// size is how many bytes the files of d and below take.
func (d *dir) size(seen map[*inode]bool) (n int64) {
	for _, at := range d.entries {
		switch at := at.(type) {
		case *dir:
			n += at.size(seen)
		case *inode:
			if !seen[at] {
				seen[at] = true
				n += at.data.size
			}
		}
	}
	return n
}

// A content is a file's: size bytes, those behind b being zeros.
type content struct {
	b    []byte
	size int64
}

func (c content) clone() content { return content{slices.Clone(c.b), c.size} }

// bytes is all of it.
func (c content) bytes() []byte {
	return append(slices.Clone(c.b), make([]byte, c.size-int64(len(c.b)))...)
}

// An inode is a file: its content as processes see it, as it would be after a
// power cut that lost everything unsynced, and the changes in between.
type inode struct {
	data, durable content
	pending       []contentChange
}

// A contentChange is a write, or a change of size if data is nil.
type contentChange struct {
	off  int64
	data []byte
	size int64
}

func (c contentChange) apply(to *content) {
	if c.data == nil {
		to.size = c.size
		if c.size < int64(len(to.b)) {
			to.b = to.b[:c.size:c.size]
		}
		return
	}
	end := c.off + int64(len(c.data))
	if end > int64(len(to.b)) {
		to.b = append(to.b, make([]byte, end-int64(len(to.b)))...)
	}
	copy(to.b[c.off:], c.data)
	to.size = max(to.size, end)
}

func (n *inode) change(c contentChange) {
	c.apply(&n.data)
	n.pending = append(n.pending, c)
}

func (n *inode) sync() {
	for _, c := range n.pending {
		c.apply(&n.durable)
	}
	n.pending = nil
}

// crash is the file after a power cut.
func (n *inode) crash(r *rand.Rand) *inode {
	left := n.durable.clone()
	for _, c := range n.pending {
		if c.data == nil {
			if r.IntN(2) == 0 {
				c.apply(&left)
			}
			continue
		}
		for lo := c.off; lo < c.off+int64(len(c.data)); {
			hi := min((lo/Sector+1)*Sector, c.off+int64(len(c.data)))
			if r.IntN(2) == 0 {
				contentChange{off: lo, data: c.data[lo-c.off : hi-c.off]}.apply(&left)
			}
			lo = hi
		}
	}
	return &inode{data: left, durable: left.clone()}
}

// kill is the file after the process was killed: the page cache is still there.
func (n *inode) kill() *inode {
	return &inode{data: n.data.clone(), durable: n.durable.clone(), pending: slices.Clone(n.pending)}
}

// A cloner copies a tree, hard links staying links.
type cloner struct {
	inodes map[*inode]*inode
	inode  func(*inode) *inode
	dir    func(*dir) map[string]node // the entries that the copy has
	keep   bool                       // what is pending stays pending
}

func (c *cloner) clone(n node) node {
	switch n := n.(type) {
	case *inode:
		if c.inodes[n] == nil {
			c.inodes[n] = c.inode(n)
		}
		return c.inodes[n]
	case *dir:
		return c.tree(n)
	}
	return nil
}

func (c *cloner) tree(d *dir) *dir {
	made := map[*dir]*dir{}
	cp := newDir()
	node := func(n node) node {
		sub, ok := n.(*dir)
		if !ok {
			return c.clone(n)
		}
		if made[sub] == nil {
			made[sub] = c.tree(sub)
		}
		return made[sub]
	}
	entries := c.dir(d)
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		cp.entries[name] = node(entries[name])
	}
	if !c.keep {
		cp.durable = maps.Clone(cp.entries)
		return cp
	}
	for _, name := range slices.Sorted(maps.Keys(d.durable)) {
		cp.durable[name] = node(d.durable[name])
	}
	for _, p := range d.pending {
		cp.pending = append(cp.pending, entryChange{remove: p.remove, add: p.add, node: node(p.node)})
	}
	return cp
}

// Crash is a copy as a power cut may leave it, which r decides. Locks are gone.
func (f *FS) Crash(r *rand.Rand) *FS {
	return f.copy(&cloner{
		inodes: map[*inode]*inode{},
		inode:  func(n *inode) *inode { return n.crash(r) },
		dir: func(d *dir) map[string]node {
			entries := maps.Clone(d.durable)
			for _, c := range d.pending {
				if r.IntN(2) == 0 {
					c.apply(entries)
				}
			}
			return entries
		},
	})
}

// Kill is a copy as the kill of every process leaves it: nothing that was
// written is lost, nor has anything become durable. Locks are gone.
func (f *FS) Kill() *FS {
	return f.copy(&cloner{
		inodes: map[*inode]*inode{},
		inode:  (*inode).kill,
		dir:    func(d *dir) map[string]node { return d.entries },
		keep:   true,
	})
}

func (f *FS) copy(c *cloner) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	cp := New()
	cp.capacity = f.capacity
	cp.root = c.tree(f.root)
	return cp
}
