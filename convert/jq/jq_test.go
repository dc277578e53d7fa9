package jq_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/convert/jq"
)

var arrival = time.UnixMilli(1769860800250)

func runner(t testing.TB, program string) *jq.Runner {
	t.Helper()
	p, err := jq.Compile(program)
	if err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	return p.Runner()
}

func TestRun(t *testing.T) {
	for _, tc := range []struct{ program, record, want string }{
		{".", `{"b":1,"a":2}`, `{"a":2,"b":1}`},
		{".", ` { "n" : [ 1.50 , -0, 1e400, 123456789012345678901234567890 ] } `, `{"n":[1.50,-0,1e400,123456789012345678901234567890]}`},
		{".", `{"s":"a\u00e9\n\"\\\u0000\ud83d\ude00\ud800","k\u0041":{}}`, "{\"kA\":{},\"s\":\"aé\\u000a\\\"\\\\\\u0000😀\ufffd\"}"},
		{".", `{"a":1,"a":2}`, `{"a":2}`},
		{"select(.keep)", `{"keep":false}`, ""},
		{"select(.keep)", `{"keep":true}`, `{"keep":true}`},
		{"empty", `{}`, ""},
		{".total = .price * .count", `{"price":1.5,"count":2}`, `{"count":2,"price":1.5,"total":3}`},
		{".n += 1 | .s += \"x\" | .l *= 2 | .m -= [1] | .q /= 2 | .r %= 3", `{"n":1,"s":"a","l":"ab","m":[1,2],"q":3,"r":5}`, `{"l":"abab","m":[2],"n":2,"q":1.5,"r":2,"s":"ax"}`},
		{".a += .b", `{"a":1,"b":9007199254740993}`, `{"a":9007199254740994,"b":9007199254740993}`},
		{"(.a, .b) += 1", `{"a":1,"b":2}`, `{"a":2,"b":3}`},
		{".at = $arrival", `{}`, `{"at":1769860800.25}`},
		{"del(.secret, .a[0])", `{"secret":1,"a":[1,2]}`, `{"a":[2]}`},
		{"{user: .userId, city: .context.geo.city, tags: (.tags | join(\"+\"))}", `{"userId":"u","context":{"geo":{"city":"Rome"}},"tags":["a","b"]}`, `{"city":"Rome","tags":"a+b","user":"u"}`},
		{"def f(x): x + 1; .a = f(.a)", `{"a":1}`, `{"a":2}`},
		{"def add(x): x; .a |= add(.)", `{"a":1}`, `{"a":1}`},
		{".a = (.s | test(\"^x+$\"; \"i\")) | .b = (.s | gsub(\"x\"; \"y\")) | .c = [.s | scan(\"x\")]", `{"s":"xXx"}`, `{"a":true,"b":"yXy","c":["x","x"],"s":"xXx"}`},
		{".items |= map(select(.n > 1) | .n * 2)", `{"items":[{"n":1},{"n":2}]}`, `{"items":[4]}`},
		{`.s = "\(.a)-\(.b)" | .t = (.a | @base64) | .u = @json "x\(.b)"`, `{"a":"x","b":[1]}`, `{"a":"x","b":[1],"s":"x-[1]","t":"eA==","u":"x[1]"}`},
		{".a[2] = 1 | .k[\"x y\"] = 2 | .l[.i] = 3", `{"i":1}`, `{"a":[null,null,1],"i":1,"k":{"x y":2},"l":[null,3]}`},
		{"reduce .a[] as $x (.; .sum += $x)", `{"a":[1,2,3]}`, `{"a":[1,2,3],"sum":6}`},
		{".x = (nan, infinite) | first", `{}`, "error"},
		{"first(.x = (nan, infinite))", `{}`, `{"x":null}`},
		{".x = infinite", `{}`, fmt.Sprintf(`{"x":%s}`, "1.7976931348623157e+308")},
		{".x = (try error(\"no\") catch .)", `{}`, `{"x":"no"}`},
		{".day = (.ts | strftime(\"%Y-%m-%d\")) | .m = (\"2026-01-31T00:00:00Z\" | fromdate)", `{"ts":1769860800}`, `{"day":"2026-01-31","m":1769817600,"ts":1769860800}`},
		{".x = ([[1,2],[3]] | transpose) | .y = ([3,1] | sort) | .z = (\"a,b\" | split(\",\"))", `{}`, `{"x":[[1,3],[2,null]],"y":[1,3],"z":["a","b"]}`},
		{"setpath([\"a\",\"b\"]; 1) | .p = getpath([\"a\",\"b\"]) | (getpath([\"a\",\"c\"])) = 2", `{}`, `{"a":{"b":1,"c":2},"p":1}`},
		{"with_entries(.key |= ascii_downcase)", `{"A":1,"b":2}`, `{"a":1,"b":2}`},
		{"if .a == .b and .c != null then .same = true else empty end", `{"a":[1,{"x":2}],"b":[1,{"x":2}],"c":0}`, `{"a":[1,{"x":2}],"b":[1,{"x":2}],"c":0,"same":true}`},
		{".a // \"none\" | {a: .}", `{}`, `{"a":"none"}`},
		{"., .", `{}`, "error"},
		{".a", `{"a":1}`, "error"},
		{".a[]", `{"a":1}`, "error"},
		{"error(\"bad \" + .id)", `{"id":"7"}`, "error"},
		{".b = (\"/w==\" | @base64d)", `{}`, "{\"b\":\"\ufffd\"}"},
	} {
		got, err := runner(t, tc.program).Run(context.Background(), []byte(tc.record), arrival)
		if (err != nil) != (tc.want == "error") || err == nil && string(got) != tc.want {
			t.Errorf("%s of %s: %s, %v; want %s", tc.program, tc.record, got, err, tc.want)
		}
		if err == nil && got != nil && !json.Valid(got) {
			t.Errorf("%s: no JSON: %s", tc.program, got)
		}
	}
}

