package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"sluice/internal/sample"
)

// streams configures what the tables are made of.
const streams = `
catalog: embedded
s3: {endpoint: "%s", path_style: true, region: us-east-1}
lake: s3://lake/tables
streams:
  kinds:
    table: shop.kinds
    partition_by: ["part=part"]
    columns:
      flag: boolean
      tiny: tinyint
      small: smallint
      whole: int
      big: bigint
      single: float
      twice: double
      price: decimal(9,2)
      exact: decimal(18,4)
      day: date
      at: timestamp
      word: string
      raw: binary
      tags: array<string>
      numbers: array<bigint>
      attrs: map<string,string>
      counts: map<string,bigint>
      who: struct<name:string,address:struct<city:string,zip:int>>
      orders: array<struct<sku:string,qty:bigint,price:decimal(10,2)>>
  purchases:
    table: shop.purchases
    partition_by: ["dt=day(purchaseTimestamp)", "country=userCountry"]
    layout: {sort: [genre, purchaseTimestamp desc], bloom: [userId], compression: snappy}
  evolved: {table: shop.evolved, partition_by: ["dt=dt"]}
  odd: {table: shop.odd, partition_by: ["region=region"], layout: {compression: gzip}}
  visits: {table: shop.visits, partition_by: ["dt=day(at)", "hr=hour(at)"], layout: {sort: [ip], bloom: [ip]}}
  calls: {table: shop.calls, partition_by: ["type=type"]}
  ordered:
    table: shop.ordered
    partition_by: ["dt=day(purchaseTimestamp)"]
    layout: {sort: [userId], bloom: [bookId], row_group: 1MiB, compression: zstd, compression_level: 9}
  millis: {table: shop.millis, partition_by: ["dt=day(at)"], layout: {timestamp: millis, compression: none}}
  merged: {table: shop.merged, partition_by: ["dt=dt"]}
  int96: {table: shop.int96, partition_by: ["dt=day(at)"], layout: {timestamp: int96}}
`

// tables are those of the database shop.
var tables = []string{"calls", "evolved", "int96", "kinds", "merged", "millis", "odd", "ordered", "purchases", "visits"}

// byFolder are those that can be read without asking the catalog where a partition is:
// the files of a merged one lie elsewhere, beside the old ones.
var byFolder = slices.DeleteFunc(slices.Clone(tables), func(t string) bool { return t == "merged" })

// visitsTable is made before the first visit comes, so that its second key is an int.
const visitsTable = "CREATE EXTERNAL TABLE shop.visits (id bigint) PARTITIONED BY (dt string, hr int) STORED AS PARQUET LOCATION 's3://lake/tables/shop/visits/'"

// kinds has a value of every type: the largest, the least, empty ones, and null.
const kinds = `
{"part":"a","flag":true,"tiny":127,"small":32767,"whole":2147483647,"big":9223372036854775807,"single":1.5,"twice":2.5e-300,"price":1234567.89,"exact":-12345678901234.5678,"day":"2026-02-28","at":"2026-02-28T23:59:59.123456Z","word":"Zürich 🚀 \"x\"\n","raw":"bytes","tags":["x",null,""],"numbers":[1,null,9007199254740993],"attrs":{"k":"v","e":""},"counts":{"one":1,"two":null},"who":{"name":"Ann","address":{"city":"Bonn","zip":53111}},"orders":[{"sku":"s1","qty":2,"price":9.99},{"sku":"s2","qty":null,"price":0.01},null]}
{"part":"a","flag":false,"tiny":-128,"small":-32768,"whole":-2147483648,"big":-9223372036854775808,"single":-0.1,"twice":-1.7976931348623157e308,"price":-0.01,"exact":0,"day":"1969-12-31","at":"1969-12-31T23:59:59.999999Z","word":"","raw":"","tags":[],"numbers":[],"attrs":{},"counts":{},"who":{"name":null,"address":{"city":"","zip":null}},"orders":[]}
{"part":"b"}
{"part":"b","big":1,"twice":0,"who":{"name":"x"},"orders":[{"sku":"only"}]}
{"part":"b","big":2,"single":3.4028235e38,"twice":1e15,"price":9999999.99,"exact":99999999999999.9999,"day":"9999-12-31","at":"2026-03-01T12:00:00.250Z","tags":["ä","b"],"counts":{"z":-1,"a":5},"who":{"address":{"zip":1}}}
`

// moments are timestamps for the other forms that a file can have them in.
const moments = `
{"id":1,"at":"2026-03-01T00:00:00Z","seen":["2026-03-01T01:02:03.004Z"],"of":{"at":"1970-01-01T00:00:00Z"}}
{"id":2,"at":"2026-03-01T23:59:59.999Z","seen":[]}
{"id":3,"at":"2026-03-02T12:30:00.5+02:00","seen":["1969-07-20T20:17:40Z","2100-01-01T00:00:00Z"],"of":{"at":"0001-02-01T00:00:00Z"}}
`

