package query_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/configs"
	"sluice/internal/lake"
	"sluice/query"
)

var shopHouseStreams = map[string]configs.Stream{
	"purchases": {Table: "shop.purchases", PartitionBy: []string{"dt=day(ts)", "country=country"}},
}

func shopHouse(t testing.TB) *house { return newHouse(t, shopHouseStreams) }

func purchase(i int, day int, country string) string {
	return fmt.Sprintf(`{"id":%d,"ts":"2026-01-%02dT10:00:00Z","country":%q,"item":{"sku":"s%d","price":%d.5}}`, i, day, country, i, i)
}

// The same answers while nothing, half and all of it is delivered.
func TestLiveAndDelivered(t *testing.T) {
	h := shopHouse(t)
	ask := func() {
		t.Helper()
		h.want("SELECT count(*), count(DISTINCT id), sum(id), min(ts), max(ts) FROM shop.purchases",
			`4|4|10|"2026-01-01 10:00:00.000"|"2026-01-02 10:00:00.000"`)
		h.want("SELECT dt, country, item.sku FROM shop.purchases WHERE id = 3", `"2026-01-02"|"DE"|"s3"`)
		h.want("SELECT p.item.price FROM Shop.Purchases p WHERE p.country = 'US' AND p.dt = '2026-01-01'", "2.5")
		h.want("SELECT shop.purchases.id FROM shop.purchases WHERE shop.purchases.country = 'FR'", "4")
	}
	h.post("purchases", purchase(1, 1, "DE"), purchase(2, 1, "US"))
	h.post("purchases", purchase(3, 2, "DE"), purchase(4, 2, "FR"))
	ask()
	h.want("SELECT count(*) FROM live.shop.purchases", "4")
	h.want("SELECT count(*) FROM lake.shop.purchases", "0")
	h.deliver("purchases")
	ask()
	h.want("SELECT count(*) FROM live.shop.purchases", "0")
	h.want("SELECT count(*) FROM awsdatacatalog.shop.purchases", "4")
	h.post("purchases", purchase(5, 3, "DE"))
	h.want("SELECT count(*), sum(id) FROM shop.purchases", "5|15")
	h.want("SELECT (SELECT count(*) FROM lake.shop.purchases), (SELECT count(*) FROM live.shop.purchases)", "4|1")
}

// Every record is seen once at every step of the delivery of several batches.
func TestOnceWhileBatchesMove(t *testing.T) {
	h := shopHouse(t)
	n := 0
	ask := func() {
		t.Helper()
		h.want("SELECT count(*), count(DISTINCT id), sum(id) FROM shop.purchases", fmt.Sprintf("%d|%d|%d", n, n, n*(n+1)/2))
		h.want("SELECT count(*) FROM (SELECT id FROM lake.shop.purchases UNION ALL SELECT id FROM live.shop.purchases)", fmt.Sprint(n))
	}
	add := func() {
		t.Helper()
		n++
		h.post("purchases", purchase(n, n%3+1, []string{"DE", "US"}[n%2]))
	}
	for range 3 {
		for range 4 {
			add()
			ask()
		}
		h.seal("purchases")
	}
	for _, b := range h.buffer.Sealed() {
		for _, step := range h.deliverSteps(b) {
			step()
			add()
			ask()
		}
	}
	h.deliver("purchases")
	ask()
}

