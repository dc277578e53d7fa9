package crawl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

// register adds to the catalog what it lacks, or, in a dry run, says what that is.
func (w *work) register(ctx context.Context, parts []lake.Partition) error {
	w.t.New = !w.exists
	if w.t.Format == csvish && w.csv.quoted && !w.exists {
		for i := range w.columns {
			w.columns[i].Type = lake.String
		}
	}
	for _, c := range w.columns {
		if i := lake.ColumnIndex(w.have.Columns, c.Name); i < 0 || !w.have.Columns[i].Type.Equal(c.Type) {
			w.t.Columns = append(w.t.Columns, c)
		}
	}
	if err := w.missing(ctx, parts); err != nil || w.dry {
		return err
	}
	if w.t.New {
		if err := w.create(ctx); err != nil {
			return err
		}
	} else if len(w.t.Columns) > 0 {
		if err := w.c.cfg.Catalog.Extend(ctx, w.t.Name, w.t.Columns, w.added()); err != nil {
			return err
		}
	}
	if len(w.t.Partitions) == 0 {
		return nil
	}
	table, err := w.c.cfg.Catalog.Table(ctx, w.t.Name)
	if err != nil {
		return err
	}
	return w.c.cfg.Catalog.AddPartitions(ctx, table, w.t.Partitions)
}

// added are the properties for the columns that were added.
func (w *work) added() map[string]string {
	out := map[string]string{}
	for k, v := range w.properties {
		for _, c := range w.t.Columns {
			if strings.HasPrefix(k, "mapping.") && (k == "mapping."+c.Name || c.Type.Kind == lake.KindStruct || c.Type.Kind == lake.KindArray) {
				out[k] = v
			}
		}
	}
	return out
}

// missing are the partitions that the table lacks.
func (w *work) missing(ctx context.Context, parts []lake.Partition) error {
	if !w.exists || len(w.t.Keys) == 0 {
		w.t.Partitions = parts
		return nil
	}
	all, err := w.c.cfg.Catalog.Partitions(ctx, w.t.Name, "")
	if err != nil {
		return err
	}
	have := make(map[string]string, len(all))
	places := make(map[string]bool, len(all))
	for _, p := range all {
		have[fmt.Sprintf("%q", p.Values)] = p.Location
		places[strings.TrimSuffix(p.Location, "/")] = true
	}
	for _, p := range parts {
		at, ok := have[fmt.Sprintf("%q", p.Values)]
		switch {
		case !ok && places[strings.TrimSuffix(p.Location, "/")]: // under other values: that is what its owner wants
		case !ok:
			w.t.Partitions = append(w.t.Partitions, p)
		case strings.TrimSuffix(at, "/") != strings.TrimSuffix(p.Location, "/"):
			w.t.conflict(Conflict{File: p.Location, Text: fmt.Sprintf("the partition %q is registered at %s: it was left there", p.Values, at)})
		}
	}
	return nil
}

func (w *work) create(ctx context.Context) error {
	keys := make([]lake.Column, len(w.t.Keys))
	for i, k := range w.t.Keys {
		keys[i] = lake.Column{Name: k, Type: lake.String}
	}
	if w.t.Format == parquet {
		err := w.c.cfg.Catalog.Create(ctx, lake.Table{Name: w.t.Name, Location: w.t.Location, Columns: w.columns, PartitionKeys: keys})
		return w.taken(err)
	}
	d := catalogsync.Definition{Name: w.t.Name, Location: w.t.Location, Columns: defined(w.columns), Keys: defined(keys), Parameters: map[string]string{"classification": w.t.Format}}
	d.Storage = lake.Storage{InputFormat: lake.TextInputFormat, OutputFormat: lake.TextOutputFormat, SerDe: lake.OpenXJSONSerDe, Properties: map[string]string{"serialization.format": "1"}}
	for k, v := range w.properties {
		d.Storage.Properties[k] = v
	}
	if w.t.Format == csvish {
		w.csvStorage(&d)
	}
	err := w.c.cfg.Catalog.Define(ctx, d)
	if errors.Is(err, catalogsync.ErrNotFound) {
		if err := w.c.cfg.Catalog.CreateDatabase(ctx, w.t.Name.Database, "", "", nil); err != nil && !errors.Is(err, catalogsync.ErrExists) {
			return err
		}
		err = w.c.cfg.Catalog.Define(ctx, d)
	}
	return w.taken(err)
}

func (w *work) taken(err error) error {
	if errors.Is(err, catalogsync.ErrExists) {
		return fmt.Errorf("there is a table %s of files elsewhere: choose another name or database: %w", w.t.Name, err)
	}
	return err
}

func (w *work) csvStorage(d *catalogsync.Definition) {
	by := string(w.csv.delimiter)
	d.Storage.SerDe, d.Storage.Properties = lake.LazySimpleSerDe, map[string]string{"field.delim": by, "serialization.format": by}
	if w.csv.quoted {
		d.Storage.SerDe, d.Storage.Properties = lake.OpenCSVSerDe, map[string]string{"separatorChar": by, "quoteChar": `"`, "escapeChar": `\`}
	}
	if w.csv.header {
		d.Parameters["skip.header.line.count"] = "1"
	}
}

func defined(columns []lake.Column) (out []catalogsync.DefinedColumn) {
	for _, c := range columns {
		out = append(out, catalogsync.DefinedColumn{Name: c.Name, Type: c.Type.String()})
	}
	return out
}
