package convert_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"

	"github.com/google/go-cmp/cmp"
)

type specs = map[string]lake.ColumnSpec

// declaredJob is a job as the configuration of a stream makes it.
func declaredJob(t testing.TB, columns specs, transform string, records ...string) convert.Job {
	t.Helper()
	declared, err := convert.ParseColumns(columns)
	if err != nil {
		t.Fatal(err)
	}
	rewrite, err := convert.NewRewrite(columns, transform)
	if err != nil {
		t.Fatal(err)
	}
	return convert.Job{Blocks: blocksOf(2, records...), Declared: declared, Rewrite: rewrite}
}

func TestDeclaredForms(t *testing.T) {
	columns := specs{"s": {Type: "timestamp(epoch_seconds)"}, "m": {Type: "timestamp(EPOCH_MILLIS)"}, "u": {Type: "timestamp( epoch_micros )"},
		"l": {Type: "array<timestamp(epoch_seconds)>"}, "o.at": {Type: "timestamp(epoch_millis)"}, "j": {Type: "string(json)"}, "k": {Type: "map<string,string(json)>"},
		"x": {Type: "string(text)"}, "y": {Type: "map<string,string(text)>"}}
	records := []string{
		`{"s":1769860800,"m":1769860800123,"u":1769860800123456,"l":[0,-1.5,null],"o":{"at":1},"j":"5","k":{"a":"x","b":1},"x":5,"y":{"a":"x","b":1}}`,
		`{"s":1769860800.1234567,"m":1.5e3,"u":-0.5,"j":5,"k":{}}`,
		`{"s":-0.0000001,"m":-0.0,"u":0,"j":{"a":[1.50]},"k":{"a":[1]}}`,
		`{"s":"1769860800","m":"2026-01-31T12:00:00Z","u":true,"l":[1e30],"o":{"at":-62135596800001},"j":null}`,
		`{"s":253402300799.999999,"m":253402300800000,"u":1e400,"j":"a\"b"}`,
	}
	want := []string{
		`{"s":"2026-01-31 12:00:00+00","m":"2026-01-31 12:00:00.123+00","u":"2026-01-31 12:00:00.123456+00","l":["1970-01-01 00:00:00+00","1969-12-31 23:59:58.5+00",null],"o":{"at":"1970-01-01 00:00:00.001+00"},"j":"\"5\"","k":{"a":"\"x\"","b":"1"},"x":"5","y":{"a":"x","b":"1"},"_rescued":null}`,
		`{"s":"2026-01-31 12:00:00.123456+00","m":"1970-01-01 00:00:01.5+00","u":"1969-12-31 23:59:59.999999+00","l":null,"o":null,"j":"5","k":{},"x":null,"y":null,"_rescued":null}`,
		`{"s":"1969-12-31 23:59:59.999999+00","m":null,"u":"1970-01-01 00:00:00+00","l":null,"o":null,"j":"{\"a\":[1.50]}","k":{"a":"[1]"},"x":null,"y":null,"_rescued":{"m":"-0.0"}}`,
		`{"s":null,"m":null,"u":null,"l":[null],"o":{"at":null},"j":null,"k":null,"x":null,"y":null,"_rescued":{"s":"\"1769860800\"","m":"\"2026-01-31T12:00:00Z\"","u":"true","l[0]":"1e30","o.at":"-62135596800001"}}`,
		`{"s":"9999-12-31 23:59:59.999999+00","m":null,"u":null,"l":null,"o":null,"j":"\"a\\\"b\"","k":null,"x":null,"y":null,"_rescued":{"m":"253402300800000","u":"1e400"}}`,
	}
	for _, known := range []string{"", "s:timestamp,m:timestamp,u:timestamp,l:array<timestamp>,o:struct<at:timestamp>,j:string,k:map<string,string>,x:string,y:map<string,string>,_rescued:map<string,string>"} {
		job := declaredJob(t, columns, "", records...)
		job.Columns = columnsOf(t, known) // as a catalog gives them back, which knows no forms
		res := convertJob(t, convert.Config{}, job)
		sameJSON(t, readRows(t, res.Files[0].Path), want)
		for _, c := range res.Columns {
			if strings.Contains(c.Type.String(), "epoch") || strings.Contains(c.Type.String(), "json") {
				t.Errorf("%s %s is no type of the catalog", c.Name, c.Type)
			}
		}
	}
}

