package otlp_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/logs/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	resource "go.opentelemetry.io/proto/otlp/resource/v1"
	"google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/protobuf/proto"

	"sluice/configs"
	"sluice/ingest/access"
	"sluice/ingest/otlp"
)

func text(s string) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: s}}
}

func integer(n int64) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: n}}
}

func list(v ...*common.AnyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_ArrayValue{ArrayValue: &common.ArrayValue{Values: v}}}
}

func object(kv ...*common.KeyValue) *common.AnyValue {
	return &common.AnyValue{Value: &common.AnyValue_KvlistValue{KvlistValue: &common.KeyValueList{Values: kv}}}
}

func kv(key string, v *common.AnyValue) *common.KeyValue {
	return &common.KeyValue{Key: key, Value: v}
}

// request has all that a log record can hold.
func request() *collector.ExportLogsServiceRequest {
	return &collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{
		Resource:  &resource.Resource{Attributes: []*common.KeyValue{kv("service.name", text("shop")), kv("pid", integer(7))}},
		SchemaUrl: "https://r",
		ScopeLogs: []*logs.ScopeLogs{{
			Scope:     &common.InstrumentationScope{Name: "lib", Version: "1.0", Attributes: []*common.KeyValue{kv("a", text("b"))}},
			SchemaUrl: "https://s",
			LogRecords: []*logs.LogRecord{{
				TimeUnixNano: 1769860800_123456789, ObservedTimeUnixNano: 1769860801_000000000,
				SeverityNumber: 9, SeverityText: "INFO", Body: text("a \"quoted\"\nline é\x01"),
				Attributes: []*common.KeyValue{
					kv("s", text("x")), kv("b", &common.AnyValue{Value: &common.AnyValue_BoolValue{BoolValue: true}}), kv("i", integer(math.MinInt64)),
					kv("d", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: 1.5}}),
					kv("nan", &common.AnyValue{Value: &common.AnyValue_DoubleValue{DoubleValue: math.NaN()}}),
					kv("y", &common.AnyValue{Value: &common.AnyValue_BytesValue{BytesValue: []byte{1, 2, 255}}}),
					kv("l", list(text("p\"q"), integer(1), list())), kv("o", object(kv("k", text("v")), kv("n", object()))), kv("none", nil),
				},
				DroppedAttributesCount: 2, Flags: 1, EventName: "evt",
				TraceId: []byte{0x5b, 0x8e, 0xff, 0xf7, 0x98, 0x03, 0x81, 0x03, 0xd2, 0x69, 0xb6, 0x33, 0x81, 0x3f, 0xc6, 0x0c},
				SpanId:  []byte{0xee, 0xe1, 0x9b, 0x7e, 0xc3, 0xc1, 0xb1, 0x74},
			}, {Body: object(kv("event", text("structured")))}},
		}},
	}}}
}

// requestJSON is request in OTLP's JSON.
const requestJSON = `
{ "resourceLogs": [ { "resource": { "attributes": [ {"key":"service.name","value":{"stringValue":"shop"}}, {"key":"pid","value":{"intValue":"7"}} ] },
  "schemaUrl": "https://r", "unknown": {"x":[1]},
  "scopeLogs": [ { "scope": {"name":"lib","version":"1.0","attributes":[{"key":"a","value":{"stringValue":"b"}}]}, "schemaUrl": "https://s",
    "logRecords": [ {
      "timeUnixNano": "1769860800123456789", "observedTimeUnixNano": 1769860801000000000, "severityNumber": 9, "severityText": "INFO",
      "dropped_attributes_count": 9, "droppedAttributesCount": 2, "flags": 1, "traceId": "5B8EFFF798038103D269B633813FC60C", "spanId": "eee19b7ec3c1b174", "eventName": "evt",
      "body": { "stringValue": "a \"quoted\"\nline é\u0001" },
      "attributes": [ {"key":"s","value":{"stringValue":"x"}}, {"key":"b","value":{"boolValue":true}}, {"key":"i","value":{"intValue":"-9223372036854775808"}},
        {"key":"d","value":{"doubleValue":1.5}}, {"key":"nan","value":{"doubleValue":"NaN"}}, {"key":"y","value":{"bytesValue":"AQL/"}},
        {"key":"l","value":{"arrayValue":{"values":[{"stringValue":"p\"q"},{"intValue":1},{"arrayValue":{}}]}}},
        {"key":"o","value":{"kvlistValue":{"values":[{"key":"k","value":{"stringValue":"v"}},{"key":"n","value":{"kvlistValue":{"values":[]}}}]}}}, {"key":"none"} ] },
      { "body": { "kvlistValue": { "values": [ {"key":"event","value":{"stringValue":"structured"}} ] } } } ] } ] } ] }
`

