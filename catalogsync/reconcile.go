package catalogsync

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A Lake is where the tables' files are.
type Lake interface {
	List(ctx context.Context, prefix string) iter.Seq2[store.Object, error]
	URI(key string) string
	Key(uri string) (key string, ok bool)
}

// A Comparer compares what is in the lake with what the catalog says of it.
type Comparer struct {
	Catalog *Catalog
	Lake    Lake
	// Values are the partition values that a folder below the table's has, given
	// without slashes at its ends; an error says that it is no partition's.
	Values func(table lake.Table, folder string) ([]string, error)
	// Columns are those of a file; nil: columns are not compared.
	Columns func(ctx context.Context, o store.Object) ([]lake.Column, error)
	// Files is how many of a table's files, the newest, have their columns compared;
	// 0: all.
	Files int
}

// A Difference is how a table in the lake is not as the catalog says.
type Difference struct {
	Table lake.TableName
	// Unregistered partitions have files, and are not in the catalog.
	Unregistered []lake.Partition
	// Empty partitions are in the catalog, and have no file.
	Empty []lake.Partition
	// Elsewhere are partitions whose folder has files, but which the catalog has at
	// the Location given, other than that compaction moved them there. Nothing is done about them: which is meant is not known.
	Elsewhere []lake.Partition
	// Columns of files that the table lacks, or with fields that it lacks.
	Columns []lake.Column
	// Strange are folders with files that are no partition's, and files whose columns
	// could not be read, with the reason; the first maxStrange of them.
	Strange []string
}

const maxStrange = 100

// None reports whether the catalog is right.
func (d Difference) None() bool {
	return len(d.Unregistered)+len(d.Empty)+len(d.Elsewhere)+len(d.Columns)+len(d.Strange) == 0
}

func (d *Difference) strange(format string, args ...any) {
	if len(d.Strange) < maxStrange {
		d.Strange = append(d.Strange, fmt.Sprintf(format, args...))
	}
}

// Compare compares one table, and changes nothing. A table without files in the
// lake, a view say, has no differences.
func (c Comparer) Compare(ctx context.Context, name lake.TableName) (Difference, error) {
	d := Difference{Table: name}
	table, err := c.Catalog.Table(ctx, name)
	if err != nil {
		return d, err
	}
	root, ok := c.Lake.Key(table.Location)
	if !ok || table.Location == "" || table.View != "" {
		return d, nil
	}
	// The catalog before the lake: files are put before their partition is
	// registered, so that one that is registered now has them when they are listed.
	var registered []lake.Partition
	if len(table.PartitionKeys) > 0 {
		if registered, err = c.Catalog.Partitions(ctx, name, ""); err != nil {
			return d, err
		}
	}
	found, err := c.list(ctx, strings.Trim(root, "/"))
	if err != nil {
		return d, fmt.Errorf("compare table %s: %w", name, err)
	}
	if len(table.PartitionKeys) > 0 {
		c.comparePartitions(&d, table, registered, found)
	}
	if c.Columns != nil && table.Storage.IsParquet() {
		if err := c.compareColumns(ctx, &d, table, found); err != nil {
			return d, fmt.Errorf("compare table %s: %w", name, err)
		}
	}
	return d, nil
}

// A listing is what lies below a table's folder.
type listing struct {
	root    string
	folders []string        // with files right in them, relative to root; "" is root
	below   map[string]bool // keys of folders with files in or below them
	objects []store.Object
}

// list finds the files that engines read: not empty ones, nor what is hidden.
func (c Comparer) list(ctx context.Context, root string) (listing, error) {
	l := listing{root: root, below: map[string]bool{}}
	direct := map[string]bool{}
	for o, err := range c.Lake.List(ctx, root) {
		if err != nil {
			return l, err
		}
		rest := strings.TrimPrefix(strings.TrimPrefix(o.Key, root), "/")
		if home, moved := lake.HomeLocation("/" + rest); moved && o.Size > 0 && !isHidden(home[1:]) {
			l.below[path.Dir(o.Key)] = true // of a partition that was moved
		}
		if o.Size == 0 || isHidden(rest) {
			continue
		}
		dir := path.Dir(rest)
		if dir == "." {
			dir = ""
		}
		if !direct[dir] {
			direct[dir] = true
			l.folders = append(l.folders, dir)
			for up := path.Dir(o.Key); len(up) >= len(root) && !l.below[up]; up = path.Dir(up) {
				l.below[up] = true
			}
		}
		if c.Columns != nil {
			l.objects = append(l.objects, o)
			if c.Files > 0 && len(l.objects) >= 4*c.Files {
				l.objects = newest(l.objects, c.Files)
			}
		}
	}
	if c.Files > 0 {
		l.objects = newest(l.objects, c.Files)
	}
	slices.Sort(l.folders)
	return l, nil
}

func newest(objects []store.Object, n int) []store.Object {
	slices.SortFunc(objects, func(a, b store.Object) int { return b.Modified.Compare(a.Modified) })
	return objects[:min(n, len(objects))]
}

func isHidden(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, "_") || strings.HasPrefix(part, ".") {
			return true
		}
	}
	return false
}

