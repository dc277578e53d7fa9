package convert_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
	"sluice/internal/sample"

	"github.com/google/go-cmp/cmp"
)

// someRecords are events of many shapes: lists of structs with lists, maps, structs that
// grow, values of every type, absent, null and empty at every level.
func someRecords(rng *rand.Rand, n, from int) []string {
	pick := func(options ...string) string { return options[rng.IntN(len(options))] }
	var out []string
	for i := range n {
		var fields []string
		add := func(f string) {
			if f != "" {
				fields = append(fields, f)
			}
		}
		add(fmt.Sprintf(`"id":%d`, from+i))
		add(pick("", `"flag":true`, `"flag":false`, `"flag":null`))
		add(pick("", fmt.Sprintf(`"price":%d.%d`, rng.IntN(50), 1+rng.IntN(8))))
		add(pick("", `"genre":"crime"`, `"genre":""`, `"genre":"poetry é"`, fmt.Sprintf(`"genre":"g%d"`, rng.IntN(5))))
		add(fmt.Sprintf(`"user":"%08x-0000-4000-8000-%012x"`, rng.Uint32(), i))
		add(pick("", fmt.Sprintf(`"at":"2026-01-%02dT10:00:%02d.%06dZ"`, 1+rng.IntN(28), rng.IntN(60), rng.IntN(1000000))))
		add(pick("", `"tags":[]`, `"tags":["a"]`, `"tags":["a",null,"b"]`, `"tags":null`))
		add(pick("", `"address":{}`, `"address":{"city":"Rome"}`, `"address":{"zip":null,"city":"Bonn"}`, `"address":{"geo":{"lat":1.5}}`, `"address":null`))
		add(pick("", `"items":[]`, `"items":[{"sku":"x","n":1}]`, `"items":[{"sku":"y","marks":["m",null,"n"]},null,{"n":2,"marks":[]}]`, `"items":[null]`))
		add(pick("", `"props":{}`, `"props":{"k":"v"}`, `"props":{"k":"v","l":null,"m":"w"}`, `"props":{"odd":5}`))
		add(pick("", `"matrix":[[1,2],[],null,[3]]`, `"matrix":[]`))
		out = append(out, "{"+strings.Join(fields, ",")+"}")
	}
	return out
}

var someColumns = "id:bigint,flag:boolean,price:double,genre:string,user:string,at:timestamp,tags:array<string>," +
	"address:struct<city:string,zip:string,geo:struct<lat:double>>,items:array<struct<sku:string,n:bigint,marks:array<string>>>," +
	"props:map<string,string>,matrix:array<array<bigint>>,_rescued:map<string,string>"

// query is all rows of files, in no order, as text.
func rowsOf(t testing.TB, columns string, paths ...string) []string {
	t.Helper()
	db := openDuckDB(t)
	rows, err := db.Query(fmt.Sprintf("SELECT to_json(struct_pack(%s))::VARCHAR FROM read_parquet(['%s'], union_by_name=true)", columns, strings.Join(paths, "','")))
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
	slices.Sort(out)
	return out
}

