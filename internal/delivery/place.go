package delivery

import (
	"context"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"sluice/buffer"
	"sluice/catalogsync/moves"
	"sluice/convert"
	"sluice/internal/lake"

	"golang.org/x/sync/errgroup"
)

// An upload is a file of the staging folder and the key that it goes to.
type upload struct{ key, path string }

// A placing is where a batch's files go. That of the data can change while they are
// put: partitions are moved by compaction.
type placing struct {
	batch lake.BatchID
	files []convert.File
	parts []lake.Partition // of each of them
	other []upload         // errors, the raw copy
	put   map[string]bool  // keys, in this attempt
	stale plan             // what earlier attempts put and this one does not
	bytes int64            // of data
}

// placing works out where the batch's files go, as of now.
func (d *Deliverer) placing(ctx context.Context, b *buffer.Batch, r route, res convert.Result, table lake.Table, dir string) (*placing, error) {
	p := &placing{batch: b.ID, files: res.Files, put: map[string]bool{}}
	for _, f := range res.Files {
		p.parts = append(p.parts, lake.Partition{Values: f.Values})
		p.bytes += f.Bytes
	}
	if len(res.Files) > 0 {
		if err := d.locate(p, table.Location); err != nil {
			return nil, fmt.Errorf("table %s: %w", table.Name, err)
		}
	}
	var err error
	if p.parts, err = moves.Places(ctx, d.cfg.Catalog, table, p.parts); err != nil {
		return nil, fmt.Errorf("look up partitions of %s: %w", table.Name, err)
	}
	if res.Failures != "" {
		p.other = append(p.other, upload{ErrorPrefix + "/" + r.errors + "/" + string(b.ID) + ".ndjson", res.Failures})
	}
	if res.TransformFailures != "" {
		p.other = append(p.other, upload{ErrorPrefix + "/" + r.transformErrors + "/" + string(b.ID) + ".ndjson", res.TransformFailures})
	}
	if r.raw.Enabled {
		raw, err := rawFiles(ctx, b, r.raw, dir)
		if err != nil {
			return nil, fmt.Errorf("copy raw records: %w", err)
		}
		p.other = append(p.other, raw...)
	}
	return p, nil
}

// locate has the files be where their partitions' paths lead below a table's location.
func (d *Deliverer) locate(p *placing, location string) error {
	root, ok := d.cfg.Store.Key(location)
	if !ok {
		return fmt.Errorf("it lies at %s, outside the lake %s", location, d.cfg.Store.URI(""))
	}
	for i, f := range p.files {
		key := strings.TrimRight(strings.TrimRight(root, "/")+"/"+f.Partition, "/")
		p.parts[i].Location = d.cfg.Store.URI(key) + "/"
	}
	return nil
}

// uploads are the objects of the batch, and the partitions of those that have one.
func (d *Deliverer) uploads(p *placing) (out []upload, values map[string][]string, err error) {
	values = map[string][]string{}
	for i, f := range p.files {
		folder, ok := d.cfg.Store.Key(p.parts[i].Location)
		if !ok {
			return nil, nil, fmt.Errorf("partition %q lies at %s, outside the lake %s", f.Values, p.parts[i].Location, d.cfg.Store.URI(""))
		}
		key := below(folder, p.batch.DataFile())
		out = append(out, upload{key, f.Path})
		if len(f.Values) > 0 {
			values[key] = f.Values
		}
	}
	return append(out, p.other...), values, nil
}

// below is the key of a file in a folder.
func below(folder, file string) string {
	if folder = strings.TrimRight(folder, "/"); folder == "" {
		return file
	}
	return folder + "/" + file
}

// place puts all objects of the batch into the store that were not put yet, as planned.
func (d *Deliverer) place(ctx context.Context, p *placing) error {
	uploads, values, err := d.uploads(p)
	if err != nil {
		return err
	}
	keys := make([]string, len(uploads))
	for i, u := range uploads {
		keys[i] = u.key
	}
	if p.stale, err = d.plan(p.batch, keys, values); err != nil {
		return err
	}
	p.stale.Objects = slices.DeleteFunc(p.stale.Objects, func(key string) bool { return moved(key, keys) })
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(d.cfg.Uploads)
	for _, u := range uploads {
		if p.put[u.key] {
			continue
		}
		g.Go(func() error { return d.put(gctx, u.key, u.path) })
		p.put[u.key] = true
	}
	return g.Wait()
}

