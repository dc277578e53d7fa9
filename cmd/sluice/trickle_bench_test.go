package main

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/internal/sample"
)

// trickleQueries are those of query's BenchmarkAnalytics, in Presto's dialect.
var trickleQueries = []struct{ name, sql string }{
	{"purchases by genre", "SELECT genre, count(*) FROM purchases GROUP BY genre"},
	{"ages of a day", "SELECT sum(userage), avg(userage) FROM purchases WHERE dt = '2026-01-03'"},
	{"top users", "SELECT userid, count(*) AS n FROM purchases GROUP BY userid ORDER BY n DESC, userid LIMIT 10"},
	{"users", "SELECT count(DISTINCT userid) FROM purchases"},
	{"purchases of a user", "SELECT * FROM purchases WHERE userid = '014bde93-d663-4550-ba02-d459d901cec3'"},
	{"purchases by hour", "SELECT hour(from_unixtime(purchasetimestamp)) AS h, count(*) FROM purchases GROUP BY 1"},
	{"genre by country", "SELECT genre, usercountry, count(*), sum(userage) FROM purchases GROUP BY genre, usercountry"},
	{"events by type", "SELECT type, count(*) FROM segment GROUP BY type"},
	{"active users", "SELECT userid, count(*) AS n FROM segment WHERE event = 'Product Viewed' GROUP BY userid ORDER BY n DESC, userid LIMIT 10"},
	{"events of a user", "SELECT * FROM segment WHERE userid = 'user_ca92df9d25'"},
	{"events by hour", `SELECT hour("timestamp") AS h, count(*) FROM segment GROUP BY 1`},
	{"products of a day", "SELECT properties.category, count(*) FROM segment WHERE dt = '2026-01-02' GROUP BY 1"},
}

// BenchmarkTrickleAnalytics asks Sluice's own engine the queries of the query benchmark
// over 720 small batches of purchases and as many of Segment events, before and after they
// were compacted, and says how many times as fast each is after. The answers are the same.
func BenchmarkTrickleAnalytics(b *testing.B) {
	c := startServe(b, b.TempDir(), `SLUICE_STREAMS={purchases: {partition_by: ["dt=day(purchaseTimestamp)"]}, segment: {partition_by: ["dt=day(timestamp)"]}}`, "SLUICE_COMPACTION_RATE=0")
	const batches, batch = 720, 50_000
	for _, kind := range []string{"purchases", "segment"} {
		g, err := sample.New(kind, 1)
		if err != nil {
			b.Fatal(err)
		}
		g.Spread(batches * batch / sample.MeanSize(kind))
		for range batches {
			var body []byte
			for len(body) < batch {
				body = append(bytes.TrimSuffix(g.AppendEvent(body), []byte("\n")), '\n')
			}
			if _, err := c.client().Send(context.Background(), kind, bytes.NewReader(body)); err != nil {
				b.Fatal(err)
			}
			if _, err := c.client().Flush(context.Background(), kind); err != nil {
				b.Fatal(err)
			}
		}
	}
	ask := func(sql string) (string, time.Duration) {
		best, answer := time.Hour, ""
		for range 5 {
			began := time.Now()
			body, err := c.client().Query(context.Background(), sql, "ndjson")
			if err != nil {
				b.Fatal(err)
			}
			all, err := io.ReadAll(body)
			body.Close()
			if err != nil {
				b.Fatal(err)
			}
			best = min(best, time.Since(began))
			lines := strings.Split(string(all), "\n")
			slices.Sort(lines)
			answer = strings.Join(lines, "\n")
		}
		return answer, best
	}
	before := make([]time.Duration, len(trickleQueries))
	answers := make([]string, len(trickleQueries))
	var sumBefore, sumAfter time.Duration
	for b.Loop() { // once: there is one trickle
		if sumBefore > 0 {
			continue
		}
		for i, q := range trickleQueries {
			answers[i], before[i] = ask(q.sql)
		}
		for _, kind := range []string{"purchases", "segment"} {
			var out, stderr bytes.Buffer
			if code := run(context.Background(), []string{"compact", kind, "--quiet", "--server", c.url}, nil, &out, &stderr); code != 0 {
				b.Fatalf("compact: %s%s", &out, &stderr)
			}
			b.Logf("%s", &out)
		}
		for i, q := range trickleQueries {
			answer, after := ask(q.sql)
			if answer != answers[i] {
				b.Errorf("%s: another answer:\n%s\nbefore:\n%s", q.name, answer, answers[i])
			}
			sumBefore, sumAfter = sumBefore+before[i], sumAfter+after
			b.Logf("%-20s %s before, %s after: %.1f times as fast", q.name, before[i].Round(100*time.Microsecond), after.Round(100*time.Microsecond), float64(before[i])/float64(after))
		}
	}
	b.ReportMetric(float64(sumBefore)/float64(sumAfter), "xBefore")
	b.Logf("all: %s before, %s after", sumBefore.Round(time.Millisecond), sumAfter.Round(time.Millisecond))
}
