package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	plainSales = `SLUICE_STREAMS={sales: {}, ref: {partition_by: ["country=country", "day=day(at)", "hour=hour(ms)", "year=year(s)", "month=month(us)", "ip=context.ip", "ok=ok", "n=n"]}}`
	movedSales = `SLUICE_STREAMS={sales: {table: sales2, partition_by: ["country=country", "day=day(at)", "hour=hour(ms)", "year=year(s)", "month=month(us)", "ip=context.ip", "ok=ok", "n=n"]}}`
)

// salesRecords are records with everything that a partition can be made of by SQL.
func salesRecords(from int) string {
	var b strings.Builder
	for i, country := range []string{`"DE"`, `"a/b=c%"`, `""`, `null`, `"Ü ber"`, `"__x"`} {
		at := []string{`"2026-01-31T23:59:59.123456Z"`, `"2026-02-01T00:30:00+02:00"`, `null`, `"1969-12-31T23:59:59.999999Z"`, `"0999-03-04T05:06:07Z"`, `"2026-01-31T00:00:00Z"`}[i]
		s := []string{`1769904000`, `-1`, `0`, `-99999999999`, `99999999999`, `null`}[i]
		ms := []string{`1769904000123`, `-100000000001`, `100000000000`, `1769907599999`, `null`, `253402300799999`}[i]
		us := []string{`1769904000123456`, `-100000000000001`, `100000000000000`, `1767225599999999`, `null`, `1772323200000000`}[i]
		fmt.Fprintf(&b, `{"id":%d,"country":%s,"at":%s,"s":%s,"ms":%s,"us":%s,"context":{"ip":"1.2.3.%d"},"ok":%v,"n":%d,"tags":["a","b"],"odd":%s}`+"\n",
			from+i, country, at, s, ms, us, i%2, i%2 == 0, i%3, []string{"1", `"x"`}[i%2])
	}
	return b.String()
}

// Rows are brought into a table with other partitions as the stream would have put
// them, each once, with what is delivered meanwhile.
func TestRewriteInto(t *testing.T) {
	dir := t.TempDir()
	c := startServe(t, dir, plainSales)
	for i := range 3 {
		c.send("sales", salesRecords(10*i))
		c.flush("sales")
	}
	c.send("ref", salesRecords(0)+salesRecords(10)+salesRecords(20)+salesRecords(30)+salesRecords(40))
	c.flush("ref")
	run := func(args ...string) string {
		t.Helper()
		out, stderr, code := command(t, "", append(args, "--server", c.url)...)
		return fmt.Sprintf("%s%s%d", out, stderr, code)
	}
	has := func(out, want string) {
		t.Helper()
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	has(run("rewrite", "sales", "--into", "sales2"), "no stream goes to default.sales2")
	c.send("sales", salesRecords(30)) // stays in the log, and becomes the new table's
	c.stop()
	c = startServe(t, dir, movedSales)
	has(run("rewrite", "sales", "--into", "sales2", "--dry-run"), "3 files")
	has(run("rewrite", "sales", "--into", "sales2"), "18 rows of default.sales were brought into default.sales2")
	has(run("rewrite", "sales", "--into", "sales2"), "0 files")
	has(run("compact", "sales"), "it is being rewritten into default.sales2")
	c.send("sales", salesRecords(40))
	c.flush("sales")
	const keys = "id, country, day, hour, year, month, ip, ok, n, tags, odd, cast(at as varchar) at, s, ms, us, _rescued"
	if diff := cmp.Diff(c.rows("select "+keys+" from ref order by id"), c.rows("select "+keys+" from sales2 order by id")); diff != "" {
		t.Errorf("(-as delivered +as rewritten):\n%s", diff)
	}
	if got := c.rows("select distinct dt from sales2 where dt is not null"); len(got) != 1 {
		t.Errorf("the old key became %v", got)
	}
	has(run("rewrite", "sales", "--into", "sales2", "--forget"), "is free again")
	has(run("rewrite", "sales", "--into", "sales2"), "which rows were rewritten is not known here")
	has(run("compact", "sales"), "3 files")
}

// A service that is killed while it rewrites goes on where it was: no row is brought
// over twice, and none is left.
func TestRewriteIntoKilled(t *testing.T) {
	dir := t.TempDir()
	env := []string{`SLUICE_STREAMS={sales: {}}`}
	c := startServe(t, dir, env...)
	const batches = 60
	for i := range batches {
		var noise strings.Builder // more than one statement's
		for range 5000 {
			fmt.Fprintf(&noise, "%016x", rand.Uint64())
		}
		c.send("sales", fmt.Sprintf(`{"id":%d,"c":"x%d","noise":%q}`, i, i%4, noise.String()))
		c.flush("sales")
	}
	c.stop()
	env = []string{`SLUICE_STREAMS={sales: {table: sales2, partition_by: ["c=c"]}}`, "SLUICE_COMPACTION_TARGET=1MiB"}
	for kills := 0; ; kills++ {
		c = startServe(t, dir, env...)
		end := make(chan bool, 1)
		if kills < 6 {
			go func() {
				select {
				case <-end:
				case <-time.After(time.Duration(rand.IntN(700)) * time.Millisecond): // at any moment
					c.cmd.Process.Kill()
				}
			}()
		}
		_, stderr, code := command(t, "", "rewrite", "sales", "--into", "sales2", "--server", c.url)
		end <- true
		if code == 0 {
			t.Logf("%d kills", kills)
			break
		}
		if kills > 6 {
			t.Fatalf("after %d kills: %s\n%s", kills, stderr, c.log)
		}
		c.cmd.Wait()
	}
	if got := c.rows("select count(*) n, count(distinct id) ids from sales2"); got[0] != fmt.Sprintf(`{"n":%d,"ids":%[1]d}`, batches) {
		t.Errorf("rows: %v", got)
	}
}
