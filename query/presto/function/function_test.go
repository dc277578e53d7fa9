package function_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/query/presto/function"
)

// called calls a function by its name.
func called(t testing.TB, name string, args ...string) (answer string, null bool, err error) {
	t.Helper()
	for _, f := range function.All() {
		if f.Name != function.Prefix+name {
			continue
		}
		if len(args) != len(f.Parameters) {
			t.Fatalf("%s takes %d arguments", name, len(f.Parameters))
		}
		var given [][]byte
		for _, a := range args {
			given = append(given, []byte(a))
		}
		out, null, err := f.Call([]byte("before "), given)
		if err == nil && !bytes.HasPrefix(out, []byte("before ")) {
			t.Fatalf("%s(%q) lost what stood before its answer", name, args)
		}
		return strings.TrimPrefix(string(out), "before "), null, err
	}
	t.Fatalf("there is no function %s", name)
	return "", false, nil
}

// What PrestoDB answers to most of these is in query/presto/testdata.
func TestFunctions(t *testing.T) {
	deep := strings.Repeat("[", 2000) + strings.Repeat("]", 2000)
	for _, tt := range []struct {
		name string
		args []string
		want string // "NULL", or "! " and a part of an error
	}{
		{"json_extract", []string{`{"a":{"b":[1,{"c":1.50}]}} trailing`, "$.a.b[1]"}, `{"c":1.5}`}, {"json_extract", []string{`{"a\u0062":"\u00e4\/\u0001"}`, "$.ab"}, `"ä/\u0001"`}, {"json_extract", []string{`{"a":1,`, "$.b"}, "NULL"},
		{"json_extract", []string{`[1e400]`, "$"}, `["Infinity"]`}, {"json_extract", []string{`[-0,-0.0,1E+2,12345678901234567890]`, "$"}, `[0,-0.0,100.0,12345678901234567890]`}, {"json_extract", []string{`{"a":1}`, "$.a.b"}, "NULL"}, {"json_extract", []string{`{}`, "a"}, "! Invalid JSON path"},
		{"json_extract", []string{"", "$"}, "NULL"}, {"json_extract", []string{" ", "$.a"}, "NULL"}, {"json_extract", []string{deep, "$[0][0]"}, "NULL"}, {"json_scalar", []string{`{"a":{"0":true}}`, "$.a.0"}, "true"}, {"json_scalar", []string{`{"a b":"x\"y"}`, `$["a b"]`}, `x"y`}, {"json_scalar", []string{`{"a":tru}`, "$.a"}, "NULL"},
		{"json_parse", []string{`{"b":1,"a":{"d":[],"c":null},"b":2} `}, `{"a":{"c":null,"d":[]},"b":2}`}, {"json_parse", []string{`{"\ud83d\ude00":1,"\uffee":2}`}, `{"\uD83D\uDE00":1,"` + "\uffee" + `":2}`}, {"json_parse", []string{"1 2"}, "! Cannot convert"}, {"json_parse", []string{strings.Repeat("ä", 200)}, "! ää"},
		{"date_parse", []string{"2/29/00", "%c/%e/%y"}, "2000-02-29 00:00:00.000"}, {"date_parse", []string{"12:00 am", "%h:%i %p"}, "1970-01-01 00:00:00.000"}, {"date_parse", []string{"", "%Y"}, "! Invalid format"}, {"date_parse", []string{"13:00 am", "%h:%i %p"}, "! clockhourOfHalfday"},
		{"parse_datetime", []string{"2026-03-29 02:30 Europe/Berlin", "yyyy-MM-dd HH:mm ZZZ"}, "! offset transition"}, {"parse_datetime", []string{"2026-03-29 03:30 Europe/Berlin", "yyyy-MM-dd HH:mm ZZZ"}, "2026-03-29 01:30:00.000"}, {"parse_datetime_zone", []string{"2026-01-01 -0330", "yyyy-MM-dd Z"}, "-03:30"}, {"parse_datetime", []string{"x", "yyyy-G"}, "! G of the pattern"},
		{"iso_timestamp", []string{"2026-W01-1"}, "2025-12-29 00:00:00.000"}, {"iso_timestamp", []string{"2026-W54-1"}, "! no such week"}, {"iso_timestamp", []string{"2026-W00-1"}, "! no such week"}, {"iso_zone", []string{"2026-01-01T10+05:30"}, "+05:30"}, {"iso_timestamp", []string{"2026-01-01T10:00:00+15:00"}, "! malformed"},
		{"regexp_group", []string{"b", "(a)?b", "1"}, "NULL"}, {"regexp_group", []string{"b", "(a)?b", "2"}, "! 1 groups"}, {"regexp_group", []string{"b", "(", "0"}, "! pattern"},
		{"from_base", []string{"-zz", "36"}, "-1295"}, {"from_base", []string{"1", "37"}, "! Radix"}, {"from_base64", []string{"YQ"}, "a"}, {"from_base64", []string{"Y"}, "! base 64"}, {"from_big_endian_64", []string{"1234567"}, "! 8-byte"}, {"checksum_total", []string{"18446744073709551617"}, "\x01\x00\x00\x00\x00\x00\x00\x00"},
		{"json_extract", []string{`{"a":[{"b":1,"b":[2, 3]},{"c":0},5]}`, "$.a[*].b"}, `[[2,3]]`}, {"json_extract", []string{`{"a":[1]}`, "$.b[*]"}, "NULL"}, {"json_extract", []string{`[1`, "$[*]"}, "NULL"}, {"json_extract", []string{"", "$[*]"}, "[]"}, {"json_extract", []string{`[[1],{"p":[2,3]}]`, "$.*.p[*]"}, "[2,3]"}, {"json_scalar", []string{`[1]`, "$[*]"}, "NULL"}, {"json_size", []string{`[[1],[2]]`, "$[*][*]"}, "2"}, {"json_extract", []string{`{"a":1,"a":{"x":1,"x":2}}`, "$.*"}, `[{"x":2}]`}, {"json_extract", []string{deep, "$[*]"}, "NULL"},
		{"decimal_divide", []string{"12345678901234567890123456789.123456789", "3.123456789", "9"}, "3952569135809026839757397005.284281136"}, {"decimal_divide", []string{"-1", "2", "0"}, "-1"}, {"decimal_divide", []string{"-0.1", "3", "2"}, "-0.03"}, {"decimal_divide", []string{"-1", "3", "0"}, "0"}, {"decimal_divide", []string{"1", "0.00", "2"}, "! Division by zero"}, {"decimal_divide", []string{"x", "1", "2"}, "! not of decimals"},
		{"type_name", []string{`STRUCT(a INTEGER, "b ""c, (" VARCHAR[], "NULL" "NULL")[]`}, `array(row("a" integer, "b ""c, (" array(varchar), "NULL" unknown))`}, {"type_name", []string{"MAP(VARCHAR, STRUCT(DECIMAL(5,2), TIMESTAMP WITH TIME ZONE))"}, "map(varchar, row(decimal(5,2), timestamp with time zone))"}, {"type_name", []string{`STRUCT("NULL", HUGEINT)`}, "row(unknown, bigint)"}, {"type_name", []string{"STRUCT("}, "! not known"},
		{"from_utf8", []string{"a\xe2\x82b\xff\xffc", "?"}, "a?b??c"}, {"from_utf8", []string{"\xff", "xy"}, "! single character"}, {"substr_bytes", []string{"abc", "-2", "1"}, "b"}, {"substr_bytes", []string{"abc", "0", "9"}, ""}, {"lpad_bytes", []string{"a", "4", "xy"}, "xyxa"}, {"rpad_bytes", []string{"abc", "2", "x"}, "ab"}, {"rpad_bytes", []string{"a", "99999999", "x"}, "! not supported"}, {"from_big_endian_32", []string{"abc"}, "! 4-byte"}, {"from_ieee754_64", []string{"abc"}, "! 8 bytes"},
		{"levenshtein", []string{"kitten", "sitting"}, "3"}, {"levenshtein", []string{"ä", ""}, "1"}, {"levenshtein", []string{strings.Repeat("a", 1001), strings.Repeat("b", 1001)}, "! too large"}, {"hamming", []string{"äb", "ab"}, "1"}, {"hamming", []string{"a", "ab"}, "! same length"},
		{"regexp_replace", []string{"aab", "a*", "<$0>"}, "<aa><>b<>"}, {"regexp_replace", []string{"äb", "b?", "-"}, "-ä--"}, {"regexp_replace", []string{"ab", "(b)?", "$1."}, ".ab.."}, {"regexp_replace", []string{"a", "a?", "$1"}, "! unknown group"},
	} {
		got, null, err := called(t, tt.name, tt.args...)
		if message, fails := strings.CutPrefix(tt.want, "! "); fails {
			if err == nil || !strings.Contains(err.Error(), message) || !utf8.ValidString(err.Error()) || len(err.Error()) > 400 {
				t.Errorf("%s(%.100q): %q, %v; want an error with %q", tt.name, tt.args, got, err, message)
			}
			continue
		}
		if null {
			got = "NULL"
		}
		if err != nil || got != tt.want {
			t.Errorf("%s(%.100q)\n got %q (%v)\nwant %q", tt.name, tt.args, got, err, tt.want)
		}
	}
}