func TestPruning(t *testing.T) {
	h := shopHouse(t)
	for day := 1; day <= 3; day++ {
		for i, country := range []string{"DE", "US", "a/b=c d"} {
			h.post("purchases", purchase(10*day+i, day, country))
		}
	}
	h.post("purchases", `{"id":99,"country":null}`)
	h.deliver("purchases")
	const total = 10
	tests := []struct {
		sql    string
		want   []string
		listed int // partitions
	}{
		{"SELECT count(*) FROM shop.purchases", []string{"10"}, 10},
		{"SELECT id FROM shop.purchases WHERE dt = '2026-01-02' AND country = 'US'", []string{"21"}, 1},
		{"SELECT id FROM shop.purchases WHERE country = 'a/b=c d' ORDER BY id", []string{"12", "22", "32"}, 3},
		{"SELECT id FROM shop.purchases WHERE dt IS NULL", []string{"99"}, 1},
		{"SELECT id FROM shop.purchases WHERE country IS NULL AND dt IS NULL", []string{"99"}, 1},
		{"SELECT count(*) FROM shop.purchases WHERE dt >= '2026-01-02' AND country <> 'DE'", []string{"4"}, 4},
		{"SELECT count(*) FROM shop.purchases WHERE dt IN ('2026-01-01', '2026-01-03') AND upper(country) LIKE 'U%'", []string{"2"}, 2},
		{"SELECT count(*) FROM shop.purchases WHERE dt BETWEEN '2026-01-01' AND '2026-01-02' OR country = 'US'", []string{"7"}, 7},
		{"SELECT count(*) FROM shop.purchases WHERE CAST(dt AS date) = date '2026-01-03'", []string{"3"}, 3},
		{"SELECT count(*) FROM shop.purchases WHERE dt = '2026-01-01' AND id = 10", []string{"1"}, 3},
		{"SELECT count(*) FROM shop.purchases WHERE NOT dt = '2026-01-01'", []string{"6"}, 6},
		{"SELECT count(*) FROM shop.purchases WHERE false AND dt = 'x'", []string{"0"}, 0},
		{"SELECT count(*) FROM shop.purchases WHERE dt = id::varchar", []string{"0"}, total},
		{"WITH d AS (SELECT * FROM shop.purchases WHERE dt = '2026-01-01') SELECT count(*) FROM d WHERE country = 'DE'", []string{"1"}, 1},
		{"SELECT count(*) FROM shop.purchases a JOIN shop.purchases b ON a.id = b.id + 10 WHERE a.dt = '2026-01-02' AND b.dt = '2026-01-01'", []string{"3"}, 6},
		{"SELECT count(*) FROM shop.purchases a JOIN shop.purchases b ON a.id = b.id AND b.country = 'DE'", []string{"3"}, total + 3},
		{"SELECT count(*), count(b.id) FROM shop.purchases a LEFT JOIN shop.purchases b ON a.id = b.id WHERE a.dt = '2026-01-01'", []string{"3|3"}, 3 + total},
		{"SELECT count(*), count(b.id) FROM shop.purchases a LEFT JOIN shop.purchases b ON a.id = b.id AND b.dt = '2026-01-01' WHERE b.dt IS NULL", []string{"7|0"}, total + 3},
		{"SELECT count(*) FROM shop.purchases a FULL JOIN shop.purchases b ON a.id = b.id AND b.dt = '2026-01-01' WHERE a.dt = '2026-01-02'", []string{"3"}, 2 * total},
		{"SELECT count(*) FROM shop.purchases a RIGHT JOIN shop.purchases b ON a.id = b.id WHERE b.dt = '2026-01-01'", []string{"3"}, total + 3},
		{"SELECT count(*) FROM shop.purchases WHERE dt = (SELECT min(dt) FROM shop.purchases)", []string{"3"}, 2 * total},
		{"SELECT count(*) FROM shop.purchases WHERE dt >= CAST(current_date AS varchar)", []string{"0"}, 0},
		{"SELECT count(*) FROM shop.purchases WHERE dt < CAST(current_date AS varchar) AND country = 'US'", []string{"3"}, 3},
		{"SELECT count(*) FROM shop.purchases WHERE CAST(dt AS timestamp) < localtimestamp - INTERVAL 1 day AND now() > '2026-01-01'", []string{"9"}, 9},
		{"SELECT count(*) FROM shop.purchases a JOIN shop.purchases b ON a.id = b.id AND b.dt > CAST(current_date AS varchar)", []string{"0"}, total},
		{"SELECT count(*) FROM shop.purchases a JOIN (SELECT '' AS current_date) ON a.dt > current_date", []string{"9"}, total},
		{"SELECT count(*) FROM shop.purchases WHERE dt = CAST(random() AS varchar)", []string{"0"}, total},
		{"SELECT count(*) FROM shop.purchases WHERE dt IN ('2026-01-01', NULL, '2026-01-03') AND (dt > '2026-01-01' OR country IS NULL)", []string{"3"}, 3},
		{"SELECT count(*) FROM shop.purchases WHERE dt = NULL", []string{"0"}, 0},
		{"SELECT count(*) FROM shop.purchases WHERE dt = concat('2026-01', '-01') OR dt = ('2026-01-0' || 2)", []string{"6"}, 6},
		{"SELECT count(*) FROM (SELECT * FROM shop.purchases) WHERE dt = '2026-01-01'", []string{"3"}, 3},
		{"SELECT count(*) FROM shop.purchases p(dt, x) WHERE dt = 10", []string{"1"}, total},
		{"SELECT count(*) FROM shop.purchases WHERE dt = '2026-01-01' AND CAST(country AS int) = 1 AND false", []string{"0"}, -1},
	}
	for _, tt := range tests {
		h.files.take()
		rows, stats, err := h.query(tt.sql)
		if err != nil {
			t.Errorf("%s: %v", tt.sql, err)
			continue
		}
		if tt.want != nil && !slices.Equal(rows, tt.want) {
			t.Errorf("%s\n got %q\nwant %q", tt.sql, rows, tt.want)
		}
		if tt.listed < 0 {
			continue
		}
		if read := int(stats.Partitions - stats.PartitionsPruned); read != tt.listed {
			t.Errorf("%s: %d partitions read of %d, want %d", tt.sql, read, stats.Partitions, tt.listed)
		}
		if got := len(h.files.take()); got != min(tt.listed, total) {
			t.Errorf("%s: %d folders listed, want %d", tt.sql, got, min(tt.listed, total))
		}
	}
}