const (
	sharedMembers = `"resource_attributes":{"service.name":"shop","pid":PID},"resource_schema_url":"https://r","scope_name":"lib","scope_version":"1.0","scope_attributes":{"a":"b"},"scope_schema_url":"https://s"}`
	mappedValues  = `{"s":"x","b":"true","i":"-9223372036854775808","d":"1.5","nan":"NaN","y":"AQL/","l":"[\"p\\\"q\",1,[]]","o":"{\"k\":\"v\",\"n\":{}}","none":null}`
	typedValues   = `{"s":"x","b":true,"i":-9223372036854775808,"d":1.5,"nan":"NaN","y":"AQL/","l":["p\"q",1,[]],"o":{"k":"v","n":{}},"none":null}`
)

func TestRows(t *testing.T) {
	wire, err := proto.Marshal(request())
	if err != nil {
		t.Fatal(err)
	}
	for _, mapped := range []bool{true, false} {
		attributes, shared := typedValues, strings.Replace(sharedMembers, "PID", "7", 1)
		if mapped {
			attributes, shared = mappedValues, strings.Replace(sharedMembers, "PID", `"7"`, 1)
		}
		want := []string{
			`{"observed_time":"2026-01-31T12:00:01.000000Z","time":"2026-01-31T12:00:00.123456Z","time_unix_nano":1769860800123456789,"severity_number":9,` +
				`"dropped_attributes_count":2,"flags":1,"trace_id":"5b8efff798038103d269b633813fc60c","span_id":"eee19b7ec3c1b174","severity_text":"INFO","event_name":"evt",` +
				`"body":"a \"quoted\"\nline é\u0001","attributes":` + attributes + `,` + shared,
			`{"observed_time":"2000-01-01T00:00:00.000000Z","body":"{\"event\":\"structured\"}",` + shared,
		}
		for _, c := range []struct{ typ, body string }{
			{protoType, string(wire)}, {jsonType, requestJSON}, {"text/plain", requestJSON}, {"", string(wire)},
		} {
			synctest.Test(t, func(t *testing.T) {
				s := newServer(t, func(cfg *otlp.Config) { cfg.Mapped = mapped })
				w := s.post(t, strings.NewReader(c.body), "Content-Type", c.typ)
				if w.Code != 200 {
					t.Fatalf("%q: %d %s", c.typ, w.Code, w.Body)
				}
				if got := s.log.lines(); len(got) != 2 || !sameJSON(t, got[0], want[0]) || !sameJSON(t, got[1], want[1]) {
					t.Errorf("%q mapped %v: stored\n%s\nwant\n%s", c.typ, mapped, strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			})
		}
	}
}

// sameJSON compares objects regardless of the order of members; numbers by their text.
func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	normal := func(s string) string {
		dec := json.NewDecoder(strings.NewReader(s))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		out, _ := json.Marshal(v)
		return string(out)
	}
	return normal(a) == normal(b)
}

func TestAnswersInTheFormOfTheRequest(t *testing.T) {
	s := newServer(t)
	if w := s.post(t, strings.NewReader(""), "Content-Type", protoType); w.Code != 200 || w.Header().Get("Content-Type") != protoType || w.Body.Len() != 0 {
		t.Errorf("an empty request: %d %v %q", w.Code, w.Header(), w.Body)
	}
	if w := s.post(t, strings.NewReader("{}"), "Content-Type", jsonType+"; charset=utf-8"); w.Code != 200 || w.Header().Get("Content-Type") != jsonType || w.Body.String() != "{}" {
		t.Errorf("an empty request: %d %v %q", w.Code, w.Header(), w.Body)
	}
	w := s.post(t, strings.NewReader("\x0a\x05ab"), "Content-Type", protoType)
	var st status.Status
	if err := proto.Unmarshal(w.Body.Bytes(), &st); err != nil || w.Code != 400 || w.Header().Get("Content-Type") != protoType || st.Code != 3 || st.Message == "" {
		t.Errorf("malformed: %d %v %v %v", w.Code, w.Header(), err, &st)
	}
	for _, body := range []string{"", "{", "[]", `{"resourceLogs":{}}`, `{"resourceLogs":[{"scopeLogs":5}]}`, `{"resourceLogs":[5]}`, "{}{}"} {
		w := s.post(t, strings.NewReader(body), "Content-Type", jsonType)
		var st struct {
			Code    int
			Message string
		}
		if err := json.Unmarshal(w.Body.Bytes(), &st); err != nil || w.Code != 400 || st.Code != 3 || st.Message == "" {
			t.Errorf("%q: %d %v %s", body, w.Code, err, w.Body)
		}
	}
	if w := s.post(t, strings.NewReader(strings.Repeat(" ", 5<<20)), "Content-Type", jsonType); w.Code != 413 || !strings.Contains(w.Body.String(), "otlp.max_body") {
		t.Errorf("too large: %d %s", w.Code, w.Body)
	}
}

// Bad records are counted in partial_success, the others are kept.
func TestPartialSuccess(t *testing.T) {
	good := `{"body":{"stringValue":"x"}}`
	bad := []string{
		`{"timeUnixNano":"x"}`, `{"traceId":"xyz"}`, `{"severityNumber":"INFO"}`, `{"body":{"intValue":"1.5"}}`, `{"body":{"bytesValue":"*"}}`, `{"body":5}`, `5`,
		`{"attributes":{}}`, `{"body":` + strings.Repeat(`{"arrayValue":{"values":[`, 66) + strings.Repeat(`]}}`, 66) + `}`,
		`{"body":{"stringValue":"` + strings.Repeat("x", 1_024_000) + `"}}`,
	}
	s := newServer(t)
	w := s.post(t, strings.NewReader(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[`+good+`,`+strings.Join(bad, ",")+`,`+good+`]}]}]}`), "Content-Type", jsonType)
	var resp struct {
		PartialSuccess struct{ RejectedLogRecords, ErrorMessage string }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &resp); err != nil || w.Code != 200 || resp.PartialSuccess.RejectedLogRecords != fmt.Sprint(len(bad)) || resp.PartialSuccess.ErrorMessage == "" {
		t.Errorf("%d %v %s", w.Code, err, w.Body)
	}
	if len(s.log.lines()) != 2 {
		t.Errorf("%d of 2 good ones are stored", len(s.log.lines()))
	}
	wire, err := proto.Marshal(&collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{{
		LogRecords: []*logs.LogRecord{{SeverityText: "INFO", Body: text("x")}, {SeverityText: "INFOO", Body: text("good")}}}}}}})
	if err != nil {
		t.Fatal(err)
	}
	wire = bytes.Replace(wire, []byte("\x04INFO"), []byte("\x04IN\xffO"), 1)
	s = newServer(t)
	w = s.post(t, bytes.NewReader(wire), "Content-Type", protoType)
	var answer collector.ExportLogsServiceResponse
	if err := proto.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.PartialSuccess.GetRejectedLogRecords() != 1 || !strings.Contains(answer.PartialSuccess.ErrorMessage, "UTF-8") {
		t.Errorf("%d %v %v", w.Code, err, &answer)
	}
	if len(s.log.lines()) != 1 {
		t.Errorf("%d of 1 are stored", len(s.log.lines()))
	}
}

type full struct{ error }

func (full) Full() (string, time.Duration) { return "no room", 2 * time.Second }

func TestBackPressure(t *testing.T) {
	for _, c := range []struct {
		err   error
		retry string
	}{{full{errors.New("full")}, "2"}, {errors.New("disk"), ""}} {
		s := newServer(t)
		s.log.fail = func() error { return c.err }
		w := s.post(t, strings.NewReader(requestJSON), "Content-Type", jsonType)
		if w.Code != 503 || w.Header().Get("Retry-After") != c.retry || !strings.Contains(w.Body.String(), `"code":14`) {
			t.Errorf("%v: %d %v %s", c.err, w.Code, w.Header(), w.Body)
		}
	}
}

func TestLargeRequests(t *testing.T) {
	var records []*logs.LogRecord
	for i := range 3000 {
		records = append(records, &logs.LogRecord{TimeUnixNano: uint64(i + 1), Body: text(strings.Repeat("é", 500))})
	}
	records = append(records, &logs.LogRecord{Body: text(strings.Repeat("x", 900_000))}, &logs.LogRecord{Body: text(strings.Repeat("\x01", 900_000))})
	wire, err := proto.Marshal(&collector.ExportLogsServiceRequest{ResourceLogs: []*logs.ResourceLogs{{ScopeLogs: []*logs.ScopeLogs{{LogRecords: records}}}}})
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	z.Write(wire)
	z.Close()
	s := newServer(t, func(cfg *otlp.Config) { cfg.MaxBody = 8 << 20 })
	w := s.post(t, &packed, "Content-Type", protoType, "Content-Encoding", "gzip")
	var answer collector.ExportLogsServiceResponse
	if err := proto.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != 200 || answer.PartialSuccess.GetRejectedLogRecords() != 1 {
		t.Errorf("%d %v %v", w.Code, err, &answer)
	}
	got := s.log.lines()
	if len(got) != 3001 || !strings.Contains(got[2999], `"time_unix_nano":3000,`) || len(got[3000]) < 900_000 {
		t.Errorf("%d rows", len(got))
	}
}

func TestAccess(t *testing.T) {
	g, err := access.New(access.Config{Keys: map[string]configs.Key{
		"logs":  {SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("good-key"))), Write: []string{"logs"}},
		"other": {SHA256: fmt.Sprintf("%x", sha256.Sum256([]byte("other-key"))), Write: []string{"x"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, func(cfg *otlp.Config) { cfg.Access = g })
	for header, want := range map[string]int{"Bearer good-key": 200, "Bearer other-key": 403, "Bearer no-key": 401, "": 401} {
		var h []string
		if header != "" {
			h = []string{"Authorization", header}
		}
		w := s.post(t, strings.NewReader(requestJSON), append(h, "Content-Type", jsonType)...)
		if w.Code != want || strings.Contains(w.Body.String(), "no-key") {
			t.Errorf("%q: %d %s", header, w.Code, w.Body)
		}
	}
}

func FuzzProto(f *testing.F) {
	wire, err := proto.Marshal(request())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(wire, true)
	f.Add(wire, false)
	f.Add(bytes.Repeat([]byte{0x10, 0x01}, 100), true)
	f.Fuzz(func(t *testing.T, body []byte, mapped bool) {
		s := newServer(t, func(cfg *otlp.Config) { cfg.Mapped = mapped })
		w := s.post(t, bytes.NewReader(body), "Content-Type", protoType)
		var req collector.ExportLogsServiceRequest
		if err := proto.Unmarshal(body, &req); err != nil {
			return // one bad record need not be a bad request here
		}
		if w.Code != 200 {
			t.Fatalf("%x: %d %s", body, w.Code, w.Body)
		}
		n := 0
		for _, rl := range req.ResourceLogs {
			for _, sl := range rl.ScopeLogs {
				n += len(sl.LogRecords)
			}
		}
		var answer collector.ExportLogsServiceResponse
		if err := proto.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		if got := len(s.log.lines()) + int(answer.PartialSuccess.GetRejectedLogRecords()); got != n {
			t.Fatalf("%x: %d records of %d", body, got, n)
		}
	})
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(requestJSON), true)
	f.Add([]byte(requestJSON), false)
	f.Add([]byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":{"stringValue":"\ud800"}},{"flags":null},{"attributes":[{"key":"a"},null,{}]}]}]}]}`), true)
	f.Fuzz(func(t *testing.T, body []byte, mapped bool) {
		s := newServer(t, func(cfg *otlp.Config) { cfg.Mapped = mapped })
		w := s.post(t, bytes.NewReader(body), "Content-Type", jsonType)
		if w.Code != 200 && w.Code != 400 {
			t.Fatalf("%q: %d %s", body, w.Code, w.Body)
		}
		if w.Code == 200 && !json.Valid(body) {
			t.Fatalf("%q was taken", body)
		}
	})
}
