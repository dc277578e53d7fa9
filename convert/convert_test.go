package convert_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/partitioner"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
)

var arrival = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// blocksOf makes blocks of at most n records each.
func blocksOf(n int, records ...string) lake.Blocks {
	return func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) {
			for i := 0; i < len(records); i += n {
				part := records[i:min(i+n, len(records))]
				if !yield(lake.Block{Data: []byte(strings.Join(part, "\n") + "\n"), Records: len(part), Arrival: arrival}, nil) {
					return
				}
			}
		}
	}
}

func columnsOf(t testing.TB, spec string) []lake.Column {
	t.Helper()
	if spec == "" {
		return nil
	}
	typ, err := lake.ParseType("struct<" + spec + ">")
	if err != nil {
		t.Fatal(err)
	}
	return typ.Fields
}

func specOf(columns []lake.Column) string {
	if len(columns) == 0 {
		return ""
	}
	s := lake.StructOf(columns...).String()
	return s[len("struct<") : len(s)-1]
}

func convertJob(t testing.TB, cfg convert.Config, job convert.Job) convert.Result {
	t.Helper()
	c, err := convert.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if job.Dir == "" {
		job.Dir = t.TempDir()
	}
	res, err := c.Convert(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func rulesOf(t testing.TB, specs ...string) *partitioner.Rules {
	t.Helper()
	rules, err := partitioner.Parse(specs)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func openDuckDB(t testing.TB) *sql.DB {
	t.Helper()
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Exec("SET TimeZone='UTC'"); err != nil {
		t.Fatal(err)
	}
	return db
}

// readRows reads a file back with DuckDB, a JSON object a row.
func readRows(t testing.TB, path string) []string {
	t.Helper()
	rows, err := openDuckDB(t).Query(fmt.Sprintf("SELECT to_json(row_)::VARCHAR FROM read_parquet('%s', file_row_number=false) row_", path))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameJSON compares rows by value.
func sameJSON(t *testing.T, got, want []string) {
	t.Helper()
	parse := func(in []string) (out []any) {
		for _, s := range in {
			var v any
			d := json.NewDecoder(strings.NewReader(s))
			d.UseNumber()
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			out = append(out, v)
		}
		return out
	}
	if diff := cmp.Diff(parse(want), parse(got)); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s\ngot %s", diff, got)
	}
}

func TestInferAndRead(t *testing.T) {
	deep := strings.Repeat(`{"d":`, 20) + "1" + strings.Repeat("}", 20)
	for _, tc := range []struct {
		name    string
		columns string // known
		records []string
		want    string // columns
		rows    []string
	}{
		{"scalars", "", []string{`{"b":true,"i":1,"d":1.5,"s":"x","t":"2026-01-31T12:00:00.123456+01:00","n":null}`, `{"i":-7,"b":false}`},
			"b:boolean,i:bigint,d:double,s:string,t:timestamp",
			[]string{`{"b":true,"i":1,"d":1.5,"s":"x","t":"2026-01-31 11:00:00.123456+00"}`, `{"b":false,"i":-7,"d":null,"s":null,"t":null}`}},
		{"nested", "", []string{`{"a":{"x":1,"y":{"z":"q"}},"l":[1,2,3],"o":[{"p":1},{"p":2,"q":[true]}]}`, `{"a":{"x":2}}`, `{"l":[],"o":[null,{}]}`, `{"a":{}}`},
			"a:struct<x:bigint,y:struct<z:string>>,l:array<bigint>,o:array<struct<p:bigint,q:array<boolean>>>",
			[]string{`{"a":{"x":1,"y":{"z":"q"}},"l":[1,2,3],"o":[{"p":1,"q":null},{"p":2,"q":[true]}]}`, `{"a":{"x":2,"y":null},"l":null,"o":null}`,
				`{"a":null,"l":[],"o":[null,{"p":null,"q":null}]}`, `{"a":{"x":null,"y":null},"l":null,"o":null}`}},
		{"lists of lists", "", []string{`{"m":[[1],[],null,[2,3]]}`, `{"m":null}`, `{"m":[]}`, `{"m":[[]]}`}, "m:array<array<bigint>>",
			[]string{`{"m":[[1],[],null,[2,3]]}`, `{"m":null}`, `{"m":[]}`, `{"m":[[]]}`}},
		{"integer then fraction", "", []string{`{"v":1}`, `{"v":2.5}`}, "v:double", []string{`{"v":1.0}`, `{"v":2.5}`}},
		{"integer then string", "", []string{`{"v":1}`, `{"v":"x"}`}, "v:string,_rescued:map<string,string>", []string{`{"v":"1","_rescued":{"v":"1"}}`, `{"v":"x","_rescued":null}`}},
		{"integer then object", "", []string{`{"v":1}`, `{"v":{"a":[1]}}`}, "v:string,_rescued:map<string,string>", []string{`{"v":"1","_rescued":{"v":"1"}}`, `{"v":"{\"a\":[1]}","_rescued":{"v":"{\"a\":[1]}"}}`}},
		{"integer then array", "", []string{`{"v":1}`, `{"v":[true]}`, `{"v":false}`}, "v:string,_rescued:map<string,string>",
			[]string{`{"v":"1","_rescued":{"v":"1"}}`, `{"v":"[true]","_rescued":{"v":"[true]"}}`, `{"v":"false","_rescued":{"v":"false"}}`}},
		{"struct then array", "", []string{`{"v":{"a":1}}`, `{"v":[1]}`}, "v:string,_rescued:map<string,string>",
			[]string{`{"v":"{\"a\":1}","_rescued":{"v":"{\"a\":1}"}}`, `{"v":"[1]","_rescued":{"v":"[1]"}}`}},
		{"timestamps", "", []string{`{"t":"2026-01-31T23:30:00.1234567-01:00"}`, `{"t":"0001-01-01T00:00:00Z"}`, `{"t":"2024-02-29T24:00:00Z","u":"2026-01-31T12:00:00z"}`}, "t:string,u:string",
			[]string{`{"t":"2026-01-31T23:30:00.1234567-01:00","u":null}`, `{"t":"0001-01-01T00:00:00Z","u":null}`, `{"t":"2024-02-29T24:00:00Z","u":"2026-01-31T12:00:00z"}`}},
		{"timestamps with offsets", "", []string{`{"t":"2026-01-31T23:30:00.1234567-01:00"}`, `{"t":"2026-01-31T05:45:00+05:45"}`}, "t:timestamp",
			[]string{`{"t":"2026-02-01 00:30:00.123456+00"}`, `{"t":"2026-01-31 00:00:00+00"}`}},
		{"big integers", "", []string{`{"v":9223372036854775807}`, `{"v":-9223372036854775808}`}, "v:bigint", []string{`{"v":9223372036854775807}`, `{"v":-9223372036854775808}`}},
		{"bigger integers", "", []string{`{"v":1}`, `{"v":9223372036854775808}`}, "v:string,_rescued:map<string,string>", []string{`{"v":"1","_rescued":{"v":"1"}}`, `{"v":"9223372036854775808","_rescued":{"v":"9223372036854775808"}}`}},
		{"inexact next to fraction", "", []string{`{"v":0.5}`, `{"v":9007199254740993}`}, "v:string,_rescued:map<string,string>", []string{`{"v":"0.5","_rescued":{"v":"0.5"}}`, `{"v":"9007199254740993","_rescued":{"v":"9007199254740993"}}`}},
		{"long decimals", "", []string{`{"v":0.1234567890123456789}`}, "v:string,_rescued:map<string,string>", []string{`{"v":"0.1234567890123456789","_rescued":{"v":"0.1234567890123456789"}}`}},
		{"overflow", "", []string{`{"v":1e400}`}, "v:string,_rescued:map<string,string>", []string{`{"v":"1e400","_rescued":{"v":"1e400"}}`}},
		{"minus zero", "", []string{`{"v":-0}`}, "v:double", []string{`{"v":-0.0}`}},
		{"timestamps and other strings", "", []string{`{"t":"2026-01-31T12:00:00Z"}`, `{"t":"soon"}`}, "t:string", []string{`{"t":"2026-01-31T12:00:00Z"}`, `{"t":"soon"}`}},
		{"mixed array", "", []string{`{"l":[1,"a",{"x":1},null]}`}, "l:array<string>,_rescued:map<string,string>", []string{`{"l":["1","a","{\"x\":1}",null],"_rescued":{"l":"[1,\"a\",{\"x\":1},null]"}}`}},
		{"escapes", "", []string{`{"s":"a\u00e9\n\"\u0000\ud800","k\u00e9y":1}`}, "s:string,k_y:bigint,_rescued:map<string,string>", []string{`{"s":"aé\n\"\u0000\ufffd","k_y":1,"_rescued":{"s":"\"a\\u00e9\\n\\\"\\u0000\\ud800\""}}`}},
		{"clean names", "", []string{`{"User Id":1,"a.b":2,"$c":3,"D-e":4,"":5}`}, "user_id:bigint,a_b:bigint,_c:bigint,d_e:bigint,_:bigint", []string{`{"user_id":1,"a_b":2,"_c":3,"d_e":4,"_":5}`}},
		{"keys that meet", "", []string{`{"A":1,"a":2}`, `{"a":3}`}, "a:bigint,_rescued:map<string,string>", []string{`{"a":1,"_rescued":{"a#2":"2"}}`, `{"a":3,"_rescued":null}`}},
		{"keys twice", "", []string{`{"a":1,"a":2,"a":3}`}, "a:bigint,_rescued:map<string,string>", []string{`{"a":1,"_rescued":{"a#2":"2","a#3":"3"}}`}},
		{"empty makes no column", "", []string{`{"a":1,"e":{},"f":[],"g":null,"h":[null],"i":{"j":null}}`}, "a:bigint,_rescued:map<string,string>",
			[]string{`{"a":1,"_rescued":{"e":"{}","f":"[]","h":"[null]","i":"{\"j\":null}"}}`}},
		{"catalog wins", "v:bigint,w:string,s:struct<a:bigint>", []string{`{"v":"x","w":5,"s":{"a":1.5,"b":true}}`, `{"v":2.5,"s":[1]}`, `{"v":3.0}`},
			"v:bigint,w:string,s:struct<a:bigint,b:boolean>,_rescued:map<string,string>",
			[]string{`{"v":null,"w":"5","s":{"a":null,"b":true},"_rescued":{"v":"\"x\"","w":"5","s.a":"1.5"}}`, `{"v":null,"w":null,"s":null,"_rescued":{"v":"2.5","s":"[1]"}}`, `{"v":3,"w":null,"s":null,"_rescued":null}`}},
		{"catalog types", "i:int,t:tinyint,f:float,dt:date,dec:decimal(10,2),m:map<string,bigint>,b:binary", []string{
			`{"i":5,"t":-128,"f":0.5,"dt":"2026-01-31","dec":12.34,"m":{"k":1,"l":null},"b":"xy"}`,
			`{"i":3000000000,"t":128,"f":0.123456789,"dt":"soon","dec":1.005,"m":{"k":"v"}}`},
			"i:int,t:tinyint,f:float,dt:date,dec:decimal(10,2),m:map<string,bigint>,b:binary,_rescued:map<string,string>",
			[]string{`{"i":5,"t":-128,"f":0.5,"dt":"2026-01-31","dec":12.34,"m":{"k":1,"l":null},"b":"xy","_rescued":null}`,
				`{"i":null,"t":null,"f":null,"dt":null,"dec":null,"m":{"k":null},"b":null,"_rescued":{"i":"3000000000","t":"128","f":"0.123456789","dt":"\"soon\"","dec":"1.005","m.k":"\"v\""}}`}},
		{"rescued paths", "l:array<struct<p:bigint>>", []string{`{"l":[{"p":1},{"p":"x"}]}`}, "l:array<struct<p:bigint>>,_rescued:map<string,string>",
			[]string{`{"l":[{"p":1},{"p":null}],"_rescued":{"l[1].p":"\"x\""}}`}},
		{"a field called _rescued", "", []string{`{"a":1,"_rescued":{"x":1}}`}, "a:bigint,_rescued:map<string,string>", []string{`{"a":1,"_rescued":{"_rescued":"{\"x\":1}"}}`}},
		{"deep", "", []string{`{"a":` + deep + `}`}, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, threads := range []int{1, 2} {
				res := convertJob(t, convert.Config{Threads: threads}, convert.Job{Blocks: blocksOf(1, tc.records...), Columns: columnsOf(t, tc.columns)})
				if res.Rows != int64(len(tc.records)) || len(res.Files) != 1 || res.Failed != 0 {
					t.Fatalf("result %+v", res)
				}
				if tc.want != "" {
					if got := specOf(res.Columns); got != tc.want {
						t.Errorf("columns %s\nwant    %s", got, tc.want)
					}
					sameJSON(t, readRows(t, res.Files[0].Path), tc.rows)
				}
				if f := res.Files[0]; f.Partition != "dt=2026-01-31" || f.Rows != int64(len(tc.records)) {
					t.Errorf("file %+v", f)
				}
			}
		})
	}
}

// A type that only the end of the input shows, after row groups have been
// written, is the type of the whole column all the same.
func TestSurpriseAfterTheSample(t *testing.T) {
	var records []string
	for i := range 60_000 {
		records = append(records, fmt.Sprintf(`{"v":%d,"pad":"%030d"}`, i, i))
	}
	records = append(records, `{"v":0.5}`, `{"late":{"x":1}}`, `{"wide":{`+keys(300)+`}}`)
	res := convertJob(t, convert.Config{RowGroup: 1 << 18, Memory: 1 << 20}, convert.Job{Blocks: blocksOf(100, records...)})
	if got, want := specOf(res.Columns), "v:double,pad:string,late:struct<x:bigint>,wide:map<string,string>,_rescued:map<string,string>"; got != want {
		t.Fatalf("columns %s, want %s", got, want)
	}
	var n, m int
	var sum float64
	q := fmt.Sprintf("SELECT count(*), sum(v), max(cardinality(wide)) FROM '%s'", res.Files[0].Path)
	if err := openDuckDB(t).QueryRow(q).Scan(&n, &sum, &m); err != nil {
		t.Fatal(err)
	}
	if n != len(records) || sum != 60_000*59_999/2+0.5 || m != 300 {
		t.Errorf("got %d rows, sum %v, %d keys", n, sum, m)
	}
}

func keys(n int) string {
	var parts []string
	for i := range n {
		parts = append(parts, fmt.Sprintf(`"k%d":%d`, i, i))
	}
	return strings.Join(parts, ",")
}

func TestPartitions(t *testing.T) {
	var records []string
	for i := range 5000 {
		records = append(records, fmt.Sprintf(`{"id":%d,"country":"c%d","at":%d}`, i, i%700, 1767225600+i*60))
	}
	records = append(records, `{"id":5000}`, `{"id":5001,"country":"a/b=c d"}`, `{"id":5002,"country":{"x":1}}`, `{"id":5003,"country":""}`)
	res := convertJob(t, convert.Config{Memory: 1 << 20, RowGroup: 1 << 14}, convert.Job{Blocks: blocksOf(64, records...), Rules: rulesOf(t, "country=country", "day=day(at)")})
	if got, want := specOf(res.Columns), "id:bigint,at:bigint,_rescued:map<string,string>"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
	var rows int64
	for i, f := range res.Files {
		rows += f.Rows
		if i > 0 && res.Files[i-1].Partition >= f.Partition {
			t.Errorf("files out of order at %s", f.Partition)
		}
	}
	if rows != int64(len(records)) || res.Rows != rows {
		t.Errorf("%d rows in files, %d in the result, want %d", rows, res.Rows, len(records))
	}
	byPath := map[string]convert.File{}
	for _, f := range res.Files {
		byPath[f.Partition] = f
	}
	escaped := byPath["country=a%2Fb%3Dc d/day=__HIVE_DEFAULT_PARTITION__"]
	if escaped.Rows != 1 || escaped.Values[0] != "a/b=c d" || escaped.Values[1] != lake.NullPartition {
		t.Errorf("escaped partition %+v", escaped)
	}
	sameJSON(t, readRows(t, byPath["country=__HIVE_DEFAULT_PARTITION__/day=__HIVE_DEFAULT_PARTITION__"].Path), []string{
		`{"id":5000,"at":null,"_rescued":null}`, `{"id":5002,"at":null,"_rescued":{"country":"{\"x\":1}"}}`, `{"id":5003,"at":null,"_rescued":{"country":"\"\""}}`})
}

func TestPartitionKeyOfAnotherMeaning(t *testing.T) {
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1, `{"day":"Monday","at":0}`), Rules: rulesOf(t, "day=day(at)")})
	sameJSON(t, readRows(t, res.Files[0].Path), []string{`{"at":0,"_rescued":{"day":"\"Monday\""}}`})
}

