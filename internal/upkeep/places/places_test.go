package places_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
	"sluice/internal/upkeep/places"
)

type catalog struct {
	tables []lake.Table
	parts  map[string][]lake.Partition
}

func (c catalog) Databases(context.Context) ([]string, error) { return []string{"d"}, nil }
func (c catalog) Tables(context.Context, string) ([]lake.Table, error) {
	return c.tables, nil
}
func (c catalog) Partitions(_ context.Context, name lake.TableName, _ string) ([]lake.Partition, error) {
	return c.parts[name.Table], nil
}

func TestOver(t *testing.T) {
	keys := []lake.Column{{Name: "dt"}}
	c := catalog{
		tables: []lake.Table{
			{Name: lake.TableName{Database: "d", Table: "a"}, Location: "l://d/a/", PartitionKeys: keys},
			{Name: lake.TableName{Database: "d", Table: "ab"}, Location: "l://d/ab/"},
			{Name: lake.TableName{Database: "d", Table: "far"}, Location: "x://elsewhere/", PartitionKeys: keys},
			{Name: lake.TableName{Database: "d", Table: "view"}, Location: "l://d/a/", View: "select"},
		},
		parts: map[string][]lake.Partition{
			"a":   {{Values: []string{"1"}, Location: "l://d/a/dt=1/"}, {Values: []string{"2"}, Location: "l://d/a/dt=2/v2"}},
			"far": {{Values: []string{"9"}, Location: "l://d/a/dt=1/inner/"}, {Values: []string{"8"}, Location: "x://elsewhere/8/"}},
		},
	}
	key := func(uri string) (string, bool) { return strings.CutPrefix(uri, "l://") }
	got, err := places.Over(t.Context(), c, key, []string{"d/a/dt=1", "d/a/dt=2", "d/a/dt=2/v2", "d/b", "d/a/dt=1"})
	if err != nil {
		t.Fatal(err)
	}
	text := map[string][]string{}
	for f, refs := range got {
		for _, r := range refs {
			text[f] = append(text[f], r.String())
		}
		slices.Sort(text[f])
	}
	want := map[string][]string{
		"d/a/dt=1":    {`partition ["1"] of d.a`, `partition ["9"] of d.far`, "table d.a"},
		"d/a/dt=2":    {`partition ["2"] of d.a`, "table d.a"},
		"d/a/dt=2/v2": {`partition ["2"] of d.a`, "table d.a"},
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Error(diff)
	}
}
