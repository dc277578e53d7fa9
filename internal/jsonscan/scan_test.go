package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/internal/jsonscan"
)

var valid = []string{
	`{}`, `{"a":1}`, ` [ ] `, `[1,-0,0.5,1e9,1E+9,-1.25e-3]`, `"\u00e9\ud83d\ude00\n\"\\\/"`, `"é漢😀"`, `true`, `false`, `null`,
	`{"a":{"b":[{"c":[[],{}]}]}}`, `"\ud800"`, `{"a":1,"a":2}`, `{"":""}`, `0`, `1e400`, "\"\x7f\"", "{\t\"a\"\r\n: 1 }",
}

var invalid = []string{
	``, `{`, `}`, `{"a"}`, `{"a":}`, `{"a":1,}`, `{,}`, `[1,]`, `[,1]`, `{a:1}`, `{'a':1}`, `01`, `-`, `-a`, `1.`, `.5`, `1e`, `1e+`, `+1`,
	`tru`, `truE`, `nul`, `NaN`, `Infinity`, `"\x"`, `"\u12g4"`, `"\u12"`, "\"\n\"", "\"\x00\"", "\"\x1f\"", `"abc`, `"abc\"`, "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\"",
	"\"\xf4\x90\x80\x80\"", "\"abcdefgh\xe2\x82\"", `[1 2]`, `{"a" 1}`, `{"a":1 "b":2}`, "\xef\xbb\xbf{}", "[\v1]", `{"a":1]`, `[1}`,
}

func TestValue(t *testing.T) {
	for _, s := range valid {
		if n, err := jsonscan.Value([]byte(s)); err != nil || strings.TrimSpace(s[n:]) != "" {
			t.Errorf("Value(%q) = %d, %v", s, n, err)
		}
	}
	for _, s := range invalid {
		if n, err := jsonscan.Value([]byte(s)); err == nil && strings.TrimSpace(s[n:]) == "" {
			t.Errorf("Value(%q) = %d, want an error", s, n)
		}
	}
}

// Every proper prefix of an object is incomplete, and says so.
func TestIncomplete(t *testing.T) {
	const s = `{"a":[1.5e3,true,null,"x\u00e9é\n",{"b":false}],"c":-2}`
	for i := range len(s) {
		_, err := jsonscan.Object([]byte(s[:i]))
		var se *jsonscan.SyntaxError
		if !errors.As(err, &se) || !se.Incomplete {
			t.Errorf("Object(%q): %v, want incomplete", s[:i], err)
		}
	}
	if n, err := jsonscan.Object([]byte(s + "  trailing")); n != len(s) || err != nil {
		t.Errorf("Object = %d, %v, want %d", n, err, len(s))
	}
}

func TestDepth(t *testing.T) {
	deep := func(n int) []byte { return []byte(strings.Repeat(`[`, n) + strings.Repeat(`]`, n)) }
	if _, err := jsonscan.Value(deep(jsonscan.MaxDepth)); err != nil {
		t.Error(err)
	}
	if _, err := jsonscan.Value(deep(jsonscan.MaxDepth + 1)); err == nil {
		t.Error("deeper than MaxDepth was accepted")
	}
	if _, err := jsonscan.Value(bytes.Repeat([]byte(`{"a":[`), 100_000)); err == nil {
		t.Error("bottomless nesting was accepted")
	}
}

func TestAppendUnquoted(t *testing.T) {
	for in, want := range map[string]string{
		`""`: "", `"abc"`: "abc", `"a\"\\\/\b\f\n\r\t"`: "a\"\\/\b\f\n\r\t", `"\u00e9\ud83d\ude00"`: "é😀",
		`"\ud800"`: "\ufffd", `"\ud800x"`: "\ufffdx", `"\udc00\ud800"`: "\ufffd\ufffd", `"\ud800\u0041"`: "\ufffdA", `"\u0000"`: "\x00",
		`"\ud800\ud83d\ude00"`: "\ufffd😀",
	} {
		if got := string(jsonscan.AppendUnquoted(nil, []byte(in))); got != want {
			t.Errorf("AppendUnquoted(%s) = %q, want %q", in, got, want)
		}
	}
}

func TestAppendCompact(t *testing.T) {
	in := "{ \"a b\" : [ 1 , \" x \\\" \" ,\n\ttrue ] }"
	if got, want := string(jsonscan.AppendCompact(nil, []byte(in))), `{"a b":[1," x \" ",true]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// FuzzValue holds the scanner against encoding/json, which agrees but for two
// things: it replaces invalid UTF-8, and it nests to 10,000.
func FuzzValue(f *testing.F) {
	for _, s := range append(valid, invalid...) {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := jsonscan.Value(data)
		ok := err == nil && jsonscan.SkipSpace(data, n) == len(data)
		want := json.Valid(data) && utf8.Valid(data)
		var se *jsonscan.SyntaxError
		if errors.As(err, &se) && strings.HasPrefix(se.Msg, "nested deeper") {
			return
		}
		if ok != want {
			t.Fatalf("Value(%q) = %d, %v; encoding/json says %v", data, n, err, want)
		}
		if !ok {
			return
		}
		var a, b bytes.Buffer
		if err := json.Compact(&a, data); err != nil {
			t.Fatal(err)
		}
		b.Write(jsonscan.AppendCompact(nil, data))
		if a.String() != b.String() {
			t.Fatalf("AppendCompact = %q, want %q", b.String(), a.String())
		}
		if v := bytes.TrimSpace(data); v[0] == '"' {
			var s string
			if err := json.Unmarshal(v, &s); err != nil {
				t.Fatal(err)
			}
			if got := string(jsonscan.AppendUnquoted(nil, v)); got != s {
				t.Fatalf("AppendUnquoted(%q) = %q, want %q", v, got, s)
			}
		}
	})
}

func BenchmarkObject(b *testing.B) {
	line := []byte(`{"bookId":"5f3a1c9e-1c7b-4d3e-9a55-0f1e2d3c4b5a","title":"The Silent River of Stones","author":"Maria Castellanos","genre":"Mystery","userId":"c56a4180-65aa-42ec-a945-5fd21dec0538","userCountry":"DE","userAge":34,"purchaseTimestamp":1767225600}`)
	b.SetBytes(int64(len(line)))
	for b.Loop() {
		if _, err := jsonscan.Object(line); err != nil {
			b.Fatal(err)
		}
	}
}
