package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/catalogsync"
	"sluice/internal/holdback"
	"sluice/internal/lake"
	"sluice/query/live"
	"sluice/query/spelling"
	"sluice/query/textfile"
)

// A part says which rows of a table a name means.
type part uint8

const (
	everything part = iota
	deliveredOnly
	liveOnly
)

// resolve makes a name of its parts: table, database.table, or
// catalog.database.table, where the catalog is lake, live or awsdatacatalog.
func resolve(parts []string, database string) (lake.TableName, part, error) {
	lower := make([]string, len(parts))
	for i, p := range parts {
		lower[i] = strings.ToLower(p)
	}
	switch len(lower) {
	case 1:
		return lake.TableName{Database: strings.ToLower(database), Table: lower[0]}, everything, nil
	case 2:
		return lake.TableName{Database: lower[0], Table: lower[1]}, everything, nil
	case 3:
		name := lake.TableName{Database: lower[1], Table: lower[2]}
		switch lower[0] {
		case "awsdatacatalog":
			return name, everything, nil
		case "lake":
			return name, deliveredOnly, nil
		case "live":
			return name, liveOnly, nil
		}
	}
	return lake.TableName{}, 0, fault(CodeNotFound, "there is no table %s; a table is named table, database.table, lake.database.table (delivered rows only) or live.database.table (buffered rows only)", strings.Join(parts, "."))
}

// A tableSource is what a query knows of one table.
type tableSource struct {
	name      lake.TableName
	table     lake.Table
	inCatalog bool
	keys      []lake.Column    // partition columns
	text      *textfile.Format // nil for Parquet
	batches   []live.Batch     // not delivered
	held      []holdback.Piece // nor these
	moment    *live.Moment     // of the snapshot that they are of
	// covers says which batches are to be read; nil: all.
	covers func(lake.BatchID) bool

	view *live.View
	// partitions are those that the catalog gave, by the expression.
	partitions map[string][]lake.Partition
	total      int64 // partitions of the table; 0 where that is not known
	counted    bool  // in the statistics of live rows
}

// table finds a table in the catalog or among live rows.
func (e *Engine) table(ctx context.Context, parts []string, database string, snap *snapshot) (*tableSource, error) {
	name, _, err := resolve(parts, database)
	if err != nil {
		return nil, err
	}
	if !snap.sees(name.Database) {
		return nil, e.unknownTable(ctx, name, snap)
	}
	src := &tableSource{name: name, batches: snap.tables[name], moment: snap.moment}
	src.table, err = snap.lookup(ctx, e.cfg.Catalog, name)
	switch {
	case err == nil:
		src.inCatalog = true
		src.keys = src.table.PartitionKeys
		src.held = snap.waiting(name)
	case !errors.Is(err, catalogsync.ErrNotFound):
		return nil, fmt.Errorf("read table %s: %w", name, err)
	case len(src.batches) == 0:
		return nil, e.unknownTable(ctx, name, snap)
	default:
		if src.keys, err = src.batches[0].Keys(); err != nil {
			return nil, err
		}
	}
	return src, nil
}

// unknownTable is the error for a table that is not there.
func (e *Engine) unknownTable(ctx context.Context, name lake.TableName, snap *snapshot) error {
	databases, err := e.databases(ctx, snap)
	if err != nil {
		return err
	}
	var all []string
	for _, db := range databases {
		tables, err := e.tables(ctx, db, snap)
		if err != nil {
			return err
		}
		for _, t := range tables {
			all = append(all, db+"."+t)
		}
	}
	return fault(CodeNotFound, "there is no table %s%s", name, suggest(name.Table, all))
}

