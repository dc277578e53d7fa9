package records_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"sluice/ingest"
)

// byLines is the line rule again, the slow way: it holds the body whole and
// reads with encoding/json. It does not know of pretty-printed bodies or arrays.
func byLines(body string) (stored []string, rejected []int) {
	for line := range strings.SplitSeq(body, "\n") {
		for line = strings.Trim(line, " \t\r"); line != ""; line = strings.TrimLeft(line, " \t\r") {
			n, ok := objectAt(line)
			switch {
			case !ok:
				rejected = append(rejected, len(stored)+len(rejected))
				n = len(line)
			case n > ingest.MaxRecord:
				rejected = append(rejected, len(stored)+len(rejected))
			default:
				stored = append(stored, line[:n])
			}
			line = line[n:]
		}
	}
	return stored, rejected
}

func objectAt(s string) (n int, ok bool) {
	var raw json.RawMessage
	d := json.NewDecoder(strings.NewReader(s))
	if s[0] != '{' || d.Decode(&raw) != nil || !utf8.Valid(raw) {
		return 0, false
	}
	return int(d.InputOffset()), true
}

// bodyOf makes about n bytes of lines: good ones of all sizes, some spaced, some
// joined, some wrong, some too large.
func bodyOf(rnd *rand.Rand, n int) string {
	var b strings.Builder
	b.WriteString("{}\n") // so that the first line does not stop inside an object
	for b.Len() < n {
		switch k := rnd.IntN(40); {
		case k == 0:
			b.WriteString("{\"a\":tru}")
		case k == 1:
			b.WriteString("[{\"a\":1}]")
		case k == 2:
			b.WriteString("  \t{ \"a\" : \"" + strings.Repeat("é", rnd.IntN(3000)) + "\" } ")
		case k == 3:
			b.WriteString(strings.Repeat("{\"j\":1}", rnd.IntN(4000)))
		case k == 4:
			b.WriteString("{\"cut\":\"")
		case k == 5:
			b.WriteString("{\"a\":\"\xff\"}")
		case k == 6:
			b.WriteString(record(10 + rnd.IntN(200_000)))
		case k == 7 && rnd.IntN(10) == 0:
			b.WriteString(record(ingest.MaxRecord - 2 + rnd.IntN(4)))
		case k == 8 && rnd.IntN(10) == 0:
			b.WriteString(record(ingest.MaxRecord + rnd.IntN(1<<20)))
		default:
			fmt.Fprintf(&b, "{\"n\":%d}", rnd.Uint64())
		}
		b.WriteString([]string{"\n", "\n", "\n", "\r\n", "\n\n"}[rnd.IntN(5)])
	}
	return b.String()
}

// Long bodies give what the slow way gives, however they are cut into reads,
// whatever is said of their length, compressed or not, with memory or without.
func TestAgainstOracle(t *testing.T) {
	for seed := range uint64(5) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		body := bodyOf(rnd, 3<<20)
		wantStored, wantRejected := byLines(body)
		for name, sent := range map[string]struct {
			body   io.Reader
			coding string
		}{
			"whole":   {strings.NewReader(body), ""},
			"unknown": {struct{ io.Reader }{strings.NewReader(body)}, ""},
			"chopped": {&chopped{strings.NewReader(body), rnd, 1 << (rnd.IntN(14) + 6)}, ""},
			"gzip":    {compress(t, "gzip", body), "gzip"},
			"zstd":    {compress(t, "zstd", body), "zstd"},
		} {
			a, stored := post(t, sent.body, "Content-Encoding", sent.coding)
			if d := cmp.Diff(wantStored, stored); d != "" || a.status != 200 {
				t.Fatalf("seed %d, %s: %d, stored: %.2000s", seed, name, a.status, d)
			}
			if d := cmp.Diff(wantRejected, a.indexes()); d != "" && a.RejectedTotal == 0 || max(len(a.Rejected), a.RejectedTotal) != len(wantRejected) {
				t.Fatalf("seed %d, %s: rejected: %.2000s", seed, name, d)
			}
		}
	}
}

// An array of the same elements, and the same values one after the other over
// several lines each, give the same records.
func TestFramingsAgree(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	var want []string
	var lines, pretty, array, prettyArray bytes.Buffer
	for lines.Len() < 3<<20 {
		obj := fmt.Sprintf(`{"n":%d,"s":"%s","a":[1,{"b":null}]}`, rnd.Uint64(), strings.Repeat("x ", rnd.IntN(300)))
		want = append(want, obj)
		lines.WriteString(obj + "\n")
		if err := json.Indent(&pretty, []byte(obj), "", "  "); err != nil {
			t.Fatal(err)
		}
		pretty.WriteString("\n")
		array.WriteString(map[bool]string{true: "[", false: ","}[array.Len() == 0] + obj)
	}
	array.WriteString("]")
	if err := json.Indent(&prettyArray, array.Bytes(), "\t", "\t"); err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string]*bytes.Buffer{"lines": &lines, "pretty": &pretty, "array": &array, "pretty array": &prettyArray} {
		for _, r := range []io.Reader{bytes.NewReader(body.Bytes()), &chopped{bytes.NewReader(body.Bytes()), rnd, 5000}} {
			a, stored := post(t, r)
			if d := cmp.Diff(want, stored); d != "" || a.status != 200 || len(a.Rejected) > 0 {
				t.Errorf("%s: %d %.300s: %.1000s", name, a.status, a.raw, d)
			}
		}
	}
}

// FuzzBody posts any body: nothing panics, what is stored are records (memLog
// checks), the answer adds up, and no cut into reads makes a difference.
func FuzzBody(f *testing.F) {
	for _, s := range []string{"", "{}", "[{},1]", "{\"a\":1}\n{\"a\":\n{}{} x\r\n\n{", "{\n\"a\": 1 }\n{}", "\xEF\xBB\xBF[\n{\"a\"\n:1},{}] x",
		"{\"a\":\"\\ud800\"}\n{\"a\":\"\xff\"}", "[{\"a\":[1,2", "{\"a\":1,\n{\"b\":2}\n"} {
		f.Add([]byte(s), uint64(0), false)
		f.Add([]byte(s), uint64(1), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, seed uint64, cut bool) {
		whole := func(r io.Reader) io.Reader {
			if !cut {
				return r
			}
			return io.MultiReader(r, readerFunc(func([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }))
		}
		a, stored := post(t, whole(bytes.NewReader(body)))
		if cut && a.status != 400 {
			t.Errorf("a body cut off: %d %s", a.status, a.raw)
		}
		b, stored2 := post(t, whole(&chopped{bytes.NewReader(body), rand.New(rand.NewPCG(seed, 0)), 1 + int(seed%64)}))
		if d := cmp.Diff(a.raw, b.raw) + cmp.Diff(stored, stored2); d != "" {
			t.Errorf("chopped it is different: %s", d)
		}
	})
}

// FuzzCompressed does so with a body that claims to be compressed.
func FuzzCompressed(f *testing.F) {
	for _, coding := range []string{"gzip", "zstd"} {
		for _, s := range []string{"", "{}", strings.Repeat("{\"a\":1}\n", 1000)} {
			packed, err := io.ReadAll(compress(f, coding, s))
			if err != nil {
				f.Fatal(err)
			}
			f.Add(packed, coding == "gzip")
			f.Add(append(packed, packed[:len(packed)/2]...), coding == "gzip")
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, gzip bool) {
		coding := map[bool]string{true: "gzip", false: "zstd"}[gzip]
		post(t, bytes.NewReader(body), "Content-Encoding", coding)
	})
}
