package query_test

import (
	"bytes"
	"compress/gzip"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"sluice/configs"
	"sluice/internal/lake"
	"sluice/query"
)

// file puts an object into the lake, compressed as its name says.
func (h *house) file(key, content string) {
	h.t.Helper()
	path := filepath.Join(h.root, key)
	check(h.t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(h.t, os.WriteFile(path, []byte(compressed(h.t, key, content)), 0o644))
}

// compressed is a content as the object's name says.
func compressed(t testing.TB, key, content string) string {
	t.Helper()
	switch filepath.Ext(key) {
	case ".gz":
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		w.Write([]byte(content))
		check(t, w.Close())
		return b.String()
	case ".zst":
		w, err := zstd.NewWriter(nil)
		check(t, err)
		return string(w.EncodeAll([]byte(content), nil))
	}
	return content
}

// columnsOf reads name:type pairs separated by blanks; types are without them.
func columnsOf(t testing.TB, text string) (columns []lake.Column) {
	t.Helper()
	for pair := range strings.FieldsSeq(text) {
		name, typ, _ := strings.Cut(pair, ":")
		parsed, err := lake.ParseType(typ)
		check(t, err)
		columns = append(columns, lake.Column{Name: name, Type: parsed})
	}
	return columns
}

// textTable makes a table of one file of text, and is its name.
func (h *house) textTable(serde, columns, content string, properties map[string]string) {
	h.t.Helper()
	table := lake.Table{
		Name: lake.TableName{Database: "d", Table: "t"}, Location: h.store.URI("d/t") + "/", Columns: columnsOf(h.t, columns),
		Storage: lake.Storage{InputFormat: lake.TextInputFormat, OutputFormat: lake.TextOutputFormat, SerDe: serde, Properties: properties},
	}
	h.catalog.put(table)
	check(h.t, os.RemoveAll(filepath.Join(h.root, "d/t")))
	h.file("d/t/x.txt", content)
}

type textCase struct {
	name, columns, content string
	properties             map[string]string
	want                   []string // rows of SELECT *
	fault                  string   // in the error
}

func (c textCase) run(t *testing.T, h *house, serde string) {
	t.Run(c.name, func(t *testing.T) {
		h.textTable(serde, c.columns, c.content, c.properties)
		rows, _, err := h.query("SELECT * FROM d.t")
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) {
				t.Fatalf("rows %q, error %v; want %q", rows, err, c.fault)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if got, want := strings.Join(sorted(rows), "\n"), strings.Join(sorted(c.want), "\n"); got != want {
			t.Errorf("got\n%s\nwant\n%s", got, want)
		}
	})
}

// TestOpenXJSON: what Trino's and Athena's reader of org.openx.data.jsonserde answers.
func TestOpenXJSON(t *testing.T) {
	h := newHouse(t, nil)
	for _, c := range []textCase{
		{"keys without case, the last of two", "id:bigint username:string", "{\"ID\":1,\"userName\":\"a\"}\n{\"username\":\"x\",\"USERNAME\":\"b\",\"Id\":\"2\"}\n{}", nil,
			[]string{`1|"a"`, `2|"b"`, `null|null`}, ""},
		{"blank lines and lines of something else are rows", "id:bigint", "\n{\"id\":1}\nnonsense\n\n", nil, []string{"null", "1", "null", "null"}, ""},
		{"malformed", "id:bigint", "{\"id\":1}\n{\"id\":2\n", nil, nil, `a line is no valid JSON: {"id":2 in d/t/x.txt`},
		{"malformed ignored", "id:bigint", "{\"id\":1}\r\n{\"id\":2\r\n  {\"id\":3} \r\n", map[string]string{"ignore.malformed.json": "TRUE"}, []string{"1", "null", "3"}, ""},
		{"an array", "id:bigint", "[1]", nil, nil, "a line is an array"},
		{"text takes everything", "a:string b:string c:string d:string e:string f:string", `{"a":1,"b":true,"c":{"x": [1, 2]},"d":null,"e":"q\"é\u00e9","f":12345678901234567890123}`, nil,
			[]string{`"1"|"true"|"{\"x\":[1,2]}"|null|"q\"éé"|"12345678901234567890123"`}, ""},
		{"map of text", "m:map<string,string>", `{"m":{"A":1,"b":{"c":2},"n":null,"s":"t"}}` + "\n" + `{"m":""}`, nil,
			[]string{`{"A":"1","b":"{\"c\":2}","n":null,"s":"t"}`, "null"}, ""},
		{"map of numbers", "m:map<string,bigint> k:map<int,boolean>", `{"m":{"x":1.9,"y":"2"},"k":{"7":true}}`, nil, []string{`{"x":1,"y":2}|{"7":true}`}, ""},
		{"nested", "s:struct<userid:string,tags:array<struct<n:int>>,in:struct<deep:double>>",
			`{"s":{"userId":"u","TAGS":[{"N":1},null,{"n":"2"},{}],"in":{"Deep":"1.5"}}}` + "\n" + `{"s":" "}` + "\n" + `{"s":null}`, nil,
			[]string{`{"userid":"u","tags":[{"n":1},null,{"n":2},{"n":null}],"in":{"deep":1.5}}`, "null", "null"}, ""},
		{"an array of one", "a:array<bigint> b:array<string>", `{"a":5,"b":""}` + "\n" + `{"a":[],"b":[null,"x"]}`, nil, []string{`[5]|null`, `[]|[null,"x"]`}, ""},
		{"numbers", "a:bigint b:int c:double d:decimal(10,2) e:float f:boolean", `{"a":12.7,"b":"-3.9","c":"1e3","d":1.005,"e":"0.5","f":"TRUE"}` + "\n" + `{"f":1}`, nil,
			[]string{`12|-3|1000.0|1.01|0.5|true`, `null|null|null|null|null|false`}, ""},
		{"a number that does not fit", "a:tinyint", `{"a":300}`, nil, nil, "column a of d.t is tinyint, but there is the value: 300 in d/t/x.txt"},
		{"text for a number", "a:bigint", `{"a":"many"}`, nil, nil, "column a of d.t is bigint, but there is the value: many"},
		{"octal", "a:bigint", `{"a":"010"}`, nil, nil, "the value: 010"},
		{"text for a map", "m:map<string,string>", `{"m":"x"}`, nil, nil, "column m of d.t is map<string,string>"},
		{"null for what does not fit", "a:bigint m:map<string,string> s:struct<x:int>", `{"a":"many","m":"x","s":{"x":"y"}}`, map[string]string{"use.null.for.invalid.data": "true"},
			[]string{`null|null|{"x":null}`}, ""},
		{"decimals with more digits than a double", "d:decimal(38,18)", `{"d":"1.234567890123456789"}`, nil, []string{`1.234567890123456789`}, ""},
		{"digits that were lost", "d:decimal(38,18)", `{"d":1.234567890123456789}`, nil, nil, "column d of d.t is decimal(38,18)"},
		{"mapped keys", "userid:string ts:string", `{"userId":"a","timestamp":"b","ts":"no"}`, map[string]string{"mapping.ts": "timestamp"}, []string{`"a"|"b"`}, ""},
		{"with case", "userid:string name:string", `{"userId":"a","Name":"b","name":"c"}`, map[string]string{"case.insensitive": "FALSE", "mapping.userid": "userId"}, []string{`"a"|"c"`}, ""},
		{"dots", "a_b:string c_d:string", `{"a.b":"1","c_d":"2","c.d":"3"}`, map[string]string{"dots.in.keys": "true"}, []string{`"1"|"2"`}, ""},
		{"timestamps", "t:timestamp", strings.Join([]string{`{"t":"2026-01-31T10:00:00.123Z"}`, `{"t":"2026-01-31T12:00:00.5+0200"}`, `{"t":"2026-01-31T12:00:00+02:00"}`,
			`{"t":"2026-01-31 10:00:01"}`, `{"t":"2026-01-31T10:00:02"}`, `{"t":1769853603}`, `{"t":"1769853604250"}`, `{"t":1769853605.25}`}, "\n"), nil,
			[]string{`"2026-01-31 10:00:00.123"`, `"2026-01-31 10:00:00.500"`, `"2026-01-31 10:00:00.000"`, `"2026-01-31 10:00:01.000"`, `"2026-01-31 10:00:02.000"`,
				`"2026-01-31 10:00:03.000"`, `"2026-01-31 10:00:04.250"`, `"2026-01-31 10:00:05.250"`}, ""},
		{"no timestamp", "t:timestamp", `{"t":"2026-01-31"}`, nil, nil, "column t of d.t is timestamp"},
		{"dates and bytes", "d:date e:date b:binary", `{"d":"2026-1-31 10:00:00","e":3,"b":"AQI="}`, nil, []string{`"2026-01-31"|"1970-01-04"|"AQI="`}, ""},
		{"names that SQL knows", "timestamp:string order:string select:bigint", `{"timestamp":"a","Order":"b","select":1}`, nil, []string{`"a"|"b"|1`}, ""},
	} {
		c.run(t, h, lake.OpenXJSONSerDe)
	}
}

func TestHiveJSON(t *testing.T) {
	h := newHouse(t, nil)
	for _, c := range []textCase{
		{"plain", "id:bigint s:struct<a:string> m:map<string,string>", `{"ID":1,"s":{"A":"x"},"m":{"K":"v"}}`, nil, []string{`1|{"a":"x"}|{"K":"v"}`}, ""},
		{"a blank line", "id:bigint", "{\"id\":1}\n\n", nil, nil, "a line is no JSON object"},
		{"no object", "id:bigint", "[1]", nil, nil, "a line is no JSON object: [1] in d/t/x.txt"},
		{"ignored", "id:bigint", "{\"id\":1}\nx\n{", map[string]string{"ignore.malformed.json": "true"}, []string{"1", "null", "null"}, ""},
		{"numbers must be numbers", "id:bigint", `{"id":"1"}`, nil, nil, "column id of d.t is bigint"},
		{"no array", "a:array<int>", `{"a":1}`, nil, nil, "column a of d.t is array<int>"},
		{"timestamps", "t:timestamp", `{"t":"2026-01-31 10:00:00.25"}`, nil, []string{`"2026-01-31 10:00:00.250"`}, ""},
	} {
		c.run(t, h, lake.HiveJSONSerDe)
	}
}

func TestOpenCSV(t *testing.T) {
	h := newHouse(t, nil)
	for _, c := range []textCase{
		{"plain", "a:string b:bigint c:string", "x,1,\n,2,z,more\ny", map[string]string{"use.null.for.invalid.data": "true"}, []string{`"x"|1|""`, `""|2|"z"`, `"y"|null|null`}, ""},
		{"a blank line", "a:string b:string", "x,y\n\n", nil, []string{`"x"|"y"`, "null|null"}, ""},
		{"quotes", "a:string b:string c:string", `"x,y","say ""hi""",""` + "\n" + `"a\"b","\n","c\\"`, nil, []string{`"x,y"|"say \"hi\""|""`, `"a\"b"|"n"|"c\\"`}, ""},
		{"a quote within a field", "a:string", `abc "d" e`, nil, nil, "its quotes are not around whole fields"},
		{"other characters", "a:string b:string", "'x;y';z\n'it''s';'q'\n", map[string]string{"separatorChar": ";", "quoteChar": "'"}, []string{`"x;y"|"z"`, `"it's"|"q"`}, ""},
		{"tabs", "a:string b:string", "x\ty\n", map[string]string{"separatorChar": "\t"}, []string{`"x"|"y"`}, ""},
		{"header", "a:bigint", "a\n1\n2\n", map[string]string{"skip.header.line.count": "1"}, []string{"1", "2"}, ""},
		{"types", "a:boolean b:double c:timestamp d:date e:decimal(5,2)", "TRUE,1.5,1769853600250,3,1.25", nil, []string{`true|1.5|"2026-01-31 10:00:00.250"|"1970-01-04"|1.25`}, ""},
		{"empty is no number", "a:string b:int", "x,", nil, nil, "column b of d.t is int, but there is the value:"},
		{"a timestamp in words", "a:timestamp", "2026-01-31 10:00:00", nil, nil, "column a of d.t is timestamp"},
		{"nested", "a:array<int>", "x", nil, nil, "the table d.t cannot be read: the column a is array<int>"},
	} {
		c.run(t, h, lake.OpenCSVSerDe)
	}
}

func TestDelimited(t *testing.T) {
	h := newHouse(t, nil)
	comma := func(more map[string]string) map[string]string {
		p := map[string]string{"field.delim": ",", "serialization.format": ","}
		maps.Copy(p, more)
		return p
	}
	for _, c := range []textCase{
		{"default delimiters", "a:string b:array<int> c:map<string,int> d:struct<x:int,y:string>", "x\x011\x022\x01k\x037\x02l\x038\x015\x02z\n\\N\x01\x01\x01\n", nil,
			[]string{`"x"|[1,2]|{"k":7,"l":8}|{"x":5,"y":"z"}`, `null|[]|{}|{"x":null,"y":null}`}, ""},
		{"commas", "a:string b:bigint c:double", "x,1,1.5\n\"q\",,z,more\ny\n", comma(nil), []string{`"x"|1|1.5`, `"\"q\""|null|null`, `"y"|null|null`}, ""},
		{"a blank line", "a:string b:bigint", "\n", comma(nil), []string{`""|null`}, ""},
		{"what does not fit is null", "a:bigint b:boolean c:date d:timestamp e:decimal(4,1)", "12.9,TRUE,2026-01-31,2026-01-31 10:00:00,1.25\n1x,1,x,2026-01-31,99999\n", comma(nil),
			[]string{`12|true|"2026-01-31"|"2026-01-31 10:00:00.000"|1.3`, `null|null|null|null|null`}, ""},
		{"null format", "a:string b:string", "NULL,\n,x\n", comma(map[string]string{"serialization.null.format": ""}), []string{`"NULL"|null`, `null|"x"`}, ""},
		{"escapes", "a:string b:string", `x\,y,z\\` + "\n" + `\N,1`, comma(map[string]string{"escape.delim": `\`}), []string{`"x,y"|"z\\"`, `null|"1"`}, ""},
		{"a number is a byte", "a:string b:string", "x\ty\n", map[string]string{"field.delim": "9"}, []string{`"x"|"y"`}, ""},
		{"header", "a:string", "h1\nh2\nx\n", comma(map[string]string{"skip.header.line.count": "2"}), []string{`"x"`}, ""},
		{"line ends", "a:string", "x", comma(map[string]string{"line.delim": ";"}), nil, "line.delim"},
	} {
		c.run(t, h, lake.LazySimpleSerDe)
	}
}

// Formats that are not read are errors that name the table and its SerDe.
func TestUnreadableFormats(t *testing.T) {
	h := newHouse(t, nil)
	for _, c := range []struct{ serde, input, want string }{
		{"org.apache.hadoop.hive.ql.io.orc.OrcSerde", "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat", "OrcSerde"},
		{"org.apache.hadoop.hive.serde2.avro.AvroSerDe", "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat", "AvroSerDe"},
		{"org.apache.hadoop.hive.serde2.RegexSerDe", lake.TextInputFormat, "RegexSerDe"},
		{lake.OpenXJSONSerDe, "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat", "SymlinkTextInputFormat"},
	} {
		h.textTable(c.serde, "a:string", "x", nil)
		table, err := h.catalog.Table(t.Context(), lake.TableName{Database: "d", Table: "t"})
		check(t, err)
		table.Storage.InputFormat = c.input
		h.catalog.put(table)
		_, _, err = h.query("SELECT * FROM d.t")
		if err == nil || !strings.Contains(err.Error(), "the table d.t cannot be read") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.serde, err)
		}
	}
}

// Partitions are pruned as those of Parquet are; compression goes by the name.
func TestTextPartitions(t *testing.T) {
	h := newHouse(t, nil)
	for _, many := range []int{5, 40} {
		name := lake.TableName{Database: "logs", Table: "events" + strings.Repeat("x", many/40)}
		root := "logs/" + name.Table
		h.catalog.put(lake.Table{
			Name: name, Location: h.store.URI(root) + "/", Columns: columnsOf(t, "id:bigint"), PartitionKeys: columnsOf(t, "dt:string hour:int"),
			Storage: lake.Storage{InputFormat: lake.TextInputFormat, SerDe: lake.OpenXJSONSerDe},
		})
		for i := range many {
			dir := root + "/" + []string{"a", "b", "c"}[i%3] + "/" + strings.Repeat("1", i+1)
			ext := []string{".json", ".json.gz", ".json.zst"}[i%3]
			h.file(dir+"/f"+ext, `{"id":`+strings.Repeat("1", i%15+1)+"}\n")
			h.file(dir+"/_SUCCESS", "no JSON")
			h.catalog.addPartition(name, lake.Partition{Values: []string{"d" + string(rune('0'+i%3)), strings.Repeat("1", i%3) + "2"}, Location: h.store.URI(dir) + "/"})
		}
		stats := h.want("SELECT count(*), count(DISTINCT dt), min(hour) FROM logs."+name.Table+" WHERE dt <> 'd1' AND hour > 2", "1|1|112")
		if stats.PartitionsPruned != 2 || stats.Files != 1 {
			t.Errorf("statistics %+v", stats)
		}
	}
}

// Live rows and text of one table are in one answer.
func TestTextAndLiveRows(t *testing.T) {
	h := newHouse(t, map[string]configs.Stream{"s": {Table: "d.t"}})
	h.textTable(lake.OpenXJSONSerDe, "id:bigint name:string", `{"id":1,"Name":"a"}`+"\n", nil)
	h.post("s", `{"id":2,"name":"b","extra":true}`)
	h.want("SELECT id, name, extra FROM d.t ORDER BY id", `1|"a"|null`, `2|"b"|true`)
	h.want("SELECT count(*) FROM live.d.t", "1")
}

// A statement in Presto's dialect sees the same values.
func TestTextInPresto(t *testing.T) {
	h := newHouse(t, nil)
	h.dialect = query.Presto
	h.textTable(lake.OpenXJSONSerDe, "context:map<string,string> properties:struct<total:double> timestamp:timestamp",
		`{"context":{"ip":"1.2.3.4","page":{"path":"/x"}},"properties":{"total":12.5},"timestamp":"2026-01-31T10:00:00.000Z"}`+"\n", nil)
	h.want(`SELECT context['ip'], json_extract_scalar(element_at(context, 'page'), '$.path'), properties.total, date_trunc('hour', "timestamp") FROM d.t`,
		`"1.2.3.4"|"/x"|12.5|"2026-01-31 10:00:00.000"`)
}

func sorted(rows []string) []string {
	rows = slices.Clone(rows)
	slices.Sort(rows)
	return rows
}