// suggest names what is spelled most like a name.
func suggest(name string, all []string) string {
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, a := range all {
		_, last, ok := strings.Cut(a, ".")
		if !ok {
			last = a
		}
		if d := spelling.Distance(name, last); d <= max(2, len(name)/3) {
			near = append(near, candidate{a, d})
		}
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range near[:min(3, len(near))] {
		names = append(names, c.name)
	}
	switch {
	case len(names) > 0:
		return "; did you mean " + strings.Join(names, " or ") + "?"
	case len(all) == 0:
		return "; there are no tables yet"
	}
	return "; SHOW TABLES lists those there are"
}

// acquire converts the table's live rows, as far as that is not done.
func (e *Engine) acquire(ctx context.Context, src *tableSource) error {
	if src.view != nil || e.live == nil {
		return nil
	}
	known := slices.DeleteFunc(slices.Clone(src.table.Columns), func(c lake.Column) bool { return c.Type.Kind == lake.KindNone })
	view, err := e.live.Acquire(ctx, src.moment, src.name, known, src.batches)
	if err != nil {
		return err
	}
	src.view = view
	return nil
}

func (src *tableSource) release() {
	if src.view != nil {
		src.view.Release()
	}
}

// columns are the catalog's and those that live rows brought, without the
// partition columns.
func (src *tableSource) columns() []lake.Column {
	columns := src.table.Columns
	if src.view != nil {
		columns = src.view.Columns
	}
	return slices.DeleteFunc(slices.Clone(columns), func(c lake.Column) bool {
		return c.Type.Kind == lake.KindNone ||
			slices.ContainsFunc(src.keys, func(k lake.Column) bool { return strings.EqualFold(k.Name, c.Name) })
	})
}

// delivered are the catalog's partitions for which the expression holds, or more
// of them, all where it is empty; of a table without partition columns the one that
// is its location.
func (src *tableSource) delivered(ctx context.Context, e *Engine, expression string) ([]lake.Partition, error) {
	if !src.inCatalog {
		return nil, nil
	}
	if len(src.keys) == 0 {
		return []lake.Partition{{Location: src.table.Location}}, nil
	}
	if all, ok := src.partitions[""]; ok {
		return all, nil
	}
	if some, ok := src.partitions[expression]; ok {
		return some, nil
	}
	partitions, err := e.cfg.Catalog.Partitions(ctx, src.name, expression)
	if err != nil && expression != "" && ctx.Err() == nil {
		// Catalogs differ in what they take.
		e.log.Debug("the catalog refuses an expression", "table", src.name.String(), "expression", expression, "err", err)
		return src.delivered(ctx, e, "")
	}
	if err != nil {
		return nil, fmt.Errorf("list partitions of %s: %w", src.name, err)
	}
	for _, p := range partitions {
		if len(p.Values) != len(src.keys) {
			return nil, fmt.Errorf("list partitions of %s: the partition at %s has %d values, the table %d partition columns",
				src.name, p.Location, len(p.Values), len(src.keys))
		}
	}
	if src.partitions == nil {
		src.partitions = make(map[string][]lake.Partition)
	}
	src.partitions[expression] = partitions
	return partitions, nil
}

// count finds out how many partitions the table has, where that is cheap.
func (src *tableSource) count(ctx context.Context, e *Engine) (err error) {
	all, ok := src.partitions[""]
	switch {
	case ok:
		src.total = int64(len(all))
	case src.total == 0 && src.inCatalog && e.cfg.CountPartitions != nil:
		if src.total, err = e.cfg.CountPartitions(ctx, src.name); err != nil {
			return fmt.Errorf("count partitions of %s: %w", src.name, err)
		}
	}
	return nil
}

// A dataFile is a file and its partition.
type dataFile struct {
	path   string
	bytes  int64 // of the needed column chunks, or of all where that is not known
	values []string
	object string // of the lake, of which the file may be a part; empty: of live rows
	size   int64  // of the object
	rows   int64  // of live ones
	// Of text alone: DuckDB's name of how it is compressed.
	compression string
	// The object's URI and when it was made; of live ones there is no time.
	uri      string
	modified time.Time
}

// liveFiles are the files of the live rows, their partition values in the order
// of the table's keys; a key that their rules do not make is null.
func (src *tableSource) liveFiles() []dataFile {
	if src.view == nil {
		return nil
	}
	files := make([]dataFile, 0, len(src.view.Files)+len(src.held))
	add := func(batch lake.BatchID, f dataFile, keys []lake.Column, values []string) {
		if src.covers != nil && !src.covers(batch) {
			return
		}
		f.values, f.uri = src.align(keys, values), liveURI(src.name)
		files = append(files, f)
	}
	for _, f := range src.view.Files {
		add(f.Batch, dataFile{path: f.Path, bytes: f.Bytes, rows: f.Rows}, f.Keys, f.Values)
	}
	for _, p := range src.held {
		add(p.Batch, dataFile{path: p.Path, bytes: p.Bytes, rows: p.Rows}, p.Keys, p.Values)
	}
	return files
}

// align brings a partition's values into the order of the table's keys.
func (src *tableSource) align(keys []lake.Column, values []string) []string {
	aligned := make([]string, len(src.keys))
	for j, k := range src.keys {
		aligned[j] = lake.NullPartition
		if at := lake.ColumnIndex(keys, k.Name); at >= 0 && at < len(values) {
			aligned[j] = values[at]
		}
	}
	return aligned
}
