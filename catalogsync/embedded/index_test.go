package embedded_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/catalogsync/embedded"
	"sluice/catalogsync/predicate"
	"sluice/internal/lake"
)

// Keys of the table that expressions are tried on: as many distinct values of one
// as there are partitions, and few of the others.
var indexKeys = []predicate.Key{{Name: "region", Type: lake.Int}, {Name: "user", Type: lake.String}, {Name: "hr", Type: lake.Int}}

func openIndexed(t *testing.T, n int) (c catalog, partitions [][]string) {
	c = open(t)
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":"t","PartitionKeys":[
		{"Name":"region","Type":"int"},{"Name":"user","Type":"string"},{"Name":"hr","Type":"int"}]}}`)
	for first := 0; first < n; first += 100 {
		var list []string
		for i := first; i < first+100; i++ {
			values := []string{fmt.Sprint(i % 7), fmt.Sprintf("u%05d", i), fmt.Sprintf("%02d", i%24)}
			switch i % 1000 {
			case 1:
				values[2] = lake.NullPartition
			case 2:
				values[1] = fmt.Sprintf("é/%d", i)
			}
			partitions = append(partitions, values)
			list = append(list, fmt.Sprintf(`{"Values":[%q,%q,%q]}`, values[0], values[1], values[2]))
		}
		c.ok("BatchCreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInputList":[%s]}`, strings.Join(list, ","))
	}
	return c, partitions
}

func randomTerm(r *rand.Rand) string {
	op := []string{"=", "<>", "<", "<=", ">", ">="}[r.IntN(6)]
	switch r.IntN(8) {
	case 0:
		return fmt.Sprintf("region %s %d", op, r.IntN(8))
	case 1:
		return fmt.Sprintf("user %s 'u%05d'", op, r.IntN(3200))
	case 2:
		return fmt.Sprintf("hr %s %d", op, r.IntN(26))
	case 3:
		return "hr is null"
	case 4:
		return fmt.Sprintf("user like 'u%02d%%5'", r.IntN(40))
	case 5:
		return fmt.Sprintf("hr in (%d, %d)", r.IntN(24), r.IntN(24))
	case 6:
		return fmt.Sprintf("user in ('u%05d', 'u%05d', 'é/2')", r.IntN(3000), r.IntN(3000))
	}
	return fmt.Sprintf("not (hr between %d and %d)", r.IntN(10), 5+r.IntN(20))
}

// TestExpressions compares what the catalog finds, by ranges, by its index or by
// reading all, with what the expression holds for.
func TestExpressions(t *testing.T) {
	c, partitions := openIndexed(t, 2300)
	const moved = 1003
	values := partitions[moved]
	c.ok("UpdatePartition", `{"DatabaseName":"d","TableName":"t","PartitionValueList":[%q,%q,%q],"PartitionInput":{"Values":["9","u9","99"]}}`, values[0], values[1], values[2])
	partitions[moved] = []string{"9", "u9", "99"}
	c.ok("DeletePartition", `{"DatabaseName":"d","TableName":"t","PartitionValues":[%q,%q,%q]}`, partitions[17][0], partitions[17][1], partitions[17][2])
	partitions = slices.Delete(partitions, 17, 18)
	slices.SortFunc(partitions, slices.Compare)

	r := rand.New(rand.NewPCG(1, 2))
	expressions := []string{"hr = 99", "hr = 30", "user = 'u9'", "user = 'u01003'", "user = 'u00017'", "region = 9", "region > 100", "hr = 1 and hr = 2"}
	for range 24 {
		e := randomTerm(r)
		for range r.IntN(3) {
			e = fmt.Sprintf("(%s) %s (%s)", e, []string{"and", "and", "or"}[r.IntN(3)], randomTerm(r))
		}
		expressions = append(expressions, e)
	}
	for _, e := range expressions {
		pred, err := predicate.Parse(e, indexKeys)
		if err != nil {
			t.Fatal(err)
		}
		want := []string{}
		for _, p := range partitions {
			if pred.Match(p) {
				want = append(want, fmt.Sprint(p))
			}
		}
		for _, page := range []int{1000, max(1, len(want)/3)} {
			got := c.list("GetPartitions", "Partitions", "Values", `{"DatabaseName":"d","TableName":"t","MaxResults":%d,"Expression":%q}`, page, e)
			if !slices.Equal(want, got) {
				t.Errorf("%s by pages of %d: %d partitions, want %d", e, page, len(got), len(want))
			}
		}
	}
}

// TestUpgrade opens a file of version 1, which had no index.
func TestUpgrade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	reopen := func() catalog {
		s, err := embedded.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		return catalog{t, s}
	}
	c := reopen()
	c.ok("CreateDatabase", `{"DatabaseInput":{"Name":"d"}}`)
	for _, table := range []string{"t", "u"} {
		c.ok("CreateTable", `{"DatabaseName":"d","TableInput":{"Name":%q,"PartitionKeys":[{"Name":"a","Type":"string"},{"Name":"b","Type":"int"},{"Name":"c","Type":"string"}]}}`, table)
		for first := 0; first < 1200; first += 100 {
			var list []string
			for i := first; i < first+100; i++ {
				list = append(list, fmt.Sprintf(`{"Values":["%d","%d","c%d"]}`, i, i%50, i))
			}
			c.ok("BatchCreatePartition", `{"DatabaseName":"d","TableName":%q,"PartitionInputList":[%s]}`, table, strings.Join(list, ","))
		}
	}
	if err := c.server.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("DROP TABLE partition_values; DROP TABLE column_statistics; DROP TABLE functions; PRAGMA user_version = 1"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		c = reopen()
		for _, table := range []string{"t", "u"} {
			c.same(24, len(c.list("GetPartitions", "Partitions", "Values", `{"DatabaseName":"d","TableName":%q,"Expression":"b = 7"}`, table)))
			c.same([]string{"[1145 45 c1145]"}, c.list("GetPartitions", "Partitions", "Values", `{"DatabaseName":"d","TableName":%q,"Expression":"c = 'c1145'"}`, table))
		}
		c.ok("UpdateColumnStatisticsForTable", `{"DatabaseName":"d","TableName":"t","ColumnStatisticsList":[%s]}`, statistics("b", 1))
		if err := c.server.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
