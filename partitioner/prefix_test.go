package partitioner_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/lake"
	"sluice/partitioner"
)

// A Saturday, to the millisecond, in the first hour after noon.
var prefixArrival = time.Date(2026, 1, 31, 12, 5, 9, 123_000_000, time.UTC)

var prefixKeys = map[string]string{"customer": "customer.id", "country": "country", "day": "day(ts)"}

func TestPrefix(t *testing.T) {
	values := map[string]string{"customer.id": `"c/1"`, "country": `"DE"`, "ts": `1769860800`}
	for _, c := range []struct {
		prefix, path, columns string
		values                []string
	}{
		{"!{timestamp:yyyy}/!{timestamp:MM}/", "2026/01", "partition_0 partition_1", []string{"2026", "01"}},
		{"!{timestamp:yyyy/MM/dd/HH}/", "2026/01/31/12", "partition_0 partition_1 partition_2 partition_3", []string{"2026", "01", "31", "12"}},
		{"", "", "", nil},
		{"events/", "events/2026/01/31/12", "partition_0 partition_1 partition_2 partition_3", []string{"2026", "01", "31", "12"}},
		{"year=!{timestamp:yyyy}/month=!{timestamp:MM}", "year=2026/month=01", "year month", []string{"2026", "01"}},
		{"!{timestamp:'year='yyyy'/month='MM'/'}", "year=2026/month=01", "year month", []string{"2026", "01"}},
		{"/events//dt=!{timestamp:yyyy-MM-dd}/x/", "events/dt=2026-01-31/x", "dt", []string{"2026-01-31"}},
		{"source=web/Dt=!{timestamp:D}/", "source=web/Dt=31", "source dt", []string{"web", "31"}},
		{"customer=!{partitionKeyFromQuery:customer}/", "customer=c%2F1", "customer", []string{"c/1"}},
		{"!{partitionKeyFromQuery:customer}-!{partitionKeyFromQuery:country}/", "c%2F1-DE", "partition_0", []string{"c/1-DE"}},
		{"c=!{partitionKeyFromQuery:country}/d=!{partitionKeyFromQuery:day}/", "c=DE/d=2026-01-31", "c d", []string{"DE", "2026-01-31"}},
		{"a b=1/!{timestamp:HH:mm}/", "a b=1/12%3A05", "a_b partition_0", []string{"1", "12:05"}},
	} {
		if c.prefix == "" {
			continue
		}
		rules, err := partitioner.Spec{Prefix: c.prefix, Keys: prefixKeys}.Parse()
		if err != nil {
			t.Error(err)
			continue
		}
		tokens := make([][]byte, len(rules.Fields()))
		for i, f := range rules.Fields() {
			tokens[i] = []byte(values[strings.Join(f, ".")])
		}
		e := rules.Evaluator()
		path := string(e.AppendPath(nil, tokens, prefixArrival))
		var names []string
		for _, k := range rules.Keys() {
			names = append(names, k.Name)
		}
		if path != c.path || strings.Join(names, " ") != c.columns {
			t.Errorf("%s: %s by %v, want %s by %s", c.prefix, path, names, c.path, c.columns)
		}
		back, err := rules.ParsePath(path)
		if diff := cmp.Diff(c.values, back); err != nil || diff != "" {
			t.Errorf("%s: %v %s", c.prefix, err, diff)
		}
		if again := string(e.AppendPath(nil, tokens, prefixArrival)); again != path {
			t.Errorf("%s: then %s", path, again)
		}
		if later := string(e.AppendPath(nil, tokens, prefixArrival.AddDate(1, 1, 1).Add(time.Hour))); later == path && strings.Contains(c.prefix, "timestamp") {
			t.Errorf("%s: the same a year later", path)
		}
	}
}

