package firehose_test

import (
	"compress/gzip"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/ingest"
)

func encode(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func TestPutRecord(t *testing.T) {
	s := newServer(t)
	a := s.call("PutRecord", recordOf("s", `{"a":1}`))
	if a.status != 200 || a.RecordID == "" || a.Encrypted == nil || *a.Encrypted {
		t.Errorf("%d %s", a.status, a.raw)
	}
	b := s.call("PutRecord", recordOf("s", `{"a":1}`))
	if a.RecordID == b.RecordID {
		t.Errorf("two records have the id %s", a.RecordID)
	}
	if diff := cmp.Diff([]string{`{"a":1}`, `{"a":1}`}, s.log.of("s")); diff != "" {
		t.Error(diff)
	}
}

func TestPutRecordBatch(t *testing.T) {
	s := newServer(t)
	a := s.call("PutRecordBatch", batchOf("s", `{"a":1}`, "", `{"a":2}`))
	if a.status != 200 || !strings.HasPrefix(a.raw, `{"FailedPutCount":0,`) || len(a.RequestResponses) != 3 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	ids := map[string]bool{}
	for _, r := range a.RequestResponses {
		if r.RecordID == "" || r.ErrorCode != "" || ids[r.RecordID] {
			t.Errorf("%+v", r)
		}
		ids[r.RecordID] = true
	}
	if diff := cmp.Diff([]string{`{"a":1}`, `{"a":2}`}, s.log.of("s")); diff != "" {
		t.Error(diff)
	}
}

// What becomes of a record's data.
func TestData(t *testing.T) {
	big := `{"a":"` + strings.Repeat("x", ingest.MaxRecord-8) + `"}`
	small := strings.Repeat("{}", ingest.MaxRecord/2)
	for name, c := range map[string]struct {
		data string
		want []string
	}{
		"one":              {`{"a":1}`, []string{`{"a":1}`}},
		"ends in newline":  {"{\"a\":1}\n", []string{`{"a":1}`}},
		"spaces":           {" \r\n{\"a\": 1}\t\n", []string{`{"a": 1}`}},
		"concatenated":     {`{"a":1}{"a":2}{}`, []string{`{"a":1}`, `{"a":2}`, `{}`}},
		"lines":            {"{\"a\":1}\n{\"a\":2}\r\n\n{\"a\":3}", []string{`{"a":1}`, `{"a":2}`, `{"a":3}`}},
		"spread":           {"{\n \"a\" : 1,\n \"b\": \"x y\"\n}\n", []string{`{"a":1,"b":"x y"}`}},
		"empty":            {"", nil},
		"blank":            {" \n", nil},
		"array":            {`[{"a":1}]`, []string{`malformed: [{"a":1}]`}},
		"text":             {"GET / 200\nGET / 404\n", []string{"malformed: GET / 200\nGET / 404\n"}},
		"broken":           {`{"a":`, []string{`malformed: {"a":`}},
		"broken in the":    {"{\"a\":1}\n{\"a\":\n{\"a\":2}", []string{`{"a":1}`, "malformed: {\"a\":\n{\"a\":2}"}},
		"not UTF-8":        {"{\"a\":\"\xff\"}", []string{"malformed: {\"a\":\"\xff\"}"}},
		"binary":           {"\x00\x01\n\xff", []string{"malformed: \x00\x01\n\xff"}},
		"number":           {"5", []string{"malformed: 5"}},
		"encoded twice":    {encode(`{"a":1}{"a":2}`), []string{`{"a":1}`, `{"a":2}`}},
		"twice, newline":   {encode("{\"a\":1}\n") + "\n", []string{`{"a":1}`}},
		"looks encoded":    {encode(`{"a":`), []string{"malformed: " + encode(`{"a":`)}},
		"begins so":        {"error", []string{"malformed: error"}},
		"the largest":      {big, []string{big}},
		"smallest objects": {small, strings.Split(strings.Repeat("{} ", ingest.MaxRecord/2)[:3*ingest.MaxRecord/2-1], " ")},
		"newlines":         {strings.Repeat("\n", ingest.MaxRecord-1) + "x", []string{"malformed: x"}},
		"large text":       {strings.Repeat("a\n", ingest.MaxRecord/2), []string{"malformed: " + strings.Repeat("a\n", ingest.MaxRecord/2)}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			if a := s.call("PutRecord", recordOf("s", c.data)); a.status != 200 {
				t.Fatalf("%d %.300s", a.status, a.raw)
			}
			if a := s.call("PutRecordBatch", batchOf("b", `{"x":0}`, c.data, `{"x":1}`)); a.status != 200 || *a.FailedPutCount != 0 {
				t.Fatalf("%d %.300s", a.status, a.raw)
			}
			if diff := cmp.Diff(c.want, s.log.of("s")); diff != "" {
				t.Errorf("%.1000s", diff)
			}
			want := append(append([]string{`{"x":0}`}, c.want...), `{"x":1}`)
			if diff := cmp.Diff(want, s.log.of("b")); diff != "" {
				t.Errorf("%.1000s", diff)
			}
		})
	}
}

