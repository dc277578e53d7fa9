package catalogsync_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/internal/lake"
)

// parts are n hours from hour first on.
func parts(table lake.Table, first, n int) []lake.Partition {
	var out []lake.Partition
	for i := first; i < first+n; i++ {
		day, hour := fmt.Sprintf("day%05d", i/24), fmt.Sprint(i%24)
		out = append(out, lake.Partition{
			Values:   []string{day, hour},
			Location: fmt.Sprintf("%sdt=%s/hr=%s/", table.Location, day, hour),
		})
	}
	return out
}

func TestAddPartitions(t *testing.T) {
	overEach(t, func(t *testing.T, c *catalogsync.Catalog) {
		ctx := t.Context()
		table := purchasesTable()
		if err := c.AddPartitions(ctx, table, parts(table, 0, 1)); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Errorf("partitions of no table: %v", err)
		}
		if _, err := c.Partitions(ctx, purchases, ""); !errors.Is(err, catalogsync.ErrNotFound) {
			t.Errorf("partitions of no table: %v", err)
		}
		table, err := c.Ensure(ctx, table)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddPartitions(ctx, table, nil); err != nil {
			t.Error(err)
		}
		if err := c.AddPartitions(ctx, table, parts(table, 0, 2400)); err != nil {
			t.Fatal(err)
		}
		// Again, with some new ones among them and one twice.
		again := append(parts(table, 2300, 200), parts(table, 2499, 1)...)
		if err := c.AddPartitions(ctx, table, again); err != nil {
			t.Fatal(err)
		}
		all, err := c.Partitions(ctx, purchases, "")
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]string{}
		for _, p := range all {
			found[fmt.Sprint(p.Values)] = p.Location
		}
		if len(all) != 2500 || len(found) != 2500 {
			t.Fatalf("%d partitions, %d different", len(all), len(found))
		}
		for _, p := range parts(table, 0, 2500) {
			if found[fmt.Sprint(p.Values)] != p.Location {
				t.Fatalf("partition %q is at %q", p.Values, found[fmt.Sprint(p.Values)])
			}
		}
		some, err := c.Partitions(ctx, purchases, "dt = 'day00003' and hr between 9 and 11")
		if err != nil {
			t.Fatal(err)
		}
		want := []lake.Partition{parts(table, 3*24+10, 1)[0], parts(table, 3*24+11, 1)[0], parts(table, 3*24+9, 1)[0]}
		slices.SortFunc(some, func(a, b lake.Partition) int { return slices.Compare(a.Values, b.Values) })
		if diff := cmp.Diff(want, some); diff != "" {
			t.Errorf("by expression (-want +got):\n%s", diff)
		}
		if _, err := c.Partitions(ctx, purchases, "country = 'DE'"); err == nil {
			t.Error("an expression over no key: no error")
		}
	})
}

func TestPartitionValuesAreKeptRaw(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	table := purchasesTable()
	table.PartitionKeys[1].Type = lake.String
	table, err := c.Ensure(t.Context(), table)
	if err != nil {
		t.Fatal(err)
	}
	var want []lake.Partition
	for i, v := range []string{"", "\x00", "\x00\x01", "a", "a\x00", "a b=c/d%", "a'b", lake.NullPartition, "ü…\n"} {
		for _, w := range []string{"x", "x\x00"} {
			want = append(want, lake.Partition{Values: []string{v, w}, Location: fmt.Sprintf("%s%d%d/", table.Location, i, len(w))})
		}
	}
	if err := c.AddPartitions(t.Context(), table, want); err != nil {
		t.Fatal(err)
	}
	got, err := c.Partitions(t.Context(), purchases, "")
	if err != nil {
		t.Fatal(err)
	}
	// They come in the order of their values' bytes, which "_" is before "a" in.
	want = append(append(want[:6:6], want[14:16]...), append(want[6:14:14], want[16:]...)...)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
	for _, p := range want {
		quoted := "'" + replaceQuote(p.Values[0]) + "'"
		got, err := c.Partitions(t.Context(), purchases, "dt = "+quoted+" and hr = 'x'")
		if err != nil || len(got) != 1 || got[0].Values[0] != p.Values[0] {
			t.Errorf("dt = %q: %v, %v", quoted, got, err)
		}
	}
}

func replaceQuote(s string) string {
	out := ""
	for _, r := range s {
		if r == '\'' {
			out += "'"
		}
		out += string(r)
	}
	return out
}

func TestAddPartitionsElsewhere(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	table, err := c.Ensure(t.Context(), purchasesTable())
	if err != nil {
		t.Fatal(err)
	}
	p := parts(table, 0, 1)
	if err := c.AddPartitions(t.Context(), table, p); err != nil {
		t.Fatal(err)
	}
	p[0].Location = "file:///elsewhere/"
	var elsewhere *catalogsync.PartitionElsewhereError
	if err := c.AddPartitions(t.Context(), table, p); !errors.As(err, &elsewhere) {
		t.Fatalf("error %v", err)
	}
	want := &catalogsync.PartitionElsewhereError{
		Table: purchases, Values: []string{"day00000", "0"}, Want: p[0].Location, Location: parts(table, 0, 1)[0].Location,
	}
	if diff := cmp.Diff(want, elsewhere); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}
}

func TestAddPartitionsRefuses(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	table, err := c.Ensure(t.Context(), purchasesTable())
	if err != nil {
		t.Fatal(err)
	}
	good := parts(table, 0, 1)[0]
	for name, p := range map[string]lake.Partition{
		"too few values":           {Values: []string{"a"}, Location: "file:///x/"},
		"too many values":          {Values: []string{"a", "b", "c"}, Location: "file:///x/"},
		"location without a slash": {Values: []string{"a", "1"}, Location: "file:///x"},
	} {
		if err := c.AddPartitions(t.Context(), table, []lake.Partition{good, p}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if all, err := c.Partitions(t.Context(), purchases, ""); err != nil || len(all) > 0 {
		t.Errorf("partitions %v, %v", all, err)
	}
}