// What a record lacks is null, and what cannot stand in a path.
func TestPrefixNulls(t *testing.T) {
	rules, err := partitioner.Spec{Prefix: "country=!{partitionKeyFromQuery:country}/!{partitionKeyFromQuery:customer}-x/", Keys: prefixKeys}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	if field, ok := rules.IdentityOf("country"); !ok || !cmp.Equal(field, []string{"country"}) {
		t.Errorf("identity of country: %v %v", field, ok)
	}
	if _, ok := rules.IdentityOf("partition_0"); ok {
		t.Error("partition_0 has an identity")
	}
	e := rules.Evaluator()
	for _, c := range []struct {
		country, customer string
		want              string
		lost              bool
	}{
		{`"DE"`, `"a"`, "country=DE/a-x", false},
		{`"DE"`, `"_a"`, "country=DE/%5Fa-x", false},
		{`5`, `".."`, "country=5/%2E.-x", false},
		{``, ``, "country=" + lake.NullPartition + "/" + lake.NullPartition, false},
		{`null`, `null`, "country=" + lake.NullPartition + "/" + lake.NullPartition, false},
		{`""`, `[1]`, "country=" + lake.NullPartition + "/" + lake.NullPartition, true},
		{`"` + strings.Repeat("x", 300) + `"`, `"a"`, "country=" + lake.NullPartition + "/a-x", true},
		{`"` + lake.NullPartition + `"`, `"a"`, "country=" + lake.NullPartition + "/a-x", true},
	} {
		tokens := make([][]byte, len(rules.Fields()))
		for i, f := range rules.Fields() {
			tokens[i] = []byte(map[string]string{"country": c.country, "customer.id": c.customer}[strings.Join(f, ".")])
		}
		if got := string(e.AppendPath(nil, tokens, prefixArrival)); got != c.want || e.Lost(0) != c.lost {
			t.Errorf("%s, %s: %s, lost %v", c.country, c.customer, got, e.Lost(0))
		}
	}
}

func TestPrefixRandom(t *testing.T) {
	rules, err := partitioner.Spec{Prefix: "!{firehose:random-string}/!{firehose:random-string}/x=!{firehose:random-string}/"}.Parse()
	if err != nil {
		t.Fatal(err)
	}
	path := func(seed string) string {
		e := rules.Evaluator()
		e.Seed(seed)
		return string(e.AppendPath(nil, nil, prefixArrival))
	}
	a := path("20260131T235959Z-0123456789ab")
	parts := strings.Split(a, "/")
	if len(parts) != 3 || len(parts[0]) != 11 || parts[0] == parts[1] || a == path("another") || a != path("20260131T235959Z-0123456789ab") {
		t.Errorf("%s, %s", a, path("another"))
	}
}

func TestPatterns(t *testing.T) {
	for pattern, want := range map[string]string{
		"yyyy-MM-dd HH:mm:ss.SSS": "2026-01-31 12:05:09.123", "yy": "26", "y": "2026", "uuuu": "2026", "yyyyy": "02026",
		"M": "1", "MMM": "Jan", "MMMM": "January", "MMMMM": "J", "LL": "01", "d": "31", "D": "31", "DDD": "031", "QQ": "01",
		"E": "Sat", "EEEE": "Saturday", "EEEEE": "S", "h a": "12 PM", "K": "0", "k": "12", "HH": "12", "SS": "12", "SSSSSSSSS": "123000000",
		"A": "43509123", "n": "123000000", "X": "Z", "XXX": "Z", "x": "+00", "xx": "+0000", "Z": "+0000", "'it''s' ''yy''": "it's '26'", "yyyy'T'HH": "2026T12",
	} {
		e, err := partitioner.ParseErrorPrefix("x!{timestamp:"+pattern+"}", "")
		if err != nil {
			t.Error(err)
			continue
		}
		if got := partitioner.Unescape(e.Path("", prefixArrival, "")); got != "x"+want {
			t.Errorf("%s: %s, want x%s", pattern, got, want)
		}
	}
	e, err := partitioner.ParseErrorPrefix("!{timestamp:yyyy-MM-dd HH XXX x}", "Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	if got := partitioner.Unescape(e.Path("", prefixArrival, "")); got != "2026-01-31 17 +05:30 +0530" {
		t.Error(got)
	}
}

