package query_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/configs"
	"sluice/internal/lake/store"
	"sluice/internal/s3test"
	"sluice/query"
)

// definedHouse is a house with the embedded catalog, asked in Presto's dialect by
// somebody who may do everything.
func definedHouse(t testing.TB, streams map[string]configs.Stream, adjust ...func(*query.Config)) *house {
	t.Helper()
	server, err := embedded.Open(filepath.Join(t.TempDir(), "catalog.db"))
	check(t, err)
	t.Cleanup(func() { server.Close() })
	catalog, err := catalogsync.New(t.Context(), catalogsync.Config{Transport: server.Transport()})
	check(t, err)
	h := newHouse(t, streams, append([]func(*query.Config){func(c *query.Config) { c.Catalog, c.Define = catalog, catalog }}, adjust...)...)
	h.dialect = query.Presto
	h.mayWrite = func(string) bool { return true }
	return h
}

// run runs a statement that answers with one row of text.
func (h *house) run(sql string) string {
	h.t.Helper()
	rows, _, err := h.query(sql)
	if err != nil {
		h.t.Fatalf("%s: %v", sql, err)
	}
	if len(rows) != 1 {
		h.t.Fatalf("%s: rows %q", sql, rows)
	}
	return strings.Trim(rows[0], `"`)
}

// refused runs a statement that must fail.
func (h *house) refused(sql string, code query.Code, want string) {
	h.t.Helper()
	rows, _, err := h.query(sql)
	fault, ok := err.(*query.Error)
	if !ok || fault.Code != code || !strings.Contains(fault.Message, want) {
		h.t.Errorf("%s: rows %q, error %v; want %s: %s", sql, rows, err, code, want)
	}
}

// segmentFile is a file of Segment's S3 destination.
const segmentFile = `{"anonymousId":"a1","context":{"ip":"1.2.3.4","library":{"name":"analytics.js","version":"2.0"}},"messageId":"m1","timestamp":"2026-01-31T10:00:00.123Z","type":"track","userId":"u1","event":"Order Completed","properties":{"total":12.5,"products":[{"sku":"x"}]},"traits":{}}
{"anonymousId":"a2","context":{"ip":"5.6.7.8"},"messageId":"m2","timestamp":"2026-01-31T10:00:01.000Z","type":"identify","userId":"u2","traits":{"plan":"pro","age":41}}
{"anonymousId":"a2","context":{},"messageId":"m3","timestamp":"2026-01-31T11:30:00.000Z","type":"page","userId":null}
`

// TestSegmentArticle is the way of Segment's article on Athena: a table of JSON over
// the raw logs, a partition a source, queries, and a table of Parquet beside it.
func testSegmentArticle(t *testing.T, h *house, uri func(string) string, put func(key, content string)) {
	put("segment-logs/src1/1769817600000/a.gz", segmentFile)
	put("segment-logs/src1/1769904000000/b.gz", strings.Replace(segmentFile, "Order Completed", "Signed Up", 1))
	put("segment-logs/src2/1769817600000/c.gz", segmentFile)
	h.run("CREATE DATABASE segment_logs")
	h.run(`CREATE EXTERNAL TABLE IF NOT EXISTS segment_logs.eventlogs (
  anonymousid                 string  , -- pick columns you want!
  context                 map<string,string>  , -- using a map for nested JSON
  messageid                   string  ,
  ` + "`timestamp`" + `                   Timestamp  ,
  type                        string  ,
  userid                      string  ,
  traits                      map<string,string>  ,
  event                       string
)
PARTITIONED BY (sourceid string)    -- partition by the axes you expect to query often, sourceid here is associated with each source of data
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION '` + uri("segment-logs") + `/'      -- location of your data in S3;`)
	h.want("SELECT count(*) FROM segment_logs.eventlogs", "0")
	if got := h.run("ALTER TABLE segment_logs.eventlogs ADD PARTITION (sourceid='src1') LOCATION '" + uri("segment-logs/src1") + "/' PARTITION (sourceid='src2') LOCATION '" + uri("segment-logs/src2") + "'"); got != "2 partitions were added to segment_logs.eventlogs; 0 were there already" {
		t.Error(got)
	}
	h.want("SELECT count(*), count(DISTINCT messageid) FROM segment_logs.eventlogs", "9|3")
	stats := h.want(`SELECT event, context['ip'], json_extract_scalar(element_at(context, 'library'), '$.name'), "timestamp", element_at(traits, 'plan'), cardinality(traits) FROM segment_logs.eventlogs
		WHERE sourceid = 'src1' AND userid IS NOT NULL AND date("timestamp") = DATE '2026-01-31' ORDER BY messageid, event`,
		`"Order Completed"|"1.2.3.4"|"analytics.js"|"2026-01-31 10:00:00.123"|null|0`, `"Signed Up"|"1.2.3.4"|"analytics.js"|"2026-01-31 10:00:00.123"|null|0`,
		`null|"5.6.7.8"|null|"2026-01-31 10:00:01.000"|"pro"|2`, `null|"5.6.7.8"|null|"2026-01-31 10:00:01.000"|"pro"|2`)
	if stats.Files != 2 {
		t.Errorf("statistics %+v", stats)
	}
	h.want("SELECT type, count(*) FROM segment_logs.eventlogs WHERE sourceid IN ('src2', 'other') GROUP BY 1 ORDER BY 1", `"identify"|1`, `"page"|1`, `"track"|1`)
	h.run(`CREATE EXTERNAL TABLE segment_logs.test_parquet (
  anonymousid string, context map<string,string>, messageid string, ` + "`timestamp`" + ` Timestamp, type string, userid string, traits map<string,string>, event string
)
PARTITIONED BY (dt string) -- dt will be the prefix on your output files
STORED AS PARQUET
LOCATION '` + uri("parquet") + `/'
TBLPROPERTIES ("parquet.compress"="SNAPPY")`)
	h.want("SHOW TABLES IN segment_logs", `"eventlogs"`, `"test_parquet"`)
	h.want("SELECT count(*) FROM segment_logs.test_parquet", "0")
	h.want(`SELECT * FROM segment_logs."eventlogs$partitions" ORDER BY 1`, `"src1"`, `"src2"`)
}

