package query

import (
	"context"

	"golang.org/x/sync/errgroup"

	"sluice/query/fetch"
)

const (
	// fetches is how many objects a query fetches at once.
	fetches = 8
	// requests is how many requests for data all queries have under way at once.
	requests = 32
)

// fetch makes the objects local files.
func (p *plan) fetch(ctx context.Context, objects []placed) ([]dataFile, error) {
	files := make([]dataFile, len(objects))
	releases := make([]func(), len(objects))
	var used fetch.Usage
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(fetches)
	for i, o := range objects {
		files[i] = dataFile{bytes: o.object.Size, values: o.values}
		p.origin(&files[i], o)
		if path, ok := p.engine.cfg.Store.LocalPath(o.object.Key); ok {
			files[i].path = path
			continue
		}
		g.Go(func() (err error) {
			files[i].path, releases[i], err = p.engine.objects.Get(gctx, o.object.Object, &used)
			return err
		})
	}
	err := g.Wait()
	for _, release := range releases {
		if release != nil {
			p.rows.release = append(p.rows.release, release)
		}
	}
	p.rows.stats.FetchedBytes += used.Fetched()
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return files, nil
}
