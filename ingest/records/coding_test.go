package records_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"sluice/ingest"
)

// compress encodes a body; an unknown coding leaves it.
func compress(t testing.TB, coding, body string) *bytes.Reader {
	t.Helper()
	var b bytes.Buffer
	var w io.WriteCloser
	var err error
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&b)
	case "zstd":
		w, err = zstd.NewWriter(&b)
	default:
		return bytes.NewReader([]byte(body))
	}
	if err == nil {
		_, err = io.WriteString(w, body)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes.NewReader(b.Bytes())
}

func TestCodings(t *testing.T) {
	body := strings.Repeat("{\"a\":1}\n", 200_000) // 1.6 MB
	for _, coding := range []string{"gzip", "zstd"} {
		packed, err := io.ReadAll(compress(t, coding, body))
		if err != nil {
			t.Fatal(err)
		}
		head, err := io.ReadAll(compress(t, coding, "{\"b\":1}\n"))
		if err != nil {
			t.Fatal(err)
		}
		for name, r := range map[string]io.Reader{
			"whole":       bytes.NewReader(packed),
			"bytewise":    iotest.OneByteReader(bytes.NewReader(packed)),
			"data at EOF": iotest.DataErrReader(bytes.NewReader(packed)),
			"two members": io.MultiReader(bytes.NewReader(head), bytes.NewReader(packed)),
		} {
			a, stored := post(t, r, "Content-Encoding", coding)
			want := 200_000
			if name == "two members" {
				want++
			}
			if a.status != 200 || len(stored) != want {
				t.Errorf("%s, %s: %d, %d stored: %.300s", coding, name, a.status, len(stored), a.raw)
			}
		}
		if a, _ := post(t, strings.NewReader(""), "Content-Encoding", coding); a.status != 400 || a.Error.Code != ingest.CodeEmpty {
			t.Errorf("%s of nothing: %d %s", coding, a.status, a.raw)
		}
		if a, _ := post(t, strings.NewReader(body[:100]), "Content-Encoding", coding); a.status != 400 || a.Error.Code != ingest.CodeCorrupt {
			t.Errorf("%s that is none: %d %s", coding, a.status, a.raw)
		}
	}
}

func TestCodingNames(t *testing.T) {
	for _, c := range []struct {
		header []string
		coding string
		status int
	}{
		{[]string{"identity"}, "", 200},
		{[]string{""}, "", 200},
		{[]string{" GZIP "}, "gzip", 200},
		{[]string{"x-gzip"}, "gzip", 200},
		{[]string{"identity, zstd"}, "zstd", 200},
		{[]string{"identity", "zstd"}, "zstd", 200},
		{[]string{"br"}, "", 415},
		{[]string{"deflate"}, "", 415},
		{[]string{"gzip, gzip"}, "gzip", 415},
		{[]string{"gzip", "zstd"}, "gzip", 415},
		{[]string{"gzip;q=1"}, "gzip", 415},
	} {
		var header []string
		for _, v := range c.header {
			header = append(header, "Content-Encoding", v)
		}
		a, _ := post(t, compress(t, c.coding, "{}"), header...)
		if a.status != c.status || c.status == 415 && a.header.Get("Accept-Encoding") != "gzip, zstd" {
			t.Errorf("%q: %d %s", c.header, a.status, a.raw)
		}
	}
}

// Whatever the Content-Type says, the content is what counts.
func TestContentTypeIsNotLookedAt(t *testing.T) {
	for _, typ := range []string{"", "text/plain", "application/x-www-form-urlencoded", "application/x-ndjson", "image/png"} {
		if a, _ := post(t, compress(t, "gzip", `[{"a":1}]`), "Content-Type", typ, "Content-Encoding", "gzip"); a.status != 200 {
			t.Errorf("%q: %d %s", typ, a.status, a.raw)
		}
	}
}

// Compressed data that is cut off gives what was before; data that turns out
// wrong gives nothing that was not appended before that was known.
func TestBrokenCompression(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var plain strings.Builder
	for range 30_000 {
		fmt.Fprintf(&plain, "{\"n\":%d}\n", rnd.Uint64())
	}
	for _, coding := range []string{"gzip", "zstd"} {
		packed, err := io.ReadAll(compress(t, coding, plain.String()))
		if err != nil {
			t.Fatal(err)
		}
		a, stored := post(t, bytes.NewReader(packed[:len(packed)/2]), "Content-Encoding", coding)
		if a.status != 400 || a.Error.Code != ingest.CodeCutOff || len(stored) < 5000 || len(stored) > 25_000 ||
			cmp.Diff([]int{len(stored)}, a.indexes()) != "" || !strings.HasPrefix(plain.String(), strings.Join(stored, "\n")+"\n") {
			t.Errorf("%s, cut off: %d, %d stored: %.300s", coding, a.status, len(stored), a.raw)
		}
		for name, at := range map[string]int{"checksum": len(packed) - 2, "middle": len(packed) / 2} {
			bad := bytes.Clone(packed)
			bad[at] ^= 0x55
			a, stored := post(t, bytes.NewReader(bad), "Content-Encoding", coding)
			if a.status != 400 || a.Error.Code != ingest.CodeCorrupt || len(stored) != 0 || cmp.Diff([]int{0}, a.indexes()) != "" {
				t.Errorf("%s, bad %s: %d, %d stored: %.300s", coding, name, a.status, len(stored), a.raw)
			}
		}
	}
}

// A zstd frame that asks for more window than is allowed gets none.
func TestZstdWindow(t *testing.T) {
	for window, status := range map[int]int{1 << 10: 200, 8 << 20: 200, 16 << 20: 413, 512 << 20: 413} {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedFastest))
		if err != nil {
			t.Fatal(err)
		}
		// Flushed in the middle, so that the frame tells its window, not its size.
		io.WriteString(w, "{}\n")
		w.Flush()
		io.WriteString(w, "{}\n")
		w.Close()
		if a, _ := post(t, bytes.NewReader(b.Bytes()), "Content-Encoding", "zstd"); a.status != status {
			t.Errorf("window %d: %d %s", window, a.status, a.raw)
		}
	}
}