func TestSegmentArticle(t *testing.T) {
	h := definedHouse(t, nil)
	testSegmentArticle(t, h, h.store.URI, h.file)
}

func TestSegmentArticleOnS3(t *testing.T) {
	endpoint, bucket := s3test.Start(t)
	remote, err := store.Open(t.Context(), "s3://"+bucket+"/lake", store.Config{S3: store.S3{Endpoint: endpoint, Region: "us-east-1", PathStyle: true}})
	check(t, err)
	h := definedHouse(t, nil, func(c *query.Config) { c.Store = remote })
	testSegmentArticle(t, h, remote.URI, func(key, content string) {
		body := strings.NewReader(compressed(t, key, content))
		check(t, remote.Put(t.Context(), key, body, body.Size()))
	})
}

func TestDefineTables(t *testing.T) {
	h := definedHouse(t, map[string]configs.Stream{"s": {Table: "shop.streamed"}})
	at := func(key string) string { return "'" + h.store.URI(key) + "'" }
	if got := h.run("CREATE DATABASE shop COMMENT 'what is sold'"); got != "the database shop was created" {
		t.Error(got)
	}
	h.refused("CREATE SCHEMA shop", query.CodeExists, "there is a database shop already")
	if got := h.run("CREATE SCHEMA IF NOT EXISTS shop"); got != "the database shop is there already" {
		t.Error(got)
	}
	h.refused("CREATE DATABASE `a b`", query.CodeInvalid, "cannot name a database")
	h.run("CREATE EXTERNAL TABLE shop.csv (id bigint COMMENT 'it''s an id', name string) PARTITIONED BY (dt string) ROW FORMAT DELIMITED FIELDS TERMINATED BY ',' LOCATION " + at("csv") + " TBLPROPERTIES ('skip.header.line.count'='1')")
	h.refused("CREATE EXTERNAL TABLE shop.csv (id bigint) LOCATION "+at("x"), query.CodeExists, "there is a table shop.csv already\nline 1: CREATE EXTERNAL TABLE shop.csv")
	if got := h.run("CREATE EXTERNAL TABLE IF NOT EXISTS shop.csv (id bigint) LOCATION " + at("x")); got != "the table shop.csv is there already, and stays as it is" {
		t.Error(got)
	}
	h.refused("CREATE EXTERNAL TABLE shop2.t (id bigint) LOCATION "+at("x"), query.CodeNotFound, "there is no database shop2; CREATE DATABASE shop2 makes it")
	h.refused("CREATE EXTERNAL TABLE shop.t (id bigint) LOCATION 's3://elsewhere/x'", query.CodeInvalid, "the location s3://elsewhere/x is not below the lake")
	h.refused("CREATE EXTERNAL TABLE live.shop.t (id bigint) LOCATION "+at("x"), query.CodeInvalid, "lake and live are not databases")
	h.refused("CREATE EXTERNAL TABLE shop.t (id bigint LOCATION "+at("x"), query.CodeSyntax, "unknown type")
	if got := h.run("CREATE EXTERNAL TABLE shop.orc (id bigint) ROW FORMAT SERDE 'org.apache.hadoop.hive.ql.io.orc.OrcSerde' STORED AS INPUTFORMAT 'a' OUTPUTFORMAT 'b' LOCATION " + at("orc")); !strings.Contains(got, "the table shop.orc was created; but the table shop.orc cannot be read") {
		t.Error(got)
	}
	h.refused("SELECT * FROM shop.orc", query.CodeInvalid, "the table shop.orc cannot be read: its SerDe is")
	h.post("s", `{"a":1}`)
	h.refused("CREATE EXTERNAL TABLE shop.streamed (id bigint) LOCATION "+at("x"), query.CodeExists, "the table of a stream")
	h.refused("SHOW CREATE TABLE shop.streamed", query.CodeNotFound, "nothing of the table shop.streamed is delivered yet")

	h.file("csv/dt=a/1.csv", "id,name\n1,x\n")
	h.file("elsewhere/2.csv.gz", "id,name\n2,y\n")
	h.refused("ALTER TABLE shop.csv ADD PARTITION (dt='a') PARTITION (day='b')", query.CodeInvalid, "day is no partition column of shop.csv, which has dt")
	h.refused("ALTER TABLE shop.csv ADD PARTITION (dt='a') PARTITION (dt='a')", query.CodeInvalid, "dt=a is there twice")
	h.refused("ALTER TABLE shop.csv ADD PARTITION (dt='')", query.CodeInvalid, "the value of dt is empty")
	h.run("ALTER TABLE shop.csv ADD PARTITION (dt='a') PARTITION (dt='b') LOCATION " + at("elsewhere"))
	h.refused("ALTER TABLE shop.csv ADD PARTITION (dt='c') PARTITION (dt='b')", query.CodeExists, "has the partition dt=b already")
	if got := h.run("ALTER TABLE shop.csv ADD IF NOT EXISTS PARTITION (dt='c') PARTITION (dt='b')"); got != "1 partitions were added to shop.csv; 1 were there already" {
		t.Error(got)
	}
	h.want("SHOW PARTITIONS shop.csv", `"dt=a"`, `"dt=b"`, `"dt=c"`)
	h.want("SHOW PARTITIONS shop.csv PARTITION (dt='b')", `"dt=b"`)
	h.want("SELECT id, name, dt FROM shop.csv ORDER BY id", `1|"x"|"a"`, `2|"y"|"b"`)
	h.run("ALTER TABLE shop.csv DROP PARTITION (dt='a'), PARTITION (dt='c')")
	h.refused("ALTER TABLE shop.csv DROP PARTITION (dt='a')", query.CodeNotFound, "has no such partition")
	h.run("ALTER TABLE shop.csv DROP IF EXISTS PARTITION (dt='a')")
	h.want("SELECT id FROM shop.csv", "2")

	h.run("ALTER TABLE shop.csv ADD COLUMNS (price decimal(10,2) COMMENT 'in €')")
	h.refused("ALTER TABLE shop.csv ADD COLUMNS (`DT` string)", query.CodeExists, "has a column dt already")
	h.file("elsewhere/3.csv", "h\n3,z,1.50\n")
	h.want("SELECT id, price FROM shop.csv ORDER BY id", "2|null", "3|1.50")
	h.run("ALTER TABLE shop.csv SET TBLPROPERTIES ('owner'='me')")
	h.want("SHOW TBLPROPERTIES shop.csv('owner')", `"owner"|"me"`)
	h.want("SHOW TBLPROPERTIES shop.csv", `"EXTERNAL"|"TRUE"`, `"classification"|"csv"`, `"owner"|"me"`, `"skip.header.line.count"|"1"`)
	h.run("ALTER TABLE shop.csv SET LOCATION " + at("moved"))
	rows, _, err := h.query("DESCRIBE FORMATTED shop.csv")
	check(t, err)
	for _, want := range []string{`"id"|"bigint"|"it's an id"`, `"dt"|"string"|""`, `"Location:"|"` + h.store.URI("moved") + `/"|""`, `"SerDe Library:"|"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"|""`} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row %s in %q", want, rows)
		}
	}
	h.want("SHOW DATABASES LIKE 's*p|x'", `"shop"`)
	h.want("SHOW TABLES IN shop '*c*|none'", `"csv"`, `"orc"`)

	if got := h.run("DROP TABLE shop.csv"); !strings.Contains(got, "its files stay at "+h.store.URI("moved")) {
		t.Error(got)
	}
	h.refused("DROP TABLE shop.csv", query.CodeNotFound, "there is no table shop.csv")
	h.run("DROP TABLE IF EXISTS shop.csv")
	h.refused("DROP DATABASE shop", query.CodeInvalid, "the database shop has tables")
	h.run("DROP DATABASE shop CASCADE")
	h.refused("DROP DATABASE shop", query.CodeNotFound, "there is no database shop")
	h.run("DROP DATABASE IF EXISTS shop")
}

