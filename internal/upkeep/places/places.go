// Package places finds out what of the catalog stands over a folder of the lake:
// which tables and partitions would lose files if it were emptied.
package places

import (
	"context"
	"fmt"
	"strings"

	"sluice/internal/lake"
)

// A Catalog is where tables and partitions are registered.
type Catalog interface {
	Databases(ctx context.Context) ([]string, error)
	Tables(ctx context.Context, database string) ([]lake.Table, error)
	Partitions(ctx context.Context, name lake.TableName, expression string) ([]lake.Partition, error)
}

// A Ref is a table, or one of its partitions, that lies at, in or above a folder.
type Ref struct {
	Table  lake.TableName
	Values []string // of the partition; nil: the table itself
	Key    string   // of its folder
}

// String names the table or the partition.
func (r Ref) String() string {
	if r.Values == nil {
		return "table " + r.Table.String()
	}
	return fmt.Sprintf("partition %q of %s", r.Values, r.Table)
}

// Within reports whether the folder, or file, lies in dir or is it. "" is the root.
func Within(key, dir string) bool {
	return key == dir || dir == "" || strings.HasPrefix(key, dir+"/")
}

// Over is, for each of the folders (keys without a slash at the end), what lies there:
// at it, in it, or above it. It reads the whole catalog, one table's partitions at a
// time. A table that is dropped meanwhile counts as long as it was listed.
func Over(ctx context.Context, c Catalog, key func(uri string) (string, bool), folders []string) (map[string][]Ref, error) {
	s := newSought(folders)
	databases, err := c.Databases(ctx)
	if err != nil {
		return nil, err
	}
	for _, db := range databases {
		tables, err := c.Tables(ctx, db)
		if err != nil {
			return nil, fmt.Errorf("look what lies in the lake: %w", err)
		}
		for _, t := range tables {
			if t.View != "" {
				continue
			}
			if k, ok := key(t.Location); ok && t.Location != "" {
				s.add(Ref{Table: t.Name, Key: strings.Trim(k, "/")})
			}
			if len(t.PartitionKeys) == 0 {
				continue
			}
			parts, err := c.Partitions(ctx, t.Name, "")
			if err != nil {
				return nil, fmt.Errorf("look what lies in the lake: %w", err)
			}
			for _, p := range parts {
				if k, ok := key(p.Location); ok {
					s.add(Ref{Table: t.Name, Values: p.Values, Key: strings.Trim(k, "/")})
				}
			}
		}
	}
	return s.found, nil
}

// sought are folders, and those above them.
type sought struct {
	folders map[string]bool
	above   map[string][]string // a folder above some of them, to those
	found   map[string][]Ref
}

func newSought(folders []string) *sought {
	s := &sought{folders: map[string]bool{}, above: map[string][]string{}, found: map[string][]Ref{}}
	for _, f := range folders {
		if s.folders[f] {
			continue
		}
		s.folders[f] = true
		for up := f; up != ""; {
			up = parent(up)
			s.above[up] = append(s.above[up], f)
		}
	}
	return s
}

// parent is the folder above; "" is the root.
func parent(key string) string { return key[:max(strings.LastIndexByte(key, '/'), 0)] }

func (s *sought) add(r Ref) {
	for _, f := range s.above[r.Key] {
		s.found[f] = append(s.found[f], r)
	}
	for k := r.Key; ; k = parent(k) {
		if s.folders[k] {
			s.found[k] = append(s.found[k], r)
		}
		if k == "" {
			return
		}
	}
}
