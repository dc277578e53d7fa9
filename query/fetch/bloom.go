package fetch

import (
	"context"

	"sluice/internal/lake/store"
	"sluice/query/fetch/footer"
)

const (
	// A Bloom filter is read where it is at most one in bloomShare of what it can save,
	// the wanted column chunks of its row group, and these are not there yet: should the
	// value be among them after all, little was read in vain.
	bloomShare = 4
	// maxBloom bounds what of memory, which is for metadata too, one filter takes.
	maxBloom = 4 << 20
)

// Blooms reads Bloom filters of an object's column chunks, where that is worth it. What
// it gives is nil for a filter that is not there, not worth it, or cannot be read, which
// only means that the chunk is read. u may be nil.
func (c *Cache) Blooms(ctx context.Context, o store.Object, w Want, u *Usage) func(group, leaf int) *footer.Bloom {
	meta, err := c.metadata(ctx, o, u)
	if err != nil {
		return nil
	}
	selection := meta.footer.Select(w.Columns, w.Fields)
	return func(group, leaf int) *footer.Bloom {
		off, length := meta.footer.BloomSpan(group, leaf)
		most := min(meta.footer.Bytes(group, selection)/bloomShare, maxBloom)
		if off <= 0 || length > most || most < footer.BloomHead || c.has(o, group, selection) {
			return nil
		}
		read := func(n int64) []byte {
			n = min(n, o.Size-off)
			if meta.bytes != nil && n > 0 {
				return meta.bytes[off : off+n]
			}
			b, err := c.Section(ctx, o, off, n, u)
			if err != nil {
				return nil // reading the object will say what is wrong
			}
			return b
		}
		if length <= 0 {
			if length, err = footer.BloomLength(read(footer.BloomHead)); err != nil || length > most {
				return nil
			}
		}
		f, err := footer.ParseBloom(read(length))
		if err != nil {
			return nil
		}
		return f
	}
}

// has reports whether there is a file of the row group with those leaves.
func (c *Cache) has(o store.Object, group int, s footer.Selection) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	u := c.units[groupName(o, group)]
	return u != nil && u.file != nil && u.file.selection.Has(s)
}