// What SHOW CREATE TABLE tells makes the same table again.
func TestShowCreateTable(t *testing.T) {
	h := definedHouse(t, nil)
	h.run("CREATE DATABASE d")
	for i, clauses := range []string{
		"(`a` bigint COMMENT 'it''s \\\\ \\n', `select` varchar(20), m map<string,array<struct<x:int,y:decimal(10,2)>>>) COMMENT 'of \\'all\\'' PARTITIONED BY (dt string COMMENT 'day', hour int) STORED AS PARQUET LOCATION '%s' TBLPROPERTIES ('k'='v\\t\"')",
		"(a int) ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001' ESCAPED BY '\\\\' NULL DEFINED AS '' LOCATION '%s'",
		"(a string) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES ('mapping.a'='A.b') LOCATION '%s'",
	} {
		at := h.store.URI(fmt.Sprintf("t%d", i))
		h.run("CREATE EXTERNAL TABLE d.t " + fmt.Sprintf(clauses, at))
		show := func() string {
			var text []string
			r, err := h.engine.Query(t.Context(), query.Request{SQL: "SHOW CREATE TABLE d.t"})
			check(t, err)
			defer r.Close()
			for r.Next() {
				text = append(text, r.Values()[0].Text)
			}
			check(t, r.Err())
			return strings.Join(text, "\n")
		}
		before := show()
		h.run("DROP TABLE d.t")
		h.run(before)
		if again := show(); again != before {
			t.Errorf("%s\nbecame\n%s", before, again)
		}
		if !strings.Contains(before, "LOCATION\n  '"+at+"/'") {
			t.Errorf("no location in\n%s", before)
		}
		h.run("DROP TABLE d.t")
	}
}

