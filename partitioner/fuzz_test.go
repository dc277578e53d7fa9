package partitioner_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/partitioner"
)

// Any values come back from their path as they were, but for the empty one,
// which is null.
func FuzzPath(f *testing.F) {
	f.Add("2026-01-31", "DE")
	f.Add("..", "../..")
	f.Add("", "a/b=c%2F")
	f.Add("\x00\x7f", "%zz%E9é")
	f.Fuzz(func(t *testing.T, a, b string) {
		keys := columns("a", "b")
		p := partitioner.Path(keys, []string{a, b})
		want := []string{a, b}
		for i := range want {
			if want[i] == "" {
				want[i] = null
			}
		}
		got, err := partitioner.ParsePath(keys, p)
		if err != nil || cmp.Diff(want, got) != "" {
			t.Errorf("%q: %q, %v", p, got, err)
		}
		if partitioner.Unescape(partitioner.Escape(a)) != a {
			t.Errorf("escape %q", a)
		}
	})
}

// A record's path stays within its folders, says what package json reads of the
// token, and Path makes the same of the values it holds.
func FuzzAppendPath(f *testing.F) {
	f.Add(`"DE"`, `"2026-01-31T05:59:59+01:00"`)
	f.Add(`"\ud83d\ude00/\u0000"`, `1769839199.5`)
	f.Add(`-0.5e7`, `"1769839199999"`)
	f.Add(`{"a":[1]}`, `-62135596801`)
	f.Add(`"`+strings.Repeat("/", 90)+`"`, `true`)
	r := mustParse(f, "v=v", "y=year(ts)", "m=month(ts)", "d=day(ts)", "h=hour(ts)", "w=ts")
	e := r.Evaluator()
	f.Fuzz(func(t *testing.T, v, ts string) {
		if !token(v) || !token(ts) {
			t.Skip()
		}
		p := string(e.AppendPath(nil, [][]byte{[]byte(v), []byte(ts)}, arrival))
		checkContained(t, p, 6)
		values, err := partitioner.ParsePath(r.Keys(), p)
		if err != nil {
			t.Fatal(err)
		}
		if again := partitioner.Path(r.Keys(), values); again != p {
			t.Errorf("%q is written as %q", p, again)
		}
		for i, text := range map[int]string{0: v, 5: ts} {
			if want := decoded(text); values[i] != want && !(values[i] == null && (e.Lost(i) || text == "null")) {
				t.Errorf("%s: got %q, want %q", text, values[i], want)
			}
		}
		if at, err := time.Parse(time.RFC3339, decoded(ts)); err == nil && at.UTC().Year() >= 1 && at.UTC().Year() <= 9999 {
			if want := at.UTC().Format("2006 01 2006-01-02 15"); strings.Join(values[1:5], " ") != want && !looseInPackageTime(decoded(ts)) {
				t.Errorf("%s: got %q, want %q", ts, values[1:5], want)
			}
		}
	})
}

// token says whether s is one JSON token as a scanner cuts it out of a record.
func token(s string) bool {
	return s != "" && json.Valid([]byte(s)) && strings.TrimSpace(s) == s && strings.ToValidUTF8(s, "") == s
}

func decoded(s string) string {
	var text string
	if json.Unmarshal([]byte(s), &text) == nil && s[0] == '"' {
		return text
	}
	return s
}

// looseInPackageTime names what time.Parse takes beyond RFC 3339: a comma for
// the point, one digit of an hour, an offset past 23:59.
func looseInPackageTime(s string) bool {
	if strings.Contains(s, ",") || len(s) < 20 || s[13] != ':' {
		return true
	}
	zone := s[len(s)-6:]
	return zone[0] == '+' && zone >= "+24" || zone[0] == '-' && zone >= "-24"
}