// Old files lack columns and fields, have others, narrower types, other
// spellings and another order.
func TestEvolvedSchemas(t *testing.T) {
	h := newHouse(t, nil)
	name := lake.TableName{Database: "d", Table: "t"}
	columns := func(text string) []lake.Column {
		typ, err := lake.ParseType("struct<" + text + ">")
		check(t, err)
		return typ.Fields
	}
	h.catalog.put(lake.Table{
		Name: name, Location: h.store.URI("d/t") + "/",
		Columns:       columns("id:bigint,s:struct<a:bigint,b:string,c:struct<d:double>>,l:array<struct<x:int,y:string>>,m:map<string,string>,ts:timestamp,file_index:string,filename:string"),
		PartitionKeys: columns("v:int,note:string"),
	})
	for v, sql := range []string{
		"SELECT 1::integer AS id, {'a': 1::integer} AS s",
		"SELECT [{'x': 5}] AS l, 2::bigint AS \"ID\", {'b': 'bb', 'a': 2, 'zz': 0} AS s, 'gone' AS dropped",
		"SELECT 3 AS id, {'a': 3, 'b': 'b', 'c': {'d': 0.5::double}} AS s, map{'k': 'v'} AS m, timestamp '2026-01-01 00:00:00' AS ts, 'fi' AS file_index",
		"SELECT 4 AS id, timestamptz '2026-01-01 02:00:00+02' AS ts, 'fn' AS filename",
	} {
		h.parquet(fmt.Sprintf("d/t/v=%d/f.parquet", v), sql)
		h.catalog.addPartition(name, lake.Partition{Values: []string{fmt.Sprint(v), lake.NullPartition}, Location: h.store.URI(fmt.Sprintf("d/t/v=%d", v)) + "/"})
	}
	h.want("SELECT id, s, l, m, ts, v, note, file_index, filename FROM d.t ORDER BY id",
		`1|{"a":1,"b":null,"c":null}|null|null|null|0|null|null|null`,
		`2|{"a":2,"b":"bb","c":null}|[{"x":5,"y":null}]|null|null|1|null|null|null`,
		`3|{"a":3,"b":"b","c":{"d":0.5}}|null|{"k":"v"}|"2026-01-01 00:00:00.000"|2|null|"fi"|null`,
		`4|null|null|null|"2026-01-01 00:00:00.000"|3|null|null|"fn"`)
	h.want("SELECT id FROM d.t WHERE s.c.d > 0.1", "3")
	h.want("SELECT sum(v), count(note) FROM d.t WHERE v > 1", "5|0")
	h.want("SELECT count(*) FROM d.t WHERE ts = timestamp '2026-01-01 00:00:00'", "2")
	h.want("SELECT id FROM d.t WHERE ts >= '2026-01-01' AND ts < date '2026-01-02' AND v = 3", "4")
	h.want("SELECT typeof(ts), typeof(v) FROM d.t LIMIT 1", `"TIMESTAMP"|"INTEGER"`)
}

