package catalogsync_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

func TestCreateAndDrop(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		ctx := t.Context()
		table := lake.Table{
			Name: lake.TableName{Database: "shop", Table: "daily"}, Location: "file:///lake/shop/daily/",
			Columns: []lake.Column{{Name: "n", Type: lake.Bigint}}, PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}},
			Parameters: map[string]string{"a": "1"},
		}
		if err := c.Create(ctx, table); err != nil {
			t.Fatal(err)
		}
		other := table
		other.Location = "file:///lake/elsewhere/"
		if err := c.Create(ctx, other); !errors.Is(err, catalogsync.ErrExists) {
			t.Fatalf("a second Create: %v", err)
		}
		got, err := c.Table(ctx, table.Name)
		if err != nil || got.Location != table.Location || got.Parameters["a"] != "1" {
			t.Fatalf("got %+v, %v", got, err)
		}
		var parts []lake.Partition
		var values [][]string
		for i := range 120 {
			v := fmt.Sprintf("d%d", i)
			values = append(values, []string{v}, []string{"not" + v})
			parts = append(parts, lake.Partition{Values: []string{v}, Location: table.Location + "dt=" + v + "/"})
		}
		if err := c.AddPartitions(ctx, table, parts); err != nil {
			t.Fatal(err)
		}
		if found, err := c.Find(ctx, table.Name, values); err != nil || len(found) != 120 {
			t.Fatalf("found %d partitions: %v", len(found), err)
		}
		if err := c.Drop(ctx, table.Name, func(lake.Table) bool { return false }); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Fatalf("a Drop of another one: %v", err)
		}
		if err := c.Drop(ctx, table.Name, func(have lake.Table) bool { return have.Parameters["a"] == "1" }); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Table(ctx, table.Name); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Fatalf("after Drop: %v", err)
		}
	})
}

func TestViews(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		ctx := t.Context()
		view := lake.Table{Name: lake.TableName{Database: "shop", Table: "v"}, View: "/* Presto View: e30= */", Columns: []lake.Column{{Name: "n", Type: lake.Bigint}}}
		if err := c.PutView(ctx, view, false); err != nil {
			t.Fatal(err)
		}
		if err := c.PutView(ctx, view, false); !errors.Is(err, catalogsync.ErrExists) {
			t.Fatalf("a second view: %v", err)
		}
		view.View = "/* Presto View: eyJ9 */"
		if err := c.PutView(ctx, view, true); err != nil {
			t.Fatal(err)
		}
		got, err := c.Table(ctx, view.Name)
		if err != nil || got.View != view.View {
			t.Fatalf("got %+v, %v", got, err)
		}
		if diff := cmp.Diff(view.Columns, got.Columns); diff != "" {
			t.Error(diff)
		}
		// No stream delivers into a view, and no view replaces a table.
		if _, err := c.Ensure(ctx, lake.Table{Name: view.Name, Location: "file:///lake/shop/v/", Columns: []lake.Column{{Name: "m", Type: lake.Bigint}}}); err == nil {
			t.Error("Ensure changed a view")
		}
		table := lake.Table{Name: lake.TableName{Database: "shop", Table: "t"}, Location: "file:///lake/shop/t/", Columns: view.Columns}
		if err := c.Create(ctx, table); err != nil {
			t.Fatal(err)
		}
		if err := c.PutView(ctx, lake.Table{Name: table.Name, View: view.View}, true); !errors.Is(err, catalogsync.ErrExists) {
			t.Errorf("a view in a table's place: %v", err)
		}
	})
}
