package query_test

import (
	"context"
	"fmt"
	"iter"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/configs"
	"sluice/internal/lake"
	"sluice/internal/lake/store"
	"sluice/internal/s3test"
	"sluice/query"
	"sluice/query/listing"
)

// aged is a store all objects of which have been there for a day.
type aged struct{ store.Store }

func (a aged) List(ctx context.Context, prefix string) iter.Seq2[store.Object, error] {
	return func(yield func(store.Object, error) bool) {
		for o, err := range a.Store.List(ctx, prefix) {
			o.Modified = o.Modified.Add(-24 * time.Hour)
			if !yield(o, err) {
				return
			}
		}
	}
}

// A wire counts what goes between a client and an S3 server.
type wire struct {
	url, bucket string

	mu           sync.Mutex // guards all below
	gets, lists  int
	bytes        int64        // of the bodies of objects
	beforeObject func(string) // called before an object is asked for
}

func newWire(t testing.TB, endpoint string) *wire {
	t.Helper()
	target, err := url.Parse(endpoint)
	check(t, err)
	w := &wire{}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // which is signed
		},
		ModifyResponse: func(r *http.Response) error {
			w.mu.Lock()
			defer w.mu.Unlock()
			switch {
			case r.Request.Method != http.MethodGet:
			case r.Request.URL.Query().Has("list-type"):
				w.lists++
			default:
				w.gets++
				w.bytes += r.ContentLength
			}
			return nil
		},
	}
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		before := w.beforeObject
		w.mu.Unlock()
		if before != nil && r.Method == http.MethodGet && !r.URL.Query().Has("list-type") {
			before(r.URL.Path)
		}
		proxy.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	w.url = server.URL
	return w
}

// open opens the bucket; changed may be nil.
func (w *wire) open(t testing.TB, changed func(string)) store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), w.bucket, store.Config{S3: store.S3{Endpoint: w.url, PathStyle: true}, Changed: changed})
	check(t, err)
	return s
}

// take is what went since it was last asked.
func (w *wire) take() (gets, lists int, bytes int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	gets, lists, bytes = w.gets, w.lists, w.bytes
	w.gets, w.lists, w.bytes = 0, 0, 0
	return gets, lists, bytes
}

func (w *wire) before(f func(path string)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.beforeObject = f
}

// remoteHouse is a house whose lake is in S3, with a table d.t of two partitions.
func remoteHouse(t testing.TB, rows int) (*house, *wire) {
	t.Helper()
	endpoint, bucket := s3test.Start(t)
	w := newWire(t, endpoint)
	w.bucket = "s3://" + bucket
	listings := listing.New(listing.Config{MaxAge: time.Hour, Memory: 1 << 20})
	remote := w.open(t, listings.Changed)
	h := newHouse(t, nil, func(c *query.Config) { c.Store, c.Listings = aged{remote}, listings })
	h.store = remote
	name := lake.TableName{Database: "d", Table: "t"}
	h.catalog.put(lake.Table{Name: name, Location: remote.URI("d/t") + "/", PartitionKeys: []lake.Column{{Name: "dt"}}, Columns: []lake.Column{
		{Name: "id", Type: lake.Type{Kind: lake.KindBigint}}, {Name: "kind", Type: lake.Type{Kind: lake.KindString}},
		{Name: "price", Type: lake.Type{Kind: lake.KindDouble}}, {Name: "text", Type: lake.Type{Kind: lake.KindString}},
	}})
	for day := 1; day <= 2; day++ {
		dt := fmt.Sprintf("dt=2026-01-0%d", day)
		h.upload("d/t/"+dt+"/a.parquet", remoteRows(rows, day))
		h.catalog.addPartition(name, lake.Partition{Values: []string{dt[3:]}, Location: remote.URI("d/t/"+dt) + "/"})
	}
	w.take()
	return h, w
}

func remoteRows(rows, factor int) string {
	return fmt.Sprintf("SELECT %d * i AS id, 'kind ' || i %% 10 AS kind, i / 7 AS price, md5(i::VARCHAR) AS text FROM range(%d) r(i)", factor, rows)
}

