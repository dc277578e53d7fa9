package convert_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"sluice/convert"

	"github.com/klauspost/compress/zstd"
)

// Frames without matches are zstd to a decoder we did not write, whatever is in
// them and at every size where blocks begin.
func TestEntropyFrames(t *testing.T) {
	d, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	random := rand.New(rand.NewPCG(1, 2))
	fills := map[string]func() byte{
		"zeros":  func() byte { return 0 },
		"random": func() byte { return byte(random.Uint32()) },
		"hex":    func() byte { return "0123456789abcdef-"[random.IntN(17)] },
		"skewed": func() byte { return byte(random.ExpFloat64() * 3) },
		"two":    func() byte { return byte(random.IntN(200) / 199) },
	}
	for name, fill := range fills {
		for _, n := range []int{0, 1, 2, 31, 63, 64, 65, 255, 256, 1023, 1024, 16383, 16384, 1<<17 - 1, 1 << 17, 1<<17 + 1, 400_000} {
			src := make([]byte, n)
			for i := range src {
				src[i] = fill()
			}
			frame := convert.AppendEntropyFrame([]byte("before"), src)
			got, err := d.DecodeAll(frame[len("before"):], nil)
			if err != nil || !bytes.Equal(got, src) {
				t.Errorf("%d %s bytes do not come back: %v", n, name, err)
			}
			if name == "hex" && n == 400_000 && len(frame) > n*6/10 {
				t.Errorf("%d hexadecimal digits take %d bytes", n, len(frame))
			}
		}
	}
}

func FuzzEntropyFrame(f *testing.F) {
	f.Add([]byte("a frame"))
	f.Add(bytes.Repeat([]byte("0123"), 100))
	d, err := zstd.NewReader(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		if got, err := d.DecodeAll(convert.AppendEntropyFrame(nil, src), nil); err != nil || !bytes.Equal(got, src) {
			t.Errorf("%q does not come back: %v", src, err)
		}
	})
}
