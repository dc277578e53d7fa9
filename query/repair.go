package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/partitioner"
	"sluice/query/result"
)

const (
	// repairChunk is how many partitions are added at once: what Glue takes in a call.
	repairChunk = 100
	// maxRepair bounds the partitions that one MSCK REPAIR TABLE can tell apart.
	maxRepair = 1_000_000
	// maxStrange is how many folders that are no partitions are named.
	maxStrange = 100
)

// A repairer lists a table's folder and adds what it finds to be a partition, a
// hundred at a time; its rows say what was done. It does so as it is read: an answer
// that is not read to its end leaves the rest for the next statement.
type repairer struct {
	ctx     context.Context
	d       *definition
	table   lake.Table
	root    string // key
	next    func() (store.Object, error, bool)
	stop    func()
	known   map[string]bool // folders seen
	have    map[string]bool // partitions in the catalog
	strange []string
	others  int // folders that are not named
	rows    []string
	row     string
	found   []lake.Partition
	added   int
	ended   bool
	err     error
}

func (d *definition) repair(ctx context.Context, table lake.Table) (source, error) {
	if len(table.PartitionKeys) == 0 {
		return nil, d.fault(d.At, CodeInvalid, "the table %s is not partitioned", d.name)
	}
	root, ok := d.e.cfg.Store.Key(table.Location)
	if !ok {
		return nil, fault(CodeInvalid, "the table %s lies at %s, which is not below the lake", d.name, table.Location)
	}
	all, err := d.e.cfg.Catalog.Partitions(ctx, d.name, "")
	if err != nil {
		return nil, fmt.Errorf("list partitions of %s: %w", d.name, err)
	}
	r := &repairer{ctx: ctx, d: d, table: table, root: strings.TrimSuffix(root, "/"), known: make(map[string]bool), have: make(map[string]bool, len(all))}
	for _, p := range all {
		r.have[partitionPath(table, p.Values)] = true
		// A folder that is one of its partitions already is none that could not be read.
		key, ok := d.e.cfg.Store.Key(p.Location)
		if dir, below := strings.CutPrefix(strings.TrimSuffix(key, "/"), r.root+"/"); ok && below && strings.Count(dir, "/") < len(table.PartitionKeys) {
			r.known[dir] = true
		}
	}
	r.next, r.stop = pull(ctx, d.e.cfg.Store, r.root)
	return r, nil
}

func (r *repairer) Columns() []result.Column { return column("result") }
func (r *repairer) Values() []result.Value   { return lines([]string{r.row})[0] }
func (r *repairer) Err() error               { return r.err }
func (r *repairer) Close() error             { r.stop(); return nil }

func (r *repairer) Next() bool {
	for len(r.rows) == 0 && !r.ended && r.err == nil {
		r.err = r.step()
	}
	if r.err != nil || len(r.rows) == 0 {
		return false
	}
	r.row, r.rows = r.rows[0], r.rows[1:]
	return true
}

// step takes one object.
func (r *repairer) step() error {
	o, err, ok := r.next()
	if err != nil {
		return fmt.Errorf("list files below %s: %w", r.table.Location, err)
	}
	if !ok {
		if err := r.add(); err != nil {
			return err
		}
		r.ended = true
		r.summary()
		return nil
	}
	r.look(strings.TrimPrefix(strings.TrimPrefix(o.Key, r.root), "/"), o.Size)
	if len(r.known) > maxRepair {
		return fault(CodeResources, "there are more than %d folders below %s", maxRepair, r.table.Location)
	}
	if len(r.found) >= repairChunk {
		return r.add()
	}
	return nil
}

// look finds the partition that an object lies in.
func (r *repairer) look(name string, size int64) {
	if hidden(name) || size == 0 {
		return
	}
	segments := strings.Split(name, "/")
	depth := min(len(r.table.PartitionKeys), len(segments)-1)
	dir := strings.Join(segments[:depth], "/")
	if r.known[dir] {
		return
	}
	r.known[dir] = true
	values, ok := r.values(dir)
	if !ok {
		if len(r.strange) < maxStrange {
			r.strange = append(r.strange, strings.TrimPrefix(dir+"/", "/"))
		} else {
			r.others++
		}
		return
	}
	at := partitionPath(r.table, values)
	if r.have[at] {
		return
	}
	r.have[at] = true
	r.found = append(r.found, lake.Partition{Values: values, Location: r.table.Location + dir + "/"})
}

// values are those of a partition's folder; ok is false for another one. Names of
// columns in it may be in any case.
func (r *repairer) values(dir string) (values []string, ok bool) {
	names, values, err := partitioner.ParsePairs(dir)
	if err != nil || len(values) != len(r.table.PartitionKeys) || slices.Contains(values, "") {
		return nil, false
	}
	for i, k := range r.table.PartitionKeys {
		if !strings.EqualFold(k.Name, names[i]) {
			return nil, false
		}
	}
	return values, true
}

// add registers what was found.
func (r *repairer) add() error {
	if len(r.found) == 0 {
		return nil
	}
	r.d.Lenient = true
	if _, err := r.d.add(r.ctx, r.table, r.found); err != nil {
		return err
	}
	for _, p := range r.found {
		r.rows = append(r.rows, fmt.Sprintf("Repair: Added partition to metastore %s:%s", r.table.Name, partitionPath(r.table, p.Values)))
	}
	r.added += len(r.found)
	r.found = nil
	return nil
}

func (r *repairer) summary() {
	for _, s := range r.strange {
		r.rows = append(r.rows, fmt.Sprintf("Not a partition: %s%s (want folders such as %s)", r.table.Location, s, example(r.table)))
	}
	if r.others > 0 {
		r.rows = append(r.rows, fmt.Sprintf("Not partitions: %d more folders", r.others))
	}
	r.rows = append(r.rows, fmt.Sprintf("%d partitions were added to %s; %d were there", r.added, r.table.Name, len(r.have)-r.added))
}

// example is the folder of a partition of the table.
func example(t lake.Table) string {
	var b strings.Builder
	for _, k := range t.PartitionKeys {
		b.WriteString(k.Name + "=…/")
	}
	return b.String()
}
