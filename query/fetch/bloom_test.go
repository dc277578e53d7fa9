package fetch_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sluice/internal/lake"
	"sluice/query/fetch"
	"sluice/query/fetch/statistics"
	"sluice/query/statement"
)

// bloomed is a file of parquet-go's: four row groups of 1,000 rows, the ids of the i-th
// are those that leave i divided by 4, so that bounds tell them apart nowhere.
func bloomed(t *testing.T) []byte {
	type row struct {
		ID int64   `parquet:"id"`
		N  int32   `parquet:"n"`
		S  string  `parquet:"s"`
		X  float64 `parquet:"x"`
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[row](&b, parquet.BloomFilters(parquet.SplitBlockFilter(10, "id"), parquet.SplitBlockFilter(10, "n"), parquet.SplitBlockFilter(10, "s")))
	for g := range 4 {
		for i := range 1000 {
			n := 4*i + g
			if _, err := w.Write([]row{{int64(n) + 1<<60, int32(n), fmt.Sprintf("user %d", n), float64(n) * 1.1}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// duckBloomed is the same of DuckDB's, with fewer values, since it makes filters of
// columns with dictionaries only.
func duckBloomed(t *testing.T) []byte {
	db := openDuck(t)
	path := filepath.Join(t.TempDir(), "f.parquet")
	if _, err := db.ExecContext(t.Context(), `COPY (SELECT n + (1::BIGINT << 60) AS id, n::INTEGER AS n, 'user ' || n AS s, n * 1.1::DOUBLE AS x
		FROM (SELECT 4 * (i % 400) + i // 20480 AS n FROM range(4 * 20480) t(i))) TO '`+path+`' (FORMAT parquet, ROW_GROUP_SIZE 20480)`); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// A value leaves its row group and, nearly always, no other; of values that are not in
// the file nearly nothing is left. What a filter cannot answer excludes nothing.
func TestBlooms(t *testing.T) {
	s := localStore(t)
	text := func(n int) statistics.Value { return statistics.Text(fmt.Sprintf("user %d", n)) }
	id := func(n int) statistics.Value { return statistics.Integer(int64(n) + 1<<60) }
	whole := func(n int) statistics.Value { return statistics.Integer(int64(n)) }
	for name, data := range map[string][]byte{"parquet-go": bloomed(t), "duckdb": duckBloomed(t)} {
		o := s.put(t, name, data)
		c := openCache(t, s, 1<<30)
		f, err := c.Footer(t.Context(), o, nil)
		if err != nil || len(f.Meta.RowGroups) != 4 {
			t.Fatal(name, err)
		}
		for column, of := range map[string]struct {
			typ   lake.Type
			value func(int) statistics.Value
		}{"s": {lake.String, text}, "id": {lake.Bigint, id}, "n": {lake.Bigint, whole}} {
			kept := 0
			for n := range 1500 {
				test := statistics.Predicate{Op: statement.Equal, Column: column, Type: of.typ, With: []statistics.Value{of.value(n)}}
				keep, k, filtered := statistics.Keep(f, []statistics.Predicate{test}, c.Blooms(t.Context(), o, fetch.Want{}, nil))
				if !keep[n%4] {
					t.Fatalf("%s: %s: row group %d is left out for %d", name, column, n%4, n)
				}
				kept += k
				if k+filtered > 4 {
					t.Fatalf("%s: %d row groups kept, %d filtered", name, k, filtered)
				}
			}
			if kept > 1500*5/4 {
				t.Errorf("%s: %s: %d row groups are kept for 1,500 values, of one each", name, column, kept)
			}
			in := statistics.Predicate{Op: statement.In, Column: column, Type: of.typ, With: []statistics.Value{of.value(4), of.value(9)}}
			if keep, _, _ := statistics.Keep(f, []statistics.Predicate{in}, c.Blooms(t.Context(), o, fetch.Want{}, nil)); !keep[0] || !keep[1] {
				t.Errorf("%s: %s: IN leaves out a row group: %v", name, column, keep)
			}
		}
		// Not asked: a column that is wanted otherwise than as it is stored, and what is no
		// whole number. Not worth it: nothing is wanted, or all of it is there.
		for what, tt := range map[string]struct {
			test statistics.Predicate
			want fetch.Want
		}{
			"another type":     {statistics.Predicate{Op: statement.Equal, Column: "n", Type: lake.Double, With: []statistics.Value{whole(5)}}, fetch.Want{}},
			"a double":         {statistics.Predicate{Op: statement.Equal, Column: "n", Type: lake.Bigint, With: []statistics.Value{statistics.Number(5, 0)}}, fetch.Want{}},
			"one of them":      {statistics.Predicate{Op: statement.In, Column: "n", Type: lake.Bigint, With: []statistics.Value{whole(5), statistics.Number(5, 0)}}, fetch.Want{}},
			"a comparison":     {statistics.Predicate{Op: statement.Less, Column: "n", Type: lake.Bigint, With: []statistics.Value{whole(7)}}, fetch.Want{}},
			"nothing is saved": {statistics.Predicate{Op: statement.Equal, Column: "n", Type: lake.Bigint, With: []statistics.Value{whole(5)}}, fetch.Want{Columns: []string{}}},
		} {
			if _, kept, filtered := statistics.Keep(f, []statistics.Predicate{tt.test}, c.Blooms(t.Context(), o, tt.want, nil)); kept != 4 && what != "a comparison" || filtered > 0 {
				t.Errorf("%s: %s: %d row groups are kept, %d filtered", name, what, kept, filtered)
			}
		}
		_, release, err := c.Parts(t.Context(), o, fetch.Want{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		release()
		if c.Blooms(t.Context(), o, fetch.Want{}, nil)(0, 0) != nil {
			t.Errorf("%s: a filter is read of what is there", name)
		}
	}
}
