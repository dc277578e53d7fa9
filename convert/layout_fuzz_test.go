package convert_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
)

// Whatever comes in, a layout changes the order of the rows and nothing else,
// and the order is the one asked for.
func FuzzLayout(f *testing.F) {
	f.Add([]byte("{\"a\":2,\"b\":\"x\"}\n{\"a\":1}\n{\"b\":\"y\",\"a\":null}\n{\"a\":1,\"b\":\"\"}"), uint16(0))
	f.Add([]byte("{\"t\":\"1969-12-31T23:59:59.9999Z\",\"d\":-0.0}\n{\"t\":\"2026-01-31T00:00:00Z\",\"d\":0.0}\n{\"d\":1.5}\n{\"d\":-2e300}"), uint16(0x5ff))
	f.Add([]byte("{\"l\":[1,2],\"o\":{\"x\":true},\"s\":3}\n{\"l\":[],\"o\":{\"x\":false},\"s\":2}\n{\"l\":[{}],\"o\":{\"x\":null},\"s\":2}\n{\"s\":1}"), uint16(0x2a5))
	f.Fuzz(func(t *testing.T, data []byte, how uint16) {
		job := convert.Job{Blocks: blocksOf(2, strings.Split(string(data), "\n")...)}
		plain := convertJob(t, convert.Config{Threads: 1, Compression: "none"}, job)
		if len(plain.Files) == 0 {
			return
		}
		job.Columns = plain.Columns
		job.Layout = convert.Layout{RowGroup: 1 << 12, Timestamp: []string{"micros", "int96"}[how>>8&1]}
		for i, c := range plain.Columns {
			if isScalar(c.Type) && c.Name != "_rescued" {
				job.Layout.Sort = append(job.Layout.Sort, lake.SortKey{Path: c.Name, Descending: how>>(i%8)&1 == 1, NullsFirst: how>>(9+i%4)&1 == 1})
				job.Layout.Bloom = append(job.Layout.Bloom, c.Name)
			}
		}
		if how>>15 == 1 {
			slices.Reverse(job.Layout.Sort)
		}
		sorted := convertJob(t, convert.Config{Threads: 1 + int(how>>14&1)}, job)
		if len(sorted.Files) != 1 || sorted.Rows != plain.Rows || sorted.Rescued != plain.Rescued {
			t.Fatalf("result %+v, without a layout %+v", sorted, plain)
		}
		checkPages(t, sorted.Files[0].Path)
		before, after := parquetRows(t, plain.Files[0].Path, plain.Columns), parquetRows(t, sorted.Files[0].Path, plain.Columns)
		at := 0
		for _, g := range openParquet(t, sorted.Files[0].Path).Metadata().RowGroups {
			group := after[at : at+int(g.NumRows)]
			at += int(g.NumRows)
			for i := 1; i < len(group); i++ {
				order := 0
				for k := 0; k < len(job.Layout.Sort) && order == 0; k++ {
					order = compareBy(job.Layout.Sort[k], group[i-1], group[i])
				}
				if order > 0 {
					t.Fatalf("by %v: %v before %v", job.Layout.Sort, group[i-1], group[i])
				}
			}
		}
		if a, b := texts(before), texts(after); !slices.Equal(a, b) {
			t.Fatalf("rows\n%q\nwithout a layout\n%q", b, a)
		}
	})
}

func isScalar(t lake.Type) bool {
	return t.Kind != lake.KindStruct && t.Kind != lake.KindArray && t.Kind != lake.KindMap
}

// texts are rows as texts, sorted.
func texts(rows []map[string]any) (out []string) {
	for _, row := range rows {
		out = append(out, fmt.Sprint(row))
	}
	slices.Sort(out)
	return out
}