func (c Comparer) comparePartitions(d *Difference, table lake.Table, registered []lake.Partition, found listing) {
	byValues := make(map[string]string, len(registered)) // to location
	places := make(map[string]bool, len(registered))     // keys of their folders
	for _, p := range registered {
		byValues[valuesKey(p.Values)] = p.Location
		key, ok := c.Lake.Key(p.Location)
		if !ok {
			continue
		}
		key = strings.Trim(key, "/")
		places[key] = true
		inside := key == found.root || strings.HasPrefix(key, found.root+"/")
		if inside && !found.below[key] {
			d.Empty = append(d.Empty, p)
		}
	}
	for _, folder := range found.folders {
		key := strings.Trim(found.root+"/"+folder, "/")
		if within(key, found.root, places) {
			continue
		}
		values, err := c.Values(table, folder)
		if err != nil || len(values) != len(table.PartitionKeys) {
			d.strange("folder %s: %v", c.Lake.URI(key), err)
			continue
		}
		if location, ok := byValues[valuesKey(values)]; ok {
			if home, moved := lake.HomeLocation(location); moved && home == c.Lake.URI(key)+"/" {
				continue // what was there before is about to be deleted
			}
			d.Elsewhere = append(d.Elsewhere, lake.Partition{Values: values, Location: location})
			continue
		}
		d.Unregistered = append(d.Unregistered, lake.Partition{Values: values, Location: c.Lake.URI(key) + "/"})
	}
}

// within reports whether the folder is one of places, or in one.
func within(key, root string, places map[string]bool) bool {
	for ; len(key) >= len(root); key = path.Dir(key) {
		if places[key] {
			return true
		}
		if key == "." || key == "/" {
			break
		}
	}
	return false
}

func (c Comparer) compareColumns(ctx context.Context, d *Difference, table lake.Table, found listing) error {
	have := table.Columns
	for _, o := range found.objects {
		columns, err := c.Columns(ctx, o)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			d.strange("file %s: %v", c.Lake.URI(o.Key), err)
			continue
		}
		for _, col := range columns {
			if slices.ContainsFunc(table.PartitionKeys, func(k lake.Column) bool { return strings.EqualFold(k.Name, col.Name) }) {
				continue
			}
			i := lake.ColumnIndex(have, col.Name)
			if i < 0 {
				have = append(slices.Clip(have), col)
				d.Columns = append(d.Columns, col)
				continue
			}
			if t, more := extend(have[i].Type, col.Type); more {
				have = slices.Clone(have)
				have[i].Type = t
				d.Columns = append(slices.DeleteFunc(d.Columns, func(o lake.Column) bool { return o.Name == col.Name }), lake.Column{Name: have[i].Name, Type: t})
			}
		}
	}
	return nil
}

// Apply adds to the catalog the columns and the partitions that it lacks. Only
// where remove says so are empty partitions taken out of it; one that got a file
// meanwhile stays.
func (c Comparer) Apply(ctx context.Context, d Difference, remove bool) error {
	table, err := c.Catalog.Table(ctx, d.Table)
	if err != nil {
		return err
	}
	if len(d.Columns) > 0 {
		if table, err = c.Catalog.Ensure(ctx, lake.Table{Name: d.Table, Location: table.Location, Columns: d.Columns}); err != nil {
			return err
		}
	}
	parts := d.Unregistered
	if len(nestedOf(d.Columns)) > 0 && len(table.PartitionKeys) > 0 {
		// Partitions that there are get the new fields of structs too.
		all, err := c.Catalog.Partitions(ctx, d.Table, "")
		if err != nil {
			return err
		}
		parts = append(all, parts...)
	}
	if err := c.Catalog.AddPartitions(ctx, table, parts); err != nil {
		return err
	}
	if !remove {
		return nil
	}
	for group := range slices.Chunk(d.Empty, maxDelete) {
		if err := c.removeEmpty(ctx, table, group); err != nil {
			return fmt.Errorf("remove partitions of %s: %w", d.Table, err)
		}
	}
	return nil
}

// removeEmpty takes partitions out of the catalog that have no files. Whoever
// delivers puts the file first and then looks whether the partition is registered:
// either the file is seen here after the removal, or the partition is missed there.
func (c Comparer) removeEmpty(ctx context.Context, table lake.Table, parts []lake.Partition) error {
	empty, err := c.without(ctx, parts)
	if err != nil || len(empty) == 0 {
		return err
	}
	if err := c.Catalog.RemovePartitions(ctx, table.Name, empty); err != nil {
		return err
	}
	still, err := c.without(ctx, empty)
	if err != nil {
		// Not known: a partition without files is better than files without one.
		return errors.Join(err, c.Catalog.AddPartitions(ctx, table, empty))
	}
	filled := slices.DeleteFunc(slices.Clone(empty), func(p lake.Partition) bool {
		return slices.ContainsFunc(still, func(s lake.Partition) bool { return s.Location == p.Location })
	})
	return c.Catalog.AddPartitions(ctx, table, filled)
}

// without is those of the partitions that have no file.
func (c Comparer) without(ctx context.Context, parts []lake.Partition) (empty []lake.Partition, err error) {
	for _, p := range parts {
		key, ok := c.Lake.Key(p.Location)
		if !ok {
			continue
		}
		key = strings.Trim(key, "/")
		has := false
		for o, err := range c.Lake.List(ctx, key) {
			if err != nil {
				return nil, err
			}
			if has = o.Size > 0 && !isHidden(strings.TrimPrefix(o.Key, key+"/")); has {
				break
			}
		}
		if !has {
			empty = append(empty, p)
		}
	}
	return empty, nil
}
