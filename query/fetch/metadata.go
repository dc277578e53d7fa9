package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"

	"sluice/internal/lake/store"
	"sluice/query/fetch/footer"
)

// smallObject is the size up to which an object is read whole with its metadata,
// and kept with them: one request for all of it.
const smallObject = 16 << 10

// ErrTooLarge is Footer's error where the metadata are too large to be held in
// memory: nothing is known of such an object, and it is read whole.
var ErrTooLarge = footer.ErrTooLarge

// A value is what memory keeps of an object: its metadata, or bytes of it.
type value struct {
	footer *footer.Footer
	bytes  []byte // beside a footer: the whole object
}

// entryCost is what an entry takes beside its value.
const entryCost = 256

func (v value) cost() int64 {
	n := int64(len(v.bytes)) + entryCost
	if v.footer != nil {
		n += v.footer.Memory()
	}
	return n
}

// Footer is the metadata of a Parquet object, of the store's or of a folder's, as
// it was listed. It is read with one request of its end, mostly, and kept in
// memory. Where the object is another by now, the error is store.ErrChanged; where
// it is gone, fs.ErrNotExist. u may be nil.
func (c *Cache) Footer(ctx context.Context, o store.Object, u *Usage) (*footer.Footer, error) {
	v, err := c.metadata(ctx, o, u)
	return v.footer, err
}

func (c *Cache) metadata(ctx context.Context, o store.Object, u *Usage) (value, error) {
	return c.memory.get(ctx, "footer\x00"+version(o), func() (value, error) {
		v, err := c.readMetadata(ctx, o, u)
		if err != nil && !errors.Is(err, ErrTooLarge) {
			return value{}, fmt.Errorf("read metadata of %s: %w", o.Key, err)
		}
		return v, err
	})
}

// version names an object's version.
func version(o store.Object) string { return fmt.Sprintf("%s\x00%s\x00%d", o.Key, o.ETag, o.Size) }

func (c *Cache) readMetadata(ctx context.Context, o store.Object, u *Usage) (value, error) {
	guess := min(c.tails.guess(), o.Size)
	if o.Size <= smallObject {
		guess = o.Size
	}
	if guess < footer.TailSize {
		return value{}, fmt.Errorf("it has %d bytes, too few for a Parquet file", o.Size)
	}
	tail, err := c.read(ctx, o, o.Size-guess, guess, u)
	if err != nil {
		return value{}, err
	}
	n, err := footer.Length(tail[guess-footer.TailSize:], o.Size)
	if err != nil {
		return value{}, err
	}
	c.tails.seen(n + footer.TailSize)
	if missing := n + footer.TailSize - guess; missing > 0 {
		more, err := c.read(ctx, o, o.Size-guess-missing, missing, u)
		if err != nil {
			return value{}, err
		}
		tail = append(more, tail...)
		guess += missing
	}
	raw := tail[guess-footer.TailSize-n : guess-footer.TailSize]
	var v value
	if guess == o.Size {
		v.bytes = tail
	} else {
		raw = append([]byte(nil), raw...) // without what came with it
	}
	v.footer, err = footer.Parse(raw, o.Size)
	return v, err
}

// Section is a part of an object, such as a bloom filter, kept in memory as the
// metadata are. It must not be changed.
func (c *Cache) Section(ctx context.Context, o store.Object, off, length int64, u *Usage) ([]byte, error) {
	if off < 0 || length < 0 || length > maxSection || off > o.Size-length {
		return nil, fmt.Errorf("read %d bytes from %d of %s, which has %d", length, off, o.Key, o.Size)
	}
	key := fmt.Sprintf("%d+%d\x00%s", off, length, version(o))
	v, err := c.memory.get(ctx, key, func() (value, error) {
		b, err := c.read(ctx, o, off, length, u)
		if err != nil {
			return value{}, fmt.Errorf("read %s: %w", o.Key, err)
		}
		return value{bytes: b}, nil
	})
	return v.bytes, err
}

// maxSection bounds what is read into memory at once.
const maxSection = 16 << 20

// read is one request for a few bytes of an object's version.
func (c *Cache) read(ctx context.Context, o store.Object, off, length int64, u *Usage) (b []byte, err error) {
	err = c.request(ctx, o, off, length, u, func(body io.Reader) error {
		b = make([]byte, length)
		_, err := io.ReadFull(body, b)
		return err
	})
	return b, err
}

// request asks for a range of an object's version, when it is its turn.
func (c *Cache) request(ctx context.Context, o store.Object, off, length int64, u *Usage, use func(io.Reader) error) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	body, err := c.source.GetVersion(ctx, o, off, length)
	if err != nil {
		return err
	}
	u.fetched(length)
	return errors.Join(use(body), body.Close())
}
