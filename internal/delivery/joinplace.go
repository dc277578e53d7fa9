package delivery

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"sluice/buffer"
	"sluice/catalogsync/moves"
	"sluice/convert"
	"sluice/internal/holdback"
	"sluice/internal/lake"
)

// isPut reports whether an earlier attempt put the join's object: whole, and with these
// members, as no other has its key. It may have been carried along with its partition, and
// be gone from where it was put.
func (d *Deliverer) isPut(ctx context.Context, j *holdback.Join) (bool, error) {
	if j.Key == "" {
		return false, nil
	}
	there, err := d.exists(ctx, j.Key)
	if there || err != nil || len(j.Partition.Values) == 0 {
		return there, err
	}
	found, err := d.cfg.Catalog.Find(ctx, j.Table, [][]string{j.Partition.Values})
	if errors.Is(err, d.cfg.NotFound) || err == nil && len(found) == 0 {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look up partition of %s: %w", j.Table, err)
	}
	return d.joinAt(ctx, j, found[0])
}

// joinAt reports whether the join's object is in the partition.
func (d *Deliverer) joinAt(ctx context.Context, j *holdback.Join, where lake.Partition) (bool, error) {
	folder, ok := d.cfg.Store.Key(where.Location)
	if !ok || j.Key == "" {
		return false, nil
	}
	return d.exists(ctx, below(folder, path.Base(j.Key)))
}

func (d *Deliverer) exists(ctx context.Context, key string) (bool, error) {
	_, err := d.cfg.Store.Stat(ctx, key)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// joinTable is the table of a join, which the catalog may have lost meanwhile, with all
// columns of the pieces.
func (d *Deliverer) joinTable(ctx context.Context, j *holdback.Join, pieces []holdback.Piece, last holdback.Piece) (route, lake.Table, error) {
	r, err := d.route(&buffer.Batch{ID: last.Batch, Stream: j.Stream, Rules: last.Rules})
	if err != nil {
		return r, lake.Table{}, fmt.Errorf("route held rows: %w", err)
	}
	table, err := d.cfg.Catalog.Table(ctx, r.table)
	if err != nil && !errors.Is(err, d.cfg.NotFound) {
		return r, table, fmt.Errorf("look up table %s: %w", r.table, err)
	}
	for _, p := range pieces {
		if table.Location != "" && holds(table.Columns, p.Columns) {
			continue
		}
		if table, err = d.cfg.Catalog.Ensure(ctx, d.want(r, table, p.Columns)); err != nil {
			return r, table, fmt.Errorf("register columns of %s: %w", r.table, err)
		}
	}
	return r, table, checkKeys(r, table)
}

// joinPlace is the partition that pieces go to, where it is now.
func (d *Deliverer) joinPlace(ctx context.Context, table lake.Table, last holdback.Piece) (lake.Partition, error) {
	p := &placing{files: []convert.File{{Partition: last.Partition, Values: last.Values}}, parts: []lake.Partition{{Values: last.Values}}}
	if err := d.locate(p, table.Location); err != nil {
		return lake.Partition{}, fmt.Errorf("table %s: %w", table.Name, err)
	}
	places, err := moves.Places(ctx, d.cfg.Catalog, table, p.parts)
	if err != nil {
		return lake.Partition{}, fmt.Errorf("look up partition of %s: %w", table.Name, err)
	}
	return places[0], nil
}

// landJoin registers the partition, and puts the object where that was moved meanwhile.
// Of pieces that were damaged since, or cannot be merged any more, it cannot be made again:
// then it is to be there already, carried along with the partition.
func (d *Deliverer) landJoin(ctx context.Context, j *holdback.Join, pieces []holdback.Piece, r route, table lake.Table, damage error) error {
	parts := []lake.Partition{j.Partition}
	if len(table.PartitionKeys) == 0 {
		parts = []lake.Partition{{Location: table.Location}}
	}
	return moves.Land(ctx, d.cfg.Catalog, table, parts, func(ctx context.Context, moved []lake.Partition) error {
		where := moved[0]
		there, err := d.joinAt(ctx, j, where)
		if err != nil {
			return err
		}
		if damage != nil {
			if there {
				return nil
			}
			return damage
		}
		if len(table.PartitionKeys) == 0 {
			table.Location = where.Location
			if where, err = d.joinPlace(ctx, table, pieces[len(pieces)-1]); err != nil {
				return err
			}
		}
		return d.putJoin(ctx, j, pieces, r, table, where, there)
	})
}
