package convert_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"

	"sluice/convert"

	"github.com/klauspost/compress/zstd"
)

// numberPages are pages of numbers behind a few other bytes, of each kind that the coder
// treats in its own way.
func numberPages() map[string][]byte {
	random := rand.New(rand.NewPCG(3, 4))
	kinds := map[string]func(last uint64) uint64{
		"equal":     func(last uint64) uint64 { return last },
		"counter":   func(last uint64) uint64 { return last + 1 },
		"often":     func(last uint64) uint64 { return last + random.Uint64N(3)/2 },
		"seldom":    func(last uint64) uint64 { return last + random.Uint64N(1000)/999 },
		"seconds":   func(last uint64) uint64 { return last + random.Uint64N(4) - random.Uint64N(50)/49*random.Uint64N(600) },
		"micros":    func(last uint64) uint64 { return last + 1000*random.Uint64N(20_000) },
		"random":    func(uint64) uint64 { return random.Uint64() },
		"at times":  func(last uint64) uint64 { return last + 1 + random.Uint64N(20)/19*random.Uint64() },
		"by turns":  func(last uint64) uint64 { return last + 1 + (last>>4&1)*random.Uint64() },
		"any bytes": func(last uint64) uint64 { return last ^ random.Uint64()>>random.Uint64N(64) },
	}
	pages := map[string][]byte{}
	for name, next := range kinds {
		for _, n := range []int{0, 1, 2, 63, 64, 65, 66, 127, 129, 200, 1000, 16383, 16385, 50_000} {
			for _, before := range []int{0, 7, 300} {
				page := bytes.Repeat([]byte{3}, before)
				v := uint64(1_700_000_000)
				for range n {
					v = next(v)
					page = binary.LittleEndian.AppendUint64(page, v)
				}
				pages[fmt.Sprintf("%d %s after %d", n, name, before)] = page
			}
		}
	}
	return pages
}

// Frames of numbers are zstd to a decoder we did not write, whatever the numbers, and
// wherever they are cut.
func TestStrideFrames(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for name, page := range numberPages() {
		for _, cut := range []int{0, 1, 5} {
			src := page[:max(0, len(page)-cut)]
			for _, values := range []int{0, 7, 300, len(src) + 1} {
				frame := convert.AppendStrideFrame([]byte("before"), src, values)
				got, err := d.DecodeAll(frame[len("before"):], nil)
				if err != nil || !bytes.Equal(got, src) {
					t.Fatalf("%s, but %d, from %d do not come back: %v", name, cut, values, err)
				}
			}
		}
	}
}

// What comes about in order gets small.
func TestStrideFramesAreSmall(t *testing.T) {
	pages := numberPages()
	for name, most := range map[string]int{"equal": 20, "often": 50, "seconds": 80, "random": 516, "micros": 245} {
		page := pages["50000 "+name+" after 7"]
		if n := len(convert.AppendStrideFrame(nil, page, 7)); n > len(page)*most/512 {
			t.Errorf("%s: %d of %d bytes, want %d", name, n, len(page), len(page)*most/512)
		}
	}
}

func FuzzStrideFrame(f *testing.F) {
	f.Add([]byte("a frame"), 3)
	f.Add(bytes.Repeat([]byte("01234567"), 200), 8)
	f.Add(bytes.Repeat([]byte("012345678"), 200), 0)
	d, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte, values int) {
		values = max(values, 0)
		if got, err := d.DecodeAll(convert.AppendStrideFrame(nil, src, values), nil); err != nil || !bytes.Equal(got, src) {
			t.Errorf("%q from %d does not come back: %v", src, values, err)
		}
	})
}