// How requests are written differs, what they mean does not.
func TestSpellings(t *testing.T) {
	plain := base64.StdEncoding.EncodeToString([]byte(`{"a":"??>>~~"}`)) // has + and /
	for _, body := range []string{
		`{"DeliveryStreamName":"s","Record":{"Data":"` + plain + `"}}`,
		`{"Record":{"Data":"` + plain + `"},"DeliveryStreamName":"s"}`,
		" {\n\"DeliveryStreamName\" : \"\\u0073\" ,\r\n \"Record\": { \"Data\" : \"" + plain + "\" } }\n",
		`{"DeliveryStreamName":"s","Record":{"Data":"` + strings.TrimRight(plain, "=") + `"}}`,
		`{"DeliveryStreamName":"s","Record":{"Data":"` + strings.NewReplacer("/", `\/`, "=", `\u003d`, "+", `\u002b`).Replace(plain) + `"}}`,
		`{"Other":[1,{"Record":null}],"DeliveryStreamName":"s","Record":{"X":{},"\u0044ata":"` + plain + `","Y":-1.5e3},"Z":12}`,
	} {
		s := newServer(t)
		if a := s.call("PutRecord", strings.NewReader(body)); a.status != 200 {
			t.Errorf("%s: %d %s", body, a.status, a.raw)
		}
		if diff := cmp.Diff([]string{`{"a":"??>>~~"}`}, s.log.of("s")); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
}

// Escapes do not count towards a record's size.
func TestLargestWithEscapes(t *testing.T) {
	data := `{"a":"` + strings.Repeat("???>", (ingest.MaxRecord-8)/4) + `"}`
	encoded := strings.ReplaceAll(encode(data), "/", `\/`)
	s := newServer(t)
	a := s.call("PutRecord", strings.NewReader(`{"DeliveryStreamName":"s","Record":{"Data":"`+encoded+`"}}`))
	if a.status != 200 || !strings.Contains(encoded, `\/`) || len(s.log.of("s")) != 1 || s.log.of("s")[0] != data {
		t.Errorf("%d %.300s", a.status, a.raw)
	}
}

func TestCompressed(t *testing.T) {
	var b strings.Builder
	zw := gzip.NewWriter(&b)
	io.Copy(zw, batchOf("s", `{"a":1}`))
	zw.Close()
	s := newServer(t)
	if a := s.call("PutRecordBatch", strings.NewReader(b.String()), "Content-Encoding", "gzip"); a.status != 200 || len(s.log.of("s")) != 1 {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestRefused(t *testing.T) {
	repeat := func(n int, data string) string {
		var b strings.Builder
		io.Copy(&b, batchOf("s", strings.Split(strings.Repeat(data+"\x00", n)[:n*(len(data)+1)-1], "\x00")...))
		return b.String()
	}
	over := strings.Repeat("x", ingest.MaxRecord+1)
	type refusal struct {
		op, body string
		status   int
		kind     string
	}
	for name, c := range map[string]refusal{
		"no JSON":         {"PutRecord", `x`, 400, "SerializationException"},
		"empty body":      {"PutRecord", ``, 400, "SerializationException"},
		"cut off":         {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e30=`, 400, "SerializationException"},
		"more":            {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e30="}} {}`, 400, "SerializationException"},
		"no base64":       {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e3$="}}`, 400, "SerializationException"},
		"a line break":    {"PutRecord", "{\"DeliveryStreamName\":\"s\",\"Record\":{\"Data\":\"e3\n0=\"}}", 400, "SerializationException"},
		"url alphabet":    {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e3_-"}}`, 400, "SerializationException"},
		"bad escape":      {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e3\x0="}}`, 400, "SerializationException"},
		"data a number":   {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":5}}`, 400, "SerializationException"},
		"data null":       {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":null}}`, 400, "SerializationException"},
		"data twice":      {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e30=","Data":"e30="}}`, 400, "SerializationException"},
		"record twice":    {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"e30="},"Record":{"Data":"e30="}}`, 400, "SerializationException"},
		"no data":         {"PutRecord", `{"DeliveryStreamName":"s","Record":{}}`, 400, "InvalidArgumentException"},
		"no record":       {"PutRecord", `{"DeliveryStreamName":"s"}`, 400, "InvalidArgumentException"},
		"records instead": {"PutRecord", repeat(1, "{}"), 400, "InvalidArgumentException"},
		"no name":         {"PutRecord", `{"Record":{"Data":"e30="}}`, 400, "InvalidArgumentException"},
		"a bad name":      {"PutRecord", `{"DeliveryStreamName":"a/b","Record":{"Data":"e30="}}`, 400, "InvalidArgumentException"},
		"unknown stream":  {"PutRecord", `{"DeliveryStreamName":"unknown","Record":{"Data":"e30="}}`, 400, "ResourceNotFoundException"},
		"too large":       {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"` + encode(over) + `"}}`, 400, "InvalidArgumentException"},
		"far too large":   {"PutRecord", `{"DeliveryStreamName":"s","Record":{"Data":"` + encode(over+over+over) + `"}}`, 400, "InvalidArgumentException"},
		"none":            {"PutRecordBatch", `{"DeliveryStreamName":"s","Records":[]}`, 400, "InvalidArgumentException"},
		"501":             {"PutRecordBatch", repeat(501, "{}"), 400, "InvalidArgumentException"},
		"over 4 MiB":      {"PutRecordBatch", repeat(5, strings.Repeat(" ", 4<<20/5+1)), 400, "InvalidArgumentException"},
		"one too large":   {"PutRecordBatch", string(must(io.ReadAll(batchOf("s", "{}", over)))), 400, "InvalidArgumentException"},
		"a huge body":     {"PutRecordBatch", `{"x":"` + strings.Repeat("x", 9<<20) + `"}`, 413, "InvalidArgumentException"},
		"operation":       {"PutRecords", `{}`, 400, "UnknownOperationException"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			a := s.call(c.op, strings.NewReader(c.body))
			if a.status != c.status || a.Type != c.kind {
				t.Errorf("%d %.300s", a.status, a.raw)
			}
			if n := s.log.appends; n != 0 {
				t.Errorf("%d appends", n)
			}
		})
	}
	s := newServer(t)
	if a := s.call("PutRecordBatch", strings.NewReader(repeat(500, strings.Repeat(" ", 4<<20/500)))); a.status != 200 {
		t.Errorf("the largest batch: %d %s", a.status, a.raw)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type full struct{}

func (full) Error() string                     { return "full" }
func (full) Full() (s string, d time.Duration) { return "no room", 3 * time.Second }

// Back-pressure is 503 as long as nothing of the request is stored, whatever the
// operation; then it is in the entries, and what they say is true.
func TestBackPressure(t *testing.T) {
	for _, op := range []string{"PutRecord", "PutRecordBatch"} {
		s := newServer(t)
		s.log.before = func(int) error { return fmt.Errorf("x: %w", full{}) }
		body := recordOf("s", "{}")
		if op == "PutRecordBatch" {
			body = batchOf("s", "{}", "{}")
		}
		a := s.call(op, body)
		if a.status != 503 || a.Type != "ServiceUnavailableException" || a.header.Get("Retry-After") != "3" {
			t.Errorf("%s: %d %s", op, a.status, a.raw)
		}
	}
	broken := newServer(t)
	broken.log.before = func(int) error { return errors.New("open /secret/path") }
	if a := broken.call("PutRecord", recordOf("s", "{}")); a.status != 500 || a.Type != "InternalFailure" || strings.Contains(a.raw, "secret") {
		t.Errorf("%d %s", a.status, a.raw)
	}
}

func TestPartOfABatchFails(t *testing.T) {
	var data []string
	for i := range 40 {
		data = append(data, fmt.Sprintf(`{"i":%d,"x":"%s"}`, i, strings.Repeat("x", 100_000)))
		if i%5 == 0 {
			data[i] += fmt.Sprintf(`{"i":%d}`, i) // a second object
		}
	}
	for _, c := range []struct {
		err  error
		code string
	}{{full{}, "ServiceUnavailableException"}, {errors.New("open /secret/path"), "InternalFailure"}} {
		for fail := 1; fail < 4; fail++ {
			s := newServer(t)
			s.log.before = func(n int) error {
				if n == fail {
					return c.err
				}
				return nil
			}
			a := s.call("PutRecordBatch", batchOf("s", data...))
			if a.status != 200 || a.FailedPutCount == nil || *a.FailedPutCount == 0 || len(a.RequestResponses) != len(data) || strings.Contains(a.raw, "secret") {
				t.Fatalf("%d %.300s", a.status, a.raw)
			}
			var again []string
			for i, r := range a.RequestResponses {
				switch {
				case r.ErrorCode == "" && r.RecordID != "":
				case r.ErrorCode == c.code && r.ErrorMessage != "" && r.RecordID == "":
					again = append(again, data[i])
				default:
					t.Errorf("%+v", r)
				}
			}
			if len(again) != *a.FailedPutCount {
				t.Errorf("%d entries failed of %d told", len(again), *a.FailedPutCount)
			}
			s.log.before = nil
			s.call("PutRecordBatch", batchOf("s", again...))
			want := strings.Split(strings.ReplaceAll(strings.Join(data, "\n"), "}{", "}\n{"), "\n")
			if diff := cmp.Diff(want, s.log.of("s")); diff != "" {
				t.Errorf("fail %d: %.1000s", fail, diff)
			}
		}
	}
}

// The sizes of reads decide nothing.
func TestChopped(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var data, want []string
	for i := range 300 {
		data = append(data, fmt.Sprintf(`{"i":%d,"x":"%s"}`, i, strings.Repeat("é", rnd.IntN(3000))))
		want = append(want, data[i])
	}
	for _, most := range []int{1, 7, 1000, 100_000} {
		s := newServer(t)
		if a := s.call("PutRecordBatch", &chopped{batchOf("s", data...), rnd, most}); a.status != 200 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		if diff := cmp.Diff(want, s.log.of("s")); diff != "" {
			t.Errorf("%.1000s", diff)
		}
	}
}

// chopped reads r in pieces of random size.
type chopped struct {
	r   io.Reader
	rnd *rand.Rand
	max int
}

func (c *chopped) Read(p []byte) (int, error) {
	return c.r.Read(p[:min(len(p), 1+c.rnd.IntN(c.max))])
}
