package convert_test

import (
	"encoding/binary"
	"fmt"
	"os"
	"testing"

	"sluice/convert"
	"sluice/internal/lake"

	"github.com/parquet-go/parquet-go"
)

// Every value passes its filter, for the three who check: by our own reading of
// the specification, parquet-go's and DuckDB's; few of those that are not there
// do, and the filter is no larger than the distinct values ask for.
func TestBloomFilters(t *testing.T) {
	var records []string
	for i := range 20_000 {
		records = append(records, fmt.Sprintf(`{"uniq":"%032x","few":"f%d","n":%d,"m":%d,"d":%d.5,"z":%s,"ti":%d,"si":%d,"i":%d,"fl":%d.25}`,
			i*7919, i%100, i*3, i%300, i, []string{"0.0", "-0.0"}[i%2], i%50, i%5000, i, i%1000))
	}
	columns := columnsOf(t, "uniq:string,few:string,n:bigint,m:bigint,d:double,z:double,ti:tinyint,si:smallint,i:int,fl:float")
	bloom := []string{}
	for _, c := range columns {
		bloom = append(bloom, c.Name)
	}
	for _, fpp := range []float64{0.1, 0.01, 0.001} {
		res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(100, records...), Columns: columns, Layout: convert.Layout{Bloom: bloom, BloomFPP: fpp}})
		path := res.Files[0].Path
		f := openParquet(t, path)
		rows := parquetRows(t, path, columns)
		for i, chunk := range f.RowGroups()[0].ColumnChunks() {
			name := columns[i].Name
			filter := chunk.(*parquet.FileColumnChunk).BloomFilter()
			distinct := map[any]bool{}
			for _, row := range rows {
				distinct[row[name]] = true
			}
			for v := range distinct {
				if ok, err := filter.Check(parquetValue(columns[i].Type, v)); err != nil || !ok {
					t.Fatalf("%s: %v is not in its filter: %v", name, v, err)
				}
			}
			wrong := 0
			const absent = 20_000
			for k := range absent {
				v := parquetValue(columns[i].Type, absentValue(columns[i].Type, k))
				if ok, err := filter.Check(v); err != nil {
					t.Fatal(err)
				} else if ok {
					wrong++
				}
			}
			if rate := float64(wrong) / absent; columns[i].Type.Kind != lake.KindTinyint && rate > 1.5*fpp+0.001 {
				t.Errorf("%s: %v of what is not there passes, want %v", name, rate, fpp)
			}
			bits := 8 * float64(filter.Size()) / float64(len(distinct))
			if limit := map[float64]float64{0.1: 12, 0.01: 24, 0.001: 36}[fpp]; bits > limit && filter.Size() > 32 {
				t.Errorf("%s: %v bits for each of %d values", name, bits, len(distinct))
			}
		}
		checkPages(t, path)
		probeDuckDB(t, path, rows[:50], columns)
	}
}

func absentValue(t lake.Type, k int) any {
	switch t.Kind {
	case lake.KindString:
		return fmt.Sprint("absent ", k)
	case lake.KindDouble, lake.KindFloat:
		return float64(k) + 0.125
	}
	return int64(-k - 1)
}

func parquetValue(t lake.Type, v any) parquet.Value {
	switch t.Kind {
	case lake.KindString:
		return parquet.ByteArrayValue([]byte(v.(string)))
	case lake.KindDouble:
		return parquet.DoubleValue(v.(float64))
	case lake.KindFloat:
		return parquet.FloatValue(float32(v.(float64)))
	case lake.KindBigint:
		return parquet.Int64Value(v.(int64))
	}
	return parquet.Int32Value(int32(v.(int64)))
}

// probeDuckDB asks for values that are there; DuckDB skips a row group whose
// filter does not know them, zeros of either sign included.
func probeDuckDB(t *testing.T, path string, rows []map[string]any, columns []lake.Column) {
	t.Helper()
	db := openDuckDB(t)
	for _, c := range columns {
		for _, row := range rows {
			literal := fmt.Sprintf("'%v'", row[c.Name])
			var n, excluded int
			if err := db.QueryRow(fmt.Sprintf("SELECT count(*) FROM '%s' WHERE %s = %s::%s", path, c.Name, literal, c.Type)).Scan(&n); err != nil || n == 0 {
				t.Fatalf("DuckDB: %d rows with %s = %s, %v", n, c.Name, literal, err)
			}
			probe := fmt.Sprintf("SELECT count(*) FROM parquet_bloom_probe('%s', '%s', %s::%s) WHERE bloom_filter_excludes", path, c.Name, literal, c.Type)
			if err := db.QueryRow(probe).Scan(&excluded); err != nil || excluded != 0 {
				t.Fatalf("DuckDB: %s = %s is excluded by %d filters, %v", c.Name, literal, excluded, err)
			}
		}
	}
	var excluded int
	if err := db.QueryRow(fmt.Sprintf("SELECT count(*) FROM range(1000) r, parquet_bloom_probe('%s', 'uniq', 'not there') WHERE bloom_filter_excludes", path)).Scan(&excluded); err != nil || excluded == 0 {
		t.Errorf("DuckDB excludes nothing by the filter: %v", err)
	}
}

// The filter of two known values, byte for byte, as the specification has it.
func TestBloomBytes(t *testing.T) {
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(2, `{"s":"a"}`, `{"s":""}`), Layout: convert.Layout{Bloom: []string{"s"}}})
	data, err := os.ReadFile(res.Files[0].Path)
	if err != nil {
		t.Fatal(err)
	}
	meta := openParquet(t, res.Files[0].Path).Metadata().RowGroups[0].Columns[0].MetaData
	filter := data[meta.BloomFilterOffset:][:meta.BloomFilterLength]
	bits := filter[len(filter)-32:]
	var want [8]uint32
	salts := [8]uint32{0x47b6137b, 0x44974d91, 0x8824ad5b, 0xa2b7289d, 0x705495c7, 0x2df1424b, 0x9efc4947, 0x5c6bfb31}
	for _, low := range []uint32{0xa98c6e5b, 0x51d8e999} { // the lower halves of XXH64("a") and XXH64("")
		for i, salt := range salts {
			want[i] |= 1 << (low * salt >> 27)
		}
	}
	for i, w := range want {
		if got := binary.LittleEndian.Uint32(bits[4*i:]); got != w {
			t.Errorf("word %d: %032b, want %032b", i, got, w)
		}
	}
}
