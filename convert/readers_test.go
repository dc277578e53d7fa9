package convert_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"sluice/convert"
	"sluice/internal/lake"

	"github.com/duckdb/duckdb-go/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

// allTypes has every type, nested in every way.
const allTypes = "bo:boolean,ti:tinyint,si:smallint,i:int,bi:bigint,fl:float,do:double,de:decimal(18,4),s:string,uniq:string,long:string,jp:string," +
	"bin:binary,da:date,ts:timestamp,never:string,late:bigint,same:string,seq:bigint,few:double," +
	"st:struct<a:bigint,b:struct<c:string,d:array<bigint>>,never:double>,l:array<string>,ll:array<array<bigint>>,lll:array<array<array<boolean>>>," +
	"ls:array<struct<x:bigint,y:array<string>,m:map<string,double>>>,m:map<string,string>,mm:map<string,array<struct<q:boolean,t:timestamp>>>"

// Everything that is written is read back by three readers that do not share a
// line with the writer, as it was in the JSON.
func TestReaders(t *testing.T) {
	columns := columnsOf(t, allTypes)
	want, records := randomRows(columns, 4000)
	for _, tc := range []struct {
		name string
		rows int
		cfg  convert.Config
	}{
		{"zstd", 4000, convert.Config{}},
		{"snappy", 4000, convert.Config{Compression: "snappy"}},
		{"none", 4000, convert.Config{Compression: "none"}},
		{"many row groups", 4000, convert.Config{RowGroup: 1 << 18}},
		{"many pages", 2000, convert.WithPageRows(convert.Config{}, 100)},
		{"many of both", 1000, convert.WithPageRows(convert.Config{RowGroup: 1 << 18, Compression: "none"}, 17)},
		{"pages of one row", 100, convert.WithPageRows(convert.Config{RowGroup: 1 << 12}, 1)},
	} {
		want, records := want[:tc.rows], records[:tc.rows]
		t.Run(tc.name, func(t *testing.T) {
			res := convertJob(t, tc.cfg, convert.Job{Blocks: blocksOf(100, records...), Columns: columns})
			if res.Rescued != 0 || res.Failed != 0 || len(res.Files) != 1 {
				t.Fatalf("result %+v", res)
			}
			path := res.Files[0].Path
			sameRows(t, "DuckDB", want, duckRows(t, path, columns))
			sameRows(t, "parquet-go", want, parquetRows(t, path, columns))
			checkPages(t, path)
			t.Run("PyArrow", func(t *testing.T) { sameRows(t, "PyArrow", want, arrowRows(t, path, columns)) })
		})
	}
}

// A column may give its dictionary up in the middle of a row group, and keep it
// where few long texts are repeated.
func TestReadersOfLargeColumns(t *testing.T) {
	columns := columnsOf(t, "few:string,uniq:string,turns:string,huge:string,n:bigint,m:bigint,empty:string")
	var records []string
	var want []map[string]any
	for i := range 40_000 {
		row := map[string]any{
			"few": fmt.Sprint("f", i%7), "uniq": fmt.Sprintf("u%020d", i*i), "turns": fmt.Sprint("t", max(0, i-3000)),
			"huge": nil, "n": int64(i) * 1_000_003, "m": int64(i % 300), "empty": "",
		}
		if i%1000 == 1 {
			row["huge"] = strings.Repeat("é", 400_000+i/20_000)
		}
		want = append(want, row)
		records = append(records, jsonOf(lake.StructOf(columns...), row))
	}
	res := convertJob(t, convert.Config{Threads: 1}, convert.Job{Blocks: blocksOf(1000, records...), Columns: columns})
	path := res.Files[0].Path
	sameRows(t, "DuckDB", want, duckRows(t, path, columns))
	sameRows(t, "parquet-go", want, parquetRows(t, path, columns))
	checkPages(t, path)
	t.Run("PyArrow", func(t *testing.T) { sameRows(t, "PyArrow", want, arrowRows(t, path, columns)) })
}