// upload stores a query's answer as Parquet, by DuckDB.
func (h *house) upload(key, sql string) {
	h.t.Helper()
	path := filepath.Join(h.t.TempDir(), "f.parquet")
	copyParquet(h.t, path, sql)
	file, err := os.Open(path)
	check(h.t, err)
	defer file.Close()
	info, err := file.Stat()
	check(h.t, err)
	check(h.t, h.store.Put(h.t.Context(), key, file, info.Size()))
}

// From S3 the needed column chunks travel, once, and what is counted is what went
// over the wire.
func TestS3Reads(t *testing.T) {
	h, w := remoteHouse(t, 20_000)
	ask := func(sql, want string, cold bool) query.Stats {
		t.Helper()
		stats := h.want(sql, want)
		gets, lists, bytes := w.take()
		if int64(gets) != stats.Requests || bytes != stats.FetchedBytes || lists > 2 {
			t.Errorf("%s: %d requests, %d bytes, %d listings on the wire; %+v", sql, gets, bytes, lists, stats)
		}
		if cold != (gets > 0) {
			t.Errorf("%s: %d requests", sql, gets)
		}
		return stats
	}
	const footers = 2 * 8 << 10
	stats := ask("SELECT count(*) FROM d.t", "40000", true)
	if stats.Bytes != 0 || stats.FetchedBytes > footers {
		t.Errorf("only rows are needed: %+v", stats)
	}
	sum := "SELECT sum(id) FROM d.t WHERE dt = '2026-01-01'"
	if stats = ask(sum, "199990000", true); stats.Bytes == 0 || stats.FetchedBytes > stats.Bytes*11/10 || stats.CachedBytes != 0 {
		t.Errorf("cold: %+v", stats)
	}
	if stats = ask(sum, "199990000", false); stats.CachedBytes != stats.Bytes {
		t.Errorf("warm: %+v", stats)
	}
	both := "SELECT sum(id), count(DISTINCT kind) FROM d.t"
	if stats = ask(both, "599970000|10", true); stats.FetchedBytes+stats.CachedBytes > stats.Bytes*11/10 || stats.CachedBytes == 0 {
		t.Errorf("half warm: %+v", stats)
	}
	ask("SELECT kind FROM d.t WHERE id = 39998 AND dt = '2026-01-02'", `"kind 9"`, false)
	ask("SELECT * FROM d.t WHERE id = 7 AND dt = '2026-01-01'", `7|"kind 7"|1.0|"8f14e45fceea167a5a36dedd4bea2543"|"2026-01-01"`, true)
	// What is wrong is said as if all columns were there.
	_, _, err := h.query("SELECT prise FROM d.t")
	if err == nil || !strings.Contains(err.Error(), `"price"`) {
		t.Errorf("a column that is not there: %v", err)
	}
}

// A value that a Bloom filter excludes costs the filter and no column chunk; one that is
// there costs the filter more, once, and a filter is not read of what is in the cache.
func TestS3Blooms(t *testing.T) {
	h, w := remoteHouse(t, 1)
	h.upload("d/t/dt=2026-01-01/b.parquet", "SELECT 2 * (i % 500) AS id, 'kind ' || 2 * (i % 500) AS kind, i / 7 AS price, md5(i::VARCHAR) AS text FROM range(40000) r(i)")
	for where, want := range map[string]string{"kind = 'kind 501'": "0", "id = 501": "0", "id IN (501, 701)": "0", "kind IN ('kind 501', 'kind 4') AND id = 503": "0", "id = 501 OR kind = 'kind 77'": "0"} {
		stats := h.want("SELECT count(text) FROM d.t WHERE "+where, want)
		if _, _, bytes := w.take(); bytes > 32<<10 || stats.FilesPruned != 3 || stats.Bytes != 0 {
			t.Errorf("%s: %d bytes travelled: %+v", where, bytes, stats)
		}
	}
	explained, _, err := h.query("EXPLAIN SELECT count(text) FROM d.t WHERE kind = 'kind 501'")
	if text := strings.Join(explained, "\n"); err != nil || !strings.Contains(text, "row groups: 0 of 3") || !strings.Contains(text, "by Bloom filters: 1 left out") {
		t.Errorf("EXPLAIN: %v\n%s", err, text)
	}
	w.take()
	stats := h.want("SELECT count(text) FROM d.t WHERE kind = 'kind 500'", "80")
	if _, _, bytes := w.take(); bytes != stats.FetchedBytes || bytes > stats.Bytes*11/10 {
		t.Errorf("a value that is there: %d bytes travelled: %+v", bytes, stats)
	}
	h.want("SELECT count(text) FROM d.t WHERE kind = 'kind 502'", "80")
	if gets, _, _ := w.take(); gets != 0 {
		t.Errorf("warm: %d requests", gets)
	}
}

