package convert_test

import (
	"fmt"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
)

// Past MaxDepth what is nested deeper is JSON text in a string column, marked.
func TestDepthLimit(t *testing.T) {
	nested := func(n int, leaf string) string {
		return strings.Repeat(`{"d":`, n) + leaf + strings.Repeat("}", n)
	}
	const below = `{"x":[1,"1"],"y":1.50}`
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1, nested(convert.MaxDepth, below), nested(convert.MaxDepth-1, `{"d":"text"}`))})
	typ := "string"
	for range convert.MaxDepth - 1 {
		typ = "struct<d:" + typ + ">"
	}
	if got, want := specOf(res.Columns), "d:"+typ+",_rescued:map<string,string>"; got != want {
		t.Fatalf("columns %s\nwant    %s", got, want)
	}
	rows := parquetRows(t, res.Files[0].Path, res.Columns)
	for i, want := range []string{below, "text"} {
		var v any = rows[i]
		for range convert.MaxDepth {
			v = v.(map[string]any)["d"]
		}
		if v != want {
			t.Errorf("row %d: %v, want %s", i, v, want)
		}
	}
	path := strings.TrimPrefix(strings.Repeat(".d", convert.MaxDepth), ".")
	if m, _ := rows[0][lake.RescuedColumn].(map[string]any); m[path] != below || rows[1][lake.RescuedColumn] != nil || res.Rescued != 0 {
		t.Errorf("rescued %v, then %v, %d counted", m, rows[1][lake.RescuedColumn], res.Rescued)
	}
}

// Past MaxColumns a value whose column would be new is rescued: within structs and
// arrays too, and what fits the columns there are goes into them.
func TestColumnLimit(t *testing.T) {
	var wide strings.Builder
	for i := range convert.MaxColumns + 100 {
		fmt.Fprintf(&wide, `,"c%d":%d`, i, i)
	}
	records := []string{"{" + wide.String()[1:] + "}", `{"c1":-1,"new":[{"a":1}],"c2":"x","more":null,"none":{}}`}
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1, records...)})
	if got := len(res.Columns); got != convert.MaxColumns+1 || res.Rescued != 102 || res.Columns[2].Type.Kind != lake.KindString {
		t.Fatalf("%d columns, %d rescued, c2 %s", got, res.Rescued, res.Columns[2].Type)
	}
	rows := parquetRows(t, res.Files[0].Path, res.Columns)
	for i, want := range records {
		checkRow(t, res.Columns, rows[i], []byte(want))
	}
	last := fmt.Sprint("c", convert.MaxColumns+99)
	if m := rows[0][lake.RescuedColumn].(map[string]any); m[last] != last[1:] || m["c2"] != "2" {
		t.Errorf("%s: %v", last, m[last])
	}
	if m := rows[1][lake.RescuedColumn].(map[string]any); m["new"] != `[{"a":1}]` || m["none"] != "{}" || rows[1]["c1"] != int64(-1) {
		t.Errorf("%v", m)
	}
}

// Known structs, in arrays too, grow at their end, and in no other way.
func TestStructsGrowAtTheEnd(t *testing.T) {
	known := columnsOf(t, "s:struct<b:bigint,a:string>,l:array<struct<p:bigint>>,m:map<string,struct<x:bigint>>,ll:array<array<struct<q:double>>>")
	res := convertJob(t, convert.Config{}, convert.Job{Columns: known, Blocks: blocksOf(1,
		`{"s":{"z":1,"a":"x","y":{"k":true}},"l":[{"o":1,"p":2},{"r":[1.5]}],"m":{"k":{"x":1,"y":2}},"ll":[[{"q":1,"r":"t"}]],"first":0}`,
		`{"s":{"b":"no","z":2.5},"l":[{"p":[1]}]}`)})
	want := "s:struct<b:bigint,a:string,z:double,y:struct<k:boolean>>,l:array<struct<p:bigint,o:bigint,r:array<double>>>,m:map<string,struct<x:bigint>>," +
		"ll:array<array<struct<q:double,r:string>>>,first:bigint,_rescued:map<string,string>"
	if got := specOf(res.Columns); got != want {
		t.Errorf("columns %s\nwant    %s", got, want)
	}
	sameJSON(t, readRows(t, res.Files[0].Path), []string{
		`{"s":{"b":null,"a":"x","z":1.0,"y":{"k":true}},"l":[{"p":2,"o":1,"r":null},{"p":null,"o":null,"r":[1.5]}],"m":{"k":{"x":1}},"ll":[[{"q":1.0,"r":"t"}]],"first":0,"_rescued":{"m.k.y":"2"}}`,
		`{"s":{"b":null,"a":null,"z":2.5,"y":null},"l":[{"p":null,"o":null,"r":null}],"m":null,"ll":null,"first":null,"_rescued":{"s.b":"\"no\"","l[0].p":"[1]"}}`,
	})
}

// A column keeps the type that the catalog has for it, whatever a later batch
// brings.
func TestLaterBatchesAreRescued(t *testing.T) {
	first := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1, `{"v":1}`)})
	later := convertJob(t, convert.Config{}, convert.Job{Columns: first.Columns, Blocks: blocksOf(1,
		`{"v":2.5}`, `{"v":"x"}`, `{"v":{"a":1}}`, `{"v":[1]}`, `{"v":true}`, `{"v":9223372036854775808}`, `{"v":-0}`, `{"v":2.0}`, `{"v":{}}`, `{"v":[]}`)})
	if got, want := specOf(later.Columns), "v:bigint,_rescued:map<string,string>"; got != want || later.Rescued != 9 {
		t.Errorf("columns %s, want %s, %d rescued", got, want, later.Rescued)
	}
	sameJSON(t, readRows(t, later.Files[0].Path), []string{
		`{"v":null,"_rescued":{"v":"2.5"}}`, `{"v":null,"_rescued":{"v":"\"x\""}}`, `{"v":null,"_rescued":{"v":"{\"a\":1}"}}`, `{"v":null,"_rescued":{"v":"[1]"}}`, `{"v":null,"_rescued":{"v":"true"}}`,
		`{"v":null,"_rescued":{"v":"9223372036854775808"}}`, `{"v":null,"_rescued":{"v":"-0"}}`, `{"v":2,"_rescued":null}`, `{"v":null,"_rescued":{"v":"{}"}}`, `{"v":null,"_rescued":{"v":"[]"}}`})
}

// A key given very often costs what as many keys do: each value but the first is rescued
// under a number of its own. (Counting from 2 for each took minutes for one such record.)
func TestKeyGivenVeryOften(t *testing.T) {
	const n = 50_000
	var again strings.Builder
	for i := range n {
		fmt.Fprintf(&again, `,"k":%d`, i)
	}
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1, "{"+again.String()[1:]+`,"k#3":"x"}`)})
	row := parquetRows(t, res.Files[0].Path, res.Columns)[0]
	rescued := row[lake.RescuedColumn].(map[string]any)
	if row["k"] != int64(0) || len(rescued) != n-1 || rescued["k#2"] != "1" || rescued[fmt.Sprint("k#", n)] != fmt.Sprint(n-1) {
		t.Errorf("k is %v, %d values are rescued, the first %v, the last %v", row["k"], len(rescued), rescued["k#2"], rescued[fmt.Sprint("k#", n)])
	}
	if row["k_3"] != "x" {
		t.Errorf("k#3 is %v", row["k_3"])
	}
}