func sameRows(t *testing.T, reader string, want, got []map[string]any) {
	t.Helper()
	if len(want) != len(got) {
		t.Errorf("%s: %d rows, want %d", reader, len(got), len(want))
		return
	}
	for i := range want {
		if reflect.DeepEqual(want[i], got[i]) {
			continue // at a tenth of what cmp takes to say so
		}
		if diff := cmp.Diff(want[i], got[i]); diff != "" {
			t.Errorf("%s: row %d (-want +got):\n%.2000s", reader, i, diff)
			return
		}
	}
}

// randomRows makes rows and the JSON records that say the same. In a row times
// are microseconds, dates days, decimals unscaled, all of them int64.
func randomRows(columns []lake.Column, n int) (rows []map[string]any, records []string) {
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		row := randomStruct(r, columns)
		row["uniq"], row["same"], row["seq"], row["never"] = fmt.Sprint("unique ", i), "same", int64(i), nil
		if i < n/2 {
			row["late"] = nil
		}
		if i/500%2 == 1 { // whole pages of nulls
			row["s"], row["st"], row["ls"] = nil, nil, nil
		}
		rows = append(rows, row)
		records = append(records, jsonOf(lake.StructOf(columns...), row))
	}
	return rows, records
}

func randomStruct(r *rand.Rand, fields []lake.Column) map[string]any {
	row := map[string]any{}
	for _, f := range fields {
		row[f.Name] = random(r, f.Name, f.Type)
		if f.Name == "never" {
			row[f.Name] = nil
		}
	}
	return row
}

func random(r *rand.Rand, name string, t lake.Type) any {
	if r.IntN(5) == 0 {
		return nil
	}
	switch t.Kind {
	case lake.KindBoolean:
		return r.IntN(3) == 0
	case lake.KindTinyint:
		return int64(int8(r.Uint32()))
	case lake.KindSmallint:
		return int64(int16(r.Uint32()))
	case lake.KindInt:
		return int64(int32(r.Uint32()))
	case lake.KindBigint:
		return int64(r.Uint64()) >> r.IntN(64)
	case lake.KindFloat:
		return float64(float32(r.NormFloat64()))
	case lake.KindDouble:
		if name == "few" {
			return float64(r.IntN(5)-2) / 4
		}
		return r.NormFloat64() * float64(r.IntN(2))
	case lake.KindDecimal:
		return r.Int64N(2e18-1) - (1e18 - 1)
	case lake.KindDate:
		return r.Int64N(3_000_000) - 700_000
	case lake.KindTimestamp:
		return r.Int64N(300_000_000_000_000_000) - 60_000_000_000_000_000
	case lake.KindString, lake.KindBinary:
		switch name {
		case "long":
			return strings.Repeat("long~", 10) + "~~~~~~~~~~~~~~~~~~~~~~" + fmt.Sprint(r.IntN(1000))
		case "jp":
			return strings.Repeat("日本\U0010ffff", 5+r.IntN(20))
		}
		return []string{"", "a", "é\u0000\"\\\n", "plain", fmt.Sprint(r.IntN(100)), "😀"}[r.IntN(6)]
	case lake.KindArray:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, random(r, "", *t.Elem))
		}
		return list
	case lake.KindMap:
		m := map[string]any{}
		for range r.IntN(4) {
			m[fmt.Sprint("key ", r.IntN(30))] = random(r, "", *t.Elem)
		}
		return m
	}
	return randomStruct(r, t.Fields)
}

