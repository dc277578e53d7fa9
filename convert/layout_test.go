package convert_test

import (
	"cmp"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// int96Micros is an INT96 timestamp in microseconds since 1970.
func int96Micros(v deprecated.Int96) int64 {
	days := int64(int32(v[2])) - 2_440_588
	nanos := int64(v[1])<<32 | int64(v[0])
	return days*86_400_000_000 + nanos/1000
}

func sortKeys(t testing.TB, texts ...string) (out []lake.SortKey) {
	t.Helper()
	for _, s := range texts {
		k, err := lake.ParseSortKey(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, k)
	}
	return out
}

// Files of every layout are read back by the three readers as they were in the
// JSON.
func TestReadersOfLayouts(t *testing.T) {
	columns := columnsOf(t, allTypes)
	rows, records := randomRows(columns, 1200)
	all := []string{"bo", "ti", "si", "i", "bi", "fl", "do", "de", "s", "uniq", "long", "jp", "bin", "da", "ts", "never", "few", "st.a", "st.b.c"}
	pages := convert.WithPageRows(convert.Config{RowGroup: 1 << 17}, 100)
	for _, tc := range []struct {
		name   string
		layout convert.Layout
		cfg    convert.Config
	}{
		{"zstd 1", convert.Layout{Compression: "zstd", CompressionLevel: 1}, convert.Config{}},
		{"zstd 22", convert.Layout{Compression: "zstd", CompressionLevel: 22}, convert.Config{}},
		{"snappy", convert.Layout{Compression: "snappy"}, convert.Config{}},
		{"gzip", convert.Layout{Compression: "gzip"}, convert.Config{}},
		{"gzip 9", convert.Layout{Compression: "gzip", CompressionLevel: 9}, convert.Config{}},
		{"none", convert.Layout{Compression: "none"}, convert.Config{}},
		{"row groups", convert.Layout{RowGroup: 1 << 16}, convert.Config{}},
		{"bloom", convert.Layout{Bloom: all}, convert.Config{}},
		{"millis", convert.Layout{Timestamp: "millis"}, pages},
		{"int96", convert.Layout{Timestamp: "int96"}, pages},
		{"sort by a text", convert.Layout{Sort: sortKeys(t, "jp desc", "seq desc")}, convert.Config{}},
		{"sort by many", convert.Layout{Sort: sortKeys(t, "s nulls first", "few desc", "bo", "ts desc nulls first", "do")}, pages},
		{"sort by a field", convert.Layout{Sort: sortKeys(t, "st.b.c", "st.a desc")}, pages},
		{"sort by what is unique", convert.Layout{Sort: sortKeys(t, "uniq desc")}, pages},
		{"all", convert.Layout{Compression: "gzip", RowGroup: 1 << 18, Bloom: all, Sort: sortKeys(t, "fl", "ts"), Timestamp: "int96"}, pages},
	} {
		t.Run(tc.name, func(t *testing.T) {
			res := convertJob(t, tc.cfg, convert.Job{Blocks: blocksOf(100, records...), Columns: columns, Layout: tc.layout})
			if res.Rescued != 0 || res.Failed != 0 || len(res.Files) != 1 {
				t.Fatalf("result %+v", res)
			}
			want := rows
			path := res.Files[0].Path
			byParquet := inOrder(parquetRows(t, path, columns))
			if tc.layout.Timestamp == "millis" {
				want = timesOf(columns, rows, func(us int64) int64 { return us - (us%1000+1000)%1000 })
				byParquet = timesOf(columns, byParquet, func(ms int64) int64 { return ms * 1000 })
			}
			checkPages(t, path)
			checkSorted(t, path, tc.layout.Sort, columns)
			sameRows(t, "DuckDB", want, inOrder(duckRows(t, path, columns)))
			sameRows(t, "parquet-go", want, byParquet)
			t.Run("PyArrow", func(t *testing.T) { sameRows(t, "PyArrow", want, inOrder(arrowRows(t, path, columns))) })
		})
	}
}

// inOrder is rows in the order in which they came.
func inOrder(rows []map[string]any) []map[string]any {
	slices.SortStableFunc(rows, func(a, b map[string]any) int { return cmp.Compare(a["seq"].(int64), b["seq"].(int64)) })
	return rows
}

// timesOf is rows with another time in place of each.
func timesOf(columns []lake.Column, rows []map[string]any, f func(int64) int64) (out []map[string]any) {
	for _, row := range rows {
		out = append(out, changeTimes(lake.StructOf(columns...), row, f).(map[string]any))
	}
	return out
}

func changeTimes(t lake.Type, v any, change func(int64) int64) any {
	switch {
	case v == nil:
	case t.Kind == lake.KindTimestamp:
		return change(v.(int64))
	case t.Kind == lake.KindStruct:
		out := map[string]any{}
		for _, f := range t.Fields {
			out[f.Name] = changeTimes(f.Type, v.(map[string]any)[f.Name], change)
		}
		return out
	case t.Kind == lake.KindMap:
		out := maps.Clone(v.(map[string]any))
		for k, x := range out {
			out[k] = changeTimes(*t.Elem, x, change)
		}
		return out
	case t.Kind == lake.KindArray:
		out := []any{}
		for _, x := range v.([]any) {
			out = append(out, changeTimes(*t.Elem, x, change))
		}
		return out
	}
	return v
}

// checkSorted holds every row group to the order that was asked for, and to
// the one that the footer tells. Rows with equal keys stay as they came.
func checkSorted(t *testing.T, path string, sort []lake.SortKey, columns []lake.Column) {
	t.Helper()
	f := openParquet(t, path)
	rows := parquetRows(t, path, columns)
	for _, g := range f.Metadata().RowGroups {
		group := rows[:g.NumRows]
		rows = rows[g.NumRows:]
		told := 0
		for i, s := range g.SortingColumns {
			if got := strings.Join(g.Columns[s.ColumnIdx].MetaData.PathInSchema, "."); got != sort[i].Path || s.Descending != sort[i].Descending || s.NullsFirst != sort[i].NullsFirst {
				t.Errorf("the footer says %v, want %v", s, sort[i])
			}
			told++
		}
		for i := 1; i < len(group); i++ {
			order := 0
			for k := 0; k < len(sort) && order == 0; k++ {
				order = compareBy(sort[k], group[i-1], group[i])
			}
			if len(sort) > 0 && order > 0 || order == 0 && group[i-1]["seq"].(int64) > group[i]["seq"].(int64) {
				t.Fatalf("row %d of %d comes too early by %v:\n%v\n%v", i-1, len(group), sort, group[i-1], group[i])
			}
		}
		want := len(sort)
		for i, k := range sort {
			if meta := leafMeta(&g, k.Path); meta.Type == format.Int96 {
				want = i
				break
			}
		}
		if told != want {
			t.Errorf("the footer tells %d sort keys of %d, want %d", told, len(sort), want)
		}
	}
}

func leafMeta(g *format.RowGroup, path string) *format.ColumnMetaData {
	for i := range g.Columns {
		if strings.Join(g.Columns[i].MetaData.PathInSchema, ".") == path {
			return &g.Columns[i].MetaData
		}
	}
	panic("no column " + path)
}

func compareBy(k lake.SortKey, a, b map[string]any) int {
	x, y := at(a, k.Path), at(b, k.Path)
	switch {
	case x == nil && y == nil:
		return 0
	case x == nil || y == nil:
		if (x == nil) == k.NullsFirst {
			return -1
		}
		return 1
	}
	order := 0
	switch x := x.(type) {
	case int64:
		order = cmp.Compare(x, y.(int64))
	case float64:
		order = cmp.Compare(x, y.(float64))
	case string:
		order = cmp.Compare(x, y.(string))
	case bool:
		if x != y.(bool) {
			order = 1
			if !x {
				order = -1
			}
		}
	}
	if k.Descending {
		return -order
	}
	return order
}

func at(row map[string]any, path string) any {
	var v any = row
	for name := range strings.SplitSeq(path, ".") {
		if v == nil {
			return nil
		}
		v = v.(map[string]any)[name]
	}
	return v
}

// What a layout says of columns that a batch lacks, that are lists or objects,
// or partitions, is passed over.
func TestLayoutOfOtherColumns(t *testing.T) {
	records := []string{`{"a":3,"l":[1],"o":{"x":2,"p":1},"p":"q"}`, `{"a":1,"o":{"x":2}}`, `{"a":2,"o":{"x":1},"p":"q"}`}
	odd := []string{"nothing", "l", "o", "o.none", "a.b", "p", "o.x", "A"}
	res := convertJob(t, convert.Config{}, convert.Job{
		Blocks: blocksOf(3, records...), Rules: rulesOf(t, "p=p"), Layout: convert.Layout{Sort: sortKeys(t, odd...), Bloom: odd},
	})
	if len(res.Files) != 2 || res.Rescued != 0 {
		t.Fatalf("result %+v", res)
	}
	for _, f := range res.Files {
		checkPages(t, f.Path)
		for _, g := range openParquet(t, f.Path).Metadata().RowGroups {
			if len(g.SortingColumns) != 2 {
				t.Errorf("sorted by %v", g.SortingColumns)
			}
			for i := range g.Columns {
				meta := &g.Columns[i].MetaData
				path := strings.Join(meta.PathInSchema, ".")
				if want := path == "a" || path == "o.x"; want != (meta.BloomFilterOffset > 0) {
					t.Errorf("%s: bloom filter at %d", path, meta.BloomFilterOffset)
				}
			}
		}
	}
	if got := readRows(t, res.Files[1].Path); len(got) != 2 || !strings.HasPrefix(got[0], `{"a":2,`) {
		t.Errorf("rows %v", got)
	}
}

// The same job and layout give the same bytes, whatever threads, memory beyond
// the layout's, blocks and configuration there are.
func TestLayoutDeterminism(t *testing.T) {
	records := manyPartitions(30_000, 7)
	for name, layout := range map[string]convert.Layout{
		"default": {RowGroup: 256 << 10, Memory: 2 << 20, Lanes: 1},
		"all": {
			Compression: "zstd", CompressionLevel: 3, RowGroup: 256 << 10, Memory: 2 << 20, Lanes: 2,
			Sort: sortKeys(t, "k desc", "id desc"), Bloom: []string{"u", "id"}, Timestamp: "int96",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var first []string
			for _, tc := range []struct {
				cfg   convert.Config
				block int
			}{
				{convert.Config{Threads: 1, Memory: 2 << 20, Compression: "zstd"}, 1000},
				{convert.Config{Threads: 1, Memory: 64 << 20, Compression: "zstd", RowGroup: 1 << 20}, 10_000},
				{convert.Config{Threads: 4, Memory: 3 << 20, Compression: "zstd"}, 17},
				{convert.Config{Threads: 2, Memory: 256 << 20, Compression: "zstd"}, 333},
			} {
				res := convertJob(t, tc.cfg, convert.Job{Blocks: blocksOf(tc.block, records...), Rules: rulesOf(t, "p=p"), Layout: layout})
				var all []string
				for _, f := range res.Files {
					b, err := os.ReadFile(f.Path)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, f.Partition, string(b))
				}
				if len(all) != 14 {
					t.Fatalf("%d files", len(all)/2)
				}
				if first == nil {
					first = all
					checkPages(t, res.Files[0].Path)
				} else if !slices.Equal(first, all) {
					t.Errorf("%+v: other bytes", tc)
				}
			}
		})
	}
}

