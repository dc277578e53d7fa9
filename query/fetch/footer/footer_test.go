package footer_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"sluice/query/fetch/footer"
)

// rowGroups makes a file of that many row groups of three rows.
func rowGroups[T any](t testing.TB, groups int, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	for range groups {
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
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

type nested struct {
	ID   int64              `parquet:"id"`
	Name *string            `parquet:"name,optional"`
	O    struct{ A, B int } `parquet:"o"`
	L    []string           `parquet:"l,list"`
	M    map[string]int     `parquet:"m"`
}

func nestedRows() []nested {
	name := "x"
	rows := []nested{{ID: 1, Name: &name, L: []string{"a", "b"}, M: map[string]int{"k": 1}}, {ID: 2}, {ID: 3, L: []string{"c"}}}
	rows[0].O.A = 7
	return rows
}

// metadata are a file's.
func metadata(t testing.TB, file []byte) []byte {
	t.Helper()
	n, err := footer.Length(file[len(file)-footer.TailSize:], int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	end := len(file) - footer.TailSize
	return file[end-int(n) : end]
}

func TestParse(t *testing.T) {
	file := rowGroups(t, 3, nestedRows())
	f, err := footer.Parse(metadata(t, file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	leaves := 0
	for _, c := range f.Columns {
		got = append(got, c.Name)
		leaves += c.Leaves
		if c.First+c.Leaves != leaves {
			t.Errorf("%+v", c)
		}
	}
	if strings.Join(got, " ") != "id name o l m" || leaves != 7 || len(f.Meta.RowGroups) != 3 || f.Meta.NumRows != 9 {
		t.Errorf("%v, %d leaves, %d row groups", got, leaves, len(f.Meta.RowGroups))
	}
	if n := f.Meta.RowGroups[1].Columns[1].MetaData.Statistics.NullCount; n != 2 {
		t.Errorf("%d nulls", n)
	}
	if f.Memory() < f.Length() {
		t.Errorf("%d bytes of memory for %d", f.Memory(), f.Length())
	}
}

func TestLength(t *testing.T) {
	tail := func(n uint32, magic string) []byte { return append(binary.LittleEndian.AppendUint32(nil, n), magic...) }
	for _, c := range []struct {
		tail []byte
		want string
	}{
		{tail(10, "PAR2"), "no Parquet"}, {tail(10, "PARE"), "encrypted"}, {tail(1000, "PAR1"), "no whole"}, {nil, "too short"},
	} {
		if _, err := footer.Length(c.tail, 1000); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.tail, err)
		}
	}
	if n, err := footer.Length(tail(988, "PAR1"), 1000); n != 988 || err != nil {
		t.Error(n, err)
	}
	if _, err := footer.Length(tail(17<<20, "PAR1"), 1<<40); err != footer.ErrTooLarge {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	for _, groups := range []int{0, 1, 20} {
		file := rowGroups(f, groups, nestedRows())
		f.Add(metadata(f, file), int64(len(file)))
	}
	f.Fuzz(func(t *testing.T, raw []byte, size int64) {
		if len(raw) > 1<<16 {
			return
		}
		parsed, err := footer.Parse(raw, size)
		if err == nil && len(parsed.Meta.Schema) == 0 {
			t.Error("no schema")
		}
	})
}
