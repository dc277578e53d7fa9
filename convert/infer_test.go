package convert_test

import (
	"fmt"
	"iter"
	"runtime"
	"strings"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"
)

// However many keys the records of a run have between them, what is held of them is
// bounded.
func TestInferenceIsBounded(t *testing.T) {
	long := strings.Repeat("x", 200)
	for name, record := range map[string]func(i int) string{
		"flat": func(i int) string { return fmt.Sprintf(`{"k%d":1}`, i) },
		"spellings": func(i int) string {
			return fmt.Sprintf(`{"%s":1}`, string([]rune{0x4e00 + rune(i%20000), 0x4e00 + rune(i/20000)}))
		},
		"structs":   func(i int) string { return fmt.Sprintf(`{"k%d":{"a":1,"b":[{"c%d":2}]}}`, i/100, i) },
		"arrays":    func(i int) string { return fmt.Sprintf(`{"k%d":[[[[[[[[[[1]]]]]]]]]]}`, i) },
		"long":      func(i int) string { return fmt.Sprintf(`{"%s%d":1}`, long, i) },
		"very long": func(i int) string { return fmt.Sprintf(`{"%s%d":1}`, long+long, i) },
	} {
		t.Run(name, func(t *testing.T) {
			held := heldBy(func() any { return convert.SightsOf(records(200_000, record)) })
			const limit = 32 << 20
			if held > limit {
				t.Errorf("%d bytes are held, more than %d", held, limit)
			}
		})
	}
}

func records(n int, record func(i int) string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range n {
			if !yield([]byte(record(i))) {
				return
			}
		}
	}
}

// heldBy is how many bytes of the heap what make returns keeps alive.
func heldBy(make func() any) int64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	made := make()
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(made)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// A run with more new keys than are looked at keeps every value, and columns whose keys
// came before that have the join of all their values.
func TestMoreKeysThanAreHeld(t *testing.T) {
	all := []string{`{"first":1,"s":{"a":1}}`}
	for i := range 700 {
		var r strings.Builder
		for k := range 100 {
			fmt.Fprintf(&r, `,"k%d":{"deep":%d}`, 100*i+k, k)
		}
		all = append(all, "{"+r.String()[1:]+"}")
	}
	all = append(all, `{"first":1.5,"s":{"a":"x","b":[1]},"last":[{"z":1}]}`)
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1000, all...)})
	if got, want := specOf(res.Columns[:2]), "first:double,s:struct<a:string>"; got != want || len(res.Files) != 1 {
		t.Fatalf("columns %s, want %s, in %d files", got, want, len(res.Files))
	}
	if got := len(res.Columns); got > convert.MaxColumns+1 || got < convert.MaxColumns {
		t.Errorf("%d columns", got)
	}
	rows := parquetRows(t, res.Files[0].Path, res.Columns)
	if len(rows) != len(all) {
		t.Fatalf("%d rows of %d records", len(rows), len(all))
	}
	for i, record := range all {
		checkRow(t, res.Columns, rows[i], []byte(record))
	}
}

// A struct that turns out to be a map gives back the room that its keys took.
func TestMapsGiveRoomBack(t *testing.T) {
	record := func(i int) string { return fmt.Sprintf(`{"m%d":{"a%d":1}}`, i/1000, i) }
	all := []string{}
	for i := range 300_000 {
		all = append(all, record(i))
	}
	all = append(all, `{"last":true}`)
	columns, err := convert.Infer(t.Context(), blocksOf(1000, all...))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := specOf(columns[299:]), "m299:map<string,string>,last:boolean"; got != want {
		t.Errorf("the last columns are %s, want %s", got, want)
	}
}

// Glue takes names of 255 bytes and types of 128 KiB, and refuses a table with a longer
// one: what would make such a column is rescued.
func TestNamesAndTypesThatNoCatalogTakes(t *testing.T) {
	name := func(n int) string { return strings.Repeat("n", n) }
	var wide strings.Builder // 600 names of 250 bytes in one column
	for i := range 3 {
		fmt.Fprintf(&wide, `,"s%d":{"x":0`, i)
		for k := range 200 {
			fmt.Fprintf(&wide, `,"%s%03d":%d`, name(247), k, k)
		}
		wide.WriteByte('}')
	}
	record := fmt.Sprintf(`{"%s":1,"%s":2,"é%s":3,"s":{"%s":4,"ok":5},"deep":{%s},"later":6}`,
		name(lake.MaxColumnName), name(lake.MaxColumnName+1), name(lake.MaxColumnName), name(1<<20), wide.String()[1:])
	known := columnsOf(t, "deep:struct<s0:struct<x:bigint>>")
	for _, columns := range [][]lake.Column{nil, known} {
		res := convertJob(t, convert.Config{}, convert.Job{Columns: columns, Blocks: blocksOf(1, record)})
		got, want := specOf(res.Columns), name(lake.MaxColumnName)+":bigint,s:struct<ok:bigint>,later:bigint,_rescued:map<string,string>"
		if columns != nil {
			want = specOf(known) + "," + want
		}
		if got != want {
			t.Errorf("columns %s\nwant    %s", got, want)
		}
		checkRow(t, res.Columns, parquetRows(t, res.Files[0].Path, res.Columns)[0], []byte(record))
	}
}