// Files whose names begin with _ or ., and empty ones, are passed over; files
// of others are read.
func TestForeignFiles(t *testing.T) {
	h := newHouse(t, nil)
	id := lake.Column{Name: "id", Type: lake.Bigint}
	h.catalog.put(lake.Table{Name: lake.TableName{Database: "d", Table: "flat"}, Location: h.store.URI("d/flat") + "/", Columns: []lake.Column{id}})
	h.want("SELECT count(*), sum(id) FROM d.flat", "0|null")
	h.want("SELECT * FROM d.flat")
	for i, name := range []string{"part-0.parquet", "sub/part's 1", "_temporary/x.parquet", ".hidden.parquet", "_SUCCESS.parquet"} {
		h.parquet("d/flat/"+name, fmt.Sprintf("SELECT %d AS id", i+1))
	}
	check(t, h.store.Put(t.Context(), "d/flat/empty.parquet", strings.NewReader(""), 0))
	stats := h.want("SELECT count(*), sum(id) FROM d.flat", "2|3")
	if stats.Files != 2 || stats.Bytes == 0 || stats.Partitions != 0 {
		t.Errorf("statistics %+v", stats)
	}
}

// The many-partition form of a relation gives the same answers.
func TestManyPartitions(t *testing.T) {
	h := newHouse(t, nil)
	name := lake.TableName{Database: "d", Table: "many"}
	h.catalog.put(lake.Table{Name: name, Location: h.store.URI("d/many") + "/", Columns: []lake.Column{{Name: "id", Type: lake.Bigint}},
		PartitionKeys: []lake.Column{{Name: "k", Type: lake.String}, {Name: "n", Type: lake.Int}}})
	for i := range 100 {
		values := []string{fmt.Sprintf("it's %02d", i), fmt.Sprint(i)}
		if i == 7 {
			values[0] = lake.NullPartition
		}
		if i == 8 {
			values[1] = "eight"
		}
		dir := fmt.Sprintf("d/many/p%d", i)
		for f := range 1 + i%2 {
			h.parquet(fmt.Sprintf("%s/%d.parquet", dir, f), fmt.Sprintf("SELECT %d AS id", i))
		}
		h.catalog.addPartition(name, lake.Partition{Values: values, Location: h.store.URI(dir) + "/"})
	}
	h.want("SELECT count(*), count(k), count(n), sum(id - n) FROM d.many", "150|148|149|0")
	h.want("SELECT count(*) FROM d.many WHERE k = 'it''s ' || lpad(id::varchar, 2, '0')", "148")
	h.want("SELECT id FROM d.many WHERE k IS NULL", "7", "7")
	h.want("SELECT id, k FROM d.many WHERE n IS NULL", `8|"it's 08"`)
	h.want("SELECT k, count(*) FROM d.many WHERE n BETWEEN 10 AND 12 GROUP BY k ORDER BY k", `"it's 10"|1`, `"it's 11"|2`, `"it's 12"|1`)
}

func TestUnknownTables(t *testing.T) {
	h := shopHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	for sql, part := range map[string]string{
		"SELECT * FROM shop.purchase":                 "did you mean shop.purchases?",
		"SELECT *\nFROM purchases":                    "there is no table default.purchases; did you mean shop.purchases?\nline 2: FROM purchases\n             ^",
		"SELECT * FROM other.lake.purchases":          "there is no table other.lake.purchases",
		"SELECT * FROM zzz":                           "SHOW TABLES",
		"SHOW PARTITIONS nothing":                     "there is no table default.nothing",
		"SHOW TABLES IN shoop":                        "did you mean shop",
		"SELECT * FROM information_schema.nope":       "there is no table",
		"WITH a AS (SELECT * FROM a) SELECT 1 FROM a": "there is no table default.a",
	} {
		_, _, err := h.query(sql)
		var fault *query.Error
		if !errors.As(err, &fault) || fault.Code != query.CodeNotFound || !strings.Contains(fault.Message, part) {
			t.Errorf("%s: error %v, want %q", sql, err, part)
		}
	}
	rows, _, err := h.queryIn("shop", "SELECT id FROM Purchases")
	if err != nil || !slices.Equal(rows, []string{"1"}) {
		t.Errorf("%q, %v", rows, err)
	}
}

