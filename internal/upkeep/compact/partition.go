package compact

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sluice/catalogsync/moves"
	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
)

// A group is files that become others together, in the order of their batches.
type group struct{ objects []store.Object }

// A choice is what becomes of a partition's files.
type choice struct {
	groups  []group
	merged  int   // files in groups
	bytes   int64 // of them
	kept    int64 // bytes that are copied
	foreign string
	newest  time.Time
	unknown int // files of batches that are not this node's
	young   int // files of statements that may still be undone
	dropped bool
}

// choose parts the files of a partition.
func (c *Compactor) choose(table lake.TableName, objects []store.Object, o Options) choice {
	var ch choice
	batches := map[lake.BatchID]store.Object{}
	var ids []lake.BatchID
	var others group
	for _, obj := range objects {
		name := path.Base(obj.Key)
		if obj.Modified.After(ch.newest) {
			ch.newest = obj.Modified
		}
		ch.dropped = ch.dropped || c.cfg.Dropped(obj.Key)
		small := obj.Size < c.cfg.Target/2 || o.Rewrite
		id, isBatch := lake.BatchOf(name)
		write, isWrite := lake.WriteOf(name)
		switch {
		case isBatch && small && !c.cfg.InLog(id) && !c.cfg.Joining(obj.Key):
			batches[id] = obj
			ids = append(ids, id)
		case isWrite && small && time.Since(write.Begun()) < c.cfg.WriteRest:
			ch.young++
		case isWrite && small && strings.HasSuffix(name, lake.ParquetExt) && !c.cfg.Writing(write):
			others.objects = append(others.objects, obj)
		case isBatch || isWrite:
		case !o.Foreign:
			ch.foreign = name
		case small:
			others.objects = append(others.objects, obj)
		}
	}
	slices.Sort(ids)
	groups := []group{others}
	for _, part := range c.cfg.Together(table, ids) {
		var g group
		for _, id := range part {
			g.objects = append(g.objects, batches[id])
		}
		if len(part) == 1 && len(ids) > 1 {
			ch.unknown++
		}
		groups = append(groups, g)
	}
	for _, g := range groups {
		if len(g.objects) < 2 && (!o.Rewrite || len(g.objects) == 0) {
			continue
		}
		ch.groups = append(ch.groups, g)
		ch.merged += len(g.objects)
		for _, obj := range g.objects {
			ch.bytes += obj.Size
		}
	}
	for _, obj := range objects {
		ch.kept += obj.Size
	}
	ch.kept -= ch.bytes
	return ch
}

// maxCopied is how many times as many bytes as are merged may be copied along before the
// schedule waits for more to merge.
const maxCopied = 8

// skip says why a partition is left alone.
func (c *Compactor) skip(ch choice, o Options) string {
	switch {
	case ch.dropped:
		return "retention dropped it, and the files that it had are not deleted yet"
	case ch.foreign != "":
		return fmt.Sprintf("it has files that Sluice did not write, such as %s; when nobody adds to them any more, --foreign takes them too", ch.foreign)
	case len(ch.groups) == 0 && ch.unknown > 1:
		return fmt.Sprintf("%d small files are of batches that this node does not know, or that a checkpoint separates", ch.unknown)
	case len(ch.groups) == 0 && ch.young > 0:
		return fmt.Sprintf("%d small files are of statements that began less than %s ago, which another node may still undo", ch.young, c.cfg.WriteRest)
	case len(ch.groups) == 0:
		return "there is nothing to merge"
	case !o.scheduled:
		return ""
	case ch.merged < c.cfg.MinFiles:
		return fmt.Sprintf("%d small files are fewer than compaction.min_files, %d", ch.merged, c.cfg.MinFiles)
	case time.Since(ch.newest) < c.cfg.After:
		return fmt.Sprintf("it got a file less than compaction.after, %s, ago", c.cfg.After)
	case ch.kept > maxCopied*ch.bytes:
		return fmt.Sprintf("%d bytes of large files would be copied to merge %d", ch.kept, ch.bytes)
	}
	return ""
}

