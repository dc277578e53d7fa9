package write

import (
	"context"
	"fmt"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"sluice/catalogsync/moves"
	"sluice/internal/lake"
)

// land registers what INSERT wrote, and copies it to where partitions were moved
// meanwhile. The journal has the copies' keys before they are put.
func (w *Writer) land(ctx context.Context, id lake.WriteID, e entry) error {
	return moves.Land(ctx, w.cfg.Catalog, e.Table, slices.Clone(e.Into), func(ctx context.Context, moved []lake.Partition) error {
		var copies [][2]string // from, to
		for _, p := range moved {
			from, to, err := w.moved(e, p)
			if err != nil {
				return err
			}
			for _, key := range e.Keys {
				if path.Dir(key) == from {
					copies = append(copies, [2]string{key, join(to, path.Base(key))})
				}
			}
			for i := range e.Into {
				if slices.Equal(e.Into[i].Values, p.Values) {
					e.Into[i].Location = p.Location
				}
			}
		}
		for _, c := range copies {
			if !slices.Contains(e.Keys, c[1]) {
				e.Keys = append(e.Keys, c[1])
			}
		}
		if err := w.note(id, e); err != nil {
			return err
		}
		for _, c := range copies {
			if err := w.copy(ctx, c[0], c[1]); err != nil {
				return fmt.Errorf("put %s where its partition is by now: %w", c[0], err)
			}
		}
		return nil
	})
}

// withdraw sees to it that what was taken away of an INSERT is nowhere else either:
// files may have been carried along with a partition that was moved.
func (w *Writer) withdraw(ctx context.Context, e entry) error {
	if len(e.Into) == 0 {
		return nil
	}
	return moves.Withdraw(ctx, w.cfg.Catalog, e.Table, slices.Clone(e.Into), func(ctx context.Context, moved []lake.Partition) error {
		for _, p := range moved {
			from, to, err := w.moved(e, p)
			if err != nil {
				return err
			}
			for _, key := range e.Keys {
				if path.Dir(key) != from {
					continue
				}
				if err := w.cfg.Store.Delete(ctx, join(to, path.Base(key))); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// moved are the keys of a partition's folder, as the entry has it and as it is.
func (w *Writer) moved(e entry, p lake.Partition) (from, to string, err error) {
	to, ok := w.cfg.Store.Key(p.Location)
	at := slices.IndexFunc(e.Into, func(i lake.Partition) bool { return slices.Equal(i.Values, p.Values) })
	if !ok || at < 0 {
		return "", "", fmt.Errorf("the partition %q of %s lies at %s by now, outside the lake", p.Values, e.Table.Name, p.Location)
	}
	from, _ = w.cfg.Store.Key(e.Into[at].Location)
	return strings.TrimSuffix(from, "/"), strings.TrimSuffix(to, "/"), nil
}

// copy copies an object, by way of a file beside the journal.
func (w *Writer) copy(ctx context.Context, from, to string) error {
	body, err := w.cfg.Store.Get(ctx, from, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	f, err := os.CreateTemp(w.cfg.Journal, "copy-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	n, err := io.Copy(f, body)
	if err != nil {
		return err
	}
	return w.cfg.Store.Put(ctx, to, f, n)
}