func mergeJob(t testing.TB, cfg convert.Config, job convert.MergeJob) convert.MergeResult {
	t.Helper()
	c, err := convert.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if job.Dir == "" {
		job.Dir = t.TempDir()
	}
	res, err := c.Merge(context.Background(), job)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func pathsOf(res convert.MergeResult) (paths []string) {
	for _, f := range res.Files {
		paths = append(paths, f.Path)
	}
	return paths
}

// Merged files have the rows of their sources, whatever the shapes, layouts, sizes of
// pages and row groups.
func TestMerge(t *testing.T) {
	columns := columnsOf(t, someColumns)
	var names []string
	for _, c := range columns {
		names = append(names, fmt.Sprintf("%q := %s", c.Name, castTo(c)))
	}
	sorted := []lake.SortKey{{Path: "genre"}, {Path: "at", Descending: true, NullsFirst: true}, {Path: "address.city"}}
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(seed, 1))
			var sources []string
			id := 0
			for range 2 + rng.IntN(5) {
				n := 1 + rng.IntN(400)
				cfg := convert.WithPageRows(convert.Config{Threads: 1, RowGroup: 1 << (10 + rng.IntN(10)), Compression: []string{"zstd", "snappy", "gzip", "none"}[rng.IntN(4)]}, 1+rng.IntN(50))
				layout := convert.Layout{Timestamp: []string{"micros", "int96"}[rng.IntN(2)]}
				if rng.IntN(2) == 0 {
					layout.Sort = sorted
				}
				res := convertJob(t, cfg, convert.Job{Columns: columns, Blocks: blocksOf(100, someRecords(rng, n, id)...), Layout: layout})
				id += n
				for _, f := range res.Files {
					sources = append(sources, f.Path)
				}
			}
			want := rowsOf(t, strings.Join(names, ","), sources...)
			for _, sort := range [][]lake.SortKey{nil, sorted} {
				for threads := 1; threads <= 2; threads++ {
					cfg := convert.WithPageRows(convert.Config{Threads: threads, RowGroup: 1 << (12 + rng.IntN(12))}, 1+rng.IntN(100))
					res := mergeJob(t, cfg, convert.MergeJob{Sources: sources, Columns: columns, Layout: convert.Layout{Sort: sort, Bloom: []string{"user"}}, Target: 1 << (13 + rng.IntN(8))})
					got := rowsOf(t, strings.Join(names, ","), pathsOf(res)...)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("sort %v, %d threads, %d files (-sources +merged):\n%s", sort, threads, len(res.Files), diff)
					}
					if int(res.Rows) != id {
						t.Errorf("%d rows of %d", res.Rows, id)
					}
				}
			}
		})
	}
}

// The files have the table's columns, in its order, also where no source has them.
func TestMergeSchema(t *testing.T) {
	var sources []string
	for _, part := range []struct{ columns, record string }{
		{"a:bigint,s:struct<x:bigint>", `{"a":1,"s":{"x":1}}`},
		{"s:struct<x:bigint,y:string>,a:bigint,b:string", `{"b":"two","s":{"y":"why"}}`},
	} {
		res := convertJob(t, convert.Config{Threads: 1}, convert.Job{Columns: columnsOf(t, part.columns), Blocks: blocksOf(1, part.record)})
		sources = append(sources, res.Files[0].Path)
	}
	const table = "a:bigint,s:struct<x:bigint,y:string,z:array<int>>,b:string,c:map<string,string>"
	res := mergeJob(t, convert.Config{Threads: 1}, convert.MergeJob{Sources: sources, Columns: columnsOf(t, table)})
	got := readRows(t, res.Files[0].Path)
	want := []string{
		`{"a":1,"s":{"x":1,"y":null,"z":null},"b":null,"c":null}`,
		`{"a":null,"s":{"x":null,"y":"why","z":null},"b":"two","c":null}`,
	}
	sameJSON(t, got, want)
	f := openParquet(t, res.Files[0].Path)
	var order []string
	for _, c := range f.Root().Columns() {
		order = append(order, c.Name())
	}
	if diff := cmp.Diff([]string{"a", "s", "b", "c"}, order); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
}

