package segment_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"sluice/ingest/segment"
)

// FuzzBody checks what is stored of any body against a plain implementation over
// decoded JSON.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		`{"batch":[{"type":"track","userId":"u","event":"E","messageId":"m","context":{"a":1},"timestamp":"2026-01-31T12:00:00Z"}],"sentAt":"2026-01-31T12:00:01Z","context":{"a":2,"b":{}}}`,
		"{\"batch\":[{\"type\":\"page\",\n\"anonymousId\":\"a\"} , 5, null],\"writeKey\":\"k\",\"integrations\":{\"x\":null}}",
		`{"userId":"u","event":"E","properties":{"a":[1,2,{"b":"\\\""}]},"writeKey":"k","sourceId":1,"integrations":{}}`,
		`{"batch":[{"type":"alias","userId":1,"previousId":"\u0000","context":null,"sentAt":null,"originalTimestamp":null}],"context":{},"sentAt":7}`,
		`{"batch":[]}`, `{}`, `[`, `{"batch":[{}`, "\ufeff{}",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, batch bool) {
		s := newServer(t, func(cfg *segment.Config) { cfg.Tables = segment.PerSource })
		path := "/v1/track"
		if batch {
			path = "/v1/batch"
		}
		a := s.do(t, "POST", path, bytes.NewReader(body))
		if a.status != 200 && a.status != 400 {
			t.Fatalf("%d %s", a.status, a.raw)
		}
		stored := s.log.lines("segment.web")
		if !json.Valid(bytes.TrimPrefix(body, []byte("\ufeff"))) {
			if a.status == 200 {
				t.Fatalf("%q was taken", body)
			}
			return
		}
		body = bytes.TrimPrefix(body, []byte("\ufeff"))
		var sent map[string]any
		if err := json.Unmarshal(body, &sent); err != nil || duplicates(body) || a.status != 200 {
			return
		}
		var calls []map[string]any
		if batch {
			for _, v := range sent["batch"].([]any) {
				if m, ok := v.(map[string]any); ok {
					calls = append(calls, m)
				}
			}
		} else {
			calls = append(calls, sent)
			sent = nil
		}
		for _, line := range stored {
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatal(err)
			}
			for len(calls) > 0 && !same(got, calls[0], sent) {
				calls = calls[1:] // it was rejected
			}
			if len(calls) == 0 {
				t.Fatalf("%q: stored %s", body, line)
			}
			calls = calls[1:]
		}
	})
}

// same reports whether a stored call is what it should be.
func same(got, call, batch map[string]any) bool {
	if got["sourceId"] != "web" || got["receivedAt"] == nil || got["timestamp"] == nil || got["messageId"] == nil {
		return false
	}
	want := map[string]any{}
	for k, v := range call {
		want[k] = v
	}
	delete(want, "writeKey")
	for _, k := range []string{"sourceId", "receivedAt", "timestamp"} {
		want[k] = got[k]
	}
	if id := want["messageId"]; id == nil || id == "" {
		want["messageId"] = got["messageId"]
	}
	if batch == nil {
		want["type"] = "track"
	}
	if want["originalTimestamp"] == nil {
		delete(want, "originalTimestamp")
		if v := call["timestamp"]; v != nil {
			want["originalTimestamp"] = v
		}
	}
	if want["sentAt"] == nil && batch["sentAt"] != nil {
		want["sentAt"] = batch["sentAt"]
	}
	for _, k := range []string{"context", "integrations"} {
		all, ok := batch[k].(map[string]any)
		if !ok {
			continue
		}
		switch own := want[k].(type) {
		case nil:
			want[k] = all
		case map[string]any:
			merged := map[string]any{}
			for k, v := range all {
				merged[k] = v
			}
			for k, v := range own {
				merged[k] = v
			}
			want[k] = merged
		}
	}
	return reflect.DeepEqual(got, want)
}

// duplicates reports whether an object in valid JSON has two members of one name, of
// which encoding/json keeps the last.
func duplicates(body []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(body))
	var value func() bool
	value = func() bool {
		token, _ := dec.Token()
		seen := map[any]bool{}
		for token == json.Delim('{') && dec.More() {
			name, _ := dec.Token()
			if seen[name] || value() {
				return true
			}
			seen[name] = true
		}
		for token == json.Delim('[') && dec.More() {
			if value() {
				return true
			}
		}
		if _, open := token.(json.Delim); open {
			dec.Token()
		}
		return false
	}
	return value()
}

// FuzzTime checks times against package time.
func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-01-31T23:59:59.123Z", "2024-02-29T00:00:00+02:00", "1600-03-01T00:00:00.1234567-23:59", "2026-11-21T08:44:50.776+00:00", "0000-01-01T00:00:00Z"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := segment.ParseTime([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		if err != nil || len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' {
			return // ISO 8601 has more forms, and package time takes an hour of one digit
		}
		if !ok || got != want.Truncate(time.Microsecond).UnixMicro() && want.Year() > 0 {
			t.Errorf("%q: %d %v, want %d", s, got, ok, want.UnixMicro())
		}
	})
}

func TestParseTime(t *testing.T) {
	for s, want := range map[string]string{
		"2026-01-31":                       "2026-01-31T00:00:00.000Z",
		"2026-01-31T12:30":                 "2026-01-31T12:30:00.000Z",
		"2026-01-31 12:30:01":              "2026-01-31T12:30:01.000Z",
		"2026-01-31t12:30:01,5z":           "2026-01-31T12:30:01.500Z",
		"2026-01-31T12:30:01.5+0130":       "2026-01-31T11:00:01.500Z",
		"2026-01-31T12:30:01-01":           "2026-01-31T13:30:01.000Z",
		"2026-12-31T23:59:60Z":             "2026-12-31T23:59:59.000Z",
		"2026-11-21T08:44:51.275647+00:00": "2026-11-21T08:44:51.275647Z",
	} {
		got, ok := segment.ParseTime([]byte(s))
		if text := string(segment.AppendTime(nil, got)); !ok || text != want {
			t.Errorf("%q: %s %v, want %s", s, text, ok, want)
		}
	}
	for _, s := range []string{"", "2026", "2026-13-01", "2026-02-29", "2026-00-10", "2026-01-32", "2026-01-31T", "2026-01-31T24:00", "2026-01-31T12:60", "2026-01-31T12:00:61",
		"2026-01-31T12:00:00.", "2026-01-31T12:00:00Zx", "2026-01-31T12:00:00+24:00", "2026-01-31T12:00:00+", "20260131T120000Z", "now", "2026-01-31T12:00:00*01"} {
		if got, ok := segment.ParseTime([]byte(s)); ok {
			t.Errorf("%q is taken for %d", s, got)
		}
	}
}
