package vacuum

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/upkeep/places"
)

// folders finds unregistered folders of tables.
func (v *Vacuum) folders(ctx context.Context, req Request, now time.Time, rep *Report) error {
	tables, err := v.tables(ctx, req.Tables)
	if err != nil {
		return err
	}
	before, err := v.readSeen()
	if err != nil {
		return err
	}
	var found []*Folder
	for i, t := range tables {
		v.told(func(s *Status) { s.Table, s.Number, s.Of = t.Name, i+1, len(tables) })
		some, err := v.look(ctx, t)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil && !errors.Is(err, v.cfg.NotFound) { // it was dropped meanwhile
			rep.Faults = append(rep.Faults, fmt.Errorf("vacuum table %s: %w", t.Name, err))
			continue
		}
		found = append(found, some...)
	}
	if err := v.guard(ctx, found); err != nil {
		return err
	}
	next := v.date(before, found, tables, len(req.Tables) == 0, now)
	// What is remembered comes first: what is removed was found so before.
	if !req.DryRun {
		if err := v.writeSeen(next); err != nil {
			return err
		}
	}
	for _, f := range found {
		f.Due = f.Why == "" && now.Sub(f.Since) >= req.Grace
		if f.Due && req.Unregistered && !req.DryRun {
			if err := v.empty(ctx, f, rep); err != nil {
				rep.Faults = append(rep.Faults, fmt.Errorf("vacuum table %s: %w", f.Table, err))
			}
		}
		rep.FolderCount++
		rep.ObjectCount += f.Objects
		rep.Bytes += f.Bytes
		if len(rep.Folders) < maxListed {
			rep.Folders = append(rep.Folders, *f)
		}
	}
	return nil
}

