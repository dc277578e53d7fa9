package query

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/partitioner"
	"sluice/query/ddl"
	"sluice/query/executor"
	"sluice/query/result"
)

func (d *definition) addPartitions(ctx context.Context, table lake.Table) (source, error) {
	var parts []lake.Partition
	for _, p := range d.Partitions {
		values, err := d.values(table, p, false)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(parts, func(o lake.Partition) bool { return slices.Equal(o.Values, values) }) {
			return nil, d.fault(p.At, CodeInvalid, "the partition %s is there twice", partitionPath(table, values))
		}
		location := table.Location + partitionPath(table, values) + "/"
		if p.Location != "" {
			if err := d.within(ctx, p.Location, p.LocationAt); err != nil {
				return nil, err
			}
			location = folder(p.Location)
		}
		parts = append(parts, lake.Partition{Values: values, Location: location})
	}
	added, err := d.add(ctx, table, parts)
	if err != nil {
		return nil, err
	}
	return said("%d partitions were added to %s; %d were there already", added, d.name, len(parts)-added), nil
}

// add adds the partitions that are not there. One that is, wherever it lies, is
// passed over if IF NOT EXISTS was said, and else an error before any is added.
func (d *definition) add(ctx context.Context, table lake.Table, parts []lake.Partition) (added int, err error) {
	for n := 1; ; n++ {
		have, err := d.e.cfg.Define.Find(ctx, d.name, valuesOf(parts))
		if err != nil {
			return 0, err
		}
		if len(have) > 0 && !d.Lenient {
			return 0, d.fault(d.Partitions[0].At, CodeExists, "the table %s has the partition %s already, at %s", d.name, partitionPath(table, have[0].Values), have[0].Location)
		}
		missing := slices.DeleteFunc(slices.Clone(parts), func(p lake.Partition) bool {
			return slices.ContainsFunc(have, func(h lake.Partition) bool { return slices.Equal(h.Values, p.Values) })
		})
		err = d.e.cfg.Define.AddPartitions(ctx, table, missing)
		// Another one can have added the partition elsewhere since Find.
		var elsewhere *catalogsync.PartitionElsewhereError
		if errors.As(err, &elsewhere) && n < 3 {
			continue
		}
		return len(missing), err
	}
}

func valuesOf(parts []lake.Partition) [][]string {
	values := make([][]string, len(parts))
	for i, p := range parts {
		values[i] = p.Values
	}
	return values
}

// dropPartitions takes away those that have the values given; keys that are not
// given have any.
func (d *definition) dropPartitions(ctx context.Context, table lake.Table) (source, error) {
	all, err := d.e.cfg.Catalog.Partitions(ctx, d.name, "")
	if err != nil {
		return nil, fmt.Errorf("list partitions of %s: %w", d.name, err)
	}
	var drop []lake.Partition
	for _, p := range d.Partitions {
		want, err := d.values(table, p, true)
		if err != nil {
			return nil, err
		}
		found := false
		for _, have := range all {
			if matches(have.Values, want) {
				drop, found = append(drop, have), true
			}
		}
		if !found && !d.Lenient {
			return nil, d.fault(p.At, CodeNotFound, "the table %s has no such partition", d.name)
		}
	}
	slices.SortFunc(drop, func(a, b lake.Partition) int { return slices.Compare(a.Values, b.Values) })
	drop = slices.CompactFunc(drop, func(a, b lake.Partition) bool { return slices.Equal(a.Values, b.Values) })
	if err := d.e.cfg.Define.RemovePartitions(ctx, d.name, drop); err != nil {
		return nil, err
	}
	return said("%d partitions of %s were dropped; their files stay where they are", len(drop), d.name), nil
}

// matches reports whether a partition has the values wanted; "" is any.
func matches(values, want []string) bool {
	if len(values) != len(want) {
		return false
	}
	for i, w := range want {
		if w != "" && values[i] != w {
			return false
		}
	}
	return true
}

func (d *definition) showPartitions(ctx context.Context, src *tableSource) (source, error) {
	rows, columns, err := d.e.partitionPaths(ctx, src)
	if err != nil || len(d.Partitions) == 0 {
		return &fixed{columns: columns, rows: rows}, err
	}
	want, err := d.values(lake.Table{Name: d.name, PartitionKeys: src.keys}, d.Partitions[0], true)
	if err != nil {
		return nil, err
	}
	rows = slices.DeleteFunc(rows, func(row []result.Value) bool {
		values, err := partitioner.ParsePath(src.keys, row[0].Text)
		return err != nil || !matches(values, want)
	})
	return &fixed{columns: columns, rows: rows}, nil
}

// showNames lists databases or tables whose names match Hive's pattern: * stands
// for any characters, | for or.
func (d *definition) showNames(ctx context.Context) (source, error) {
	names, title := []string(nil), "database"
	var err error
	if d.Kind == ddl.ShowDatabases {
		names, err = d.e.databases(ctx, d.snap)
	} else {
		title = "table"
		names, err = d.e.tables(ctx, d.name.Database, d.snap)
	}
	if err != nil {
		return nil, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !like(name, d.Pattern) })
	return &fixed{columns: column(title), rows: lines(names)}, nil
}

func like(name, pattern string) bool {
	for p := range strings.SplitSeq(strings.ToLower(pattern), "|") {
		first, rest, star := strings.Cut(p, "*")
		if !star {
			if name == p {
				return true
			}
			continue
		}
		text, ok := strings.CutPrefix(name, first)
		for ok && star {
			var piece string
			piece, rest, star = strings.Cut(rest, "*")
			if !star {
				ok = strings.HasSuffix(text, piece)
				break
			}
			var at int
			if at = strings.Index(text, piece); at < 0 {
				ok = false
				break
			}
			text = text[at+len(piece):]
		}
		if ok {
			return true
		}
	}
	return false
}

// partitionsSuffix makes a table's name that of the table of its partitions, as in
// Presto.
const partitionsSuffix = "$partitions"

// partitionsView is the statement that creates the table of a table's partitions: its
// partition columns, a row for each partition, the delivered and the live ones.
func (p *plan) partitionsView(ctx context.Context, src *tableSource, view string) (string, error) {
	if len(src.keys) == 0 {
		return "", fault(CodeInvalid, "the table %s is not partitioned", src.name)
	}
	partitions, err := src.delivered(ctx, p.engine, "")
	if err != nil {
		return "", err
	}
	rows := valuesOf(partitions)
	for _, f := range src.liveFiles() {
		rows = append(rows, f.values)
	}
	slices.SortFunc(rows, slices.Compare[[]string])
	rows = slices.CompactFunc(rows, slices.Equal[[]string])
	var columns, texts []string
	for j, k := range src.keys {
		var b strings.Builder
		for i, values := range rows {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(keyLiteral(values[j]))
		}
		texts = append(texts, fmt.Sprintf("unnest([%s]::VARCHAR[]) AS k%d", b.String(), j))
		columns = append(columns, keyValue(fmt.Sprintf("k%d", j), k)+" AS "+executor.Identifier(k.Name))
	}
	return "CREATE VIEW " + executor.Identifier(view) + " AS SELECT " + strings.Join(columns, ", ") + " FROM (SELECT " + strings.Join(texts, ", ") + ")", nil
}

// base is a reference's name without the suffix; ok where it had it.
func base(parts []string) (without []string, ok bool) {
	last := len(parts) - 1
	name, ok := strings.CutSuffix(strings.ToLower(parts[last]), partitionsSuffix)
	if !ok || name == "" {
		return parts, false
	}
	return append(slices.Clone(parts[:last]), name), true
}