// jsonOf is the JSON of a random value.
func jsonOf(t lake.Type, v any) string {
	var b strings.Builder
	switch {
	case v == nil:
		return "null"
	case t.Kind == lake.KindStruct:
		for _, f := range t.Fields {
			if x := v.(map[string]any)[f.Name]; x != nil || len(f.Name)%2 == 0 { // else absent
				fmt.Fprintf(&b, ",%q:%s", f.Name, jsonOf(f.Type, x))
			}
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	case t.Kind == lake.KindMap:
		for k, x := range v.(map[string]any) {
			fmt.Fprintf(&b, ",%q:%s", k, jsonOf(*t.Elem, x))
		}
		return "{" + strings.TrimPrefix(b.String(), ",") + "}"
	case t.Kind == lake.KindArray:
		for _, x := range v.([]any) {
			b.WriteString("," + jsonOf(*t.Elem, x))
		}
		return "[" + strings.TrimPrefix(b.String(), ",") + "]"
	case t.Kind == lake.KindTimestamp:
		return time.UnixMicro(v.(int64)).UTC().Format(`"2006-01-02T15:04:05.999999Z"`)
	case t.Kind == lake.KindDate:
		return time.Unix(v.(int64)*86400, 0).UTC().Format(`"2006-01-02"`)
	case t.Kind == lake.KindDecimal:
		return fmt.Sprintf("%de-%d", v, t.Scale)
	case t.Kind == lake.KindFloat:
		v = float32(v.(float64))
	}
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// duckRows reads a file with DuckDB.
func duckRows(t testing.TB, path string, columns []lake.Column) (out []map[string]any) {
	t.Helper()
	rows, err := openDuckDB(t).Query(fmt.Sprintf("SELECT * FROM read_parquet('%s')", path))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	values := make([]any, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		row := map[string]any{}
		for i, c := range columns {
			row[c.Name] = duckValue(t, c.Type, values[i])
		}
		out = append(out, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func duckValue(t testing.TB, typ lake.Type, v any) any {
	switch v := v.(type) {
	case nil, bool, string, float64, int64:
		return v
	case int8:
		return int64(v)
	case int16:
		return int64(v)
	case int32:
		return int64(v)
	case float32:
		return float64(v)
	case []byte:
		return string(v)
	case time.Time:
		if typ.Kind == lake.KindDate {
			return v.Unix() / 86400
		}
		return v.UnixMicro()
	case duckdb.Decimal:
		return v.Value.Int64()
	case []any:
		list := []any{}
		for _, x := range v {
			list = append(list, duckValue(t, *typ.Elem, x))
		}
		return list
	case duckdb.OrderedMap:
		m := map[string]any{}
		for i, k := range v.Keys() {
			m[k.(string)] = duckValue(t, *typ.Elem, v.Values()[i])
		}
		return m
	case map[string]any:
		m := map[string]any{}
		for _, f := range typ.Fields {
			m[f.Name] = duckValue(t, f.Type, v[f.Name])
		}
		return m
	}
	t.Fatalf("DuckDB gives a %T for %s", v, typ)
	return nil
}

// arrowRows reads a file with PyArrow, if there is a Python that has it.
func arrowRows(t *testing.T, path string, columns []lake.Column) (out []map[string]any) {
	t.Helper()
	python := os.Getenv("TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "import pyarrow").Run(); err != nil {
		t.Skipf("%s has no pyarrow (pip install pyarrow, or point TEST_PYTHON at one that has): %v", python, err)
	}
	cmd := exec.Command(python, "testdata/rows.py", path)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, &stderr)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for d.More() {
		var row any
		if err := d.Decode(&row); err != nil {
			t.Fatal(err)
		}
		out = append(out, typed(lake.StructOf(columns...), row).(map[string]any))
	}
	return out
}

// typed gives a decoded JSON value the types that the rows have.
func typed(t lake.Type, v any) any {
	switch v := v.(type) {
	case json.Number:
		if t.Kind == lake.KindDouble || t.Kind == lake.KindFloat {
			f, _ := v.Float64()
			return f
		}
		n, _ := v.Int64()
		return n
	case []any:
		list := []any{}
		for _, x := range v {
			list = append(list, typed(*t.Elem, x))
		}
		return list
	case map[string]any:
		m := map[string]any{}
		for k, x := range v {
			if t.Kind == lake.KindMap {
				m[k] = typed(*t.Elem, x)
			}
		}
		for _, f := range t.Fields {
			m[f.Name] = typed(f.Type, v[f.Name])
		}
		return m
	}
	return v
}

// openParquet opens a file with parquet-go, its page indexes included.
func openParquet(t testing.TB, path string) *parquet.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// parquetRows reads a file with parquet-go and puts its rows together from the
// levels.
func parquetRows(t testing.TB, path string, columns []lake.Column) (out []map[string]any) {
	t.Helper()
	root := lake.StructOf(columns...)
	buf := make([]parquet.Row, 100)
	for _, g := range openParquet(t, path).RowGroups() {
		rows := g.Rows()
		for {
			n, err := rows.ReadRows(buf)
			for _, row := range buf[:n] {
				leaves := make([][]parquet.Value, len(g.ColumnChunks()))
				for _, v := range row {
					leaves[v.Column()] = append(leaves[v.Column()], v)
				}
				row, rest := assembleFields(root.Fields, 0, 0, leaves)
				if len(rest) != 0 {
					t.Fatalf("%d leaves are left over", len(rest))
				}
				out = append(out, row)
			}
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// assembleFields makes a struct of the first leaves and returns the rest of them.
func assembleFields(fields []lake.Column, def, rep int, leaves [][]parquet.Value) (map[string]any, [][]parquet.Value) {
	row := map[string]any{}
	for _, f := range fields {
		n := leafCount(f.Type)
		row[f.Name] = assemble(f.Type, def, rep, leaves[:n])
		leaves = leaves[n:]
	}
	return row, leaves
}

// assemble makes an optional value of its leaves' entries; def and rep are the
// levels of its parent.
func assemble(t lake.Type, def, rep int, leaves [][]parquet.Value) any {
	first := leaves[0][0]
	if first.DefinitionLevel() <= def {
		return nil
	}
	switch t.Kind {
	case lake.KindStruct:
		row, _ := assembleFields(t.Fields, def+1, rep, leaves)
		return row
	case lake.KindArray:
		list := []any{}
		for _, part := range elements(first, def, rep, leaves) {
			list = append(list, assemble(*t.Elem, def+2, rep+1, part))
		}
		return list
	case lake.KindMap:
		m := map[string]any{}
		for _, part := range elements(first, def, rep, leaves) {
			m[part[0][0].String()] = assemble(*t.Elem, def+2, rep+1, part[1:])
		}
		return m
	case lake.KindBoolean:
		return first.Boolean()
	case lake.KindTinyint, lake.KindSmallint, lake.KindInt, lake.KindDate:
		return int64(first.Int32())
	case lake.KindFloat:
		return float64(first.Float())
	case lake.KindDouble:
		return first.Double()
	case lake.KindString, lake.KindBinary:
		return string(first.ByteArray())
	case lake.KindTimestamp:
		if first.Kind() == parquet.Int96 {
			return int96Micros(first.Int96())
		}
	}
	return first.Int64()
}

// elements cuts the leaves of a list or map that is present into its elements'.
func elements(first parquet.Value, def, rep int, leaves [][]parquet.Value) (parts [][][]parquet.Value) {
	if first.DefinitionLevel() == def+1 {
		return nil // empty
	}
	for k, leaf := range leaves {
		n := -1
		for i, v := range leaf {
			if i == 0 || v.RepetitionLevel() == rep+1 {
				if n++; n == len(parts) {
					parts = append(parts, make([][]parquet.Value, len(leaves)))
				}
			}
			parts[n][k] = append(parts[n][k], v)
		}
	}
	return parts
}

func leafCount(t lake.Type) int {
	switch t.Kind {
	case lake.KindStruct:
		n := 0
		for _, f := range t.Fields {
			n += leafCount(f.Type)
		}
		return n
	case lake.KindArray:
		return leafCount(*t.Elem)
	case lake.KindMap:
		return 1 + leafCount(*t.Elem)
	}
	return 1
}