func TestFailures(t *testing.T) {
	records := []string{`{"a":1}`, `{"a":`, `{"a":2}`, `[1]`, "{\"a\":\"\xff\"}", `{"a":3}x`}
	// What a receiver kept aside: it may hold newlines, or come after an object.
	aside := []string{"{\n \"a\":", "plain\ntext\n", `{"a":4}]`, `  x`}
	for _, raw := range aside {
		records = append(records, string(lake.AppendMalformed(nil, []byte(raw))))
	}
	attempt := arrival.Add(time.Hour)
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(2, records...), Attempt: attempt})
	if res.Rows != 2 || res.Failed != 8 {
		t.Fatalf("result %+v", res)
	}
	doc, err := os.ReadFile(res.Failures)
	if err != nil {
		t.Fatal(err)
	}
	var raws, reasons []string
	for _, line := range strings.Split(strings.TrimSpace(string(doc)), "\n") {
		var f struct {
			RawData          []byte
			LastErrorMessage string
			ArrivalTimestamp int64
			AttemptEnding    int64 `json:"attemptEndingTimestamp"`
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		if f.LastErrorMessage == "" || f.ArrivalTimestamp != arrival.UnixMilli() || f.AttemptEnding != attempt.UnixMilli() {
			t.Errorf("failure %s", line)
		}
		raws = append(raws, string(f.RawData))
		reasons = append(reasons, f.LastErrorMessage)
	}
	if want := "expected the end of the record at byte 7"; reasons[3] != want {
		t.Errorf("reason %q, want %q: counted from the record's beginning", reasons[3], want)
	}
	again := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(3, records...), Attempt: attempt})
	if second, err := os.ReadFile(again.Failures); err != nil || string(second) != string(doc) {
		t.Errorf("the document of the same records is another one: %v\n%s\n%s", err, doc, second)
	}
	want := append([]string{records[1], records[3], records[4], records[5]}, aside...)
	if diff := cmp.Diff(want, raws); diff != "" {
		t.Error(diff)
	}
}

