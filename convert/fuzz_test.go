package convert_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/big"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"sluice/convert"
)

// knownColumns are those of a table that FuzzConvert adds to.
const knownColumns = "a:bigint,b:string,c:struct<a:double,b:array<bigint>>,d:array<timestamp>,e:map<string,bigint>,f:decimal(9,2),g:date,h:float," +
	"i:boolean,j:tinyint,k:binary,l:array<struct<a:string,b:map<string,array<boolean>>>>,m:timestamp,n:map<string,string>"

// Whatever comes in, every line is a row or a failure, and every row says what
// its record said, as doc.go promises.
func FuzzConvert(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"b":"x","c":{"a":1.5,"b":[1,2]},"d":["2026-01-31T12:00:00Z"],"e":{"k":1},"f":1.25,"g":"2026-01-31","h":0.5,"i":true,"j":1,"k":"y"}`,
		`{"l":[{"a":1,"b":{"x":[true,null,5],"y":[]}},null,{}],"m":"2026-01-31T12:00:00.1234567+05:30","n":{"a":1,"b":"1","c":[1],"a":2}}`,
		`{"a":"x","b":5,"c":[1],"d":{"x":1},"e":{"k":"v","k":2},"f":0.001,"g":"soon","h":0.1234567890123,"i":0,"j":128,"k":[1]}`,
		"{\"a\":1}\n{\"a\":1.5}\n{\"a\":\"x\"}\n\n{\"a\":{\"b\":[1]}}\n[1]\n{\"a\":\n{\"A\":1,\"a\":2,\"a\":3}",
		"{\"\":1,\"a.b\":2,\"a b\":3,\"$c\":4,\"a\\u0000\":5,\"_rescued\":6,\"dt\":7,\"DT\":null}",
		"{\"a\":1e400,\"b\":-0,\"c\":0.1234567890123456789,\"d\":9223372036854775808,\"e\":-0.0e5,\"f\":9007199254740993}\n{\"a\":1,\"f\":0.5}",
		`{"s":"\ud800 \ud83d\ude00 \u0000\"\\\/\b\f\n\r\té"}`,
		"{\"t\":\"2026-01-31T12:00:00Z\",\"u\":\"2026-01-31T12:00:00+00:00\"}\n{\"t\":\"2026-02-30T12:00:00Z\",\"u\":\"2026-01-31t12:00:00Z\"}",
		"{\"x\":[[1],[],null,[[2]]],\"y\":[{\"a\":{}},{\"b\":[{}]}],\"z\":[null,[]]}",
		`{"a":` + strings.Repeat(`{"d":[`, 12) + "1" + strings.Repeat("]}", 12) + "}",
		`{"w":{` + keys(300) + `,"k5":1}}` + "\n" + `{"w":{"q":null,"k1":{"x": 1}}}`,
		`{"a":1}x` + "\n" + ` { "a" : 2 } ` + "\r\n" + `{"a":1,}` + "\n{\"a\":\"\xff\"}\n{\"\\a\":1}\n\f",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, known bool) {
		job := convert.Job{Blocks: blocksOf(2, strings.Split(string(data), "\n")...), Dir: t.TempDir()}
		if known {
			job.Columns = columnsOf(t, knownColumns)
		}
		res := convertJob(t, convert.Config{Threads: 1, Compression: "none"}, job)
		var valid [][]byte
		failed := int64(0)
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			switch {
			case strings.Trim(string(line), " \t\r") == "":
			case bytes.Count(line, []byte("["))+bytes.Count(line, []byte("{")) > 1000:
				return // how deep is too deep is jsonscan's to say
			case utf8.Valid(line) && json.Valid(line) && bytes.TrimSpace(line)[0] == '{':
				valid = append(valid, line)
			default:
				failed++
			}
		}
		if res.Rows != int64(len(valid)) || res.Failed != failed {
			t.Fatalf("%d rows and %d failures, want %d and %d", res.Rows, res.Failed, len(valid), failed)
		}
		if failed > 0 != (res.Failures != "") {
			t.Fatalf("document of failures %q", res.Failures)
		}
		if len(valid) == 0 {
			return
		}
		checkPages(t, res.Files[0].Path)
		for i, row := range parquetRows(t, res.Files[0].Path, res.Columns) {
			checkRow(t, res.Columns, row, valid[i])
		}
		if err := os.RemoveAll(job.Dir); err != nil {
			t.Fatal(err)
		}
	})
}

// rfc3339 is the shape of a date-time; the time package also takes a comma for
// the point, an hour of one digit, and an offset of 24 hours.
var rfc3339 = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

func FuzzParseTimestamp(f *testing.F) {
	for _, s := range []string{"2026-01-31T12:00:00Z", "2024-02-29T23:59:59.9999999+14:00", "0001-01-01T00:00:00-23:59", "9999-12-31T23:59:60Z", "2026-01-31T12:00:00,5Z", "2026-01-31t12:00:00z", "2026-1-31T12:00:00Z", "0001-01-01T0:00:00+00:00", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-00:01", "0008-01-01T00:00:00+24:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var want time.Time
		err := want.UnmarshalText([]byte(s)) // stricter than time.Parse
		valid := err == nil && rfc3339.MatchString(s) && !strings.HasPrefix(s, "0000") && 0 < want.UTC().Year() && want.UTC().Year() <= 9999
		got, ok := convert.ParseTimestamp([]byte(s))
		if ok != valid || ok && got != want.UnixMicro() {
			t.Errorf("%q: %d, %v; want %v, %v", s, got, ok, want, err)
		}
		day, err := time.Parse("2006-01-02", s)
		days, ok := convert.ParseDate([]byte(s))
		if ok != (err == nil && !strings.HasPrefix(s, "0000")) || ok && days != day.Unix()/86400 {
			t.Errorf("%q: %d days, %v; want %v, %v", s, days, ok, day, err)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"0", "-0", "1", "-1.5", "1e400", "1e-400", "123456789012345678", "9223372036854775807", "-9223372036854775808", "9223372036854775808", "0.1",
		"0.30000000000000004", "0.300000000000000040", "999999999999999", "9007199254740993", "5e-324", "1.7976931348623157e308", "0.00000000000000000000001", "123456.7890", "-0.0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !json.Valid([]byte(s)) || s[0] != '-' && s[0]-'0' > 9 || strings.Trim(s, "-+.eE0123456789") != "" {
			return
		}
		want, err := strconv.ParseFloat(s, 64)
		got, ok := convert.ParseDouble([]byte(s))
		whole := err == nil && decimalOf(strconv.FormatFloat(want, 'e', -1, 64)) == decimalOf(s)
		if ok != whole && len(s) < 400 || ok && math.Float64bits(got) != math.Float64bits(want) {
			t.Errorf("%s: %v, %v; want %v, %v (%v)", s, got, ok, want, whole, err)
		}
		if strings.ContainsAny(s, ".eE") {
			return
		}
		n, err := strconv.ParseInt(s, 10, 64)
		v, ok := convert.ParseInt([]byte(s))
		if ok != (err == nil && s != "-0") || ok && v != n {
			t.Errorf("%s: %d, %v; want %d, %v", s, v, ok, n, err)
		}
	})
}

func FuzzParseEpoch(f *testing.F) {
	for _, s := range []string{"0", "-0", "1769860800", "1769860800.1234567", "-0.0000001", "1e3", "-62135596800", "253402300799.9999999", "253402300800", "1e400", "1e-400", "0.000001e6", "99999999999999999999", "1e-99999999999999999999"} {
		f.Add(s)
	}
	low, high := big.NewInt(-62_135_596_800_000_000), big.NewInt(253_402_300_800_000_000)
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 300 || !json.Valid([]byte(s)) || s[0] != '-' && s[0]-'0' > 9 || strings.Trim(s, "-+.eE0123456789") != "" {
			return
		}
		if _, exponent, ok := strings.Cut(strings.ToLower(s), "e"); ok && len(exponent) > 4 {
			return // too much for package big
		}
		value, _ := new(big.Rat).SetString(s)
		for _, digits := range []int{0, 3, 6} {
			scaled := new(big.Rat).Mul(value, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits)), nil)))
			want := new(big.Int).Div(scaled.Num(), scaled.Denom()) // rounds down, as the denominator is positive
			valid := want.Cmp(low) >= 0 && want.Cmp(high) < 0 && !(value.Sign() == 0 && s[0] == '-')
			got, ok := convert.ParseEpoch([]byte(s), digits)
			if ok != valid || ok && got != want.Int64() {
				t.Errorf("%s, %d digits: %d, %v; want %s, %v", s, digits, got, ok, want, valid)
			}
		}
	})
}