func TestRepair(t *testing.T) {
	h := definedHouse(t, nil)
	h.run("CREATE DATABASE d")
	h.run("CREATE EXTERNAL TABLE d.t (id bigint) PARTITIONED BY (dt string, `hour` int) STORED AS JSONFILE LOCATION '" + h.store.URI("raw/t") + "'")
	var want []string
	for i := range 230 {
		h.file(fmt.Sprintf("raw/t/dt=d%03d/HOUR=%d/x.json", i, i%24), fmt.Sprintf(`{"id":%d}`, i))
		want = append(want, fmt.Sprintf(`"Repair: Added partition to metastore d.t:dt=d%03d/hour=%d"`, i, i%24))
	}
	h.file("raw/t/dt=a%3Ab/hour=1/deep/er.json", `{"id":1000}`)
	want = append(want, `"Repair: Added partition to metastore d.t:dt=a%3Ab/hour=1"`)
	for _, key := range []string{"raw/t/stray.json", "raw/t/2026/01/x.json", "raw/t/dt=x/y.json"} {
		h.file(key, `{"id":-1}`)
	}
	h.file("raw/t/_temporary/dt=x/hour=1/y.json", `{"id":-1}`)
	h.run("ALTER TABLE d.t ADD PARTITION (dt='d000', hour=0) LOCATION '" + h.store.URI("raw/t/old/way") + "'")
	h.file("raw/t/old/way/x.json", `{"id":0}`)
	want = slices.DeleteFunc(want, func(s string) bool { return strings.Contains(s, "dt=d000") })
	rows, _, err := h.query("MSCK REPAIR TABLE d.t")
	check(t, err)
	tail := rows[len(rows)-4:]
	if got := sorted(rows[:len(rows)-4]); !slices.Equal(got, sorted(want)) {
		t.Errorf("added %q", got)
	}
	at := `"Not a partition: ` + h.store.URI("raw/t") + "/"
	if !slices.Equal(sorted(tail), sorted([]string{at + `2026/01/ (want folders such as dt=…/hour=…/)"`, at + `dt=x/ (want folders such as dt=…/hour=…/)"`, at + ` (want folders such as dt=…/hour=…/)"`,
		`"230 partitions were added to d.t; 1 were there"`})) {
		t.Errorf("ends in %q", tail)
	}
	h.want("SELECT count(*), sum(id) FROM d.t", fmt.Sprintf("231|%d", 229*230/2+1000))
	h.want("SELECT dt, \"hour\" FROM d.\"t$partitions\" WHERE \"hour\" = 23 AND dt < 'd050'", `"d023"|23`, `"d047"|23`)
	rows, _, err = h.query("MSCK REPAIR TABLE d.t")
	if check(t, err); len(rows) != 4 || rows[3] != `"0 partitions were added to d.t; 231 were there"` {
		t.Errorf("the second time %q", rows)
	}
	h.run("ALTER TABLE d.t DROP PARTITION (hour=5)")
	h.want("SELECT count(*) FROM d.\"t$partitions\" WHERE \"hour\" = 5", "0")
	h.refused("MSCK REPAIR TABLE d.none", query.CodeNotFound, "there is no table d.none")
}