func TestErrorsSayWhy(t *testing.T) {
	for program, want := range map[string]string{
		"., .":                  "more than one value",
		".a":                    "emits a number; want one object",
		"[]":                    "emits an array",
		"null":                  "emits null",
		`error("bad")`:          "bad",
		".a | keys":             "number",
		"range(1e9)|empty":      "2000000 steps",
		`. as $x | def f: f; f`: "steps",
	} {
		_, err := runner(t, program).Run(context.Background(), []byte(`{"a":1}`), arrival)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", program, err, want)
		}
	}
}

// What a transform must not reach, or must not depend on, is refused when it is
// compiled, with the reason.
func TestRefused(t *testing.T) {
	for program, want := range map[string]string{
		"$ENV.HOME":                             "no environment",
		"env":                                   "no environment",
		"input":                                 "one input",
		"[inputs]":                              "one input",
		"debug":                                 "no output",
		`debug("x")`:                            "no output",
		"stderr":                                "no output",
		"halt":                                  "no output",
		`"x" | halt_error(1)`:                   "no output",
		".t = now":                              "$arrival",
		"localtime":                             "where it runs",
		`strflocaltime("%H")`:                   "where it runs",
		`include "a"; .`:                        "no modules",
		`import "a" as $a; .`:                   "no modules",
		`"a" | modulemeta`:                      "no modules",
		"builtins":                              "no use",
		`.ok = (.a | test(.pattern))`:           "must be literals",
		`sub("a"; "b"; .flags)`:                 "must be literals",
		`test("\(.x)")`:                         "must be literals",
		"_charge":                               "not defined",
		"def _charge: .; .":                     "taken",
		"def f(_touch): .; .":                   "taken",
		"def now: 1; now":                       "taken",
		" # nothing":                            "is empty",
		"def f: 1;":                             "is empty",
		"nosuch":                                "nosuch",
		".a |":                                  "line 1",
		"\n\n}":                                 "line 3",
		"fromstream(tostream)":                  "memory",
		"$x":                                    "$x",
		"." + strings.Repeat(" ", jq.MaxSource): "at most",
	} {
		_, err := jq.Compile(program)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v; want %q", program, err, want)
		}
	}
}

