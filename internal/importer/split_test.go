package importer_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/importer"
	"sluice/internal/lake"
)

// found is what a text is split into: records as they are, bad ones behind "!".
func found(t *testing.T, in io.Reader) ([]string, int) {
	t.Helper()
	lines, n, bad, open, err := importer.Split(in)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range bytes.Lines(lines) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		if lake.IsMalformed(line) {
			out = append(out, "!"+string(lake.DecodeMalformed(nil, line)))
			bad--
			continue
		}
		out = append(out, string(line))
	}
	if len(out) != n || bad != 0 {
		t.Errorf("%d records counted, %d bad ones too many; found %q", n, bad, out)
	}
	return out, open
}

func TestSplit(t *testing.T) {
	for name, tc := range map[string]struct {
		in   string
		want []string
	}{
		"nothing":        {"", nil},
		"white space":    {" \n\t\r\n", nil},
		"lines":          {"{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		"byte order":     {"\xEF\xBB\xBF{\"a\":1}", []string{`{"a":1}`}},
		"concatenated":   {`{"a":1}{"a":2} {"a":3}`, []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		"pretty":         {"{\n  \"a\": [1,\n 2]\n}\n{}", []string{`{"a":[1,2]}`, `{}`}},
		"array":          {`[{"a":1}, {"a":2}]`, []string{`{"a":1}`, `{"a":2}`}},
		"empty array":    {`[]`, nil},
		"lines of array": {"[{\"a\":1}]\n[{\"a\":2},\n{\"a\":3}]", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		"bad line":       {"{\"a\":1}\nnope, {\"a\":2}\n{\"a\":3}", []string{`{"a":1}`, `!nope, {"a":2}`, `{"a":3}`}},
		"cut line":       {"{\"a\":1\n{\"a\":2}", []string{`!{"a":1`, `{"a":2}`}},
		"cut text":       {"{\"a\":1}\n{\"a\":\"x", []string{`{"a":1}`, `!{"a":"x`}},
		"open string":    {"{\"a\":\"x\n{\"a\":2}", []string{`!{"a":"x`, `{"a":2}`}},
		"no objects":     {"1\n\"x\"\nnull", []string{"!1", `!"x"`, "!null"}},
		"not UTF-8":      {"{\"a\":\"\xff\"}\n{}", []string{"!{\"a\":\"\xff\"}", `{}`}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, in := range []io.Reader{strings.NewReader(tc.in), iotest.OneByteReader(strings.NewReader(tc.in)), iotest.DataErrReader(strings.NewReader(tc.in))} {
				got, open := found(t, in)
				if diff := cmp.Diff(tc.want, got); diff != "" || open != 0 {
					t.Errorf("%d arrays open; (-want +got):\n%s", open, diff)
				}
			}
		})
	}
}

func TestSplitOpenArray(t *testing.T) {
	if got, open := found(t, strings.NewReader(`[{"a":1}`)); len(got) != 1 || open != 1 {
		t.Errorf("%q, %d open", got, open)
	}
}

// A record that is too long is bad, and what follows is read.
func TestSplitLong(t *testing.T) {
	long := `{"a":"` + strings.Repeat("x", importer.MaxRecord) + `"}`
	for _, text := range []string{long + "\n{\"b\":1}", "{\"b\":1}\n" + long + "\n", long} {
		got, _ := found(t, strings.NewReader(text))
		bad := slices.IndexFunc(got, func(s string) bool { return strings.HasPrefix(s, `!{"a":"xxx`) && len(s) < 1<<20 })
		if bad < 0 || len(got) != strings.Count(text, "{\"b\":1}")+1 {
			t.Errorf("%d records", len(got))
		}
	}
	almost := `{"a":"` + strings.Repeat("x", importer.MaxRecord-100) + `"}`
	if got, _ := found(t, strings.NewReader(almost+"\n"+almost)); len(got) != 2 || got[0] != almost {
		t.Errorf("%d records", len(got))
	}
}

// What goes wrong in reading is an error, and never the end.
func TestSplitBroken(t *testing.T) {
	for _, cause := range []error{errors.New("connection reset"), io.ErrUnexpectedEOF} {
		lines, n, _, _, err := importer.Split(io.MultiReader(strings.NewReader("{\"a\":1}\n{\"a\""), iotest.ErrReader(cause)))
		if !errors.Is(err, cause) {
			t.Errorf("%v: %d records %q, error %v", cause, n, lines, err)
		}
	}
}

// However a text comes in pieces, it is split alike, and nothing of it gets lost.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{"{\"a\":1}\n{\"b\":[1,2]}", "[{\"a\":1},{}]", "x\n{}\n", "{\"a\":\"\\u00e9\n\"}", "{}{}", "[[{}],]"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		whole, n, bad, open, err := importer.Split(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		pieces, n2, bad2, open2, err := importer.Split(iotest.HalfReader(bytes.NewReader(text)))
		if err != nil || !bytes.Equal(whole, pieces) || n != n2 || bad != bad2 || open != open2 {
			t.Fatalf("%d, %d, %d of %q, %d, %d, %d of %q, %v", n, bad, open, whole, n2, bad2, open2, pieces, err)
		}
		if got := bytes.Count(whole, []byte("\n")); got != n {
			t.Fatalf("%d lines of %d records", got, n)
		}
		left := func(b []byte) string {
			return strings.Map(func(r rune) rune {
				if strings.ContainsRune(" \t\r\n,[]\uFEFF", r) {
					return -1
				}
				return r
			}, string(b))
		}
		var out []byte
		for line := range bytes.Lines(whole) {
			line = bytes.TrimSuffix(line, []byte("\n"))
			if lake.IsMalformed(line) {
				line = lake.DecodeMalformed(nil, line)
			}
			out = append(out, line...)
		}
		if want, got := left(text), left(out); want != got {
			t.Fatalf("%q became %q", want, got)
		}
	})
}

func TestStamp(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":1}`:                    `{"sourceid":"w\"b","a":1}`,
		`{}`:                         `{"sourceid":"w\"b"}`,
		`{ }`:                        `{"sourceid":"w\"b" }`,
		`{"a":1,"sourceId":"x"}`:     `{"a":1,"sourceId":"x"}`,
		`{"a":{"sourceid":"inner"}}`: `{"sourceid":"w\"b","a":{"sourceid":"inner"}}`,
		string(lake.AppendMalformed(nil, []byte("nope"))): string(lake.AppendMalformed(nil, []byte("nope"))),
	} {
		got := importer.Stamp("sourceid", `w"b`, []byte("{\"before\":1}\n"+in+"\n"), len("{\"before\":1}\n"))
		if string(got) != "{\"before\":1}\n"+want+"\n" {
			t.Errorf("%s became %s, want %s", in, got, want)
		}
	}
	if got := importer.Stamp("", "x", []byte("{}\n"), 0); string(got) != "{}\n" {
		t.Errorf("without a column: %s", got)
	}
}
