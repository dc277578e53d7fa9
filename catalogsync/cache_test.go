package catalogsync_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

// A delivery registers what a batch needs, and is the requests that took.
func delivery(t *testing.T, c *catalogsync.Catalog, transport *faulty, table lake.Table, first, n int) []string {
	t.Helper()
	transport.mu.Lock()
	transport.ops = nil
	transport.mu.Unlock()
	if _, err := c.Table(t.Context(), table.Name); err != nil {
		t.Fatal(err)
	}
	got, err := c.Ensure(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.AddPartitions(t.Context(), got, parts(got, first, n)); err != nil {
		t.Fatal(err)
	}
	return slices.Clone(transport.ops)
}

func TestKnownIsNotAskedFor(t *testing.T) {
	server := openServer(t)
	synctest.Test(t, func(t *testing.T) {
		transport := &faulty{next: server.Transport(), hit: func(int, string) *fault { return nil }}
		c := newCatalog(t, catalogsync.Config{Transport: transport, Cache: time.Hour, KnownPartitions: 400})
		table := purchasesTable()
		if _, err := c.Ensure(t.Context(), table); err != nil {
			t.Fatal(err)
		}
		same := func(when string, got []string, want ...string) {
			t.Helper()
			if !slices.Equal(got, want) {
				t.Errorf("%s: requests %v, want %v", when, got, want)
			}
		}
		same("new partitions", delivery(t, c, transport, table, 0, 10), "GetTable", "BatchGetPartition", "BatchCreatePartition", "GetTable")
		same("known partitions", delivery(t, c, transport, table, 0, 10), "GetTable")
		same("one of them new", delivery(t, c, transport, table, 5, 6), "GetTable", "BatchGetPartition", "BatchCreatePartition", "GetTable")
		wider := purchasesTable()
		wider.Columns = append(wider.Columns, lake.Column{Name: "price", Type: lake.Double})
		same("a new column", delivery(t, c, transport, wider, 0, 10), "GetTable", "GetTable", "UpdateTable", "GetTable")
		same("a known column", delivery(t, c, transport, wider, 0, 10), "GetTable")
		time.Sleep(time.Hour)
		same("after the time", delivery(t, c, transport, table, 0, 10), "GetTable", "BatchGetPartition")

		// Somebody drops the table and makes it anew.
		call(t, server, "DeleteTable", `{"DatabaseName":"shop","Name":"purchases"}`)
		time.Sleep(time.Second)
		other := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
		if _, err := other.Ensure(t.Context(), table); err != nil {
			t.Fatal(err)
		}
		delivery(t, c, transport, table, 0, 10)
		if all, err := other.Partitions(t.Context(), purchases, ""); err != nil || len(all) != 10 {
			t.Errorf("of a table made anew: %d partitions, %v", len(all), err)
		}

		// More than are remembered: some are asked for again, all are registered.
		for first := 0; first < 2000; first += 100 {
			delivery(t, c, transport, table, first, 100)
		}
		same("forgotten to make room", delivery(t, c, transport, table, 0, 10), "GetTable", "BatchGetPartition")
		if all, err := other.Partitions(t.Context(), purchases, ""); err != nil || len(all) != 2000 {
			t.Errorf("%d partitions, %v", len(all), err)
		}
	})
}
