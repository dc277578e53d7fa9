package query

import (
	"context"
	"fmt"
	"maps"
	"path"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/query/listing"
)

// An object of a partition.
type object struct{ store.Object }

const (
	// listers is how many partitions a query lists at once.
	listers = 8
	// From wholeFrom partitions on, when they are at least one in wholeShare of
	// the table's, one listing of the table's folder is cheaper than one each.
	wholeFrom  = 64
	wholeShare = 4
	// listPage is how many objects one request lists, in S3.
	listPage = 1000
)

// list finds the files of the partitions that were not listed before: those
// with bytes, whose names do not begin with _ or ., and that do not belong to a
// batch of the snapshot, whose rows the buffer gives, nor to a partition that was
// dropped.
func (p *plan) list(ctx context.Context, src *tableSource, partitions []lake.Partition) error {
	keys := make(map[string]string) // folder's key: location
	for _, part := range partitions {
		if _, ok := p.listings[part.Location]; ok {
			continue
		}
		key, ok := p.engine.cfg.Store.Key(part.Location)
		if !ok {
			return fmt.Errorf("list files of %s: the location %s is not in the lake", src.name, part.Location)
		}
		keys[strings.TrimSuffix(key, "/")] = part.Location
	}
	batches := make(map[lake.BatchID]bool, len(src.batches))
	for _, b := range src.batches {
		batches[b.ID] = true
	}
	found := make(map[string][]store.Object, len(keys))
	p.remembered(keys, found)
	if root, ok := p.engine.cfg.Store.Key(src.table.Location); ok && whole(src, len(keys)-len(found)) {
		if err := p.listWhole(ctx, strings.TrimSuffix(root, "/"), keys, found); err != nil {
			return err
		}
	}
	if err := p.listEach(ctx, keys, found); err != nil {
		return err
	}
	for key, location := range keys {
		files := []object{}
		for _, o := range found[key] {
			name := strings.TrimPrefix(o.Key, key+"/")
			id, ok := lake.BatchOf(path.Base(name))
			if o.Size == 0 || hidden(name) || ok && batches[id] || p.snap.look.Hides(path.Base(name)) || p.engine.cfg.Dropped(o.Key, o.Modified) || p.snap.shelf.Hides(o.Key) ||
				src.covers != nil && (!ok || !src.covers(id)) {
				continue
			}
			files = append(files, object{o})
		}
		p.listings[location] = files
	}
	return nil
}

// remembered takes the listings that earlier queries left. None where what they said
// turned out to be no longer so, and none for a checkpoint, which reads a set of files
// that is exact.
func (p *plan) remembered(keys map[string]string, found map[string][]store.Object) {
	if p.fresh || p.rows.run != nil {
		return
	}
	for key := range keys {
		if objects, ok := p.engine.cfg.Listings.Get(key); ok {
			found[key] = objects
		}
	}
}

// listingsOf is where listings are left: nowhere, where they are of local folders, which
// are read as fast.
func (p *plan) listingsOf(root string) *listing.Cache {
	if _, local := p.engine.cfg.Store.LocalPath(root); local {
		return nil
	}
	return p.engine.cfg.Listings
}

// whole says whether one listing of the table is to be tried before one each of n
// partitions.
func whole(src *tableSource, n int) bool {
	return n >= wholeFrom && (src.total == 0 || int64(n)*wholeShare >= src.total)
}

// hidden reports whether a part of the name begins with _ or . .
func hidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

// listWhole lists the table's folder once. It leaves for listEach the partitions
// that do not lie in it, and all of them when there turns out to be so much else
// that one listing each is cheaper.
func (p *plan) listWhole(ctx context.Context, root string, keys map[string]string, all map[string][]store.Object) error {
	found := make(map[string][]store.Object)
	for key := range keys {
		if _, known := all[key]; !known && strings.HasPrefix(key, root+"/") {
			found[key] = nil
		}
	}
	nested := make(map[string]bool)
	for key := range found {
		for dir := path.Dir(key); len(dir) > len(root); dir = path.Dir(dir) {
			nested[dir] = true
		}
	}
	pending := p.listingsOf(root).Begin(root)
	defer pending.End()
	p.rows.stats.Listings++
	passed, most := 0, listPage*(len(found)/listers+1)
	for o, err := range p.engine.cfg.Store.List(ctx, root) {
		if err != nil {
			return fmt.Errorf("list files below %s: %w", root, err)
		}
		// The nearest folder above that is a partition's.
		dir := path.Dir(o.Key)
		for ; len(dir) > len(root); dir = path.Dir(dir) {
			if _, ok := found[dir]; ok {
				found[dir] = append(found[dir], o)
				break
			}
		}
		if len(dir) > len(root) {
			continue
		}
		if passed++; passed > most {
			return nil
		}
	}
	for key, objects := range found {
		if !nested[key] { // what lies in a partition within is not among its objects here
			pending.Keep(key, objects)
		}
	}
	maps.Copy(all, found)
	return nil
}

func (p *plan) listEach(ctx context.Context, keys map[string]string, found map[string][]store.Object) error {
	type folder struct {
		key     string
		objects []store.Object
	}
	var todo []*folder
	for key := range keys {
		if _, ok := found[key]; !ok {
			todo = append(todo, &folder{key: key})
		}
	}
	p.rows.stats.Listings += int64(len(todo))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(listers)
	for _, l := range todo {
		g.Go(func() error {
			pending := p.listingsOf(l.key).Begin(l.key)
			defer pending.End()
			for o, err := range p.engine.cfg.Store.List(gctx, l.key) {
				if err != nil {
					return fmt.Errorf("list files below %s: %w", l.key, err)
				}
				l.objects = append(l.objects, o)
			}
			pending.Keep(l.key, l.objects)
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	for _, l := range todo {
		found[l.key] = l.objects
	}
	return nil
}