// A query whose objects are replaced or deleted after they were listed reads what is
// there now.
func TestS3ObjectsChangeMeanwhile(t *testing.T) {
	h, w := remoteHouse(t, 20_000)
	once := func(do func()) {
		var one sync.Once
		w.before(func(path string) {
			if strings.HasSuffix(path, "a.parquet") {
				one.Do(do)
			}
		})
	}
	once(func() { h.upload("d/t/dt=2026-01-01/a.parquet", remoteRows(20_001, 1)) })
	h.want("SELECT count(text), sum(id) FROM d.t WHERE dt = '2026-01-01'", "20001|200010000")
	once(func() { check(t, h.store.Delete(t.Context(), "d/t/dt=2026-01-02/a.parquet")) })
	h.want("SELECT count(price), sum(id) FROM d.t WHERE dt = '2026-01-02'", "0|null")
	// Where it never ends, the error names the object.
	n := 20_001
	w.before(func(path string) {
		n++
		h.upload("d/t/dt=2026-01-01/a.parquet", remoteRows(n, 1))
	})
	_, _, err := h.query("SELECT sum(price) FROM d.t")
	if err == nil || !strings.Contains(err.Error(), "a.parquet") || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("replaced again and again: %v", err)
	}
}

// Partitions that do not change are listed once. What this process changes shows at
// once, and what others do is an answer of what was there or of what is.
func TestS3Listings(t *testing.T) {
	h, w := remoteHouse(t, 5_000)
	const sql = "SELECT count(text), sum(id) FROM d.t"
	listed := func(want string, times int) {
		t.Helper()
		stats := h.want(sql, want)
		if _, lists, _ := w.take(); lists != times || stats.Listings != int64(times) {
			t.Errorf("%d listings, %d counted, want %d", lists, stats.Listings, times)
		}
	}
	listed("10000|37492500", 2)
	listed("10000|37492500", 0)
	h.upload("d/t/dt=2026-01-02/b.parquet", remoteRows(10, 1))
	listed("10010|37492545", 1)
	check(t, h.store.Delete(t.Context(), "d/t/dt=2026-01-02/b.parquet"))
	listed("10000|37492500", 1)
	h.upload("d/t/dt=2026-01-01/a.parquet", remoteRows(3000, 1))
	listed("8000|29493500", 1)
	listed("8000|29493500", 0)
	// Of others nothing is said to the listings. What has not been fetched of an object
	// that is another by now, or gone, is found out.
	other := *h
	other.store = w.open(t, nil)
	other.upload("d/t/dt=2026-01-01/a.parquet", remoteRows(4000, 1))
	w.take()
	listed("8000|29493500", 0)
	h.want("SELECT count(kind), sum(id) FROM d.t", "9000|32993000")
	w.take()
	listed("9000|32993000", 0)
	check(t, other.store.Delete(t.Context(), "d/t/dt=2026-01-02/a.parquet"))
	h.want("SELECT count(price), sum(id) FROM d.t", "4000|7998000")
}

