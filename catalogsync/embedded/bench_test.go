package embedded_test

import (
	"fmt"
	"testing"
)

// BenchmarkGetPartitions asks a table of 100,000 partitions for a page.
func BenchmarkGetPartitions(b *testing.B) {
	c := openTable(b, 100_000)
	for _, bench := range []struct{ name, expression string }{
		{"one", "dt = '2030-01-05' and hr = 7"},
		{"day", "dt = '2030-01-05'"},
		{"days", "dt in ('2027-01-05', '2029-02-05', '2030-01-05')"},
		{"month", "dt >= '2030-01-01' and dt < '2030-02-01'"},
		{"second key", "hr = 7 and dt >= '2038-01-01'"},
		{"second key alone", "hr = 30"},
		{"first page", ""},
	} {
		b.Run(bench.name, func(b *testing.B) {
			const body = `{"DatabaseName":"d","TableName":"t","ExcludeColumnSchema":true,"Expression":%q}`
			n := 0
			for b.Loop() {
				n = len(c.ok("GetPartitions", body, bench.expression)["Partitions"].([]any))
			}
			b.ReportMetric(float64(n), "partitions")
		})
	}
}

// BenchmarkBatchCreatePartition registers a hundred partitions, durably.
func BenchmarkBatchCreatePartition(b *testing.B) {
	c := openTable(b, 0)
	for n := 0; b.Loop(); n++ {
		list := ""
		for i := range 100 {
			list += "," + input(day(n), fmt.Sprint(i))
		}
		c.ok("BatchCreatePartition", `{"DatabaseName":"d","TableName":"t","PartitionInputList":[%s]}`, list[1:])
	}
}