// What json_parse gives is JSON that means the same, in one form alone.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{`{"b":1,"a":[1.50,"x\n",null,{"":true}]}`, `[1e5,-0]`, `"\ud83d"`, `{"a":1,"a":2}`, " 1 ", `{"a":`} {
		f.Add(s, "$.a[0]")
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		if !utf8.ValidString(text) || !utf8.ValidString(path) {
			return
		}
		for _, name := range []string{"json_extract", "json_scalar"} {
			if got, null, err := called(t, name, text, path); err == nil && !null && !utf8.ValidString(got) {
				t.Errorf("%s(%q, %q) is not UTF-8: %q", name, text, path, got)
			}
		}
		once, _, err := called(t, "json_parse", text)
		if (err == nil) != json.Valid([]byte(text)) && !strings.Contains(text, "[[[[") && !strings.Contains(text, `:{`) {
			t.Errorf("json_parse(%q): %v", text, err)
		}
		if err != nil {
			return
		}
		if !json.Valid([]byte(once)) {
			t.Errorf("json_parse(%q) is no JSON: %q", text, once)
		}
		if twice, _, err := called(t, "json_parse", once); err != nil || twice != once {
			t.Errorf("json_parse(%q) is %q, and then %q, %v", text, once, twice, err)
		}
	})
}

// Parsers of times end without a panic, and what they read is a time.
func FuzzTimes(f *testing.F) {
	f.Add("2026-01-31 10:20:30.5 PM", "%Y-%m-%d %h:%i:%s.%f %p", "yyyy-MM-dd")
	f.Add("3 Feb 2026 +0200", "%e %b %Y", "d MMM yyyy Z")
	f.Add("2026-W05-3T10:00Z", "%r%T%W%j", "''E''ZZZ")
	f.Fuzz(func(t *testing.T, text, mysql, joda string) {
		for name, args := range map[string][]string{"date_parse": {text, mysql}, "parse_datetime": {text, joda}, "iso_timestamp": {text}} {
			got, _, err := called(t, name, args...)
			if err != nil {
				continue
			}
			if _, err := time.Parse("2006-01-02 15:04:05.000", got); err != nil && len(got) <= len("2026-01-31 10:00:00.000") {
				t.Errorf("%s(%q): %q", name, args, got)
			}
		}
	})
}
