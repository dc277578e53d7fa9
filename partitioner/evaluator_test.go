package partitioner_test

import (
	"math"
	"strconv"
	"strings"
	"testing"
	"time"

	"sluice/internal/lake"
	"sluice/partitioner"
)

var arrival = time.Date(2026, 1, 31, 5, 59, 59, 999e6, time.FixedZone("", 0))

const null = lake.NullPartition

// evaluate applies one expression to one field.
func evaluate(t testing.TB, expression, token string) (value string, lost bool) {
	t.Helper()
	r := mustParse(t, "k="+expression)
	var values [][]byte
	if len(r.Fields()) == 1 {
		values = [][]byte{nil}
		if token != "" {
			values[0] = []byte(token)
		}
	}
	e := r.Evaluator()
	path := string(e.AppendPath(nil, values, arrival))
	got, err := partitioner.ParsePath(r.Keys(), path)
	if err != nil {
		t.Fatalf("%s of %s: %v", expression, token, err)
	}
	return got[0], e.Lost(0)
}

func TestValues(t *testing.T) {
	for _, tc := range []struct {
		token, want string
		lost        bool
	}{
		{"", null, false},
		{"null", null, false},
		{`""`, null, true},
		{`{}`, null, true},
		{`{"a":"/"}`, null, true},
		{`[1]`, null, true},
		{"true", "true", false},
		{"false", "false", false},
		{"0", "0", false},
		{"-12.50e+3", "-12.50e+3", false},
		{"12345678901234567890123", "12345678901234567890123", false},
		{`"DE"`, "DE", false},
		{`"Österreich 🇦🇹"`, "Österreich 🇦🇹", false},
		{`"a/b=c%d"`, "a/b=c%d", false},
		{`".."`, "..", false},
		{`"."`, ".", false},
		{`"../../etc"`, "../../etc", false},
		{`" "`, " ", false},
		{`"true"`, "true", false},
		{`"\u00e9\n\"\\\/"`, "é\n\"\\/", false},
		{`"\ud83d\ude00"`, "😀", false},
		{`"\ud83d"`, "\ufffd", false},
		{`"\ud83d\ud83d\ude00"`, "\ufffd😀", false},
		{`"\u0000"`, "\x00", false},
		{`"` + null + `"`, null, true},
		{`"\u005f_HIVE_DEFAULT_PARTITION__"`, null, true},
		{`"` + strings.Repeat("x", 253) + `"`, strings.Repeat("x", 253), false},
		{`"` + strings.Repeat("x", 254) + `"`, null, true},
		{`"` + strings.Repeat("/", 84) + `"`, strings.Repeat("/", 84), false},
		{`"` + strings.Repeat("/", 85) + `"`, null, true},
		{strings.Repeat("9", 254), null, true},
	} {
		if got, lost := evaluate(t, "f", tc.token); got != tc.want || lost != tc.lost {
			t.Errorf("%s: got %q, lost %v; want %q, %v", tc.token, got, lost, tc.want, tc.lost)
		}
	}
}