// Who may only read, or see some databases, changes nothing else and learns nothing.
func TestWhoMayDefine(t *testing.T) {
	h := definedHouse(t, nil)
	h.run("CREATE DATABASE mine")
	h.run("CREATE DATABASE secret")
	h.run("CREATE EXTERNAL TABLE secret.t (a int) LOCATION '" + h.store.URI("secret/t") + "'")
	h.run("CREATE EXTERNAL TABLE secret.odd (a int) LOCATION '" + h.store.URI("mine/odd") + "'")
	all := []string{
		"CREATE DATABASE other", "DROP DATABASE secret", "CREATE EXTERNAL TABLE secret.u (a int) LOCATION '" + h.store.URI("mine/u") + "'", "DROP TABLE IF EXISTS secret.t", "DROP TABLE secret.none",
		"ALTER TABLE secret.t SET TBLPROPERTIES ('a'='b')", "ALTER TABLE secret.none ADD COLUMNS (b int)", "MSCK REPAIR TABLE secret.t", "ALTER TABLE secret.t ADD PARTITION (a='b')",
	}
	h.mayWrite = nil
	h.refused("SHOW CREATE TABLE mine.none", query.CodeNotFound, "there is no table mine.none")
	for _, sql := range append(all, "CREATE DATABASE mine2", "CREATE EXTERNAL TABLE mine.u (a int) LOCATION '"+h.store.URI("mine/u")+"'") {
		h.refused(sql, query.CodeForbidden, "this caller may only read")
	}
	h.mayWrite = func(db string) bool { return db == "mine" || db == "secret" }
	h.visible = func(db string) bool { return db == "mine" || db == "other" }
	for _, sql := range all {
		h.refused(sql, query.CodeForbidden, "this caller may only read")
	}
	for _, sql := range []string{"SHOW CREATE TABLE secret.t", "DESCRIBE FORMATTED secret.t", "SHOW TBLPROPERTIES secret.t", "SHOW PARTITIONS secret.t", `SELECT * FROM secret."t$partitions"`} {
		h.refused(sql, query.CodeNotFound, "there is no table secret.t")
	}
	for _, key := range []string{"", "secret/t", "secret/t/dt=x", "other/x", "elsewhere", "mine", "mine/odd", "mine/odd/x", "mine/_x", "mine/.x"} {
		h.refused("CREATE EXTERNAL TABLE mine.u (a int) LOCATION '"+h.store.URI(key)+"'", query.CodeForbidden, "line 1")
	}
	h.run("CREATE EXTERNAL TABLE mine.u (a int) PARTITIONED BY (p string) LOCATION '" + h.store.URI("mine/u") + "'")
	h.refused("ALTER TABLE mine.u ADD PARTITION (p='x') LOCATION '"+h.store.URI("secret/t")+"'", query.CodeForbidden, "folders of its databases")
	h.refused("ALTER TABLE mine.u SET LOCATION '"+h.store.URI("secret/t")+"'", query.CodeForbidden, "folders of its databases")
	h.run("DROP TABLE mine.u")
}
