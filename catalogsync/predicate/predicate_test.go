package predicate_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/catalogsync/predicate"
	"sluice/internal/lake"
)

func keys(t *testing.T, spec string) []predicate.Key {
	t.Helper()
	var out []predicate.Key
	for _, part := range strings.Fields(spec) {
		name, typ, ok := strings.Cut(part, ":")
		k := predicate.Key{Name: name}
		if ok {
			var err error
			if k.Type, err = lake.ParseType(typ); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, k)
	}
	return out
}

const null = lake.NullPartition

func TestMatch(t *testing.T) {
	tests := []struct {
		keys, expression string
		holds, not       []string // partitions, values joined by /
	}{
		{"dt", "", []string{"a", null, ""}, nil},
		{"dt", "  \n ", []string{"a"}, nil},
		{"dt hr:int", "((dt = '2026-01-01')) AND ((hr = 1) OR (hr > 3 AND hr <= 5))",
			[]string{"2026-01-01/1", "2026-01-01/01", "2026-01-01/4", "2026-01-01/5"},
			[]string{"2026-01-01/3", "2026-01-01/6", "2026-01-02/1", "2026-01-01/" + null, "2026-01-01/x"}},
		{"dt", "(dt in ('a', 'b'))", []string{"a", "b"}, []string{"c", "", null}},
		{"dt", "(dt in ('Côte d'Ivoire', 'it's', 'c'))", []string{"Côte d'Ivoire", "it's", "c"}, []string{"it", "s", "it''s", null}},
		{"dt hr:int", "((dt = 'it's' AND hr = 1))", []string{"it's/1"}, []string{"it's/2", "it/1"}},
		{"dt", "(dt > 'a'b' AND dt <= 'it's')", []string{"a'c", "it's"}, []string{"a'b", "it't"}},
		{"dt", "dt = 'it''s'", []string{"it's"}, []string{"it''s"}},
		{"dt", "dt not in ('a', 'b')", []string{"c", ""}, []string{"a", "b", null}},
		{"dt", "(dt <> 'a')", []string{"b"}, []string{"a", null}},
		{"dt", "dt != 'a'", []string{"b"}, []string{"a", null}},
		{"year month", "year='2026' AND month>='1'", []string{"2026/1", "2026/12", "2026/3"}, []string{"2026/01", "2025/1"}},
		{"dt", "dt between 'b' and 'd'", []string{"b", "c", "d"}, []string{"a", "d0", null}},
		{"dt", "dt not between 'b' and 'd'", []string{"a", "e"}, []string{"b", "d", null}},
		{"dt", "dt is null", []string{null}, []string{"a", ""}},
		{"dt", "dt is not null", []string{"a", ""}, []string{null}},
		{"dt", "dt = '" + null + "'", []string{null}, []string{"a"}},
		{"dt", "dt <> '" + null + "'", []string{"a"}, []string{null}},
		{"dt", "dt in ('a', '" + null + "')", []string{null, "a"}, []string{"b"}},
		{"n:int", "n = '" + null + "'", []string{null}, []string{"0", "1"}},
		{"n:int", "n <= '" + null + "'", nil, []string{null, "0", "-1"}},
		{"dt", "not dt = 'a'", []string{"b"}, []string{"a", null}},
		{"dt", "not not dt = 'a'", []string{"a"}, []string{"b", null}},
		{"dt", "not (dt = 'a' or dt = 'b')", []string{"c"}, []string{"a", "b", null}},
		{"a b", "not (a = 'x' and b = 'y')", []string{"z/" + null, "x/z"}, []string{"x/y", "x/" + null, null + "/y"}},
		{"a b", "a = 'x' or b = 'y' and a = 'z'", []string{"x/q", "z/y"}, []string{"q/y", "z/q"}},
		{"a b", "a = 'x' OR b = 'y'", []string{"x/" + null, null + "/y"}, []string{null + "/z"}},
		{"dt", "'b' < dt", []string{"c"}, []string{"b", "a"}},
		{"dt", "'b' >= dt", []string{"b", "a"}, []string{"c"}},
		{"dt", "'b' <> dt", []string{"a"}, []string{"b"}},
		{"dt", "DT = 'a' aNd \"dt\" = 'a' AND `Dt` == 'a'", []string{"a"}, []string{"b"}},
		{"dt", "dt = 'it''s'", []string{"it's"}, []string{"its"}},
		{"dt", "dt = ''", []string{""}, []string{"a", null}},
		{"dt", "dt = 'ü…\n'", []string{"ü…\n"}, []string{"u"}},
		{"hr", "hr = 1", []string{"1"}, []string{"01"}},
		{"hr", "hr < 9", []string{"10", "8"}, []string{"9"}},
		{"hr:int", "hr < '9'", []string{"8", "-10", "08"}, []string{"10", "9", ""}},
		{"hr:bigint", "hr > 1.5 and hr < 1e3", []string{"2", "999"}, []string{"1", "1000"}},
		{"hr:bigint", "hr = 9223372036854775807", []string{"9223372036854775807"}, []string{"9223372036854775806", "9223372036854775808"}},
		{"n:decimal(10,2)", "n = 1.5", []string{"1.50", "1.5"}, []string{"1.51", "15"}},
		{"n:double", "n >= -0.5", []string{"-0.5", "1e10", "0"}, []string{"-1", "x", null, "NaN"}},
		{"f:boolean", "f = true", []string{"true", "TRUE"}, []string{"false", "1"}},
		{"f:boolean", "false = f", []string{"false"}, []string{"true"}},
		{"true", "true = 'a'", []string{"a"}, []string{"true"}},
		{"d:date", "d >= '2026-01-01'", []string{"2026-01-01", "2026-02-01"}, []string{"2025-12-31", "x"}},
		{"d:date", "d = date '2026-01-01' or date '2026-01-03' = d", []string{"2026-01-01", "2026-01-03"}, []string{"2026-01-02"}},
		{"d:date", "d > 2026-01-01", []string{"2026-01-02"}, []string{"2026-01-01"}},
		{"date", "date = '2026-01-01'", []string{"2026-01-01"}, []string{"2026-01-02"}},
		{"t:timestamp", "t < timestamp '2026-01-01 12:00:00.5'", []string{"2026-01-01 12:00:00", "2026-01-01", "2026-01-01T11:00:00Z"},
			[]string{"2026-01-01 12:00:00.500", "2026-01-02"}},
		{"t:timestamp", "t in ('2026-01-02', '2026-01-01 00:00:00')", []string{"2026-01-01", "2026-01-02T00:00"}, []string{"2026-01-03"}},
		{"n:int", "n in (10, 9, 2, 33)", []string{"2", "9", "10", "33", "033"}, []string{"1", "3", "11", "", null}},
		{"dt", "dt like '2026-01-%'", []string{"2026-01-", "2026-01-31"}, []string{"2026-02-01", null}},
		{"dt", "dt not like '2026%'", []string{"2025"}, []string{"2026", null}},
		{"dt", "dt like '%a_c%d'", []string{"abcd", "xxaücxd", "acaacdd"}, []string{"acd", "abc", "abcde"}},
		{"dt", "dt like '%%%'", []string{"", "x"}, []string{null}},
		{"dt", "dt like '10!%%' escape '!'", []string{"10%", "10%x"}, []string{"10x"}},
		{"dt", `dt like 'a\%'`, []string{`a\`, `a\x`}, []string{"a%"}},
		{"dt", "dt like '' ", []string{""}, []string{"a"}},
		{"u:map<string,string>", "u = 'x'", []string{"x"}, []string{"y"}},
		{"dt", "dt='a'AND(dt='a')", []string{"a"}, []string{"b"}},
	}
	for _, tt := range tests {
		t.Run(tt.expression, func(t *testing.T) {
			p, err := predicate.Parse(tt.expression, keys(t, tt.keys))
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range tt.holds {
				if !p.Match(strings.Split(part, "/")) {
					t.Errorf("does not hold for %q", part)
				}
				inSpans(t, p, strings.Split(part, "/"))
			}
			for _, part := range tt.not {
				if p.Match(strings.Split(part, "/")) {
					t.Errorf("holds for %q", part)
				}
			}
		})
	}
}

// inSpans fails if a partition that matches lies outside the spans.
func inSpans(t *testing.T, p *predicate.Predicate, values []string) {
	t.Helper()
	for i, v := range values {
		ok := slices.ContainsFunc(p.Spans(i), func(s predicate.Span) bool {
			return s.Low <= v && (s.Endless || v < s.High)
		})
		if !ok {
			t.Errorf("%q matches but is not in the spans %v of key %d", v, p.Spans(i), i)
		}
	}
}

func TestMatchNeedsAllValues(t *testing.T) {
	p, err := predicate.Parse("", keys(t, "a b"))
	if err != nil {
		t.Fatal(err)
	}
	if p.Match([]string{"x"}) || p.Match(nil) || !p.Match([]string{"x", "y"}) {
		t.Error("a partition with another number of values matches")
	}
}

func TestParseErrors(t *testing.T) {
	for _, expression := range []string{
		"dt", "dt =", "= 'a'", "dt = 'a", "dt = \"a\"", "dt 'a'", "(dt = 'a'", "dt = 'a')", "dt = 'a' and", "and dt = 'a'",
		"dt = 'a' dt = 'b'", "other = 'a'", "dt = hr", "'a' = 'a'", "1 = 1", "dt in ()", "dt in ('a'", "dt in 'a'", "dt in ('a',)",
		"dt between 'a'", "dt between 'a' or 'b'", "dt like 5", "dt like 'a!' escape '!'", "dt like 'a' escape 'ab'", "dt is 'a'",
		"hr = 'x'", "hr = 1x", "hr = 1.2.3", "hr = 1e999999999", "hr = 0x10", "hr = --1", "dt = upper('a')", "dt ~ 'a'", "dt; drop",
		"not", "()", "dt = null", "'a' in (dt)", "true 'x' = dt", "dt = \x00", "\xff", "dt = 'a' -- x", "dt = ?",
		strings.Repeat("(", 10_000) + "dt = 'a'" + strings.Repeat(")", 10_000),
		"dt = '" + strings.Repeat("x", 70_000) + "'",
	} {
		if _, err := predicate.Parse(expression, keys(t, "dt hr:int")); err == nil {
			t.Errorf("%.60q parses", expression)
		} else if len(err.Error()) > 400 {
			t.Errorf("%.60q: an error of %d bytes", expression, len(err.Error()))
		}
	}
}

func TestParseTakesLongChains(t *testing.T) {
	var parts []string
	for i := range 3000 {
		parts = append(parts, fmt.Sprintf("(hr = %d)", i))
	}
	p, err := predicate.Parse(strings.Join(parts, " OR "), keys(t, "hr:int"))
	if err != nil {
		t.Fatal(err)
	}
	if !p.Match([]string{"2999"}) || p.Match([]string{"3000"}) {
		t.Error("wrong answer of a long chain")
	}
}

func TestSpans(t *testing.T) {
	all := []predicate.Span{{Endless: true}}
	at := func(s string) predicate.Span { return predicate.Span{Low: s, High: s + "\x00"} }
	tests := []struct {
		expression string
		key        int
		want       []predicate.Span
	}{
		{"", 0, all},
		{"dt = 'b'", 0, []predicate.Span{at("b")}},
		{"dt = 'b'", 1, all},
		{"dt = 'b' and x = 'c'", 1, []predicate.Span{at("c")}},
		{"dt = 'b' or x = 'c'", 0, all},
		{"dt in ('c', 'a', 'c')", 0, []predicate.Span{at("a"), at("c")}},
		{"dt >= 'a' and dt < 'c'", 0, []predicate.Span{{Low: "a", High: "c"}}},
		{"dt > 'a' and dt <= 'c'", 0, []predicate.Span{{Low: "a\x00", High: "c\x00"}}},
		{"dt < 'a' or dt < 'c' or dt >= 'c'", 0, all},
		{"dt < 'b' or dt >= 'c'", 0, []predicate.Span{{High: "b"}, {Low: "c", Endless: true}}},
		{"dt between 'a' and 'b' and (dt < 'aa' or dt > 'ab')", 0, []predicate.Span{{Low: "a", High: "aa"}, {Low: "ab\x00", High: "b\x00"}}},
		{"dt like '2026-01-%'", 0, []predicate.Span{{Low: "2026-01-", High: "2026-01."}}},
		{"dt like '%x'", 0, all},
		{"dt = 'a' and dt = 'b'", 0, nil},
		{"dt < ''", 0, nil},
		{"dt is null", 0, []predicate.Span{at(null)}},
		{"not dt = 'a'", 0, all},
		{"n = 1", 2, all},
	}
	for _, tt := range tests {
		p, err := predicate.Parse(tt.expression, keys(t, "dt x n:int"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tt.want, p.Spans(tt.key)); diff != "" {
			t.Errorf("spans of key %d in %s (-want +got):\n%s", tt.key, tt.expression, diff)
		}
	}
}

func TestMayHold(t *testing.T) {
	tests := []struct {
		expression string
		key        int
		can, not   []string
	}{
		{"", 1, []string{"1", null}, nil},
		{"n = 7", 1, []string{"7", "07"}, []string{"8", "x", null}},
		{"n = 7 and dt = 'a'", 1, []string{"7"}, []string{"8"}},
		{"n = 7 or dt = 'a'", 1, []string{"7", "8"}, nil},
		{"not (n = 7 or dt = 'a')", 1, []string{"8"}, []string{"7", null}},
		{"not (n = 7 and dt = 'a')", 1, []string{"7", "8"}, nil},
		{"dt = 'a'", 1, []string{"1"}, nil},
		{"dt like '%a' and n is null", 0, []string{"xa"}, []string{"x"}},
		{"dt like '%a' and n is null", 1, []string{null}, []string{"1"}},
		{"not n in (1, 2)", 1, []string{"3"}, []string{"1", "02", null}},
	}
	for _, tt := range tests {
		p, err := predicate.Parse(tt.expression, keys(t, "dt n:int"))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range tt.can {
			if !p.MayHold(tt.key, v) {
				t.Errorf("%s can hold for %q", tt.expression, v)
			}
		}
		for _, v := range tt.not {
			if p.MayHold(tt.key, v) {
				t.Errorf("%s cannot hold for %q", tt.expression, v)
			}
		}
		if got := p.Names(tt.key); got != (tt.expression != "" && tt.expression != "dt = 'a'") {
			t.Errorf("%s names key %d: %v", tt.expression, tt.key, got)
		}
	}
}

// FuzzParse: no panic from any expression, and what it selects lies within its spans.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"((dt = '2026-01-01')) AND ((hr = 1) OR (hr > 3 AND hr <= 5))", "(dt in ('a', 'b'))", "(dt <> '…')",
		"year='2026' AND month>='1'", "dt like '2026-01-%' escape '!'", "dt between 'a' and 'b'", "dt is not null",
		"not (dt = 'a' or hr in (1, 2.5, -3e2))", "d >= date '2026-01-01' and d < 2026-02-01", "'x' <= dt", "`dt` = \"x\"", "",
	} {
		f.Add(s, "2026-01-01", "4", "2026-01-05")
	}
	f.Fuzz(func(t *testing.T, expression, dt, hr, d string) {
		p, err := predicate.Parse(expression, []predicate.Key{
			{Name: "dt", Type: lake.String}, {Name: "hr", Type: lake.Int}, {Name: "d", Type: lake.Date},
		})
		if err != nil {
			return
		}
		for i := range 3 {
			spans := p.Spans(i)
			for j, s := range spans {
				if !s.Endless && s.High <= s.Low || j > 0 && s.Low <= spans[j-1].High || s.Endless && j+1 < len(spans) {
					t.Fatalf("spans %v are not apart and ascending", spans)
				}
			}
		}
		if values := []string{dt, hr, d}; p.Match(values) {
			inSpans(t, p, values)
			for i, v := range values {
				if !p.MayHold(i, v) {
					t.Errorf("%q holds for %q, but not for any partition with %q at %d", expression, values, v, i)
				}
			}
		}
	})
}