func TestStrict(t *testing.T) {
	declared, err := convert.ParseColumns(map[string]lake.ColumnSpec{"price": {Type: "decimal(10,2)"}, "who.name": {Type: "string"}})
	if err != nil {
		t.Fatal(err)
	}
	res := convertJob(t, convert.Config{}, convert.Job{
		Blocks: blocksOf(1, `{"price":1.5,"who":{"name":"x","age":3}}`, `{"price":"dear"}`), Declared: declared, Strict: true})
	if res.Rows != 1 || res.Failed != 1 {
		t.Errorf("result %+v", res)
	}
	if got, want := specOf(res.Columns), "price:decimal(10,2),who:struct<name:string,age:bigint>"; got != want {
		t.Errorf("columns %s, want %s", got, want)
	}
}

// The same job gives the same bytes, however its blocks are cut and however
// many encoders there are.
func TestDeterminism(t *testing.T) {
	var records []string
	for i := range 20_000 {
		records = append(records, fmt.Sprintf(`{"id":%d,"k":"k%d","o":{"x":[%d,%d]},"d":%d}`, i, i%977, i, i%3, i%5))
	}
	var first []string
	for _, n := range []int{1, 7, 1000} {
		for _, threads := range []int{1, 3} {
			res := convertJob(t, convert.Config{Threads: threads, RowGroup: 1 << 16}, convert.Job{Blocks: blocksOf(n, records...), Rules: rulesOf(t, "d=d")})
			var sums []string
			for _, f := range res.Files {
				b, err := os.ReadFile(f.Path)
				if err != nil {
					t.Fatal(err)
				}
				sums = append(sums, f.Partition, string(b))
			}
			if first == nil {
				first = sums
			} else if diff := cmp.Diff(first, sums); diff != "" {
				t.Fatalf("blocks of %d, %d threads: other bytes", n, threads)
			}
		}
	}
}