// Files of other writers are merged to the same values, or left alone with a word that
// says why.
func TestMergeForeign(t *testing.T) {
	tests := []struct {
		name, sql, options, columns, want string // want "": as DuckDB reads it
	}{
		{"plain types", "SELECT 1::TINYINT a, 2::SMALLINT b, 3::INT c, 4::BIGINT d, 1.5::FLOAT e, 2.5::DOUBLE f, 'x' g, true h, DATE '2026-01-31' i", "", "a:tinyint,b:smallint,c:int,d:bigint,e:float,f:double,g:string,h:boolean,i:date", ""},
		{"wider", "SELECT 1::TINYINT a, 2::INT b, 1.5::FLOAT c", "", "a:int,b:bigint,c:double", ""},
		{"delta and byte stream split", "SELECT range::BIGINT a, 'text ' || range b, range / 3.0::DOUBLE c FROM range(5000)", ", PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1", "a:bigint,b:string,c:double", ""},
		{"nulls and lists", "SELECT CASE WHEN range % 3 = 0 THEN NULL ELSE range END a, CASE WHEN range % 5 = 0 THEN NULL ELSE [range::VARCHAR, NULL] END b, {'x': range, 'y': [1, range]} c, MAP {'k': range::VARCHAR} d FROM range(3000)", "", "a:bigint,b:array<string>,c:struct<x:bigint,y:array<bigint>>,d:map<string,string>", ""},
		{"decimals", "SELECT 1.25::DECIMAL(4,2) a, 123456.7::DECIMAL(9,1) b, -12345678901234.56::DECIMAL(18,2) c", "", "a:decimal(5,2),b:decimal(9,1),c:decimal(18,2)", ""},
		{"timestamps", "SELECT TIMESTAMP '2026-01-31 10:00:00.123456' a, TIMESTAMP_MS '1960-01-31 10:00:00.123' b, TIMESTAMPTZ '2026-01-31 10:00:00+00' c", "", "a:timestamp,b:timestamp,c:timestamp", ""},
		{"capitals", "SELECT 1 AS \"UserId\"", "", "userid:int", ""},
		{"nanoseconds", "SELECT '2026-01-31 10:00:00.123456789'::TIMESTAMP_NS a", "", "a:timestamp", `column "a" is INT64 TIMESTAMP`},
		{"unsigned", "SELECT 1::UINTEGER a", "", "a:bigint", `column "a" is INT32 UINT_32, and bigint in the table`},
		{"narrower", "SELECT 1::BIGINT a", "", "a:int", `column "a" is INT64 INT_64, and int in the table`},
		{"another scale", "SELECT 1.25::DECIMAL(9,2) a", "", "a:decimal(9,1)", `and decimal(9,1) in the table`},
		{"a blob for a string", "SELECT 'x'::BLOB a", "", "a:string", `column "a" is BYTE_ARRAY without a logical type, and string in the table`},
		{"a string for a number", "SELECT 'x' a", "", "a:bigint", `column "a" is BYTE_ARRAY UTF8, and bigint in the table`},
		{"a column more", "SELECT 1::BIGINT a, 2 b", "", "a:bigint", `column "b" is none of the table's`},
		{"a field more", "SELECT {'x': 1, 'y': 2} a", "", "a:struct<x:int>", `column "y" is none of the table's`},
		{"time", "SELECT TIME '10:00:00' a", "", "a:bigint", `column "a" is INT64 TIME`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "foreign.parquet")
			db := openDuckDB(t)
			if _, err := db.Exec(fmt.Sprintf("COPY (%s) TO '%s' (FORMAT parquet%s)", tt.sql, path, tt.options)); err != nil {
				t.Fatal(err)
			}
			c, err := convert.New(convert.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			columns := columnsOf(t, tt.columns)
			res, err := c.Merge(context.Background(), convert.MergeJob{Sources: []string{path, path}, Columns: columns, Dir: t.TempDir()})
			if tt.want != "" {
				var se *convert.SourceError
				if !errors.As(err, &se) || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want a SourceError with %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, c := range columns {
				names = append(names, c.Name+" := "+castTo(c))
			}
			want := rowsOf(t, strings.Join(names, ","), path, path)
			if diff := cmp.Diff(want, rowsOf(t, strings.Join(names, ","), pathsOf(res)...)); diff != "" {
				t.Errorf("(-source +merged):\n%s", diff)
			}
		})
	}
}