func TestParts(t *testing.T) {
	for _, tc := range []struct{ token, year, month, day, hour string }{
		{"1769835599", "2026", "01", "2026-01-31", "04"},
		{"1769839199", "2026", "01", "2026-01-31", "05"},
		{"1769839199999", "2026", "01", "2026-01-31", "05"},
		{"1769839199999999", "2026", "01", "2026-01-31", "05"},
		{"1769839199999999999", "2026", "01", "2026-01-31", "05"},
		{`"1769839199"`, "2026", "01", "2026-01-31", "05"},
		{`"1769839199999"`, "2026", "01", "2026-01-31", "05"},
		{"1769839199.999", "2026", "01", "2026-01-31", "05"},
		{"1.769839199e9", "2026", "01", "2026-01-31", "05"},
		{"1.769839199E+12", "2026", "01", "2026-01-31", "05"},
		{"0", "1970", "01", "1970-01-01", "00"},
		{"-1", "1969", "12", "1969-12-31", "23"},
		{"-0.5", "1969", "12", "1969-12-31", "23"},
		{"-0.0", "1970", "01", "1970-01-01", "00"},
		{"-5e-1", "1969", "12", "1969-12-31", "23"},
		{"-3600", "1969", "12", "1969-12-31", "23"},
		{"-3601", "1969", "12", "1969-12-31", "22"},
		{"99999999999", "5138", "11", "5138-11-16", "09"},
		{"100000000000", "1973", "03", "1973-03-03", "09"},
		{"-100000000001", "1966", "10", "1966-10-31", "14"},
		{`"2026-01-31T05:59:59Z"`, "2026", "01", "2026-01-31", "05"},
		{`"2026-01-31t05:59:59.123456789z"`, "2026", "01", "2026-01-31", "05"},
		{`"2026-01-31 05:59:59Z"`, "2026", "01", "2026-01-31", "05"},
		{`"2026-01-31T23:30:00-01:00"`, "2026", "02", "2026-02-01", "00"},
		{`"2026-01-01T00:30:00+05:45"`, "2025", "12", "2025-12-31", "18"},
		{`"2016-12-31T23:59:60Z"`, "2016", "12", "2016-12-31", "23"},
		{`"2024-02-29T00:00:00Z"`, "2024", "02", "2024-02-29", "00"},
		{`"0001-01-01T00:00:00Z"`, "0001", "01", "0001-01-01", "00"},
		{`"9999-12-31T23:59:59Z"`, "9999", "12", "9999-12-31", "23"},
		{`"2026\u002d01-31T05:59:59\u005a"`, "2026", "01", "2026-01-31", "05"},
		{`"2026-01-31"`, "2026", "01", "2026-01-31", null},
	} {
		for expression, want := range map[string]string{"year(f)": tc.year, "month(f)": tc.month, "day(f)": tc.day, "hour(f)": tc.hour} {
			if got, lost := evaluate(t, expression, tc.token); got != want || lost != (want == null) {
				t.Errorf("%s of %s: got %q, lost %v; want %q", expression, tc.token, got, lost, want)
			}
		}
	}
}

func TestPartsOfNothing(t *testing.T) {
	for _, token := range []string{
		`""`, `"x"`, "true", "false", "{}", "[1769839199]", "99999999999999999999", "1e400", "-1e18e", `"-"`, `"+1"`, `"01"`, `"1."`, `".5"`,
		`"1e"`, `"1 "`, `" 1"`, `"0x10"`, `"1_000"`, `"NaN"`, `"1.5.5"`, `"1.2x"`, `"1e5x"`, "9999999999999999999", "-9223372036854775808",
		`"2026-02-29T00:00:00Z"`, `"2100-02-29T00:00:00Z"`, `"2026-13-01T00:00:00Z"`, `"2026-00-01T00:00:00Z"`, `"2026-01-00T00:00:00Z"`,
		`"2026-04-31T00:00:00Z"`, `"2026-01-31T24:00:00Z"`, `"2026-01-31T00:60:00Z"`, `"2026-01-31T00:00:61Z"`, `"2026-01-31T00:00:00"`,
		`"2026-01-31T00:00Z"`, `"2026-01-31T00:00:00.Z"`, `"2026-01-31T00:00:00+0100"`, `"2026-01-31T00:00:00+24:00"`,
		`"2026-01-31T00:00:00+00:60"`, `"2026-01-31T00:00:00ZZ"`, `"2026-01-31T00:00:00,5Z"`, `"2026-1-31T00:00:00Z"`, `"2026-01-31T"`,
		`"2026-01-31T05:59:59.5"`, `"26-01-31T05:59:59Z"`, `"2026/01/31"`, `"20260131T055959Z"`, `"0001-01-01T00:00:00+00:01"`, `"0000-06-01"`,
		`"9999-12-31T23:59:59-00:01"`, `"2026-01-31T05:59:59Z\u0000"`, `"2026-01-3"`, `"2026-"`,
	} {
		for _, expression := range []string{"year(f)", "month(f)", "day(f)", "hour(f)"} {
			if got, lost := evaluate(t, expression, token); got != null || !lost {
				t.Errorf("%s of %s: got %q, lost %v", expression, token, got, lost)
			}
		}
	}
	for _, token := range []string{"", "null"} {
		if got, lost := evaluate(t, "day(f)", token); got != null || lost {
			t.Errorf("day of %q: got %q, lost %v", token, got, lost)
		}
	}
}

// Every day of eight centuries agrees with package time, both ways.
func TestCalendar(t *testing.T) {
	r := mustParse(t, "y=year(s)", "m=month(s)", "d=day(s)", "n=day(n)", "h=hour(s)")
	e := r.Evaluator()
	var buf []byte
	for at := time.Date(1600, 1, 1, 0, 0, 0, 0, time.UTC); at.Year() < 2400; at = at.Add(25 * time.Hour) {
		quoted := []byte(`"` + at.Format(time.RFC3339) + `"`)
		epoch := strconv.AppendInt(nil, at.Unix(), 10)
		buf = e.AppendPath(buf[:0], [][]byte{quoted, epoch}, arrival)
		want := at.Format("y=2006/m=01/d=2006-01-02/n=2006-01-02/h=15")
		if string(buf) != want {
			t.Fatalf("%s: got %s, want %s", at, buf, want)
		}
	}
}