func TestCommands(t *testing.T) {
	h := shopHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	h.deliver("purchases")
	h.post("purchases", purchase(2, 2, "a/b"))
	h.post("clicks", `{"x":1}`)
	h.want("SHOW DATABASES;", `"default"`, `"shop"`)
	h.want("show schemas", `"default"`, `"shop"`)
	h.want("SHOW TABLES", `"clicks"`)
	h.want("-- all of them\nSHOW TABLES IN shop", `"purchases"`)
	h.want("SHOW PARTITIONS shop.purchases", `"dt=2026-01-01/country=DE"`, `"dt=2026-01-02/country=a%2Fb"`)
	h.want(`SHOW COLUMNS FROM "shop"."purchases"`, `"id"|"bigint"|""`, `"ts"|"timestamp"|""`, `"item"|"row(sku varchar,price double)"|""`,
		`"dt"|"varchar"|"partition key"`, `"country"|"varchar"|"partition key"`)
	h.want("DESCRIBE clicks", `"x"|"bigint"|""`, `"dt"|"varchar"|"partition key"`)
	h.want("SELECT * FROM clicks", `1|"2026-01-31"`)
}

func TestErrorsPointToTheStatement(t *testing.T) {
	h := shopHouse(t)
	h.post("purchases", purchase(1, 1, "DE"))
	tests := []struct {
		sql  string
		code query.Code
		want string
	}{
		{"SELEC 1", query.CodeSyntax, "line 1: SELEC 1\n        ^"},
		{"SELECT 1 FROM\n  WHERE x", query.CodeSyntax, "line 2:   WHERE x\n          ^"},
		{"", query.CodeSyntax, "empty"},
		{"SELECT id,\n nope FROM shop.purchases", query.CodeInvalid, "line 2:  nope FROM shop.purchases\n         ^"},
		{"SELECT nofunction(id) FROM shop.purchases", query.CodeInvalid, "nofunction"},
		{"SELECT 'x'::int + id FROM shop.purchases", query.CodeInvalid, "Could not convert"},
		{"SELECT ?", query.CodeForbidden, "parameters"},
		{"SELECT 1; SELECT 2", query.CodeForbidden, "2 statements"},
	}
	for _, tt := range tests {
		_, _, err := h.query(tt.sql)
		var fault *query.Error
		if !errors.As(err, &fault) || fault.Code != tt.code || !strings.Contains(fault.Message, tt.want) {
			t.Errorf("%s: %v, want %s: %s", tt.sql, err, tt.code, tt.want)
		}
	}
}

// Null partitions are null while they are live too, and strict streams keep
// misfits out.
func TestLiveEdges(t *testing.T) {
	h := newHouse(t, map[string]configs.Stream{
		"s": {Table: "d.strict", PartitionBy: []string{"k=k"}, Columns: map[string]lake.ColumnSpec{"v": {Type: "bigint"}}, Strict: true},
		"r": {Table: "d.loose", PartitionBy: []string{"k=k"}, Columns: map[string]lake.ColumnSpec{"v": {Type: "bigint"}}},
	})
	for _, stream := range []string{"s", "r"} {
		h.post(stream, `{"k":null,"v":1}`, `{"k":"a","v":2}`, `{"k":"a","v":"three"}`)
	}
	for range 2 {
		h.want("SELECT k, v FROM d.strict ORDER BY v", `null|1`, `"a"|2`)
		h.want("SELECT v FROM d.strict WHERE k IS NULL", "1")
		h.want("SELECT k, v, _rescued['v'] FROM d.loose ORDER BY v NULLS LAST", `null|1|null`, `"a"|2|null`, `"a"|null|"\"three\""`)
		h.deliver("s")
		h.deliver("r")
	}
}

// A batch keeps the rules it was sealed with.
func TestSealedRulesHold(t *testing.T) {
	streams := map[string]configs.Stream{"s": {Table: "d.old", PartitionBy: []string{"k=k"}}}
	h := newHouse(t, streams)
	h.post("s", `{"k":"a","v":1}`)
	h.seal("s")
	streams["s"] = configs.Stream{Table: "d.new", PartitionBy: []string{"k=k"}}
	h.post("s", `{"k":"b","v":2}`)
	h.want("SELECT v FROM d.old", "1")
	h.want("SELECT v FROM d.new", "2")
	h.want("SHOW TABLES IN d", `"new"`, `"old"`)
}