// A layout that cannot be is an error, not a file.
func TestBadLayouts(t *testing.T) {
	for _, l := range []convert.Layout{
		{Compression: "lzo"}, {Compression: "gzip", CompressionLevel: 10}, {Compression: "snappy", CompressionLevel: 1},
		{Compression: "zstd", CompressionLevel: 23}, {CompressionLevel: -1}, {RowGroup: 1}, {RowGroup: 2 << 30}, {Memory: 5}, {BloomFPP: 1}, {BloomFPP: -1}, {Timestamp: "nanos"},
	} {
		c, err := convert.New(convert.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Convert(t.Context(), convert.Job{Blocks: blocksOf(1, `{"a":1}`), Dir: t.TempDir(), Layout: l}); err == nil || !strings.Contains(err.Error(), "want") {
			t.Errorf("%+v: error %v", l, err)
		}
	}
}

// Where memory holds only splinters of row groups the records are sorted by
// partition first, and each file's rows by the layout all the same.
func TestSortUnderMemoryPressure(t *testing.T) {
	records := manyPartitions(20_000, 500)
	layout := convert.Layout{Memory: 2 << 20, RowGroup: 1 << 20, Sort: sortKeys(t, "k", "id desc"), Bloom: []string{"u"}}
	var first []string
	for _, threads := range []int{1, 3} {
		res := convertJob(t, convert.Config{Threads: threads}, convert.Job{Blocks: blocksOf(300, records...), Rules: rulesOf(t, "p=p"), Layout: layout})
		var all []string
		rows := 0
		for i, f := range res.Files {
			b, err := os.ReadFile(f.Path)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, string(b))
			if i >= 20 || threads > 1 {
				continue
			}
			checkPages(t, f.Path)
			last := map[string]any{}
			for _, row := range parquetRows(t, f.Path, res.Columns) {
				rows++
				if len(last) > 0 && (compareBy(layout.Sort[0], last, row) > 0 || compareBy(layout.Sort[0], last, row) == 0 && compareBy(layout.Sort[1], last, row) >= 0) {
					t.Fatalf("%s: %v before %v", f.Partition, last, row)
				}
				last = row
			}
		}
		if len(res.Files) != 500 || threads == 1 && rows != 20*40 {
			t.Fatalf("%d files, %d rows in 20 of them", len(res.Files), rows)
		}
		if first == nil {
			first = all
		} else if !slices.Equal(first, all) {
			t.Errorf("%d threads: other bytes", threads)
		}
	}
}