func TestIngest(t *testing.T) {
	r := mustParse(t, "y=year(ingest)", "m=month(ingest)", "dt=day(ingest)", "hr=hour(ingest)")
	zoned := arrival.In(time.FixedZone("", -11*3600))
	got := string(r.Evaluator().AppendPath([]byte("table/"), nil, zoned))
	if want := "table/y=2026/m=01/dt=2026-01-31/hr=05"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := string(r.Evaluator().AppendPath(nil, nil, time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))); !strings.HasSuffix(got, "hr="+null) {
		t.Errorf("year 10000: %s", got)
	}
}

// One evaluator forgets nothing it should and keeps nothing of the last record.
func TestEvaluatorIsReusable(t *testing.T) {
	r := mustParse(t, "c=c", "dt=day(ts)", "in=day(ingest)")
	e := r.Evaluator()
	for _, tc := range []struct {
		c, ts string
		want  string
		lost  [3]bool
	}{
		{`"DE"`, "1769839199", "c=DE/dt=2026-01-31/in=2026-01-31", [3]bool{}},
		{`{}`, `"x"`, "c=" + null + "/dt=" + null + "/in=2026-01-31", [3]bool{true, true, false}},
		{"null", "null", "c=" + null + "/dt=" + null + "/in=2026-01-31", [3]bool{}},
		{`"a\tb"`, "1769839200000", "c=a%09b/dt=2026-01-31/in=2026-01-31", [3]bool{}},
		{`"DE"`, "0", "c=DE/dt=1970-01-01/in=2026-01-31", [3]bool{}},
	} {
		got := string(e.AppendPath(nil, [][]byte{[]byte(tc.c), []byte(tc.ts)}, arrival))
		if got != tc.want || e.Lost(0) != tc.lost[0] || e.Lost(1) != tc.lost[1] || e.Lost(2) != tc.lost[2] {
			t.Errorf("%s %s: got %s, lost %v %v %v", tc.c, tc.ts, got, e.Lost(0), e.Lost(1), e.Lost(2))
		}
	}
}

// Values that fit a folder each but not one key together make room for the
// columns behind them.
func TestPathIsBounded(t *testing.T) {
	r := mustParse(t, "a=v", "b=v", "c=v", "d=v", "dt=day(ingest)")
	e := r.Evaluator()
	long := []byte(`"` + strings.Repeat("x", 250) + `"`)
	path := string(e.AppendPath([]byte(strings.Repeat("p", 500)), [][]byte{long}, arrival))[500:]
	if len(path) > partitioner.MaxPath || !strings.HasSuffix(path, "/d="+null+"/dt=2026-01-31") {
		t.Errorf("%d bytes: %s", len(path), path)
	}
	if e.Lost(0) || e.Lost(1) || !e.Lost(2) || !e.Lost(3) || e.Lost(4) {
		t.Errorf("lost %v %v %v %v %v", e.Lost(0), e.Lost(1), e.Lost(2), e.Lost(3), e.Lost(4))
	}
}