// The catalog's type wins over a declared one, its form too.
func TestFormOfAnotherType(t *testing.T) {
	job := declaredJob(t, specs{"at": {Type: "timestamp(epoch_seconds)"}}, "", `{"at":1769860800}`)
	job.Columns = columnsOf(t, "at:bigint")
	res := convertJob(t, convert.Config{}, job)
	sameJSON(t, readRows(t, res.Files[0].Path), []string{`{"at":1769860800}`})
}

// With one thread the records of a block are parsed where they stand, and those that
// a rewriter makes stand where the next one is written.
func TestColumnFrom(t *testing.T) {
	for _, threads := range []int{1, 2} {
		t.Run(fmt.Sprint(threads), func(t *testing.T) { columnFrom(t, threads) })
	}
}

func columnFrom(t *testing.T, threads int) {
	columns := specs{"city": {Type: "string", From: "context.geo.city"}, "User": {Type: "string", From: "userId"}, "loc": {Type: "struct<lat:double,lon:double>", From: "context.geo.at"},
		"q": {Type: "bigint", From: `"odd key"."x.y"`}}
	records := []string{
		`{"userId":"u1","context":{"geo":{"city":"Rome","at":{"lat":1.5,"lon":2.5}},"ip":"::1"},"n":1,"odd key":{"x.y":7}}`,
		`{ "context" : { "geo" : { "city" : null } } , "n" : 2 }`,
		`{"context":{"geo":"none"},"city":"mine","n":3}`,
		`{"n":4,"userId":5,"context":{"geo":{"city":"A","city":"B"},"geo":{"city":"C"}}}`,
		`{"user\u0049d":"esc","n":5}`,
		`{}`,
		`{"context":{"geo":{"city":"only"}}}`,
	}
	res := convertJob(t, convert.Config{Threads: threads}, declaredJob(t, columns, "", records...))
	if got, want := specOf(res.Columns), "user:string,city:string,loc:struct<lat:double,lon:double>,q:bigint,context:struct<ip:string,geo:string>,n:bigint,_rescued:map<string,string>"; got != want {
		t.Errorf("columns %s\nwant    %s", got, want)
	}
	none := `"user":null,"city":null,"loc":null,"q":null,"context":null,"n":null,"_rescued":null`
	row := func(changes string) string {
		var row, change map[string]any
		json.Unmarshal([]byte("{"+none+"}"), &row)
		if err := json.Unmarshal([]byte("{"+changes+"}"), &change); err != nil {
			t.Fatal(err)
		}
		for k, v := range change {
			row[k] = v
		}
		b, _ := json.Marshal(row)
		return string(b)
	}
	sameJSON(t, readRows(t, res.Files[0].Path), []string{
		row(`"user":"u1","city":"Rome","loc":{"lat":1.5,"lon":2.5},"q":7,"context":{"ip":"::1","geo":null},"n":1`),
		row(`"n":2`),
		row(`"context":{"ip":null,"geo":"none"},"n":3,"_rescued":{"city#2":"\"mine\""}`),
		row(`"user":"5","city":"A","context":{"ip":null,"geo":"{\"city\":\"B\"}"},"n":4,"_rescued":{"User":"5","context.geo":"{\"city\":\"B\"}","context.geo#2":"{\"city\":\"C\"}"}`),
		row(`"user":"esc","n":5`),
		row(``),
		row(`"city":"only"`),
	})
}