// tables are those of the lake that have partitions of Parquet; those named, or all.
func (v *Vacuum) tables(ctx context.Context, names []lake.TableName) (list []lake.Table, err error) {
	var all []lake.Table
	for _, name := range names {
		t, err := v.cfg.Catalog.Table(ctx, name)
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	if len(names) == 0 {
		databases, err := v.cfg.Catalog.Databases(ctx)
		if err != nil {
			return nil, err
		}
		for _, db := range databases {
			tables, err := v.cfg.Catalog.Tables(ctx, db)
			if err != nil && !errors.Is(err, v.cfg.NotFound) {
				return nil, err
			}
			all = append(all, tables...)
		}
	}
	for _, t := range all {
		if root, ok := v.root(t); ok && root != "" && t.View == "" && len(t.PartitionKeys) > 0 && t.Storage.IsParquet() {
			list = append(list, t)
		}
	}
	return list, nil
}

func (v *Vacuum) root(t lake.Table) (string, bool) {
	key, ok := v.cfg.Store.Key(t.Location)
	return strings.Trim(key, "/"), ok && t.Location != ""
}

// look finds the unregistered folders of a table. The catalog comes before the lake: what
// is registered when its objects are listed is known then.
func (v *Vacuum) look(ctx context.Context, t lake.Table) (list []*Folder, err error) {
	root, _ := v.root(t)
	parts, err := v.cfg.Catalog.Partitions(ctx, t.Name, "")
	if err != nil {
		return nil, err
	}
	registered := make(map[string]bool, len(parts))
	for _, p := range parts {
		if key, ok := v.cfg.Store.Key(p.Location); ok {
			registered[strings.Trim(key, "/")] = true
		}
	}
	found := map[string]*Folder{}
	for o, err := range v.cfg.Store.List(ctx, root) {
		if err != nil {
			return nil, err
		}
		v.told(func(s *Status) { s.Listed++ })
		dir, name := path.Dir(o.Key), path.Base(o.Key)
		rest := strings.Trim(strings.TrimPrefix(dir, root), "/")
		if rest == "" || isHidden(rest) || !isData(name) || below(dir, root, registered) || v.cfg.Busy(o.Key) {
			continue
		}
		f := found[dir]
		if f == nil {
			values, err := v.cfg.Values(t, rest)
			if err != nil || len(values) != len(t.PartitionKeys) {
				continue // no partition's
			}
			f = &Folder{Table: t.Name, Values: values, Key: dir}
			moving, err := v.cfg.Moving(t, v.cfg.Store.URI(dir))
			if err != nil {
				return nil, err
			}
			if moving {
				f.Why = "compaction deletes it"
			}
			found[dir] = f
		}
		f.Objects++
		f.Bytes += o.Size
	}
	for _, dir := range slices.Sorted(maps.Keys(found)) {
		list = append(list, found[dir])
	}
	return list, nil
}

// below reports whether the folder, or one above it up to the root, is registered.
func below(dir, root string, registered map[string]bool) bool {
	for ; len(dir) >= len(root); dir = path.Dir(dir) {
		if registered[dir] {
			return true
		}
		if dir == "." || dir == "/" {
			break
		}
	}
	return false
}

// guard says of folders where somebody else lies why they stay.
func (v *Vacuum) guard(ctx context.Context, found []*Folder) error {
	if len(found) == 0 {
		return nil
	}
	keys := make([]string, len(found))
	for i, f := range found {
		keys[i] = f.Key
	}
	over, err := places.Over(ctx, v.cfg.Catalog, v.cfg.Store.Key, keys)
	if err != nil {
		return err
	}
	for _, f := range found {
		for _, ref := range over[f.Key] {
			if ref.Table != f.Table || ref.Values != nil {
				f.Why = ref.String() + " lies there too"
			}
		}
	}
	return nil
}

// date says since when the folders are unregistered, and returns what is to be
// remembered: of tables that were not looked at, what was. What could not be looked at
// waits anew.
func (v *Vacuum) date(before seen, found []*Folder, looked []lake.Table, all bool, now time.Time) seen {
	next := seen{Folders: map[string]time.Time{}}
	if !all {
		for key, since := range before.Folders {
			inside := slices.ContainsFunc(looked, func(t lake.Table) bool {
				root, _ := v.root(t)
				return places.Within(key, root)
			})
			if !inside {
				next.Folders[key] = since
			}
		}
	}
	for _, f := range found {
		f.Since = now
		if since, ok := before.Folders[f.Key]; ok && since.Before(now) {
			f.Since = since
		}
		next.Folders[f.Key] = f.Since
	}
	return next
}

// empty removes the objects of a folder that were there when it was found unregistered.
func (v *Vacuum) empty(ctx context.Context, f *Folder, rep *Report) error {
	have, err := v.cfg.Catalog.Find(ctx, f.Table, [][]string{f.Values})
	if err != nil {
		return err
	}
	for _, p := range have {
		if key, ok := v.cfg.Store.Key(p.Location); !ok || places.Within(strings.Trim(key, "/"), f.Key) || places.Within(f.Key, strings.Trim(key, "/")) {
			return nil // it has been registered since
		}
	}
	for o, err := range v.cfg.Store.List(ctx, f.Key) {
		if err != nil {
			return err
		}
		if path.Dir(o.Key) != f.Key || !isData(path.Base(o.Key)) || !o.Modified.Before(f.Since) || v.cfg.Busy(o.Key) {
			continue
		}
		err := v.cfg.Store.Remove(ctx, o)
		if errors.Is(err, store.ErrChanged) { // put anew: a delivery is at work
			continue
		}
		if err != nil {
			return err
		}
		f.Removed++
		rep.ObjectsRemoved++
		rep.BytesRemoved += o.Size
		v.metrics.removed(o.Size)
		v.told(func(s *Status) { s.Removed, s.Bytes = s.Removed+1, s.Bytes+o.Size })
	}
	if f.Removed > 0 {
		v.cfg.Log.InfoContext(ctx, "objects of an unregistered folder were removed", "table", f.Table.String(), "folder", f.Key, "objects", f.Removed, "unregistered_since", f.Since)
	}
	return nil
}