// Where Same says so, a record has the path of the one before, and as much is lost.
func TestSame(t *testing.T) {
	tokens := []string{
		"", "null", `""`, `"DE"`, `"FR"`, `"D\u0045"`, "{}", "true", `"` + strings.Repeat("x", 2*partitioner.MaxSegment) + `"`,
		"1769839199", "1769839200", "1769903999", "1769904000", "1769839199000", "1769839199.5", "1.769839199e9", "-1", "0", "99999999999999999999",
		`"2026-01-31T05:59:59Z"`, `"2026-01-31T06:00:00Z"`, `"2026-01-31T23:59:59.999Z"`, `"2026-02-01T00:00:00+01:00"`, `"2026-01-31"`, `"2026-13-31"`,
	}
	arrivals := []time.Time{arrival, arrival.Add(time.Second), arrival.Add(time.Minute), arrival.Add(24 * time.Hour)}
	for _, rules := range [][]string{
		{"k=ts"}, {"dt=day(ts)"}, {"hr=hour(ts)"}, {"m=month(ts)", "y=year(ts)"}, {"c=c", "dt=day(ts)", "hr=hour(ts)"},
		{"dt=day(ingest)"}, {"hr=hour(ingest)", "c=c"}, {"dt=day(ts)", "in=day(ingest)"}, {},
	} {
		r := mustParse(t, rules...)
		same, fresh := r.Evaluator(), r.Evaluator()
		said := 0
		check := func(values [][]byte, at time.Time, path string) string {
			want := string(fresh.AppendPath(nil, values, at))
			if path != "" && same.Same(values, at) {
				said++
				if want != path {
					t.Fatalf("%v of %q: the path %q is said to be still %q", rules, values, want, path)
				}
				for i := range rules {
					if same.Lost(i) != fresh.Lost(i) {
						t.Fatalf("%v of %q: that column %d is lost is said to be %t still", rules, values, i, same.Lost(i))
					}
				}
				return path
			}
			return string(same.AppendPath(nil, values, at))
		}
		path := ""
		for _, a := range tokens {
			for _, b := range tokens {
				for _, at := range arrivals {
					for _, token := range []string{a, b} {
						values := make([][]byte, len(r.Fields()))
						for i := range values {
							if token != "" {
								values[i] = []byte(token)
							}
						}
						path = check(values, at, path)
					}
				}
			}
		}
		if said == 0 {
			t.Errorf("%v: no record was said to have the path of another", rules)
		}
	}
	e := mustParse(t, "dt=day(ts)").Evaluator()
	e.AppendPath(nil, [][]byte{[]byte("1769817600")}, arrival)
	if !e.Same([][]byte{[]byte("1769903999")}, arrival.Add(time.Hour)) || e.Same([][]byte{[]byte("1769904000")}, arrival) {
		t.Error("a day's last second is the same, the next is not")
	}
}

// All of a Range has the path of the value that it was asked of, and so for instants.
func TestRange(t *testing.T) {
	for _, rules := range [][]string{{"dt=day(ts)"}, {"y=year(ts)", "m=month(ts)", "d=day(ts)", "h=hour(ts)"}} {
		e := mustParse(t, rules...).Evaluator()
		path := func(token string) string {
			return string(e.AppendPath(nil, [][]byte{[]byte(token)}, arrival))
		}
		found := 0
		for _, v := range []int64{0, 1, 3599, 3600, 86399, 86400, 1769839200, 99_999_999_999, 100_000_000_000, 1769839200123, 99_999_999_999_999, 1769839200123456, 1769839200123456789, math.MaxInt64, -1} {
			want := path(strconv.FormatInt(v, 10))
			low, high, ok := e.Range(v)
			if !ok {
				continue
			}
			found++
			for _, same := range []int64{low, low + (high-low)/2, v, high - 1} {
				if got := path(strconv.FormatInt(same, 10)); got != want {
					t.Errorf("%v: %d has %s, but %d in [%d, %d) has %s", rules, v, want, same, low, high, got)
				}
			}
		}
		if found < 8 {
			t.Errorf("%v: a range for %d values only", rules, found)
		}
		for _, token := range []string{`"2026-01-31T05:59:59Z"`, `"1969-12-31T23:59:59.5-03:30"`, `"0001-01-01T00:00:00Z"`, `"9999-12-31T23:59:59Z"`} {
			want := path(token)
			low, high, ok := e.RangeOfMicros()
			if !ok {
				t.Errorf("%v: no range for %s", rules, token)
			}
			for _, same := range []int64{low, high - 1} {
				if got := path(time.UnixMicro(same).UTC().Format(`"2006-01-02T15:04:05.999999Z"`)); got != want {
					t.Errorf("%v: %s has %s, but %d in [%d, %d) has %s", rules, token, want, same, low, high, got)
				}
			}
		}
		for _, token := range []string{`"2026-01-31"`, `"x"`, "null"} {
			path(token)
			if _, _, ok := e.RangeOfMicros(); ok {
				t.Errorf("%v: a range for %s", rules, token)
			}
		}
	}
	for _, rules := range [][]string{{"k=ts"}, {"dt=day(ingest)"}, {"dt=day(ts)", "c=c"}, {"dt=day(ts)", "in=day(ingest)"}, {}} {
		r := mustParse(t, rules...)
		e := r.Evaluator()
		e.AppendPath(nil, make([][]byte, len(r.Fields())), arrival)
		if _, _, ok := e.Range(1769839200); ok {
			t.Errorf("%v: a range", rules)
		}
	}
}