func TestErrorPrefix(t *testing.T) {
	e, err := partitioner.ParseErrorPrefix("/errors/!{firehose:error-output-type}/!{timestamp:yyyy/MM}/../!{firehose:random-string}", "")
	if err != nil {
		t.Fatal(err)
	}
	got := e.Path("format-conversion-failed", prefixArrival, "seed")
	if !strings.HasPrefix(got, "errors/format-conversion-failed/2026/01/%2E./") || got != e.Path("format-conversion-failed", prefixArrival, "seed") {
		t.Error(got)
	}
}

func TestPrefixFaults(t *testing.T) {
	for spec, want := range map[string]partitioner.Spec{
		"has no closing brace":  {Prefix: "!{timestamp:yyyy"},
		"is not known here":     {Prefix: "!{now:yyyy}/"},
		"error-output-type}":    {Prefix: "!{firehose:error-output-type}/"},
		"no partition key":      {Prefix: "!{partitionKeyFromQuery:other}/", Keys: prefixKeys},
		"in the pattern":        {Prefix: "!{timestamp:YYYY}/"},
		"\"MMMMMM\"":            {Prefix: "!{timestamp:MMMMMM}/"},
		"an empty pattern":      {Prefix: "!{timestamp:}/"},
		"no closing quote":      {Prefix: "!{timestamp:yyyy'x}/"},
		"is reserved":           {Prefix: "!{timestamp:yyyy[MM]}/"},
		"stands twice":          {Prefix: "a=!{timestamp:yyyy}/A=!{timestamp:MM}/"},
		"has no value":          {Prefix: "a=/!{timestamp:yyyy}/"},
		"is hidden":             {Prefix: "_x/!{timestamp:yyyy}/"},
		"begins with _":         {Prefix: "_x=!{timestamp:yyyy}/"},
		"more than 512":         {Prefix: strings.Repeat("x/", 300) + "!{timestamp:yyyy}/"},
		"time zone":             {Prefix: "!{timestamp:yyyy}/", TimeZone: "Europe/Nowhere"},
		"ingest is not a field": {Prefix: "!{timestamp:yyyy}/", Keys: map[string]string{"x": "day(ingest)"}},
		"unknown function":      {Prefix: "!{timestamp:yyyy}/", Keys: map[string]string{"x": "minute(ts)"}},
	} {
		if _, err := want.Parse(); err == nil || !strings.Contains(err.Error(), spec) {
			t.Errorf("%+v: %v, want %q in it", want, err, spec)
		}
	}
	if _, err := partitioner.ParseErrorPrefix("!{partitionKeyFromQuery:x}/", ""); err == nil {
		t.Error("a partition key in the error prefix is taken")
	}
}

// No value of a record leaves its folder, and the values come back.
func FuzzPrefix(f *testing.F) {
	f.Add("!{partitionKeyFromQuery:k}/x=!{partitionKeyFromQuery:k}!{timestamp:yyyy}/", `"a/../b"`)
	f.Add("a/!{timestamp:'/'yyyy'='MM}/", `5`)
	f.Fuzz(func(t *testing.T, prefix, text string) {
		rules, err := partitioner.Spec{Prefix: prefix, Keys: map[string]string{"k": "k"}}.Parse()
		if err != nil {
			return
		}
		token := []byte(`"` + strings.Map(func(r rune) rune {
			if r < ' ' || r == '"' || r == '\\' || r == 0xFFFD {
				return 'x'
			}
			return r
		}, text) + `"`)
		path := string(rules.Evaluator().AppendPath(nil, [][]byte{token}, prefixArrival))
		if len(path) > partitioner.MaxPath || strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
			t.Errorf("%q: %q", prefix, path)
		}
		for folder := range strings.SplitSeq(path, "/") {
			if folder == "." || folder == ".." || len(folder) > partitioner.MaxSegment {
				t.Errorf("%q: %q", prefix, path)
			}
		}
		values, err := rules.ParsePath(path)
		if err != nil || len(values) != len(rules.Keys()) {
			t.Errorf("%q: %q: %q %v", prefix, path, values, err)
		}
	})
}