func TestRewriteFaults(t *testing.T) {
	for want, columns := range map[string]specs{
		`column "b": from: column "a" takes x.y already`: {"a": {Type: "int", From: "x.y"}, "b": {Type: "int", From: "x"}},
		`column "a": from: "day(x)" is not the path`:     {"a": {Type: "int", From: "day(x)"}},
		`field path "x..y"`:                              {"a": {Type: "int", From: "x..y"}},
	} {
		if _, err := convert.NewRewrite(columns, ""); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want %s", err, want)
		}
	}
	if _, err := convert.NewRewrite(nil, ".a = now"); err == nil || !strings.Contains(err.Error(), "transform: now cannot be used") {
		t.Error(err)
	}
	if w, err := convert.NewRewrite(specs{"a": {Type: "int"}}, " \n"); w != nil || err != nil {
		t.Errorf("%v, %v", w, err)
	}
	w, err := convert.NewRewrite(specs{"a": {Type: "int", From: "x.y"}}, "")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"x": "a", "x.y": "a", "x.y.z": "a", "y": "", "x.z": ""} {
		if got, _ := w.Moved(strings.Split(path, ".")); got != want {
			t.Errorf("%s moves to %q, want %q", path, got, want)
		}
	}
}

// documentOf reads a document of failures: the records, and why.
func documentOf(t *testing.T, path string) (raws, reasons []string) {
	t.Helper()
	if path == "" {
		return nil, nil
	}
	doc, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(doc)) {
		var f struct {
			RawData                        []byte
			LastErrorMessage, ErrorMessage string
		}
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		raws, reasons = append(raws, string(f.RawData)), append(reasons, f.LastErrorMessage+f.ErrorMessage)
	}
	return raws, reasons
}

// Every record of a transformed job is a row, left out, or a failure, and failures
// keep the record as it was received.
func TestTransform(t *testing.T) {
	records := []string{
		`{"id":1,"price":1.5,"count":2}`, `{"id":2,"test":true}`, `{"id":3,"price":"x","count":[]}`, `{"id":`, `{"id":4,"price":2,"count":3,"late":"no"}`, `{"id":5,"two":true}`, ``, `{"id":6,"price":0,"count":1,"late":7}`,
	}
	job := declaredJob(t, specs{"late": {Type: "bigint"}, "n": {Type: "bigint", From: "count"}},
		`select(.test | not) | if .two then (., .) else .total = .price * .count end`, records...)
	job.Strict = true
	job.Blocks = blocksOf(3, records...)
	res := convertJob(t, convert.Config{}, job)
	if res.Rows != 2 || res.Filtered != 1 || res.Failed != 4 {
		t.Fatalf("result %+v", res)
	}
	sameJSON(t, readRows(t, res.Files[0].Path), []string{`{"late":null,"n":2,"id":1,"price":1.5,"total":3}`, `{"late":7,"n":1,"id":6,"price":0.0,"total":0}`})
	raws, reasons := documentOf(t, res.TransformFailures)
	if diff := cmp.Diff([]string{records[2], records[5]}, raws); diff != "" || !strings.Contains(reasons[0], "multiply") || !strings.Contains(reasons[1], "more than one") {
		t.Errorf("%s %v", diff, reasons)
	}
	raws, reasons = documentOf(t, res.Failures)
	if diff := cmp.Diff([]string{records[3], records[4]}, raws); diff != "" || !strings.Contains(reasons[1], `late: "no" does not fit bigint`) {
		t.Errorf("%s %v", diff, reasons)
	}
}

// The same where the types that the transform makes show late, where partitions are
// so many that the records are sorted first, and with the records in other blocks.
func TestTransformAgain(t *testing.T) {
	var records []string
	for i := range 6000 {
		records = append(records, fmt.Sprintf(`{"i":%d,"p":"p%d","pad":"%0200d"}`, i, i%600, i))
	}
	records = append(records, `{"i":0.5,"p":"p1"}`)
	var first []string
	for _, n := range []int{10, 333} {
		job := declaredJob(t, nil, `if .i % 7 == 3 then empty elif .i % 7 == 4 then error("four") else .half = .i / 2 | .part = .p | del(.p) end`, records...)
		job.Blocks, job.Rules = blocksOf(n, records...), rulesOf(t, "part=part")
		res := convertJob(t, convert.Config{Memory: 1 << 20, RowGroup: 1 << 19}, job)
		if res.Filtered != 857 || res.Failed != 857 || res.Rows != int64(len(records))-2*857 || len(res.Files) != 600 {
			t.Fatalf("filtered %d, failed %d, rows %d, files %d", res.Filtered, res.Failed, res.Rows, len(res.Files))
		}
		raws, _ := documentOf(t, res.TransformFailures)
		if len(raws) != 857 || raws[0] != records[4] {
			t.Errorf("%d failures, the first %.100s", len(raws), raws[0])
		}
		sums := []string{strings.Join(raws, "\n")}
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
			t.Error("the second time gives other bytes")
		}
	}
}

