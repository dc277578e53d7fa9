package convert_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/convert"
)

// readHybrid decodes the hybrid as Parquet's documentation of it says, a bit at
// a time, into at least n values.
func readHybrid(t *testing.T, data []byte, n int, width uint) (out []uint32) {
	t.Helper()
	for len(out) < n {
		header, k := binary.Uvarint(data)
		if k <= 0 {
			t.Fatalf("no header after %d of %d values", len(out), n)
		}
		data = data[k:]
		if header&1 == 0 {
			var v uint32
			size := int(width+7) / 8
			for i := range size {
				v |= uint32(data[i]) << (8 * i)
			}
			data = data[size:]
			out = append(out, slices.Repeat([]uint32{v}, int(header>>1))...)
			continue
		}
		groups := int(header >> 1)
		for i := range groups * 8 {
			var v uint32
			for b := range int(width) {
				at := i*int(width) + b
				v |= uint32(data[at/8]>>(at%8)&1) << b
			}
			out = append(out, v)
		}
		data = data[groups*int(width):]
	}
	if len(data) != 0 {
		t.Fatalf("%d bytes are left over", len(data))
	}
	return out[:n]
}

func TestHybrid(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for width := uint(1); width <= 32; width++ {
		limit := uint32(1<<width - 1)
		random := func(n int, runs bool) (out []uint32) {
			for len(out) < n {
				v, k := r.Uint32()&limit, 1
				if runs && r.IntN(3) == 0 {
					k = r.IntN(70)
				}
				out = append(out, slices.Repeat([]uint32{v}, k)...)
			}
			return out[:n]
		}
		inputs := [][]uint32{slices.Repeat([]uint32{limit}, 100_000), {limit}, {0}, random(5000, true), random(5000, false)}
		for n := 1; n < 70; n++ {
			inputs = append(inputs, random(n, true), random(n, false), slices.Repeat([]uint32{limit}, n))
		}
		for _, in := range inputs {
			got := readHybrid(t, convert.AppendHybrid(nil, in, width), len(in), width)
			if !slices.Equal(in, got) {
				t.Fatalf("width %d: wrote %v, read %v", width, in, got)
			}
			if width > 8 {
				continue
			}
			var levels []uint8
			for _, v := range in {
				levels = append(levels, uint8(v))
			}
			got = readHybrid(t, convert.AppendLevels(nil, levels, width), len(in), width)
			if !slices.Equal(in, got) {
				t.Fatalf("levels of width %d: wrote %v, read %v", width, in, got)
			}
		}
	}
}

func TestCutBounds(t *testing.T) {
	for _, s := range []string{
		"", "short", strings.Repeat("x", 64), strings.Repeat("x", 65), strings.Repeat("é", 33), strings.Repeat("日", 30), strings.Repeat("\u007f", 70),
		"a" + strings.Repeat("\U0010ffff", 30), strings.Repeat("\U0010ffff", 30), strings.Repeat("\ud7ff", 30), strings.Repeat("\x00", 80),
		strings.Repeat("\U0010ffff", 15) + "aaaaaaaa",
	} {
		low, high := convert.CutBounds([]byte(s), []byte(s))
		if len(low) > 64 || len(high) > 64+utf8.UTFMax || string(low) > s || !utf8.Valid(low) || !utf8.Valid(high) {
			t.Errorf("%q: bounds %q and %q", s, low, high)
		}
		if all := strings.Trim(s, "\U0010ffff") == "" && len(s) > 64; all != (high == nil) || !all && string(high) < s {
			t.Errorf("%q: upper bound %q", s, high)
		}
		if len(s) <= 64 && (string(low) != s || !bytes.Equal(high, low)) {
			t.Errorf("%q: short, but cut to %q and %q", s, low, high)
		}
	}
}

// A file says nothing of a text that has no short upper bound, and is read all
// the same.
func TestUnboundedText(t *testing.T) {
	record := fmt.Sprintf(`{"s":%q}`, strings.Repeat("\U0010ffff", 30))
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(1, strings.ReplaceAll(record, `\U0010ffff`, "\U0010ffff"))})
	want := []map[string]any{{"s": strings.Repeat("\U0010ffff", 30)}}
	sameRows(t, "DuckDB", want, duckRows(t, res.Files[0].Path, res.Columns))
	sameRows(t, "parquet-go", want, parquetRows(t, res.Files[0].Path, res.Columns))
	t.Run("PyArrow", func(t *testing.T) { sameRows(t, "PyArrow", want, arrowRows(t, res.Files[0].Path, res.Columns)) })
}

// Numbers that compare equal but are not the same have the bounds that Parquet
// asks for.
func TestZeroBounds(t *testing.T) {
	columns := columnsOf(t, "d:double,f:float")
	records := []string{`{"d":0.0,"f":-0.0}`, `{"d":-0.0,"f":0.0}`, `{"d":-0.0}`}
	res := convertJob(t, convert.Config{}, convert.Job{Blocks: blocksOf(3, records...), Columns: columns})
	for i, c := range openParquet(t, res.Files[0].Path).RowGroups()[0].ColumnChunks() {
		index, err := c.ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		low, high := fmt.Sprint(index.MinValue(0)), fmt.Sprint(index.MaxValue(0))
		if low != "-0" || high != "0" {
			t.Errorf("column %d: bounds %s and %s", i, low, high)
		}
	}
	for i, row := range readRows(t, res.Files[0].Path) {
		if want := []string{`{"d":0.0,"f":-0.0}`, `{"d":-0.0,"f":0.0}`, `{"d":-0.0,"f":null}`}[i]; row != want {
			t.Errorf("row %d: %s, want %s", i, row, want)
		}
	}
}
