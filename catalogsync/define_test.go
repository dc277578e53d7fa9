package catalogsync_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

func eventlogs() catalogsync.Definition {
	return catalogsync.Definition{
		Name: lake.TableName{Database: "logs", Table: "eventlogs"}, Comment: "raw",
		Columns:  []catalogsync.DefinedColumn{{Name: "context", Type: "map<string,string>", Comment: "nested"}, {Name: "x-y", Type: "varchar(20)"}},
		Keys:     []catalogsync.DefinedColumn{{Name: "sourceid", Type: "string"}},
		Location: "s3://b/segment-logs/",
		Storage: lake.Storage{InputFormat: lake.TextInputFormat, OutputFormat: lake.TextOutputFormat, SerDe: lake.OpenXJSONSerDe,
			Properties: map[string]string{"ignore.malformed.json": "true"}},
		Parameters: map[string]string{"a": "1"},
	}
}

func TestDefine(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		ctx, want := t.Context(), eventlogs()
		if err := c.Define(ctx, want); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Fatalf("a table of no database: %v", err)
		}
		if err := c.CreateDatabase(ctx, "logs", "of Segment", "s3://b/", map[string]string{"k": "v"}); err != nil {
			t.Fatal(err)
		}
		if err := c.CreateDatabase(ctx, "logs", "", "", nil); !errors.Is(err, catalogsync.ErrExists) {
			t.Fatalf("a second database: %v", err)
		}
		if err := c.Define(ctx, want); err != nil {
			t.Fatal(err)
		}
		if err := c.Define(ctx, want); !errors.Is(err, catalogsync.ErrExists) {
			t.Fatalf("a second table: %v", err)
		}
		check := func() {
			t.Helper()
			got, err := c.Definition(ctx, want.Name)
			if err != nil || got.Created.IsZero() {
				t.Fatalf("%+v, %v", got, err)
			}
			got.Created = time.Time{}
			want.Type, want.Parameters["EXTERNAL"] = "EXTERNAL_TABLE", "TRUE"
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatal(diff)
			}
		}
		check()
		table, err := c.Table(ctx, want.Name)
		if err != nil || table.Storage.SerDe != lake.OpenXJSONSerDe || table.Columns[1].Type.Kind != lake.KindString {
			t.Fatalf("%+v, %v", table, err)
		}
		added := catalogsync.DefinedColumn{Name: "event", Type: "string"}
		if err := c.Alter(ctx, want.Name, catalogsync.Alteration{AddColumns: []catalogsync.DefinedColumn{added}, Parameters: map[string]string{"a": "2", "b": "3"}, Location: "s3://b/other/"}); err != nil {
			t.Fatal(err)
		}
		want.Columns, want.Location = append(want.Columns, added), "s3://b/other/"
		want.Parameters["a"], want.Parameters["b"] = "2", "3"
		check()
		for _, name := range []string{"EVENT", "sourceid"} {
			if err := c.Alter(ctx, want.Name, catalogsync.Alteration{AddColumns: []catalogsync.DefinedColumn{{Name: name, Type: "string"}}}); !errors.Is(err, catalogsync.ErrExists) {
				t.Errorf("a second column %s: %v", name, err)
			}
		}
		check()
		if err := c.DropDatabase(ctx, "logs", false); !errors.Is(err, catalogsync.ErrNotEmpty) {
			t.Errorf("a database with tables: %v", err)
		}
		if err := c.DropDatabase(ctx, "logs", true); err != nil {
			t.Fatal(err)
		}
		for what, err := range map[string]error{"drop": c.DropDatabase(ctx, "logs", false), "cascade": c.DropDatabase(ctx, "logs", true), "alter": c.Alter(ctx, want.Name, catalogsync.Alteration{})} {
			if !errors.Is(err, catalogsync.ErrNotFound) {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

// A table that was dropped and made again by a statement takes what is delivered
// at once: what the client remembers of the old one is forgotten.
func TestDroppedTablesAreForgotten(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		ctx, table := t.Context(), purchasesTable()
		part := lake.Partition{Values: []string{"2026-01-31", "5"}, Location: table.Location + "dt=2026-01-31/hr=5/"}
		for _, drop := range []func() error{
			func() error { return c.Drop(ctx, table.Name, func(lake.Table) bool { return true }) },
			func() error { return c.DropDatabase(ctx, table.Name.Database, true) },
		} {
			for range 2 {
				if _, err := c.Ensure(ctx, table); err != nil {
					t.Fatal(err)
				}
				if err := c.AddPartitions(ctx, table, []lake.Partition{part}); err != nil {
					t.Fatal(err)
				}
			}
			if err := drop(); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Ensure(ctx, table); err != nil {
				t.Fatal(err)
			}
			if err := c.AddPartitions(ctx, table, []lake.Partition{part}); err != nil {
				t.Fatal(err)
			}
			if parts, err := c.Partitions(ctx, table.Name, ""); err != nil || len(parts) != 1 {
				t.Errorf("partitions %v, %v", parts, err)
			}
		}
	})
}