func TestTransformThatLeavesNothing(t *testing.T) {
	res := convertJob(t, convert.Config{}, declaredJob(t, nil, "empty", `{"a":1}`, `{"a":2}`))
	if res.Filtered != 2 || res.Rows+res.Failed != 0 || len(res.Files) != 0 || res.TransformFailures != "" {
		t.Errorf("result %+v", res)
	}
}

// A record that is moved about says the same as before, whatever it looks like.
func FuzzColumnFrom(f *testing.F) {
	for _, s := range []string{`{"a":{"b":{"c":1}},"d":2}`, `{"a":{"b":{"c":{"x":[]}},"b":1},"d":{},"d":3}`, `{"x":{"d":1},"a":[{"b":1}]}`, ` { "\u0061" : { "b" : { "c" : "y" , "e" : null } } } `, `{"a":{"b":{}}}`} {
		f.Add([]byte(s))
	}
	columns := specs{"c": {Type: "string(json)", From: "a.b.c"}, "dd": {Type: "string(json)", From: "d"}}
	f.Fuzz(func(t *testing.T, record []byte) {
		record = []byte(strings.ReplaceAll(string(record), "\n", " "))
		if !json.Valid(record) || strings.TrimSpace(string(record))[0] != '{' || strings.ToValidUTF8(string(record), "") != string(record) ||
			strings.Count(string(record), "[")+strings.Count(string(record), "{") > 500 {
			return
		}
		job := declaredJob(t, columns, "", string(record))
		job.Dir = t.TempDir()
		res := convertJob(t, convert.Config{Threads: 1, Compression: "none"}, job)
		row := parquetRows(t, res.Files[0].Path, res.Columns)[0]
		c := rowCheck{t: t, record: record}
		want := func(path ...string) any {
			text := json.RawMessage(record)
			for _, key := range path {
				found := false
				if text = json.RawMessage(strings.TrimSpace(string(text))); text[0] != '{' {
					return nil
				}
				for _, m := range c.members(text) {
					if m.key == key {
						text, found = m.text, true
						break
					}
				}
				if !found {
					return nil
				}
			}
			if isNull(text) {
				return nil
			}
			return string(text)
		}
		if diff := cmp.Diff([]any{want("a", "b", "c"), want("d")}, []any{row["c"], row["dd"]}); diff != "" {
			t.Errorf("%s: %s", record, diff)
		}
	})
}

// What a transform, and a column filled from elsewhere, cost.
func BenchmarkRewrite(b *testing.B) {
	var records []string
	for i := range 20_000 {
		records = append(records, fmt.Sprintf(`{"bookId":"b%d","title":"Emma %d","genre":"Classic","userId":"u%d","userCountry":"DE","userAge":%d,"price":%d.99,"purchaseTimestamp":%d}`, i%300, i%300, i%5000, 18+i%60, i%40, 1769860800+i))
	}
	size := int64(len(strings.Join(records, "\n")) + 1)
	for _, bc := range []struct {
		name      string
		columns   specs
		transform string
	}{
		{"none", nil, ""},
		{"from", specs{"user": {Type: "string", From: "userId"}}, ""},
		{"identity", nil, "."},
		{"filter", nil, "select(.userAge >= 21)"},
		{"computed", nil, ".total = .price * 2 | .adult = .userAge >= 21 | del(.title)"},
	} {
		b.Run(bc.name, func(b *testing.B) {
			job := declaredJob(b, bc.columns, bc.transform, records...)
			job.Blocks, job.Dir = blocksOf(1000, records...), b.TempDir()
			c, err := convert.New(convert.Config{Threads: 1})
			if err != nil {
				b.Fatal(err)
			}
			first, err := c.Convert(b.Context(), job)
			if err != nil {
				b.Fatal(err)
			}
			job.Columns = first.Columns
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Convert(b.Context(), job); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
