package records_test

import (
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// Each body is sent whole and byte by byte; stored and rejected must be as
// listed in both cases.
func TestFraming(t *testing.T) {
	for _, c := range []struct {
		name, body string
		status     int
		stored     []string
		rejected   []int
	}{
		{"one object", `{"a":1}`, 200, []string{`{"a":1}`}, nil},
		{"one object, spaced", " \t{ \"a\" : 1 } \r\n ", 200, []string{`{ "a" : 1 }`}, nil},
		{"byte order mark", "\xEF\xBB\xBF{\"a\":1}\n", 200, []string{`{"a":1}`}, nil},
		{"byte order mark and array", "\xEF\xBB\xBF [{\"a\":1}]\n", 200, []string{`{"a":1}`}, nil},
		{"a second byte order mark", "{}\n\xEF\xBB\xBF{}", 200, []string{`{}`}, []int{1}},
		{"lines", "{\"a\":1}\n{\"a\":2}\n", 200, []string{`{"a":1}`, `{"a":2}`}, nil},
		{"lines without the last end", "{\"a\":1}\n{\"a\":2}", 200, []string{`{"a":1}`, `{"a":2}`}, nil},
		{"CRLF lines", "{\"a\":1}\r\n{\"a\":2}\r\n", 200, []string{`{"a":1}`, `{"a":2}`}, nil},
		{"blank lines", "\n\n{\"a\":1}\n \n\r\n{\"a\":2}\n\n\t", 200, []string{`{"a":1}`, `{"a":2}`}, nil},
		{"a bad line", "{\"a\":1}\n{\"a\":}\n{\"a\":3}\n", 200, []string{`{"a":1}`, `{"a":3}`}, []int{1}},
		{"bad lines at both ends", "x\n{\"a\":1}\n{\"a\":", 200, []string{`{"a":1}`}, []int{0, 2}},
		{"no object", "1\n\"a\"\n[{}]\nnull\ntrue\nx\n{}\n", 200, []string{`{}`}, []int{0, 1, 2, 3, 4, 5}},
		{"objects on a line", "{}{\"a\":1} {\"a\":2}\n{\"a\":3}{}", 200, []string{`{}`, `{"a":1}`, `{"a":2}`, `{"a":3}`, `{}`}, nil},
		{"the rest of a line", "{\"a\":1}}\n{\"a\":2},{\"a\":3}\n{\"a\":4}", 200, []string{`{"a":1}`, `{"a":2}`, `{"a":4}`}, []int{1, 3}},
		{"pretty-printed", "{\n  \"a\": \"x y\",\n  \"b\": [ 1 ]\n}\n{\n}\n", 200, []string{`{"a":"x y","b":[1]}`, `{}`}, nil},
		{"pretty-printed, then not", "{\n\"a\":1}{\"b\": 2} {\"c\":\n3}", 200, []string{`{"a":1}`, `{"b": 2}`, `{"c":3}`}, nil},
		{"pretty-printed, CRLF", "{\r\n\"a\":1\r\n}\r\n", 200, []string{`{"a":1}`}, nil},
		{"a bad pretty-printed one", "{\n\"a\":1}\n{\n\"a\":}\n{}", 400, []string{`{"a":1}`}, []int{1}},
		{"pretty-printed, then no object", "{\n}\n[]", 400, []string{`{}`}, []int{1}},
		{"a first line that is cut", "{\"a\":1,\"b\n{\"a\":2}\n{\"a\":3}\n", 200, []string{`{"a":2}`, `{"a":3}`}, []int{0}},
		{"a first line that is cut after a value", "{\"a\":1\n{\"a\":2}\n", 200, []string{`{"a":2}`}, []int{0}},
		{"a first line that is cut after a colon", "{\"a\":\n{\"a\":2}\n{\"a\":3}\n", 200, []string{`{"a":2}`, `{"a":3}`}, []int{0}},
		{"a later line that is cut", "{\"a\":1}\n{\"a\":\n2}\n", 200, []string{`{"a":1}`}, []int{1, 2}},
		{"array", `[{"a":1},{"a":2}]`, 200, []string{`{"a":1}`, `{"a":2}`}, nil},
		{"array, spaced", " [ {\"a\": 1} ,\n{\"a\":2}\n,{ }\n]\n", 200, []string{`{"a": 1}`, `{"a":2}`, `{ }`}, nil},
		{"array, pretty-printed", "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": [1,\n 2]\n  }\n]\n", 200, []string{`{"a":1}`, `{"a":[1,2]}`}, nil},
		{"empty array", " [ ] ", 200, nil, nil},
		{"array of others", `[1,"x",[{}],null,true,-2.5e3]`, 400, nil, []int{0, 1, 2, 3, 4, 5}},
		{"array of both", `[12,{"a":1},"}",{}]`, 200, []string{`{"a":1}`, `{}`}, []int{0, 2}},
		{"array with an error", `[{"a":1},{"a":},{"a":3}]`, 400, []string{`{"a":1}`}, []int{1}},
		{"array with a bad separator", `[{"a":1};{"a":2}]`, 400, []string{`{"a":1}`}, []int{1}},
		{"array without a comma", `[{"a":1}{"a":2}]`, 400, []string{`{"a":1}`}, []int{1}},
		{"array with a last comma", `[{"a":1},]`, 400, []string{`{"a":1}`}, []int{1}},
		{"array with a first comma", `[,{"a":1}]`, 400, nil, []int{0}},
		{"array that ends early", `[{"a":1},{"a":2}`, 400, []string{`{"a":1}`, `{"a":2}`}, []int{2}},
		{"array that ends after a comma", `[{"a":1},`, 400, []string{`{"a":1}`}, []int{1}},
		{"array that ends inside", `[{"a":1},{"a":`, 400, []string{`{"a":1}`}, []int{1}},
		{"array that goes on", `[{"a":1}] {"a":2}`, 400, []string{`{"a":1}`}, []int{1}},
		{"nothing", "", 400, nil, nil},
		{"white space", " \n\r\n\t", 400, nil, nil},
		{"a byte order mark alone", "\xEF\xBB\xBF", 400, nil, nil},
		{"invalid UTF-8", "{\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":\"\xc3\"}\n{\"a\":\"\xed\xa0\x80\"}\n{\"a\":\"é\"}", 200, []string{`{"a":1}`, `{"a":"é"}`}, []int{1, 2, 3}},
		{"lone surrogates", `{"a":"\ud800","\udc00":"x"}`, 200, []string{`{"a":"\ud800","\udc00":"x"}`}, nil},
		{"NUL", "{\"a\":1}\x00\n\x00{\"a\":1}", 200, []string{`{"a":1}`}, []int{1, 2}},
		{"a form", "data=%7B%7D", 400, nil, []int{0}},
		{"nested deeper than allowed", `{"a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "}\n{}", 200, []string{`{}`}, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole, stored := post(t, strings.NewReader(c.body))
			if whole.status != c.status {
				t.Errorf("status %d, want %d: %s", whole.status, c.status, whole.raw)
			}
			if d := cmp.Diff(c.stored, stored); d != "" {
				t.Errorf("stored: %s", d)
			}
			if d := cmp.Diff(c.rejected, whole.indexes()); d != "" {
				t.Errorf("rejected: %s\n%s", d, whole.raw)
			}
			bytewise, storedBytewise := post(t, iotest.OneByteReader(strings.NewReader(c.body)))
			if d := cmp.Diff(whole.raw, bytewise.raw) + cmp.Diff(stored, storedBytewise); d != "" {
				t.Errorf("byte by byte it is different: %s", d)
			}
		})
	}
}
