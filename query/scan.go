package query

import (
	"context"
	"slices"

	"sluice/internal/lake"
	"sluice/query/fetch"
	"sluice/query/statement"
)

// live are the files of live rows that can satisfy the conditions.
func (p *plan) live(ctx context.Context, src *tableSource, filter *scanFilter) ([]dataFile, []*statement.Condition, error) {
	if src.view == nil {
		return nil, append(slices.Clone(filter.tested), filter.exprs...), nil
	}
	files := src.liveFiles()
	if !src.counted {
		src.counted = true
		for _, f := range files {
			p.rows.stats.LiveRows += f.rows
		}
		for _, b := range src.batches {
			if src.covers == nil || src.covers(b.ID) {
				p.rows.stats.LiveBytes += b.Bytes
			}
		}
		for _, h := range src.held {
			if src.covers == nil || src.covers(h.Batch) {
				p.rows.stats.LiveBytes += h.Bytes
			}
		}
	}
	values := make([][]string, len(files))
	for i, f := range files {
		values[i] = f.values
	}
	keep, met, err := p.engine.prune(ctx, src.keys, filter, values)
	if err != nil {
		return nil, nil, err
	}
	var kept []dataFile
	for i, f := range files {
		if keep[i] {
			kept = append(kept, f)
			p.report.liveRows += f.rows
		}
	}
	p.report.liveFiles, p.report.lives = int64(len(kept)), int64(len(files))
	return kept, met, nil
}

// delivered are the files in the lake that can satisfy the conditions.
func (p *plan) delivered(ctx context.Context, src *tableSource, filter *scanFilter, want fetch.Want) ([]dataFile, []*statement.Condition, error) {
	partitions, err := src.delivered(ctx, p.engine, expression(filter.tests, src.keys))
	if err != nil {
		return nil, nil, err
	}
	values := make([][]string, len(partitions))
	for i, part := range partitions {
		values[i] = part.Values
	}
	keep, met, err := p.engine.prune(ctx, src.keys, filter, values)
	if err != nil {
		return nil, nil, err
	}
	var kept []lake.Partition
	for i, part := range partitions {
		if keep[i] {
			kept = append(kept, part)
		}
	}
	if len(src.keys) > 0 {
		if err := src.count(ctx, p.engine); err != nil {
			return nil, nil, err
		}
		total := max(src.total, int64(len(partitions))) // others come and go
		p.rows.stats.Partitions += total
		p.rows.stats.PartitionsPruned += total - int64(len(kept))
		p.report.partitions, p.report.listed, p.report.kept = src.total, int64(len(partitions)), int64(len(kept))
	}
	if err := p.list(ctx, src, kept); err != nil {
		return nil, nil, err
	}
	var objects []placed
	for _, part := range kept {
		for _, o := range p.listings[part.Location] {
			objects = append(objects, placed{object: o, values: part.Values, location: part.Location})
		}
	}
	p.report.files = int64(len(objects))
	if !want.Whole {
		if objects, err = p.pruneFiles(ctx, objects, filter.files, want); err != nil {
			return nil, nil, err
		}
	}
	p.report.filesKept = int64(len(objects))
	files, err := p.fetch(ctx, objects, want)
	if err == nil && want.Whole {
		err = compressions(files)
	}
	return files, met, err
}

// A placed object is one of a partition.
type placed struct {
	object   object
	values   []string
	location string // of the partition, a URI
	// known: groups says for each of its row groups whether a row of it may satisfy the
	// conditions, and kept how many do.
	known    bool
	groups   []bool
	kept     int
	filtered int // of those that are not kept, for what Bloom filters say
}