// castTo brings timestamps with and without a zone, and numbers of all widths, together.
func castTo(c lake.Column) string {
	switch c.Type.Kind {
	case lake.KindTimestamp:
		return fmt.Sprintf("%q::TIMESTAMP", c.Name)
	case lake.KindDouble:
		return fmt.Sprintf("%q::DOUBLE", c.Name)
	case lake.KindDecimal:
		return fmt.Sprintf("%q::DECIMAL(%d,%d)", c.Name, c.Type.Precision, c.Type.Scale)
	}
	return fmt.Sprintf("%q", c.Name)
}

// What is no Parquet, or damaged, is left alone.
func TestMergeDamaged(t *testing.T) {
	res := convertJob(t, convert.Config{Threads: 1}, convert.Job{Columns: columnsOf(t, someColumns), Blocks: blocksOf(100, someRecords(rand.New(rand.NewPCG(1, 1)), 300, 0)...)})
	good, err := os.ReadFile(res.Files[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := convert.New(convert.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"text": []byte("no Parquet at all, but long enough"), "short": good[:len(good)/2], "empty": {}} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		_, err := c.Merge(context.Background(), convert.MergeJob{Sources: []string{path}, Columns: columnsOf(t, someColumns), Dir: t.TempDir()})
		var se *convert.SourceError
		if !errors.As(err, &se) {
			t.Errorf("%s: error %v, want a SourceError", name, err)
		}
	}
}

// No bytes in a source crash a merge.
func FuzzMerge(f *testing.F) {
	var seeds [][]byte
	for _, records := range [][]string{{`{"a":1,"b":"x"}`, `{"b":"y","c":[1,2]}`}, {`{"a":5}`}} {
		res := convertJob(f, convert.Config{Threads: 1}, convert.Job{Columns: columnsOf(f, "a:bigint,b:string,c:array<bigint>"), Blocks: blocksOf(1, records...), Dir: f.TempDir()})
		b, err := os.ReadFile(res.Files[0].Path)
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, b)
	}
	for _, s := range seeds {
		f.Add(s, uint16(0), byte(0))
		f.Add(s, uint16(40), byte(0xff))
	}
	c, err := convert.New(convert.Config{Threads: 1, Memory: 4 << 20, RowGroup: 1 << 20})
	if err != nil {
		f.Fatal(err)
	}
	columns := columnsOf(f, "a:bigint,b:string,c:array<bigint>")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, b []byte, at uint16, flip byte) {
		if len(b) > 1<<16 {
			return
		}
		b = bytes.Clone(b)
		if int(at) < len(b) {
			b[at] ^= flip
		}
		path := filepath.Join(dir, "fuzz.parquet")
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		_, _ = c.Merge(context.Background(), convert.MergeJob{Sources: []string{path}, Columns: columns, Dir: dir})
	})
}

// A target is kept: files end at it, and the last is no splinter.
func TestMergeTarget(t *testing.T) {
	g, err := sample.New("purchases", 1)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for range 40000 {
		lines = append(lines, strings.TrimSpace(string(g.AppendEvent(nil))))
	}
	var sources []string
	for part := range slices.Chunk(lines, 1000) {
		res := convertJob(t, convert.Config{Threads: 1}, convert.Job{Blocks: blocksOf(1000, part...)})
		sources = append(sources, res.Files[0].Path)
	}
	first := convertJob(t, convert.Config{Threads: 1}, convert.Job{Blocks: blocksOf(1000, lines[:1000]...)})
	const target = 400 << 10
	res := mergeJob(t, convert.Config{Threads: 2, RowGroup: 128 << 10}, convert.MergeJob{Sources: sources, Columns: first.Columns, Target: target})
	if len(res.Files) < 2 {
		t.Fatalf("%d files", len(res.Files))
	}
	for _, f := range res.Files {
		if f.Bytes < target/2 || f.Bytes > 2*target {
			t.Errorf("a file of %d bytes, target %d", f.Bytes, target)
		}
	}
}
