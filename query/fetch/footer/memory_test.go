package footer_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sluice/query/fetch/footer"
)

// What a footer says that it takes in memory is what bounds how many are kept.
func TestMemory(t *testing.T) {
	fields := parquet.Group{}
	for i := range 100 {
		fields[fmt.Sprintf("column_%03d", i)] = parquet.Optional(parquet.String())
		fields[fmt.Sprintf("struct_%03d", i)] = parquet.Group{"a": parquet.Optional(parquet.Int(64)), "b": parquet.Group{"c": parquet.List(parquet.String())}}
	}
	schema := parquet.NewSchema("wide", fields)
	row := map[string]any{}
	for i := range 100 {
		row[fmt.Sprintf("column_%03d", i)] = fmt.Sprintf("a value of some length %d", i)
		row[fmt.Sprintf("struct_%03d", i)] = map[string]any{"a": int64(i), "b": map[string]any{"c": []string{"x"}}}
	}
	file := rowGroups(t, 5, []map[string]any{row}, schema)
	raw := metadata(t, file)
	const n = 20
	kept := make([]*footer.Footer, n)
	before := heap()
	for i := range kept {
		f, err := footer.Parse(append([]byte(nil), raw...), int64(len(file)))
		if err != nil {
			t.Fatal(err)
		}
		kept[i] = f
	}
	took, said := (heap()-before)/n, kept[0].Memory()
	t.Logf("metadata of %d bytes take %d in memory, and say %d", len(raw), took, said)
	if said < took*9/10 || said > 3*took {
		t.Errorf("metadata of %d bytes take %d in memory, and say %d", len(raw), took, said)
	}
	runtime.KeepAlive(kept)
}

// heap is how many bytes live in memory.
func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