// evolved comes in three batches: then columns, fields of a struct and fields of an
// array's structs are new, and both partitions have files from before and after.
var evolved = []string{`
{"dt":"2026-01-01","id":1,"name":"one","user":{"name":"Ann"},"items":[{"sku":"a"}]}
{"dt":"2026-01-02","id":2,"name":"two","user":{"name":"Bo"},"items":[]}
`, `
{"dt":"2026-01-01","id":3,"name":"three","price":2.5,"user":{"name":"Cy","email":"cy@example.com"},"tags":["n"],"items":[{"sku":"b","qty":2}]}
{"dt":"2026-01-03","id":4,"name":null,"price":7.25,"user":{"name":"Di","email":null},"tags":[],"items":[{"sku":"c","qty":1},{"sku":"d"}]}
`, `
{"dt":"2026-01-01","id":5,"price":9.75,"user":{"name":"Ed","email":"ed@example.com","address":{"city":"Oslo","zip":"0150"}},"items":[{"sku":"e","qty":3,"options":{"gift":true}}],"seen":"2026-01-01T10:00:00Z"}
{"dt":"2026-01-03","id":6,"price":0.5,"user":{"address":{"city":"Rome"}},"attrs":{"x":1},"seen":"2026-01-03T11:30:00.5Z"}
`}

// regions are partition values that have to be escaped in paths, or look like it.
var regions = []string{"eu west", "a/b", "a:b", "a=b", "100%", "%2F", "#1", "what?", "ü→é 日本", "it's", `say "hi"`, `back\slash`, "{curly}[square]", "c^d*e", "tab\there", "-", "."}

// load makes the tables.
func load(ctx context.Context, n *node) error {
	for _, sql := range []string{"CREATE DATABASE shop", "CREATE DATABASE vault", visitsTable} {
		if err := n.do(ctx, sql); err != nil {
			return err
		}
	}
	for stream, records := range map[string]string{"kinds": kinds, "odd": odd(), "visits": visits(), "millis": moments, "int96": moments} {
		if err := n.deliver(ctx, stream, []byte(records)); err != nil {
			return fmt.Errorf("deliver %s: %w", stream, err)
		}
	}
	for _, records := range evolved {
		if err := n.deliver(ctx, "evolved", []byte(records)); err != nil {
			return fmt.Errorf("deliver evolved: %w", err)
		}
	}
	for _, g := range []struct {
		stream, kind string
		count        int64
	}{{"purchases", "purchases", 5000}, {"calls", "segment", 5000}, {"ordered", "purchases", 30_000}} {
		records, err := generated(g.kind, g.count)
		if err == nil {
			err = n.deliver(ctx, g.stream, records)
		}
		if err != nil {
			return fmt.Errorf("deliver %s: %w", g.stream, err)
		}
	}
	return nil
}

// merge delivers many small files and has them rewritten into one for each partition.
func (r *runner) merge(ctx context.Context) error {
	for i := range 10 {
		var b strings.Builder
		for j := range 20 {
			fmt.Fprintf(&b, `{"dt":"2026-04-0%d","id":%d,"at":"2026-04-01T00:00:%02dZ","user":{"name":"u%d","f%d":%d},"c%d":[%d,null]}`+"\n", j%2+1, i*20+j, j, j, i/4, j, i/5, i)
		}
		if err := r.node.deliver(ctx, "merged", []byte(b.String())); err != nil {
			return fmt.Errorf("deliver merged: %w", err)
		}
	}
	cmd := exec.CommandContext(ctx, r.binary, "rewrite", "shop.merged", "--server", r.node.url)
	cmd.Env = append(os.Environ(), "SLUICE_KEY="+suiteKey)
	if err := r.quiet(cmd); err != nil {
		return err
	}
	paths, err := r.node.ask(ctx, `SELECT DISTINCT "$path" FROM shop.merged WHERE "$path" LIKE '%/_compacted/%'`)
	if err == nil && len(paths.Rows) != 2 {
		err = fmt.Errorf("after sluice rewrite, merged has these files: %s", paths)
	}
	return err
}

// odd has a record for each region, and two without.
func odd() string {
	var b strings.Builder
	for i, r := range regions {
		region, _ := json.Marshal(r) // a string: it does not fail
		fmt.Fprintf(&b, `{"n":%d,"region":%s}`+"\n", i, region)
	}
	fmt.Fprintf(&b, `{"n":100}`+"\n"+`{"n":101,"region":null}`+"\n")
	return b.String()
}

// visits has three days of six hours, and 40 records in each.
func visits() string {
	var b strings.Builder
	for id := range 3 * 6 * 40 {
		day, hour := id%3, id/3%6
		fmt.Fprintf(&b, `{"id":%d,"at":"2026-03-%02dT%02d:%02d:00Z","ip":"10.0.%d.%d","ms":%d.5}`+"\n", id, day+1, hour*4, id%60, id%7, id%251, id*13%997)
	}
	return b.String()
}

// generated are events of the product's own generator.
func generated(kind string, count int64) ([]byte, error) {
	g, err := sample.New(kind, 1)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(g.Reader(count))
}
