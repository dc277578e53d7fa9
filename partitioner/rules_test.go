package partitioner_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
	"sluice/partitioner"
)

func mustParse(t testing.TB, specs ...string) *partitioner.Rules {
	t.Helper()
	r, err := partitioner.Parse(specs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestParse(t *testing.T) {
	r := mustParse(t, " country = userCountry", "dt=day(ts)", "hr=hour( ts )", `ua=context."user ""agent"".v"`,
		"in=hour(ingest)", `field=day("ingest")`, "bare=ingest", "deep=a.b.c", `paren="f(x)"`, "gr=größe")
	wantFields := [][]string{{"userCountry"}, {"ts"}, {"context", `user "agent".v`}, {"ingest"}, {"a", "b", "c"}, {"f(x)"}, {"größe"}}
	if diff := cmp.Diff(wantFields, r.Fields()); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	var names []string
	for _, k := range r.Keys() {
		if !k.Type.Equal(lake.String) {
			t.Errorf("key %s has type %s", k.Name, k.Type)
		}
		names = append(names, k.Name)
	}
	if diff := cmp.Diff([]string{"country", "dt", "hr", "ua", "in", "field", "bare", "deep", "paren", "gr"}, names); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestParseDefault(t *testing.T) {
	for _, specs := range [][]string{nil, {}} {
		r := mustParse(t, specs...)
		if len(r.Fields()) != 0 || len(r.Keys()) != 1 || r.Keys()[0].Name != "dt" {
			t.Errorf("default: keys %v, fields %v", r.Keys(), r.Fields())
		}
	}
}

func TestParseFaults(t *testing.T) {
	for spec, want := range map[string]string{
		"":                              "want name=expression",
		"userCountry":                   "want name=expression",
		"=a":                            "no column name",
		"userCountry=a":                 "write usercountry",
		"a b=a":                         "write a_b",
		"a/b=a":                         "write a_b",
		"_dt=a":                         "hidden folder",
		strings.Repeat("n", 129) + "=a": "longer than 128",
		"a=":                            "no expression",
		"a=minute(ts)":                  `unknown function "minute"`,
		"a=(ts)":                        `unknown function ""`,
		"a=day(ts":                      "no closing parenthesis",
		"a=day(ts) x":                   "no closing parenthesis",
		"a=day(ts))":                    `unexpected ")"`,
		"a=day()":                       "an empty segment",
		"a=day(day(ts))":                `unexpected "(ts)"`,
		"a=b.":                          "an empty segment",
		"a=.b":                          "an empty segment",
		"a=b..c":                        "an empty segment",
		"a=b c":                         `unexpected " c"`,
		"a=b=c":                         `unexpected "=c"`,
		"a=/":                           "must stand in double quotes",
		`a="b`:                          "no closing quote",
		`a="b"c`:                        `unexpected "c"`,
		`a=b"c"`:                        `unexpected "\"c\""`,
		"a=\xff":                        "must stand in double quotes",
	} {
		_, err := partitioner.Parse([]string{spec})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), fmt.Sprintf("partition rule %q", spec)) {
			t.Errorf("%q: got %v, want %q", spec, err, want)
		}
	}
}

func TestParseNamesAllFaults(t *testing.T) {
	_, err := partitioner.Parse([]string{"A=minute(x)", "b=b", "b=c", "nope"})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"write a", "minute", "a second rule for the column b", `"nope"`, "userCountry"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in:\n%v", want, err)
		}
	}
}

func TestParseTooMany(t *testing.T) {
	var specs []string
	for i := range 40 {
		specs = append(specs, fmt.Sprintf("k%d=f", i))
	}
	if _, err := partitioner.Parse(specs); err == nil || !strings.Contains(err.Error(), "768") {
		t.Errorf("40 rules: %v", err)
	}
	mustParse(t, specs[:20]...)
}

func TestIdentityOf(t *testing.T) {
	r := mustParse(t, "country=user.country", "dt=day(ts)")
	if field, ok := r.IdentityOf("country"); !ok || cmp.Diff([]string{"user", "country"}, field) != "" {
		t.Errorf("country: %v %v", field, ok)
	}
	for _, name := range []string{"dt", "other", ""} {
		if field, ok := r.IdentityOf(name); ok {
			t.Errorf("%q: %v", name, field)
		}
	}
}