func TestBlockErrorEndsTheJob(t *testing.T) {
	c, err := convert.New(convert.Config{})
	if err != nil {
		t.Fatal(err)
	}
	bad := func() iter.Seq2[lake.Block, error] {
		return func(yield func(lake.Block, error) bool) { yield(lake.Block{}, os.ErrClosed) }
	}
	dir := t.TempDir()
	if _, err := c.Convert(context.Background(), convert.Job{Blocks: bad, Dir: dir}); err == nil {
		t.Error("no error")
	}
	left, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Texts of all lengths share a dictionary, many of them a place in its table.
func TestDictionaryOfAllLengths(t *testing.T) {
	var records []string
	var want []map[string]any
	for i := range 100_000 {
		k := i * 7919 % 30_011
		text := strings.Repeat("x", k%61) + strconv.Itoa(k)
		if k%5 == 0 {
			text = fmt.Sprintf("%08x-0000-4000-8000-%012x", k, k)
		}
		records = append(records, fmt.Sprintf(`{"t":"%s"}`, text))
		want = append(want, map[string]any{"t": text})
	}
	columns := columnsOf(t, "t:string")
	res := convertJob(t, convert.Config{Threads: 1}, convert.Job{Blocks: blocksOf(1000, records...), Columns: columns})
	sameRows(t, "parquet-go", want, parquetRows(t, res.Files[0].Path, columns))
}
