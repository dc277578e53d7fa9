package catalogsync_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync"
	"sluice/internal/lake"
	"sluice/partitioner"
)

var projected = lake.TableName{Database: "shop", Table: "days"}

// projectedTable is a table by day and country, with or without projection.
func projectedTable(on bool) lake.Table {
	t := lake.Table{
		Name: projected, Location: "s3://b/shop/days/", Columns: []lake.Column{{Name: "a", Type: lake.Int}},
		PartitionKeys: []lake.Column{{Name: "dt", Type: lake.String}, {Name: "country", Type: lake.String}},
	}
	if on {
		rules, err := partitioner.Parse([]string{"dt=day(ts)", "country=c"})
		if err != nil {
			panic(err)
		}
		t.Parameters = rules.Projection(t.Location)
	}
	return t
}

func dayOf(dt, country string) lake.Partition {
	t := projectedTable(false)
	return lake.Partition{Values: []string{dt, country}, Location: t.Location + partitioner.Path(t.PartitionKeys, []string{dt, country}) + "/"}
}

// projection is the properties that change, of the table as it is now.
func projection(t *testing.T, c *catalogsync.Catalog) (enabled, dates, countries, version string) {
	t.Helper()
	table, err := c.Table(t.Context(), projected)
	if err != nil {
		t.Fatal(err)
	}
	p := table.Parameters
	return p["projection.enabled"], p["projection.dt.range"], p["projection.country.values"], table.Version
}

func TestProjectionIsKeptCurrent(t *testing.T) {
	server := openServer(t)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now() // 2000-01-01
		day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
		c := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
		add := func(parts ...lake.Partition) {
			t.Helper()
			table, err := c.Ensure(t.Context(), projectedTable(true))
			if err == nil {
				err = c.AddPartitions(t.Context(), table, parts)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		is := func(enabled, dates, countries, version string) {
			t.Helper()
			var got [4]string
			got[0], got[1], got[2], got[3] = projection(t, c)
			if diff := cmp.Diff([4]string{enabled, dates, countries, version}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		// A table that was there before, with partitions.
		table, err := c.Ensure(t.Context(), projectedTable(false))
		if err == nil {
			err = c.AddPartitions(t.Context(), table, []lake.Partition{dayOf(day(-3), "de"), dayOf(day(-1), "fr")})
		}
		if err != nil {
			t.Fatal(err)
		}
		is("", "", "", "0")
		add()
		is("true", day(-3)+",NOW+1DAYS", "de,fr", "1")
		add(dayOf(day(0), "de"), dayOf(day(1), "fr"))
		is("true", day(-3)+",NOW+1DAYS", "de,fr", "1") // no version for nothing
		add(dayOf(day(-9), "at"), dayOf(day(4), "de"))
		is("true", day(-9)+",NOW+4DAYS", "at,de,fr", "2")
		time.Sleep(48 * time.Hour)
		add(dayOf(day(2), "at"))
		is("true", day(-9)+",NOW+4DAYS", "at,de,fr", "2")
		// An interrupted call made the partition, but did not project it.
		call(t, server, "CreatePartition", `{"DatabaseName":"shop","TableName":"days","PartitionInput":{"Values":["`+day(-9)+`","us"],
			"StorageDescriptor":{"Location":"s3://b/shop/days/dt=`+day(-9)+`/country=us/"}}}`)
		add(dayOf(day(-9), "us"))
		is("true", day(-9)+",NOW+4DAYS", "at,de,fr,us", "3")
		// Null cannot be projected: Athena goes by what is registered from then on.
		add(dayOf(day(0), lake.NullPartition))
		is("false", day(-9)+",NOW+4DAYS", "at,de,fr,us", "4")
		add(dayOf(day(0), "es"))
		is("false", day(-9)+",NOW+4DAYS", "at,de,fr,us", "4")
	})
}

func TestWhatCannotBeProjected(t *testing.T) {
	for name, part := range map[string]lake.Partition{
		"comma": dayOf("2026-01-01", "a,b"), "escaped": dayOf("2026-01-01", "a/b"), "space": dayOf("2026-01-01", " a"),
		"no date": dayOf("2026-1-1", "de"), "before 1970": dayOf("1969-12-31", "de"), "far ahead": dayOf("9999-12-31", "de"),
		"null": dayOf(lake.NullPartition, "de"), "elsewhere": {Values: []string{"2026-01-01", "de"}, Location: "s3://b/x/"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
			table, err := c.Ensure(t.Context(), projectedTable(true))
			if err == nil {
				err = c.AddPartitions(t.Context(), table, []lake.Partition{part})
			}
			if err != nil {
				t.Fatal(err)
			}
			table, err = c.Table(t.Context(), projected)
			if err != nil || table.Parameters["projection.enabled"] != "false" || !strings.HasPrefix(table.Parameters["sluice.projection"], "off: ") {
				t.Errorf("parameters %v, %v", table.Parameters, err)
			}
		})
	}
}

// TestManyValuesAreInjected: an enum that grows too long asks queries for the value.
func TestManyValuesAreInjected(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	table, err := c.Ensure(t.Context(), projectedTable(true))
	if err != nil {
		t.Fatal(err)
	}
	var parts []lake.Partition
	for i := range 1001 {
		parts = append(parts, dayOf("2026-01-01", "c"+time.Duration(i).String()))
	}
	if err := c.AddPartitions(t.Context(), table, parts); err != nil {
		t.Fatal(err)
	}
	table, err = c.Table(t.Context(), projected)
	p := table.Parameters
	if _, listed := p["projection.country.values"]; err != nil || p["projection.country.type"] != "injected" || listed || p["projection.enabled"] != "true" {
		t.Errorf("parameters %v, %v", p, err)
	}
}

// TestProjectionOfOthers: whoever wrote it keeps it.
func TestProjectionOfOthers(t *testing.T) {
	c := newCatalog(t, catalogsync.Config{Transport: openServer(t).Transport()})
	theirs := projectedTable(false)
	theirs.Parameters = map[string]string{"projection.enabled": "false", "projection.dt.type": "injected"}
	if _, err := c.Ensure(t.Context(), theirs); err != nil {
		t.Fatal(err)
	}
	table, err := c.Ensure(t.Context(), projectedTable(true))
	if err == nil {
		err = c.AddPartitions(t.Context(), table, []lake.Partition{dayOf("2026-01-01", "de")})
	}
	if err != nil {
		t.Fatal(err)
	}
	table, err = c.Table(t.Context(), projected)
	if p := table.Parameters; err != nil || table.Version != "0" || p["projection.dt.type"] != "injected" || p["sluice.projection"] != "" {
		t.Errorf("version %s, parameters %v, %v", table.Version, p, err)
	}
}
