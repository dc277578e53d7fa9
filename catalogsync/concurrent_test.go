package catalogsync_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
)

// writerRounds, in the environment, is how often each of the writers changes the
// table instead of 40 times.
const writerRounds = "SLUICE_TEST_WRITER_ROUNDS"

// TestTwoWriters has two writers, each with a server of its own over one file,
// change one table at the same time: each time a column, a field of a struct and
// two partitions, of which they share one.
func TestTwoWriters(t *testing.T) {
	rounds := 40
	if s := os.Getenv(writerRounds); s != "" {
		var err error
		if rounds, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "catalog.db")
	var catalogs []*catalogsync.Catalog
	var server *embedded.Server
	for range 2 {
		var err error
		if server, err = embedded.Open(path); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		// One remembers what it was told, the other does not.
		catalogs = append(catalogs, newCatalog(t, catalogsync.Config{Transport: server.Transport(), Cache: time.Duration(len(catalogs)) * time.Hour, KnownPartitions: 50}))
	}
	group, ctx := errgroup.WithContext(t.Context())
	for writer, c := range catalogs {
		group.Go(func() error { return evolve(ctx, c, writer, rounds) })
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	table, err := catalogs[0].Table(t.Context(), purchases)
	if err != nil {
		t.Fatal(err)
	}
	names := map[string]bool{}
	for _, col := range table.Columns {
		if names[col.Name] {
			t.Errorf("column %s is there twice", col.Name)
		}
		names[col.Name] = true
		for _, f := range col.Type.Fields {
			names[col.Name+"."+f.Name] = true
		}
	}
	for round := range rounds {
		for writer := range catalogs {
			for _, name := range []string{fmt.Sprintf("w%d_%d", writer, round), fmt.Sprintf("user.w%d_%d", writer, round)} {
				if !names[name] {
					t.Errorf("column %s is lost", name)
				}
			}
		}
	}
	all, err := catalogs[1].Partitions(t.Context(), purchases, "")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3*rounds {
		t.Errorf("%d partitions, want %d", len(all), 3*rounds)
	}
	checkProjected(t, table, all)
	for round := 0; round < rounds; round += max(1, rounds/10) {
		columns, _ := columnsOf(t, server, "shop", "purchases", fmt.Sprintf(`"shared","%d"`, round))
		for writer := range catalogs {
			if field := fmt.Sprintf("w%d_%d:", writer, round); !strings.Contains(columns["user"], field) {
				t.Errorf("partition shared/%d lacks the field %s", round, field)
			}
		}
	}
}

// checkProjected checks that the table's projection has every partition, by the
// names of them alone.
func checkProjected(t *testing.T, table lake.Table, parts []lake.Partition) {
	t.Helper()
	p := table.Parameters
	if p["projection.enabled"] != "true" {
		t.Fatalf("projection is off: %v", p)
	}
	values := map[string]bool{}
	for _, v := range strings.Split(p["projection.dt.values"], ",") {
		values[v] = true
	}
	var low, high int
	if _, err := fmt.Sscanf(p["projection.hr.range"], "%d,%d", &low, &high); err != nil {
		t.Fatal(err)
	}
	for _, part := range parts {
		hr, err := strconv.Atoi(part.Values[1])
		if err != nil || hr < low || hr > high || !values[part.Values[0]] && p["projection.dt.type"] != "injected" {
			t.Errorf("partition %q is not projected", part.Values)
		}
	}
}

func evolve(ctx context.Context, c *catalogsync.Catalog, writer, rounds int) error {
	for round := range rounds {
		name := fmt.Sprintf("w%d_%d", writer, round)
		want := purchasesTable()
		want.Parameters = map[string]string{
			"projection.enabled": "true", "projection.dt.type": "enum", "projection.hr.type": "integer",
			"storage.location.template": want.Location + "dt=${dt}/hr=${hr}/",
		}
		field := lake.Column{Name: name, Type: lake.Bigint}
		want.Columns = append(want.Columns, field, lake.Column{Name: "user", Type: lake.StructOf(field)})
		got, err := c.Ensure(ctx, want)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(got.Columns, func(c lake.Column) bool { return c.Name == name }) {
			return fmt.Errorf("column %s is not in the table that Ensure returned", name)
		}
		err = c.AddPartitions(ctx, got, []lake.Partition{
			{Values: []string{"shared", fmt.Sprint(round)}, Location: fmt.Sprintf("%sdt=shared/hr=%d/", got.Location, round)},
			{Values: []string{name, "0"}, Location: fmt.Sprintf("%sdt=%s/hr=0/", got.Location, name)},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