// No program takes more than its limits, whatever record it meets; and it cannot
// catch that.
func TestBounds(t *testing.T) {
	long := strings.Repeat("a", 1_000_000)
	for _, tc := range []struct{ program, record string }{
		{`.s = "x" * .n`, `{"n":1000000000}`},
		{`.s = .n * "x"`, `{"n":1e9}`},
		{`.s *= .n`, `{"s":"xxxxxxxxxx","n":100000000}`},
		{`reduce range(60) as $i ("x"; . + .) | {}`, `{}`},
		{`reduce range(60) as $i ({s:"x"}; .s += .s)`, `{}`},
		{`reduce range(60) as $i ("x"; "\(.)\(.)") | {}`, `{}`},
		{`reduce range(60) as $i ([1]; . + .) | {}`, `{}`},
		{`reduce range(60) as $i ([1]; [., .]) | tojson | {s: .}`, `{}`},
		{`reduce range(60) as $i ([1]; [., .]) | {s: (. == 1)}`, `{}`},
		{`{s: reduce range(60) as $i ([1]; [., .])}`, `{}`},
		{`{s: (reduce range(60) as $i ([1]; [., .]) | flatten)}`, `{}`},
		{`reduce range(40) as $i (1000000007; . * .) | {s: .}`, `{}`},
		{`[range(100000) | "xxxxxxxxxxxxxxxx" * 100000] | {}`, `{}`},
		{`.l[.n] = 1`, `{"n":500000000}`},
		{`setpath(["l", .n]; 1)`, `{"n":500000000}`},
		{`getpath(["l", .n]) = 1`, `{"n":500000000}`},
		{`.s |= gsub("a"; "b")`, `{"s":"` + long + `"}`},
		{`[.s | match("a"; "g")] | {}`, `{"s":"` + long + `"}`},
		{`.t = .s as $s | {t: ($s[:1000] | gsub("a"; $s))}`, `{"s":"` + long + `"}`},
		{`{s: (.l | join(.[0]))}`, `{"l":["` + long + `"` + strings.Repeat(`,""`, 5000) + `]}`},
		{`{s: ([[range(100000)]] + [range(100000) | []] | transpose)}`, `{}`},
		{`[repeat(1)] | {}`, `{}`},
		{`def f: 1 + f; f`, `{}`},
		{`def f: (f, 1); f`, `{}`},
		{`def f: [f]; f`, `{}`},
		{`try ("x" * 1e9) catch . | until(false; .)`, `{}`},
		{`(("x" * 1e9)? // .) | until(false; .)`, `{}`},
		{`.a = ([range(1000)] | combinations(1000) | length)`, `{}`},
		{`[limit(1000000000; repeat("x"))] | {}`, `{}`},
		{`.a = (.n | [splits("a")] | length)`, `{"n":"` + long + `"}`},
		{`last(range(1e12)) | {}`, `{}`},
	} {
		got, err := runner(t, tc.program).Run(context.Background(), []byte(tc.record), arrival)
		if err == nil {
			t.Errorf("%s: no error, %d bytes", tc.program, len(got))
		}
		if err != nil && len(err.Error()) > 500 {
			t.Errorf("%s: an error of %d bytes", tc.program, len(err.Error()))
		}
	}
}