// moved reports whether an object that is not among keys is one of them in the partition
// before it was moved: that stays for those who read there, and goes with the others there.
func moved(key string, keys []string) bool {
	home, _ := lake.HomeLocation(key)
	return slices.ContainsFunc(keys, func(k string) bool {
		h, _ := lake.HomeLocation(k)
		return h == home
	})
}

// land registers the partitions, and puts the files into those that were moved meanwhile
// once more where they are by now.
func (d *Deliverer) land(ctx context.Context, p *placing, table lake.Table) error {
	if len(p.parts) == 0 {
		return nil
	}
	parts := slices.Clone(p.parts)
	if len(table.PartitionKeys) == 0 { // its files may lie in folders of its own
		parts = []lake.Partition{{Location: table.Location}}
	}
	return moves.Land(ctx, d.cfg.Catalog, table, parts, func(ctx context.Context, moved []lake.Partition) error {
		if len(table.PartitionKeys) == 0 {
			if err := d.locate(p, moved[0].Location); err != nil {
				return err
			}
		}
		for _, m := range moved {
			for i := range p.parts {
				if len(m.Values) > 0 && slices.Equal(p.parts[i].Values, m.Values) {
					p.parts[i].Location = m.Location
				}
			}
		}
		d.log.Info("a batch's files are put where its partitions were moved meanwhile", "batch", p.batch, "table", table.Name, "partitions", len(moved))
		return d.place(ctx, p)
	})
}

// withdraw removes what earlier attempts put and this one does not: also the copies of it
// that there are where its partition was moved meanwhile, or that are being made.
//
// If we crash here the plan still has all of it, and the next attempt does this again.
func (d *Deliverer) withdraw(ctx context.Context, p *placing, table lake.Table) error {
	var parts []lake.Partition
	for _, key := range p.stale.Objects {
		if err := d.remove(ctx, key); err != nil {
			return err
		}
		values, partitioned := p.stale.Values[key]
		known := func(o lake.Partition) bool { return slices.Equal(o.Values, values) }
		// Where this attempt has rows of the partition, its own file is in place of any copy.
		if partitioned && len(values) == len(table.PartitionKeys) && !slices.ContainsFunc(slices.Concat(parts, p.parts), known) {
			parts = append(parts, lake.Partition{Values: values, Location: d.cfg.Store.URI(path.Dir(key)) + "/"})
		}
	}
	// Those of a table without partitions lie in folders of it: such a table is not moved.
	if len(parts) == 0 {
		return nil
	}
	return moves.Withdraw(ctx, d.cfg.Catalog, table, parts, func(ctx context.Context, moved []lake.Partition) error {
		for _, m := range moved {
			folder, ok := d.cfg.Store.Key(m.Location)
			if !ok {
				return fmt.Errorf("partition %q lies at %s, outside the lake %s", m.Values, m.Location, d.cfg.Store.URI(""))
			}
			if err := d.remove(ctx, below(folder, p.batch.DataFile())); err != nil {
				return err
			}
		}
		return nil
	})
}

// remove deletes an object of an earlier attempt that this one did not make.
func (d *Deliverer) remove(ctx context.Context, key string) error {
	if err := d.cfg.Store.Delete(ctx, key); err != nil {
		return fmt.Errorf("remove what an earlier attempt put at %s: %w", d.cfg.Store.URI(key), err)
	}
	return nil
}

func (d *Deliverer) put(ctx context.Context, key, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("upload %s: %w", key, err)
	}
	if err := d.cfg.Store.Put(ctx, key, f, info.Size()); err != nil {
		return fmt.Errorf("upload %s: %w", d.cfg.Store.URI(key), err)
	}
	return nil
}