func (c *Compactor) partition(ctx context.Context, t lake.Table, p lake.Partition, o Options) Partition {
	r := Partition{Values: p.Values}
	objects, err := c.list(ctx, p.Location)
	if err != nil {
		r.Skipped = err.Error()
		if ctx.Err() != nil {
			r.Err = context.Cause(ctx)
		}
		return r
	}
	for _, obj := range objects {
		r.Files++
		r.Bytes += obj.Size
	}
	ch := c.choose(t.Name, objects, o)
	r.Merged, r.Skipped = ch.merged, c.skip(ch, o)
	o.census.add(objects, r.Skipped == "")
	if r.Skipped != "" || o.DryRun {
		return r
	}
	c.one.Lock()
	defer c.one.Unlock()
	w := &rewrite{c: c, table: t, options: o, left: map[string]bool{}}
	begun := time.Now()
	c.board.set(Status{Table: t.Name, Partition: p.Values, Number: o.number, Of: o.of, Total: r.Bytes, Since: begun})
	defer c.board.set(Status{})
	err = c.mover.Move(ctx, t, p, w)
	w.end()
	switch {
	case errors.Is(err, moves.ErrBusy) || errors.Is(err, moves.ErrGone) || errors.Is(err, errNothing):
		r.Skipped = err.Error()
	case err != nil:
		r.Err = err
	default:
		r.Moved, r.FilesAfter, r.BytesAfter = true, w.files, w.bytes
		c.log.Info("partition compacted", "table", t.Name, "partition", p.Values, "files", r.Files, "bytes", r.Bytes, "files_after", w.files, "bytes_after", w.bytes, "took", time.Since(begun).Round(time.Millisecond))
	}
	return r
}

// list are a partition's files.
func (c *Compactor) list(ctx context.Context, location string) ([]store.Object, error) {
	key, ok := c.cfg.Store.Key(location)
	if !ok {
		return nil, fmt.Errorf("it lies at %s, outside the lake", location)
	}
	key = strings.TrimSuffix(key, "/")
	var objects []store.Object
	for obj, err := range c.cfg.Store.List(ctx, key) {
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", location, err)
		}
		name := strings.TrimPrefix(obj.Key, key+"/")
		if obj.Size > 0 && !strings.HasPrefix(path.Base(name), "_") && !strings.HasPrefix(path.Base(name), ".") && !strings.Contains("/"+name, "/"+lake.MovedFolder+"/") {
			objects = append(objects, obj)
		}
	}
	return objects, nil
}

// errNothing says that what was to be merged is not there any more.
var errNothing = errors.New("there is nothing to merge any more")

// A rewrite is a partition being compacted; it is a moves.Rewrite.
type rewrite struct {
	c       *Compactor
	table   lake.Table
	options Options
	left    map[string]bool // sources that cannot be merged, by local path
	dir     string
	files   int
	bytes   int64
}

func (w *rewrite) end() {
	if w.dir != "" {
		os.RemoveAll(w.dir)
	}
}

// Make merges.
func (w *rewrite) Make(ctx context.Context, folder string, objects []store.Object) (used []store.Object, err error) {
	if w.dir, err = os.MkdirTemp(filepath.Join(w.c.cfg.Dir, "work"), "partition-*"); err != nil {
		return nil, err
	}
	ch := w.c.choose(w.table.Name, objects, w.options)
	if ch.foreign != "" || len(ch.groups) == 0 {
		return nil, errNothing
	}
	for _, g := range ch.groups {
		for len(g.objects) > 0 {
			n, size := 0, int64(0)
			for n < len(g.objects) && (n == 0 || size+g.objects[n].Size <= 4*w.c.cfg.Target) {
				size += g.objects[n].Size
				n++
			}
			took, err := w.merge(ctx, folder, g.objects[:n])
			if err != nil {
				return nil, err
			}
			used, g.objects = append(used, took...), g.objects[n:]
		}
	}
	if len(used) == 0 {
		return nil, errNothing
	}
	return used, nil
}