// A large record and an honest program are within the bounds.
func TestLargeRecord(t *testing.T) {
	var b strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&b, `,{"id":%d,"name":"item %d","price":%d.5}`, i, i, i)
	}
	record := `{"items":[` + b.String()[1:] + `],"user":"u"}`
	r := runner(t, `.total = ([.items[].price] | add) | .count = (.items | length) | .items |= map(select(.price > 100) | {id, label: (.name | ascii_upcase)}) | del(.user)`)
	got, err := r.Run(context.Background(), []byte(record), arrival)
	if err != nil || !strings.Contains(string(got), `"count":20000`) {
		t.Errorf("%.100s, %v", got, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := runner(t, "def f: f; f").Run(ctx, []byte("{}"), arrival); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A runner keeps nothing of the record before.
func TestRunnerIsReusable(t *testing.T) {
	r := runner(t, `if .bad then "x" * 1e12 else .n += 1 end`)
	for i := range 5 {
		if _, err := r.Run(context.Background(), []byte(`{"bad":true}`), arrival); err == nil {
			t.Error("no error")
		}
		got, err := r.Run(context.Background(), fmt.Appendf(nil, `{"n":%d}`, i), arrival)
		if want := fmt.Sprintf(`{"n":%d}`, i+1); err != nil || string(got) != want {
			t.Errorf("%s, %v; want %s", got, err, want)
		}
	}
}

// Any object passes through unchanged by value, and any program that compiles
// neither panics nor gives anything but an object.
func FuzzRun(f *testing.F) {
	for _, p := range []string{".", ".a += .b", "select(.a > 1)", `"\(.a)" | {a: .}`, "[.[]] | add | {x: .}", "to_entries | from_entries", `.a |= (tostring | gsub("1"; "2"))`, "walk(.)", "def f(x): x; f(.)", "..|=.", ". as {a: $x} | {$x}"} {
		f.Add(p, `{"a":1,"b":[1.50,"x\ud800",{"c":null}]}`)
	}
	f.Fuzz(func(t *testing.T, program, record string) {
		p, err := jq.Compile(program)
		if err != nil || !json.Valid([]byte(record)) || strings.TrimSpace(record)[0] != '{' || strings.ToValidUTF8(record, "") != record || strings.Count(record, "[")+strings.Count(record, "{") > 1000 {
			return
		}
		got, err := p.Runner().Run(context.Background(), []byte(record), arrival)
		if err != nil || got == nil {
			return
		}
		if !json.Valid(got) || got[0] != '{' {
			t.Fatalf("%s of %s: %s", program, record, got)
		}
		again, err := p.Runner().Run(context.Background(), []byte(record), arrival)
		if err != nil || string(again) != string(got) {
			t.Errorf("%s of %s: %s, then %s, %v", program, record, got, again, err)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	record := []byte(`{"bookId":"b1","title":"Emma","genre":"Classic","userId":"u7","userCountry":"DE","userAge":41,"price":12.99,"purchaseTimestamp":1769860800}`)
	for _, program := range []string{".", "select(.userAge > 18)", ".total = .price * 2 | del(.title)"} {
		b.Run(program, func(b *testing.B) {
			r := runner(b, program)
			b.SetBytes(int64(len(record)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Run(context.Background(), record, arrival); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Members are those of the object, as JSON; what it lacks is nil.
func TestMembers(t *testing.T) {
	r := runner(t, `{a: .x, b: (.n * 2), "c d": [1, {e: null}], f: null}`)
	for range 2 {
		got, err := r.Members(context.Background(), []byte(`{"x":"\u00e9\n","n":1.25}`), arrival, []string{"f", "c d", "none", "b", "a"})
		if err != nil {
			t.Fatal(err)
		}
		if want := `null [1,{"e":null}]  2.5 "é\u000a"`; string(bytes.Join(got, []byte(" "))) != want || got[2] != nil {
			t.Errorf("%s, want %s", bytes.Join(got, []byte(" ")), want)
		}
	}
	for program, want := range map[string]string{"empty": "emits nothing", "{}, {}": "more than one", "5": "a number", "error": "failed", "range(1e9)|empty": "steps"} {
		if got, err := runner(t, program).Members(context.Background(), []byte(`{}`), arrival, []string{"a"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %s, %v, want %s", program, got, err, want)
		}
	}
}

// The keys of an object that is written out are known before it is made.
func TestKeys(t *testing.T) {
	for program, want := range map[string][]string{
		`{a: 1, "b c", "d": .x, e}`: {"a", "b c", "d", "e"}, `.x | . as $y | {$y}`: {"y"}, `{}`: {}, `def f: 1; {a: f}`: {"a"},
		`.`: nil, `{a: 1} | .b`: nil, `{a: 1}.a`: nil, `{("a"): 1}`: nil, `{"a\(.x)": 1}`: nil, `{a: 1} + {b: 2}`: nil, `{a: 1}, {b: 2}`: nil,
		`if .x then {a: 1} else {b: 1} end`: nil,
	} {
		p, err := jq.Compile(program)
		if err != nil {
			t.Errorf("%s: %v", program, err)
			continue
		}
		if got, ok := p.Keys(); !slices.Equal(got, want) || ok != (want != nil) {
			t.Errorf("%s: %q %v, want %q", program, got, ok, want)
		}
	}
}
