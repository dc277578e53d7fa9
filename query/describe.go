package query

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"sluice/catalogsync"
	"sluice/internal/lake/store"
	"sluice/query/ddl"
	"sluice/query/result"
)

// pull is the objects below a folder, one a call.
func pull(ctx context.Context, s Store, folder string) (next func() (store.Object, error, bool), stop func()) {
	return iter.Pull2(s.List(ctx, folder))
}

// show answers from the table's definition.
func (d *definition) show(ctx context.Context) (source, error) {
	err := error(catalogsync.ErrNotFound)
	var def catalogsync.Definition
	if d.snap.sees(d.name.Database) {
		def, err = d.e.cfg.Define.Definition(ctx, d.name)
	}
	if errors.Is(err, catalogsync.ErrNotFound) {
		if len(d.snap.tables[d.name]) > 0 {
			return nil, fault(CodeNotFound, "nothing of the table %s is delivered yet, so the catalog does not define it; DESCRIBE %s tells its columns", d.name, d.name)
		}
		return nil, d.e.unknownTable(ctx, d.name, d.snap)
	}
	if err != nil {
		return nil, err
	}
	switch d.Kind {
	case ddl.ShowCreate:
		if strings.EqualFold(def.Type, "VIRTUAL_VIEW") {
			return nil, d.fault(d.At, CodeInvalid, "%s is a view; SHOW CREATE VIEW tells its query", d.name)
		}
		return &fixed{columns: column("createtab_stmt"), rows: lines(createStatement(def))}, nil
	case ddl.ShowProperties:
		return d.properties(def)
	}
	return described(def), nil
}

func pairs(names ...string) []result.Column {
	out := make([]result.Column, len(names))
	for i, n := range names {
		out[i] = column(n)[0]
	}
	return out
}

func (d *definition) properties(def catalogsync.Definition) (source, error) {
	f := &fixed{columns: pairs("prpt_name", "prpt_value")}
	for _, k := range slices.Sorted(maps.Keys(def.Parameters)) {
		if d.Property == "" || d.Property == k {
			f.rows = append(f.rows, slices.Concat(lines([]string{k, def.Parameters[k]})...))
		}
	}
	if d.Property != "" && len(f.rows) == 0 {
		return nil, d.fault(d.At, CodeInvalid, "the table %s has no property %s", d.name, d.Property)
	}
	return f, nil
}

// createStatement is a statement that makes a table anew, line by line.
func createStatement(def catalogsync.Definition) []string {
	out := []string{"CREATE EXTERNAL TABLE " + ddl.Name(def.Name.Database) + "." + ddl.Name(def.Name.Table) + "("}
	columns := func(list []catalogsync.DefinedColumn) {
		for i, c := range list {
			line := "  " + ddl.Name(c.Name) + " " + c.Type
			if c.Comment != "" {
				line += " COMMENT " + ddl.Quote(c.Comment)
			}
			if i < len(list)-1 {
				line += ","
			} else {
				line += ")"
			}
			out = append(out, line)
		}
	}
	properties := func(head string, p map[string]string) {
		if len(p) == 0 {
			return
		}
		out = append(out, head+" (")
		names := slices.Sorted(maps.Keys(p))
		for i, k := range names {
			sep := ","
			if i == len(names)-1 {
				sep = ")"
			}
			out = append(out, "  "+ddl.Quote(k)+"="+ddl.Quote(p[k])+sep)
		}
	}
	columns(def.Columns)
	if def.Comment != "" {
		out = append(out, "COMMENT "+ddl.Quote(def.Comment))
	}
	if len(def.Keys) > 0 {
		out = append(out, "PARTITIONED BY (")
		columns(def.Keys)
	}
	if def.Storage.SerDe != "" {
		out = append(out, "ROW FORMAT SERDE", "  "+ddl.Quote(def.Storage.SerDe))
		properties("WITH SERDEPROPERTIES", def.Storage.Properties)
	}
	if def.Storage.InputFormat != "" {
		out = append(out, "STORED AS INPUTFORMAT", "  "+ddl.Quote(def.Storage.InputFormat), "OUTPUTFORMAT", "  "+ddl.Quote(def.Storage.OutputFormat))
	}
	out = append(out, "LOCATION", "  "+ddl.Quote(def.Location))
	parameters := maps.Clone(def.Parameters)
	delete(parameters, "EXTERNAL")
	properties("TBLPROPERTIES", parameters)
	return out
}

// described is DESCRIBE FORMATTED.
func described(def catalogsync.Definition) source {
	f := &fixed{columns: pairs("col_name", "data_type", "comment")}
	add := func(cells ...string) {
		cells = append(cells, "", "", "")[:3]
		f.rows = append(f.rows, slices.Concat(lines(cells)...))
	}
	columns := func(list []catalogsync.DefinedColumn) {
		for _, c := range list {
			add(c.Name, c.Type, c.Comment)
		}
	}
	columns(def.Columns)
	if len(def.Keys) > 0 {
		add()
		add("# Partition Information")
		columns(def.Keys)
	}
	add()
	add("# Detailed Table Information")
	add("Database:", def.Name.Database)
	add("Table:", def.Name.Table)
	if def.Owner != "" {
		add("Owner:", def.Owner)
	}
	if !def.Created.IsZero() {
		add("CreateTime:", def.Created.UTC().Format(time.RFC3339))
	}
	add("Location:", def.Location)
	add("Table Type:", def.Type)
	if def.Comment != "" {
		add("Comment:", def.Comment)
	}
	add("Table Parameters:")
	for _, k := range slices.Sorted(maps.Keys(def.Parameters)) {
		add("", k, def.Parameters[k])
	}
	add()
	add("# Storage Information")
	add("SerDe Library:", def.Storage.SerDe)
	add("InputFormat:", def.Storage.InputFormat)
	add("OutputFormat:", def.Storage.OutputFormat)
	add("Storage Desc Params:")
	for _, k := range slices.Sorted(maps.Keys(def.Storage.Properties)) {
		add("", k, def.Storage.Properties[k])
	}
	return f
}