// merge makes files of some objects, puts them, and returns which went in. One that
// cannot be merged is left to be copied.
func (w *rewrite) merge(ctx context.Context, folder string, objects []store.Object) (used []store.Object, err error) {
	dir, err := os.MkdirTemp(w.dir, "merge-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	local := map[string]store.Object{}
	var sources []string
	for i, o := range objects {
		p, ok := w.c.cfg.Store.LocalPath(o.Key)
		if !ok {
			p = filepath.Join(dir, fmt.Sprintf("source-%d", i))
			if err := w.fetch(ctx, o, p); err != nil {
				return nil, err
			}
		}
		local[p] = o
		sources = append(sources, p)
	}
	job := convert.MergeJob{Columns: w.columns(), Layout: w.c.cfg.Layout(w.table.Name), Dir: dir, Target: w.c.cfg.Target}
	for {
		meter := w.c.meter(ctx)
		job.Progress = meter.to
		job.Sources = slices.DeleteFunc(slices.Clone(sources), func(p string) bool { return w.left[p] })
		if len(job.Sources) == 0 || len(job.Sources) == 1 && !w.options.Rewrite {
			return nil, nil
		}
		res, err := w.c.cfg.Converter.Merge(ctx, job)
		var source *convert.SourceError
		if errors.As(err, &source) {
			meter.undo()
			w.left[source.Path] = true
			w.c.log.Warn("a file is left alone by compaction", "table", w.table.Name, "file", local[source.Path].Key, "why", source.Cause)
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(res.Files) > len(job.Sources) { // another layout can take more room, but there are no more names
			meter.undo()
			job.Target = 0
			continue
		}
		meter.to(res.Bytes)
		for _, p := range job.Sources {
			used = append(used, local[p])
		}
		w.c.metrics.merged.Add(float64(res.Bytes))
		return used, w.put(ctx, folder, res.Files, used)
	}
}

// columns are the table's without those of its partitions.
func (w *rewrite) columns() (columns []lake.Column) {
	for _, col := range w.table.Columns {
		if !slices.ContainsFunc(w.table.PartitionKeys, func(k lake.Column) bool { return strings.EqualFold(k.Name, col.Name) }) {
			columns = append(columns, col)
		}
	}
	return columns
}

// put puts what was made of objects, under names of theirs: those of the newest batches,
// which are remembered longest.
func (w *rewrite) put(ctx context.Context, folder string, files []convert.File, of []store.Object) error {
	for i, f := range files {
		name := path.Base(of[len(of)-1-i].Key)
		if !moves.Ours(name) {
			name = string(lake.NewWriteID(time.Now())) + lake.ParquetExt
		}
		if err := w.putFile(ctx, folder+"/"+name, f.Path, f.Bytes); err != nil {
			return err
		}
		if err := os.Remove(f.Path); err != nil {
			return err
		}
		w.files++
		w.bytes += f.Bytes
	}
	return nil
}

func (w *rewrite) putFile(ctx context.Context, key, path string, size int64) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return w.c.cfg.Store.Put(ctx, key, f, size)
}

// Copy copies an object that is not merged, byte by byte.
func (w *rewrite) Copy(ctx context.Context, folder string, o store.Object) error {
	path0, ok := w.c.cfg.Store.LocalPath(o.Key)
	if !ok {
		path0 = filepath.Join(w.dir, "copy")
		defer os.Remove(path0)
		if err := w.fetch(ctx, o, path0); err != nil {
			return err
		}
	}
	w.c.meter(ctx).to(o.Size)
	w.files++
	w.bytes += o.Size
	return w.putFile(ctx, folder+"/"+path.Base(o.Key), path0, o.Size)
}

// Ready waits for the queries that were being planned.
func (w *rewrite) Ready(ctx context.Context) error { return w.c.cfg.Planned(ctx) }

func (w *rewrite) fetch(ctx context.Context, o store.Object, to string) (err error) {
	body, err := w.c.cfg.Store.GetVersion(ctx, o, 0, -1)
	if err != nil {
		return err
	}
	defer body.Close()
	f, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(body)
	return errors.Join(err, f.Close())
}