// Of structs the fields that a statement names travel, and what did not is no NULL.
func TestS3Structs(t *testing.T) {
	h, w := remoteHouse(t, 1)
	name := lake.TableName{Database: "d", Table: "s"}
	typ, err := lake.ParseType("struct<id:bigint,ctx:struct<ip:string,agent:struct<name:string,version:bigint>,tags:map<string,string>>,item:struct<price:double,late:string>>")
	check(t, err)
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/s") + "/", Columns: typ.Fields})
	h.upload("d/s/a.parquet", `SELECT i AS id, CASE WHEN i % 5 > 0 THEN {'ip': md5(i::VARCHAR), 'Agent': CASE WHEN i % 3 > 0 THEN {'name': md5((-i)::VARCHAR), 'version': i} END,
		'tags': map(['k'], ['v' || i])} END AS ctx, {'price': i / 2, 'other': md5('o' || i)} AS item FROM range(20000) t(i)`)
	w.take()
	least := int64(-1)
	for _, tt := range []struct {
		sql, want string
		cold      bool
	}{
		{"SELECT sum(ctx.agent.version), count(ctx.agent.version) FROM d.s", "106673332|10667", true},
		{"SELECT sum(s.ctx.Agent.version) FROM d.s WHERE s.ctx['agent']['version'] < 10", "22", false},
		{"SELECT count(x.a) FROM (SELECT ctx.agent AS a FROM d.s) x", "10667", true},
		{"SELECT count(*) FROM d.s WHERE ctx.agent.name IS NULL", "9333", false},
		{"SELECT count(item.late), sum(item.price) FROM d.s", "0|99995000.0", true},
		{"SELECT ctx.tags['k'] FROM d.s WHERE ctx.agent.version = 7", `"v7"`, true},
		{"SELECT count(*), min(ctx.ip) FROM d.s WHERE ctx IS NULL", "4000|null", true},
		{"SELECT count(ctx), max(ctx).ip IS NULL, count(DISTINCT ctx.ip) FROM d.s", "16000|false|16000", false},
		{"SELECT ctx FROM d.s WHERE id = 6", `{"ip":"1679091c5a880faf6fb5e6087eb1b2dc","agent":null,"tags":{"k":"v6"}}`, true},
		{"SELECT item FROM d.s WHERE id = 3", `{"price":1.5,"late":null}`, true},
	} {
		stats := h.want(tt.sql, tt.want)
		gets, _, bytes := w.take()
		if tt.cold != (gets > 0) {
			t.Errorf("%s: %d requests", tt.sql, gets)
		}
		if least < 0 {
			least = stats.Bytes
			if bytes > 200_000 || stats.Bytes > 100_000 {
				t.Errorf("%s: %d bytes were fetched, %d needed", tt.sql, bytes, stats.Bytes)
			}
		}
	}
	for sql, want := range map[string]string{
		"SELECT ctx.agent.versio FROM d.s":  "version",
		"SELECT ctx.agnt FROM d.s":          "agent",
		"SELECT ctx.ip, cty.ip FROM d.s":    "cty",
		"SELECT ctx.ip.x.y FROM d.s":        "ip",
		"SELECT ctx.ip FROM d.s ORDER BY z": "z",
	} {
		_, _, err := h.query(sql)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// Files from before the fields came that a statement names have NULL there, whatever was
// fetched of them before, and so have live rows.
func TestS3StructsOfOldFiles(t *testing.T) {
	endpoint, bucket := s3test.Start(t)
	remote, err := store.Open(t.Context(), "s3://"+bucket, store.Config{S3: store.S3{Endpoint: endpoint, PathStyle: true}})
	check(t, err)
	h := newHouse(t, map[string]configs.Stream{"s": {Table: "d.s", PartitionBy: []string{"k=k"}}}, func(c *query.Config) { c.Store = remote })
	h.store = remote
	typ, err := lake.ParseType("struct<id:bigint,user:struct<name:string,email:string,address:struct<zip:string,city:string>>>")
	check(t, err)
	name := lake.TableName{Database: "d", Table: "s"}
	h.catalog.put(lake.Table{Name: name, Location: remote.URI("d/s") + "/", Columns: typ.Fields, PartitionKeys: []lake.Column{{Name: "k"}}})
	h.catalog.addPartition(name, lake.Partition{Values: []string{"a"}, Location: remote.URI("d/s/k=a") + "/"})
	h.upload("d/s/k=a/1.parquet", "SELECT 1 AS id, {'name': 'Ann'} AS user")
	h.upload("d/s/k=a/2.parquet", "SELECT 2 AS id, {'name': 'Bo', 'email': 'bo@', 'address': {'zip': '0150'}} AS user")
	h.upload("d/s/k=a/3.parquet", "SELECT 3 AS id, {'name': 'Cy', 'email': NULL, 'address': {'zip': '0151', 'city': 'Oslo'}} AS user UNION ALL SELECT 4, NULL")
	ask := func(live string) {
		t.Helper()
		for range 2 { // what was fetched before is another
			h.want(`SELECT id FROM d.s WHERE "user".address.city = 'Oslo'`+live, "3")
			h.want(`SELECT id FROM d.s WHERE "user".name < 'C'`+live+` ORDER BY id`, "1", "2")
			h.want(`SELECT id FROM d.s WHERE "user".email IS NULL`+live+` ORDER BY id`, "1", "3", "4")
			h.want(`SELECT "user".email, "user".address.city FROM d.s WHERE true`+live+` ORDER BY id`, `null|null`, `"bo@"|null`, `null|"Oslo"`, `null|null`)
			h.want(`SELECT "user".address.zip FROM d.s WHERE "user".name IS NOT NULL`+live+` ORDER BY id`, `null`, `"0150"`, `"0151"`)
			if live == "" {
				h.want(`SELECT "user" FROM d.s WHERE id = 2`, `{"name":"Bo","email":"bo@","address":{"zip":"0150","city":null}}`)
			}
		}
	}
	ask("")
	h.post("s", `{"k":"b","id":5,"user":{"name":"Di"}}`, `{"k":"b","id":6,"user":{"phone":"1"}}`)
	ask(" AND id < 5")
	h.want(`SELECT id, "user".email FROM d.s WHERE id > 4 ORDER BY id`, `5|null`, `6|null`)
	h.seal("s")
	h.post("s", `{"k":"b","id":7,"user":{"late":"l","address":{"floor":2}}}`)
	ask(" AND id < 5")
	h.want(`SELECT id, "user".phone, "user".late, "user".address.floor FROM d.s WHERE id > 3 ORDER BY id`, `4|null|null|null`, `5|null|null|null`, `6|"1"|null|null`, `7|null|"l"|2`)
	h.want(`SELECT count(*) FROM d.s WHERE "user".late IS NULL`, "6")
	h.want(`SELECT count(*) FROM d.s WHERE "user".address.floor IS NULL`, "6")
}

func BenchmarkS3(b *testing.B) {
	h, w := remoteHouse(b, 1_000_000)
	const sql = "SELECT kind, sum(price) FROM d.t GROUP BY kind"
	run := func(b *testing.B, h *house) {
		var stats query.Stats
		w.take()
		for b.Loop() {
			_, s, err := h.query(sql)
			check(b, err)
			stats = s
		}
		gets, lists, bytes := w.take()
		b.ReportMetric(float64(bytes)/float64(b.N)/float64(stats.Bytes), "fetched/needed")
		b.ReportMetric(float64(gets)/float64(b.N), "requests/op")
		b.ReportMetric(float64(lists)/float64(b.N), "listings/op")
	}
	b.Run("cold", func(b *testing.B) {
		var stats query.Stats
		w.take()
		for b.Loop() {
			b.StopTimer()
			cold, err := query.Open(query.Config{Catalog: h.catalog, Store: h.store, Dir: b.TempDir(), Cache: 1 << 30, Memory: 1 << 30, Concurrent: 1, Timeout: time.Minute})
			check(b, err)
			b.StartTimer()
			other := *h
			other.engine = cold
			_, stats, err = other.query(sql)
			check(b, err)
			b.StopTimer()
			cold.Close()
			b.StartTimer()
		}
		gets, lists, bytes := w.take()
		b.ReportMetric(float64(bytes)/float64(b.N)/float64(stats.Bytes), "fetched/needed")
		b.ReportMetric(float64(gets)/float64(b.N), "requests/op")
		b.ReportMetric(float64(lists)/float64(b.N), "listings/op")
	})
	b.Run("warm", func(b *testing.B) {
		_, _, err := h.query(sql)
		check(b, err)
		run(b, h)
	})
}
